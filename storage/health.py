# SPDX-License-Identifier: EUPL-1.2
"""How the channels and the house itself are: what comes and goes, what fails, who is at work."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, select

from storage.audit import Entry
from storage.tables import audit, identities, job_slots, messages, settings
from storage.tables.programmes import CHECKUP
from storage.today import NEWEST, Traffic, has_left, is_pending
from storage.transaction import Transaction

RAISED, OVER = "alarm_raised", "alarm_over"
MOST = 20_000  # messages that are looked at for how often people write

_newest = select(func.coalesce(func.max(messages.c.id), 0) - NEWEST).scalar_subquery()
_is_ours = and_(messages.c.direction == "out", messages.c.kind != "retired")
_of_somebody_real = messages.join(identities, and_(identities.c.id == messages.c.identity_id, ~identities.c.simulated))


@dataclass(frozen=True, slots=True)
class Tried:
    """A message of ours that has been tried."""

    channel: str
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Of the messages that a channel has taken lately: how many, and how many of them are known to have arrived."""

    sent: int
    delivered: int
    read: int


class Health:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    # ---- for the alarm: real people only, whatever a demonstration does meanwhile

    def traffic(self, late: datetime) -> dict[str, Traffic]:
        """By channel; ``late``: what was due before this instant is overdue."""
        came = case((messages.c.direction == "in", messages.c.at))
        went = case((has_left, messages.c.sent_at))
        lately = self.store.read(
            select(messages.c.channel, func.max(came), func.max(went))
            .select_from(_of_somebody_real)
            .where(messages.c.id > _newest)
            .group_by(messages.c.channel)
        )
        pending = self.store.read(
            select(messages.c.channel, func.count(), func.min(messages.c.due_at))
            .select_from(_of_somebody_real)
            .where(is_pending, messages.c.due_at < late)
            .group_by(messages.c.channel)
        )
        seen = {row[0]: (row[1], row[2]) for row in lately}
        held = {row[0]: (row[1], row[2]) for row in pending}
        return {
            name: Traffic(name, *seen.get(name, (None, None)), *held.get(name, (0, None)))
            for name in sorted(seen.keys() | held.keys())
        }

    def tried(self, since: datetime, most: int) -> list[Tried]:
        """The last messages of each channel that were tried since then."""
        place = func.row_number().over(partition_by=messages.c.channel, order_by=messages.c.sent_at.desc())
        found = (
            select(messages.c.channel, messages.c.state, messages.c.reason, place.label("place"))
            .select_from(_of_somebody_real)
            .where(messages.c.id > _newest, _is_ours, messages.c.sent_at >= since)
            .where(messages.c.state.not_in(("claimed", "sending")))
            .subquery()
        )
        rows = self.store.read(select(found.c.channel, found.c.state, found.c.reason).where(found.c.place <= most))
        return [Tried(*row) for row in rows]

    def came(self, channel: str, first_id: int) -> list[datetime]:
        """When people wrote on a channel, from one number on, oldest first."""
        rows = self.store.read(
            select(messages.c.at)
            .select_from(_of_somebody_real)
            .where(messages.c.id >= first_id, messages.c.direction == "in", messages.c.channel == channel)
            .order_by(messages.c.id.desc())
            .limit(MOST)
        )
        return sorted(row[0] for row in rows)

    def alarms(self, subjects: Collection[str]) -> dict[str, Entry]:
        """The last that was said about the alarm of each of these."""
        last = (
            select(func.max(audit.c.id))
            .where(audit.c.subject.in_(sorted(subjects)), audit.c.action.in_((RAISED, OVER)))
            .group_by(audit.c.subject)
        )
        columns = [audit.c[name] for name in Entry.__dataclass_fields__]
        rows = self.store.read(select(*columns).where(audit.c.id.in_(last)))
        return {row.subject: Entry(*row) for row in rows}

    # ---- for who looks

    def failed(self, since: datetime) -> list[tuple[str, str, int]]:
        """What did not arrive since then: channel, reason, how many; the most frequent first."""
        many = func.count()
        rows = self.store.read(
            select(messages.c.channel, func.coalesce(messages.c.reason, ""), many)
            .where(messages.c.id > _newest, _is_ours, messages.c.at >= since)
            .where(messages.c.state.in_(("failed", "uncertain")))
            .group_by(messages.c.channel, messages.c.reason)
            .order_by(many.desc(), messages.c.reason)
        )
        return [(row[0], row[1], int(row[2])) for row in rows]

    def arrivals(self, since: datetime) -> dict[str, Arrivals]:
        """By channel: what it has taken since then, and what it says became of it."""
        states = [func.sum(case((messages.c.state.in_(known), 1), else_=0)) for known in KNOWN]
        rows = self.store.read(
            select(messages.c.channel, *states)
            .where(messages.c.id > _newest, _is_ours, messages.c.sent_at >= since)
            .group_by(messages.c.channel)
        )
        return {row[0]: Arrivals(*(int(one or 0) for one in row[1:])) for row in rows}

    def keep_checkup(self, found: Mapping[str, Any]) -> None:
        """Keep what was found when somebody had everything checked, in place of what was found before."""
        statement = self.store.insert(settings).values(key=CHECKUP, value=found)
        self.store.write(
            statement.on_conflict_do_update(index_elements=["key"], set_={"value": statement.excluded.value})
        )

    def checkup(self) -> dict[str, Any] | None:
        """What was found when somebody had everything checked last."""
        rows = self.store.read(select(settings.c.value).where(settings.c.key == CHECKUP))
        return dict(rows[0][0]) if rows else None

    def worked_at(self) -> datetime | None:
        """When a worker last did something."""
        found: datetime | None = self.store.read(select(func.max(job_slots.c.at)))[0][0]
        return found

    def clock(self) -> datetime | None:
        """What the database takes for the present; None for one that has no clock but ours."""
        if not self.store.is_postgresql:
            return None
        found: datetime = self.store.read(select(func.clock_timestamp()))[0][0]
        return found


# A message that was read has been delivered, and one that was delivered has been sent.
KNOWN = (("sent", "delivered", "read"), ("delivered", "read"), ("read",))
