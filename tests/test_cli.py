# SPDX-License-Identifier: EUPL-1.2
"""The command line, as somebody at a keyboard uses it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.database import DEMO

ITALIAN = ("ciao", "2", "1", "1", "sì", "1987", "Amina", "bolonia", "pulizie", "così così", "sì", "no", "sì")
ENGLISH = ("hello", "2", "1", "1", "yes", "1987", "Joy", "s. lazzaro", "cleaner", "a little", "yes", "no", "yes")


def run(folder: Path, *words: str, said: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{folder}/desk.sqlite", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "bot", *words]
    text = "".join(line + "\n" for line in said)
    return subprocess.run(command, input=text, capture_output=True, text=True, env=environment, timeout=90, check=False)


@pytest.mark.parametrize(
    ("said", "language", "answer"),
    [(ITALIAN, "it", "Amina, il tuo posto c’è."), (ENGLISH, "en", "Joy, your place is booked.")],
    ids=["Italian", "English"],
)
def test_from_the_first_word_to_a_place_in_fourteen_messages(
    tmp_path: Path, said: tuple[str, ...], language: str, answer: str
) -> None:
    assert len(said) <= 14
    play = tmp_path / "a_place.chat"
    done = run(tmp_path, "chat", "--as", "Somebody", "--language", language, "--save", str(play), said=said)
    assert done.returncode == 0, done.stderr
    assert answer in done.stdout
    written = play.read_text(encoding="utf-8")
    assert written.startswith("# Somebody talks to Sportello")
    assert all(f"Somebody: {line}\n" in written for line in said)
    assert f"Sportello to Somebody: {answer}" in written


def test_whatsapp_has_its_own_limits(tmp_path: Path) -> None:
    done = run(tmp_path, "chat", "--channel", "whatsapp", said=("ciao", "privacy"))
    assert done.returncode == 0, done.stderr
    assert "I tuoi diritti" in done.stdout


def test_loading_says_what_was_loaded_and_what_has_no_place_yet(tmp_path: Path) -> None:
    done = run(tmp_path, "load", str(DEMO))
    assert done.returncode == 0, done.stderr
    assert "territories.yaml: areas 3 new; unions 10 new; comuni 68 new" in done.stdout
    assert "opportunities.yaml: validated, not loaded (no place for it yet)" in done.stdout


def test_a_bad_row_is_named_by_file_and_line_and_nothing_is_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "content"
    shutil.copytree(DEMO, folder)
    workshops = folder / "workshops.yaml"
    workshops.write_text(
        workshops.read_text(encoding="utf-8").replace("capacity: 14", "capacity: many", 1), encoding="utf-8"
    )
    done = run(tmp_path, "load", str(folder))
    assert done.returncode == 1
    assert "workshops.yaml:" in done.stderr and "Nothing was loaded" in done.stderr
    again = run(tmp_path, "load", str(DEMO))
    assert "comuni 68 new" in again.stdout


def test_the_tables_are_made_and_the_conversations_listed(tmp_path: Path) -> None:
    assert "up to date" in run(tmp_path, "migrate").stdout
    steps = run(tmp_path, "map").stdout
    assert "registration: birth_year" in steps and "workshops: choose" in steps


def test_a_desk_without_a_privacy_notice_asks_nothing(tmp_path: Path) -> None:
    """The warning of ``serve``, seen through a command that ends by itself."""
    empty = tmp_path / "empty"
    empty.mkdir()
    done = run(tmp_path, "load", str(empty))
    assert "No privacy notice is loaded" in done.stderr


def test_a_bench_compares_both_sides_in_one_run(tmp_path: Path) -> None:
    done = run(tmp_path, "bench", "inbound", "--people", "3", "--rounds", "1", "--json")
    assert done.returncode == 0, done.stderr
    for word in ('"ratio"', '"ratio_one_by_one"', '"p99_ms"', '"cpu_us_per_turn"', '"peak_mb"', '"baseline"'):
        assert word in done.stdout
