# SPDX-License-Identifier: EUPL-1.2
"""What Sportello will send somebody next, when and why; and holding one of these messages back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from handlers.desk import Desk
from handlers.desk.hours import hours_for
from handlers.desk.moments import is_told_already, lulls, places
from handlers.desk.office.refusals import Refused
from handlers.moments import BY_NAME, PLANNED, Moment, Occasion, Push, due, on_the_wall
from handlers.rules.masking import MASK, masked
from handlers.rules.opening import Hours, is_open, next_open
from handlers.talk import Local, Text, Words, _
from handlers.talk.reasons import REASONS, why
from storage.messages import Message

if TYPE_CHECKING:
    from handlers.desk.office import Office

AHEAD = timedelta(days=60)
HELD_BACK = "cancelled_by_staff"

# Why a message comes, for every moment there is.
MOMENTS: Mapping[str, Text] = {
    "reminder_24h": _("Reminder, the day before"),
    "reminder_2h": _("Reminder, two hours before"),
    "how_was_it": _("Question after it: how was it?"),
    "missed_you": _("They did not come"),
    "job_club_weekly": _("Reminder, the evening before the Job Club"),
    "job_club_unconfirmed": _("The Job Club has no counsellor yet"),
    "job_club_unconfirmed_2h": _("The Job Club has no counsellor yet, two hours before"),
    "missed_meeting": _("They did not come to the Job Club"),
    "half_way": _("They stopped while they signed up"),
    "a_month_of_silence": _("They have not written for a month"),
    "data_expiry_notice": _("They have not written for eleven months"),
    "booking_confirmed": _("Their place is booked"),
    "place_offered": _("A place is offered to them"),
    "club_place_offered": _("A place in the Job Club is offered to them"),
    "club_joined": _("They are in the Job Club"),
    "path_completed": _("Their path is completed"),
    "workshop_moved": _("News: it was moved"),
    "workshop_online": _("News: it is online now"),
    "workshop_called_off": _("News: it is called off"),
    "meeting_called_off": _("News: the meeting is called off"),
    "meeting_unsure": _("News: the meeting is not sure"),
    "meeting_on": _("News: the meeting takes place"),
}
AN_ANSWER, SOMETHING = _("An answer"), _("A message")
NO_CHAT = _("They have no chat with us.")
CLOSED = _("It falls into closed hours, so it is not sent.")
HAS_LEFT = _("It has left already, or is no longer planned.")


@dataclass(frozen=True)
class Coming:
    """
    A message that is still to come: when, why, about what, in which words, and what holds it back.

    ``moved_from`` is when it would come if that were not in closed hours. By ``key`` or ``message_id`` it is held back;
    without either it cannot be.
    """

    at: datetime
    why: Words
    about: Words | None
    words: str
    held: Sequence[Words] = ()
    moved_from: datetime | None = None
    key: str | None = None
    message_id: int | None = None
    is_leaving: bool = False


class Future:
    def __init__(self, office: "Office") -> None:
        self.office, self.store, self.now = office, office.store, office.now

    def of(self, desk: Desk, *, by_name: bool = True) -> list[Coming]:
        """What comes in the next days, as things stand, the soonest first."""
        hours, chat = hours_for(self.store, desk.person), desk.outbox.chat()
        agreed = set(desk.people.consents())
        nobody = [] if chat else [REASONS["chat_blocked"] if self.store.people.identities(desk.person.id) else NO_CHAT]
        stopped = [REASONS["person_stopped"]] if desk.person.stopped_at else []
        found = [self._waiting(one, hours, [*stopped, *nobody]) for one in self._outbox(desk)]
        if not by_name:
            known = [desk.person.first_name] if desk.person.first_name else []
            found = [replace(one, words=masked(one.words, names=known)) for one in found]
        for push, moved_from in self._new(desk, hours):
            moment, refused = push.moment, []
            if moment.consent and moment.consent not in agreed:
                refused = [REASONS["no_consent"]]
            shown = push if by_name else replace(push, occasion=replace(push.occasion, first_name=MASK))
            lapses = moment.moves == "lapses" and not is_open(push.at, hours)
            found.append(
                Coming(
                    push.at,
                    name_of(moment),
                    about(push.occasion),
                    desk.outbox.words_of(shown),
                    [*stopped, *nobody, *refused, *([CLOSED] if lapses else [])],
                    moved_from,
                    key=push.key if chat and not lapses else None,
                )
            )
        return sorted(found, key=lambda one: one.at)

    def hold_back(self, person_id: int, *, key: str = "", message_id: int | None = None) -> None:
        """
        This one is not sent: what is planned is never put out, what waits does not leave. It cannot be taken back.

        Raises Gone, and Refused if the worker was quicker.
        """
        desk = self.office.desk_of(person_id)
        self.store.dialogues.lock_person(person_id)
        is_held = self._hold_message(desk, message_id) if message_id else self._hold_push(desk, key)
        if not is_held:
            raise Refused(HAS_LEFT)
        what = {"message": message_id} if message_id else {"key": key}
        self.office.note("message_held_back", f"person:{person_id}", **what)

    def _hold_message(self, desk: Desk, message_id: int) -> bool:
        return self.store.dossiers.hold_back(message_id, desk.person.id, HELD_BACK)

    def _hold_push(self, desk: Desk, key: str) -> bool:
        """Its key is taken, and by nothing that could be sent: no tick plans it again."""
        chat = desk.outbox.chat()
        hours = hours_for(self.store, desk.person)
        push = next((push for push, _moved in self._new(desk, hours) if push.key == key), None)
        if push is None or chat is None:
            return False
        id = self.store.messages.put_out(
            person_id=desk.person.id,
            identity_id=chat.id,
            channel=chat.channel,
            kind="moment",
            text=desk.outbox.words_of(push),
            state="suppressed",
            subject=push.subject,
            payload=push.facts,
            priority=push.moment.priority,
            dedupe_key=key,
            at=self.now,
            due_at=push.at,
            not_after=push.not_after,
        )
        if id is not None:
            self.store.messages.change(id, reason=HELD_BACK)
        return id is not None

    # ---- what is planned

    def _new(self, desk: Desk, hours: Hours) -> list[tuple[Push, datetime | None]]:
        """What is planned and not in the outbox yet, with the hour it was moved from."""
        found = list(self._planned(desk, hours))
        known = self.store.messages.known_keys([push.key for push, _moved in found])
        new = [(push, moved) for push, moved in found if push.key not in known]
        return [(push, moved) for push, moved in new if not is_told_already(self.store, push)]

    def _planned(self, desk: Desk, hours: Hours) -> Iterator[tuple[Push, datetime | None]]:
        until, id = self.now + AHEAD, desk.person.id
        for occasion, _comune in places(self.store, self.now, until, id) + lulls(self.store, self.now, until, id):
            for moment in PLANNED:
                if moment.applies(occasion):
                    yield from self._one(moment, occasion, hours, until)

    def _one(
        self, moment: Moment, occasion: Occasion, hours: Hours, until: datetime
    ) -> Iterator[tuple[Push, datetime | None]]:
        wanted = on_the_wall(occasion.times[moment.anchor], moment.offset, moment.hour)
        at = moment.planned(occasion, hours)
        said = replace(occasion, said_at=max(at or wanted, self.now))
        if at is None:  # closed hours, and it does not move
            if self.now < wanted <= until:
                yield Push(moment, said, wanted, moment.ends(occasion)), None
        elif at <= until:
            moved_from = wanted if at != wanted else None
            yield from ((push, moved_from) for push in due(max(at, self.now), [said], hours, [moment]))

    # ---- what waits in the outbox

    def _outbox(self, desk: Desk) -> list[Message]:
        return self.store.dossiers.on_its_way(desk.person.id)

    def _waiting(self, message: Message, hours: Hours, held: Sequence[Words]) -> Coming:
        moment = BY_NAME.get((message.payload or {}).get("moment", ""))
        wanted = max(message.due_at or self.now, self.now)
        at = wanted if moment is None or not moment.minds_the_hour or not moment.priority else next_open(wanted, hours)
        troubles = [why(message.reason)] if message.reason else []
        return Coming(
            at,
            name_of(moment) if moment else AN_ANSWER if message.kind == "reply" else SOMETHING,
            None,
            message.text,
            [*(held if moment and moment.priority else ()), *troubles],
            wanted if at != wanted else None,
            message_id=message.id if message.state != "sending" else None,
            is_leaving=message.state == "sending",
        )


def name_of(moment: Moment) -> Text:
    return MOMENTS.get(moment.name, SOMETHING)


def about(occasion: Occasion) -> Words | None:
    """What it is about, with its hour."""
    if occasion.workshop is None:
        return Local(occasion.club.name) if occasion.club else None
    return _("{title}: {when}", title=Local(occasion.workshop.title), when=occasion.workshop.starts_at)
