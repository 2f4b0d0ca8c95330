# SPDX-License-Identifier: EUPL-1.2
"""Registering, consenting, choosing a language, stopping and starting again."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from handlers.desk.chats import Chats
from handlers.desk.export import PERMISSIONS
from handlers.moments import BY_NAME, NEWS
from handlers.talk import phones
from storage.people import Identity, Permission
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

    def correct(self, **values: object) -> None:
        """Put right what a person told us; which thing it was is noted, and not what it says."""
        self._change(**values)
        self._note("corrected", what=", ".join(sorted(values)))

    def move(self, comune: str | None) -> Programme | None:
        """They live in another town: from now on they are in the programme of its area. Returns it, if there is one."""
        id, now = self.desk.person.id, self.desk.now
        before, after = self.programme(self.desk.person.comune_istat), self.programme(comune)
        self.correct(comune_istat=comune)
        if before and before != after:
            self.store.people.leave_programme(id, before.id, now)
        if after:
            self.store.people.enrol(id, after.id, now)
        return after

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
        if given:
            self.store.people.end_stops(self.desk.person.id, purpose, now=self.desk.now)

    def agreed(self, purpose: str) -> bool:
        return purpose in self.store.people.consents(self.desk.person.id)

    def consents(self) -> list[str]:
        """The purposes this person has agreed to and not taken back."""
        return sorted(self.store.people.consents(self.desk.person.id))

    def permissions(self) -> dict[str, Permission | None]:
        """What may be answered in the chat once for all, with this person's newest answer; what we know best first."""
        notice, answers = self.desk.questions.notice(), self.store.people.answers(self.desk.person.id)
        asked = notice.consents if notice else {}
        found = sorted(purpose for purpose, said in asked.items() if is_for_the_chat(said))
        known = [purpose for purpose in PERMISSIONS if purpose in found]
        return {purpose: answers.get(purpose) for purpose in dict.fromkeys((*known, *found))}

    def can_be_called(self) -> bool:
        """Do we have a number of theirs? On WhatsApp it is, for most, where they write from."""
        chats = self.store.people.identities(self.desk.person.id)
        is_known = any(one.channel == "whatsapp" and phones.find(one.address) for one in chats)
        return self.desk.person.phone is not None or is_known

    def call_at(self, phone: str) -> None:
        """Keep the number at which a person of the desk may call; given by its owner, in the international form."""
        self._change(phone=phone)
        self._note("phone_given")

    def stop(self) -> int:
        """
        No more messages, from this moment; taking back is as easy as giving (GDPR, art. 7(3)).

        Places that are booked stay; those that are offered go to the next in line. Returns the number of the stop.
        """
        id, now = self.desk.person.id, self.desk.now
        self._change(stopped_at=now)
        self.store.people.withdraw(id, None, by=self.desk.message_id, now=now)
        self._let_go_of_offers()
        self._suppress(reason="person_stopped")
        self._note("stopped")
        return self.store.people.stop(id, "all", message_id=self.desk.message_id, now=now)

    def stopped_because(self, stop_id: int, reason: str) -> None:
        """Why somebody said stop, if they want to say so."""
        self.store.people.stopped_because(stop_id, reason)
        if reason == "job_found":
            self.found_a_job()

    def found_a_job(self) -> None:
        """What became of our work, as the person tells it."""
        self._note("job_found")

    def stop_topic(self, purpose: str) -> None:
        """No more messages of one purpose; the others go on."""
        id, now = self.desk.person.id, self.desk.now
        self.store.people.withdraw(id, [purpose], by=self.desk.message_id, now=now)
        moments = [moment.name for moment in BY_NAME.values() if moment.consent == purpose]
        self._suppress(reason="topic_stopped", moments=moments)
        self.store.people.stop(id, purpose, message_id=self.desk.message_id, now=now)
        self._note("stopped", topic=purpose)

    def stopped_topics(self) -> set[str]:
        """The purposes this person has stopped on their own, and not taken up again."""
        found = self.store.people.stops(self.desk.person.id)
        return {one.topic for one in found if one.ended_at is None} - {"all"}

    def start(self) -> None:
        """The person wants to talk again. Consents stay withdrawn until they are asked for anew."""
        self._change(stopped_at=None)
        self.store.people.end_stops(self.desk.person.id, "all", now=self.desk.now)
        self._note("started")

    def blocked(self, identity: Identity, is_blocked: bool, reason: str = "blocked") -> None:
        """
        The channel says that the person has shut this chat, or opened it; ``reason`` is what the channel says.

        A shut chat is a stop in that chat only, and takes back no consent: nobody has said so to us, many block by
        mistake or for a while, and who opens the chat again expects it to go on as before.
        """
        self.store.dialogues.lock_person(self.desk.person.id)  # the channel says so outside of turns, too
        if is_blocked:
            self._shut(identity, reason)
        else:
            self.store.people.change_identity(identity.id, blocked_at=None)
            self.store.people.end_stops(self.desk.person.id, "all", identity_id=identity.id, now=self.desk.now)
            self.store.messages.another_way(self.desk.now, self.desk.person.id)
        self._note("blocked" if is_blocked else "unblocked")

    def _shut(self, identity: Identity, reason: str) -> None:
        id, now = self.desk.person.id, self.desk.now
        self.store.people.change_identity(identity.id, blocked_at=identity.blocked_at or now)
        if self.desk.outbox.chat() is None:
            self._let_go_of_offers()
        for message in self.store.messages.pending_in(identity.id):
            Chats(self.desk).move(message, because="chat_blocked")
        self._suppress(reason="chat_blocked", identity_id=identity.id)
        self.store.people.stop(
            id, "all", identity_id=identity.id, reason=reason, message_id=self.desk.message_id, now=now
        )

    def _let_go_of_offers(self) -> None:
        """What was offered to somebody who wants no more messages goes to the next in line."""
        self.desk.job_clubs.offers.stopped()
        self.desk.offers.stopped()

    def _suppress(self, **which: Any) -> None:
        """Nothing that is pending is sent; news that must be known all the same goes on the call list."""
        for about, name in self.store.messages.suppress(self.desk.person.id, **which):
            booking = self.store.workshops.booking(int(about.partition(":")[2])) if BY_NAME.get(name) in NEWS else None
            if booking:
                self.desk.cases.open(name, subject=f"workshop:{booking.workshop_id}")

    def _change(self, **values: object) -> None:
        self.store.people.change(self.desk.person.id, **values)
        self.desk.refresh()

    def _note(self, action: str, **details: str) -> None:
        self.store.records.note(
            at=self.desk.now,
            actor=self.desk.actor,
            action=action,
            subject=f"person:{self.desk.person.id}",
            details=details or None,
        )


def is_for_the_chat(said: Mapping[str, Any]) -> bool:
    """May this permission be given in the chat, beforehand? Some are asked at each use, some only by a person."""
    return not said.get("per_use") and not said.get("channel")
