# SPDX-License-Identifier: EUPL-1.2
"""Who looked at what and who changed what, in plain words; that somebody looks at this is written down, too."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from handlers.desk.office.retention import TITLES
from handlers.desk.office.rights import as_day
from handlers.rules.cells import cell
from handlers.talk import Text, Words, _
from handlers.talk.text import ROME
from storage.audit import Entry, Wanted

if TYPE_CHECKING:
    from handlers.desk.office import Office

MOST = 20_000  # lines in a file

# What people and staff do, as the record calls it. Whatever has no words here is shown as it is called.
ACTIONS: dict[str, Text] = {
    "alarm_over": _("ended an alarm"),
    "alarm_raised": _("raised an alarm"),
    "assigned": _("said who follows somebody"),
    "attendance_said": _("wrote down who was there"),
    "attenders_read": _("looked at who has a place"),
    "audit_exported": _("saved this record as a file"),
    "audit_read": _("looked at this record"),
    "blocked": _("shut the chat"),
    "unblocked": _("opened the chat again"),
    "booked_for_them": _("booked for somebody"),
    "called_off": _("called it off"),
    "calls_seen": _("looked at the call list"),
    "cancelled_for_them": _("gave up a place for somebody"),
    "capacity_lowered": _("made fewer places"),
    "capacity_raised": _("made more places"),
    "case_closed": _("closed a case"),
    "case_let_go": _("let go of a case"),
    "case_taken": _("took a case"),
    "changed": _("changed it"),
    "club_created": _("made a Job Club"),
    "club_entrusted": _("gave a Job Club to a counsellor"),
    "club_prolonged": _("prolonged a Job Club"),
    "code_sent": _("sent a number to be read out"),
    "code_wrong": _("was read out a wrong number"),
    "confirmed": _("confirmed a meeting"),
    "unconfirmed": _("took back that a meeting is sure"),
    "conversation_read": _("read a conversation"),
    "conversations_listed": _("looked at the list of conversations"),
    "corrected": _("corrected data"),
    "corrected_for_them": _("corrected data for somebody"),
    "data_handed_over": _("saved all data of somebody"),
    "deliveries_read": _("looked at delivery problems"),
    "delivery_settled": _("settled a delivery problem"),
    "diaries_read": _("read the diaries of a Job Club"),
    "downloaded": _("downloaded their data"),
    "erased_for_them": _("had somebody deleted"),
    "erasure_asked": _("asked to be deleted"),
    "exported": _("saved conversations as a file"),
    "file_opened": _("opened a file"),
    "follow_up": _("set a day to look again"),
    "forbidden": _("was refused a page"),
    "given_back": _("gave a conversation back"),
    "health_checked": _("had channels and health checked"),
    "identified": _("made sure who is asking"),
    "job_found": _("found a job"),
    "joined_club": _("joined a Job Club"),
    "label_removed": _("took a label off"),
    "labelled": _("put a label on"),
    "left_club": _("left a Job Club"),
    "left_club_because": _("said why they left a Job Club"),
    "let_in": _("let somebody into a Job Club"),
    "masked_again": _("masked words again"),
    "meeting_added": _("added a meeting"),
    "members_read": _("looked at who is in a Job Club"),
    "mentions_read": _("read where they are named"),
    "merged": _("made two people one"),
    "message_held_back": _("held a message back"),
    "misread_exported": _("saved misread messages as a file"),
    "misread_read": _("looked at misread messages"),
    "misread_settled": _("settled a misread message"),
    "moved": _("moved it"),
    "noted": _("wrote a note"),
    "parted": _("parted two people again"),
    "password_set": _("set a password"),
    "people_listed": _("looked at the list of people"),
    "people_sought": _("looked for people"),
    "person_seen": _("looked at a person"),
    "phone_given": _("gave a telephone number"),
    "proofs_handed_over": _("saved proofs of permissions"),
    "proofs_read": _("looked at proofs of permissions"),
    "protected_closed": _("closed a protected note"),
    "protected_kept": _("sealed a protected note"),
    "protected_seen": _("looked whether something is protected"),
    "protected_read": _("read a protected note"),
    "question_added": _("added a question"),
    "question_changed": _("changed a question"),
    "question_moved": _("moved a question"),
    "question_opened": _("opened a question again"),
    "recovery_code_used": _("used a recovery code"),
    "recovery_codes_renewed": _("made new recovery codes"),
    "registered": _("signed up"),
    "replied": _("answered somebody"),
    "reply_deleted": _("deleted a ready answer"),
    "reply_saved": _("saved a ready answer"),
    "retention": _("deleted what was kept long enough"),
    "retention_set": _("set how long something is kept"),
    "reviewed": _("reviewed a conversation"),
    "rights_asked": _("wrote down a request"),
    "rights_done": _("answered a request"),
    "rights_longer": _("took more time for a request"),
    "rights_refused": _("refused a request"),
    "rights_seen": _("looked at what somebody asked"),
    "searched": _("searched in conversations"),
    "second_factor_forgotten": _("forgot a second factor"),
    "second_factor_given": _("gave the second factor"),
    "second_factor_off": _("turned the second factor off"),
    "second_factor_refused": _("gave a wrong second factor"),
    "second_factor_set_up": _("set up the second factor"),
    "sent_again": _("sent a message again"),
    "series_created": _("made a series"),
    "series_edited": _("changed a series"),
    "setting_changed": _("changed a setting"),
    "sign_in_refused": _("could not sign in"),
    "signed_in": _("signed in"),
    "signed_out": _("signed out"),
    "signed_up_for_them": _("signed somebody up"),
    "staff_changed": _("changed a member of the staff"),
    "staff_closed": _("closed an account"),
    "staff_invited": _("invited a member of the staff"),
    "staff_link": _("made a link to sign in"),
    "staff_reopened": _("opened an account again"),
    "started": _("wants messages again"),
    "stopped": _("wants no more messages"),
    "stopped_for_them": _("stopped messages for somebody"),
    "taken_over": _("took a conversation over"),
    "taught": _("taught words"),
    "untaught": _("took taught words back"),
    "to_call": _("put somebody on the call list"),
    "transcript_saved": _("saved a conversation"),
    "unmask": _("read words in full"),
    "venue_created": _("added a venue"),
    "venue_edited": _("changed a venue"),
    "view_deleted": _("deleted a saved view"),
    "view_saved": _("saved a view"),
    "walked_in": _("added somebody who came without a place"),
    "workshop_created": _("made a workshop"),
    "workshop_edited": _("changed a workshop"),
}
NOBODYS: dict[str, Text] = {
    "system": _("Sportello"),
    "link": _("Whoever had the link"),
    "stranger": _("Somebody at the door"),
}
PLACES: dict[str, Text] = {
    "audit": _("This record"),
    "calls": _("Call list"),
    "conversations": _("Conversations"),
    "deliveries": _("Delivery problems"),
    "misread": _("Misread messages"),
    "people": _("People"),
    "protected": _("Protected notes"),
    "replies": _("Answers that are ready"),
    "rights": _("Rights requests"),
    "health": _("Channels and health"),
}
SUBJECTS: dict[str, Text] = {
    "person": _("Person {id}"),
    "staff": _("Staff member {id}"),
    "workshop": _("Workshop {id}"),
    "booking": _("Booking {id}"),
    "case": _("Case {id}"),
    "attachment": _("File {id}"),
    "job_club": _("Job Club {id}"),
    "console": _("Console: {id}"),
    "setting": _("Setting: {id}"),
    "question": _("Question {id}"),
    "venue": _("Venue {id}"),
    "message": _("Message {id}"),
    "channel": _("Channel {id}"),
    "check_in_code_made": _("made a code for a room"),
}


@dataclass(frozen=True)
class Line:
    """One line of the record, and who stands behind it."""

    entry: Entry
    who: Words
    action: Words
    subject: Words
    person_id: int | None  # whom it is about

    @property
    def details(self) -> str:
        return ", ".join(f"{name}: {value}" for name, value in (self.entry.details or {}).items())


class Audit:
    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    def lines(self, asked: Mapping[str, str], limit: int, **where: int | None) -> list[Line]:
        """The newest first, of what was asked for: a member, a person, an action, a day."""
        self._note("audit_read", asked)
        return self._in_words(self.store.audit.lines(self.wanted(asked), limit, **where))

    def table(self, asked: Mapping[str, str]) -> str:
        """The same as a file for a spreadsheet."""
        self._note("audit_exported", asked)
        heads = ("at", "actor", "action", "subject", "details")
        found = self.store.audit.lines(self.wanted(asked), MOST)
        rows = [(wall(one.at), one.actor, one.action, one.subject, flat(one.details)) for one in found]
        written = io.StringIO()
        csv.writer(written).writerows([cell(value) for value in one] for one in (heads, *rows))
        return written.getvalue()

    def wanted(self, asked: Mapping[str, str]) -> Wanted:
        day = as_day(asked.get("day", ""))
        scope = self.office.scope
        return Wanted(
            staff_id=number(asked.get("member", "")),
            person_id=number(asked.get("person", "")),
            action=asked.get("action") or None,
            since=midnight(day) if day else None,
            until=midnight(day + timedelta(days=1)) if day else None,
            areas=scope.areas,
            programmes=scope.programmes,
        )

    def _in_words(self, found: Sequence[Entry]) -> list[Line]:
        names = self.store.staff.names(staff_in(found))
        return [
            Line(
                one,
                who(one.actor, names),
                ACTIONS.get(one.action, one.action),
                what(one.subject, names),
                person_in(one),
            )
            for one in found
        ]

    def _note(self, action: str, asked: Mapping[str, str]) -> None:
        """By what it was looked for, as far as it can be looked for: what was merely typed is not kept."""
        day, what = as_day(asked.get("day", "")), asked.get("action", "")
        known = {
            "member": number(asked.get("member", "")),
            "person": number(asked.get("person", "")),
            "what": what if what in ACTIONS else None,
            "day": day.isoformat() if day else None,
        }
        self.office.note(action, "audit", **{name: value for name, value in known.items() if value is not None})


def staff_in(found: Sequence[Entry]) -> set[int]:
    names = [name for one in found for name in (one.actor, one.subject)]
    return {int(id) for noun, _colon, id in (one.partition(":") for one in names) if noun == "staff" and id.isdecimal()}


def who(actor: str, names: Mapping[int, str]) -> Words:
    noun, _colon, id = actor.partition(":")
    if noun == "staff" and id.isdecimal():
        return names.get(int(id), actor)
    return NOBODYS.get(noun) or what(actor, names)


def what(subject: str, names: Mapping[int, str]) -> Words:
    noun, colon, id = subject.partition(":")
    if noun == "staff" and id.isdecimal() and int(id) in names:
        return names[int(id)]
    if subject in PLACES:
        return PLACES[subject]
    if noun == "retention" and id in TITLES:
        return TITLES[id]
    known = SUBJECTS.get(noun)
    return Text(known.msgid, {"id": id}) if known and colon else subject


def person_in(entry: Entry) -> int | None:
    for name in (entry.subject, entry.actor):
        noun, _colon, id = name.partition(":")
        if noun == "person" and id.isdecimal():
            return int(id)
    return None


def flat(details: Mapping[str, Any] | None) -> str:
    return "; ".join(f"{name}={value}" for name, value in (details or {}).items())


def number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 15 else None


def wall(at: datetime) -> str:
    """On the clock in Rome, as a spreadsheet takes it for a moment."""
    return at.astimezone(ROME).strftime("%Y-%m-%d %H:%M:%S")


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), ROME).astimezone(UTC)
