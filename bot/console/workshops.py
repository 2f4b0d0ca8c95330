# SPDX-License-Identifier: EUPL-1.2
"""Workshops and who comes: what is on, new ones, and changes with the notices shown before they go."""

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

from starlette.responses import Response

from bot.console.page import Page, get, post
from bot.console.planning import MODES, NEWS, RESTS, STATES, TONGUES, address, typed, written
from handlers.desk.office import Office
from handlers.desk.office.rehearsal import Consequences
from handlers.desk.office.workshops import KNOWN_LANGUAGES, Card, Choices, Told, Workshops
from handlers.desk.office.written import SEEN, Written
from handlers.moments import rome_day
from handlers.rules.content.kinds import LEVELS
from handlers.rules.job_clubs import COUNSELLORS
from handlers.rules.recurrence import EVERY
from handlers.talk import Text, _
from handlers.talk.text import n_, p_

LIST = "/console/workshops"
REPEATS: Mapping[str, Text] = {
    "once": p_("how often", "Once"),
    "week": p_("how often", "Every week"),
    "two_weeks": p_("how often", "Every two weeks"),
    "month": p_("how often", "Every month, on the same weekday"),
}
FIELDS: Mapping[str, Text] = {
    "title_it": _("Title in Italian"),
    "title_en": _("Title in English"),
    "summary_it": _("What it is about, in Italian"),
    "summary_en": _("What it is about, in English"),
    "bring_it": _("What to bring, in Italian"),
    "bring_en": _("What to bring, in English"),
    "series": _("Series"),
    "tutor": _("Tutor"),
    "languages": _("Languages"),
    "level": _("Italian level, at least"),
    "counts": _("It counts for the path"),
    "minutes": _("How long, in minutes"),
    "opens": _("Booking begins"),
    "closes": _("Booking ends"),
}
CHANGES: Mapping[str, tuple[Text, Callable[[Workshops, int, Written], Consequences | Told | None]]] = {
    "move": (_("Move"), Workshops.move),
    "switch": (_("In person or online"), Workshops.switch),
    "resize": (_("Change the places"), Workshops.resize),
    "call-off": (_("Call it off"), Workshops.call_off),
    "entrust": (_("Who holds the meeting"), Workshops.entrust),
}


# ---- looking


def index(page: Page) -> Response:
    with page.reading() as office:
        choices = office.workshops.choices()
        wishes = asked_for(page, choices)
        sought = office.workshops.sought(**wishes)
        found = office.workshops.listed(sought, after=page.asked("after"), before=page.asked("before"))
    asked = {name: page.asked(name) for name in ("when", "what", "series", "area", "venue", "tutor", "places", "state")}
    asked["counts"] = "1" if page.asked("counts") == "1" else ""
    by_day = [(day, list(rows)) for day, rows in groupby(found.rows, key=lambda row: rome_day(row.line.starts_at))]
    return page.show(
        "workshops/list.html",
        by_day=by_day,
        choices=choices,
        asked=asked,
        is_past=sought.is_past,
        is_filtered=any(value for name, value in asked.items() if name != "when"),
        modes=MODES,
        back=address(LIST, **asked, before=found.back) if found.back else None,
        on=address(LIST, **asked, after=found.on) if found.on else None,
    )


def asked_for(page: Page, choices: Choices) -> dict[str, Any]:
    """The filters of the address; what is none of the choices is no wish."""

    def among(name: str, known: set[str]) -> str | None:
        return page.asked(name) if page.asked(name) in known else None

    tutor = among("tutor", {str(one.id) for one in choices.tutors})
    return {
        "is_past": page.asked("when") == "past",
        "is_meeting": {"workshops": False, "meetings": True}.get(page.asked("what")),
        "series_id": among("series", {one.id for one in choices.series}),
        "area_id": among("area", {one.id for one in choices.areas}),
        "venue_id": among("venue", {one.id for one in choices.venues}),
        "tutor_id": int(tutor) if tutor else None,
        "is_full": {"full": True, "free": False}.get(page.asked("places")),
        "counts_for_path": True if page.asked("counts") == "1" else None,
        "is_called_off": {"on": False, "off": True}.get(page.asked("state")),
    }


def card(page: Page) -> Response:
    id, names = page.id(), page.may("people", "write")
    with page.writing() if names else page.reading() as office:
        found = office.workshops.card(id)
        if names and found.crowd:
            office.note("attenders_read", f"workshop:{id}")
    return page.show("workshops/card.html", card=found, names=names, modes=MODES, states=STATES, tongues=TONGUES)


# ---- new ones


def new(page: Page) -> Response:
    with page.reading() as office:
        return new_form(page, office, office.workshops.blank(page.asked("series")))


def copy(page: Page) -> Response:
    with page.reading() as office:
        return new_form(page, office, office.workshops.copy(page.id()))


def create(page: Page) -> Response:
    form = written(page)
    with page.writing() as office:
        if form.ticked("back"):
            return new_form(page, office, form)
        if form.ticked("sure"):
            ids = office.workshops.create(form)
            if ids is not None:
                said = n_("{count} workshop is planned.", "{count} workshops are planned.", len(ids))
                return page.go(f"{LIST}/{ids[0]}" if len(ids) == 1 else LIST, said)
        plan = office.workshops.planned(form)
        if plan is None:
            return new_form(page, office, form, status=422)
        status = 422 if form.wrong else 200
        return page.show("workshops/dates.html", status, form=form, plan=plan, typed=without_days(form), rests=RESTS)


