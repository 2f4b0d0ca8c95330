# SPDX-License-Identifier: EUPL-1.2
"""Registering, consenting, choosing a language, stopping and starting again."""

from typing import TYPE_CHECKING, Protocol

from storage.people import Identity
from storage.territories import Programme

if TYPE_CHECKING:
    from handlers.desk import Desk


class Proof(Protocol):
    """Which message asked, which answered, and the hash of the words on the screen."""

    @property
    def question_id(self) -> int: ...
    @property
    def answer_id(self) -> int: ...
    @property
    def provider_id(self) -> str | None: ...
    @property
    def hash(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def language(self) -> str: ...


class People:
    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    def came_from(self, start: str | None) -> None:
        """Remember the link that brought a person here, the first time (D09)."""
        if start and start.startswith("src_") and self.desk.person.source is None:
            self._change(source=start.removeprefix("src_"))

    def speak(self, language: str) -> None:
        """From now on, everything in this language."""
        self._change(language=language)

    def register(
        self, *, first_name: str, birth_year: int, comune: str | None, goal: str | None, italian_level: str | None
    ) -> Programme | None:
        """Keep what a person told us and enrol them in the programme of their area. Returns it, if there is one."""
        self._change(
            first_name=first_name,
            birth_year=birth_year,
            comune_istat=comune,
            goal=goal,
            italian_level=italian_level,
            registered_at=self.desk.now,
        )
        programme = self.programme(comune)
        if programme:
            self.store.people.enrol(self.desk.person.id, programme.id, self.desk.now)
        self._note("registered")
        return programme

    def programme(self, comune: str | None) -> Programme | None:
        """The programme that a resident of this comune is offered first (B06, C01)."""
        place = self.store.territories.place(comune)
        return next(iter(self.store.territories.programmes(place.area)), None) if place else None

    def consent(self, purpose: str, given: bool, *, proof: Proof) -> None:
        """Keep an answer to a consent question with its proof (GDPR, art. 7(1)); a no is kept as well."""
        notice = self.desk.questions.notice()
        assert notice is not None, "nobody is asked anything before there is a privacy notice"
        words = self.desk.questions.consent(purpose)
        self.store.people.record_consent(
            person_id=self.desk.person.id,
            purpose=purpose,
            given=given,
            text=words.render(self.desk.catalogues.reader(proof.language)),
            text_hash=proof.hash,
            version=notice.version,
            language=proof.language,
            channel=proof.channel,
            question_id=proof.question_id,
            answer_id=proof.answer_id,
            provider_id=proof.provider_id,
            at=self.desk.now,
        )

    def agreed(self, purpose: str) -> bool:
        return purpose in self.store.people.consents(self.desk.person.id)

    def consents(self) -> list[str]:
        """The purposes this person has agreed to and not taken back."""
        return sorted(self.store.people.consents(self.desk.person.id))

    def stop(self) -> None:
        """No more messages, from this moment; taking back is as easy as giving (GDPR, art. 7(3))."""
        self._change(stopped_at=self.desk.now)
        self.store.people.withdraw(self.desk.person.id, None, by=self.desk.message_id, now=self.desk.now)
        self._note("stopped")

    def start(self) -> None:
        """The person wants to talk again. Consents stay withdrawn until they are asked for anew."""
        self._change(stopped_at=None)
        self._note("started")

    def blocked(self, identity: Identity, is_blocked: bool) -> None:
        """The channel says that the person has shut, or opened, this chat."""
        self.store.people.change_identity(identity.id, blocked_at=self.desk.now if is_blocked else None)
        self._note("blocked" if is_blocked else "unblocked")

    def _change(self, **values: object) -> None:
        self.store.people.change(self.desk.person.id, **values)
        self.desk.refresh()

    def _note(self, action: str) -> None:
        who = f"person:{self.desk.person.id}"
        self.store.records.note(at=self.desk.now, actor=who, action=action, subject=who)
