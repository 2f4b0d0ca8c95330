# SPDX-License-Identifier: EUPL-1.2
"""Answers that are ready, in every language of the desk: written once, chosen while answering."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from handlers.talk import Gone, _
from handlers.talk.text import Words
from storage.reviews import CannedReply

if TYPE_CHECKING:
    from handlers.desk.office import Office

LONGEST_TITLE, LONGEST = 80, 4000
LANGUAGES: Mapping[str, Words] = {"it": "Italiano", "en": "English", "fr": "Français", "ar": "العربية"}


class Replies:
    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    def all(self) -> Sequence[CannedReply]:
        """By title."""
        return self.store.reviews.canned()

    def in_words(self, language: str) -> Sequence[tuple[int, str, str]]:
        """The number, the title and the words in somebody's language; in Italian where nobody has written it."""
        return [(one.id, one.title, words_of(one, language)) for one in self.all()]

    def put(self, id: int | None, title: str, text: Mapping[str, str]) -> dict[str, Words]:
        """Keep a new answer, or change one; returns what is wrong, by field. Raises Gone."""
        title = " ".join(title.split())
        kept = {language: words.strip() for language, words in text.items() if language in LANGUAGES and words.strip()}
        wrong: dict[str, Words] = {}
        if not title or len(title) > LONGEST_TITLE:
            wrong["title"] = _("A title has 1 to {most} letters.", most=LONGEST_TITLE)
        if "it" not in kept:
            wrong["text_it"] = _("Write it in Italian at least.")
        for language, words in kept.items():
            if len(words) > LONGEST:
                wrong[f"text_{language}"] = _("An answer has at most {most} letters.", most=LONGEST)
        if wrong:
            return wrong
        if id is not None and id not in {one.id for one in self.all()}:
            raise Gone
        values = {"title": title, "text": kept, "staff_id": self.office.member.id, "at": self.office.real}
        if not self.store.reviews.put_canned(id, **values):
            return {"title": _("Another answer has this title.")}
        self.office.note("reply_saved", "replies")
        return {}

    def drop(self, id: int) -> None:
        """Raises Gone."""
        if not self.store.reviews.drop_canned(id):
            raise Gone
        self.office.note("reply_deleted", "replies")


def words_of(reply: CannedReply, language: str) -> str:
    return reply.text.get(language) or reply.text.get("it") or next(iter(reply.text.values()), "")
