# SPDX-License-Identifier: EUPL-1.2
"""Today at the desk: what waits, what failed, what takes place."""

from starlette.responses import Response

from bot.console.charts import Chart
from bot.console.page import Page, get
from handlers.desk.cases import REASONS
from handlers.desk.office.calls import REASONS as TO_CALL

REQUESTS = 50  # that are counted; a desk with more knows it


def today(page: Page) -> Response:
    follows, mends = page.may("conversations", "review"), page.may("deliveries", "read")
    with page.reading() as office:
        desk = office.today
        days = desk.chart()
        queue = desk.queue() if follows else None
        takes_place = desk.takes_place() if page.may("workshops", "read") else None
        problems, channels = (desk.problems(), desk.channels()) if mends else (None, None)
        mentions = len(office.conversations.mentions()) if follows else 0
        to_follow_up = desk.to_follow_up() if follows else 0
        requests = office.rights.waiting(REQUESTS) if page.may("rights", "read") else None
        to_check = desk.questions_to_check() if page.may("questions", "write") else None
        now = office.now
    return page.show(
        "_today.html" if page.is_fragment else "today.html",
        days=days,
        chart=Chart.of([(one.on, (one.came, one.went)) for one in days]),
        places=Chart.of([(one.on, (one.booked,)) for one in days]),
        reasons=REASONS,
        to_call=TO_CALL,
        queue=queue,
        takes_place=takes_place,
        problems=problems,
        channels=channels,
        to_check=to_check,
        mentions=mentions,
        to_follow_up=to_follow_up,
        requests=requests,
        most_requests=REQUESTS,
        now=now,
    )


ROUTES = (get("/console", "today", "read", today),)
