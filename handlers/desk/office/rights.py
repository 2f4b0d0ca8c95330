# SPDX-License-Identifier: EUPL-1.2
"""
What people ask about their data, answered by the privacy officer within the time of the law (GDPR, art. 12 to 21).

What people do for themselves in the chat is not written down a second time: it is read from the record and from the
deletions.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from handlers.desk import Desk
from handlers.desk.erasure import drawn
from handlers.desk.export import REQUESTS, sections
from handlers.desk.handover import why_not
from handlers.desk.my_data import as_json
from handlers.desk.office.refusals import Refused
from handlers.desk.office.written import day_in
from handlers.rules.deadlines import MONTHS_IN_ALL, due, may_be_longer
from handlers.talk import Gone, Text, Words, _, lines, n_
from handlers.talk.page import page
from handlers.talk.text import ROME
from storage.people import Proof
from storage.rights import Asked, Receipt, Request

if TYPE_CHECKING:
    from handlers.desk.office import Office

WAYS: dict[str, Text] = {
    "chat": _("In the chat"),
    "telephone": _("By telephone"),
    "desk": _("At the desk"),
    "letter": _("By letter"),
    "email": _("By e-mail"),
}
LONGEST = 2000  # characters of a reason or a note
CODE_LIVES = timedelta(minutes=10)
TRIES = 3
DIGITS = "0123456789"

NEEDS_REASON = _("Write why. A few words are enough.")
TOO_LONG = _("This is too long: 2000 characters at the most.")
CLOSED = _("This request is closed already.")
AGAIN = _("More time has been taken already, and can be taken only once.")
TOO_LATE = _("The first month is over: the law allows more time only within it.")
NO_CODE = _("No number is waiting to be read out. Send one first.")
CODE_OVER = _("This number is too old, or was wrong three times. Send another one.")
ERASED = _("This person is being deleted, or has been.")


@dataclass(frozen=True)
class Waiting:
    """An open request, and how many days are left: fewer than none, if it is late."""

    request: Request
    days: int

    @property
    def is_late(self) -> bool:
        return self.days < 0

    @property
    def left(self) -> Text:
        if self.days > 0:
            return n_("{count} day left", "{count} days left", self.days)
        return n_("{count} day late", "{count} days late", -self.days) if self.days else _("Today is the last day")


@dataclass(frozen=True)
class InTheChat:
    """What somebody asked for and had in the chat; a deletion that is not done yet is still going on."""

    asked: Asked
    receipt: Receipt | None

    @property
    def what(self) -> Words:
        kinds = {"downloaded": "access", "corrected": "correction", "erasure_asked": "erasure"}
        return REQUESTS[kinds[self.asked.action]]

    @property
    def is_done(self) -> bool:
        return self.asked.action != "erasure_asked" or self.receipt is None or self.receipt.done_at is not None


@dataclass(frozen=True)
class Shown:
    """A proof of consent, and whether its words are still those whose hash was kept when they were shown."""

    proof: Proof

    @property
    def is_intact(self) -> bool:
        return hmac.compare_digest(hashlib.sha256(self.proof.text.encode()).hexdigest(), self.proof.text_hash)


@dataclass(frozen=True)
class File:
    """Something to be saved: its name, its MIME type, and what is in it."""

    name: str
    kind: str
    content: str


class Rights:
    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    @property
    def _scope(self) -> tuple[Any, Any]:
        return self.office.scope.areas, self.office.scope.programmes

    @property
    def today(self) -> date:
        return self.office.now.astimezone(ROME).date()

    # ---- looking

    def waiting(self, limit: int, after: tuple[date, int] | None = None) -> list[Waiting]:
        """What is open; who has waited longest comes first."""
        return [
            Waiting(one, (one.due_on - self.today).days) for one in self.store.rights.open(self._scope, limit, after)
        ]

    def being_erased(self) -> list[Receipt]:
        return self.store.rights.being_erased(self._scope)

    def closed(self, limit: int, **where: int | None) -> list[Request]:
        return self.store.rights.closed(self._scope, limit, **where)

    def in_the_chat(self, limit: int, **where: int | None) -> list[InTheChat]:
        found = self.store.rights.asked_in_the_chat(self._scope, limit, **where)
        receipts = self.store.rights.receipts_of([one.person_id for one in found])
        return [InTheChat(one, receipts.get(one.person_id)) for one in found]

    def receipts(self, limit: int, **where: int | None) -> list[Receipt]:
        return self.store.rights.receipts(self._scope, limit, **where)

    def receipt_of(self, person_id: int) -> Receipt | None:
        return self.store.rights.receipts_of([person_id]).get(person_id)

    def of(self, person_id: int) -> list[Request]:
        """All that somebody in our scope has asked. Raises Gone."""
        self._desk(person_id)
        return self.store.rights.of(person_id)

    def get(self, id: int) -> Waiting:
        """Raises Gone."""
        found = self.store.rights.get(id)
        if found is None:
            raise Gone
        self._desk(found.person_id)
        return Waiting(found, (found.due_on - self.today).days)

    # ---- a request from its beginning to its end

    def wrong(self, *, kind: str, came_by: str, asked_on: str, note: str) -> dict[str, Text]:
        """What is wrong with the form of a new request, by field."""
        wrong: dict[str, Text] = {}
        if kind not in REQUESTS:
            wrong["kind"] = _("Choose what the person asks for.")
        if came_by not in WAYS:
            wrong["came_by"] = _("Choose how it came.")
        if len(note) > LONGEST:
            wrong["note"] = TOO_LONG
        if (day := as_day(asked_on)) is None:
            wrong["asked_on"] = _("Write the day on which it came.")
        elif day > self.today:
            wrong["asked_on"] = _("This day is still to come.")
        elif day < self.today - timedelta(days=366):
            wrong["asked_on"] = _("This is more than a year ago.")
        return wrong

    def begin(self, person_id: int, *, kind: str, came_by: str, asked_on: date, note: str) -> int:
        """Somebody asks; from the day it came the clock runs. Raises Gone, Refused."""
        desk = self._locked(person_id)
        if desk.erasure.receipt():
            raise Refused(ERASED)
        at = self.office.now if asked_on == self.today else datetime.combine(asked_on, datetime.min.time(), ROME)
        id = self.store.rights.add(
            person_id=person_id,
            kind=kind,
            came_by=came_by,
            asked_at=at,
            due_on=due(asked_on),
            note=note or None,
        )
        self._note("rights_asked", person_id, id, kind=kind)
        return id

    def send_code(self, id: int) -> None:
        """
        Six digits to the chat, to be read out on the telephone: who reads them holds the chat. Raises Refused, Gone.

        Their hash stands with the request: so it works in every process, and one try takes as long as it must.
        """
        found, desk = self._open(id)
        if why := why_not(desk):
            raise Refused(why)
        code, salt = drawn(DIGITS, 6), secrets.token_hex(16)
        words = _("A person of the desk asks you on the telephone for this number: {code}", code=code)
        warning = _("Say it only if you are on the telephone with us now.")
        self._say(desk, lines(words, warning))
        until = (self.office.real + CODE_LIVES).isoformat()
        kept = {"hash": slow_hash(code, salt), "salt": salt, "until": until, "tries": 0}
        self.store.rights.change(id, code=kept)
        self._note("code_sent", found.person_id, id)

    def check_code(self, id: int, given: str) -> bool:
        """Is this the number? Three wrong ones end it, and ten minutes. Raises Refused."""
        found, _desk = self._open(id)
        code = found.code
        if code is None:
            raise Refused(NO_CODE)
        if code["tries"] >= TRIES or self.office.real > datetime.fromisoformat(code["until"]):
            raise Refused(CODE_OVER)
        digits = "".join(one for one in given if one.isdecimal())
        if hmac.compare_digest(slow_hash(digits, code["salt"]), code["hash"]):
            self.store.rights.change(id, code=None, identified_at=self.office.now)
            self._note("identified", found.person_id, id)
            return True
        self.store.rights.change(id, code={**code, "tries": code["tries"] + 1})
        self._note("code_wrong", found.person_id, id)
        return False

    def longer(self, id: int, because: str) -> bool:
        """Two months more, once, and the person is told why. True if they could be told here. Raises Refused."""
        found, desk = self._open(id)
        reason = reasoned(because)
        if found.longer_because is not None:
            raise Refused(AGAIN)
        if not may_be_longer(found.due_on, self.today):
            raise Refused(TOO_LATE)
        until = due(found.asked_at.astimezone(ROME).date(), MONTHS_IN_ALL)
        self.store.rights.change(id, longer_because=reason, due_on=until)
        self._note("rights_longer", found.person_id, id)
        asked = found.asked_at.astimezone(ROME).date()
        return self._told(
            desk,
            lines(
                _("You asked us about your data on {day}. We need more time.", day=asked),
                _("You have our answer by {until}.", until=until),
                _("Why: {reason}", reason=reason),
            ),
        )

    def done(self, id: int) -> bool:
        """It is answered, and the person is told. True if they could be told here. Raises Refused."""
        found, desk = self._open(id)
        self._close(found, outcome="done")
        asked = found.asked_at.astimezone(ROME).date()
        return self._told(desk, _("You asked us about your data on {day}. It is done.", day=asked))

    def refuse(self, id: int, because: str) -> bool:
        """It cannot be done, and the person is told why, and who else they can ask. Raises Refused."""
        found, desk = self._open(id)
        reason = reasoned(because)
        self._close(found, outcome="refused", refused_because=reason)
        asked = found.asked_at.astimezone(ROME).date()
        return self._told(
            desk,
            lines(
                _("You asked us about your data on {day}. We cannot do it.", day=asked),
                _("Why: {reason}", reason=reason),
                _("You do not agree? You can write to the Garante privacy, or go to a judge."),
            ),
        )

    # ---- what somebody has here

    def data_of(self, person_id: int, form: str, because: str) -> File:
        """Everything, as a page to read or for a program, handed over by us. Raises Refused, Gone."""
        desk, reason = self._desk(person_id), reasoned(because)
        found, reader = desk.my_data.everything(self._unsealed), self.office.catalogues.reader(desk.person.language)
        if found["protected"]:
            self.office.note("protected_read", f"person:{person_id}", because=reason)
        self.office.note("data_handed_over", f"person:{person_id}", form=form, because=reason)
        if form == "json":
            return File(f"sportello-{person_id}.json", "application/json", as_json(found))
        readable = page(_("Your data at Sportello"), self.office.now, sections(found, reader), reader)
        return File(f"sportello-{person_id}.html", "text/html; charset=utf-8", readable)

    def counts_of(self, person_id: int) -> dict[str, int]:
        """How many rows of what somebody has."""
        self._desk(person_id)
        return self.store.erasures.counts(person_id)

    def erase(self, person_id: int, because: str) -> str:
        """Delete somebody who asked us for it, with the same receipt and the same waiting as in the chat."""
        desk, reason = self._locked(person_id), reasoned(because)
        if desk.erasure.receipt():
            raise Refused(ERASED)
        self.office.note("erased_for_them", f"person:{person_id}", because=reason)
        return desk.erasure.ask_for_them()

    # ---- proofs of consent

    def proofs(self, person_id: int) -> list[Shown]:
        """Every answer to a question of consent, with its proof; that somebody looked is written down."""
        self._desk(person_id)
        self.office.note("proofs_read", f"person:{person_id}")
        return [Shown(one) for one in self.store.people.proofs(person_id)]

    def proofs_file(self, person_id: int) -> File:
        found = [
            {name: getattr(one.proof, name) for name in Proof.__dataclass_fields__} | {"hash_is_right": one.is_intact}
            for one in self.proofs(person_id)
        ]
        self.office.note("proofs_handed_over", f"person:{person_id}")
        return File(f"consents-{person_id}.json", "application/json", as_json({"person": person_id, "consents": found}))

    # ---- inside

    def _desk(self, person_id: int) -> Desk:
        return self.office.desk_of(person_id)

    def _locked(self, person_id: int) -> Desk:
        self._desk(person_id)
        self.store.dialogues.lock_person(person_id)
        return self._desk(person_id)

    def _open(self, id: int) -> tuple[Request, Desk]:
        """A request nobody else answers meanwhile; its person is locked before it. Raises Gone, Refused."""
        found = self.store.rights.get(id)
        if found is None:
            raise Gone
        desk = self._locked(found.person_id)
        found = self.store.rights.lock(id)
        assert found is not None, "a request is never deleted"
        if found.closed_at:
            raise Refused(CLOSED)
        return found, desk

    def _close(self, found: Request, **values: Any) -> None:
        self.store.rights.change(
            found.id, closed_at=self.office.now, closed_by=self.office.member.id, code=None, **values
        )
        self._note(f"rights_{values['outcome']}", found.person_id, found.id)

    def _told(self, desk: Desk, words: Words) -> bool:
        """Say it in their chat, if they can be written to now."""
        if why_not(desk) is not None:
            return False
        self._say(desk, words)
        return True

    def _say(self, desk: Desk, words: Words) -> None:
        chat = desk.outbox.chat()
        assert chat is not None, "somebody has asked why not"
        reader = self.office.catalogues.reader(desk.person.language)
        desk.outbox.reply(chat, words if isinstance(words, str) else words.render(reader), reply_to=None)

    def _unsealed(self, row: Mapping[str, Any]) -> dict[str, Any]:
        says = self.office.protected.says(row["id"], row["sealed"])
        return {name: value for name, value in row.items() if name not in ("id", "sealed")} | {"says": says}

    def _note(self, action: str, person_id: int, id: int, **details: Any) -> None:
        self.office.note(action, f"person:{person_id}", request=id, **details)


def slow_hash(code: str, salt: str) -> str:
    """So slow that nobody tries all six digits in the ten minutes they live."""
    return hashlib.scrypt(code.encode(), salt=salt.encode(), n=2**14, r=8, p=1).hex()


def reasoned(because: str) -> str:
    """A reason somebody wrote. Raises Refused without one."""
    if len(because.strip()) < 3:
        raise Refused(NEEDS_REASON)
    if len(because) > LONGEST:
        raise Refused(TOO_LONG)
    return because.strip()


def as_day(text: str) -> date | None:
    return day_in(text)
