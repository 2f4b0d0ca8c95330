# SPDX-License-Identifier: EUPL-1.2
"""What people write that no step understands: counted, looked at by the staff, and taught."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Literal

from handlers.rules.masking import MASK, masked
from handlers.talk import Text, _
from handlers.talk.anytime import ANYTIME
from handlers.talk.reading import key
from storage import Store
from storage.misreadings import Misread, Synonym

__all__ = [
    "Misread",
    "NotTaught",
    "Synonym",
    "as_counted",
    "for_developers",
    "ranked",
    "settle",
    "synonyms",
    "teach",
    "unteach",
]

LONGEST = 200
Settled = Literal["synonym", "question", "developers", "nothing"]

ADDRESS = re.compile(r"\S*@\S*|\S*://\S*|www\.\S*", re.IGNORECASE)
FIGURES = re.compile(r"\w*\d\w*(?: \w*\d\w*)*")

NO_WORDS = _("There are no words to teach here.")
NO_MEANING = _("Choose what these words mean: a word that always works, a conversation or a question.")


class NotTaught(Exception):
    """These words cannot be taught; ``why`` says the reason in plain words."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.msgid)
        self.why = why


def as_counted(text: str) -> str:
    """What was written, as it is counted and taught: folded and cut, and # for every name, number and address."""
    folded = key(ADDRESS.sub(" 0 ", masked(text[: 4 * LONGEST]).replace(MASK, " 0 ")))
    return FIGURES.sub("#", folded)[:LONGEST].strip()


def ranked(store: Store, *, limit: int, after: tuple[int, str] | None = None) -> list[Misread]:
    """What nobody has looked at yet, the most frequent first; ``after``: count and words of the last one shown."""
    return store.misreadings.ranked(limit, after)


def for_developers(store: Store, *, limit: int) -> list[Misread]:
    """What the staff have passed on to those who write the program, the newest first."""
    return store.misreadings.noted("developers", limit)


def settle(store: Store, words: str, *, staff_id: int, now: datetime, as_: Settled) -> int:
    """Somebody has looked at these words. Returns how often they had been written."""
    settled = store.misreadings.settle(words, staff_id=staff_id, now=now, as_=as_)
    store.records.note(
        at=now, actor=f"staff:{staff_id}", action="misread_settled", subject="misread", details={"as": as_}
    )
    return settled


def teach(
    store: Store, words: str, means: str, staff_id: int, now: datetime, *, conversations: Collection[str]
) -> None:
    """
    From the next message on these words mean this: ``anytime:menu``, ``conversation:workshops``, ``question:faq-03``.

    ``conversations`` are the names there are. Raises NotTaught.
    """
    said = as_counted(words)
    if not any(letter.isalpha() for letter in said):
        raise NotTaught(NO_WORDS)
    if not _is_known(store, means, conversations):
        raise NotTaught(NO_MEANING)
    kind: Settled = "question" if means.startswith("question:") else "synonym"
    store.misreadings.teach(said, means, staff_id, now)
    store.misreadings.settle(said, staff_id=staff_id, now=now, as_=kind)
    store.records.note(at=now, actor=f"staff:{staff_id}", action="taught", subject="misread", details={"means": means})


def unteach(store: Store, words: str, staff_id: int, now: datetime) -> bool:
    """They mean nothing any more; False if they did not."""
    is_gone = store.misreadings.unteach(words)
    if is_gone:
        store.records.note(at=now, actor=f"staff:{staff_id}", action="untaught", subject="misread")
    return is_gone


def synonyms(store: Store) -> list[Synonym]:
    return store.misreadings.synonyms()


def _is_known(store: Store, means: str, conversations: Collection[str]) -> bool:
    what, _colon, which = means.partition(":")
    match what:
        case "anytime":
            return which in ANYTIME
        case "conversation":
            return which in conversations
        case "question":
            return store.questions.get(which) is not None
        case _:
            return False
