# SPDX-License-Identifier: EUPL-1.2
"""On WhatsApp we write freely for a day after a person's last word; and what cannot go there goes elsewhere, once."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, timedelta

import pytest

from bot.contract import DeliveryError
from bot.jobs.contents import Registry
from handlers.desk import Desk, contents
from handlers.desk.changes import Changes
from handlers.desk.chats import MARGIN
from handlers.desk.handover import TOO_LATE, why_not
from handlers.desk.merging import Merging
from handlers.talk.limits import LIMITS
from handlers.talk.text import ROME
from storage import Store
from tests.jobs.office import A_SECOND, CATALOGUES, Office
from tests.jobs.test_delivery import Reminded
from tests.jobs.test_receipts import Asked, says
from tests.stage import Stage, perform, workshop_id

DAY = LIMITS["whatsapp"].window or timedelta(0)
WINDOW = DeliveryError("window", "Too late.", window_shut=True)
BLOCKED = DeliveryError("blocked", "Blocked.", blocked=True, elsewhere=True)


class Town:
    """Amina, who writes on WhatsApp and has a place; and the desk that reminds her of it."""

    def __init__(self, url: str, stage: Stage, office: Office) -> None:
        self.stage, self.office, self.reminded = stage, office, Reminded(stage, office)
        self.office.whatsapp = Asked()
        self.office.worker = office.another_worker()
        perform(stage, "Amina is registered, and wants reminders")
        self.phone = self.does(lambda store: store.people.identities(stage.person(store, "Amina").id)[0].id)
        self.does(lambda store: store.people.change_identity(self.phone, simulated=False))
        self.office.hears(self.phone)
        self.title = self.reminded.books(days=5)

    def does(self, act):  # type: ignore[no-untyped-def]
        return self.stage.with_store(act)

    def has_telegram(self, channel: str = "telegram", who: str = "7001") -> int:
        """She has another chat; it is not where she wrote last."""
        chat = self.office.meets(who, channel)

        def join(store: Store) -> None:
            store.people.change_identity(chat, person_id=self.stage.person(store, "Amina").id)

        self.does(join)
        return chat

    def approves(self, status: str = "approved") -> None:
        """WhatsApp has approved every template, or says something else of them."""

        def approve(store: Store) -> None:
            for number, form in enumerate(contents.plan(CATALOGUES)):
                contents.keep(store, form, f"HX{number:032d}", self.office.now)
                if form.category:
                    contents.set_status(store, f"HX{number:032d}", status, None, self.office.now)

        self.does(approve)

    def is_silent(self, long: timedelta = DAY) -> None:
        self.office.now = self.stage.now = self.office.now + long

    def is_reminded(self) -> int:
        return self.reminded.is_reminded(self.title)

    def calls(self) -> list[str]:
        return self.does(lambda store: store.cases.open_reasons(self.stage.person(store, "Amina").id))  # type: ignore[no-any-return]


@pytest.fixture
def town(town_url: str) -> Iterator[Town]:
    with closing(Stage(town_url, channel="whatsapp")) as stage, closing(Office(town_url)) as office:
        yield Town(town_url, stage, office)


@pytest.mark.parametrize(("silent", "fate"), [(-A_SECOND, ("sent", None)), (A_SECOND, ("pending", "window_shut"))])
def test_free_words_leave_until_ten_minutes_before_the_window_shuts(
    town: Town, silent: timedelta, fate: tuple[str, str | None]
) -> None:
    office = town.office
    reply = office.puts(town.phone, "an answer")
    office.now += DAY - MARGIN + silent
    office.sends()
    assert office.fate(reply) == fate


@pytest.mark.parametrize("shut", ["by our clock", "by the network"])
def test_who_of_the_desk_writes_too_late_is_told_so_at_once(town: Town, shut: str) -> None:
    """Else they would believe it has been read, and it waits."""

    def why_not_now(store: Store) -> object:
        return why_not(Desk(store, town.stage.person(store, "Amina"), town.office.now, CATALOGUES))

    assert town.does(why_not_now) is None
    if shut == "by our clock":
        town.office.now += DAY - MARGIN + A_SECOND
    else:
        town.does(lambda store: store.people.change_identity(town.phone, window_shut_at=town.office.now))
    assert town.does(why_not_now) == TOO_LATE


def test_outside_it_an_approved_template_leaves_and_the_row_says_what_it_says(town: Town) -> None:
    town.approves()
    town.is_silent()
    id = town.is_reminded()
    before = town.office.row(id)
    town.office.sends()
    (message,) = town.office.whatsapp.arrived
    assert message.form and message.form.is_template and message.not_after == before.not_after
    row = town.office.row(id)
    assert (row.state, row.text, len(row.options)) == ("sent", message.text, len(message.options))
    assert row.text != before.text and row.payload["in_full"]["text"] == before.text


def test_inside_it_choices_have_their_form_and_words_are_free(town: Town) -> None:
    town.approves()
    id = town.is_reminded()
    text = town.office.row(id).text
    town.office.sends()
    (message,) = town.office.whatsapp.arrived
    assert message.form and not message.form.is_template and message.text == text


def test_without_a_template_it_waits_and_leaves_when_they_write_and_a_person_knows_at_once(town: Town) -> None:
    town.is_silent()
    id, answer = town.is_reminded(), town.office.puts(town.phone, "an answer")
    town.office.sends()
    town.office.sends()
    assert town.office.fate(id) == town.office.fate(answer) == ("pending", "window_shut")
    assert town.calls() == ["not_delivered"] and town.office.whatsapp.arrived == []
    town.office.later(timedelta(hours=1))
    town.office.hears(town.phone)
    town.office.sends()
    assert town.office.fate(id) == town.office.fate(answer) == ("sent", None)


@dataclass(frozen=True)
class Said:
    status: str
    reason: str = ""


class Approves:
    """A network that has come to a decision."""

    async def approval(self, _sid: str) -> Said:
        return Said("approved")


def waits(town: Town) -> int:
    town.is_silent()
    id = town.is_reminded()
    town.office.sends()
    assert town.office.fate(id) == ("pending", "window_shut")
    return id


def test_what_waits_leaves_as_soon_as_its_template_is_approved(town: Town) -> None:
    town.approves("pending")
    id = waits(town)
    town.office.later(timedelta(hours=1))
    asyncio.run(Registry(town.office.found, town.office.clock, CATALOGUES, Approves()).refresh())  # type: ignore[arg-type]
    town.office.sends()
    assert town.office.fate(id) == ("sent", None)


@pytest.mark.parametrize("how", ["they are found to be one", "the other chat is opened again"])
def test_what_waits_leaves_elsewhere_as_soon_as_there_is_another_chat(town: Town, how: str) -> None:
    if how == "they are found to be one":
        id, chat = waits(town), town.office.meets("7001")
        town.does(lambda store: merges(town, store, chat))
    else:
        chat = town.has_telegram()
        town.does(lambda store: opens(town, store, chat, is_shut=True))
        id = waits(town)
        town.does(lambda store: opens(town, store, chat, is_shut=False))
    town.office.sends()
    assert town.office.fate(id) == ("superseded", "other_channel")
    assert town.office.fate(town.office.row(id).payload["went_as"]) == ("sent", None)


def opens(town: Town, store: Store, chat: int, *, is_shut: bool) -> None:
    desk = Desk(store, town.stage.person(store, "Amina"), town.office.now, CATALOGUES)
    desk.people.blocked(store.people.identity(chat), is_shut)


def merges(town: Town, store: Store, chat: int) -> None:
    amina, other = town.stage.person(store, "Amina"), store.people.identity(chat).person_id
    Merging(store, town.office.now, Desk(store, amina, town.office.now, CATALOGUES).of).merge(amina.id, other, {})


def test_what_has_waited_leaves_at_whatever_hour_they_write(town: Town) -> None:
    """By the morning, or after a Sunday, the window might be shut again."""
    id = waits(town)
    town.office.now = town.office.now.astimezone(ROME).replace(hour=23).astimezone(UTC)
    town.office.sends()
    assert town.office.whatsapp.arrived == []
    town.office.hears(town.phone)
    town.office.sends()
    assert town.office.fate(id) == ("sent", None)


@pytest.mark.parametrize("how", ["stop", "the chat is shut"])
def test_news_that_waits_is_on_the_call_list_once_whatever_happens_then(town: Town, how: str) -> None:
    town.is_silent()

    def moves(store: Store) -> None:
        found = store.workshops.get(workshop_id(store, town.title))
        assert found
        changes = Changes(store, town.office.now, CATALOGUES, actor="staff:1")
        changes.move(found.id, found.starts_at + timedelta(hours=3))

    town.does(moves)
    town.office.sends()
    assert town.calls() == ["not_delivered"]

    def happens(store: Store) -> None:
        desk = Desk(store, town.stage.person(store, "Amina"), town.office.now, CATALOGUES)
        desk.people.stop() if how == "stop" else desk.people.blocked(store.people.identity(town.phone), True)

    town.does(happens)
    assert town.calls() == ["not_delivered"]


def test_who_never_writes_misses_it_and_is_on_the_call_list_once(town: Town) -> None:
    town.is_silent()
    id = town.is_reminded()
    town.office.sends()

    def seen_to(store: Store) -> None:
        (case,) = store.cases.of(town.office.row(id).person_id)
        store.cases.close(case.id, None, town.office.now)  # type: ignore[arg-type]

    town.does(seen_to)
    town.office.now = town.office.row(id).not_after
    town.office.sends()
    assert town.office.fate(id) == ("missed", "too_late") and town.calls() == []


@pytest.mark.parametrize("how", ["at once", "later"])
@pytest.mark.parametrize("approved", [True, False])
def test_a_window_that_was_shut_is_known_and_the_message_leaves_once_as_a_template(
    town: Town, how: str, approved: bool
) -> None:
    """The network's clock decides: ours thought that there was time."""
    office = town.office
    if approved:
        town.approves()
    id = town.is_reminded()
    if how == "at once":
        office.whatsapp.refuses(office.row(id).text, WINDOW)
        office.sends()
    else:
        office.sends()
        says(office, "failed", id=id, trouble=WINDOW)
        office.sends()
    forms = [message.form.is_template for message in office.whatsapp.arrived if message.form]
    assert office.fate(id) == (("sent", None) if approved else ("pending", "window_shut"))
    assert forms[-1:] == ([True] if approved else [])
    assert town.does(lambda store: store.people.identity(town.phone)).window_shut_at == office.now


