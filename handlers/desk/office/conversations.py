# SPDX-License-Identifier: EUPL-1.2
"""Conversations as the desk goes through them: found, read, labelled, noted beside, handed on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from handlers.desk.office.masks import FOR_THE_COUNSELLOR, Mask, Masks
from handlers.desk.office.refusals import Refused
from handlers.desk.office.waiting import Waiting, Waits
from handlers.desk.office.written import day_in, moment_in
from handlers.rules.masking import MASK
from handlers.rules.roles import may
from handlers.talk import Gone, Tap, _, p_
from handlers.talk.text import ROME, Text, Words
from storage.folding import words as words_of
from storage.reviews import Filters, Line, Mention, Note, Place, View

if TYPE_CHECKING:
    from handlers.desk.office import Office

AT_A_TIME = 50
EXCERPT = 120  # letters of somebody's last words in the list
LONGEST_LABEL, LONGEST_NOTE, LONGEST_NAME = 40, 5000, 60
NOTES_SHOWN = 50

VIEWS: Mapping[str, Text] = {
    "all": p_("conversations", "All"),
    "waiting": _("Waiting for a person"),
    "unreviewed": _("Not reviewed yet"),
    "mine": _("Mine"),
    "to_follow_up": _("To follow up"),
    "misunderstood": _("Misunderstood"),
    "failed_turns": _("Not answered: an error"),
    "failed_deliveries": _("Not delivered"),
}
ASKED = ("view", "channel", "programme", "comune", "tutor", "label", "from", "to")
KINDS: Mapping[str, Text] = {
    "photo": _("A photo"),
    "voice": _("A voice message"),
    "video": _("A video"),
    "document": _("A file"),
    "sticker": _("A sticker"),
    "location": _("A place on the map"),
    "contact": _("A contact"),
    "other": _("Something that has no words"),
    "blocked": _("The person closed the chat."),
    "unblocked": _("The person opened the chat again."),
}


@dataclass(frozen=True)
class Row:
    """A conversation in the list."""

    person_id: int
    who: Words
    is_unmasked: bool
    channel: str | None
    kind: Text | None
    text: Words
    at: datetime
    labels: Sequence[str]
    assigned_to: str | None
    taken_by: str | None
    waits: Waits | None
    is_new: bool
    follow_up_on: date | None


@dataclass(frozen=True)
class Listed:
    """A page of the list; where it goes on in either direction, if it does."""

    rows: Sequence[Row]
    newer: str
    older: str


@dataclass(frozen=True)
class Found:
    """A message that was found: whose it is, and its words, those looked for marked."""

    message_id: int
    person_id: int
    who: Words
    channel: str
    direction: str
    at: datetime
    pieces: Sequence[tuple[str, bool]]


@dataclass(frozen=True)
class Results:
    """A page of what was found; the numbers where it goes on."""

    found: Sequence[Found]
    newer: int | None
    older: int | None


@dataclass(frozen=True)
class Choices:
    """What the list can be narrowed to."""

    channels: Sequence[tuple[str, str]]
    programmes: Sequence[tuple[str, str]]
    comuni: Sequence[tuple[str, str]]
    tutors: Sequence[tuple[int, str]]
    labels: Sequence[tuple[str, str]]


class Conversations:
    """Every method is for people of this member's areas and programmes only; for others it raises Gone."""

    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    @cached_property
    def masks(self) -> Masks:
        return Masks(self.office)

    @property
    def today(self) -> date:
        return self.office.now.astimezone(ROME).date()

    # ---- the list

    def filters(self, asked: Mapping[str, str]) -> Filters:
        """What somebody asks for in an address or a saved view; what makes no sense is no limit."""
        to = day_in(asked.get("to"))
        tutor, channel = asked.get("tutor") or "", asked.get("channel") or ""
        return Filters(
            view=asked["view"] if asked.get("view") in VIEWS else "all",
            staff_id=self.office.member.id,
            today=self.today,
            channel=channel if re.fullmatch("[a-z]+", channel) else None,
            programme=asked.get("programme") or None,
            comune=asked.get("comune") or None,
            tutor=int(tutor) if is_number(tutor) else None,
            label=asked.get("label") or None,
            since=midnight(day_in(asked.get("from"))),
            until=midnight(to + timedelta(days=1) if to else None),
            areas=self.office.scope.areas,
            programmes=self.office.scope.programmes,
        )

    def list(self, asked: Mapping[str, str], *, before: str = "", after: str = "") -> Listed:
        """A page of conversations, newest first: the first, or the one before or after a place of the list."""
        lower, upper = place_in(before), place_in(after)
        found = self.store.reviews.page(self.filters(asked), AT_A_TIME + 1, before=lower, after=upper)
        is_more = len(found) > AT_A_TIME
        if upper is not None:
            found, newer, older = found[-AT_A_TIME:], is_more, True
        else:
            found, newer, older = found[:AT_A_TIME], lower is not None, is_more
        rows = self._rows(found)
        if lower is None and upper is None:  # whoever cried for help stands above all others
            rows = sorted(rows, key=lambda row: not (row.waits and row.waits.is_urgent))
        return Listed(
            rows,
            written(found[0].place) if found and newer else "",
            written(found[-1].place) if found and older else "",
        )

    def _rows(self, found: Sequence[Line]) -> Sequence[Row]:
        ids = [one.person_id for one in found]
        labels, waiting = self.store.reviews.labels_of(ids), self.store.reviews.waiting_since(ids)
        masks, names = self.masks.of({one.person_id: (one.first_name, one.draft) for one in found}), self.staff
        choices = self.store.reviews.options({tap.message for one in found if (tap := tap_in(one.kind, one.payload))})
        service, waits = Waiting(self.office), {}
        for id, (reason, opened_at, taken_by) in waiting.items():
            waits[id] = service.of(reason, opened_at, names.get(taken_by or 0))
        return [
            Row(
                person_id=one.person_id,
                who=masks[one.person_id].who,
                is_unmasked=masks[one.person_id].is_off,
                channel=one.channel,
                kind=KINDS.get(one.kind or ""),
                text=self._excerpt(one, masks[one.person_id], choices),
                at=one.heard_at,
                labels=labels.get(one.person_id, ()),
                assigned_to=names.get(one.assigned_to or 0),
                taken_by=names.get(one.taken_by or 0) if is_taken(one.taken_until, self.office.now) else None,
                waits=waits.get(one.person_id),
                is_new=(one.heard_id or 0) > (one.read_to or 0),
                follow_up_on=one.follow_up_on,
            )
            for one in found
        ]

    def _excerpt(self, line: Line, mask: Mask, choices: Mapping[int, Sequence[Mapping[str, str]]]) -> Words:
        """Their last words, cut after they were masked: half a name is a name, too."""
        if not self.masks.may_read(line.subject):
            return FOR_THE_COUNSELLOR
        whole = mask.text(touched(tap_in(line.kind, line.payload), choices) or line.text or "")
        return whole if len(whole) <= EXCERPT else whole[:EXCERPT].rstrip() + "…"

    def next_unreviewed(self, after: int | None = None) -> int | None:
        """Whose conversation to read next: the one below this one in the list of what nobody has reviewed."""
        here = self.store.reviews.line(after) if after is not None else None
        filters = self.filters({"view": "unreviewed"})
        found = self.store.reviews.page(filters, 1, before=here.place) if here else []
        found = found or self.store.reviews.page(filters, 1)
        return next((one.person_id for one in found if one.person_id != after), None)

    def choices(self) -> Choices:
        """What there is to choose from."""
        reviews = self.store.reviews
        labels = [(name, name) for name in reviews.known_labels()]
        return Choices(CHANNELS, reviews.programmes(), reviews.comuni(), self.colleagues(), labels)

    # ---- words that are looked for

    def search(
        self,
        sought: str,
        asked: Mapping[str, str],
        *,
        person_id: int | None = None,
        before: int | None = None,
        after: int | None = None,
    ) -> Results:
        """Messages with all these words, newest first. Who reads them masked does not learn what is behind a mask."""
        filters = self.filters(asked)
        direction = asked.get("direction")
        hits = self.store.search.messages(
            sought,
            person_id=person_id,
            channel=filters.channel,
            direction=direction if direction in ("in", "out") else None,
            areas=filters.areas,
            programmes=filters.programmes,
            since=filters.since,
            until=filters.until,
            before=before,
            after=after,
            limit=AT_A_TIME + 1,
        )
        self.office.note("searched", f"person:{person_id}" if person_id else "conversations")
        is_more = len(hits) > AT_A_TIME
        hits = hits[-AT_A_TIME:] if after else hits[:AT_A_TIME]
        masks = self.masks.of(self.store.reviews.names_of({one.person_id for one in hits}))
        wanted = words_of(sought)
        found = []
        for hit in hits:
            if hit.person_id not in masks:
                continue
            mask = masks[hit.person_id]
            pieces = mask.pieces(hit.text, hit.spans)
            if mask.is_off or are_seen(wanted, pieces):
                row = Found(hit.message_id, hit.person_id, mask.who, hit.channel, hit.direction, hit.at, pieces)
                found.append(row)
        newer = hits[0].message_id if hits and (before or (after and is_more)) else None
        older = hits[-1].message_id if hits and (after or is_more) else None
        return Results(found, newer, older)

    # ---- whose it is, and how far it was read

    @cached_property
    def staff(self) -> Mapping[int, str]:
        return self.store.staff.names()

    def colleagues(self) -> Sequence[tuple[int, str]]:
        """Those who work here and answer people."""
        members = self.store.staff.all()
        return [
            (one.id, one.name) for one in members if not one.closed_at and may(one.roles, "conversations", "review")
        ]

    def assign(self, person_id: int, staff_id: int | None) -> None:
        """From now on it is theirs; or nobody's. Raises Gone, Refused."""
        self._lock(person_id)
        if staff_id is not None and staff_id not in dict(self.colleagues()):
            raise Refused(_("This colleague does not answer people."))
        self.store.reviews.change(person_id, assigned_to=staff_id)
        self.office.note("assigned", f"person:{person_id}", to=staff_id)

    def follow_up(self, person_id: int, on: str) -> None:
        """Look again on this day; without a day, no more. Raises Gone, Refused."""
        self._lock(person_id)
        day = day_in(on)
        if on and day is None:
            raise Refused(_("Write the day as in the calendar, for example 2027-03-15."))
        if day is not None and day < self.today:
            raise Refused(_("This day is over. Choose today or a later day."))
        self.store.reviews.change(person_id, follow_up_on=day)
        self.office.note("follow_up", f"person:{person_id}")

    def review(self, person_id: int, read_to: int) -> None:
        """Read as far as this message; what came in meanwhile is still to be read. Raises Gone."""
        self._lock(person_id)
        known = self.store.reviews.of(person_id).read_to or 0
        newest = min(read_to, self.store.messages.newest())
        values = {"reviewed_at": self.office.real, "reviewed_by": self.office.member.id}
        self.store.reviews.change(person_id, read_to=max(known, newest), **values)
        self.office.note("reviewed", f"person:{person_id}")

    # ---- labels and notes

    def label(self, person_id: int, name: str) -> None:
        """Raises Gone, Refused."""
        self._lock(person_id)
        name = " ".join(name.split())
        if not name or len(name) > LONGEST_LABEL:
            raise Refused(_("A label has 1 to {most} letters.", most=LONGEST_LABEL))
        if self.store.reviews.label(person_id, name, self.office.member.id, self.office.real):
            self.office.note("labelled", f"person:{person_id}")

    def unlabel(self, person_id: int, name: str) -> None:
        """Raises Gone."""
        self._lock(person_id)
        if self.store.reviews.unlabel(person_id, name):
            self.office.note("label_removed", f"person:{person_id}")

    def notes(self, person_id: int) -> Sequence[Note]:
        """What colleagues have written down, the newest first."""
        return self.store.reviews.notes(person_id, NOTES_SHOWN)

    def add_note(self, person_id: int, text: str) -> None:
        """Whoever is called in it, @Marta or @Marta Rossi, finds it among their mentions. Raises Gone, Refused."""
        self._lock(person_id)
        text = text.strip()
        if not text:
            raise Refused(_("Write something first."))
        if len(text) > LONGEST_NOTE:
            raise Refused(_("A note has at most {most} letters.", most=LONGEST_NOTE))
        mentioned = called_in(text, self._who_can_read())
        self.store.reviews.add_note(person_id, self.office.member.id, text, mentioned, self.office.real)
        self.office.note("noted", f"person:{person_id}", mentions=len(mentioned))

    def mentions(self, *, only_new: bool = True) -> Sequence[Mention]:
        """Notes that call this member by name, the newest first, with the people’s names taken out."""
        scope, mine = self.office.scope, self.office.member.id
        return self.store.reviews.mentions(
            mine, AT_A_TIME, only_new=only_new, areas=scope.areas, programmes=scope.programmes
        )

    def saw_mentions(self, person_id: int | None = None) -> None:
        self.store.reviews.saw_mentions(self.office.member.id, self.office.real, person_id=person_id)

    def _who_can_read(self) -> Mapping[int, str]:
        members = self.store.staff.all()
        return {one.id: one.name for one in members if not one.closed_at and may(one.roles, "conversations", "read")}

    # ---- masks

    def is_unmasked(self, person_id: int) -> bool:
        """May this member read this person's words in full at the moment?"""
        return person_id in self.store.reviews.unmasked(self.office.member.id, self.office.real, [person_id])

    def unmask(self, person_id: int, reason: str) -> None:
        """Raises Gone, Refused."""
        self.masks.take_off(person_id, reason)

    def mask(self, person_id: int) -> None:
        """Raises Gone."""
        self.masks.put_on(person_id)

    # ---- saved views

    def views(self) -> Sequence[View]:
        return self.store.reviews.views(self.office.member.id)

    def save_view(self, name: str, asked: Mapping[str, str]) -> None:
        """Raises Refused."""
        name = " ".join(name.split())
        if not name or len(name) > LONGEST_NAME:
            raise Refused(_("A view needs a name of 1 to {most} letters.", most=LONGEST_NAME))
        kept = {key: value for key in ASKED if (value := asked.get(key, ""))}
        self.store.reviews.save_view(self.office.member.id, name, kept, self.office.real)
        self.office.note("view_saved", self.office.actor)

    def drop_view(self, id: int) -> None:
        """Raises Gone for what is not theirs."""
        if not self.store.reviews.drop_view(self.office.member.id, id):
            raise Gone
        self.office.note("view_deleted", self.office.actor)

    def _lock(self, person_id: int) -> None:
        """Nobody else changes it until this transaction ends. Raises Gone."""
        self.office.desk_of(person_id)
        self.store.dialogues.lock_person(person_id)


