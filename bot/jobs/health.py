# SPDX-License-Identifier: EUPL-1.2
"""Looks once a minute whether a channel fails or has fallen silent, and raises the alarm once."""

from collections import Counter, deque
from collections.abc import Collection
from datetime import datetime

import structlog

from bot.clock import Clock
from bot.metrics import WEBHOOKS
from handlers.desk import health
from handlers.rules.health import LATELY
from storage import Storage
from storage.health import RAISED

log = structlog.get_logger()

TURNED_AWAY = {"forged", "unsigned"}


class Watch:
    """Any number of workers may hear the same knock: one of them looks."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self.storage, self.clock = storage, clock
        self._counted: deque[tuple[datetime, Counter[str]]] = deque()

    def look(self, channels: Collection[str]) -> bool:
        """Look at these channels, unless somebody else has in this minute. True if an alarm began or ended."""
        now, refused = self.clock.now(), self._refused_lately()
        with self.storage.writing() as store:
            if not store.records.take_slot("health", now.replace(second=0, microsecond=0), now):
                return False
        with self.storage.reading() as store:
            found = health.due(store, now, channels, refused)
            raised = {one.channel: one.why for one in health.standing(store)}
        if found.keys() == raised.keys() & set(channels):
            return False
        with self.storage.writing() as store:
            changes = health.tell(store, now, found, channels)
        for channel, action, why in changes:
            if action == RAISED:
                log.error("channel_alarm", channel=channel, why=why)
            else:
                log.info("channel_alarm_over", channel=channel, why=why)
        return bool(changes)

    def _refused_lately(self) -> Counter[str]:
        """How many calls were turned away lately, by channel, as far as this process answers them."""
        real, all_of_them = self.clock.real(), turned_away()
        while self._counted and self._counted[0][0] < real - LATELY:
            self._counted.popleft()
        self._counted.append((real, all_of_them))
        return all_of_them - self._counted[0][1]


def turned_away() -> Counter[str]:
    """Calls that were not the network's own, by channel, since this process began."""
    found: Counter[str] = Counter()
    for metric in WEBHOOKS.collect():
        for sample in metric.samples:
            if sample.name.endswith("_total") and sample.labels["outcome"] in TURNED_AWAY:
                found[sample.labels["channel"]] += int(sample.value)
    return found
