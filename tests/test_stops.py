# SPDX-License-Identifier: EUPL-1.2
"""Stop: nothing goes out after it; it counts where it was said; why and since when is kept; and there is a way back."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from bot.main import Sportello
from handlers.desk import Desk
from handlers.moments import NO_MORE
from handlers.talk import Address, Incoming, Tap
from handlers.talk.anytime import STOPS, find
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.people import Identity, Stop
from storage.tables import audit, identities, messages
from tests.stage import Stage, perform

CATALOGUES = Catalogues()
AWAY = "I am away. I will answer on Monday."
QUIET = "Too many messages at once: I stop for a few minutes. To talk to a person, write PERSON."


@pytest.fixture
def stage(town_url: str) -> Iterator[Stage]:
    with closing(Stage(town_url)) as stage:
        perform(stage, "Amina is registered, and wants reminders, and speaks English")
        yield stage


def stops(stage: Stage, who: str = "Amina") -> list[Stop]:
    return stage.with_store(lambda store: store.people.stops(stage.person(store, who).id))  # type: ignore[no-any-return]


def chat(store: Store, stage: Stage, number: int = 0) -> Identity:
    return store.people.identities(stage.person(store, "Amina").id)[number]


def waits(stage: Stage, text: str, moment: str = "reminder_24h", number: int = 0) -> int:
    """Something that goes out in an hour, to one of her chats."""

    def put(store: Store) -> int:
        to = chat(store, stage, number)
        id = store.messages.put_out(
            person_id=to.person_id,
            identity_id=to.id,
            channel=to.channel,
            kind="moment",
            text=text,
            payload={"moment": moment},
            priority=1,
            at=stage.now,
            due_at=stage.now + timedelta(hours=1),
        )
        assert id
        return id

    return stage.with_store(put)  # type: ignore[no-any-return]


def fate(stage: Stage, id: int) -> tuple[str, str | None]:
    found = stage.with_store(lambda store: store.messages.get(id))
    return found.state, found.reason


def says(stage: Stage, *texts: str) -> list[str]:
    """What she is answered to all of it."""
    for text in texts:
        stage.sends("Amina", text)
    return stage.heard()


def desk(store: Store, stage: Stage) -> Desk:
    return Desk(store, stage.person(store, "Amina"), stage.now, CATALOGUES)


# ---- everything


def test_after_stop_nothing_is_left_that_could_go_out(stage: Stage) -> None:
    ids = [waits(stage, "one"), waits(stage, "two", moment="place_offered")]
    says(stage, "stop")
    assert [fate(stage, id) for id in ids] == [("suppressed", "person_stopped")] * 2
    left = stage.with_store(lambda store: store.read(select(messages.c.text).where(messages.c.state == "pending")))
    assert left == []


def test_a_stop_names_the_message_that_said_so_and_the_time(stage: Stage) -> None:
    says(stage, "stop")
    (found,) = stops(stage)
    assert found.message_id
    said = stage.with_store(lambda store: store.messages.get(found.message_id))
    assert (said.text, found.at) == ("stop", stage.now)
    assert (found.topic, found.identity_id, found.ended_at) == ("all", None, None)


def test_stop_said_twice_is_one_stop_and_asks_why_once(stage: Stage) -> None:
    assert "tell me why" in "".join(says(stage, "stop"))
    stage.now += timedelta(days=1)
    assert "tell me why" not in "".join(says(stage, "stop"))
    assert len(stops(stage)) == 1


def test_coming_back_ends_the_stop_and_the_next_one_is_another(stage: Stage) -> None:
    says(stage, "stop", "hello", "no", "no", "stop")
    first, second = stops(stage)
    assert first.ended_at == stage.now and second.ended_at is None


@pytest.mark.parametrize("phrase", ["stop", "Basta!", "STOP please", "unsubscribe", *sorted(STOPS)])
def test_every_language_has_its_words_for_stop(phrase: str) -> None:
    assert find(phrase, CATALOGUES) == "stop"


@pytest.mark.parametrize("phrase", ["where is the bus stop", "don't stop", "alto", "para", "basta un documento?"])
def test_what_only_sounds_like_stop_is_none(phrase: str) -> None:
    assert find(phrase, CATALOGUES) != "stop"


# ---- why


@pytest.mark.parametrize(
    ("said", "reason"),
    [("1", "job_found"), ("2", "too_many"), ("They do not help me", "not_for_me"), ("I found work", "job_found")],
)
def test_a_reason_is_kept_with_the_stop_it_belongs_to(stage: Stage, said: str, reason: str) -> None:
    says(stage, "stop", "hello", "no", "no", "stop", said)
    assert [one.reason for one in stops(stage)] == [None, reason]


def test_a_job_found_is_an_outcome_that_can_be_counted(stage: Stage) -> None:
    says(stage, "stop", "1")
    found = stage.with_store(lambda store: store.read(select(audit.c.subject).where(audit.c.action == "job_found")))
    person = stage.with_store(lambda store: stage.person(store, "Amina").id)
    assert [row.subject for row in found] == [f"person:{person}"]


@pytest.mark.parametrize("said", ["job", "work", "messages", "reason", "lavoro"])
def test_part_of_a_reason_is_no_reason(stage: Stage, said: str) -> None:
    """Who writes «work» weeks after a stop may be looking for some."""
    says(stage, "stop")
    assert "Shall we start again?" in "".join(says(stage, said))
    assert stops(stage)[0].reason is None


def test_stop_chosen_under_a_message_of_ours_ends_what_was_going_on(stage: Stage) -> None:
    says(stage, "questions")

    def push(store: Store) -> int:
        to = chat(store, stage)
        id = store.messages.put_out(
            person_id=to.person_id,
            identity_id=to.id,
            channel=to.channel,
            kind="moment",
            text="How are you?",
            state="sent",
            options=[{"id": NO_MORE.id, "label": "No more messages", "short": "No more"}],
            answered_by={"conversation": "silence", "step": "a_month", "draft": {}},
            priority=1,
            at=stage.now,
            due_at=stage.now,
        )
        assert id
        return id

    stage.sends("Amina", kind="tap", tap=Tap(stage.with_store(push), 0))
    assert "tell me why" in "".join(stage.heard())
    assert "Choose a question" not in "".join(says(stage, "2", "person"))
    assert stops(stage)[0].reason == "too_many"


# ---- one topic


def test_to_stop_one_topic_takes_back_one_permission_and_what_was_going_out_for_it(stage: Stage) -> None:
    says(stage, "offers", "yes")
    reminder, confirmation = waits(stage, "tomorrow"), waits(stage, "booked", moment="booking_confirmed")
    says(stage, "stop reminders")
    assert fate(stage, reminder) == ("suppressed", "topic_stopped")
    assert fate(stage, confirmation) == ("pending", None)  # she has done something, and is told so
    (found,) = stops(stage)
    assert (found.topic, found.ended_at) == ("service_messages", None)
    assert stage.with_store(lambda store: desk(store, stage).people.consents()) == ["opportunity_push"]


def test_a_new_permission_ends_the_stop_of_its_topic_and_of_no_other(stage: Stage) -> None:
    says(stage, "stop reminders", "stop offers", "reminders", "yes")
    assert {one.topic: one.ended_at is None for one in stops(stage)} == {
        "service_messages": False,
        "opportunity_push": True,
    }


# ---- a chat that is shut on the channel


def another_chat(stage: Stage) -> Address:
    """Amina writes to us on WhatsApp, too."""
    address = Address("whatsapp", "stage:Amina", simulated=True)

    def add(store: Store) -> None:
        person = stage.person(store, "Amina")
        values = {"channel": address.channel, "address": address.id, "simulated": True, "created_at": stage.now}
        store.write(insert(identities).values(person_id=person.id, **values))

    stage.with_store(add)
    return address


def test_a_shut_chat_is_a_stop_of_that_chat_and_takes_nothing_back(stage: Stage) -> None:
    id = waits(stage, "tomorrow")
    stage.sends("Amina", kind="blocked")
    (found,) = stops(stage)
    here = stage.with_store(lambda store: chat(store, stage))
    assert (found.topic, found.identity_id, found.reason) == ("all", here.id, "blocked")
    assert here.blocked_at == stage.now
    assert fate(stage, id) == ("suppressed", "chat_blocked")
    assert stage.with_store(lambda store: desk(store, stage).people.agreed("service_messages"))
    assert stage.with_store(lambda store: stage.person(store, "Amina").stopped_at) is None


def test_told_twice_it_is_one_stop(stage: Stage) -> None:
    stage.sends("Amina", kind="blocked")
    since = stage.now
    stage.now += timedelta(minutes=1)
    stage.with_store(lambda store: desk(store, stage).people.blocked(chat(store, stage), True, reason="deactivated"))
    assert [(one.reason, one.at) for one in stops(stage)] == [("blocked", since)]
    assert stage.with_store(lambda store: chat(store, stage)).blocked_at == since


@pytest.mark.parametrize("kind", ["unblocked", "text"])
def test_who_opens_the_chat_again_or_writes_in_it_has_ended_the_stop(stage: Stage, kind: str) -> None:
    stage.sends("Amina", kind="blocked")
    stage.sends("Amina", "hello" if kind == "text" else "", kind=kind)
    assert [one.ended_at for one in stops(stage)] == [stage.now]
    assert stage.with_store(lambda store: chat(store, stage)).blocked_at is None


def test_opening_a_chat_takes_back_no_stop_that_was_said_in_words(stage: Stage) -> None:
    says(stage, "stop")
    stage.sends("Amina", kind="blocked")
    stage.sends("Amina", kind="unblocked")
    assert [(one.identity_id is None, one.ended_at is None) for one in stops(stage)] == [(True, True), (False, False)]


def test_blocked_here_and_open_there_is_still_written_to_there(stage: Stage) -> None:
    another_chat(stage)
    here, there = waits(stage, "here"), waits(stage, "there", number=1)
    stage.sends("Amina", kind="blocked")
    assert (fate(stage, here)[0], fate(stage, there)[0]) == ("suppressed", "pending")
    reached = stage.with_store(lambda store: desk(store, stage).outbox.chat())
    assert reached.channel == "whatsapp"


def is_offered_a_place(stage: Stage) -> None:
    perform(stage, "there is a workshop «Il colloquio» in 7 days at 10:00 with 1 place")
    perform(stage, "Sara has a place at «Il colloquio»")
    perform(stage, "Amina has a place at «Il colloquio»")
    stage.sends("Sara", "impegni")
    for answer in ("1", "4", "sì"):
        stage.sends("Sara", answer)
    assert state(stage) == "offered"


def state(stage: Stage) -> str | None:
    """How her place stands; none if she has none."""

    def look(store: Store) -> str | None:
        found = store.workshops.bookings_of(stage.person(store, "Amina").id)
        return found[0].state if found else None

    return stage.with_store(look)  # type: ignore[no-any-return]


def test_an_offer_ends_with_the_last_open_chat_and_not_before(stage: Stage) -> None:
    there = another_chat(stage)
    is_offered_a_place(stage)
    stage.sends("Amina", kind="blocked")
    assert state(stage) == "offered"
    stage.hears(Incoming(there, "away", stage.now, kind="blocked"))
    assert state(stage) is None


def test_stop_in_one_chat_counts_in_all(stage: Stage) -> None:
    there = another_chat(stage)
    id = waits(stage, "here")
    stage.hears(Incoming(there, "1", stage.now, message_id="1", text="stop"))
    assert fate(stage, id) == ("suppressed", "person_stopped")


# ---- two programs that answer each other


def answered(stage: Stage, text: str, times: int, seconds: float = 1, kind: str = "text") -> int:
    """How many of so many messages are answered."""
    stage.heard()

    def hears(desk: Sportello) -> None:
        for _time in range(times):
            stage.now += timedelta(seconds=seconds)
            number = f"loop-{next(stage.numbers)}"
            said = Incoming(stage.address("Amina"), number, stage.now, message_id=number, kind=kind, text=text)
            desk.engine.hear([said])

    stage.played(hears)
    return sum(line.startswith("Sportello to ") for line in stage.heard())


def test_a_program_is_answered_a_few_times_and_then_told_once_that_we_stop(stage: Stage) -> None:
    assert 20 <= answered(stage, AWAY, 60) <= 31
    assert stage.shown_to("Amina")[-1].text == QUIET
    assert stage.with_store(lambda store: store.cases.open_reasons(stage.person(store, "Amina").id)) == ["looping"]
    assert answered(stage, AWAY, 20, seconds=14) == 0
    kept = stage.with_store(lambda store: store.messages.of(stage.person(store, "Amina").id))
    unanswered = [one for one in kept if one.reason == "looping"]
    assert len(unanswered) >= 49 and {one.state for one in unanswered} == {"handled"}


def test_after_five_quiet_minutes_answers_go_on(stage: Stage) -> None:
    answered(stage, AWAY, 40)
    stage.now += timedelta(minutes=5)
    assert answered(stage, "hello", 3) == 3


def test_stop_and_a_person_work_also_then_once(stage: Stage) -> None:
    answered(stage, AWAY, 40)
    assert answered(stage, "stop", 1) == 1
    assert stops(stage)
    answered(stage, AWAY, 40)
    assert answered(stage, "person", 1) == 1
    answered(stage, AWAY, 40)
    assert answered(stage, "stop", 5) == answered(stage, "person", 5) == 0


def test_who_taps_very_fast_is_answered_every_time(stage: Stage) -> None:
    assert answered(stage, "", 60, seconds=0.3, kind="tap") == 60


def test_nobody_else_is_kept_waiting_by_a_program(stage: Stage) -> None:
    answered(stage, AWAY, 40)
    stage.sends("Luca", "ciao")
    assert any(line.startswith("Sportello to Luca") for line in stage.heard())
