# SPDX-License-Identifier: EUPL-1.2
"""Today at the desk: what waits, what failed, what takes place."""

from starlette.responses import Response

from bot.console.page import Page, get


def today(page: Page) -> Response:
    return page.show("today.html")


ROUTES = (get("/console", "today", "read", today),)
