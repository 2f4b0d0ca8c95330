# SPDX-License-Identifier: EUPL-1.2
"""What can happen on stage where a code hangs in the room."""

from storage import Store
from tests.stage import Stage, direction, workshop_id

KEY = "a-code_of_a_room"  # as long as a real one


def hang(store: Store, title: str, key: str = KEY) -> None:
    store.workshops.change(workshop_id(store, title), check_in_key=key)


@direction(r"a (new )?code hangs in the room of «(.+)»")
def hangs(stage: Stage, is_new: str | None, title: str) -> None:
    stage.with_store(lambda store: hang(store, title, f"{workshop_id(store, title):016}" if is_new else KEY))


@direction(r"(\w+) reads the code in the room")
def reads_the_code(stage: Stage, who: str) -> None:
    stage.sends(who, "/start", start=f"in_{KEY}")


@direction(r"(\w+) (was there|was absent|is not noted) at «(.+)», as the desk sees it")
def is_noted(stage: Stage, who: str, what: str, title: str) -> None:
    said = {"was there": "present", "was absent": "absent", "is not noted": None}[what]

    def look(store: Store) -> None:
        booking = store.workshops.booking_of(stage.person(store, who).id, workshop_id(store, title))
        assert (booking.attendance if booking else None) == said, booking

    stage.with_store(look)
