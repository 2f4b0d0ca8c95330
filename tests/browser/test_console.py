# SPDX-License-Identifier: EUPL-1.2
"""The console in a real browser: each role's day, with a keyboard alone, live, and with nothing that axe minds."""

import json
import random
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from bot.console.menu import lines_for
from handlers.rules.roles import ROLES
from tests.browser.demo import Demo

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
NOT_BUILT = "/static/vendor/"  # styles and fonts, where they were left out of the installation
WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective, event.blockedURI));
"""


@dataclass
class Desk:
    """Somebody of the staff at a browser of their own, and everything the pages did that they should not have."""

    page: "Page"
    url: str
    role: str
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def goes(self, path: str) -> None:
        answer = self.page.goto(self.url + path)
        assert answer and answer.status == 200, (path, answer and answer.status)

    def is_sound(self) -> None:
        """Nothing slid out sideways, nothing was complained about, nobody else was asked for anything."""
        wide = "e => e.scrollWidth > e.clientWidth"
        assert not self.page.locator("html").evaluate(wide), f"{self.page.url} scrolls sideways"
        assert self.page.evaluate("violations") == [], self.page.url
        assert self.complaints == [], self.page.url
        assert self.hosts == {urlsplit(self.url).netloc}

    def is_open_to_everybody(self) -> None:
        """Nothing that axe-core finds moderate, serious or critical."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        parts = [(one["id"], node["html"]) for one in found if one["impact"] != "minor" for node in one["nodes"]]
        assert parts == [], self.page.url


@pytest.fixture(scope="module")
def links(demo: Demo) -> dict[str, str]:
    """The way in of each role, as the demonstration prints it; it opens once."""
    return dict(re.findall(r"^ +(\w+) +(http\S+/console/link/\S+)$", demo.said, re.MULTILINE))


@pytest.fixture(scope="module")
def desks(browser: "Browser", demo: Demo, links: dict[str, str]) -> "Iterator[Callable[[str], Desk]]":
    """The desk of each role, where somebody has come in by their link."""
    known: dict[str, Desk] = {}

    def desk(role: str) -> Desk:
        if role not in known:
            context = browser.new_context(locale="it-IT", viewport=WIDE)
            context.add_init_script(WATCH)
            context.set_default_timeout(20_000)
            made = known[role] = Desk(context.new_page(), demo.url, role)
            made.page.on("console", lambda one: complain(made, one.type, one.text, one.location["url"]))
            made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
            made.page.on("request", lambda request: made.hosts.add(urlsplit(request.url).netloc))
            made.page.goto(links[role])
            made.page.locator("main form button").first.click()
            made.page.wait_for_url("**/console")
        return known[role]

    yield desk
    for one in known.values():
        one.page.context.close()


def complain(desk: Desk, kind: str, words: str, url: str) -> None:
    if kind in ("error", "warning") and NOT_BUILT not in url:
        desk.complaints.append(f"{words} {url}")


def writes(demo: Demo, who: str, text: str) -> None:
    """Somebody writes from a simulated phone."""
    asks(demo, "/simulator/messages", {"channel": "telegram", "from": who, "text": text})


