# SPDX-License-Identifier: EUPL-1.2
"""The staff, and where they are signed in."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, tuple_, update

from storage.tables import sent_forms, sessions, sign_in_attempts, sign_in_links, staff
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the staff."""

    id: int
    name: str
    email: str
    role: str
    other_roles: list[str] | None
    organisation_id: str | None
    languages: list[str]
    language: str | None
    areas: list[str] | None
    programmes: list[str] | None
    password: str | None
    second_factor: str | None
    second_factor_step: int | None
    closed_at: datetime | None

    @property
    def roles(self) -> frozenset[str]:
        return frozenset({self.role, *(self.other_roles or ())})


@dataclass(frozen=True, slots=True)
class Session:
    """Signed in on one device; times are real, aware, UTC."""

    id: int
    staff_id: int
    form_key: str
    is_whole: bool
    device: str | None
    at: datetime
    seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Link:
    """Opens once: an invitation, a new password, a way in."""

    id: int
    staff_id: int
    kind: str
    at: datetime
    expires_at: datetime
    used_at: datetime | None


_member = [staff.c[name] for name in Member.__dataclass_fields__]
_session = [sessions.c[name] for name in Session.__dataclass_fields__]
_link = [sign_in_links.c[name] for name in Link.__dataclass_fields__]


