# SPDX-License-Identifier: EUPL-1.2
"""A part of a long list, and the ways on from it: by the number of the row at its ends, never by a page number."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

from bot.console.page import Page

AT_A_TIME = 50
Row = TypeVar("Row")


@dataclass(frozen=True)
class Part(Generic[Row]):
    rows: Sequence[Row]
    newer: str | None  # the address of what comes before it, if there is any
    older: str | None


def part(page: Page, find: Callable[..., Sequence[Row]], number: Callable[[Row], int]) -> Part[Row]:
    """What the address asks for; ``find`` is given ``limit``, ``before`` and ``after``."""
    before, after = page.number("before"), page.number("after")
    after = None if before is not None else after
    found = list(find(limit=AT_A_TIME + 1, before=before, after=after))
    is_more = len(found) > AT_A_TIME
    rows = (found[1:] if after is not None else found[:-1]) if is_more else found
    has_newer = before is not None or (after is not None and is_more)
    has_older = after is not None or is_more
    return Part(
        rows,
        address(page, after=number(rows[0])) if rows and has_newer else None,
        address(page, before=number(rows[-1])) if rows and has_older else None,
    )


def address(page: Page, **where: int) -> str:
    """This page with the same filters, at another place."""
    kept = [(name, value) for name, value in page.request.query_params.multi_items() if name not in ("before", "after")]
    return f"{page.request.url.path}?{urlencode([*kept, *where.items()])}"
