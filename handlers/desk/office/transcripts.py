# SPDX-License-Identifier: EUPL-1.2
"""One person's chat as the desk reads it: what was shown, what was touched, what did not arrive and why."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from handlers.desk import Desk
from handlers.desk.handover import chat_to_write_in, why_not
from handlers.desk.office.conversations import KINDS, tap_in, touched
from handlers.desk.office.masks import Mask, Masks
from handlers.desk.office.waiting import Waiting, Waits
from handlers.talk import Gone, Tap, _
from handlers.talk.limits import LIMITS
from handlers.talk.messages import Option
from handlers.talk.reasons import REASONS, why
from handlers.talk.rendering import Shape, shape
from handlers.talk.text import ROME, Text, Words
from storage.messages import SHOWN, Message
from storage.people import Identity
from storage.reviews import Enclosure, Review

if TYPE_CHECKING:
    from handlers.desk.office import Office

AT_A_TIME = 50
AROUND = 25  # messages on either side of one that was asked for
TOUCHES = 200  # that are looked through for what was touched on a page
CASES_SHOWN = 20
LONGEST_CHAT = 5000  # messages of a transcript that is kept as a file
PAUSE = timedelta(minutes=5)  # a silence that a play mentions

STATES: Mapping[str, Text] = {
    "pending": _("Waiting to be sent"),
    "claimed": _("On its way"),
    "sending": _("On its way"),
    "sent": _("Sent"),
    "delivered": _("Delivered"),
    "read": _("Read"),
    "uncertain": _("Perhaps it arrived"),
    "failed": _("Not sent"),
    "suppressed": _("Held back"),
    "superseded": _("Replaced by another one"),
    "missed": _("Not sent in time"),
}
HEARD: Mapping[str, Text] = {
    "failed": _("Not answered yet: something did not work"),
    "waiting": _("Waits behind another message"),
    "given_up": _("Not answered by the program"),
}
FILES: Mapping[str, Text] = {
    "waiting": _("The file is still on its way to us."),
    "refused": _("We did not keep this file."),
    "lost": _("The file could not be fetched."),
}
ERROR = _("Something did not work in the program.")
ROLES_OF_A_PLAY = {
    "photo": "photo",
    "voice": "voice message",
    "video": "video",
    "sticker": "sticker",
    "location": "place",
    "contact": "contact",
    "document": "file",
    "other": "poll",
}


@dataclass(frozen=True)
class Choice:
    """A choice as the person saw it, and whether they touched it."""

    label: str
    note: str
    was_touched: bool


@dataclass(frozen=True)
class Said:
    """The words of a message, its choices and what it carries, for the eyes of whoever reads."""

    text: str = ""
    shape: Shape = "none"
    choices: Sequence[Choice] = ()
    enclosed: str | None = None  # a file or a place that we sent
    is_withheld: bool = False


@dataclass(frozen=True)
class Bubble:
    """A message as the person saw it, and what became of it."""

    id: int
    is_theirs: bool
    day: date | None  # where another day begins
    at: datetime
    channel: str
    author: Words | None
    kind: Text | None
    said: Said
    file: Enclosure | None
    file_state: Text | None
    state: Text | None
    reason: Text | None
    was_shown: bool
    is_event: bool


@dataclass(frozen=True)
class Transcript:
    """A page of a chat, oldest first; the numbers where it goes on in either direction, if it does."""

    mask: Mask
    bubbles: Sequence[Bubble]
    older: int | None
    newer: int | None
    at: int | None

    @property
    def newest(self) -> int:
        return max((one.id for one in self.bubbles), default=0)


@dataclass(frozen=True)
class OneCase:
    """Something a person waits for, or has waited for."""

    id: int
    waits: Waits
    is_mine: bool
    is_free: bool
    message_id: int | None
    closed_at: datetime | None


@dataclass(frozen=True)
class Hold:
    """Who writes to the person now, and what the channel still allows."""

    taken_by: str | None
    is_mine: bool
    until: datetime | None
    cannot: Text | None
    channel: str | None
    most: int
    window_until: datetime | None


class Transcripts:
    """Reads what is there; that it was read is written down by whoever shows it."""

    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    @cached_property
    def masks(self) -> Masks:
        return self.office.conversations.masks

    def page(
        self, person_id: int, *, before: int | None = None, after: int | None = None, at: int | None = None
    ) -> Transcript:
        """The newest messages, or those next to one, or those around one. Raises Gone."""
        self.office.desk_of(person_id)
        mask = self.masks.of_one(person_id)
        found, older, newer = self._found(person_id, before, after, at)
        return Transcript(
            mask,
            self._bubbles(person_id, found, mask),
            found[0].id if found and older else None,
            found[-1].id if found and newer else None,
            at,
        )

    def _found(
        self, person_id: int, before: int | None, after: int | None, at: int | None
    ) -> tuple[list[Message], bool, bool]:
        said = self.store.reviews.said
        if at is not None:
            up_to, rest = said(person_id, AROUND + 1, before=at + 1), said(person_id, AROUND + 1, after=at)
            found = [*up_to[-AROUND:], *rest[:AROUND]]
            return found, len(up_to) > AROUND, len(rest) > AROUND
        if after is not None:
            found = said(person_id, AT_A_TIME + 1, after=after)
            return found[:AT_A_TIME], bool(found), len(found) > AT_A_TIME
        found = said(person_id, AT_A_TIME + 1, before=before)
        return found[-AT_A_TIME:], len(found) > AT_A_TIME, before is not None

    def _bubbles(self, person_id: int, found: Sequence[Message], mask: Mask) -> Sequence[Bubble]:
        ids = {one.id for one in found}
        taps = {tap.message: tap for one in found if (tap := tap_in(one.kind, one.payload))}
        later = self.store.reviews.taps(person_id, min(ids), TOUCHES) if ids else []
        touches = {(tap.message, tap.index) for token in later if (tap := Tap.read(token))}
        choices = self.store.reviews.options(set(taps))
        files = self.store.reviews.enclosures(ids)
        names, bubbles, day = self.office.conversations.staff, [], None
        for one in sorted(found, key=happened):
            on = happened(one)[0].astimezone(ROME).date()
            bubbles.append(
                Bubble(
                    id=one.id,
                    is_theirs=one.direction == "in",
                    day=on if on != day else None,
                    at=happened(one)[0],
                    channel=one.channel,
                    author=author(one, names),
                    kind=KINDS.get(one.kind) if one.direction == "in" else None,
                    file=files.get(one.id),
                    file_state=FILES.get(files[one.id].state) if one.id in files else None,
                    state=state_of(one),
                    reason=reason_of(one),
                    was_shown=one.direction == "in" or one.state in SHOWN,
                    is_event=one.kind in ("blocked", "unblocked"),
                    said=self._said(one, mask, touches, choices),
                )
            )
            day = on
        return bubbles

    def _said(
        self,
        one: Message,
        mask: Mask,
        touches: Collection[tuple[int, int]],
        choices: Mapping[int, Sequence[Mapping[str, str]]],
    ) -> Said:
        if not self.masks.may_read(one.subject):
            return Said(is_withheld=True)
        options = [Option(**option) for option in one.options or ()]
        carried = one.payload or {} if one.direction == "out" else {}
        spot = carried.get("spot") or {}
        return Said(
            text=mask.text(touched(tap_in(one.kind, one.payload), choices) or one.text),
            shape=shape(options, LIMITS[one.channel]) if one.channel in LIMITS else "numbers",
            choices=[
                Choice(mask.text(option.short), mask.text(option.label), (one.id, place) in touches)
                for place, option in enumerate(options)
            ],
            enclosed=mask.text(str(carried.get("name") or spot.get("title") or "")) or None,
        )

    # ---- beside the chat

    def review(self, person_id: int) -> Review:
        return self.store.reviews.of(person_id)

    def cases(self, person_id: int) -> Sequence[OneCase]:
        """What they wait for, the oldest first, and what is done, the newest first."""
        found, names, service = self.store.cases.of(person_id), self.office.conversations.staff, Waiting(self.office)
        is_open = [one for one in found if one.closed_at is None]
        closed = sorted((one for one in found if one.closed_at), key=lambda one: one.id, reverse=True)
        return [
            OneCase(
                id=one.id,
                waits=service.of(one.reason, one.opened_at, names.get(one.taken_by or 0)),
                is_mine=one.taken_by == self.office.member.id,
                is_free=one.taken_by is None,
                message_id=one.message_id,
                closed_at=one.closed_at,
            )
            for one in [*is_open, *closed][:CASES_SHOWN]
        ]

    def hold(self, person_id: int) -> Hold:
        """Who writes now, and what may still be written. Raises Gone."""
        desk, now = self.office.desk_of(person_id), self.office.now
        dialogue, chat = self.store.dialogues.get(person_id), chat_to_write_in(desk)
        is_held = dialogue.taken_by is not None and dialogue.taken_until is not None and dialogue.taken_until > now
        return Hold(
            taken_by=self.office.conversations.staff.get(dialogue.taken_by or 0) if is_held else None,
            is_mine=is_held and dialogue.taken_by == self.office.member.id,
            until=dialogue.taken_until if is_held else None,
            cannot=why_not(desk),
            channel=chat.channel if chat else None,
            most=LIMITS[chat.channel].text if chat else 0,
            window_until=window_of(desk, chat),
        )

    def file(self, person_id: int, id: int) -> int:
        """A file of theirs that somebody opens; that they did is written down. Raises Gone."""
        self.office.desk_of(person_id)
        found = self.store.files.attachment(id)
        if found is None or found.person_id != person_id or found.file_id is None:
            raise Gone
        self.office.note("file_opened", f"person:{person_id}", attachment=id)
        return found.id

    # ---- as a play

    def play(self, person_id: int) -> str:
        """
        The chat as a transcript that can be played, with what says who somebody is taken out, whoever reads it.

        What the person never saw is left out. Raises Gone.
        """
        self.office.desk_of(person_id)
        found = self.store.reviews.said(person_id, LONGEST_CHAT)
        name, draft = self.store.reviews.names_of([person_id])[person_id]
        mask = self.masks.hiding(person_id, name, draft)
        taps = [tap for one in found if (tap := tap_in(one.kind, one.payload))]
        choices = self.store.reviews.options({tap.message for tap in taps})
        lines = [f"# A person talks to Sportello{on_channel(found)}. What says who they are was taken out.", ""]
        last: datetime | None = None
        for one in sorted(found, key=happened):
            if one.direction == "out" and one.state not in SHOWN:
                continue
            at = happened(one)[0]
            if last is not None and at - last >= PAUSE:
                lines.append(f"({int((at - last).total_seconds()) // 60} minutes pass)")
            last = max(at, last) if last else at
            lines += self._played(one, mask, choices)
        return "\n".join([*lines, ""])

    def _played(self, one: Message, mask: Mask, choices: Mapping[int, Sequence[Mapping[str, str]]]) -> Iterator[str]:
        if not self.masks.may_read(one.subject):
            yield "# An answer for the Job Club's counsellor."
        elif one.direction == "out":
            yield from spoken(one, mask)
        elif label := touched(tap_in(one.kind, one.payload), choices):
            yield f"(Person taps «{in_one_line(mask.text(label))}»)"
        elif one.kind in ROLES_OF_A_PLAY:
            yield f"(Person sends a {ROLES_OF_A_PLAY[one.kind]})"
        elif one.kind in ("blocked", "unblocked"):
            yield "# The person closed the chat." if one.kind == "blocked" else "# The person opened the chat again."
        else:
            yield f"Person: {in_one_line(mask.text(one.text))}"


def window_of(desk: Desk, chat: Identity | None) -> datetime | None:
    """Until when this chat may be written to freely; None where there is no such end."""
    window = LIMITS[chat.channel].window if chat else None
    if chat is None or window is None:
        return None
    wrote = desk.store.messages.heard(chat.person_id, chat.id, 1)
    return wrote[0][0] + window if wrote else None


def spoken(message: Message, mask: Mask) -> Iterator[str]:
    """A message of ours as lines of a play."""
    if (message.payload or {}).get("by") is not None:
        yield "# A person of the desk writes."
    first, *rest = mask.text(message.text).splitlines() or [""]
    yield f"Sportello to Person: {first}"
    yield from (f"    {line}" for line in rest if line.strip())
    if message.options:
        yield "    " + " ".join(f"[{in_one_line(mask.text(option['short']))}]" for option in message.options)


def in_one_line(words: str) -> str:
    return " ".join(words.split())


def on_channel(found: Sequence[Message]) -> str:
    return f" on {found[-1].channel}" if found else ""


def happened(message: Message) -> tuple[datetime, int]:
    """When it stood in the chat: what waited in the outbox stands where it left it."""
    return message.sent_at or message.at, message.id


def author(message: Message, names: Mapping[int, str]) -> Words | None:
    """Who of the staff wrote it, or the program; nobody for what the person wrote."""
    if message.direction == "in":
        return None
    by = (message.payload or {}).get("by") if message.kind == "reply" else None
    return names.get(by, _("Somebody of the desk")) if isinstance(by, int) else "Sportello"


def state_of(message: Message) -> Text | None:
    return HEARD.get(message.state) if message.direction == "in" else STATES.get(message.state)


def reason_of(message: Message) -> Text | None:
    """Why it is so, in plain words; names of errors in the program are for technicians."""
    if not message.reason:
        return None
    if message.direction == "in":
        return REASONS.get(message.reason, ERROR)
    return why(message.reason)
