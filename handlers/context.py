# SPDX-License-Identifier: EUPL-1.2
"""What a step can see, say and do."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from handlers.desk import Desk
from handlers.talk.answers import Answer
from handlers.talk.catalogues import Catalogues
from handlers.talk.conversation import Question
from handlers.talk.text import ROME, Words
from storage.people import Identity, Person


@dataclass(frozen=True)
class Answered:
    """Which message asked, which one answered, and the hash of the words on the screen: the proof of a consent."""

    question_id: int
    answer_id: int
    provider_id: str | None
    hash: str
    channel: str
    language: str


@dataclass(frozen=True)
class Saying:
    """Something to say; ``apart``: as a message of its own."""

    text: Words
    apart: bool = False


class Context:
    """All that a step gets. Times are aware, in UTC; ``today`` is the day in Europe/Rome."""

    def __init__(self, identity: Identity, desk: Desk, catalogues: Catalogues, now: datetime) -> None:
        self.identity, self.desk, self.catalogues, self.now = identity, desk, catalogues, now
        self.draft: Any = None
        self.answered: Answered | None = None
        self.aside = False  # does something else wait: a conversation that goes on afterwards, a reminder's answer?
        self.said: list[Saying] = []
        self.about: str | None = None  # written on what is said and answered, where not all of the desk may read it

    @property
    def person(self) -> Person:
        """The person as this turn has left them so far."""
        return self.desk.person

    @property
    def today(self) -> date:
        return self.now.astimezone(ROME).date()

    def say(self, text: Words, *, apart: bool = False) -> None:
        """Words that go out before the next question."""
        self.said.append(Saying(text, apart))

    @staticmethod
    def ask(text: Words, answer: Answer, *, exact: bool = False, optional: bool = False) -> Question:
        return Question(text, answer, exact, optional)

    def proof(self) -> Answered:
        """How the answer to this step's question came; only there once it has been given."""
        assert self.answered is not None, "nothing has been answered yet"
        return self.answered
