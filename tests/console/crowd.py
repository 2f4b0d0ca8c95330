# SPDX-License-Identifier: EUPL-1.2
"""A desk on a busy day: many people, each with something on every page of the console."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Table, insert

from storage import Store
from storage.tables import (
    audit,
    bookings,
    cases,
    consents,
    dialogues,
    enrolments,
    identities,
    labels,
    mentions,
    messages,
    misreadings,
    notes,
    people,
    reviews,
    rights_requests,
    series,
    staff,
    workshops,
)
from tests.console.office import House

LONG = "Ho una domanda. " * 650  # more than 10,000 letters


def fill(house: House, many: int, *, talk: int = 3, text: str = "Ciao, ho una domanda", tag: str = "") -> list[int]:
    """So many more people who have written ``talk`` messages each; returns who they are."""
    with house.store() as store:
        member = next(one for one in store.staff.all() if one.role == "operator")
        course = store.workshops.open(house.now)[0].id
        programme = store.territories.all_programmes()[0].id
        return [
            one_more(store, house, f"{tag}{number}", talk, text, member.id, course, programme) for number in range(many)
        ]


def one_more(
    store: Store, house: House, name: str, talk: int, text: str, staff_id: int, workshop_id: int, programme: str
) -> int:
    now = house.now - timedelta(hours=1)

    def add(table: Table, **values: Any) -> Any:
        found = store.write(insert(table).values(**values).returning(*table.primary_key))
        return found.one()[0]

    person = add(people, language="it", first_name=f"Nome{name}", birth_year=1980, created_at=now, registered_at=now)
    chat = add(
        identities, person_id=person, channel="telegram", address=f"crowd:{name}", simulated=True, created_at=now
    )
    base = {"person_id": person, "identity_id": chat, "channel": "telegram", "at": now, "attempts": 0}
    last = 0
    for number in range(talk):
        last = add(messages, **base, direction="in", kind="text", text=f"{text} {name}", state="handled")
        shown = [{"id": "a", "label": "Sì", "short": "Sì"}] if number == talk - 1 else None
        out = {"state": "sent", "sent_at": now, "due_at": now, "priority": 0, "reply_to": last, "options": shown}
        add(messages, **base, direction="out", kind="reply", text=f"Buongiorno Nome{name}", **out)
    failed = {"state": "failed", "reason": "blocked", "due_at": now, "priority": 1}
    add(messages, **base, direction="out", kind="moment", text="Domani c’è il laboratorio", subject="x", **failed)
    nowhere: dict[str, Any] = {"draft": {}, "trail": [], "paused": [], "kept": {}, "misses": 0, "version": 1}
    add(dialogues, person_id=person, **nowhere, release="1", changed_at=now, heard_id=last, heard_at=now)
    add(cases, person_id=person, reason="asked", subject="", message_id=last, opened_at=now)
    add(labels, person_id=person, name="prova", staff_id=staff_id, at=now)
    note = add(notes, person_id=person, staff_id=staff_id, text="Da richiamare", at=now)
    add(mentions, note_id=note, staff_id=staff_id)
    add(reviews, person_id=person, assigned_to=staff_id)
    add(bookings, workshop_id=workshop_id, person_id=person, state="booked", booked_at=now, changed_at=now)
    add(enrolments, person_id=person, programme_id=programme, state="enrolled", at=now)
    proof = {"text": "Sì?", "text_hash": "x", "version": "1", "language": "it", "channel": "telegram", "at": now}
    add(consents, person_id=person, purpose="service_messages", given=True, **proof, question_id=last, answer_id=last)
    add(audit, at=now, actor=f"person:{person}", action="registered", subject=f"person:{person}")
    where = {"language": "it", "conversation": "menu", "at": now}
    add(misreadings, message_id=last, person_id=person, words=f"bla {name}", **where)
    due = (house.now + timedelta(days=20)).date()
    add(rights_requests, person_id=person, kind="access", came_by="desk", asked_at=now, due_on=due)
    return int(person)


def more_workshops(house: House, many: int) -> None:
    """So many more workshops ahead, of the first series there is, each with somebody who booked."""
    with house.store() as store:
        model = store.workshops.open(house.now)[0]
        row = store.read(workshops.select().where(workshops.c.id == model.id))[0]._mapping
        who = store.people.demonstration()[0][0].id
        for number in range(many):
            values = {**row, "code": None, "starts_at": model.starts_at + timedelta(minutes=number)}
            values.pop("id")
            added = store.write(insert(workshops).values(values).returning(workshops.c.id)).scalar_one()
            state = {"state": "booked", "booked_at": house.now, "changed_at": house.now}
            store.write(insert(bookings).values(workshop_id=added, person_id=who, **state))


def more_of_the_rest(house: House, many: int) -> None:
    """So many more members of staff and series."""
    with house.store() as store:
        row = store.read(series.select())[0]._mapping
        for number in range(many):
            known = {
                "name": f"Persona {number}",
                "email": f"p{number}@example.org",
                "role": "tutor",
                "languages": ["it"],
            }
            store.write(insert(staff).values(**known))
            store.write(insert(series).values({**row, "id": f"more-{number}"}))
