# SPDX-License-Identifier: EUPL-1.2
"""The second factor: a number from one's own telephone that changes every half minute, and codes for a bad day."""

import hashlib
import json
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import pyotp

from handlers.desk.office.coming_in import hashed, tried
from handlers.desk.sealing import BrokenSeal, Seal
from handlers.rules.guessing import SECOND_FACTOR
from handlers.rules.roles import needs_second_factor
from handlers.talk import _
from storage.staff import Member

if TYPE_CHECKING:
    from handlers.desk.office import Office

PERIOD = 30  # seconds; what every authenticator app expects
CODES, CODE = 10, 12  # so many recovery codes, of so many letters each: 57 bits
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
NO_KEY = _("No key is set, so nothing can be kept safe here. Whoever runs the service sets ENCRYPTION_KEY.")
BROKEN = _("Your second factor cannot be read: the key has changed. Ask an administrator to take it away.")


@dataclass(frozen=True)
class Kept:
    """What stands inside the seal: the secret, and the hashes of the codes that are left."""

    secret: str
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Proposal:
    """A secret on its way to somebody's telephone; sealed, so that it comes back as it went out."""

    secret: str
    address: str  # what the QR code says
    sealed: str


@dataclass(frozen=True)
class Given:
    """A code was given: right or not; or it is too early to try again."""

    is_right: bool = False
    wait_until: datetime | None = None


class SecondFactor:
    """One's own second factor."""

    def __init__(self, office: "Office") -> None:
        self.office, self.store, self.member = office, office.store, office.member

    @property
    def is_needed(self) -> bool:
        return needs_second_factor(self.member.roles)

    @property
    def is_set(self) -> bool:
        return self.member.second_factor is not None

    def codes_left(self) -> int | None:
        """How many recovery codes are left; None if nobody can tell."""
        try:
            return len(self._kept(self.member).codes)
        except (BrokenSeal, Sealless):
            return None

    # ---- setting it up

    def propose(self, session_id: int) -> Proposal:
        """A new secret; nothing is kept until its first code comes back. Raises Sealless."""
        secret = pyotp.random_base32()
        return self._proposal(secret, self._seal.close(secret, about_proposal(session_id)))

    def proposed(self, sealed: str, session_id: int) -> Proposal:
        """The same one again, as it was sealed. Raises Sealless, BrokenSeal."""
        return self._proposal(self._seal.open(sealed, about_proposal(session_id)), sealed)

    def set_up(self, proposal: Proposal, code: str) -> list[str] | None:
        """The recovery codes, if this is a code of the new secret; None if it is not."""
        self._lock()
        step = step_of(proposal.secret, code, None, self.office.real)
        if step is None or self.is_set:
            return None
        codes = self._keep(proposal.secret, second_factor_step=step)
        self.office.note("second_factor_set_up", self.office.actor)
        return codes

    # ---- using it

    def give(self, code: str) -> Given:
        """
        Take a code: the number of now, or of the half minute before or after, each once; or one of the recovery codes.

        Raises Sealless, BrokenSeal.
        """
        attempt = tried(self.store, [(self._counted_as, SECOND_FACTOR)], self.office.real)
        if attempt.wait_until:
            return Given(wait_until=attempt.wait_until)
        self._lock()
        is_right = self.is_set and (self._is_number(code) or self._is_recovery_code(code))
        if is_right:
            self.store.staff.forget_attempts(hashed(self._counted_as))
        else:
            self.office.note("second_factor_refused", self.office.actor)
        return Given(is_right)

    def new_codes(self) -> list[str]:
        """Ten new recovery codes; the old ones are worth nothing. Raises Sealless, BrokenSeal."""
        self._lock()
        codes = self._keep(self._kept(self.member).secret)
        self.office.note("recovery_codes_renewed", self.office.actor)
        return codes

    def end(self) -> None:
        """A password is enough again."""
        self.store.staff.change(self.member.id, second_factor=None, second_factor_step=None)
        self.office.note("second_factor_off", self.office.actor)

    # ---- what is kept

    def _is_number(self, code: str) -> bool:
        step = step_of(self._kept(self.member).secret, code, self.member.second_factor_step, self.office.real)
        if step is not None:
            self.store.staff.change(self.member.id, second_factor_step=step)
        return step is not None

    def _is_recovery_code(self, code: str) -> bool:
        kept, given = self._kept(self.member), code_hash(code)
        if given not in kept.codes:
            return False
        self._write(replace(kept, codes=tuple(one for one in kept.codes if one != given)))
        self.office.note("recovery_code_used", self.office.actor)
        return True

    def _keep(self, secret: str, **values: int) -> list[str]:
        codes = [new_code() for _number in range(CODES)]
        self._write(Kept(secret, tuple(code_hash(code) for code in codes)), **values)
        return codes

    def _write(self, kept: Kept, **values: int) -> None:
        inside = json.dumps({"secret": kept.secret, "codes": kept.codes})
        sealed = self._seal.close(inside, about(self.member))
        self.store.staff.change(self.member.id, second_factor=sealed, **values)

    def _kept(self, member: Member) -> Kept:
        inside = json.loads(self._seal.open(member.second_factor or "", about(member)))
        return Kept(inside["secret"], tuple(inside["codes"]))

    def _lock(self) -> None:
        """As they are now, and nobody else uses the same code at the same time."""
        member = self.store.staff.lock(self.member.id)
        assert member, "nobody of the staff is ever deleted"
        self.member = member

    def _proposal(self, secret: str, sealed: str) -> Proposal:
        service = str(self.office.settings.get("service_name") or "Sportello")
        address = pyotp.TOTP(secret).provisioning_uri(name=self.member.email, issuer_name=service)
        return Proposal(secret, address, sealed)

    @property
    def _counted_as(self) -> str:
        return f"second_factor:{self.member.id}"

    @property
    def _seal(self) -> Seal:
        if self.office.seal is None:
            raise Sealless
        return self.office.seal


class Sealless(Exception):
    """No key is set."""


def about(member: Member) -> str:
    return f"second_factor:{member.id}"


def about_proposal(session_id: int) -> str:
    return f"second_factor_proposal:{session_id}"


def step_of(secret: str, code: str, used: int | None, real: datetime) -> int | None:
    """Which half minute a code belongs to: this one, or the one before or after, but none up to the last one used."""
    code, now = "".join(code.split()), int(real.timestamp()) // PERIOD
    found = [
        step
        for step in (now - 1, now, now + 1)
        if pyotp.utils.strings_equal(pyotp.HOTP(secret).at(step), code) and step > (used or 0)
    ]
    return found[0] if found else None


def new_code() -> str:
    letters = "".join(secrets.choice(LETTERS) for _letter in range(CODE))
    return "-".join(letters[at : at + 4] for at in range(0, CODE, 4))


def code_hash(code: str) -> str:
    """What is kept of a recovery code, however its owner writes it."""
    return hashlib.sha256("".join(letter for letter in code.lower() if letter.isalnum()).encode()).hexdigest()
