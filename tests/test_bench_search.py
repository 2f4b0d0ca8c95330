# SPDX-License-Identifier: EUPL-1.2
"""The bench of searching, at a size that says nothing about speed."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

import storage
from bot.bench import search
from bot.cli import app
from storage import migration
from tests.database import Databases


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, size in {"SEARCHES": 3, "BASELINES": 1, "CAUGHT_UP": 500, "AT_ONCE": 400, "VOCABULARY": 2_000}.items():
        monkeypatch.setattr(search, name, size)
    monkeypatch.setitem(search.KINDS, "rare", (1_800, 2_000))
    search.vocabulary.cache_clear()
    yield
    search.vocabulary.cache_clear()


def test_every_kind_of_word_is_looked_for_with_every_filter() -> None:
    done = CliRunner().invoke(app, ["bench", "search", "--messages", "1500", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert list(found) == ["bench", "messages", "ratio", "longest_p99_ms", "us_per_message", "sqlite"]
    one = found["sqlite"]
    assert {kind: list(filters) for kind, filters in one["first_page"].items()} == {
        kind: list(search.FILTERS) for kind in search.KINDS
    }
    hits = [filters["alone"]["hits"] for filters in one["first_page"].values()]
    assert hits[0] == 50 and hits == sorted(hits, reverse=True)  # from the stop words to the rare ones
    assert all(0 < page["p50_ms"] <= page["p99_ms"] for kind in one["first_page"].values() for page in kind.values())
    assert one["index"]["in_batches"] + one["index"]["in_bulk"] == 1500
    assert "µs, off its path" in search.in_words(found)


def test_the_same_lines_are_made_each_time() -> None:
    assert list(search.lines(30)) == list(search.lines(30))
    assert len(set(search.lines(30))) == 30


@pytest.mark.postgres
def test_a_database_that_holds_something_is_left_alone(databases: Databases, tmp_path: Path) -> None:
    with databases.empty("postgresql") as url:
        with pytest.raises(ValueError, match="not empty"):
            search.at(url, 200)
        with closing(storage.open(url)) as found:
            assert migration.is_current(found)
            migration.downgrade(found)
        assert search.at(url, 200)["index"]["in_batches"] == 200
        with closing(storage.open(url)) as found:
            assert not migration.is_current(found)
