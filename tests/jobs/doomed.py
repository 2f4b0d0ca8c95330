# SPDX-License-Identifier: EUPL-1.2
"""A worker in a process of its own, which dies at a point of our choosing."""

import multiprocessing
import time
from collections.abc import Callable
from typing import Any

from tests.channels.bot_api import BotApi
from tests.channels.ours import channel
from tests.jobs.office import Office

# A fork of a process with threads may hang: these are forks of a server that has none.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.jobs.doomed"])


def works(url: str, api_url: str, point: str, there: Any) -> None:
    """Send what is due; say when the first message has come to the point, and go no further."""
    api = BotApi()
    api.url = api_url
    office = Office(url)
    office.telegram = channel(api, patience=60)
    office.worker = office.another_worker()
    if point == "after the claim":
        office.delivery.begin = stopped(office.delivery.begin, there, before=True)  # type: ignore[method-assign]
    if point == "after it counts as on its way":
        office.delivery.begin = stopped(office.delivery.begin, there)  # type: ignore[method-assign]
    if point == "after the answer":
        office.delivery.sent = stopped(office.delivery.sent, there, before=True)  # type: ignore[method-assign]
    office.sends()


def stopped(step: Callable[..., Any], there: Any, *, before: bool = False) -> Callable[..., Any]:
    """The step, which then says that it is there and waits for its end; or does so instead."""

    def ends_here(*values: Any) -> None:
        if not before:
            step(*values)
        there.release()
        time.sleep(60)

    return ends_here
