# SPDX-License-Identifier: EUPL-1.2
"""How long somebody waits after so many wrong tries: first not at all, then twice as long each time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Patience:
    """So many tries are free ``within`` a time; then one waits a second, two, four …, at most ``most``."""

    free: int
    within: timedelta
    most: timedelta


# Nobody is shut out for good: the wait ends, and a browser that has come in before waits for its own mistakes only.
ACCOUNT = Patience(free=5, within=timedelta(hours=24), most=timedelta(minutes=15))
BROWSER = Patience(free=10, within=timedelta(hours=24), most=timedelta(minutes=15))
# A whole office may come from one address.
ADDRESS = Patience(free=30, within=timedelta(hours=1), most=timedelta(minutes=5))
# Six digits: who has the password already must not have the time to try them all.
SECOND_FACTOR = Patience(free=5, within=timedelta(hours=24), most=timedelta(minutes=15))


def free_from(tries: Sequence[datetime], patience: Patience) -> datetime | None:
    """From when on one may try again, after these tries (the oldest first); None if at once."""
    beyond = len(tries) - patience.free
    if beyond < 0:
        return None
    wait = timedelta(seconds=2 ** min(beyond, 20))
    return tries[-1] + min(wait, patience.most)
