# SPDX-License-Identifier: EUPL-1.2
"""Messages that did not arrive: why, and what can be done."""

from starlette.responses import Response

from bot.console.page import Page, get, post
from handlers.desk.office.deliveries import AT_A_TIME
from handlers.talk import _
from handlers.talk.reasons import why


def problems(page: Page) -> Response:
    before, after, settled = page.number("before"), page.number("after"), page.asked("settled") == "1"
    with page.writing() as office:  # that somebody looked is written down: there are words to people on it
        found = office.deliveries.problems(before=before, after=after, settled=settled)
        waiting = [] if before or after or settled else office.deliveries.waiting()
        whose = {one.person_id for one in found} | {one.person_id for one in waiting}
        masks = office.conversations.masks.of(office.store.reviews.names_of(whose))
        office.note("deliveries_read", "deliveries")
    shown = found[-AT_A_TIME:] if after else found[:AT_A_TIME]
    said = [(one.id, one.person_id, one.text) for one in shown] + [(one.id, one.person_id, one.text) for one in waiting]
    is_more = len(found) > AT_A_TIME
    return page.show(
        "deliveries/list.html",
        problems=shown,
        settled=settled,
        waiting=waiting,
        words={id: masks[whose].text(text) for id, whose, text in said},
        why=why,
        newer=shown[0].id if shown and (before or (after and is_more)) else None,
        older=shown[-1].id if shown and (after or is_more) else None,
    )


def again(page: Page) -> Response:
    with page.writing() as office:
        office.deliveries.again(page.id())
    return page.go("/console/deliveries", _("It is on its way again."))


def settle(page: Page) -> Response:
    with page.writing() as office:
        office.deliveries.settle(page.id())
    return page.go("/console/deliveries", _("It is off the list."))


ROUTES = (
    get("/console/deliveries", "deliveries", "read", problems),
    post("/console/deliveries/{id}/again", "deliveries", "write", again),
    post("/console/deliveries/{id}/settle", "deliveries", "write", settle),
)
