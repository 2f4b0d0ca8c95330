# SPDX-License-Identifier: EUPL-1.2
"""A process full of workers, which send whatever is due until there is nothing more to come."""

import asyncio
import multiprocessing
import random
from contextlib import closing
from typing import Any

from handlers.talk import Outgoing
from tests.jobs.office import Office

# A fork of a process with threads may hang: these are forks of a server that has none.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.scarcity.busy"])


async def takes_its_time(message: Outgoing) -> None:
    await asyncio.sleep(random.uniform(0, 0.004))


def works(url: str, there: Any, no_more: Any) -> None:
    """Two workers of one process, each with threads of its own."""
    with closing(Office(url)) as office:
        office.telegram.before = takes_its_time
        workers = [office.another_worker() for _ in range(2)]
        there.release()

        async def work(one: Any) -> None:
            while not no_more.is_set() or office.delivery.anything_due():
                if not await one.run_once(limit=5):
                    await asyncio.sleep(0.005)

        async def all_work() -> None:
            await asyncio.gather(*map(work, workers))

        asyncio.run(all_work())
