# SPDX-License-Identifier: EUPL-1.2
"""The door of the console: who is not signed in, not allowed, or sends a form that is not ours, stays outside."""

from collections.abc import Iterator

import pytest

from bot.console.app import ROUTES
from handlers.rules.roles import ROLES, ROOMS, may
from tests.console.office import House


def filled(path: str) -> str:
    """An address with numbers where it has gaps."""
    return "/".join("1" if part.startswith("{") else part for part in path.split("/"))


def test_who_is_not_signed_in_is_led_to_the_door(house: House) -> None:
    stranger = house.stranger()
    for entry in ROUTES:
        answer = stranger.request(entry.method, filled(entry.path), follow_redirects=False)
        assert answer.status_code == 303 and answer.headers["Location"].startswith("/console/sign-in"), entry.path


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_may_not_do_is_answered_403_and_written_down(house: House, role: str) -> None:
    visitor, refused = house.as_(role), []
    for entry in ROUTES:
        if not may({role}, entry.room, entry.action):
            answer = visitor.get(filled(entry.path)) if entry.method == "GET" else visitor.post(filled(entry.path))
            assert answer.status_code == 403, entry.path
            refused.append(entry)
    assert house.audited("forbidden") == [
        (f"staff:{visitor.member.id}", "forbidden", f"console:{entry.room}") for entry in refused
    ]


def test_every_page_says_who_may_open_it() -> None:
    assert [entry.path for entry in ROUTES if entry.action not in ROOMS[entry.room]] == []


def test_a_form_that_is_not_ours_changes_nothing(house: House) -> None:
    for entry in ROUTES:
        if entry.method == "POST":
            role = next(role for role in ROLES if may({role}, entry.room, entry.action))
            visitor, path = house.as_(role), filled(entry.path)
            for forged in ({}, {"form_key": "guessed"}):
                assert visitor.browser.post(path, data=forged, follow_redirects=False).status_code == 403, path
            theirs = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
            ours = {"form_key": visitor.form_key}
            assert visitor.browser.post(path, data=ours, headers=theirs).status_code == 403, path


def test_a_form_without_a_length_is_not_read(house: House) -> None:
    def endless() -> Iterator[bytes]:
        yield b"form_key=x"

    assert house.as_("tutor").browser.post("/console/sign-out", content=endless()).status_code == 413
