# SPDX-License-Identifier: EUPL-1.2
"""Venues as the desk keeps them: how one gets in, where they are used, and telling people of a new address."""

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers.desk.changes import Changes
from handlers.desk.office.refusals import Refused
from handlers.desk.office.rehearsal import Consequences, Rehearsal
from handlers.desk.office.workshops import Told
from handlers.desk.office.written import LANGUAGES, SEEN, Written, fingerprint, slug
from handlers.moments import told_of
from handlers.talk import Gone, _
from storage.territories import Place
from storage.venues import Kept
from storage.workshops import Line, Sought, Workshop

if TYPE_CHECKING:
    from handlers.desk.office import Office

NAME, ADDRESS, BUS, NOTE = 120, 200, 300, 500  # letters
SHOWN = 50  # of what is ahead there
ONLINE = "-"  # the choice of no comune
FACTS = ("step_free", "hearing_loop", "toilet")
ANSWERS = {"yes": True, "no": False, "unknown": None}


@dataclass(frozen=True)
class Card:
    """A venue, and what takes place there."""

    venue: Kept
    ahead: list[Line]
    count: int
    clubs: list[tuple[str, dict[str, str]]]
    is_mine: bool


class Venues:
    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    def listed(self) -> list[tuple[Kept, int]]:
        """Each with how much is ahead there."""
        uses = self.store.venues.uses(self.office.now)
        return [(one, uses.get(one.id, 0)) for one in self.store.venues.all()]

    def card(self, id: str) -> Card:
        """Raises Gone."""
        venue, scope = self._known(id), self.office.scope
        sought = Sought(
            self.office.now, areas=scope.areas, programmes=scope.programmes, venue_id=id, is_called_off=False
        )
        ahead = self.store.workshops.listed(sought, SHOWN)
        count = self.store.venues.uses(self.office.now).get(id, 0)
        return Card(venue, ahead, count, self.store.venues.clubs(id), self._is_mine(venue))

    def places(self) -> list[Place]:
        """The comuni where this member may open a venue."""
        areas = self.office.scope.areas
        return [one for one in self.store.territories.places() if areas is None or one.area in areas]

    def filled(self, id: str) -> Written:
        found = self._known(id)
        facts = {name: in_words(getattr(found, name)) for name in FACTS}
        note = {f"note_{language}": (found.note or {}).get(language) for language in LANGUAGES}
        plain = {name: getattr(found, name) for name in ("name", "address", "bus", "latitude", "longitude")}
        return Written.of(plain | facts | note | {"comune": found.comune_istat or ONLINE, SEEN: seen(found)})

    def create(self, form: Written) -> str | None:
        """The name of the new venue in addresses; None where the form is wrong."""
        values = self._values(form, None)
        if form.wrong:
            return None
        name = slug(values["name"], self.store.venues.ids_like(slug(values["name"], ())))
        self.store.venues.add(id=name, **values)
        self.office.note("venue_created", f"venue:{name}")
        return name

    def edit(self, id: str, form: Written) -> Consequences | Told | None:
        """
        Change what is written of a venue; None where the form is wrong, or older than what stands.

        Those who have a place there are told of another address if that is asked for, once they have been shown.
        """
        self._known(id)
        # Whoever moves something else there locks its workshops first, and the venue is no lock of theirs.
        ahead = [one for one in map(self.store.workshops.lock, self.store.venues.ahead(id, self.office.now)) if one]
        venue = self.store.venues.lock(id)
        if venue is None:
            raise Gone
        if not self._is_mine(venue):
            raise Refused(_("This venue is in an area that is not yours."))
        values = self._values(form, venue)
        if form.get(SEEN) != seen(venue):
            form.wrong[SEEN] = _("Somebody has changed this meanwhile. Look at how it stands now, then send it again.")
        if form.wrong:
            return None
        if not form.ticked("tell"):
            self._write(id, values)
            return Told(0, 0)
        changes = Changes(self.store, self.office.now, self.office.catalogues, actor=self.office.actor)
        if not form.ticked("sure"):
            names = self.office.may("people", "write")
            rehearsal = Rehearsal(self.office, [one.id for one in ahead], names=names)
            return rehearsal.of(lambda: self._tell(id, values, ahead, changes))
        self._tell(id, values, ahead, changes)
        return Told(changes.written, changes.to_call)

    def _write(self, id: str, values: dict[str, Any]) -> None:
        self.store.venues.change(id, **values)
        self.office.note("venue_edited", f"venue:{id}")

    def _tell(self, id: str, values: dict[str, Any], ahead: list[Workshop], changes: Changes) -> None:
        """Write it, and let everybody hear where what they have a place at is now."""
        self._write(id, values)
        heard: dict[str, set[int]] = defaultdict(set)
        for before in sorted(ahead, key=lambda one: one.starts_at):
            after = self.store.workshops.get(before.id)
            if before.cancelled_at or after is None or told_of(after) == told_of(before):
                continue
            # Members of a Job Club hear it once, about their next meeting; the reminders say it of the others.
            expected = {one.person_id for one in self.store.workshops.booked(before.id)} if before.is_meeting else set()
            if expected and expected <= heard[before.series_id]:
                self.store.workshops.change(before.id, revision=before.revision + 1)
            else:
                changes.follow(before)
            heard[before.series_id] |= expected

    def _values(self, form: Written, before: Kept | None) -> dict[str, Any]:
        # Whoever answers for one area does not take away what stands: the comune as it is may always stay.
        known = {one.istat for one in self.places()} | {before.comune_istat if before else None}
        comune = form.one_of("comune", {ONLINE} | {one for one in known if one})
        address = form.text("address", ADDRESS, needed=comune not in (ONLINE, None))
        facts = {name: form.one_of(name, ANSWERS) for name in FACTS}
        if before and comune and (comune == ONLINE) != before.is_online:
            form.wrong["comune"] = _("A room does not become a place on the web: create another venue.")
        return {
            "name": form.text("name", NAME),
            "comune_istat": None if comune == ONLINE else comune,
            "address": address or None,
            "bus": form.text("bus", BUS, needed=False) or None,
            "note": form.in_languages("note", NOTE, needed=False),
            "latitude": form.decimal("latitude", 90),
            "longitude": form.decimal("longitude", 180),
            **{name: ANSWERS[said] for name, said in facts.items() if said},
        }

    def _known(self, id: str) -> Kept:
        found = self.store.venues.get(id)
        if found is None:
            raise Gone
        return found

    def _is_mine(self, venue: Kept) -> bool:
        """Rooms of other areas are kept by others; what is on the web is everybody's."""
        areas = self.office.scope.areas
        return areas is None or venue.area_id is None or venue.area_id in areas


def in_words(known: bool | None) -> str:
    return "unknown" if known is None else "yes" if known else "no"


def seen(venue: Kept) -> str:
    """How a venue stands, in a few signs."""
    return fingerprint({name: getattr(venue, name) for name in Kept.__dataclass_fields__})
