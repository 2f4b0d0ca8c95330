# SPDX-License-Identifier: EUPL-1.2
"""The only place that knows what time it is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """
    The time that decides what is due: real time plus one offset, which only ever grows.

    The offset is stored, so that every process of a demonstration lives on the same day. Leases, back-off and
    token buckets do not ask this clock: they use real time.
    """

    def __init__(self, offset: timedelta = timedelta(0), real: Callable[[], datetime] | None = None) -> None:
        self.offset = offset
        self._real = real or (lambda: datetime.now(UTC))

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return self._real() + self.offset

    def real(self) -> datetime:
        """The moment on the wall, whatever day we pretend it is; aware, in UTC."""
        return self._real()

    def follow(self, offset: timedelta) -> bool:
        """Live on the day that was stored, unless this one is later. False if nothing changes."""
        if offset <= self.offset:
            return False
        self.offset = offset
        return True

    def forward(self, by: timedelta) -> None:
        """Move the day on. Raises ValueError for a step back: what was due has already happened."""
        if by < timedelta(0):
            raise ValueError("the clock only moves forward")
        self.offset += by