def test_a_template_that_finds_the_window_shut_is_not_sent_again_until_they_write(town: Town) -> None:
    town.approves()
    town.is_silent()
    id = town.is_reminded()
    town.office.sends()
    says(town.office, "failed", "number 1", id, trouble=WINDOW)
    town.office.sends()
    assert town.office.fate(id) == ("pending", "window_shut") and len(town.office.whatsapp.arrived) == 1
    town.office.later(timedelta(minutes=1))
    town.office.hears(town.phone)
    town.office.sends()
    first, second = town.office.whatsapp.arrived
    assert town.office.fate(id) == ("sent", None) and not (second.form and second.form.is_template)
    assert second.text != first.text


def test_a_form_that_is_not_accepted_is_sent_plainly_once(town: Town) -> None:
    town.approves()
    id = town.is_reminded()
    town.office.sends()
    for number in ("number 1", "number 2"):
        says(town.office, "failed", number, id, trouble=DeliveryError("content", "No.", plainer=True))
        town.office.sends()
    first, second = town.office.whatsapp.arrived
    assert first.form and not first.plain and second.plain and second.form is None
    assert town.office.fate(id) == ("failed", "content")


def test_a_template_that_is_switched_off_is_used_for_nobody_any_more(town: Town) -> None:
    town.approves()
    town.is_silent()
    id = town.is_reminded()
    off = DeliveryError("template", "Paused.", plainer=True, form_off=True)
    for number in range(1, 5):
        town.office.sends()
        says(town.office, "failed", f"number {number}", id, trouble=off)
    town.office.sends()
    sids = [message.form.sid for message in town.office.whatsapp.arrived if message.form]
    assert len(sids) == len(set(sids)) == 2  # in Italian, then in English
    assert town.office.fate(id) == ("pending", "window_shut")


