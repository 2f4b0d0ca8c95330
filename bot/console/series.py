# SPDX-License-Identifier: EUPL-1.2
"""Series of workshops, such as the programme of half a year."""

from starlette.responses import Response

from bot.console.page import Page, get, post
from bot.console.planning import MODES, code, written
from handlers.desk.office import Office
from handlers.desk.office.series import KINDS
from handlers.desk.office.written import SEEN, Written
from handlers.talk import _

LIST = "/console/series"


def index(page: Page) -> Response:
    with page.reading() as office:
        found = office.series.listed()
    return page.show("series/list.html", listed=found, kinds=KINDS)


def card(page: Page) -> Response:
    with page.reading() as office:
        found, now = office.series.card(code(page)), office.now
    return page.show("series/card.html", card=found, kinds=KINDS, modes=MODES, now=now)


def new(page: Page) -> Response:
    with page.reading() as office:
        return shown(page, office, Written())


def create(page: Page) -> Response:
    form = written(page)
    with page.writing() as office:
        id = office.series.create(form)
        if id is None:
            return shown(page, office, form, status=422)
    return page.go(f"{LIST}/{id}", _("The series is there. Now plan its workshops."))


def edit(page: Page) -> Response:
    with page.reading() as office:
        return shown(page, office, office.series.filled(code(page)), id=code(page))


def save(page: Page) -> Response:
    form = written(page)
    with page.writing() as office:
        if not office.series.edit(code(page), form):
            return shown(page, office, form, id=code(page), status=422)
    return page.go(f"{LIST}/{code(page)}", _("It is saved."))


def shown(page: Page, office: Office, form: Written, *, id: str | None = None, status: int = 200) -> Response:
    """The form; where somebody else was quicker, with how the series stands now."""
    now = office.series.filled(id) if id else None
    return page.show(
        "series/form.html",
        status,
        form=form,
        id=id,
        kinds=KINDS,
        programmes=office.series.programmes(),
        now=now if SEEN in form.wrong else None,
        seen=now.get(SEEN) if now else "",
    )


ROUTES = (
    get(LIST, "workshops", "read", index),
    get(f"{LIST}/new", "workshops", "write", new),
    post(f"{LIST}/new", "workshops", "write", create),
    get(f"{LIST}/{{id}}", "workshops", "read", card),
    get(f"{LIST}/{{id}}/edit", "workshops", "write", edit),
    post(f"{LIST}/{{id}}/edit", "workshops", "write", save),
)
