# SPDX-License-Identifier: EUPL-1.2
"""How long each kind of thing is kept, and what that rests on: the jobs that delete, as data. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

SETTING = "retention"  # days by job, where somebody has set others


@dataclass(frozen=True)
class Rule:
    """
    One kind of thing that is not kept for ever.

    ``days`` is what holds unless somebody sets something between ``least`` and ``most``; ``source`` is what it rests
    on. The reason in words for the staff stands in handlers/desk/office/retention.py.
    """

    name: str
    days: int
    least: int
    most: int
    source: str = "GDPR, art. 5(1)(e)"


# Without a sign-up there is nothing left to do for them.
UNFINISHED = Rule("unfinished", 30, least=7, most=90)
# Enough to review a conversation and to answer a complaint; metadata stay.
MESSAGES = Rule("messages", 90, least=30, most=730)
# Words of people, too: they live no longer than the messages they came from.
MISREADINGS = Rule("misreadings", 90, least=30, most=730)
FILES = Rule("files", 90, least=30, most=730)
# The service is over two years after the last contact; after eleven months of silence people are told.
PROFILES = Rule("profiles", 730, least=365, most=1826)
# So long after it was taken back somebody may still ask whether a permission was given.
CONSENTS = Rule("consents", 1826, least=1826, most=3652, source="GDPR, art. 7(1); codice civile, art. 2947")
# Enough to find out who looked at what, and why they read words in full.
AUDIT = Rule("audit", 730, least=365, most=1826)
# They matter while an attack on an account can still be noticed.
TRACES = Rule("traces", 30, least=1, most=180)

RULES = (UNFINISHED, MESSAGES, MISREADINGS, FILES, PROFILES, CONSENTS, AUDIT, TRACES)
BY_NAME = {rule.name: rule for rule in RULES}


def days_of(rule: Rule, set_by_hand: Mapping[str, Any] | None) -> int:
    """For how many days it is kept; what was set stays within the limits, whatever stands in the row."""
    found = (set_by_hand or {}).get(rule.name)
    return min(max(found, rule.least), rule.most) if isinstance(found, int) else rule.days


def before(rule: Rule, set_by_hand: Mapping[str, Any] | None, now: datetime) -> datetime:
    """What is older than this goes."""
    return now - timedelta(days=days_of(rule, set_by_hand))
