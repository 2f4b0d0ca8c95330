# SPDX-License-Identifier: EUPL-1.2
"""Two people who are the same: side by side, made one, and parted again."""

import re
from collections.abc import Callable
from typing import TypeVar

from starlette.responses import Response

from bot.console.page import Page, get, post
from handlers.desk.merging import PROFILE
from handlers.desk.office import Office
from handlers.talk import Gone, _
from handlers.talk.profile import LEVELS
from storage import Contested

Done = TypeVar("Done")
TRIES = 2


def choose(page: Page) -> Response:
    """With another number: both, side by side. Else the question who the other one is."""
    other = page.asked("other")
    found = re.fullmatch(r"(?:\w+\s+|#\s*)?(\d{1,15})", other)
    with page.writing() as office:  # that somebody looked at both is written down
        if not found:
            office.desk_of(page.id())
            wrong = _("Write the number of a person, for example 12.") if other else None
            return page.show("people/merge.html", 422 if other else 200, both=None, other=other, wrong=wrong)
        stays, goes = page.id(), int(found[1])
        try:
            both = office.merging.compare(stays, goes)
        except Gone:
            office.desk_of(stays)
            wrong = _("There is nobody with this number.")
            return page.show("people/merge.html", 422, both=None, other=other, wrong=wrong)
        for id in (stays, goes):
            office.note("person_seen", f"person:{id}")
    return page.show("people/merge.html", both=both, other=other, wrong=None, levels=LEVELS)


def merge(page: Page) -> Response:
    given = page.given("other")
    if not (given.isascii() and given.isdigit() and len(given) <= 15):
        raise Gone
    chosen = {name: page.given(name) for name in PROFILE}
    firmly(page, lambda office: office.merging.merge(page.id(), int(given), chosen))
    return page.go(f"/console/people/{page.id()}", _("They are one person now. You can undo it for 30 days."))


def undo(page: Page) -> Response:
    found = firmly(page, lambda office: office.merging.undo(page.id("merge")))
    return page.go(f"/console/people/{found.person_id}", _("They are two people again."))


def firmly(page: Page, act: Callable[[Office], Done]) -> Done:
    """Once more where a message of theirs came at that very moment and held what we needed."""
    for _attempt in range(TRIES):
        try:
            with page.writing() as office:
                return act(office)
        except Contested:
            continue
    with page.writing() as office:
        return act(office)


ROUTES = (
    get("/console/people/{id}/merge", "people", "merge", choose),
    post("/console/people/{id}/merge", "people", "merge", merge),
    post("/console/merges/{merge}/undo", "people", "merge", undo),
)
