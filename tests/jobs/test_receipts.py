# SPDX-License-Identifier: EUPL-1.2
"""What a network says of a message after it has taken it, or is asked about one of which nobody heard."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.contract import DeliveryError, Report
from bot.jobs.settling import Settling
from handlers.desk.delivery import ATTEMPTS, LEASE, UNTIL_ASKED
from handlers.rules.sending import wait_before
from handlers.talk import Outgoing
from storage.messages import Room
from storage.tables import receipts
from tests.jobs.office import A_SECOND, Office, Phones

UNSURE = DeliveryError("no_answer", "Who knows.", uncertain=True)
ARRIVES = ("queued", "sent", "delivered", "read")


class Asked(Phones):
    """A network that can be asked; ``has`` says what it answers, or with what trouble."""

    def __init__(self) -> None:
        super().__init__()
        self.has: str | DeliveryError | None = None
        self.asked: list[int] = []

    async def find(self, message: Outgoing, since: Any, known: Any = ()) -> str | None:
        self.asked.append(message.id)
        if isinstance(self.has, DeliveryError):
            raise self.has
        return None if self.has in known else self.has


@pytest.fixture
def office(storage_url: str) -> Iterator[Office]:
    with closing(Office(storage_url)) as office:
        office.whatsapp = Asked()
        office.worker = office.another_worker()
        yield office


def says(office: Office, status: str, number: str = "number 1", id: int | None = None, **more: Any) -> None:
    asyncio.run(office.worker.learn(Report("whatsapp", number, status, id, **more)))


def kept(office: Office) -> list[tuple[str, int | None]]:
    with office.found.reading() as store:
        rows = store.read(select(receipts.c.status, receipts.c.message_id).order_by(receipts.c.id))
    return [tuple(row) for row in rows]


def settles(office: Office) -> int:
    return asyncio.run(Settling(office.worker.receipts, office.worker.transports).run_once())


def sent(office: Office, text: str = "hello") -> int:
    id = office.puts(office.meets("amina", "whatsapp"), text)
    office.sends()
    assert office.fate(id) == ("sent", None)
    return id


# ---- in any order


@pytest.mark.parametrize("order", [ARRIVES, ARRIVES[::-1], ("read", "sent", "read", "delivered", "sent")])
def test_in_whatever_order_and_however_often_it_is_said_a_message_only_moves_up(
    office: Office, order: tuple[str, ...]
) -> None:
    id = sent(office)
    for status in order:
        says(office, status, id=id)
    assert office.fate(id) == ("read", None)
    assert sorted(kept(office)) == sorted((status, id) for status in set(order))


def test_without_our_number_the_networks_own_will_do(office: Office) -> None:
    id = sent(office)
    says(office, "delivered")
    assert office.fate(id) == ("delivered", None)


@pytest.mark.parametrize("theirs", ["nobody's", "of another channel", "what they wrote"])
def test_a_number_that_cannot_be_ours_is_not_believed(office: Office, theirs: str) -> None:
    id, other = sent(office), office.puts(office.meets("luca"), "hi")
    with office.found.reading() as store:
        written = next(one.id for one in store.messages.of(office.row(id).person_id) if one.direction == "in")
    wrong = {"nobody's": 999_999, "of another channel": other, "what they wrote": written}[theirs]
    says(office, "read", id=wrong)
    assert office.fate(id) == ("read", None) and office.fate(other)[0] == "pending"
    says(office, "delivered", number="nobody knows", id=wrong)
    assert kept(office) == [("read", id), ("delivered", None)]


def test_what_we_do_not_understand_is_kept_and_changes_nothing(office: Office) -> None:
    id = sent(office)
    says(office, "levitating", id=id)
    assert (office.fate(id), kept(office)) == (("sent", None), [("levitating", id)])


@pytest.mark.parametrize("knows", [True, False], ids=["with our number", "without"])
@pytest.mark.parametrize("order", [("sent", "delivered"), ("delivered", "sent")])
def test_it_may_be_said_before_the_network_has_answered_us(office: Office, knows: bool, order: tuple[str, str]) -> None:
    id = office.puts(office.meets("amina", "whatsapp"), "hello")
    claimed = office.takes("hello")
    assert office.delivery.begin(claimed) is not None
    for status in order:
        says(office, status, "SM1", id if knows else None)
    office.delivery.sent(claimed, "SM1")
    assert (office.fate(id), office.row(id).provider_id) == (("delivered", None), "SM1")
    assert {message for _status, message in kept(office)} == {id}


def test_nothing_is_kept_of_a_message_whose_person_is_deleted(office: Office) -> None:
    id = sent(office)
    with office.found.writing() as store:
        store.people.change(office.row(id).person_id, erased_at=office.now)
    says(office, "read", id=id)
    assert (office.fate(id)[0], kept(office)) == ("sent", [])


# ---- it did not arrive after all


def test_a_failure_is_final_and_a_person_hears_of_an_answer_that_never_came(office: Office) -> None:
    id = sent(office)
    says(office, "undelivered", id=id, trouble=DeliveryError("refused", "No."))
    says(office, "delivered", id=id)
    says(office, "failed", id=id, trouble=DeliveryError("refused", "No."))
    assert office.fate(id) == ("failed", "refused")
    with office.found.reading() as store:
        assert store.cases.open_reasons(office.row(id).person_id) == ["not_delivered"]


@pytest.mark.parametrize("state", ["delivered", "read"])
def test_what_has_arrived_does_not_fail_any_more(office: Office, state: str) -> None:
    id = sent(office)
    says(office, state, id=id)
    says(office, "failed", id=id, trouble=DeliveryError("refused", "No."))
    assert office.fate(id) == (state, None)


def test_what_may_be_tried_again_is_when_it_is_time_and_the_old_number_counts_no_more(office: Office) -> None:
    id = sent(office)
    away = DeliveryError("away", "A fault.", retry_in=timedelta(seconds=30))
    says(office, "failed", id=id, trouble=away)
    assert (office.fate(id), office.row(id).attempts, office.row(id).provider_id) == (("pending", "away"), 1, None)
    says(office, "sent", id=id)  # it comes late, and is of the try that failed
    assert office.fate(id) == ("pending", "away")
    office.later(timedelta(seconds=30))
    office.sends()
    assert (office.fate(id), office.row(id).provider_id) == (("sent", None), "number 2")
    says(office, "read", "number 1", id)
    assert office.fate(id) == ("sent", None)
    says(office, "delivered", "number 2", id)
    assert office.fate(id) == ("delivered", None)


def test_a_failure_before_the_network_has_answered_us_counts(office: Office) -> None:
    id = office.puts(office.meets("amina", "whatsapp"), "hello")
    claimed = office.takes("hello")
    office.delivery.begin(claimed)
    away = DeliveryError("away", "A fault.", retry_in=timedelta(seconds=30))
    says(office, "failed", "SM1", id, trouble=away)
    assert not office.delivery.sent(claimed, "SM1")
    assert office.fate(id) == ("pending", "away")


def test_a_failure_that_came_first_and_without_our_number_counts_as_well(office: Office) -> None:
    id = office.puts(office.meets("amina", "whatsapp"), "hello")
    claimed = office.takes("hello")
    office.delivery.begin(claimed)
    says(office, "failed", "SM1", trouble=DeliveryError("refused", "No."))
    office.delivery.sent(claimed, "SM1")
    assert office.fate(id) == ("failed", "refused")


def test_who_has_blocked_us_gets_nothing_more_also_if_we_hear_it_later(office: Office) -> None:
    id = sent(office)
    waits = office.puts(office.row(id).identity_id, "and then")
    says(office, "failed", id=id, trouble=DeliveryError("blocked", "Blocked.", blocked=True, elsewhere=True))
    assert (office.fate(id), office.fate(waits)) == (("failed", "blocked"), ("suppressed", "chat_blocked"))


# ---- nobody knows


def unsure(office: Office) -> int:
    id = office.puts(office.meets("amina", "whatsapp"), "hello")
    office.whatsapp.refuses("hello", UNSURE)
    office.sends()
    assert office.fate(id) == ("uncertain", "no_answer")
    return id


def test_the_network_is_not_asked_at_once(office: Office) -> None:
    id = unsure(office)
    office.later(UNTIL_ASKED - A_SECOND)
    assert (settles(office), office.whatsapp.asked, office.fate(id)[0]) == (0, [], "uncertain")


@pytest.mark.parametrize("status, state", [("queued", "sent"), ("delivered", "delivered")])
def test_a_receipt_proves_that_it_has_arrived(office: Office, status: str, state: str) -> None:
    id = unsure(office)
    says(office, status, "SM1", id)
    assert (office.fate(id), office.row(id).provider_id) == ((state, None), "SM1")
    office.later(UNTIL_ASKED)
    assert settles(office) == 0


def test_what_the_network_has_is_sent(office: Office) -> None:
    id = unsure(office)
    office.whatsapp.has = "SM1"
    office.later(UNTIL_ASKED)
    assert settles(office) == 1
    assert (office.fate(id), office.row(id).provider_id, office.row(id).retry_at) == (("sent", None), "SM1", None)


def test_what_the_network_does_not_have_is_sent_again_and_no_more_often_than_anything(office: Office) -> None:
    id = unsure(office)
    office.whatsapp.refuses("hello", UNSURE, times=9)
    for attempt in range(1, ATTEMPTS):
        office.later(UNTIL_ASKED)
        assert settles(office) == 1
        assert (office.fate(id)[0], office.row(id).attempts) == ("pending", attempt)
        office.sends()
        assert office.fate(id)[0] == "uncertain"
    office.later(UNTIL_ASKED)
    settles(office)
    assert office.fate(id) == ("failed", "no_answer")


def test_a_receipt_that_comes_while_it_waits_to_leave_again_wins(office: Office) -> None:
    id = unsure(office)
    office.later(UNTIL_ASKED)
    settles(office)
    says(office, "delivered", "SM1", id)
    office.sends()
    assert (office.fate(id), office.whatsapp.arrived) == (("delivered", None), [])


def test_where_the_network_is_away_it_is_asked_later(office: Office) -> None:
    id = unsure(office)
    office.whatsapp.has = DeliveryError("not_connected", "Away.", retry_in=A_SECOND)
    office.later(UNTIL_ASKED)
    assert (settles(office), settles(office), office.fate(id)[0]) == (0, 0, "uncertain")
    office.whatsapp.has = "SM1"
    office.later(UNTIL_ASKED)
    assert (settles(office), office.fate(id)[0]) == (1, "sent")


def test_the_number_of_another_message_proves_nothing(office: Office) -> None:
    amina = office.meets("amina", "whatsapp")
    one, two = office.puts(amina, "hello"), office.puts(amina, "hello again")
    office.whatsapp.refuses("hello again", UNSURE)
    office.sends()
    office.whatsapp.has = office.row(one).provider_id
    office.later(UNTIL_ASKED)
    settles(office)
    assert office.fate(two)[0] == "pending"


def test_what_a_dead_worker_was_sending_is_asked_about(office: Office) -> None:
    id = office.puts(office.meets("amina", "whatsapp"), "hello")
    assert office.delivery.begin(office.takes("hello")) is not None  # and the worker dies
    office.later(LEASE + A_SECOND)
    assert office.delivery.claim(Room(most=0)) == []
    assert office.fate(id) == ("uncertain", "worker_gone")
    office.later(UNTIL_ASKED)
    settles(office)
    office.sends()
    assert (office.fate(id), office.whatsapp.texts()) == (("sent", None), ["hello"])


# ---- how long it waits


def test_a_wait_grows_with_every_try_as_far_as_it_may() -> None:
    minutes, day = timedelta(minutes=2), timedelta(days=1)
    waits = [wait_before(again, minutes, day, ATTEMPTS) for again in range(1, 8)]
    assert waits == sorted(waits) and (waits[0], waits[ATTEMPTS - 2], waits[-1]) == (minutes, day, day)
    assert minutes < waits[1] < timedelta(hours=1) < waits[2] < day
    assert {wait_before(again, minutes, None, ATTEMPTS) for again in range(1, 8)} == {minutes}


def test_what_holds_for_the_whole_channel_stops_it_and_no_other(office: Office) -> None:
    first = office.puts(office.meets("amina", "whatsapp"), "one")
    full = DeliveryError("day_full", "No more today.", retry_in=timedelta(days=1), counts=False, for_all=True)
    office.whatsapp.refuses("one", full)

    async def scene() -> bool:
        await office.worker.run_once()
        return office.worker.buckets.is_paused("whatsapp") and not office.worker.buckets.is_paused("telegram")

    assert asyncio.run(scene())
    assert (office.fate(first), office.row(first).attempts) == (("pending", "day_full"), 0)
    assert office.row(first).retry_at == office.now + timedelta(days=1)


def test_two_who_bring_the_same_news_at_once_bring_it_once(office: Office) -> None:
    """Its message is theirs one after the other: what fails goes back to the outbox once."""
    id = sent(office)
    away = DeliveryError("away", "A fault.", retry_in=timedelta(seconds=30))

    async def both() -> None:
        one = Report("whatsapp", "number 1", "failed", id, trouble=away)
        other = Report("whatsapp", "number 1", "undelivered", id, trouble=away)
        await asyncio.gather(*(office.worker.learn(news) for news in (one, other, one)))

    asyncio.run(both())
    assert (office.fate(id), office.row(id).attempts) == (("pending", "away"), 1)