def asks(demo: Demo, path: str, said: dict[str, str]) -> None:
    """What the simulator's page asks of the desk."""
    asked = urllib.request.Request(demo.url + path, json.dumps(said).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(asked, timeout=20).read()


def test_each_role_prints_its_way_in(links: dict[str, str]) -> None:
    assert set(links) == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_the_day_of_a_role_from_its_first_page_to_its_last(
    desks: "Callable[[str], Desk]", demo: Demo, looked_at: set[str], role: str
) -> None:
    writes(demo, f"visitor-{role}", "voglio parlare con una persona")
    desk = desks(role)
    for line in lines_for({role}):
        for path in (line.path, *leads_to(desk, line.path)):
            if path == line.path or kind_of(path) not in looked_at:
                desk.page.set_viewport_size(WIDE)
                desk.goes(path)
                desk.is_sound()
                if kind_of(path) not in looked_at:
                    desk.is_open_to_everybody()
                desk.page.set_viewport_size(NARROW)
                desk.is_sound()
                looked_at.add(kind_of(path))


@pytest.fixture(scope="module")
def looked_at() -> set[str]:
    """The kinds of pages that have been looked at closely: what several roles share is so looked at once."""
    return set()


def leads_to(desk: Desk, path: str) -> list[str]:
    """One page of each kind to which this one leads, further into its own room."""
    desk.goes(path)
    inside = desk.page.locator("main a[href^='/console/']")
    found = inside.evaluate_all("all => all.map(one => one.getAttribute('href'))")
    kinds = {kind_of(one): one for one in found if one.startswith(f"{path}/") and not NO_PAGE.search(one)}
    return list(kinds.values()) if path != "/console" else []


NO_PAGE = re.compile(r"\.(json|csv|xlsx)|/(file|chat|download|next)\b")  # what is saved, or leads on


def kind_of(path: str) -> str:
    """An address without what differs between two pages of a kind."""
    return re.sub(r"/[^/]*\d[^/]*", "/N", urlsplit(path).path)


def test_a_message_is_on_the_list_within_a_second(desks: "Callable[[str], Desk]", demo: Demo) -> None:
    desk, took = desks("operator"), []
    desk.goes("/console/conversations")
    desk.page.wait_for_timeout(500)  # the page has begun to listen
    for _attempt in range(3):
        words = f"parola {''.join(random.choices('abcdefgh', k=12))}"
        began = time.monotonic()
        writes(demo, "hurry", words)
        desk.page.get_by_text(words).first.wait_for()
        took.append(time.monotonic() - began)
    assert min(took) < 1, took
    desk.is_sound()


def test_the_list_is_walked_with_the_keyboard_alone(desks: "Callable[[str], Desk]", demo: Demo) -> None:
    writes(demo, "keys", "ciao")
    desk = desks("operator")
    desk.goes("/console/conversations")
    keyboard = desk.page.keyboard
    keyboard.press("Tab")
    assert desk.page.evaluate("document.activeElement.getAttribute('href')") == "#content"
    keyboard.press("Enter")
    assert desk.page.evaluate("document.activeElement.id") == "content"
    keyboard.press("j")
    assert desk.page.evaluate("document.activeElement.hasAttribute('data-item')")
    keyboard.press("Enter")
    desk.page.wait_for_url(re.compile(r"/console/conversations/\d+"))
    desk.is_sound()


# What each role does with a keyboard alone: a page, then where the focus goes, and what is typed there.
DEEDS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "tutor": ("/console/conversations/{}", (("form[action$='/labels'] #label", "da richiamare"),)),
    "counsellor": ("/console/conversations/{}", (("form[action$='/labels'] #label", "job club"),)),
    "operator": ("/console/questions", (("form[action$='/faq-02/move'] button", ""),)),
    "l68_operator": (
        "/console/people/{}/protected",
        (
            ("#listed", "down"),
            ("#checked_by", "Centro per l’impiego"),
            ("#expires_on", "01012028"),
            ("main form button", ""),
        ),
    ),
    "privacy_officer": (
        "/console/rights/new",
        (("#person", "{}"), ("#kind", "down"), ("#came_by", "down"), ("main form button", "")),
    ),
    "administrator": ("/console/settings", (("main form button", ""),)),
}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_does_something_with_the_keyboard_alone(
    desks: "Callable[[str], Desk]", demo: Demo, role: str
) -> None:
    writes(demo, "somebody to look after", "ciao")
    person = str(newest(desks("operator")))
    desk, (path, deeds) = desks(role), DEEDS[role]
    desk.page.set_viewport_size(NARROW)
    desk.goes(path.format(person))
    for where, words in deeds:
        walks_to(desk, where)
        if words == "down":
            desk.page.keyboard.press("ArrowDown")
        elif words:
            desk.page.keyboard.type(words.format(person))
    with desk.page.expect_navigation():
        desk.page.keyboard.press("Enter")
    desk.page.locator("#said p").wait_for()
    desk.is_sound()
    desk.page.set_viewport_size(WIDE)
    desk.is_sound()


def newest(desk: Desk) -> int:
    """Who is first on the list."""
    desk.goes("/console/conversations")
    return int((desk.page.locator("a[data-item]").first.get_attribute("href") or "").rsplit("/", 1)[1])


def walks_to(desk: Desk, where: str) -> None:
    """Tab by Tab until the focus is there."""
    for _step in range(150):
        if desk.page.evaluate("where => document.activeElement.matches(where)", where):
            return
        desk.page.keyboard.press("Tab")
    raise AssertionError(f"no Tab leads to {where} on {desk.page.url}")


def test_one_takes_over_the_other_is_told_and_who_goes_away_gives_back(
    desks: "Callable[[str], Desk]", demo: Demo
) -> None:
    writes(demo, "patient", "ciao")
    one, other = desks("operator"), desks("tutor")
    for desk in (one, other):
        desk.goes("/console/conversations")
        desk.page.locator("a[data-item]").first.click()
        desk.page.wait_for_url(re.compile(r"/console/conversations/\d+"))
    assert one.page.url == other.page.url
    one.page.locator("button[formaction$='/take']").first.click()
    one.page.locator("form[action$='/reply'] textarea").wait_for()
    other.page.locator("button[formaction$='/take']").first.click()
    other.page.get_by_text("Fabrizio Godino").first.wait_for()
    assert [one for one in other.complaints if "409" not in one] == []
    other.complaints.clear()
    one.page.locator("form[action$='/reply'] textarea").fill("Buongiorno, sono qui per te.")
    one.page.locator("form[action$='/reply'] button[value=send]").click()
    one.page.get_by_text("Buongiorno, sono qui per te.").first.wait_for()
    one.goes("/console")  # and never comes back to it
    asks(demo, "/simulator/clock", {"choose": "in_an_hour"})
    other.page.get_by_text("Ora ti risponde di nuovo il programma.").first.wait_for()


def test_who_leaves_is_out(desks: "Callable[[str], Desk]") -> None:
    """Last of all: nobody comes in by the same link again."""
    for role in ROLES:
        desk = desks(role)
        desk.goes("/console")
        desk.page.locator("form[action='/console/sign-out'] button").click()
        # A live part that asks just then is told that nobody is here, and sent to the same page to come back from.
        desk.page.wait_for_url(re.compile(r"/console/sign-in(\?|$)"))
        desk.complaints[:] = [one for one in desk.complaints if "401" not in one]
        desk.is_sound()
        desk.is_open_to_everybody()
        desk.page.goto(desk.url + "/console/conversations")
        assert "/console/sign-in" in desk.page.url
