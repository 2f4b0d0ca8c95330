# SPDX-License-Identifier: EUPL-1.2
"""The sheet that hangs in the room: whoever reads its code says that they have come."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

from markupsafe import Markup
from starlette.responses import Response

from bot.console.page import Page, get, post
from bot.console.squares import square
from handlers.moments import place_of
from handlers.talk import Local, Reader, _
from handlers.talk.text import shown
from storage.workshops import Workshop

PATH = "/console/workshops/{id}/check-in"
LANGUAGES = ("it", "en")
HOW = _("Are you here? Point the camera of your phone at a square, then press Start or Send.")


@dataclass(frozen=True)
class Square:
    """The code for one channel; without a drawing, its link is not known yet."""

    channel: str
    link: str | None
    drawn: Markup | None


def sheet(page: Page) -> Response:
    with page.reading() as office:
        workshop, key = office.workshops.check_in_key(page.id())
    is_over = workshop.ends_at <= page.console.clock.now()
    return page.show(
        "workshops/check_in.html",
        workshop=workshop,
        place=place_of(workshop),
        squares=squares(page, f"in_{key}") if key else (),
        code=f"in_{key}" if key else None,
        can_be_made=not (is_over or workshop.cancelled_at or workshop.is_online),
        printed=[printed(workshop, page.console.catalogues.reader(one)) for one in LANGUAGES],
    )


def printed(workshop: Workshop, reader: Reader) -> dict[str, str]:
    """What stands on the sheet, in one language, whoever prints it."""
    words = {"title": Local(workshop.title), "when": workshop.starts_at, "how": HOW}
    return {"language": reader.language, **{name: str(shown(one, reader)) for name, one in words.items()}}


def squares(page: Page, start: str) -> Sequence[Square]:
    """One for each channel that is set up. Where the networks do not know us, on our own page."""
    here = page.console.settings.public_url or str(page.request.base_url)
    found = page.console.addresses(start)
    links = {channel: urljoin(here, link) if link else None for channel, link in found.items()}
    return [Square(channel, link, square(link) if link else None) for channel, link in links.items()]


def renew(page: Page) -> Response:
    with page.writing() as office:
        office.workshops.new_check_in_key(page.id())
    return page.go(PATH.format(id=page.id()), _("This is a new code. Sheets that were printed before do not count."))


ROUTES = (
    get(PATH, "workshops", "check_in", sheet),
    post(PATH, "workshops", "check_in", renew),
)
