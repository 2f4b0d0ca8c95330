# SPDX-License-Identifier: EUPL-1.2
"""How the channels are: in plain words for who looks, and as an alarm that is raised once and ended once."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

from handlers.desk.hours import opening_hours
from handlers.rules.health import A_WEEK, LAST, LATELY, QUIET, STUCK, Signs, Why, alarm, is_stuck
from handlers.rules.service_time import OpeningHours, open_between
from handlers.talk import Text, _
from handlers.talk.limits import LIMITS
from storage import Store
from storage.health import OVER, RAISED, Tried
from storage.messages import WINDOW_SHUT
from storage.today import Traffic

MEMORY = 2 * A_WEEK  # a channel on which nobody has written for so long is not silent: it is not used
SYSTEM = "system"
# What says nothing of the channel: it is about one chat, or about how fast we are.
ABOUT_A_CHAT = {"blocked", "deactivated", "never_wrote", "removed", "unreachable", "moved", "window", "sandbox"}
NOT_THE_CHANNEL = ABOUT_A_CHAT | {WINDOW_SHUT, "not_wanted", "experiment", "flood", "queue"}
ALARMS: Mapping[Why, Text] = {
    "halted": _("Nothing leaves, though messages wait."),
    "failing": _("Most messages do not arrive."),
    "refused": _("Many calls came that were not signed by the network."),
    "silent": _("Nobody has written for longer than usual."),
}
ADVICE: Mapping[Why, Text] = {
    "halted": _("Check the connection, and the settings of the channel."),
    "failing": _("Look at the reasons."),
    "refused": _("Check the public address and the key of the webhooks."),
    "silent": _("Write a message to the service, and see whether it answers."),
}


@dataclass(frozen=True)
class Alarm:
    """A channel at which somebody must look."""

    channel: str
    why: Why
    since: datetime

    @property
    def words(self) -> Text:
        return ALARMS[self.why]

    @property
    def advice(self) -> Text:
        return ADVICE[self.why]


def standing(store: Store) -> list[Alarm]:
    """The alarms that are raised and not over. One statement."""
    found = store.health.alarms([_subject(name) for name in LIMITS])
    raised = [one for one in found.values() if one.action == RAISED and (one.details or {}).get("why") in ALARMS]
    alarms = [Alarm(one.subject.partition(":")[2], cast(Why, (one.details or {})["why"]), one.at) for one in raised]
    return sorted(alarms, key=lambda one: one.channel)


def due(store: Store, now: datetime, channels: Collection[str], refused: Mapping[str, int]) -> dict[str, Why]:
    """Which of these channels somebody must look at now; ``refused``: calls that were turned away lately."""
    traffic, tried = store.health.traffic(now - STUCK), store.health.tried(now - LATELY, LAST)
    hours, found = opening_hours(store), {}
    for name in sorted(channels):
        signs = replace(_signs(traffic.get(name), tried, name), refused=refused.get(name, 0))
        signs = replace(signs, came=_came(store, traffic.get(name), now, hours))
        if why := alarm(signs, now, hours):
            found[name] = why
    return found


def tell(store: Store, now: datetime, found: Mapping[str, Why], channels: Iterable[str]) -> list[tuple[str, str, Why]]:
    """
    Write down what has changed since somebody looked last: channel, what was written, why. A reason that becomes
    another one is no new alarm.
    """
    raised = {one.channel: one.why for one in standing(store)}
    changes = [(name, RAISED, found[name]) for name in channels if name in found and name not in raised]
    changes += [(name, OVER, raised[name]) for name in channels if name in raised and name not in found]
    for name, action, why in changes:
        store.records.note(at=now, actor=SYSTEM, action=action, subject=_subject(name), details={"why": why})
    return changes


def in_words(one: Traffic, failed: int, now: datetime) -> tuple[Text, bool]:
    """How a channel is, and whether that is well."""
    if is_stuck(one.oldest, one.last_out, now):
        return _("Nothing leaves. {many} messages wait since {since}.", many=one.overdue, since=one.oldest), False
    if failed:
        return _("It works, but {many} messages did not arrive since yesterday.", many=failed), False
    if one.overdue:
        return _("It works, and {many} messages wait their turn.", many=one.overdue), True
    if one.last_in is None:
        return _("Nobody has written lately."), True
    return _("It works. Last message: {at}.", at=one.last_in), True


def _signs(traffic: Traffic | None, tried: Iterable[Tried], name: str) -> Signs:
    ours = [one for one in tried if one.channel == name and one.reason not in NOT_THE_CHANNEL]
    troubled = sum(one.state in ("failed", "uncertain", "pending") for one in ours)
    if traffic is None:
        return Signs(len(ours), troubled)
    return Signs(len(ours), troubled, traffic.oldest, traffic.last_out)


def _came(store: Store, traffic: Traffic | None, now: datetime, hours: OpeningHours) -> list[datetime]:
    """When people wrote; not looked up while the last one wrote a moment ago."""
    last = traffic.last_in if traffic else None
    if traffic is None or last is None or last < now - MEMORY or open_between(last, now, hours) <= QUIET:
        return []
    return store.health.came(traffic.channel, store.search.first_at(last - A_WEEK - timedelta(seconds=1)))


def _subject(channel: str) -> str:
    return f"channel:{channel}"
