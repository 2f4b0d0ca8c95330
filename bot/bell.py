# SPDX-License-Identifier: EUPL-1.2
"""A bell that rings when something may have changed, for the pages that are open."""

import asyncio


class Bell:
    """Anybody may ring it, in any thread. Who listens looks for themselves at what has changed."""

    def __init__(self) -> None:
        self._ears: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self.is_silent = False  # for good: the house closes

    def ring(self) -> None:
        for ear, loop in list(self._ears.items()):
            if not loop.is_closed():
                loop.call_soon_threadsafe(ear.set)

    def silence(self) -> None:
        """Let everybody go who listens."""
        self.is_silent = True
        self.ring()

    def listen(self) -> "Listener":
        return Listener(self)


class Listener:
    """Somebody who listens, until they leave; what rings while they look elsewhere is heard afterwards."""

    def __init__(self, bell: Bell) -> None:
        self.bell, self._ear = bell, asyncio.Event()

    def __enter__(self) -> "Listener":
        self.bell._ears[self._ear] = asyncio.get_running_loop()
        return self

    def __exit__(self, *_trouble: object) -> None:
        del self.bell._ears[self._ear]

    async def wait(self, most: float) -> bool:
        """Wait for the bell, so many seconds at the most. False if it did not ring."""
        try:
            async with asyncio.timeout(most):
                await self._ear.wait()
        except TimeoutError:
            return False
        self._ear.clear()
        return True
