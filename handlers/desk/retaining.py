# SPDX-License-Identifier: EUPL-1.2
"""
Letting go of what has been kept long enough, as a worker does it once a day: each kind of thing by a job with a name.

A job goes on in small transactions, and may be stopped between any two of them; what is left over goes the next time.
People are not deleted here: they are put where everybody is who asks for it, and get a receipt like them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import islice
from typing import Any, Protocol

from handlers.desk import Desk
from handlers.rules.retention import BY_NAME, PROFILES, RULES, SETTING, TRACES, UNFINISHED, Rule, before
from handlers.talk.catalogues import Catalogues
from handlers.talk.text import ROME
from storage import Storage, Store, Unavailable
from storage.retention import Batch

JOB = "retention"
HOUR = time(3)  # at night, when nobody waits for an answer
PEOPLE = (UNFINISHED, PROFILES)
SYSTEM = "system"
AT_A_TIME = 100  # people in a step


class Clock(Protocol):
    def now(self) -> datetime: ...

    def real(self) -> datetime: ...


@dataclass(frozen=True)
class Outcome:
    """What became of a job: so many rows went, perhaps not all yet; or it failed, and why."""

    rule: Rule
    rows: int
    is_more: bool = False
    failed: str | None = None


def subject_of(rule: Rule) -> str:
    """How the record names a job."""
    return f"{JOB}:{rule.name}"


def slot_of(now: datetime) -> datetime:
    """The last three o'clock in Rome."""
    local = now.astimezone(ROME)
    today = datetime.combine(local.date(), HOUR, ROME)
    return today if today <= local else datetime.combine(local.date() - timedelta(days=1), HOUR, ROME)


class Retaining:
    """All jobs; ``actor`` is who has them done, as the record names them."""

    def __init__(self, storage: Storage, clock: Clock, catalogues: Catalogues, actor: str = SYSTEM) -> None:
        self.storage, self.clock, self.catalogues, self.actor = storage, clock, catalogues, actor

    def is_time(self) -> bool:
        """Has nobody done it yet since the last time it was three o'clock? True for the first who asks."""
        now = self.clock.now()
        with self.storage.writing() as store:
            return store.records.take_slot(JOB, slot_of(now), now)

    def counts(self) -> dict[str, int]:
        """How much would go now, by job; nothing is changed."""
        with self.storage.reading() as store:
            return counts(store, self.clock)

    def run_all(self) -> list[Outcome]:
        """Every job, one after the other; one that fails does not stop the others."""
        return [self._tried(rule) for rule in RULES]

    def run(self, name: str, most: int | None = None) -> Outcome:
        """One job, in so many steps at the most. Raises KeyError for a job that there is not."""
        rule, rows, is_more = BY_NAME[name], 0, True
        batches = self._people(rule) if rule in PEOPLE else self._rows(rule)
        for batch in islice(batches, most):
            rows, is_more = rows + batch.rows, batch.is_more
            if not is_more:
                break
        with self.storage.writing() as store:
            store.records.note(
                at=self.clock.real(),
                actor=self.actor,
                action=JOB,
                subject=subject_of(rule),
                details={"rows": rows},
            )
        return Outcome(rule, rows, is_more)

    def _tried(self, rule: Rule) -> Outcome:
        try:
            return self.run(rule.name)
        except Unavailable:
            raise
        except Exception as trouble:
            return Outcome(rule, 0, failed=type(trouble).__name__)

    def _rows(self, rule: Rule) -> Iterator[Batch]:
        while True:
            with self.storage.writing() as store:
                batch = getattr(store.retention, rule.name)(*times(store, rule, self.clock))
            yield batch

    def _people(self, rule: Rule) -> Iterator[Batch]:
        """Each in a transaction of their own, under their lock; who has written meanwhile stays."""
        after = 0
        while True:
            with self.storage.reading() as store:
                found = store.retention.people(old(store, rule, self.clock), after, AT_A_TIME)
            yield Batch(sum(self._ask(rule, id) for id in found), is_more=bool(found))
            after = found[-1] if found else after

    def _ask(self, rule: Rule, person_id: int) -> bool:
        with self.storage.writing() as store:
            store.dialogues.lock_person(person_id)
            if not store.retention.is_still(old(store, rule, self.clock), person_id):
                return False
            desk = Desk(store, store.people.get(person_id), self.clock.now(), self.catalogues, by=self.actor)
            desk.erasure.ask()
            return True


def counts(store: Store, clock: Clock) -> dict[str, int]:
    return {rule.name: store.retention.count(old(store, rule, clock)) for rule in RULES}


def old(store: Store, rule: Rule, clock: Clock) -> Any:
    """What has been kept long enough by this rule, as it stands."""
    find: Callable[..., Any] = getattr(store.retention, f"old_{rule.name}")
    return find(*times(store, rule, clock))


def times(store: Store, rule: Rule, clock: Clock) -> tuple[datetime, datetime]:
    """Since when it is too old, and now. Sign-ins live in real time."""
    now = clock.real() if rule is TRACES else clock.now()
    return before(rule, periods(store), now), now


def periods(store: Store) -> Mapping[str, Any]:
    """The days somebody has set."""
    found = store.questions.settings().get(SETTING)
    return found if isinstance(found, dict) else {}
