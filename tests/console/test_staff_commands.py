# SPDX-License-Identifier: EUPL-1.2
"""Staff from the command line."""

from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from bot import cli
from handlers.desk.office.coming_in import hashed
from tests.console.at_the_door import PASSWORD, Stranger
from tests.console.office import House

FIRST = ("add", "First@example.org", "--role", "administrator", "--name", "Prima Persona")


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    house.now = datetime.now(UTC)  # a command lives in real time
    monkeypatch.setenv("DATABASE_URL", house.settings.database_url)
    monkeypatch.setenv("PUBLIC_URL", "http://testserver")
    return lambda *words: CliRunner().invoke(cli.app, ["staff", *words])


def token_in(output: str) -> str:
    return output.rsplit("/console/link/", 1)[1].strip()


def test_the_first_administrator_gets_a_link_that_opens_once(house: House, run: Any) -> None:
    done = run(*FIRST)
    assert done.exit_code == 0, done.output
    with house.store() as store:
        found = store.staff.with_email("first@example.org")
    assert found.name == "Prima Persona" and found.roles == {"administrator"}
    who, link = Stranger(house), f"/console/link/{token_in(done.output)}"
    assert who.post(link, password=PASSWORD).headers["Location"].startswith("/console/second-factor")
    assert Stranger(house).get(link).status_code == 410


@pytest.mark.parametrize(
    "words",
    [
        ("add", "t01@example.org", "--role", "tutor"),
        ("add", "x@example.org", "--role", "queen"),
        ("add", "x", "--role", "tutor"),
        ("add", "x@example.org", "--role", "tutor", "--area", "mars"),
        ("link", "nobody@example.org"),
        ("close", "nobody@example.org"),
        ("close", "a01@example.org"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(house: House, run: Any, words: tuple[str, ...]) -> None:
    def everybody() -> list[Any]:
        with house.store() as store:
            found: list[Any] = store.staff.all()
        return found

    before, done = everybody(), run(*words)
    assert done.exit_code == 1 and done.output.strip() and everybody() == before


def test_a_new_link_ends_the_one_before_and_closing_ends_both(house: House, run: Any) -> None:
    run(*FIRST)
    tokens = [token_in(run("link", "t01@example.org").output) for _link in range(2)]
    with house.store() as store:
        is_open = [store.staff.link(hashed(token), house.now) is not None for token in tokens]
    assert is_open == [False, True]
    assert run("close", "a01@example.org").exit_code == 0 and run("close", "t01@example.org").exit_code == 0
    with house.store() as store:
        assert store.staff.link(hashed(tokens[1]), house.now) is None
        assert {one.role for one in store.staff.all() if one.closed_at} == {"administrator", "tutor"}
