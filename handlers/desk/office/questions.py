# SPDX-License-Identifier: EUPL-1.2
"""Questions and answers, as the people of the desk write them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from handlers.desk.office.refusals import Refused
from handlers.talk import Gone, _
from handlers.talk.reading import key
from handlers.talk.text import ROME, Text
from storage.questions import Kept

if TYPE_CHECKING:
    from handlers.desk.office import Office

LANGUAGES = ("it", "en")
LONGEST_QUESTION, LONGEST_ANSWER = (
    120,
    1200,
)  # letters; an answer fits in one message of every channel, with its buttons
LOOKED_AT_AGAIN = timedelta(days=180)


@dataclass(frozen=True)
class Draft:
    """A question as it was typed: nothing of it is lost when something is wrong with it."""

    question: Mapping[str, str]
    answer: Mapping[str, str]
    keywords: Mapping[str, str]  # one a line, or with commas
    programme_id: str = ""
    review_on: str = ""

    def words_of(self, language: str) -> list[str]:
        """The keywords in small letters, each once."""
        typed = self.keywords.get(language, "").replace("\n", ",").split(",")
        return list(dict.fromkeys(" ".join(one.lower().split()) for one in typed if one.strip()))


@dataclass(frozen=True)
class Checked:
    """What is wrong, by field, in words for who typed it; nothing: it can be kept."""

    wrong: dict[str, Text] = field(default_factory=dict)
    review_on: date | None = None


class Questions:
    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    def all(self) -> list[Kept]:
        return self.store.questions.kept()

    def get(self, id: str) -> Kept:
        """One of them. Raises Gone."""
        found = next((one for one in self.all() if one.id == id), None)
        if found is None:
            raise Gone
        return found

    @property
    def today(self) -> date:
        return self.office.now.astimezone(ROME).date()

    def blank(self) -> Draft:
        return Draft({}, {}, {}, review_on=(self.today + LOOKED_AT_AGAIN).isoformat())

    def check(self, draft: Draft) -> Checked:
        wrong: dict[str, Text] = {}
        for language in LANGUAGES:
            wrong |= _long(f"question_{language}", draft.question.get(language, ""), LONGEST_QUESTION)
            wrong |= _long(f"answer_{language}", draft.answer.get(language, ""), LONGEST_ANSWER)
        try:
            review_on = date.fromisoformat(draft.review_on)
        except ValueError:
            return Checked(wrong | {"review_on": _("Write the day on which somebody looks at it again.")})
        if review_on <= self.today:
            wrong["review_on"] = _("This day is over. Choose a later one.")
        programmes = {one.id for one in self.store.territories.all_programmes()}
        if draft.programme_id and draft.programme_id not in programmes:
            wrong["programme_id"] = _("Choose one of the programmes.")
        return Checked(wrong, review_on)

    def add(self, draft: Draft, review_on: date) -> str:
        """A new question, behind all others. Returns its name."""
        taken, place = {one.id for one in self.all()}, max((one.place for one in self.all()), default=0) + 1
        number = next(one for one in range(1, len(taken) + 2) if f"desk-{one:02}" not in taken)
        id = f"desk-{number:02}"
        buttons = [{"action": "menu", "it": "Vai al menu", "en": "Go to the menu"}]
        self.store.questions.add(id=id, place=place, buttons=buttons, **self._values(draft, review_on))
        self.office.note("question_added", f"question:{id}")
        return id

    def change(self, id: str, draft: Draft, review_on: date) -> None:
        """Raises Gone."""
        if self.store.questions.lock(id) is None:
            raise Gone
        self.store.questions.change(id, **self._values(draft, review_on))
        self.office.note("question_changed", f"question:{id}")

    def learn(self, id: str, language: str, words: str) -> None:
        """One more way to ask it. Raises Gone."""
        found = self.store.questions.lock(id)
        if found is None:
            raise Gone
        known = found.keywords.get(language) or []
        if key(words) not in map(key, known):
            self.store.questions.change(id, keywords={**found.keywords, language: [*known, words.lower()]})
        self.office.note("question_changed", f"question:{id}")

    def close(self, id: str) -> None:
        """Nobody is shown it any more. Raises Gone."""
        self._show(id, is_shown=False)

    def reopen(self, id: str) -> None:
        """Raises Gone."""
        self._show(id, is_shown=True)

    def move(self, id: str, by: int) -> None:
        """One place up (-1) or down (1) among those that are shown: only the first ten stand on the list in chat."""
        shown: Sequence[Kept] = [one for one in self.all() if one.closed_at is None]
        at = next((number for number, one in enumerate(shown) if one.id == id), None)
        if at is None or by not in (-1, 1):
            raise Gone
        if not 0 <= at + by < len(shown):
            raise Refused(_("It stands at the end already."))
        order = list(shown)
        order[at], order[at + by] = order[at + by], order[at]
        for place, one in enumerate(order):
            if one.place != place:
                self.store.questions.change(one.id, place=place)
        self.office.note("question_moved", f"question:{id}")

    def _show(self, id: str, *, is_shown: bool) -> None:
        if self.store.questions.lock(id) is None:
            raise Gone
        self.store.questions.change(id, closed_at=None if is_shown else self.office.now)
        self.office.note("question_opened" if is_shown else "question_closed", f"question:{id}")

    @staticmethod
    def _values(draft: Draft, review_on: date) -> dict[str, object]:
        return {
            "question": dict(draft.question),
            "answer": dict(draft.answer),
            "keywords": {language: draft.words_of(language) for language in LANGUAGES},
            "programme_id": draft.programme_id or None,
            "review_on": review_on,
        }


def _long(name: str, words: str, longest: int) -> dict[str, Text]:
    if not words.strip():
        return {name: _("Write it in both languages.")}
    if len(words) > longest:
        return {name: _("This is too long: at most {longest} letters.", longest=longest)}
    return {}


def draft_of(kept: Kept) -> Draft:
    """A question as it stands, to be changed."""
    keywords = {language: "\n".join(words) for language, words in kept.keywords.items()}
    return Draft(kept.question, kept.answer, keywords, kept.programme_id or "", kept.review_on.isoformat())
