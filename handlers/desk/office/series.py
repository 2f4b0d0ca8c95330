# SPDX-License-Identifier: EUPL-1.2
"""Series of workshops, such as the programme of half a year: their names, their days, what is in them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers.desk.office.workshops import is_in_sight
from handlers.desk.office.written import LANGUAGES, SEEN, Written, fingerprint, slug
from handlers.talk import Gone, _
from handlers.talk.text import Words, p_
from storage.series import JOB_CLUB, Named, Series
from storage.workshops import Line

if TYPE_CHECKING:
    from handlers.desk.office import Office

NAME = 120  # letters
KINDS: dict[str, Words] = {
    "semester": p_("a series", "Programme of half a year"),
    "path": p_("a series", "Path"),
    "work_design": p_("a series", "Work design lab"),
}


@dataclass(frozen=True)
class Card:
    """A series with its workshops, soonest first."""

    series: Series
    workshops: list[Line]


class AllSeries:
    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    def listed(self) -> list[tuple[Series, int, int]]:
        """Each with how many workshops there are in all, and how many are ahead."""
        scope, sizes = self.office.scope, self.store.series.sizes(self.office.now)
        found = self.store.series.in_sight(scope.areas, scope.programmes)
        return [(one, *sizes.get(one.id, (0, 0))) for one in found]

    def card(self, id: str) -> Card:
        """Raises Gone for what is not there, not theirs to see, or a Job Club."""
        return Card(self._mine(id), self.store.workshops.of_series(id))

    def programmes(self) -> list[Named]:
        """The programmes that this member may plan for."""
        scope = self.office.scope
        return [
            one
            for one in self.store.series.programmes()
            if scope.is_everything or one.area_id in (scope.areas or ()) or one.id in (scope.programmes or ())
        ]

    def filled(self, id: str) -> Written:
        found = self._mine(id)
        names = {f"name_{language}": found.name.get(language) for language in LANGUAGES}
        days = {"starts_on": found.starts_on.isoformat(), "ends_on": found.ends_on.isoformat()}
        return Written.of(names | days | {"kind": found.kind, "programme": found.programme_id, SEEN: seen(found)})

    def create(self, form: Written) -> str | None:
        """The name of the new series in addresses; None where the form is wrong."""
        programmes = {one.id: one for one in self.programmes()}
        kind, programme = form.one_of("kind", KINDS), form.one_of("programme", programmes)
        values = self._values(form)
        if form.wrong or programme is None:
            return None
        name = slug(values["name"]["it"], self.store.series.ids_like(slug(values["name"]["it"], ())))
        area = programmes[programme].area_id
        self.store.series.add(id=name, kind=kind, programme_id=programme, area_id=area, **values)
        self.office.note("series_created", f"series:{name}")
        return name

    def edit(self, id: str, form: Written) -> bool:
        """Other names or days; False where the form is wrong, or older than what stands."""
        self._mine(id)
        found = self.store.series.lock(id)
        values = self._values(form)
        if found is None:
            raise Gone
        if form.get(SEEN) != seen(found):
            form.wrong[SEEN] = _("Somebody has changed this meanwhile. Look at how it stands now, then send it again.")
        if form.wrong:
            return False
        self.store.series.change(id, **values)
        self.office.note("series_edited", f"series:{id}")
        return True

    @staticmethod
    def _values(form: Written) -> dict[str, Any]:
        values = {"name": form.in_languages("name", NAME)}
        starts_on, ends_on = form.day("starts_on"), form.day("ends_on")
        if starts_on and ends_on and ends_on < starts_on:
            form.wrong["ends_on"] = _("The last day comes before the first.")
        return values | {"starts_on": starts_on, "ends_on": ends_on}

    def _mine(self, id: str) -> Series:
        found, scope = self.store.series.get(id), self.office.scope
        if found is None or found.kind == JOB_CLUB:
            raise Gone
        if not is_in_sight(scope.areas, scope.programmes, found.area_id, found.programme_id):
            raise Gone
        return found


def seen(series: Series) -> str:
    """How a series stands, in a few signs."""
    return fingerprint({"name": series.name, "starts_on": series.starts_on, "ends_on": series.ends_on})