def without_days(form: Written) -> list[tuple[str, str]]:
    """What was typed, without the days that were left out: those are chosen again on the page."""
    return [(name, value) for name, value in typed(form) if name != "without"]


def new_form(page: Page, office: Office, form: Written, status: int = 200) -> Response:
    return page.show(
        "workshops/new.html", status, form=form, choices=office.workshops.choices(), repeats=REPEATS, **on_offer()
    )


def on_offer() -> dict[str, Any]:
    """What stands in the choices of every form."""
    tongues = {one: TONGUES[one] for one in KNOWN_LANGUAGES}
    return {"modes": MODES, "tongues": tongues, "levels": [(one, LEVEL.get(one, one)) for one in LEVELS]}


LEVEL: Mapping[str, Text] = {"native": p_("Italian level", "Mother tongue")}


# ---- words and facts


def edit(page: Page) -> Response:
    with page.reading() as office:
        return edit_form(page, office, office.workshops.filled(page.id()))


def save(page: Page) -> Response:
    form = written(page)
    with page.writing() as office:
        if not office.workshops.edit(page.id(), form):
            return edit_form(page, office, form, status=422)
    return page.go(f"{LIST}/{page.id()}", _("It is saved."))


def edit_form(page: Page, office: Office, form: Written, status: int = 200) -> Response:
    found = office.workshops.filled(page.id())
    differs = [name for name in FIELDS if found.all(name) != form.all(name)] if SEEN in form.wrong else []
    return page.show(
        "workshops/edit.html",
        status,
        form=form,
        seen=found.get(SEEN),
        now=[(FIELDS[name], shown_as(name, found, office)) for name in differs],
        line=office.store.workshops.one_line(page.id()),
        choices=office.workshops.choices(),
        **on_offer(),
    )


def shown_as(name: str, form: Written, office: Office) -> str:
    """A field of a form as somebody reads it who does not see the form."""
    values = form.all(name)
    if name == "tutor":
        return ", ".join(office.store.staff.names([int(one) for one in values]).values())
    if name == "languages":
        return ", ".join(TONGUES.get(one, one) for one in values)
    return ", ".join(values).replace("T", " ") if name in ("opens", "closes") else ", ".join(values)


# ---- changes that people hear of


def ask(what: str) -> Callable[[Page], Response]:
    """The form of a change."""

    def answer(page: Page) -> Response:
        with page.reading() as office:
            found = office.workshops.card(page.id())
            form = standing(office, found)
            return change_form(page, office, what, found, form)

    return answer


def change(what: str) -> Callable[[Page], Response]:
    """The same as it is sent: first what would follow is shown, then it is done."""

    def answer(page: Page) -> Response:
        id, form = page.id(), written(page)
        with page.writing() as office:
            found = None if form.ticked("back") else CHANGES[what][1](office.workshops, id, form)
            if isinstance(found, Told):
                return page.go(f"{LIST}/{id}", found.sentence)
            card = office.workshops.card(id)
            if found is None:
                return change_form(page, office, what, card, form, status=422 if form.wrong else 200)
            return page.show(
                "workshops/preview.html",
                **(about(what, card) | {"form": form, "found": found, "typed": typed(form), "news": NEWS}),
                names=office.workshops.names,
                rest=RESTS.get(office.workshops.rest_on(form) or "") if what == "move" else None,
                is_small=what == "move" and office.workshops.shift_is_small(id, form),
                tongues=TONGUES,
            )

    return answer


def change_form(page: Page, office: Office, what: str, card: Card, form: Written, status: int = 200) -> Response:
    choices = office.workshops.choices()
    return page.show(
        "workshops/change.html",
        status,
        **about(what, card),
        form=form,
        choices=choices,
        holders=[one for one in choices.tutors if one.role in COUNSELLORS],
    )


def about(what: str, card: Card) -> dict[str, Any]:
    return {"what": what, "title": CHANGES[what][0], "card": card, "modes": MODES, "path": f"{LIST}/{card.workshop.id}"}


def standing(office: Office, card: Card) -> Written:
    """The fields of every change, as it stands."""
    workshop, filled = card.workshop, office.workshops.filled(card.workshop.id)
    day, _between, clock = filled.get("starts").partition("T")
    more = {"day": day, "time": clock, "capacity": workshop.capacity, "mode": workshop.mode, "link": workshop.link}
    return Written.of({"venue": filled.get("venue"), "tutor": filled.get("tutor"), **more})


assert tuple(REPEATS) == EVERY, "every rhythm has its words"
ROUTES = (
    get(LIST, "workshops", "read", index),
    get(f"{LIST}/new", "workshops", "write", new),
    post(f"{LIST}/new", "workshops", "write", create),
    get(f"{LIST}/{{id}}", "workshops", "read", card),
    get(f"{LIST}/{{id}}/copy", "workshops", "write", copy),
    get(f"{LIST}/{{id}}/edit", "workshops", "write", edit),
    post(f"{LIST}/{{id}}/edit", "workshops", "write", save),
    *(get(f"{LIST}/{{id}}/{what}", "workshops", "write", ask(what)) for what in CHANGES),
    *(post(f"{LIST}/{{id}}/{what}", "workshops", "write", change(what)) for what in CHANGES),
)
