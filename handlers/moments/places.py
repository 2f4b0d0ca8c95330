# SPDX-License-Identifier: EUPL-1.2
"""Where something takes place, how one gets there, and how one gets in."""

from urllib.parse import quote

from handlers.talk import Lines, Local, Words, _, lines
from storage.workshops import Venue, Workshop


def map_to(venue: Venue) -> str | None:
    """A link to a public map, where there is a place to find."""
    if not venue.address:
        return None
    return "https://www.openstreetmap.org/search?query=" + quote(f"{venue.address}, {venue.comune}")


def map_of(workshop: Workshop) -> str | None:
    """The same for what does not take place on the web only."""
    return None if workshop.is_online else map_to(workshop.venue)


def place_of(workshop: Workshop) -> str:
    """Where it is, in one line; nothing for what is only online, whose room is not where anybody meets."""
    return "" if workshop.is_online and workshop.venue.comune_istat else place_in(workshop.venue)


def place_in(venue: Venue) -> str:
    """Its name and address, in one line."""
    return ", ".join(part for part in (venue.name, venue.address, venue.comune) if part)


def entrance(workshop: Workshop) -> Words | None:
    """Where one enters what is online."""
    return (
        _("You enter from here: {link}", link=workshop.link) if workshop.link and workshop.mode != "in_person" else None
    )


def way_there(workshop: Workshop) -> Words:
    """How to find it, by name, by bus and on a map."""
    url = map_of(workshop)
    return lines(
        _("Where: {where}", where=place_of(workshop)),
        workshop.venue.bus and _("By bus or train: {bus}", bus=workshop.venue.bus),
        url and _("Map: {url}", url=url),
    )


def access(venue: Venue, *, is_online: bool) -> Lines | None:
    """The facts that tell people whether they can get in and take part."""
    if is_online:
        return lines(venue.note and Local(venue.note))
    return lines(
        _("The entrance has no steps.") if venue.step_free else _("The entrance has steps."),
        _("There is an accessible toilet.") if venue.toilet else None,
        _("There is a hearing loop.") if venue.hearing_loop else None,
        venue.note and not venue.step_free and Local(venue.note),
    )
