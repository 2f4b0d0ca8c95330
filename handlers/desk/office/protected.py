# SPDX-License-Identifier: EUPL-1.2
"""
The flag of targeted placement (law 68/1999): yes or no, who has checked it, until when. Never how much, never why.

It stands sealed in the database. Who reads it says what for, and that is written down.
"""

import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from handlers.desk.office.refusals import Refused
from handlers.desk.office.rights import as_day, reasoned
from handlers.desk.sealing import BrokenSeal, Seal
from handlers.rules import health_words
from handlers.talk import Gone, Text, _
from handlers.talk.text import ROME
from storage.protected import Sealed

if TYPE_CHECKING:
    from handlers.desk.office import Office

KIND = "l68"
SOON = timedelta(days=30)
LONGEST = 300  # characters
MOST = timedelta(days=365 * 5)
# 46%, 46 %, 46 per cento, "il 46 percento", 46/100
PERCENTAGE = re.compile(r"\d\s*(?:%|٪|/\s*100\b|per\s?cent)|\bper\s?cento\b|\bpercent", re.IGNORECASE)

NO_KEY = _("Nothing can be sealed here yet: whoever runs Sportello sets ENCRYPTION_KEY first.")
BROKEN = _("This cannot be opened: it was sealed with a key that is gone.")
A_PERCENTAGE = _("Please leave the percentage out. Here only yes or no is kept.")
A_HEALTH_WORD = _("Please leave health out: no illness, no diagnosis. Here only yes or no is kept.")


@dataclass(frozen=True)
class Says:
    """What stands under the seal."""

    listed: bool
    checked_by: str
    note: str


class Protected:
    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    @property
    def can_seal(self) -> bool:
        return self.office.seal is not None

    @property
    def today(self) -> date:
        return self.office.now.astimezone(ROME).date()

    def of(self, person_id: int) -> Sealed | None:
        """That there is something, and until when; what it says stays closed. Raises Gone."""
        self.office.desk_of(person_id)
        return self.store.protected.get(person_id, KIND)

    def read(self, person_id: int, because: str) -> Says:
        """What it says, to somebody who has said what for. Raises Refused, Gone."""
        reason, found = reasoned(because), self.of(person_id)
        if found is None or found.closed_at:
            raise Gone
        self.office.note("protected_read", f"person:{person_id}", because=reason)
        return Says(**self.says(found.id, found.sealed))

    def says(self, id: int, sealed: str) -> dict[str, Any]:
        """What is under a seal. Raises Refused where it cannot be opened."""
        if not sealed:
            return {}
        try:
            found: dict[str, Any] = json.loads(self._seal().open(sealed, about(id)))
        except BrokenSeal:
            raise Refused(BROKEN) from None
        return found

    def wrong(self, *, listed: str, checked_by: str, expires_on: str, note: str) -> dict[str, Text]:
        """What is wrong with the form, by field."""
        wrong: dict[str, Text] = {}
        if listed not in ("yes", "no"):
            wrong["listed"] = _("Choose yes or no.")
        if not checked_by:
            wrong["checked_by"] = _("Write which office or list has confirmed it.")
        for name, text in (("checked_by", checked_by), ("note", note)):
            if why := not_here(text):
                wrong[name] = why
        day = as_day(expires_on)
        if day is None or not self.today < day <= self.today + MOST:
            wrong["expires_on"] = _("Write a day to come, five years from now at the most.")
        return wrong

    def keep(self, person_id: int, *, listed: bool, checked_by: str, expires_on: date, note: str) -> None:
        """Seal it, in the place of what stood there. Raises Refused, Gone."""
        seal = self._seal()
        self._lock(person_id)
        says = json.dumps({"listed": listed, "checked_by": checked_by, "note": note})
        by, at = self.office.member.id, self.office.now
        id = self.store.protected.put(person_id, KIND, by=by, at=at, expires_on=expires_on)
        self.store.protected.seal(id, seal.close(says, about(id)))
        self.office.note("protected_kept", f"person:{person_id}")

    def close(self, person_id: int) -> None:
        """It holds no more; what it said is gone. Raises Gone."""
        self._lock(person_id)
        if not self.store.protected.close(person_id, KIND, self.office.now):
            raise Gone
        self.office.note("protected_closed", f"person:{person_id}")

    def ending(self, limit: int, after: tuple[date, int] | None = None) -> list[Sealed]:
        """Those that have ended, or will within a month; in our scope."""
        scope = self.office.scope
        by = self.today + SOON
        return self.store.protected.ending(by, limit, areas=scope.areas, programmes=scope.programmes, after=after)

    def _lock(self, person_id: int) -> None:
        self.office.desk_of(person_id)
        self.store.dialogues.lock_person(person_id)
        if self.office.desk_of(person_id).erasure.receipt():
            raise Gone

    def _seal(self) -> Seal:
        if self.office.seal is None:
            raise Refused(NO_KEY)
        return self.office.seal


def about(id: int) -> str:
    """What it is sealed for: this row, and no other."""
    return f"protected:{id}"


def not_here(text: str) -> Text | None:
    """Why these words may not stand here, if they may not."""
    if len(text) > LONGEST:
        return _("This is too long: 300 characters at the most.")
    if PERCENTAGE.search(text):
        return A_PERCENTAGE
    return A_HEALTH_WORD if health_words.find(text) else None