class Staff:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def get(self, id: int) -> Member | None:
        rows = self.store.read(select(*_member).where(staff.c.id == id))
        return Member(*rows[0]) if rows else None

    def lock(self, id: int) -> Member | None:
        """The same, and nobody else changes it until this transaction ends."""
        rows = self.store.read(select(*_member).where(staff.c.id == id).with_for_update(key_share=True))
        return Member(*rows[0]) if rows else None

    def lock_open(self) -> list[Member]:
        """Everybody who works here, always locked in the same order: for what must stay true of all of them."""
        open_ones = select(*_member).where(staff.c.closed_at.is_(None)).order_by(staff.c.id)
        return [Member(*row) for row in self.store.read(open_ones.with_for_update(key_share=True))]

    def with_email(self, email: str) -> Member | None:
        rows = self.store.read(select(*_member).where(staff.c.email == email.strip().lower()))
        return Member(*rows[0]) if rows else None

    def all(self) -> list[Member]:
        """Everybody, those who work here first, by name."""
        order = (staff.c.closed_at.is_not(None), func.lower(staff.c.name), staff.c.id)
        return [Member(*row) for row in self.store.read(select(*_member).order_by(*order))]

    def listed(
        self, limit: int, *, closed: bool, after: tuple[str, int] | None = None, before: tuple[str, int] | None = None
    ) -> list[Member]:
        """Those who work here, or no longer do, by name: some ``after`` or ``before`` a name and its number."""
        name, backwards = func.lower(staff.c.name), before is not None
        place = tuple_(name, staff.c.id)
        where: list[Any] = [staff.c.closed_at.is_not(None) if closed else staff.c.closed_at.is_(None)]
        where += [place > tuple_(func.lower(after[0]), after[1])] if after else []
        where += [place < tuple_(func.lower(before[0]), before[1])] if before else []
        order = (name.desc(), staff.c.id.desc()) if backwards else (name, staff.c.id)
        rows = self.store.read(select(*_member).where(*where).order_by(*order).limit(limit))
        return [Member(*row) for row in (reversed(rows) if backwards else rows)]

    def last_seen(self, ids: Collection[int]) -> dict[int, datetime]:
        """When each of them was last here; who never was, or long ago, is not in it."""
        seen = select(sessions.c.staff_id, func.max(sessions.c.seen_at)).group_by(sessions.c.staff_id)
        return {row[0]: row[1] for row in self.store.read(seen.where(sessions.c.staff_id.in_(sorted(ids))))}

    def names(self, ids: Collection[int] | None = None) -> dict[int, str]:
        """Who is who; without numbers, everybody."""
        statement = select(staff.c.id, staff.c.name)
        rows = self.store.read(statement if ids is None else statement.where(staff.c.id.in_(sorted(ids))))
        return {row.id: row.name for row in rows}

    def add(self, **values: Any) -> int:
        found = self.store.write(staff.insert().values(**values).returning(staff.c.id))
        return int(found.scalar_one())

    def change(self, id: int, **values: Any) -> None:
        self.store.write(update(staff).where(staff.c.id == id).values(**values))

    # ---- sessions; every time is real

    def session(self, token_hash: str, now: datetime) -> tuple[Session, Member] | None:
        """Who holds this, if their session is open and they still work here."""
        rows = self.store.read(
            select(*_session, *_member)
            .join(staff, staff.c.id == sessions.c.staff_id)
            .where(
                sessions.c.token_hash == token_hash,
                sessions.c.ended_at.is_(None),
                sessions.c.expires_at > now,
                staff.c.closed_at.is_(None),
            )
        )
        split = len(_session)
        return (Session(*rows[0][:split]), Member(*rows[0][split:])) if rows else None

    def sessions_of(self, staff_id: int, now: datetime) -> list[Session]:
        """Where somebody is signed in now, the newest first."""
        is_open = and_(sessions.c.ended_at.is_(None), sessions.c.expires_at > now)
        mine = select(*_session).where(sessions.c.staff_id == staff_id, is_open).order_by(sessions.c.id.desc())
        return [Session(*row) for row in self.store.read(mine)]

    def begin_session(self, **values: Any) -> int:
        found = self.store.write(sessions.insert().values(**values).returning(sessions.c.id))
        return int(found.scalar_one())

    def change_session(self, id: int, **values: Any) -> None:
        self.store.write(update(sessions).where(sessions.c.id == id).values(**values))

    def halve_sessions(self, staff_id: int) -> None:
        """Wherever they are signed in, the second factor is asked for before they go on."""
        theirs = sessions.c.staff_id == staff_id, sessions.c.ended_at.is_(None)
        self.store.write(update(sessions).where(*theirs).values(is_whole=False))

    def end_sessions(self, staff_id: int, now: datetime, *, but: int | None = None) -> None:
        """Sign somebody out everywhere, ``but`` in one place."""
        theirs = sessions.c.staff_id == staff_id, sessions.c.ended_at.is_(None), sessions.c.id.is_distinct_from(but)
        self.store.write(update(sessions).where(*theirs).values(ended_at=now))

    def forget_sessions(self, before: datetime) -> None:
        is_over = or_(sessions.c.ended_at < before, sessions.c.expires_at < before)
        self.store.write(delete(sessions).where(is_over))
        self.store.write(delete(sign_in_links).where(sign_in_links.c.expires_at < before))

    # ---- forms that are done once, however often their button is clicked

    def begin_form(self, hash: str, now: datetime) -> bool:
        """True for the first of them; a second one waits until what the first does is done, or has failed."""
        statement = self.store.insert(sent_forms).on_conflict_do_nothing().returning(sent_forms.c.id)
        return self.store.write(statement, {"hash": hash, "at": now}).first() is not None

    def end_form(self, hash: str, went_to: str | None) -> None:
        """Where the first of them led; what led nowhere was not done, and may be sent again."""
        mine = sent_forms.c.hash == hash
        done = update(sent_forms).where(mine).values(went_to=went_to)
        self.store.write(done if went_to else delete(sent_forms).where(mine))

    def form_went_to(self, hash: str) -> tuple[bool, str | None]:
        """Is it known, and where it led, once it is done."""
        rows = self.store.read(select(sent_forms.c.went_to).where(sent_forms.c.hash == hash))
        return bool(rows), rows[0][0] if rows else None

    # ---- links that open once

    def put_link(self, **values: Any) -> None:
        self.store.write(sign_in_links.insert().values(**values))

    def link(self, token_hash: str, now: datetime) -> Link | None:
        """A link that still opens; None if it has been used, or is too old."""
        rows = self.store.read(
            select(*_link).where(
                sign_in_links.c.token_hash == token_hash,
                sign_in_links.c.used_at.is_(None),
                sign_in_links.c.expires_at > now,
            )
        )
        return Link(*rows[0]) if rows else None

    def use_link(self, id: int, now: datetime) -> bool:
        """True for the first who opens it."""
        statement = update(sign_in_links).where(sign_in_links.c.id == id, sign_in_links.c.used_at.is_(None))
        return self.store.write(statement.values(used_at=now).returning(sign_in_links.c.id)).first() is not None

    def end_links(self, staff_id: int, now: datetime) -> None:
        """No link of theirs that is still about opens anything."""
        theirs = sign_in_links.c.staff_id == staff_id, sign_in_links.c.used_at.is_(None)
        self.store.write(update(sign_in_links).where(*theirs).values(used_at=now))

    # ---- who tried and could not come in

    def attempts(self, who: str, since: datetime) -> list[datetime]:
        """When somebody tried, oldest first."""
        found = select(sign_in_attempts.c.at).where(sign_in_attempts.c.who == who, sign_in_attempts.c.at > since)
        return [row[0] for row in self.store.read(found.order_by(sign_in_attempts.c.at))]

    def one_at_a_time(self, who: str) -> None:
        """Whoever else tries as this one waits until this transaction ends: tries at once are counted one by one."""
        if self.store.is_postgresql:  # SQLite has one writer anyway
            self.store.read(select(func.pg_advisory_xact_lock(func.hashtextextended(who, 0))))

    def attempted(self, who: str, now: datetime) -> int:
        found = self.store.write(sign_in_attempts.insert().values(who=who, at=now).returning(sign_in_attempts.c.id))
        return int(found.scalar_one())

    def take_back(self, ids: Collection[int]) -> None:
        """These were no wrong tries after all."""
        self.store.write(delete(sign_in_attempts).where(sign_in_attempts.c.id.in_(sorted(ids))))

    def forget_attempts(self, who: str | None = None, *, before: datetime | None = None) -> None:
        """Somebody's, once they have come in; or those of everybody before an instant."""
        where = [sign_in_attempts.c.who == who] if who is not None else []
        where += [sign_in_attempts.c.at < before] if before is not None else []
        self.store.write(delete(sign_in_attempts).where(*where))
