# SPDX-License-Identifier: EUPL-1.2
"""What people wrote and no step understood, the most frequent first; one click teaches it."""

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from bot.console.page import Page, get, post
from handlers.conversations import CONVERSATIONS
from handlers.desk import misreadings
from handlers.desk.office.refusals import Refused
from handlers.talk import _
from handlers.talk.anytime import ANYTIME
from storage.questions import Question

AT_A_TIME = 50
NAMES = frozenset(one.name for one in CONVERSATIONS)


def ranked(page: Page) -> Response:
    count, after = page.number("count"), page.asked("after")
    with page.writing() as office:  # these are words of people
        office.note("misread_read", "misread")
        rest = (count, after) if count is not None and after else None
        found = misreadings.ranked(office.store, limit=AT_A_TIME + 1, after=rest)
        synonyms, questions = misreadings.synonyms(office.store), office.store.questions.all()
        names = office.store.staff.names()
    shown = found[:AT_A_TIME]
    last = shown[-1] if shown and len(found) > AT_A_TIME else None
    older = f"/console/misread?{urlencode({'count': last.count, 'after': last.words})}" if last else None
    return page.show(
        "misread/list.html",
        misread=shown,
        older=older,
        meanings=meanings(page, questions),
        synonyms=synonyms,
        questions=questions,
        names=names,
    )


def meanings(page: Page, questions: Sequence[Question]) -> dict[str, str]:
    """All that words can be taught to mean, by name, as the staff know it."""
    reader, language = page.reader, page.reader.language
    anytime = {f"anytime:{name}": text.render(reader).split(",")[0] for name, text in ANYTIME.items()}
    talks = {f"conversation:{one.name}": one.words.render(reader).split(",")[0] for one in CONVERSATIONS if one.words}
    asked = {f"question:{one.id}": one.question.get(language) or one.id for one in questions}
    return {**anytime, **talks, **asked}


def teach(page: Page) -> Response:
    said, means = page.given("words"), page.given("means")
    with page.writing() as office:
        try:
            misreadings.teach(office.store, said, means, office.member.id, office.real, conversations=NAMES)
        except misreadings.NotTaught as trouble:
            raise Refused(trouble.why) from None
    return page.go("/console/misread", _("Learned. It counts from the next message on."))


def unteach(page: Page) -> Response:
    with page.writing() as office:
        misreadings.unteach(office.store, page.given("words"), office.member.id, office.real)
    return page.go("/console/misread", _("Forgotten."))


def settle(page: Page) -> Response:
    """Off the list: a note to those who write the program, or nothing to be done."""
    as_: misreadings.Settled = "developers" if page.given("as") == "developers" else "nothing"
    with page.writing() as office:
        misreadings.settle(office.store, page.given("words"), staff_id=office.member.id, now=office.real, as_=as_)
    return page.go("/console/misread", _("It is off the list."))


def ask(page: Page) -> Response:
    """They are one more way to ask a question we have an answer to."""
    said = page.given("words")
    with page.writing() as office:
        office.questions.learn(page.given("question"), page.given("language") or "it", said)
        misreadings.settle(office.store, said, staff_id=office.member.id, now=office.real, as_="question")
    return page.go("/console/misread", _("Learned. It counts from the next message on."))


def for_developers(page: Page) -> Response:
    """What was passed on, as a file to send."""
    with page.writing() as office:
        office.note("misread_exported", "misread")
        found = misreadings.for_developers(office.store, limit=1000)
    notes = [
        {"words": one.words, "times": one.count, "language": one.language, "conversation": one.conversation}
        | {"step": one.step, "last": one.last_at.isoformat()}
        for one in found
    ]
    headers = {"Content-Disposition": "attachment; filename=misread.json"}
    return JSONResponse({"notes": notes}, headers=headers)


ROUTES = (
    get("/console/misread", "misread", "read", ranked),
    get("/console/misread/developers.json", "misread", "read", for_developers),
    post("/console/misread/teach", "misread", "write", teach),
    post("/console/misread/unteach", "misread", "write", unteach),
    post("/console/misread/settle", "misread", "write", settle),
    post("/console/misread/question", "misread", "write", ask),
)
