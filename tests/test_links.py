# SPDX-License-Identifier: EUPL-1.2
"""Two chats of one person: joined by a code, or because WhatsApp calls one chat by two names; and parted again."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.clock import Clock
from bot.main import Sportello, build
from bot.settings import Settings
from handlers.desk import Desk
from handlers.desk.handover import chat_to_write_in, why_not
from handlers.desk.links import LIVES_FOR, SIGNS, code_in, is_surely_one
from handlers.talk import Address, Incoming, Tap
from storage.messages import Message
from storage.people import Identity
from storage.tables import audit, identities, merges, messages, people
from tests.database import MONDAY, Databases
from tests.jobs.office import CATALOGUES

NUMBER, ID = "whatsapp:+393331234567", "whatsapp:IT.13491208655302741918"
OTHER_ID = "whatsapp:IT.99991208655302741918"
A_MINUTE = timedelta(minutes=1)


class House:
    """A desk that people reach on both networks; nothing leaves it."""

    def __init__(self, url: str) -> None:
        self.now, self.numbers = MONDAY, itertools.count(1)
        self.desk: Sportello = build(Settings(database_url=url), Clock(real=lambda: self.now), transports={})

    def hear(self, name: str, text: str = "ciao", *, alias: str | None = None, **more: Any) -> Message:
        """Somebody writes; what they wrote, as it is kept."""
        channel = "whatsapp" if name.startswith("whatsapp") else "telegram"
        number, at = f"m{next(self.numbers)}", more.pop("at", self.now)
        heard = Incoming(Address(channel, name), number, at, number, text=text, alias=alias, **more)
        self.desk.engine.hear([heard])
        with self.desk.storage.reading() as store:
            row = store.messages.by_update(channel, number)
            assert row
            return row

    def answers(self, message: Message) -> list[str]:
        with self.desk.storage.reading() as store:
            rows = store.messages.of(message.person_id)
        return [one.text for one in rows if one.direction == "out" and one.id > message.id]

    def chats(self) -> list[Identity]:
        with self.desk.storage.reading() as store:
            ids = [row[0] for row in store.read(select(identities.c.id).order_by(identities.c.id))]
            return [store.people.identity(id) for id in ids]

    def met(self) -> int:
        with self.desk.storage.reading() as store:
            return int(store.read(select(func.count()).where(people.c.merged_into.is_(None)))[0][0])

    def change(self, person_id: int, **values: Any) -> None:
        with self.desk.storage.writing() as store:
            store.people.change(person_id, **values)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def house(request: pytest.FixtureRequest, databases: Databases) -> Iterator[House]:
    with databases.town(request.param) as url:
        house = House(url)
        yield house
        house.desk.close()


# ---- one chat, two names


def test_a_chat_is_known_by_either_of_its_names(house: House) -> None:
    first = house.hear(NUMBER, alias=ID)
    again = [house.hear(ID), house.hear(NUMBER), house.hear(ID, alias=NUMBER)]
    assert {one.identity_id for one in [first, *again]} == {first.identity_id}
    assert [(one.address, one.alias) for one in house.chats()] == [(ID, NUMBER)]  # as they were called last


def test_a_name_that_is_shown_later_is_learnt(house: House) -> None:
    first = house.hear(ID)
    house.hear(NUMBER, alias=ID)
    assert [(one.address, one.alias, one.person_id) for one in house.chats()] == [(NUMBER, ID, first.person_id)]


def test_whom_we_took_for_two_is_one_when_a_message_carries_both_names(house: House) -> None:
    by_number, by_id = house.hear(NUMBER), house.hear(ID)
    assert by_number.person_id != by_id.person_id
    house.change(by_id.person_id, first_name="Amina", registered_at=house.now)
    both = house.hear(NUMBER, "i miei dati", alias=ID)
    assert (both.person_id, both.identity_id) == (by_id.person_id, by_id.identity_id), "who is registered stays"
    assert [(one.address, one.alias) for one in house.chats()] == [(NUMBER, ID)]
    assert "Amina" in "\n".join(house.answers(both))
    with house.desk.storage.reading() as store:
        assert {one.identity_id for one in store.messages.of(by_id.person_id)} == {by_id.identity_id}
        assert store.merges.of(by_id.person_id)[0].moved == {}, "and for good"
        noted = store.read(select(audit.c.subject).where(audit.c.action == "merged").order_by(audit.c.subject))
        assert {row[0] for row in noted} == {f"person:{one.person_id}" for one in (by_number, by_id)}


def test_the_question_on_the_screen_can_still_be_answered(house: House) -> None:
    house.hear(NUMBER)
    house.now += A_MINUTE
    house.hear(ID, "mi iscrivo")
    with house.desk.storage.reading() as store:
        asked = store.dialogues.get(house.hear(ID, "help").person_id).question_id
    assert asked
    house.now += A_MINUTE
    both = house.hear(NUMBER, "1988", alias=ID)
    with house.desk.storage.reading() as store:
        dialogue = store.dialogues.get(both.person_id)
    assert (dialogue.conversation, dialogue.draft.get("birth_year")) == ("registration", 1988)


def test_while_the_desk_writes_to_one_of_them_they_stay_two_and_are_heard(house: House) -> None:
    by_number, by_id = house.hear(NUMBER), house.hear(ID)
    with house.desk.storage.writing() as store:
        later = house.now + timedelta(hours=1)
        store.dialogues.change(by_id.person_id, taken_by=staff(store), taken_at=house.now, taken_until=later)
    heard = house.hear(NUMBER, "ci sono", alias=ID)
    assert heard.person_id == by_number.person_id and house.met() == 2
    with house.desk.storage.writing() as store:
        store.dialogues.change(by_id.person_id, taken_by=None, taken_at=None, taken_until=None)
    house.hear(NUMBER, alias=ID)
    assert house.met() == 1


def staff(store: Any) -> int:
    known = {"name": "Olga", "email": "olga@example.org", "role": "operator", "language": "it"}
    return int(store.staff.add(**known, languages=["it"]))


def test_a_number_that_goes_to_somebody_else_opens_nothing_of_the_one_who_had_it(house: House) -> None:
    first = house.hear(NUMBER, alias=ID)
    house.change(first.person_id, first_name="Amina", registered_at=house.now)
    other = house.hear(NUMBER, "i miei dati", alias=OTHER_ID)
    assert other.person_id != first.person_id
    assert "Amina" not in "\n".join(house.answers(other))
    assert {(one.address, one.alias) for one in house.chats()} == {(ID, None), (NUMBER, OTHER_ID)}
    assert house.hear(ID).person_id == first.person_id


def test_two_first_messages_under_two_names_at_once_meet_one_person(house: House) -> None:
    for round in range(6):
        number, id = f"whatsapp:+3933300000{round}", f"whatsapp:IT.{round}AB"
        with ThreadPoolExecutor(3) as pool:
            jobs = [(number, id), (id, number), (number, id)]
            list(pool.map(lambda names: house.hear(names[0], alias=names[1]), jobs))
        assert house.met() == round + 1
    assert len(house.chats()) == 6


# ---- what is heard late


def test_what_is_heard_late_answers_no_newer_question_and_is_said_once(house: House) -> None:
    early = house.now
    house.now += 20 * A_MINUTE
    house.hear(NUMBER, "mi iscrivo")
    late = [house.hear(NUMBER, words, late=True, at=early + second(n)) for n, words in enumerate(("sì", "domani"))]
    assert [(one.at, one.reason) for one in late] == [(early, "overtaken"), (early + second(1), "overtaken")]
    said = [text for text in house.answers(late[0]) if "«sì»" in text or "«domani»" in text]
    assert len(said) == 1
    now = house.hear(NUMBER, "1988")
    with house.desk.storage.reading() as store:
        assert store.dialogues.get(now.person_id).draft.get("birth_year") == 1988


def second(n: int) -> timedelta:
    return timedelta(seconds=n)


def test_what_nobody_overtook_is_an_ordinary_turn(house: House) -> None:
    late = house.hear(NUMBER, "mi iscrivo", late=True, at=house.now - 9 * A_MINUTE)
    assert late.reason is None and house.answers(late)


@pytest.mark.parametrize(
    ("words", "then"), [("stop", "stopped"), ("persona", "waiting"), ("aiuto voglio morire", "cry")]
)
def test_words_that_always_work_do_so_late_as_well(house: House, words: str, then: str) -> None:
    early = house.now
    house.now += 20 * A_MINUTE
    house.hear(NUMBER, "mi iscrivo")
    late = house.hear(NUMBER, words, late=True, at=early)
    with house.desk.storage.reading() as store:
        open_now = {"stopped": bool(store.people.get(late.person_id).stopped_at)}
        reasons = store.cases.open_reasons(late.person_id)
    open_now |= {"waiting": "asked" in reasons, "cry": "urgent" in reasons}
    assert open_now[then]


def test_who_has_said_stop_since_gets_no_answer_to_what_they_wrote_before(house: House) -> None:
    early = house.now
    house.now += 20 * A_MINUTE
    house.hear(NUMBER, "stop")
    late = house.hear(NUMBER, "persona", late=True, at=early)
    assert house.answers(late) == []


def test_what_was_written_after_a_stop_is_answered_though_both_are_heard_late(house: House) -> None:
    early = house.now
    house.hear(NUMBER)
    house.now += 20 * A_MINUTE
    house.hear(NUMBER, "stop", late=True, at=early + A_MINUTE)
    assert house.answers(house.hear(NUMBER, "menu", late=True, at=early + 2 * A_MINUTE))


# ---- a button that says only which one it was


def test_a_button_of_a_template_answers_the_message_that_showed_it(house: House) -> None:
    heard = house.hear(NUMBER)
    with house.desk.storage.writing() as store:
        shown = next(one for one in store.messages.of(heard.person_id) if one.options)
        store.messages.change(shown.id, state="sent", provider_id="MMshown")
    tapped = house.hear(NUMBER, "", kind="tap", payload={"shown": "MMshown", "choice": 0})
    assert (tapped.payload or {})["tap"] == Tap(shown.id, 0).token()
    lost = house.hear(NUMBER, "", kind="tap", payload={"shown": "MMnever", "choice": 0})
    assert "un messaggio di prima" in house.answers(lost)[0]


# ---- codes


def test_a_code_is_read_however_it_is_written_and_words_are_no_code() -> None:
    for written in ("K7FM-2QPX", "k7fm2qpx", " K7FM 2QPX ", "K7FM – 2QPX"):
        assert code_in(written) == "K7FM2QPX"
    for words in ("COLLEGNO", "Anna Mari", "12345678", "K7FM-2QP", "K7FM-2QPXX", "ciao"):
        assert code_in(words) in (None, "12345678") and (words == "12345678" or code_in(words) is None)
    assert is_surely_one("K7FM-2QP0"), "who takes a letter for another is told that the code is not known"
    assert is_surely_one("K7FM-2QPX") and not is_surely_one("k7fm2qpx")
    assert not set("0O1IL") & set(SIGNS)


def code_of(house: House, name: str) -> str:
    house.hear(name, "le mie chat")
    heard = house.hear(name, "1")
    return next(text for text in house.answers(heard) if code_in(text))


def test_a_code_joins_two_real_chats_and_pushes_go_where_they_wrote_last(house: House) -> None:
    there, here = house.hear("7001"), house.hear(NUMBER)
    code = code_of(house, "7001")
    house.hear(NUMBER, code.lower())
    house.hear(NUMBER, "1")
    assert house.met() == 1
    with house.desk.storage.reading() as store:
        chat = store.people.reachable(there.person_id)
        assert chat and chat.id == here.identity_id
    assert house.hear("7001", "le mie chat").person_id == house.hear(NUMBER, "menu").person_id


def test_a_code_lives_for_a_quarter_of_an_hour_and_the_newest_one_counts(house: House) -> None:
    house.hear(NUMBER)
    first, second_one = code_of(house, "7001"), code_of(house, "7001")
    assert first != second_one
    for code, wait in ((first, timedelta(0)), (second_one, LIVES_FOR)):
        house.now += wait
        heard = house.hear(NUMBER, code)
        assert "Non conosco questo codice" in "\n".join(house.answers(heard))
    assert house.met() == 2


def test_a_simulated_phone_is_never_joined_to_a_real_one(house: House) -> None:
    code = code_of(house, "7001")
    heard = Incoming(Address("whatsapp", "sim:me", simulated=True), "s1", house.now, "s1", text=code)
    house.desk.engine.hear([heard])
    with house.desk.storage.reading() as store:
        row = store.messages.by_update("whatsapp", "s1")
    assert row and "Non conosco questo codice" in "\n".join(house.answers(row))


def test_two_who_write_the_same_code_at_once_do_not_both_join(house: House) -> None:
    names = [f"whatsapp:+3933300000{number}" for number in range(4)]
    for name in names:
        house.hear(name)
    code = code_of(house, "7001")
    for name in names:
        house.hear(name, code)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: house.hear(name, "1"), names))
    assert house.met() == len(names)
    with house.desk.storage.reading() as store:
        assert store.read(select(func.count()).select_from(merges))[0][0] == 1
        assert not store.read(select(messages.c.id).where(messages.c.state == "failed"))


def test_what_was_joined_can_be_separated_for_thirty_days(house: House) -> None:
    there, here = house.hear("7001"), house.hear(NUMBER)
    code = code_of(house, "7001")
    house.hear(NUMBER, code)
    house.hear(NUMBER, "1")
    house.hear(NUMBER, "le mie chat")
    house.hear(NUMBER, "2")
    house.hear(NUMBER, "1")
    assert house.met() == 2
    assert house.hear(NUMBER).person_id == here.person_id and house.hear("7001").person_id == there.person_id
    house.hear(NUMBER, code_of(house, "7001"))
    house.hear(NUMBER, "1")
    assert house.met() == 1
    house.now += timedelta(days=31)
    house.hear(NUMBER, "le mie chat")
    heard = house.hear(NUMBER, "2")
    with house.desk.storage.reading() as store:
        assert "asked" in store.cases.open_reasons(heard.person_id) and house.met() == 1


def test_the_desk_writes_in_the_chat_in_which_it_may(house: House) -> None:
    house.hear("7001")
    house.hear(NUMBER)
    code = code_of(house, "7001")
    house.hear(NUMBER, code)
    last = house.hear(NUMBER, "1")
    for hours, channel in ((1, "whatsapp"), (25, "telegram")):
        house.now += timedelta(hours=hours)
        with house.desk.storage.writing() as store:
            desk = Desk(
                store, store.people.get(store.people.identity(last.identity_id).person_id), house.now, CATALOGUES
            )
            chat = chat_to_write_in(desk)
            assert why_not(desk) is None and chat and chat.channel == channel
