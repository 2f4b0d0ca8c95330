# SPDX-License-Identifier: EUPL-1.2
"""Asking for a person, and who of the desk looks after it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from handlers.desk.handover import NotYours
from handlers.talk import Text, _

if TYPE_CHECKING:
    from handlers.desk import Desk


# Why somebody waits for a person, for every reason there is; a test looks for the ones that are missing.
REASONS: Mapping[str, Text] = {
    "asked": _("Wants to talk to a person."),
    "urgent": _("Cried for help. Read this first."),
    "private_call": _("Wants a call about something that is not for the chat."),
    "to_call": _("Must be called: we cannot write here now."),
    "failed_turn": _("Something did not work with their message."),
    "looping": _("Wrote very much at once. Is it a person?"),
    "voice": _("Sent a voice message. Somebody must listen to it."),
    "file": _("Sent a file. Somebody must look at it."),
    "not_delivered": _("A message did not reach them."),
    "unhappy": _("Was not happy with a workshop."),
    "under_age": _("Is younger than they had said."),
    "late": _("Will be late."),
    "place_free": _("A place is free for them, and we cannot write to them."),
    "club_place_free": _("A place in a Job Club is free for them, and we cannot write to them."),
    "club_joined": _("Has joined a Job Club."),
    "stays_away": _("Has missed several meetings of the Job Club."),
    "no_shows": _("Did not come twice in a row. Ask how they are."),
    "path_completed": _("Has completed the path, and we cannot write to them."),
    "booking_confirmed": _("Must be called: somebody of the desk booked a place for them."),
    "reminder_24h": _("Must be called: they have an appointment soon, and we cannot write to them."),
    # news of what they have booked, which we could not send
    "workshop_moved": _("Must be called: an appointment was moved."),
    "workshop_online": _("Must be called: an appointment is online now."),
    "workshop_called_off": _("Must be called: an appointment was called off."),
    "meeting_called_off": _("Must be called: a meeting of the Job Club was called off."),
    "meeting_unsure": _("Must be called: it is not sure who holds the meeting of the Job Club."),
    "meeting_on": _("Must be called: the meeting of the Job Club takes place."),
}


def why(reason: str) -> Text:
    """Why somebody waits, in words; a reason nobody foresaw gets a sentence as well."""
    return REASONS.get(reason, REASONS["asked"])


class Cases:
    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    def open(self, reason: str, *, subject: str = "", message_id: int | None = None) -> bool:
        """
        Put the person on the list of those who wait for a person; False if they already are, for this reason.

        ``subject`` is what it is about, such as workshop:3, where one person may wait for several things.
        """
        return self.store.cases.open(
            self.desk.person.id,
            reason,
            subject=subject,
            message_id=message_id or self.desk.message_id,
            now=self.desk.now,
        )

    def is_open(self, reason: str | None = None) -> bool:
        """Does this person wait for somebody: for this reason, or for any?"""
        reasons = self.store.cases.open_reasons(self.desk.person.id)
        return bool(reasons) if reason is None else reason in reasons

    def withdraw(self, reason: str) -> None:
        """They do not wait for a person any more, for this reason."""
        self.store.cases.withdraw(self.desk.person.id, reason, self.desk.now)

    def needs_no_call(self, reason: str, *, subject: str = "") -> None:
        """What they were to be called for does not hold any more; whom somebody has tried to call stays on the list."""
        found = self.store.cases.of(self.desk.person.id)
        about = [one.id for one in found if not one.closed_at and (one.reason, one.subject) == (reason, subject)]
        if about and not self.store.calls.tries(about):
            self.store.cases.withdraw(self.desk.person.id, reason, self.desk.now, subject=subject)

    def take(self, id: int, staff_id: int) -> None:
        """This member of the staff looks after it. Raises NotYours with the name of who does, none if it is done."""
        if not self.store.cases.take(id, staff_id, self.desk.now):
            raise NotYours(self._who_has(id))
        self._note(staff_id, "case_taken", id)

    def let_go(self, id: int, staff_id: int) -> None:
        """Somebody else may look after it. Raises NotYours."""
        if not self.store.cases.let_go(id, staff_id):
            raise NotYours(self._who_has(id))
        self._note(staff_id, "case_let_go", id)

    def close(self, id: int, staff_id: int) -> bool:
        """It is done, whoever looked after it; False if it was closed already."""
        is_new = self.store.cases.close(id, staff_id, self.desk.now)
        if is_new:
            self._note(staff_id, "case_closed", id)
        return is_new

    def _who_has(self, id: int) -> str | None:
        found = self.store.cases.get(id)
        member = self.store.staff.get(found.taken_by) if found and found.taken_by and not found.closed_at else None
        return member.name if member else None

    def _note(self, staff_id: int, action: str, id: int) -> None:
        about = f"case:{id}"
        self.store.records.note(at=self.desk.now, actor=f"staff:{staff_id}", action=action, subject=about)