# ---- to another chat


def copies(town: Town) -> list[tuple[str, str, str | None]]:
    return [(row.channel, row.state, row.reason) for row in town.office.moments()]


@pytest.mark.parametrize("how", ["shut window", "blocked", "blocked, said later", "elsewhere", "blocked meanwhile"])
def test_what_cannot_arrive_in_one_chat_goes_to_the_other_once(town: Town, how: str) -> None:
    office, other = town.office, town.has_telegram()
    if how == "shut window":
        town.is_silent()
    id = town.is_reminded()
    trouble = DeliveryError("not_wanted", "No.", elsewhere=True) if how == "elsewhere" else BLOCKED
    if how in ("blocked", "elsewhere"):
        office.whatsapp.refuses(office.row(id).text, trouble)
    if how == "blocked meanwhile":
        town.does(lambda store: shut(town, store))
    office.sends()
    if how == "blocked, said later":
        says(office, "failed", id=id, trouble=trouble)
        says(office, "undelivered", id=id, trouble=trouble)
    office.sends()
    office.sends()
    assert copies(town) == [("whatsapp", "superseded", "other_channel"), ("telegram", "sent", None)]
    first, second = office.moments()
    assert (second.identity_id, second.dedupe_key) == (other, f"{first.dedupe_key}:on:{other}")
    assert first.payload["went_as"] == second.id
    assert (second.options, second.not_after, second.subject) == (first.options, first.not_after, first.subject)
    assert town.calls() == []


