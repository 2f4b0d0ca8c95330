# SPDX-License-Identifier: EUPL-1.2
"""One conversation: what was said, as the person saw it, and what the desk notes beside it."""

from collections.abc import Mapping
from typing import Any

from babel import Locale
from starlette.responses import RedirectResponse, Response

from bot.console.page import Page, get, post
from bot.media import link as link_to_file
from handlers.desk.office import Office, Refused
from handlers.desk.office.stepping_in import MINUTES
from handlers.desk.office.transcripts import Transcript
from handlers.talk import _
from handlers.talk.text import Words, locale_of

LIST = "/console/conversations"
NOTHING_TYPED: Mapping[str, str] = {}
FINE: Mapping[str, Words] = {}


def path_of(person_id: int) -> str:
    return f"{LIST}/{person_id}"


def conversation(page: Page) -> Response:
    person_id = page.id("person")
    if page.is_fragment:
        return refreshed(page, person_id)
    return shown(page, person_id)


def refreshed(page: Page, person_id: int) -> Response:
    """The same part of an open page again; read anew only if there is something new on it."""
    with page.reading() as office:
        found = transcript(page, office, person_id)
        hold = office.transcripts.hold(person_id)
        is_noted = office.has_noted("conversation_read", f"person:{person_id}")
    if found.newest > (page.number("seen") or 0) or not is_noted:
        with page.writing() as office:
            note_reading(office, found)
    return page.show("conversations/_transcript.html", transcript=found, hold=hold, person_id=person_id)


def shown(
    page: Page,
    person_id: int,
    *,
    status: int = 200,
    wrong: Mapping[str, Words] = FINE,
    typed: Mapping[str, str] = NOTHING_TYPED,
) -> Response:
    """The whole page; after a form that could not be taken, with what was typed in it and what is wrong."""
    with page.writing() as office:
        values = seen(page, office, person_id)
    return page.show("conversations/conversation.html", status=status, wrong=wrong, typed=typed, **values)


def again(page: Page, person_id: int, field: str, refused: Refused) -> Response:
    """Nothing has happened: the page again, with what was typed in a field and why it could not be taken."""
    return shown(page, person_id, status=422, wrong={field: refused.why}, typed={field: page.given(field)})


def seen(page: Page, office: Office, person_id: int) -> dict[str, Any]:
    """All that the page shows; that it was read is written down."""
    found = transcript(page, office, person_id)
    note_reading(office, found)
    conversations, transcripts = office.conversations, office.transcripts
    person = office.store.people.get(person_id)
    return {
        "person_id": person_id,
        "spoken": Locale.parse(person.language).get_display_name(locale_of(page.reader.language)),
        "transcript": found,
        "hold": transcripts.hold(person_id),
        "cases": transcripts.cases(person_id),
        "review": transcripts.review(person_id),
        "labels": office.store.reviews.labels_of([person_id]).get(person_id, ()),
        "known_labels": office.store.reviews.known_labels(),
        "notes": conversations.notes(person_id),
        "colleagues": conversations.colleagues(),
        "staff": conversations.staff,
        "replies": office.replies.in_words(person.language) if page.may("replies", "read") else (),
        "minutes": MINUTES,
    }


def transcript(page: Page, office: Office, person_id: int) -> Transcript:
    places = {name: page.number(name) for name in ("before", "after", "at")} if page.request.method == "GET" else {}
    return office.transcripts.page(person_id, **places)


def note_reading(office: Office, found: Transcript) -> None:
    office.note("conversation_read", f"person:{found.mask.person_id}", masked=not found.mask.is_off)


def play(page: Page) -> Response:
    """The chat as a play, without what says who somebody is."""
    person_id = page.id("person")
    with page.writing() as office:
        found = office.transcripts.play(person_id)
        office.note("transcript_saved", f"person:{person_id}")
    headers = {"Content-Disposition": f'attachment; filename="conversation-{person_id}.chat"'}
    return Response(found, media_type="text/plain; charset=utf-8", headers=headers)


def file(page: Page) -> Response:
    """A file of theirs, behind a link that lives for a few minutes."""
    with page.writing() as office:
        id = office.transcripts.file(page.id("person"), page.id("file"))
    return RedirectResponse(link_to_file(page.console.settings, id, page.console.clock.real()), status_code=303)


def unmask(page: Page) -> Response:
    person_id = page.id("person")
    try:
        with page.writing() as office:
            office.conversations.unmask(person_id, page.given("reason"))
    except Refused as refused:
        return again(page, person_id, "reason", refused)
    return page.go(path_of(person_id), _("For 30 minutes you read everything. This is written down."))


def mask(page: Page) -> Response:
    person_id = page.id("person")
    with page.writing() as office:
        office.conversations.mask(person_id)
    return page.go(path_of(person_id), _("Names and numbers are hidden again."))


def label(page: Page) -> Response:
    person_id = page.id("person")
    try:
        with page.writing() as office:
            office.conversations.label(person_id, page.given("label"))
    except Refused as refused:
        return again(page, person_id, "label", refused)
    return page.go(path_of(person_id), _("The label is there."))


def unlabel(page: Page) -> Response:
    person_id = page.id("person")
    with page.writing() as office:
        office.conversations.unlabel(person_id, page.given("label"))
    return page.go(path_of(person_id), _("The label is gone."))


def note(page: Page) -> Response:
    person_id = page.id("person")
    try:
        with page.writing() as office:
            office.conversations.add_note(person_id, page.given("note"))
    except Refused as refused:
        return again(page, person_id, "note", refused)
    return page.go(path_of(person_id), _("The note is kept."))


def assign(page: Page) -> Response:
    person_id, to = page.id("person"), page.given("to")
    with page.writing() as office:
        office.conversations.assign(person_id, int(to) if to.isascii() and to.isdigit() and len(to) < 16 else None)
    return page.go(path_of(person_id), _("It is clear now whose it is."))


def follow_up(page: Page) -> Response:
    person_id, on = page.id("person"), page.given("follow_up_on")
    try:
        with page.writing() as office:
            office.conversations.follow_up(person_id, on)
    except Refused as refused:
        return again(page, person_id, "follow_up_on", refused)
    return page.go(path_of(person_id), _("The day is kept.") if on else _("There is nothing to follow up any more."))


def reviewed(page: Page) -> Response:
    person_id, newest = page.id("person"), page.given("newest")
    with page.writing() as office:
        if newest.isascii() and newest.isdigit() and len(newest) < 16:
            office.conversations.review(person_id, int(newest))
        office.conversations.saw_mentions(person_id)
        to = office.conversations.next_unreviewed(person_id) if page.given("then") == "next" else person_id
    if to is None:
        return page.go(LIST, _("Everything has been reviewed."))
    return page.go(path_of(to), _("Reviewed."))


ONE = f"{LIST}/{{person}}"
ROUTES = (
    get(ONE, "conversations", "read", conversation),
    get(f"{ONE}/chat", "conversations", "read", play),
    get(f"{ONE}/files/{{file}}", "conversations", "unmask", file),
    post(f"{ONE}/unmask", "conversations", "unmask", unmask),
    post(f"{ONE}/mask", "conversations", "unmask", mask),
    post(f"{ONE}/labels", "conversations", "review", label),
    post(f"{ONE}/labels/remove", "conversations", "review", unlabel),
    post(f"{ONE}/notes", "conversations", "review", note),
    post(f"{ONE}/assign", "conversations", "review", assign),
    post(f"{ONE}/follow-up", "conversations", "review", follow_up),
    post(f"{ONE}/reviewed", "conversations", "review", reviewed),
)
