# SPDX-License-Identifier: EUPL-1.2
"""People with places at workshops of the demonstration, for the pages of what takes place."""

from datetime import timedelta
from typing import Any

from httpx2 import Response

from handlers.desk import Desk
from handlers.talk.catalogues import Catalogues
from storage import Store
from tests.console.office import House, Visitor
from tests.stage import agreed

CATALOGUES = Catalogues()


def desk(house: House, store: Store, code: str) -> Desk:
    person = next(one for one, chat in store.people.demonstration() if chat.address == f"demo:{code}")
    return Desk(store, person, house.now, CATALOGUES)


def takes_a_place(house: House, workshop_id: int, *codes: str, silent: tuple[str, ...] = ()) -> list[int]:
    """These people ask for a place one after the other, and wait where there is none; the silent want no messages."""
    ids = []
    for code in codes:
        with house.store() as store:
            theirs = desk(house, store, code)
            store.people.change(theirs.person.id, language="it")
            if code not in silent:
                store.people.record_consent(**agreed(theirs.person.id, "it", "telegram", house.now))
            theirs.refresh()
            theirs.workshops.book(workshop_id, or_wait=True)
            ids.append(theirs.person.id)
    return ids


def a_workshop(house: House, days: float = 3, **values: Any) -> int:
    """A workshop of two hours in a room in Bologna; on the Monday of the tests, in three days it is Thursday."""
    starts_at = house.now + timedelta(days=days)
    row = {
        "series_id": "bussola",
        "title": {"it": "Il colloquio", "en": "The interview"},
        "summary": {"it": "Prova un colloquio.", "en": "Try an interview."},
        "venue_id": "v01",
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=2),
        "opens_at": house.now - timedelta(days=1),
        "closes_at": starts_at - timedelta(hours=2),
        "capacity": 2,
        "languages": ["it"],
        "counts_for_path": False,
        "mode": "in_person",
        **values,
    }
    with house.store() as store:
        return int(store.workshops.add([row])[0])


def hidden(response: Response, name: str = "seen") -> str:
    """What a page carries in a hidden field."""
    _before, found, after = response.text.partition(f'name="{name}" value="')
    assert found, response.text[:2000]
    return str(after.partition('"')[0])


def twice(visitor: Visitor, path: str, **fields: Any) -> tuple[Response, Response]:
    """Fill in the form of a change, look at what would follow, and do it."""
    shown = visitor.post(path, seen=hidden(visitor.get(path)), **fields)
    assert shown.status_code == 200, shown.text[:3000]
    return shown, visitor.post(path, seen=hidden(shown), sure="1", **fields)
