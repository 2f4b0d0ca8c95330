# SPDX-License-Identifier: EUPL-1.2
"""Venues: where things happen, how one gets in, and what takes place there."""

from collections.abc import Mapping

from starlette.responses import Response

from bot.console.page import Page, get, post
from bot.console.planning import MODES, NEWS, TONGUES, code, typed, written
from handlers.desk.office import Office
from handlers.desk.office.venues import ANSWERS, FACTS, ONLINE
from handlers.desk.office.workshops import Told
from handlers.desk.office.written import SEEN, Written
from handlers.talk import Text, _
from handlers.talk.text import p_

LIST = "/console/venues"
QUESTIONS: Mapping[str, Text] = {
    "step_free": _("Is the entrance without steps?"),
    "hearing_loop": _("Is there a hearing loop?"),
    "toilet": _("Is there an accessible toilet?"),
}
REPLIES: Mapping[str, Text] = {
    "yes": p_("a fact", "Yes"),
    "no": p_("a fact", "No"),
    "unknown": p_("a fact", "Not known"),
}
FIELDS: Mapping[str, Text] = {
    "name": _("Name"),
    "comune": _("Comune"),
    "address": _("Address"),
    **QUESTIONS,
    "bus": _("By bus or train"),
    "note_it": _("What helps to get in, in Italian"),
    "note_en": _("What helps to get in, in English"),
    "latitude": _("Latitude"),
    "longitude": _("Longitude"),
}


def index(page: Page) -> Response:
    with page.reading() as office:
        found = office.venues.listed()
    return page.show("venues/list.html", listed=found)


def card(page: Page) -> Response:
    with page.reading() as office:
        found = office.venues.card(code(page))
    return page.show("venues/card.html", card=found, modes=MODES, questions=QUESTIONS, facts=FACTS)


def new(page: Page) -> Response:
    with page.reading() as office:
        return shown(page, office, Written.of(dict.fromkeys(FACTS, "unknown")))


def create(page: Page) -> Response:
    form = written(page)
    with page.writing() as office:
        id = office.venues.create(form)
        if id is None:
            return shown(page, office, form, status=422)
    return page.go(f"{LIST}/{id}", _("The venue is there."))


def edit(page: Page) -> Response:
    with page.reading() as office:
        return shown(page, office, office.venues.filled(code(page)), id=code(page))


def save(page: Page) -> Response:
    """Saved at once; or, where people are to be told, first what they would hear is shown."""
    form, id = written(page), code(page)
    with page.writing() as office:
        if form.ticked("back"):
            return shown(page, office, form, id=id)
        found = office.venues.edit(id, form)
        if isinstance(found, Told):
            return page.go(f"{LIST}/{id}", found.sentence if form.ticked("tell") else _("It is saved."))
        if found is None:
            return shown(page, office, form, id=id, status=422)
        return page.show(
            "venues/preview.html",
            card=office.venues.card(id),
            form=form,
            found=found,
            typed=typed(form),
            seen=office.venues.filled(id).get(SEEN),
            names=page.may("people", "write"),
            news=NEWS,
            tongues=TONGUES,
        )


def shown(page: Page, office: Office, form: Written, *, id: str | None = None, status: int = 200) -> Response:
    """The form; where somebody else was quicker, with how the venue stands now."""
    now = office.venues.filled(id) if id else None
    stands = office.venues.card(id) if id else None
    places = office.venues.places()
    comuni: list[tuple[str, Text | str]] = [(ONLINE, _("None: it is online"))]
    comuni += [(one.istat, one.name) for one in places]
    kept = stands.venue if stands else None
    if kept and kept.comune_istat and kept.comune_istat not in {one.istat for one in places}:
        comuni.append((kept.comune_istat, kept.comune or kept.comune_istat))
    differs = [name for name in FIELDS if now and now.get(name) != form.get(name)] if SEEN in form.wrong else []
    return page.show(
        "venues/form.html",
        status,
        form=form,
        id=id,
        card=stands,
        comuni=comuni,
        questions=QUESTIONS,
        replies=[(one, REPLIES[one]) for one in ANSWERS],
        now=[(FIELDS[name], in_words(name, now.get(name), comuni)) for name in differs] if now else [],
        seen=now.get(SEEN) if now else "",
    )


def in_words(name: str, value: str, comuni: list[tuple[str, Text | str]]) -> Text | str:
    """A field of the form as somebody reads it who does not see the form."""
    if name == "comune":
        return dict(comuni).get(value, value)
    return REPLIES[value] if name in QUESTIONS and value in REPLIES else value


ROUTES = (
    get(LIST, "venues", "read", index),
    get(f"{LIST}/new", "venues", "write", new),
    post(f"{LIST}/new", "venues", "write", create),
    get(f"{LIST}/{{id}}", "venues", "read", card),
    get(f"{LIST}/{{id}}/edit", "venues", "write", edit),
    post(f"{LIST}/{{id}}/edit", "venues", "write", save),
)