CHANNELS = (("telegram", "Telegram"), ("whatsapp", "WhatsApp"))


def tap_in(kind: str | None, payload: Mapping[str, Any] | None) -> Tap | None:
    """Which choice of which message was touched."""
    return Tap.read(str((payload or {}).get("tap", ""))) if kind == "tap" else None


def touched(tap: Tap | None, choices: Mapping[int, Sequence[Mapping[str, str]]]) -> str:
    """The words on what was touched."""
    shown = choices.get(tap.message, ()) if tap else ()
    return shown[tap.index]["short"] if tap and tap.index < len(shown) else ""


def is_taken(until: datetime | None, now: datetime) -> bool:
    return until is not None and until > now


def are_seen(wanted: Sequence[str], pieces: Sequence[tuple[str, bool]]) -> bool:
    """Does somebody who reads these pieces see all the words that were looked for? Of the last perhaps more."""
    seen = {word for piece, _is_marked in pieces if piece != MASK for word in words_of(piece)}
    *whole, last = wanted
    return all(word in seen for word in whole) and any(word.startswith(last) for word in seen)


def called_in(text: str, members: Mapping[int, str]) -> set[int]:
    """Who is called with an @: by their whole name, or by a part of it that only one of them has."""
    found = set()
    for call in re.findall(r"@([^@\n]{1,80})", text):
        said = words_of(call)
        whole = {id for id, name in members.items() if said[: len(words_of(name))] == words_of(name)}
        first = {id for id, name in members.items() if said[:1] and said[0] in words_of(name)}
        found |= whole or (first if len(first) == 1 else set())
    return found


def midnight(day: date | None) -> datetime | None:
    """When a day begins in Rome."""
    return datetime.combine(day, time(0), ROME) if day else None


def is_number(words: str) -> bool:
    return words.isascii() and words.isdigit() and len(words) <= 15


def written(place: Place) -> str:
    """A place of the list as it stands in an address."""
    return f"{place[0].isoformat()}~{place[1]}"


def place_in(words: str) -> Place | None:
    at, _between, id = words.partition("~")
    moment = moment_in(at)
    return (moment, int(id)) if moment and is_number(id) else None
