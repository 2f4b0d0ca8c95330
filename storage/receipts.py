# SPDX-License-Identifier: EUPL-1.2
"""What a channel says of our messages later on: every word of it once, in whatever order it comes."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, update

from storage.prepared import Prepared
from storage.tables import receipts
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Receipt:
    """A word of a channel's about a message; ``message_id`` is none where we did not know which."""

    id: int
    channel: str
    provider_id: str
    status: str
    message_id: int | None
    code: str | None
    at: datetime


_said = Prepared(
    select(*(receipts.c[name] for name in Receipt.__dataclass_fields__))
    .where(receipts.c.channel == bindparam("channel"), receipts.c.provider_id == bindparam("provider_id"))
    .order_by(receipts.c.id)
)


class Receipts:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def keep(
        self, channel: str, provider_id: str, status: str, *, message_id: int | None, code: str | None, at: datetime
    ) -> bool:
        """Write it down; False if the same has been said already."""
        statement = self.store.insert(receipts).on_conflict_do_nothing().returning(receipts.c.id)
        words = {"channel": channel, "provider_id": provider_id, "status": status}
        kept = self.store.write(statement, {**words, "message_id": message_id, "code": code, "at": at})
        return kept.first() is not None

    def said(self, channel: str, provider_id: str) -> list[Receipt]:
        """All that has been said of what the channel knows by this number, oldest first."""
        return [Receipt(*row) for row in self.store.run(_said, {"channel": channel, "provider_id": provider_id})]

    def belong_to(self, channel: str, provider_id: str, message_id: int) -> None:
        """Now we know which message it was."""
        about = receipts.c.channel == channel, receipts.c.provider_id == provider_id
        self.store.write(update(receipts).where(*about, receipts.c.message_id.is_(None)).values(message_id=message_id))
