# SPDX-License-Identifier: EUPL-1.2
"""Two who are the same person become one, and are parted again, if they were not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from handlers.talk import Gone, Local, Words, _
from storage import Store
from storage.job_clubs import Membership
from storage.merges import Merge
from storage.people import Person
from storage.workshops import ACTIVE, Booking

if TYPE_CHECKING:
    from handlers.desk import Desk

UNDONE_WITHIN = timedelta(days=30)
PROFILE = ("first_name", "birth_year", "comune_istat", "goal", "italian_level", "language", "phone")
FILLED_IN = ("source",)
RANKS = {"booked": 0, "member": 0, "offered": 1, "waiting": 2}
Found = TypeVar("Found", Booking, Membership)


class CannotMerge(Exception):
    """They cannot become one now, or be parted; ``why`` says the reason in plain words."""

    def __init__(self, why: Words) -> None:
        super().__init__("cannot merge")
        self.why = why


class Merging:
    """
    Everything happens under the locks of both people (by number), their clubs, and their workshops.

    What is moved is kept by its numbers, and what is changed with what it was before: undoing moves exactly that back.
    ``desk_of`` is the desk as each of them meets it; ``by`` who of the staff says so, or None where they have said or
    shown it themselves.
    """

    def __init__(self, store: Store, now: datetime, desk_of: "Callable[[int], Desk]", by: int | None = None) -> None:
        self.store, self.now, self.desk_of, self.by = store, now, desk_of, by

    def merge(self, stays: int, goes: int, chosen: Mapping[str, str], *, for_good: bool = False) -> int:
        """
        ``goes`` becomes ``stays``; ``chosen`` says by field whose word counts: stays or goes. Returns its number.

        What is done ``for_good`` cannot be undone. Raises Gone, and CannotMerge where it cannot be done now.
        """
        self._lock(stays, goes)
        one, other = self.desk_of(stays), self.desk_of(goes)
        if one.person.merged_into or other.person.merged_into:  # while we waited, they became somebody else
            raise Gone
        if reason := self.why_not(one, other):
            raise CannotMerge(reason)
        freed = self._give_up_what_they_have_twice(one, other)
        changed = self._changes_before(one, other)
        last = self.store.merges.newest_message()
        rows = self.store.merges.move(goes, stays)
        self._changes_after(one.person, other.person, chosen, changed)
        self._heard(stays)
        self.store.merges.set_heard(goes, None, None)
        self.store.people.change(goes, merged_into=stays)
        self._stop_offers(stays)
        self.store.messages.another_way(self.now, stays)
        moved = {} if for_good else {"rows": rows, "changed": changed, "freed": freed, "last_message": last}
        return self.store.merges.keep(stays, goes, self.by, moved, self.now)

    def undo(self, merge_id: int) -> Merge:
        """They were two after all. What was given up at the time is not taken back. Raises Gone, CannotMerge."""
        found = self.store.merges.get(merge_id)
        if found is None:
            raise Gone
        self._lock(found.person_id, found.other_id)
        found = self.store.merges.get(merge_id)
        if found is None or found.undone_at:
            raise CannotMerge(_("They were parted already."))
        one = self.desk_of(found.person_id)
        if reason := self.why_stuck(one, found):
            raise CannotMerge(reason)
        self._part(found)
        self.store.merges.undone(merge_id, self.now)
        return found

    def can_be_undone(self, merge: Merge) -> bool:
        return bool(merge.moved) and self.now <= merge.at + UNDONE_WITHIN

    def have_twice(self, stays: int, goes: int) -> bool:
        """Have both a place at the same, of which one is given up?"""
        one, other = self.desk_of(stays), self.desk_of(goes)
        return bool(self._twice_in_clubs(one, other) or self._twice_at_workshops(one, other))

    # ---- may it be?

    def _lock(self, *ids: int) -> None:
        for id in sorted(set(ids)):
            self.store.dialogues.lock_person(id)
        self.store.merges.lock_clubs(ids)
        self.store.merges.lock_workshops(ids)

    def why_not(self, one: "Desk", other: "Desk") -> Words | None:
        """Why they cannot become one now; None if they can."""
        ids = (one.person.id, other.person.id)
        if one.person.id == other.person.id:
            return _("These are the same person already.")
        if one.erasure.receipt() or other.erasure.receipt():
            return _("One of them asked us to delete their data.")
        return self._is_in_use(ids)

    def why_stuck(self, one: "Desk", found: Merge) -> Words | None:
        """Why they cannot be parted now; None if they can."""
        if not found.moved:
            return _("This is for good: it is one and the same chat.")
        if not self.can_be_undone(found):
            return _("This was more than 30 days ago: it stays as it is.")
        if one.erasure.receipt():
            return _("One of them asked us to delete their data.")
        return self._is_in_use((found.person_id, found.other_id))

    def _is_in_use(self, ids: Sequence[int]) -> Words | None:
        dialogues = [self.store.dialogues.get(id) for id in ids]
        if any(one.taken_by is not None and (one.taken_until or self.now) > self.now for one in dialogues):
            return _("Somebody of the desk writes with one of them now. Give the chat back first.")
        if self.store.merges.has_unheard(ids):
            return _("Something they wrote still waits for its turn. Try again in a minute.")
        return None

    # ---- what is seen before

    def conflicts(self, one: "Desk", other: "Desk") -> Iterator[Words]:
        """What both have, so that one of the two must give way; in words."""
        ids = (one.person.id, other.person.id)
        if one.person.id == other.person.id:
            return
        for _stays, goes in self._twice_in_clubs(one, other):
            club = self.store.job_clubs.get(goes.club_id)
            yield _(
                "Both have a place in the Job Club «{name}». The one of Person {number} is given up.",
                name=Local(club.name) if club else "",
                number=str(goes.person_id),
            )
        for _mine, gone in self._twice_at_workshops(one, other):
            workshop = self.store.workshops.get(gone.workshop_id)
            yield _(
                "Both have a place at «{title}». The one of Person {number} is freed for the next in line.",
                title=Local(workshop.title) if workshop else "",
                number=str(gone.person_id),
            )
        answers = [self.store.people.answers(id) for id in ids]
        if any(answers[0][purpose].given != answers[1][purpose].given for purpose in answers[0].keys() & answers[1]):
            yield _("They gave different answers about messages. The newer answer counts.")
        if bool(one.person.stopped_at) != bool(other.person.stopped_at):
            yield _("One of them said stop. Then nothing is written to either chat until they say START.")

    # ---- what both have

    def _give_up_what_they_have_twice(self, one: "Desk", other: "Desk") -> dict[str, list[int]]:
        clubs = [goes for _stays, goes in self._twice_in_clubs(one, other)]
        for goes in clubs:
            self.desk_of(goes.person_id).job_clubs.leave(goes.club_id)
        bookings = [goes for _stays, goes in self._twice_at_workshops(one, other)]
        for gone in bookings:
            self.desk_of(gone.person_id).workshops.cancel(gone.id)
        return {"memberships": [goes.id for goes in clubs], "bookings": [gone.id for gone in bookings]}

    @staticmethod
    def _twice_at_workshops(one: "Desk", other: "Desk") -> list[tuple[Booking, Booking]]:
        """By workshop: the place that stays, and the one that is given up."""
        mine, theirs = (
            {found.workshop_id: found for found in desk.store.workshops.bookings_of(desk.person.id) if _on(found)}
            for desk in (one, other)
        )
        both = sorted(mine.keys() & theirs.keys())
        return [_older_first(mine[id], theirs[id], lambda found: found.booked_at) for id in both]

    @staticmethod
    def _twice_in_clubs(one: "Desk", other: "Desk") -> list[tuple[Membership, Membership]]:
        mine, theirs = (
            {found.club_id: found for found in desk.store.job_clubs.memberships_of(desk.person.id)}
            for desk in (one, other)
        )
        both = sorted(mine.keys() & theirs.keys())
        return [_older_first(mine[id], theirs[id], lambda found: found.joined_at) for id in both]

    # ---- what is changed beside moving

    def _changes_before(self, one: "Desk", other: "Desk") -> dict[str, Any]:
        """Of two open cases for one reason the older one stays."""
        changed: dict[str, Any] = {}
        for mine, theirs in self.store.merges.same_open_cases(one.person.id, other.person.id):
            a, b = self.store.cases.get(mine), self.store.cases.get(theirs)
            assert a is not None and b is not None, "they were read a moment ago"
            if b.opened_at < a.opened_at:
                self._change(changed, "cases", mine, opened_at=b.opened_at)
            self._change(changed, "cases", theirs, closed_at=self.now, closed_by=self.by)
        for mine, theirs in self.store.merges.same_rows("enrolments", one.person.id, other.person.id):
            if theirs["at"] > mine["at"] and theirs["state"] != mine["state"]:
                self._change(changed, "enrolments", mine["id"], state=theirs["state"], at=theirs["at"])
        for mine, theirs in self.store.merges.same_rows("path_records", one.person.id, other.person.id):
            most = {name: max(mine[name], theirs[name]) for name in ("group_meetings", "interviews")}
            self._change(changed, "path_records", mine["id"], **most)
        return changed

    def _changes_after(self, one: Person, other: Person, chosen: Mapping[str, str], changed: dict[str, Any]) -> None:
        self._newest_answers(one.id, changed)
        values: dict[str, Any] = {}
        for name in (*PROFILE, *FILLED_IN):
            mine, theirs = getattr(one, name), getattr(other, name)
            values[name] = theirs if theirs is not None and (mine is None or chosen.get(name) == "goes") else mine
        values["registered_at"] = min((at for at in (one.registered_at, other.registered_at) if at), default=None)
        values["stopped_at"] = one.stopped_at or other.stopped_at
        new = {name: value for name, value in values.items() if value != getattr(one, name)}
        if new:
            self._change(changed, "people", one.id, **new)

    def _newest_answers(self, id: int, changed: dict[str, Any]) -> None:
        """A no that is newer than a yes counts, whichever of the two said it."""
        acts: dict[str, datetime] = {}  # when each purpose was refused or taken back last
        rows = self.store.merges.consents([id])
        for row in rows:
            refused = row.withdrawn_at or (None if row.given else row.at)
            if refused:
                acts[row.purpose] = max(refused, acts.get(row.purpose, refused))
        for row in rows:
            no = acts.get(row.purpose)
            if row.given and row.withdrawn_at is None and no and no > row.at:
                self._change(changed, "consents", row.id, withdrawn_at=no)

    def _change(self, changed: dict[str, Any], table: str, id: int, **values: Any) -> None:
        changed.setdefault(table, {})[str(id)] = self.store.merges.change(table, id, **values)

    def _stop_offers(self, id: int) -> None:
        """Who wants no more messages is offered nothing."""
        desk = self.desk_of(id)
        if desk.person.stopped_at:
            desk.job_clubs.offers.stopped()
            desk.offers.stopped()

    def _heard(self, id: int) -> None:
        self.store.merges.set_heard(id, *self.store.merges.heard_last(id))

    # ---- and back

    def _part(self, found: Merge) -> None:
        one, other, moved = found.person_id, found.other_id, found.moved
        changed: dict[str, Any] = moved["changed"]
        self.store.people.change(other, merged_into=None)
        self.store.merges.move_back(moved["rows"], one, other)
        self.store.merges.part(one, other, moved["last_message"])
        self.store.merges.part_meetings(one, other)
        for table, rows in changed.items():
            for id, values in rows.items():
                if table != "cases" or self._may_open_again(int(id), other):
                    self.store.merges.change_back(table, int(id), values)
        for id in (one, other):
            self._stand_by_stops(id)
            self._heard(id)
        self._forget_questions(one)
        self._lead_home((one, other))

    def _may_open_again(self, case_id: int, other: int) -> bool:
        """Unless the same has been opened anew meanwhile."""
        case = self.store.cases.get(case_id)
        open_now = {(one.reason, one.subject) for one in self.store.cases.of(other) if one.closed_at is None}
        return case is not None and (case.closed_at is None or (case.reason, case.subject) not in open_now)

    def _stand_by_stops(self, id: int) -> None:
        """Each stands by their own words: who said stop is stopped, who took it back is not."""
        said = [one for one in self.store.people.stops(id) if one.topic == "all" and one.identity_id is None]
        if said:
            standing = [one.at for one in said if one.ended_at is None]
            self.store.people.change(id, stopped_at=max(standing, default=None))

    def _forget_questions(self, id: int) -> None:
        """What was asked in a chat that is somebody else's now is open no more."""
        dialogue = self.store.dialogues.get(id)
        if dialogue.identity_id in {one.id for one in self.store.people.identities(id)} or not dialogue.identity_id:
            return
        self.store.dialogues.change(
            id,
            **{"conversation": "menu", "step": None, "draft": {}, "trail": [], "paused": [], "misses": 0},
            **dict.fromkeys(("question_id", "question_kind", "question_hash", "identity_id")),
            version=dialogue.version + 1,
        )

    def _lead_home(self, ids: Sequence[int]) -> None:
        """What is on its way to somebody leaves by a chat of their own; who has none is called."""
        for message_id, person_id in self.store.merges.strays(ids):
            desk = self.desk_of(person_id)
            if chat := desk.outbox.chat():
                self.store.messages.change(
                    message_id, state="pending", lease=None, identity_id=chat.id, channel=chat.channel
                )
            else:
                message = self.store.messages.get(message_id)
                self.store.messages.change(message_id, state="suppressed", lease=None, reason="chat_blocked")
                desk.cases.open("not_delivered", subject=(message and message.subject) or "", message_id=message_id)


def _on(booking: Booking) -> bool:
    return booking.state in ACTIVE


def _older_first(one: Found, other: Found, since: Callable[[Found], datetime | None]) -> tuple[Found, Found]:
    """A place before an offer, an offer before a place in line; of two alike the older one."""

    def standing(found: Found) -> tuple[int, int, float]:
        at = since(found)
        is_waiting = found.state != "booked" and found.state != "member"
        return RANKS[found.state], (found.ticket or 0) if is_waiting else 0, at.timestamp() if at else 0.0

    return (one, other) if standing(one) <= standing(other) else (other, one)
