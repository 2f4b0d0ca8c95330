# SPDX-License-Identifier: EUPL-1.2
"""Channels and health: what waits, what failed and why, and what the doctor says."""

import asyncio

from starlette.responses import Response

from bot.console.page import Page, get, post
from bot.contract import Checked
from bot.doctor import Premises, look_over, of_the_desk, of_the_disk, of_the_settings, to_keep
from handlers.talk import _, p_

STATES = {"ok": p_("health", "well"), "warning": p_("health", "look at it"), "bad": p_("health", "not well")}


def health(page: Page) -> Response:
    settings = page.console.settings
    with page.reading() as office:
        channels, forms, checkup = office.health.channels(), office.health.forms(), office.health.checkup()
        here = of_the_desk(office.store, settings, page.console.clock)
    return page.show(
        "health/page.html",
        channels=channels,
        forms=forms,
        checkup=checkup,
        findings=[*here, *of_the_settings(settings), *of_the_disk(settings)],
        states=STATES,
    )


def check(page: Page) -> Response:
    """Ask the networks as well. Nothing is open in the database meanwhile."""
    findings = asyncio.run(examined(page))
    kept = to_keep(findings, page.console.catalogues)
    with page.writing() as office:
        office.health.keep(kept)
    return page.go("/console/health", _("Everything has been checked."))


async def examined(page: Page) -> list[Checked]:
    """With channels of our own: those at work belong to another loop."""
    console = page.console
    channels = console.channels()
    try:
        return await look_over(Premises(console.settings, console.clock, console.storage, channels))
    finally:
        for channel in channels:
            await channel.close()


ROUTES = (
    get("/console/health", "health", "read", health),
    post("/console/health", "health", "write", check),
)
