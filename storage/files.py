# SPDX-License-Identifier: EUPL-1.2
"""Files that people send: what each message carried, and the contents, each kept once."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, delete, literal_column, or_, select, update

from storage.tables import attachments, files, identities, messages
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Attachment:
    """What a message carried, and what became of it; see the table for what each field means."""

    id: int
    message_id: int
    person_id: int
    provider_id: str
    name: str | None
    state: str
    reason: str | None
    file_id: int | None
    attempts: int
    lease_until: datetime | None
    at: datetime
    channel: str
    kind: str  # of its message: document, photo, voice
    payload: dict[str, Any] | None  # of its message
    simulated: bool
    inside: str | None  # what its contents are, as a MIME type, once somebody has looked

    @property
    def declared(self) -> str | None:
        """What the channel said it is, as a MIME type."""
        media: dict[str, Any] = (self.payload or {}).get("media") or {}
        return media.get("mime_type")


@dataclass(frozen=True, slots=True)
class File:
    """The contents of a file, and what they are, as a MIME type."""

    id: int
    kind: str
    content: bytes


_OF_THE_ROW = list(Attachment.__dataclass_fields__)[:11]
_attachments = (
    select(
        *(attachments.c[name] for name in _OF_THE_ROW),
        messages.c.channel,
        messages.c.kind,
        messages.c.payload,
        identities.c.simulated,
        files.c.kind,
    )
    .join(messages, messages.c.id == attachments.c.message_id)
    .join(identities, identities.c.id == messages.c.identity_id)
    .outerjoin(files, files.c.id == attachments.c.file_id)
)


class Files:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def attach(self, **values: Any) -> None:
        """Note what a message carries: waiting to be fetched, or refused at once, and then its channel may drop it."""
        retry_at = values["at"] if values["state"] == "refused" else None
        self.store.write(attachments.insert(), {"attempts": 0, "reason": None, "retry_at": retry_at, **values})

    def attachment(self, id: int) -> Attachment | None:
        found = self._all(_attachments.where(attachments.c.id == id))
        return found[0] if found else None

    def of(self, person_id: int, limit: int | None = None) -> list[Attachment]:
        """What we keep of what a person sent, newest first."""
        return self._all(
            _attachments.where(attachments.c.person_id == person_id, attachments.c.state == "stored")
            .order_by(attachments.c.id.desc())
            .limit(limit)
        )

    def anything_waiting(self, real: datetime, *, simulated: bool) -> bool:
        """Is there anything that a worker could fetch now?"""
        return bool(self._all(_due(real, simulated).limit(1)))

    def claim(self, *, real: datetime, lease: timedelta, limit: int, simulated: bool) -> list[Attachment]:
        """
        Take attachments to be fetched, oldest first; what is simulated only where it can be. In real time.

        Who claims has tried: a worker that dies over a file has used up a try. The end of a claim is also its name.
        """
        found = self._all(_due(real, simulated).limit(limit).with_for_update(of=attachments, skip_locked=True))
        if not found:
            return []
        until = real + lease
        self.store.write(
            update(attachments)
            .where(attachments.c.id.in_([one.id for one in found]))
            .values(attempts=attachments.c.attempts + 1, lease_until=until)
        )
        return [replace(one, attempts=one.attempts + 1, lease_until=until) for one in found]

    def settle(self, claimed: Attachment, **values: Any) -> bool:
        """Record what became of an attachment and let go of it; False if the claim is no longer ours."""
        statement = (
            update(attachments)
            .where(
                attachments.c.id == claimed.id,
                attachments.c.state == "waiting",
                attachments.c.lease_until == claimed.lease_until,
            )
            .values(lease_until=None, **values)
            .returning(attachments.c.id)
        )
        return self.store.write(statement).first() is not None

    def anything_to_release(self, real: datetime, channels: Collection[str]) -> bool:
        """Is there anything that one of these channels could be told to drop?"""
        return bool(self._all(_held(real, channels).limit(1)))

    def release(self, *, real: datetime, again_at: datetime, channels: Collection[str], limit: int) -> list[Attachment]:
        """What these channels keep though nobody needs it there; each is taken again later, unless it was released."""
        held = _held(real, channels).limit(limit).with_for_update(of=attachments, skip_locked=True)
        found = self._all(held)
        ids = [one.id for one in found]
        self.store.write(update(attachments).where(attachments.c.id.in_(ids)).values(retry_at=again_at))
        return found

    def released(self, id: int, at: datetime | None) -> None:
        """Since then its channel has it no longer; None: it cannot be told."""
        self.store.write(update(attachments).where(attachments.c.id == id).values(released_at=at, retry_at=None))

    def keep(self, content: bytes, *, kind: str, at: datetime) -> int:
        """
        The number of the file with these contents, which are kept once however often they come.

        Its row is held until this transaction ends: nobody throws it away before the message that carries it is there.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        row = {"sha256": sha256, "size": len(content), "kind": kind, "content": content, "at": at}
        same = {"index_elements": ["sha256"], "set_": {"sha256": sha256}}
        kept = self.store.insert(files).values(row).on_conflict_do_update(**same).returning(files.c.id)
        return int(self.store.write(kept).scalar_one())

    def content(self, file_id: int) -> File | None:
        rows = self.store.read(select(files.c.id, files.c.kind, files.c.content).where(files.c.id == file_id))
        return File(*rows[0]) if rows else None

    def forget(self, ids: Collection[int]) -> int:
        """Throw away the contents of files, but not of those that somebody sent or was sent. Returns how many."""
        self.store.read(select(files.c.id).where(files.c.id.in_(ids)).order_by(files.c.id).with_for_update())
        carried = messages.c.payload["file"].as_integer()
        sent = select(attachments.c.file_id).where(attachments.c.file_id.in_(ids))
        got = select(carried).where(messages.c.direction == "out", messages.c.payload.is_not(None), carried.in_(ids))
        needed = {row[0] for query in (sent, got) for row in self.store.read(query)} if ids else set()
        gone = set(ids) - needed
        self.store.write(delete(files).where(files.c.id.in_(gone)))
        return len(gone)

    def _all(self, statement: Select[Any]) -> list[Attachment]:
        return [Attachment(*row) for row in self.store.read(statement)]


def _held(real: datetime, channels: Collection[str]) -> Select[Any]:
    """What one of these channels still keeps, though it has been decided upon here."""
    is_settled = attachments.c.state != literal_column("'waiting'")  # in the words of its index, for SQLite
    is_real = messages.c.channel.in_(sorted(channels)), identities.c.simulated.is_(False)
    return _attachments.where(is_settled, attachments.c.retry_at <= real, *is_real).order_by(attachments.c.id)


def _due(real: datetime, simulated: bool) -> Select[Any]:
    """What waits, is not being fetched, and may be tried now."""
    statement = _attachments.where(
        and_(
            attachments.c.state == literal_column("'waiting'"),  # in the words of its index, for SQLite
            or_(attachments.c.retry_at.is_(None), attachments.c.retry_at <= real),
            or_(attachments.c.lease_until.is_(None), attachments.c.lease_until < real),
        )
    ).order_by(attachments.c.id)
    return statement if simulated else statement.where(identities.c.simulated.is_(False))
