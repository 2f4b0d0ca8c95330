# SPDX-License-Identifier: EUPL-1.2
"""The seal: what it closes opens only with the key, and only for what it was closed for."""

import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.cli import demo_key
from bot.seal import seal_of
from bot.settings import Settings
from handlers.desk.sealing import BrokenSeal, Seal


def seal(keys: str) -> Seal:
    found = seal_of(Settings(encryption_key=SecretStr(keys)))
    assert found
    return found


def test_what_is_sealed_opens_again_and_gives_nothing_away() -> None:
    sealed = seal("a key").close("a secret", "protected:12")
    assert "secret" not in sealed and seal("a key").open(sealed, "protected:12") == "a secret"


@pytest.mark.parametrize(("keys", "about"), [("another key", "protected:12"), ("a key", "protected:13")])
def test_it_opens_neither_with_another_key_nor_for_something_else(keys: str, about: str) -> None:
    sealed = seal("a key").close("a secret", "protected:12")
    with pytest.raises(BrokenSeal):
        seal(keys).open(sealed, about)
    with pytest.raises(BrokenSeal):
        seal("a key").open("", "protected:12")


def test_a_key_is_replaced_without_losing_what_was_sealed() -> None:
    old, both, new = seal("old"), seal("new, old"), seal("new")
    assert both.open(old.close("a secret", "x"), "x") == "a secret"
    assert new.open(both.close("a secret", "x"), "x") == "a secret"


def test_those_who_were_deleted_are_recognised_while_a_key_is_being_replaced() -> None:
    assert Settings(encryption_key=SecretStr("new,old")).erasure_key == b"old"


def test_without_a_key_there_is_no_seal() -> None:
    assert seal_of(Settings(encryption_key=SecretStr(""), secret_key=SecretStr(""))) is None
    assert seal_of(Settings(encryption_key=SecretStr(""), secret_key=SecretStr("a key"))) is not None


def test_the_demonstration_keeps_a_key_of_its_own_that_only_its_owner_reads(tmp_path: Path) -> None:
    key = demo_key(f"sqlite:///{tmp_path}/desk.sqlite")
    assert len(key) > 40 and demo_key(f"sqlite:///{tmp_path}/desk.sqlite") == key
    assert stat.S_IMODE((tmp_path / "desk.key").stat().st_mode) == 0o600
