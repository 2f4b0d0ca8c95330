# SPDX-License-Identifier: EUPL-1.2
"""Answers to questions, and the privacy notice, in the desk's own words."""

from functools import cached_property
from typing import TYPE_CHECKING

from handlers.talk import phrases
from handlers.talk.conversation import Gone
from handlers.talk.text import Local
from storage.questions import Notice, Question

if TYPE_CHECKING:
    from handlers.desk import Desk

PLACEHOLDERS = ("service_name", "phone", "address", "controller_name", "dpo_email")


class Questions:
    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    def all(self) -> list[Question]:
        return self.store.questions.all()

    def get(self, id: str) -> Question | None:
        return self.store.questions.get(id)

    def find(self, text: str) -> str | None:
        """The question that somebody's own words are about, if one is."""
        if not 4 <= len(text) <= 300:
            return None
        entries = [
            phrases.Entry(
                one.id, (*one.question.values(), *(word for words in one.keywords.values() for word in words))
            )
            for one in self.all()
        ]
        return phrases.find(text, entries)

    def notice(self) -> Notice | None:
        """The privacy notice in force; without one the desk is not open yet."""
        return self._notice

    def whole_notice(self) -> list[tuple[Local, Local]]:
        """The titles and texts of the whole notice."""
        return [(self.filled(part["title"]), self.filled(part["text"])) for part in self.store.questions.whole_notice()]

    @cached_property
    def _notice(self) -> Notice | None:
        return self.store.questions.notice()

    def consent(self, purpose: str) -> Local:
        """The words that ask for a consent. Raises Gone if the notice does not know this purpose."""
        notice = self.notice()
        if notice is None or purpose not in notice.consents:
            raise Gone
        return self.filled(notice.consents[purpose]["text"])

    def filled(self, words: dict[str, str]) -> Local:
        """Words of the notice with the desk's own name, telephone and address in them."""
        values = {name: self.desk.setting(name, "–") for name in PLACEHOLDERS}
        return Local({language: _filled(text, values) for language, text in words.items()})


def _filled(text: str, values: dict[str, str]) -> str:
    # Words from the database are never a format string: only the names we know are replaced.
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text
