# SPDX-License-Identifier: EUPL-1.2
"""What the front desk can do for a person: lock, decide, write, notify. Nothing here commits, nothing here sends."""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property

from handlers.desk.attendance import Attendance
from handlers.desk.calendar import Calendar, Links
from handlers.desk.cases import Cases
from handlers.desk.diary import Diary
from handlers.desk.erasure import Erasure
from handlers.desk.files import Files
from handlers.desk.handover import Handover
from handlers.desk.job_clubs import JobClubs
from handlers.desk.links import Linking
from handlers.desk.meetings import Meetings
from handlers.desk.my_data import MyData
from handlers.desk.offers import Offers
from handlers.desk.outbox import Outbox
from handlers.desk.people import People
from handlers.desk.questions import Questions
from handlers.desk.territories import Territories
from handlers.desk.workshops import Workshops
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.people import Identity, Person


class Desk:
    """
    The desk as one person meets it, in one transaction, at one moment (aware, UTC).

    ``chat`` is where the person writes from, if it is the person who asks; ``message_id`` is what they wrote. Without
    ``links`` nothing of ours can be reached from outside. ``by`` is who of the staff acts on their behalf.
    """

    def __init__(
        self,
        store: Store,
        person: Person,
        now: datetime,
        catalogues: Catalogues,
        *,
        chat: Identity | None = None,
        message_id: int | None = None,
        links: Links | None = None,
        by: str | None = None,
    ) -> None:
        self.store, self.person, self.now, self.catalogues = store, person, now, catalogues
        self.chat, self.message_id, self.links, self.by = chat, message_id, links, by
        self.afterwards: list[Callable[[], None]] = []  # what is done last of all, when the turn has been written down

    @property
    def actor(self) -> str:
        """How the record names who does this: somebody of the staff who acts for the person, or they themselves."""
        return self.by or f"person:{self.person.id}"

    @property
    def people(self) -> People:
        return People(self)

    @property
    def workshops(self) -> Workshops:
        return Workshops(self)

    @property
    def attendance(self) -> Attendance:
        return Attendance(self)

    @property
    def job_clubs(self) -> JobClubs:
        return JobClubs(self)

    @property
    def meetings(self) -> Meetings:
        return Meetings(self)

    @property
    def diary(self) -> Diary:
        return Diary(self)

    @property
    def offers(self) -> Offers:
        return Offers(self)

    @cached_property
    def questions(self) -> Questions:
        return Questions(self)

    @property
    def territories(self) -> Territories:
        return Territories(self)

    @property
    def cases(self) -> Cases:
        return Cases(self)

    @property
    def handover(self) -> Handover:
        return Handover(self)

    @property
    def files(self) -> Files:
        return Files(self)

    @property
    def my_data(self) -> MyData:
        return MyData(self)

    @property
    def erasure(self) -> Erasure:
        return Erasure(self)

    @property
    def calendar(self) -> Calendar:
        return Calendar(self)

    @property
    def linking(self) -> Linking:
        return Linking(self)

    @property
    def outbox(self) -> Outbox:
        return Outbox(self)

    @cached_property
    def settings(self) -> dict[str, object]:
        """What an operator has set: the name of the service, its telephone, its hours."""
        return self.store.questions.settings()

    def setting(self, key: str, default: str = "") -> str:
        return str(self.settings.get(key) or default)

    def of(self, person_id: int) -> "Desk":
        """The desk as somebody else meets it, in the same transaction."""
        return Desk(self.store, self.store.people.get(person_id), self.now, self.catalogues)

    def refresh(self) -> None:
        """See the person as this transaction has left them."""
        self.person = self.store.people.get(self.person.id)
