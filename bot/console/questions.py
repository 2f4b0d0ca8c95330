# SPDX-License-Identifier: EUPL-1.2
"""Questions and answers: what people may ask, and what they are told."""

from collections.abc import Mapping, Sequence

from starlette.responses import Response

from bot.console.page import Page, get, post
from handlers.desk.office.questions import LANGUAGES, Draft, draft_of
from handlers.talk import Gone, Text, _
from storage.territories import Programme

FINE: Mapping[str, Text] = {}


def index(page: Page) -> Response:
    with page.reading() as office:
        found, today = office.questions.all(), office.questions.today
    return page.show("questions/list.html", questions=found, today=today)


def new(page: Page) -> Response:
    with page.reading() as office:
        return form(page, office.questions.blank(), office.store.territories.all_programmes())


def add(page: Page) -> Response:
    draft = typed(page)
    with page.writing() as office:
        checked = office.questions.check(draft)
        if checked.wrong or checked.review_on is None:
            return form(page, draft, office.store.territories.all_programmes(), checked.wrong)
        office.questions.add(draft, checked.review_on)
    return page.go("/console/questions", _("The answer is there for everybody now."))


def one(page: Page) -> Response:
    with page.reading() as office:
        kept = office.questions.get(name_in(page))
        return form(page, draft_of(kept), office.store.territories.all_programmes())


def change(page: Page) -> Response:
    draft, id = typed(page), name_in(page)
    with page.writing() as office:
        checked = office.questions.check(draft)
        if checked.wrong or checked.review_on is None:
            return form(page, draft, office.store.territories.all_programmes(), checked.wrong)
        office.questions.change(id, draft, checked.review_on)
    return page.go("/console/questions", _("The answer is changed."))


def close(page: Page) -> Response:
    with page.writing() as office:
        office.questions.close(name_in(page))
    return page.go("/console/questions", _("Nobody is shown it any more."))


def reopen(page: Page) -> Response:
    with page.writing() as office:
        office.questions.reopen(name_in(page))
    return page.go("/console/questions", _("It is shown again."))


def move(page: Page) -> Response:
    with page.writing() as office:
        office.questions.move(name_in(page), {"up": -1, "down": 1}.get(page.given("to"), 0))
    return page.go("/console/questions", _("The order is changed."))


def form(page: Page, draft: Draft, programmes: Sequence[Programme], wrong: Mapping[str, Text] = FINE) -> Response:
    """The form with what was typed in it, and what is wrong beside each field."""
    status = 422 if wrong else 200
    return page.show("questions/form.html", status, draft=draft, wrong=wrong, programmes=programmes)


def typed(page: Page) -> Draft:
    """What stands in the form."""
    by_language = {
        what: {language: page.given(f"{what}_{language}") for language in LANGUAGES}
        for what in ("question", "answer", "keywords")
    }
    return Draft(**by_language, programme_id=page.given("programme_id"), review_on=page.given("review_on"))


def name_in(page: Page) -> str:
    """The name of a question in the address. Raises Gone for what is none."""
    name = str(page.request.path_params["id"])
    if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
        raise Gone
    return name


ROUTES = (
    get("/console/questions", "questions", "read", index),
    get("/console/questions/new", "questions", "write", new),
    post("/console/questions/new", "questions", "write", add),
    get("/console/questions/{id}", "questions", "write", one),
    post("/console/questions/{id}", "questions", "write", change),
    post("/console/questions/{id}/close", "questions", "write", close),
    post("/console/questions/{id}/reopen", "questions", "write", reopen),
    post("/console/questions/{id}/move", "questions", "write", move),
)
