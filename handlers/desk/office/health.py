# SPDX-License-Identifier: EUPL-1.2
"""Channels and health, for who looks after the service: each channel with what waits and what failed, and why."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from handlers.desk.health import Alarm, in_words, standing
from handlers.rules.health import A_WEEK, STUCK, is_stuck
from handlers.talk import Text, p_
from handlers.talk.reasons import why
from storage.contents import Content
from storage.health import Arrivals
from storage.today import Traffic

if TYPE_CHECKING:
    from handlers.desk.office import Office

A_DAY = timedelta(days=1)
# What has become of a form, as the record of forms calls it.
STATUSES: Mapping[str, Text] = {
    "made": p_("form", "ready"),
    "pending": p_("form", "waits for approval"),
    "approved": p_("form", "approved"),
    "rejected": p_("form", "rejected"),
    "paused": p_("form", "paused"),
    "disabled": p_("form", "switched off"),
    "refused": p_("form", "refused"),
}
NOT_HANDED_IN = p_("form", "not handed in")


@dataclass(frozen=True)
class Channel:
    """A channel as it is today; ``failed``: why messages did not arrive since yesterday, and how many."""

    traffic: Traffic
    words: Text
    is_well: bool
    alarm: Alarm | None
    failed: Sequence[tuple[Text, int]]
    arrivals: Arrivals | None

    @property
    def name(self) -> str:
        return self.traffic.channel


class Health:
    def __init__(self, office: "Office") -> None:
        self.office, self.store, self.now = office, office.store, office.now

    def in_short(self) -> list[tuple[str, Text, bool]]:
        """Each channel by name, how it is in plain words, and whether that is well."""
        alarms = {one.channel: one for one in standing(self.store)}
        return [(one.channel, *self._words(one, many, alarms.get(one.channel))) for one, many in self._traffic()]

    def channels(self) -> list[Channel]:
        """The same in full, with the last week's receipts where a channel gives any."""
        alarms = {one.channel: one for one in standing(self.store)}
        failed, arrivals = self._failed(), self.store.health.arrivals(self.now - A_WEEK)
        return [
            Channel(
                one,
                *self._words(one, many, alarms.get(one.channel)),
                alarm=alarms.get(one.channel),
                failed=failed.get(one.channel, ()),
                arrivals=known if (known := arrivals.get(one.channel)) and known.delivered else None,
            )
            for one, many in self._traffic()
        ]

    def forms(self) -> list[tuple[Content, Text | str]]:
        """The forms a channel keeps for us, of each the one made last, and what has become of it in words."""
        newest = {(one.name, one.language): one for one in self.store.contents.all()}
        return [(one, state_of(one)) for one in newest.values()]

    def checkup(self) -> dict[str, Any] | None:
        """What was found when somebody had everything checked last, with its moment."""
        found = self.store.health.checkup()
        return {**found, "at": datetime.fromisoformat(found["at"])} if found else None

    def keep(self, findings: Sequence[Mapping[str, Any]]) -> None:
        """Somebody has had everything checked: keep what was found."""
        self.store.health.keep_checkup({"at": self.office.real.isoformat(), "findings": list(findings)})
        self.office.note("health_checked", "health")

    def _traffic(self) -> list[tuple[Traffic, int]]:
        """What went through each channel, and how much of it did not arrive and is still open."""
        failed = self.store.deliveries.count(self.office.real - A_DAY)
        found = self.store.today.traffic(self.now - STUCK)
        return [(one, failed.get(one.channel, (0, 0))[1]) for one in found]

    def _words(self, one: Traffic, failed: int, alarm: Alarm | None) -> tuple[Text, bool]:
        if alarm and not is_stuck(one.oldest, one.last_out, self.now):  # how many wait is said there
            return alarm.words, False
        return in_words(one, failed, self.now)

    def _failed(self) -> dict[str, list[tuple[Text, int]]]:
        """By channel; several codes may have the same words."""
        found: dict[str, dict[Text, int]] = defaultdict(dict)
        for channel, code, many in self.store.health.failed(self.office.real - A_DAY):
            found[channel][why(code)] = found[channel].get(why(code), 0) + many
        return {channel: sorted(some.items(), key=lambda one: -one[1]) for channel, some in found.items()}


def state_of(form: Content) -> Text | str:
    """Buttons are ready once they are made; a template is not."""
    is_waiting = form.category is not None and form.status == "made"
    return NOT_HANDED_IN if is_waiting else STATUSES.get(form.status, form.status)
