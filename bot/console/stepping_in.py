# SPDX-License-Identifier: EUPL-1.2
"""Stepping in: taking over a chat, answering in it, giving it back; and what a person waits for."""

from starlette.datastructures import UploadFile
from starlette.responses import Response

from bot.console.conversation_pages import ONE, path_of, shown
from bot.console.page import Page, post
from handlers.desk.handover import Enclosed
from handlers.desk.office import Refused
from handlers.desk.office.stepping_in import Taken
from handlers.talk import _
from handlers.talk.text import Words


def minutes(page: Page) -> int:
    given = page.given("minutes")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 5 else 0


def take_over(page: Page) -> Response:
    person_id = page.id("person")
    try:
        with page.writing() as office:
            office.stepping_in.take_over(person_id, minutes(page))
    except Refused as refused:
        return as_it_was(page, person_id, refused)
    return on(page, person_id, _("Now you write. The person has been told your name."))


def reply(page: Page) -> Response:
    person_id = page.id("person")
    if page.given("do") == "canned":
        return filled_in(page, person_id)
    try:
        with page.writing() as office:
            office.stepping_in.reply(
                person_id, page.given("text"), enclosed(page), take_over=page.given("take_over") == "1"
            )
    except Refused as refused:
        return as_it_was(page, person_id, refused)
    return page.go(path_of(person_id), _("Your answer is on its way."))


def filled_in(page: Page, person_id: int) -> Response:
    """The page again, with an answer that was ready under what was typed."""
    with page.reading() as office:
        desk = office.desk_of(person_id)
        ready = {str(id): words for id, _title, words in office.replies.in_words(desk.person.language)}
    text = "\n".join(words for words in (page.given("text"), ready.get(page.given("canned"), "")) if words)
    return shown(page, person_id, typed={"text": text})


def enclosed(page: Page) -> Enclosed | None:
    """The file that was chosen; a browser sends an empty one where none was."""
    found = page.form.get("file")
    if not isinstance(found, UploadFile) or not found.filename:
        return None
    return Enclosed(found.filename, found.file.read(), found.content_type)


def extend(page: Page) -> Response:
    person_id = page.id("person")
    try:
        with page.writing() as office:
            office.stepping_in.extend(person_id, minutes(page))
    except Refused as refused:
        return as_it_was(page, person_id, refused)
    return on(page, person_id, _("You have more time."))


def give_back(page: Page) -> Response:
    person_id = page.id("person")
    try:
        with page.writing() as office:
            office.stepping_in.give_back(person_id, close_cases=page.given("close_cases") == "1")
    except Refused as refused:
        return as_it_was(page, person_id, refused)
    return page.go(path_of(person_id), _("The program answers again. The person has been told."))


def to_call(page: Page) -> Response:
    person_id = page.id("person")
    with page.writing() as office:
        is_new = office.stepping_in.to_call(person_id)
    said = _("They are on the call list now.") if is_new else _("They are on the call list already.")
    return page.go(path_of(person_id), said)


def take_case(page: Page) -> Response:
    return case(page, "take_case", _("You look after this now."))


def let_go_case(page: Page) -> Response:
    return case(page, "let_go_case", _("Anybody may look after this again."))


def close_case(page: Page) -> Response:
    return case(page, "close_case", _("This is done."))


def case(page: Page, act: str, said: Words) -> Response:
    person_id, case_id = page.id("person"), page.id("case")
    try:
        with page.writing() as office:
            getattr(office.stepping_in, act)(person_id, case_id)
    except Refused as refused:
        return as_it_was(page, person_id, refused)
    return page.go(path_of(person_id), said)


def on(page: Page, person_id: int, said: Words) -> Response:
    """The page again; an answer that somebody has begun stays in its box."""
    if not page.given("text"):
        return page.go(path_of(person_id), said)
    return shown(page, person_id, typed={"text": page.given("text")})


def as_it_was(page: Page, person_id: int, refused: Refused) -> Response:
    """Nothing has happened: the page again, with what was typed and the reason."""
    status = 409 if isinstance(refused, Taken) else 422
    typed = {"text": page.given("text")}
    return shown(page, person_id, status=status, wrong={"reply": refused.why}, typed=typed)


ROUTES = (
    post(f"{ONE}/take", "conversations", "write", take_over),
    post(f"{ONE}/reply", "conversations", "write", reply),
    post(f"{ONE}/extend", "conversations", "write", extend),
    post(f"{ONE}/give-back", "conversations", "write", give_back),
    post(f"{ONE}/to-call", "conversations", "write", to_call),
    post(f"{ONE}/cases/{{case}}/take", "conversations", "write", take_case),
    post(f"{ONE}/cases/{{case}}/let-go", "conversations", "write", let_go_case),
    post(f"{ONE}/cases/{{case}}/close", "conversations", "write", close_case),
)
