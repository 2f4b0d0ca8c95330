# SPDX-License-Identifier: EUPL-1.2
"""What the desk changes about a workshop: who is told, who is called instead, and what nobody loses."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from handlers.desk.changes import Changes
from handlers.desk.moments import still_true
from handlers.moments import BY_NAME
from handlers.talk import Gone
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.tables import audit, bookings, cases, messages
from storage.workshops import Workshop
from tests.stage import Stage, perform, workshop_id

CATALOGUES = Catalogues()
TITLE = "Laboratorio"


@pytest.fixture
def stage(town_url: str) -> Iterator[Stage]:
    """Amina and Luca have the two places on Thursday at ten, Sara waits; Luca wants no reminders. It is Monday."""
    with closing(Stage(town_url)) as stage:
        perform(stage, f"there is a workshop «{TITLE}» in 3 days at 10:00 with 2 places")
        for who, wants in (("Amina", ", and wants reminders"), ("Luca", ""), ("Sara", ", and wants reminders")):
            perform(stage, f"{who} is registered{wants}")
            perform(stage, f"{who} has a place at «{TITLE}»")
        stage.heard()
        yield stage


def change(stage: Stage, act: Any) -> None:
    def work(store: Store) -> None:
        act(Changes(store, stage.now, CATALOGUES, actor="staff:1"), workshop(stage, store))

    stage.with_store(work)


def workshop(stage: Stage, store: Store) -> Workshop:
    found = store.workshops.get(workshop_id(store, TITLE))
    assert found
    return found


def states(stage: Stage) -> dict[str, str]:
    def look(store: Store) -> dict[str, str]:
        rows = store.read(select(bookings.c.person_id, bookings.c.state))
        return {store.people.get(row.person_id).first_name or "": row.state for row in rows}

    return stage.with_store(look)  # type: ignore[no-any-return]


def pushes(stage: Stage, moment: str) -> list[Any]:
    keyed = messages.c.dedupe_key.like(f"{moment}:%")
    return stage.with_store(lambda store: list(store.read(select(messages).where(keyed).order_by(messages.c.id))))  # type: ignore[no-any-return]


def call_list(stage: Stage) -> list[tuple[str, str, str]]:
    def look(store: Store) -> list[tuple[str, str, str]]:
        rows = store.read(select(cases).order_by(cases.c.id))
        return [(store.people.get(row.person_id).first_name or "", row.reason, row.subject) for row in rows]

    return stage.with_store(look)  # type: ignore[no-any-return]


def recorded(stage: Stage) -> list[tuple[str, str]]:
    return stage.with_store(  # type: ignore[no-any-return]
        lambda store: [
            (row.action, row.actor)
            for row in store.read(select(audit).where(audit.c.subject.like("workshop:%")).order_by(audit.c.id))
        ]
    )


def test_who_agreed_is_written_to_and_who_did_not_is_called(stage: Stage) -> None:
    change(stage, lambda changes, one: changes.move(one.id, one.starts_at + timedelta(days=1)))
    assert [row.person_id for row in pushes(stage, "workshop_moved")] == [1]
    id = stage.with_store(lambda store: workshop_id(store, TITLE))
    assert call_list(stage) == [("Luca", "workshop_moved", f"workshop:{id}")]
    assert recorded(stage) == [("moved", "staff:1")]


def test_booking_closes_as_long_before_the_start_as_it_did(stage: Stage) -> None:
    before = stage.with_store(lambda store: workshop(stage, store))
    change(stage, lambda changes, one: changes.move(one.id, one.starts_at + timedelta(hours=5)))
    after = stage.with_store(lambda store: workshop(stage, store))
    assert after.starts_at - after.closes_at == before.starts_at - before.closes_at
    assert after.ends_at - after.starts_at == before.ends_at - before.starts_at
    assert after.revision == before.revision + 1


def test_a_change_that_changes_nothing_tells_nobody(stage: Stage) -> None:
    change(stage, lambda changes, one: changes.move(one.id, one.starts_at))
    change(stage, lambda changes, one: changes.resize(one.id, one.capacity))
    assert (pushes(stage, "workshop_moved"), recorded(stage)) == ([], [])


def test_a_confirmation_of_another_day_counts_no_more_and_one_of_the_same_hour_does(stage: Stage) -> None:
    def confirmed(store: Store) -> bool:
        booking = store.workshops.booking_of(1, workshop_id(store, TITLE))
        assert booking
        return booking.confirmed_at is not None

    stage.with_store(lambda store: store.workshops.change_booking(1, confirmed_at=stage.now))
    change(stage, lambda changes, one: changes.move(one.id, one.starts_at + timedelta(minutes=59)))
    assert stage.with_store(confirmed)
    change(stage, lambda changes, one: changes.move(one.id, one.starts_at + timedelta(minutes=60)))
    assert not stage.with_store(confirmed)


def test_called_off_ends_everything_and_only_once(stage: Stage) -> None:
    change(stage, lambda changes, one: changes.call_off(one.id))
    assert set(states(stage).values()) == {"called_off"}
    assert [row.person_id for row in pushes(stage, "workshop_called_off")] == [1, 3]
    for act in ("call_off", "move", "resize", "go_online"):
        more: dict[str, tuple[Any, ...]] = {"move": (stage.now,), "resize": (9,), "go_online": ("https://x.example",)}
        with pytest.raises(Gone):
            change(stage, lambda changes, one, act=act, more=more: getattr(changes, act)(one.id, *more.get(act, ())))
    assert len(pushes(stage, "workshop_called_off")) == 2


def test_fewer_places_take_nothing_from_anybody_and_it_is_written_down(stage: Stage) -> None:
    change(stage, lambda changes, one: changes.resize(one.id, 1))
    assert states(stage) == {"Amina": "booked", "Luca": "booked", "Sara": "waiting"}
    row = stage.with_store(lambda store: store.read(select(audit).where(audit.c.action == "capacity_lowered"))[0])
    assert row.details == {"from": 2, "to": 1, "taken": 2}


def test_more_places_go_to_the_line(stage: Stage) -> None:
    change(stage, lambda changes, one: changes.resize(one.id, 3))
    assert states(stage)["Sara"] == "offered"


def test_what_begins_too_soon_by_now_offers_no_more(stage: Stage) -> None:
    change(stage, lambda changes, one: changes.resize(one.id, 3))
    change(stage, lambda changes, one: changes.move(one.id, stage.now + timedelta(hours=2)))
    assert states(stage)["Sara"] == "lapsed"


def test_a_change_while_the_news_of_the_last_one_waits_tells_only_the_last(stage: Stage) -> None:
    stage.now = stage.now.replace(hour=21)
    for days in (1, 2):
        change(stage, lambda changes, one, days=days: changes.move(one.id, one.starts_at + timedelta(days=days)))
    assert [row.state for row in pushes(stage, "workshop_moved")] == ["superseded", "pending"]


def test_what_is_no_longer_true_is_not_sent(stage: Stage) -> None:
    """The send check finds out by itself, also where nobody has struck the message out."""
    change(stage, lambda changes, one: changes.move(one.id, one.starts_at + timedelta(days=1)))
    (row,) = pushes(stage, "workshop_moved")

    def is_true(store: Store) -> bool:
        message = store.messages.get(row.id)
        assert message
        return still_true(store, message, BY_NAME["workshop_moved"])

    assert stage.with_store(is_true)
    stage.with_store(lambda store: store.workshops.change(workshop_id(store, TITLE), revision=7))
    assert not stage.with_store(is_true)


def test_tomorrow_is_said_only_where_it_is_true_when_it_leaves(stage: Stage) -> None:
    """A reminder held up past midnight names the day, and says neither today nor tomorrow."""
    change(stage, lambda changes, one: changes.move(one.id, one.starts_at + timedelta(hours=8)))
    perform(stage, "2 hours pass")
    stage.now = datetime.fromisoformat("2027-03-03T18:30:00+00:00")  # Wednesday evening: a minute of open time is left
    with closing(stage.desk()) as desk:
        assert desk.worker.plan_moments() == 1
    planned = reminder(stage)
    assert "Domani, giovedì 4 marzo" in planned.text
    stage.now += timedelta(hours=13)
    perform(stage, "20 minutes pass")
    sent = reminder(stage)
    assert (sent.state, sent.text) == ("sent", planned.text.replace("Domani, ", ""))


def reminder(stage: Stage) -> Any:
    (row,) = pushes(stage, "reminder_24h")
    return row


# ---- what the review of a night found


def in_the_evening(stage: Stage) -> None:
    """At nine, when nothing is sent that can wait."""
    stage.now = stage.now.replace(hour=20)


@pytest.mark.parametrize("what", ["stop", "basta promemoria", "(Amina blocks the chat)"])
def test_news_that_waits_for_the_morning_is_told_by_telephone_to_who_wants_no_messages_by_then(
    stage: Stage, what: str
) -> None:
    in_the_evening(stage)
    change(stage, lambda changes, one: changes.call_off(one.id))
    perform(stage, what.strip("()")) if what.startswith("(") else stage.sends("Amina", what)
    assert ("Amina", "workshop_called_off") in [case[:2] for case in call_list(stage)]
    assert not any("impegni restano" in message.text for message in stage.shown_to("Amina"))


@pytest.mark.parametrize("then", [timedelta(days=2), timedelta(0)])
def test_what_went_online_and_moved_before_anybody_heard_is_told_with_its_entrance(
    stage: Stage, then: timedelta
) -> None:
    in_the_evening(stage)
    change(stage, lambda changes, one: changes.go_online(one.id, "https://meet.example.org/a"))
    change(stage, lambda changes, one: changes.move(one.id, one.starts_at + timedelta(days=3)))
    change(stage, lambda changes, one: changes.move(one.id, one.starts_at - timedelta(days=3) + then))
    perform(stage, "13 hours pass")
    told = [row for moment in ("workshop_moved", "workshop_online") for row in pushes(stage, moment)]
    sent = [row for row in told if row.state == "sent"]
    assert len(sent) == 1 + bool(then) and all("https://meet.example.org/a" in row.text for row in sent)


def test_an_offer_is_no_news_that_would_wake_anybody(stage: Stage) -> None:
    """A place given up at night, for the same day: it is offered in the morning."""
    stage.now = datetime.fromisoformat("2027-03-04T01:00:00+00:00")
    change(stage, lambda changes, one: changes.move(one.id, one.starts_at + timedelta(hours=8)))
    change(stage, lambda changes, one: changes.resize(one.id, 3))
    perform(stage, "20 minutes pass")
    assert [row.state for row in pushes(stage, "place_offered")] == ["pending"]
    perform(stage, "6 hours pass")
    assert [row.state for row in pushes(stage, "place_offered")] == ["sent"]


def test_an_offer_that_arrived_after_all_stands_though_its_repeat_was_not_needed(stage: Stage) -> None:
    change(stage, lambda changes, one: changes.resize(one.id, 3))
    (row,) = pushes(stage, "place_offered")

    def doubt(store: Store) -> None:
        again = {name: getattr(row, name) for name in ("person_id", "identity_id", "channel", "kind", "subject")}
        payload = {**row.payload, "repeats": row.id}
        store.messages.put_out(
            **again, text="", options=row.options, payload=payload, priority=1, at=stage.now, due_at=stage.now
        )
        store.messages.change(row.id, state="sent", provider_id="42:1", sent_at=stage.now)
        store.messages.change(row.id + 1, state="superseded", reason="arrived_after_all")

    stage.with_store(doubt)
    perform(stage, "60 minutes pass")
    assert states(stage)["Sara"] == "offered"


def test_news_of_tomorrow_is_not_followed_by_a_reminder_of_tomorrow(stage: Stage) -> None:
    stage.now = datetime.fromisoformat("2027-03-01T16:00:00+00:00")  # Monday at five
    change(stage, lambda changes, one: changes.move(one.id, datetime.fromisoformat("2027-03-02T14:00:00+00:00")))
    perform(stage, "2 hours pass")
    assert (len(pushes(stage, "workshop_moved")), pushes(stage, "reminder_24h")) == (1, [])
    perform(stage, "20 hours pass")
    assert len(pushes(stage, "reminder_2h")) == 1
