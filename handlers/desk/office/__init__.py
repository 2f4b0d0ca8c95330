# SPDX-License-Identifier: EUPL-1.2
"""The desk as a member of staff meets it: what they may see, and what they do, written down."""

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from handlers.desk import Desk
from handlers.desk.calendar import Links
from handlers.desk.office.attendance import Attendance
from handlers.desk.office.audit import Audit
from handlers.desk.office.calls import Calls
from handlers.desk.office.conversations import Conversations
from handlers.desk.office.deliveries import Deliveries
from handlers.desk.office.exports import Exports
from handlers.desk.office.future import Future
from handlers.desk.office.health import Health
from handlers.desk.office.job_clubs import JobClubs
from handlers.desk.office.merging import Merging
from handlers.desk.office.people import People
from handlers.desk.office.person import Person
from handlers.desk.office.protected import Protected
from handlers.desk.office.questions import Questions
from handlers.desk.office.refusals import Refused
from handlers.desk.office.replies import Replies
from handlers.desk.office.retention import Retention
from handlers.desk.office.rights import Rights
from handlers.desk.office.second_factor import SecondFactor
from handlers.desk.office.series import AllSeries
from handlers.desk.office.settings import ServiceSettings
from handlers.desk.office.staff import Colleagues
from handlers.desk.office.stepping_in import SteppingIn
from handlers.desk.office.today import Today
from handlers.desk.office.transcripts import Transcripts
from handlers.desk.office.venues import Venues
from handlers.desk.office.workshops import Workshops
from handlers.desk.sealing import Seal
from handlers.rules.roles import Scope, may
from handlers.talk import Gone
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.staff import Member

__all__ = ["Office", "Refused"]

STILL_THE_SAME = timedelta(minutes=30)  # so long an open page that asks for itself again is one look


class Office:
    """
    The desk as one member of staff meets it, in one transaction, at one moment.

    ``now`` decides what is due, ``real`` is the time on the wall for sessions and clocks of the law; both aware, UTC.
    Whether the role allows it has been asked before, at the door of the page; here it is asked for whom.
    """

    def __init__(
        self,
        store: Store,
        member: Member,
        now: datetime,
        real: datetime,
        catalogues: Catalogues,
        links: Links | None = None,
        seal: Seal | None = None,
    ) -> None:
        self.store, self.member, self.now, self.real = store, member, now, real
        self.catalogues, self.links, self.seal = catalogues, links, seal

    @property
    def actor(self) -> str:
        """How the record names who does this."""
        return f"staff:{self.member.id}"

    @property
    def deliveries(self) -> Deliveries:
        return Deliveries(self)

    @property
    def health(self) -> Health:
        return Health(self)

    @property
    def questions(self) -> Questions:
        return Questions(self)

    @property
    def second_factor(self) -> SecondFactor:
        return SecondFactor(self)

    @property
    def service(self) -> ServiceSettings:
        return ServiceSettings(self)

    @property
    def staff(self) -> Colleagues:
        return Colleagues(self)

    @property
    def today(self) -> Today:
        return Today(self)

    @cached_property
    def conversations(self) -> Conversations:
        return Conversations(self)

    @property
    def transcripts(self) -> Transcripts:
        return Transcripts(self)

    @property
    def stepping_in(self) -> SteppingIn:
        return SteppingIn(self)

    @property
    def exports(self) -> Exports:
        return Exports(self)

    @property
    def replies(self) -> Replies:
        return Replies(self)

    @property
    def rights(self) -> Rights:
        return Rights(self)

    @property
    def retention(self) -> Retention:
        return Retention(self)

    @property
    def audit(self) -> Audit:
        return Audit(self)

    @property
    def protected(self) -> Protected:
        return Protected(self)

    @property
    def workshops(self) -> Workshops:
        return Workshops(self)

    @property
    def attendance(self) -> Attendance:
        return Attendance(self)

    @property
    def series(self) -> AllSeries:
        return AllSeries(self)

    @property
    def job_clubs(self) -> JobClubs:
        return JobClubs(self)

    @property
    def venues(self) -> Venues:
        return Venues(self)

    @property
    def calls(self) -> Calls:
        return Calls(self)

    @property
    def future(self) -> Future:
        return Future(self)

    @property
    def merging(self) -> Merging:
        return Merging(self)

    @property
    def people(self) -> People:
        return People(self)

    @property
    def person(self) -> Person:
        return Person(self)

    @cached_property
    def scope(self) -> Scope:
        areas, programmes = self.member.areas, self.member.programmes
        return Scope(frozenset(areas) if areas else None, frozenset(programmes) if programmes else None)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What an operator has set: the name of the service, its telephone, its hours."""
        return self.store.questions.settings()

    def may(self, room: str, action: str) -> bool:
        return may(self.member.roles, room, action)

    def desk_of(self, person_id: int) -> Desk:
        """The desk as this person meets it: what is done for them obeys the same rules. Raises Gone."""
        if not self.store.people.is_in(person_id, self.scope.areas, self.scope.programmes):
            raise Gone
        person = self.store.people.get(person_id)
        return Desk(self.store, person, self.now, self.catalogues, links=self.links, by=self.actor)

    def locked(self, person_id: int) -> Desk:
        """The same, and nobody else changes what is theirs until this transaction ends. Raises Gone."""
        self.desk_of(person_id)  # whoever may not see them does not keep them waiting either
        self.store.dialogues.lock_person(person_id)
        return self.desk_of(person_id)

    def has_noted(self, action: str, subject: str) -> bool:
        """Was it written down lately that this member does this? What a page says of itself is no proof of it."""
        return self.store.audit.has(actor=self.actor, action=action, subject=subject, since=self.real - STILL_THE_SAME)

    def note(self, action: str, subject: str, **details: Any) -> None:
        """Write down who did this: reads of people's words as well as what changes something. Never their words."""
        self.store.records.note(at=self.real, actor=self.actor, action=action, subject=subject, details=details or None)