def shut(town: Town, store: Store) -> None:
    town.reminded.desk(store).people.blocked(store.people.identity(town.phone), True)


def test_it_comes_back_to_no_chat_that_it_has_been_in(town: Town) -> None:
    town.has_telegram()
    id = town.is_reminded()
    no = DeliveryError("refused", "No.", elsewhere=True)
    for phone in (town.office.whatsapp, town.office.telegram):
        phone.refuses(town.office.row(id).text, no, times=9)
    for _again in range(3):
        town.office.sends()
    assert copies(town) == [("whatsapp", "superseded", "other_channel"), ("telegram", "failed", "refused")]
    assert town.calls() == ["not_delivered"]


@pytest.mark.parametrize("why", ["stop", "shut", "simulated", "an answer"])
def test_it_does_not_go_where_nobody_wants_it(town: Town, why: str) -> None:
    office, other = town.office, town.has_telegram()
    id = office.puts(town.phone, "an answer") if why == "an answer" else town.is_reminded()

    def happens(store: Store) -> None:
        if why == "stop":
            store.people.stop(office.row(id).person_id, "all", identity_id=other, message_id=None, now=office.now)
        elif why != "an answer":
            change = {"simulated": True} if why == "simulated" else {"blocked_at": office.now}
            store.people.change_identity(other, **change)

    town.does(happens)
    office.whatsapp.refuses(office.row(id).text, BLOCKED)
    office.sends()
    assert office.fate(id) == ("failed", "blocked") and office.telegram.arrived == []


def test_who_stops_meanwhile_gets_it_in_no_chat(town: Town) -> None:
    town.has_telegram()
    town.is_reminded()
    (claimed,) = town.office.delivery.claim()
    town.office.delivery.elsewhere(claimed, "refused")
    town.does(lambda store: town.reminded.desk(store).people.stop())
    town.office.sends()
    assert [state for _channel, state, _reason in copies(town)] == ["superseded", "suppressed"]


def test_from_telegram_it_goes_to_whatsapp_as_a_template_where_the_window_is_shut(town: Town) -> None:
    office = town.office
    town.approves()
    town.is_silent()
    other = town.has_telegram()
    town.does(lambda store: store.people.change_identity(town.phone, blocked_at=office.now))
    id = town.is_reminded()
    assert office.row(id).identity_id == other
    town.does(lambda store: store.people.change_identity(town.phone, blocked_at=None))
    office.telegram.refuses(office.row(id).text, DeliveryError("blocked", "Blocked.", blocked=True))
    office.sends()
    office.sends()
    assert copies(town) == [("telegram", "superseded", "other_channel"), ("whatsapp", "sent", None)]
    assert office.whatsapp.arrived[0].form.is_template  # type: ignore[union-attr]


def test_what_waits_to_leave_for_a_chat_that_is_shut_moves_and_answers_do_not(town: Town) -> None:
    town.has_telegram()
    town.is_reminded()
    answer = town.office.puts(town.phone, "an answer", due_at=town.office.now + timedelta(hours=1))
    town.does(lambda store: shut(town, store))
    assert copies(town) == [("whatsapp", "superseded", "other_channel"), ("telegram", "pending", None)]
    assert town.office.fate(answer) == ("suppressed", "chat_blocked")


# ---- simulated chats


@pytest.mark.parametrize("kind", ["push", "answer"])
def test_a_simulated_phone_has_no_network_that_minds(town: Town, kind: str) -> None:
    town.does(lambda store: store.people.change_identity(town.phone, simulated=True))
    town.is_silent()
    id = town.is_reminded() if kind == "push" else town.office.puts(town.phone, "an answer")
    town.office.sends()
    (message,) = town.office.telegram.arrived  # all that is simulated goes to one place
    assert message.form is None and town.office.fate(id) == ("sent", None)
