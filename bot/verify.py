# SPDX-License-Identifier: EUPL-1.2
"""Looks over the whole database for anything that must never be, and says what it found in plain sentences."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import storage
from bot.clock import Clock
from handlers.moments import MOMENTS
from storage import Storage, migration
from storage.invariants import Finding, look
from storage.looking import Present
from storage.store import normal

MOST_IDS = 20  # in a sentence; --json has them all


class NotOurs(Exception):
    """There is no database, or its tables are not those of this release."""


def opened(url: str) -> Storage:
    """A database that is there already: who only looks makes none. Raises NotOurs."""
    path = normal(url).removeprefix("sqlite:///")
    if path != normal(url) and not Path(path).exists():
        raise NotOurs("there is no file")
    found = storage.open(url)
    if not migration.is_current(found):
        raise NotOurs("its tables are not those of this release")
    return found


def verify(storage: Storage, clock: Clock) -> list[Finding]:
    """Every invariant, with what breaks it. Nothing is changed. Raises Unavailable."""
    purposes = {moment.name: moment.consent for moment in MOMENTS if moment.consent}
    with storage.reading() as store:
        return look(store, Present(clock.now(), clock.real(), purposes))


def in_words(findings: Sequence[Finding]) -> str:
    """A sentence for each invariant, with ids and nothing else of anybody."""
    broken = sum(bool(one.ids) for one in findings)
    end = "Everything is as it must be." if not broken else f"{broken} of {len(findings)} promises are broken."
    return "\n".join([*map(sentence, findings), end])


def sentence(found: Finding) -> str:
    """A finding as a line that somebody reads."""
    noun, looked_at = found.invariant.noun, f"{found.looked_at} {found.invariant.of.name} looked at"
    if not found.ids:
        return f"✓ {found.invariant.sentence}: {looked_at}"
    ids = ", ".join(map(str, found.ids[:MOST_IDS]))
    more = f" and {len(found.ids) - MOST_IDS} more" if len(found.ids) > MOST_IDS else ""
    return f"✗ {found.invariant.sentence}: not so for {noun} {ids}{more} ({looked_at})"


def in_figures(findings: Sequence[Finding]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "ok": not any(one.ids for one in findings),
        "invariants": [
            {
                "name": one.invariant.name,
                "sentence": one.invariant.sentence,
                "looked_at": one.looked_at,
                "broken": one.invariant.noun,
                "ids": one.ids,
            }
            for one in findings
        ],
    }
