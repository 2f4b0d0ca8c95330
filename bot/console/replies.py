# SPDX-License-Identifier: EUPL-1.2
"""Answers that are ready: read by everybody who answers people, written by the operators."""

from collections.abc import Mapping

from starlette.responses import Response

from bot.console.page import Page, get, post
from handlers.desk.office.replies import LANGUAGES
from handlers.talk import _
from handlers.talk.text import Words

HERE = "/console/replies"


def index(page: Page) -> Response:
    return shown(page)


def add(page: Page) -> Response:
    return put(page, None)


def change(page: Page) -> Response:
    return put(page, page.id())


def put(page: Page, id: int | None) -> Response:
    text = {language: page.given(f"text_{language}") for language in LANGUAGES}
    with page.writing() as office:
        wrong = office.replies.put(id, page.given("title"), text)
    if wrong:
        typed = {"title": page.given("title"), **{f"text_{one}": words for one, words in text.items()}}
        return shown(page, status=422, open_id=id, typed=typed, wrong=wrong)
    return page.go(HERE, _("The answer is ready."))


def drop(page: Page) -> Response:
    with page.writing() as office:
        office.replies.drop(page.id())
    return page.go(HERE, _("The answer is deleted."))


def shown(
    page: Page,
    *,
    status: int = 200,
    open_id: int | None = None,
    typed: Mapping[str, str] | None = None,
    wrong: Mapping[str, Words] | None = None,
) -> Response:
    """All answers, each with its form; after one that could not be taken, with what was typed in it."""
    with page.reading() as office:
        found = office.replies.all()
    values = {"replies": found, "languages": LANGUAGES, "open_id": open_id, "typed": typed, "wrong": wrong or {}}
    return page.show("conversations/replies.html", status=status, **values)


ROUTES = (
    get(HERE, "replies", "read", index),
    post(HERE, "replies", "write", add),
    post(f"{HERE}/{{id}}", "replies", "write", change),
    post(f"{HERE}/{{id}}/delete", "replies", "write", drop),
)
