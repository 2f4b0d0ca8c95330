# SPDX-License-Identifier: EUPL-1.2
"""What can happen on stage around the private address of an agenda."""

import re
from urllib.parse import urlsplit

import httpx
from icalendar import Calendar
from starlette.testclient import TestClient

from bot.main import Sportello, web
from tests.stage import Stage, direction

ADDRESS = re.compile(r"https://\S+/calendar/\S+")


@direction(r"the desk can be reached at (https://\S+)")
def reached_at(stage: Stage, public_url: str) -> None:
    stage.public_url = public_url


@direction(r"a calendar finds «(.+)» at the address (\w+) was given")
def finds(stage: Stage, title: str, who: str) -> None:
    answer = asked(stage, addresses(stage, who)[-1])
    events = Calendar.from_ical(answer.content).walk("VEVENT")
    assert title in {str(event["summary"]) for event in events}


@direction(r"a calendar finds nothing at (any|the first) address (\w+) was given")
def finds_nothing(stage: Stage, which: str, who: str) -> None:
    given = addresses(stage, who)
    assert {asked(stage, one).status_code for one in (given if which == "any" else given[:1])} == {404}


def addresses(stage: Stage, who: str) -> list[str]:
    """Every address somebody was shown, each once, the oldest first."""
    shown = [found[0] for message in stage.shown_to(who) if (found := ADDRESS.search(message.text))]
    return list(dict.fromkeys(shown))


def asked(stage: Stage, address: str) -> httpx.Response:
    """What the desk answers to a calendar."""
    found: list[httpx.Response] = []

    def ask(desk: Sportello) -> None:
        browser = TestClient(web(desk, with_worker=False), base_url=stage.public_url)
        found.append(browser.get(urlsplit(address).path))

    stage.played(ask)
    return found[0]
