# SPDX-License-Identifier: EUPL-1.2
"""People with several chats, where something happens at the same moment, or in an order nobody expects."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import event, func, select

from bot.verify import verify
from handlers.desk import Desk
from handlers.desk.links import NOT_NOW
from storage.tables import attachments, messages
from tests.database import Databases
from tests.stage_handover import member
from tests.test_links import A_MINUTE, ID, NUMBER, House, code_of

TELEGRAM, OTHER_NUMBER = "7001", "whatsapp:+393337654321"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def house(request: pytest.FixtureRequest, databases: Databases) -> Iterator[House]:
    with databases.town(request.param) as url:
        house = House(url)
        yield house
        assert broken(house) == []
        house.desk.close()


def broken(house: House) -> list[tuple[str, list[int]]]:
    found = verify(house.desk.storage, house.desk.engine.clock)  # type: ignore[arg-type]
    return [(one.invariant.name, one.ids) for one in found if one.ids]


def all_shown(house: House) -> None:
    """As if everything had reached the phones by now."""
    with house.desk.storage.writing() as store:
        rows = store.read(select(messages.c.id).where(messages.c.direction == "out", messages.c.state == "pending"))
        for row in rows:
            store.messages.change(row.id, state="sent", sent_at=house.now, provider_id=f"SM{row.id}")


def joined(house: House, shows: str, writes: str) -> int:
    """Two chats become one person's; who that is."""
    house.hear(writes)
    house.hear(writes, code_of(house, shows))
    return house.hear(writes, "sì").person_id and house.hear(writes, "menu").person_id


def taken_over(house: House, person: int) -> None:
    with house.desk.storage.writing() as store:
        desk = Desk(store, store.people.get(person), house.now, house.desk.engine.play.catalogues)
        desk.handover.take(member(store, "Olga"), "Olga")


def at_once(*acts: Callable[[], Any]) -> None:
    with ThreadPoolExecutor(len(acts)) as pool:
        for one in [pool.submit(act) for act in acts]:
            one.result(60)


# ---- one chat, two names


def test_a_chat_that_we_know_by_its_number_learns_the_id_that_comes_with_it_later(house: House) -> None:
    known = [house.hear(NUMBER), house.hear(NUMBER, alias=ID), house.hear(ID)]
    assert len({one.identity_id for one in known}) == 1 and house.met() == 1


def test_files_and_stops_go_with_the_chat(house: House) -> None:
    first, second = house.hear(NUMBER), house.hear(ID)
    file = {"file_id": "https://example.org/cv", "mime_type": "application/pdf", "name": "cv.pdf", "size": 900}
    house.hear(ID, "", kind="document", payload=file)
    house.hear(ID, "", kind="blocked")
    house.hear(NUMBER, alias=ID)
    with house.desk.storage.reading() as store:
        assert {one.identity_id for one in store.people.stops(first.person_id)} <= {first.identity_id, None}
        assert store.read(select(func.count()).where(attachments.c.person_id == first.person_id))[0][0] == 1
        assert store.people.reachable(first.person_id) is not None, "who writes has opened the chat again"
    assert second.identity_id not in {chat.id for chat in house.chats()}


def test_while_two_become_one_nothing_that_they_write_is_lost(house: House) -> None:
    for name in (NUMBER, ID, TELEGRAM):
        house.hear(name)

    def writes(name: str, alias: str | None = None) -> Callable[[], Any]:
        return lambda: [house.hear(name, alias=alias) for _time in range(5)]

    at_once(writes(NUMBER), writes(ID), writes(NUMBER, ID), writes(TELEGRAM))
    with house.desk.storage.reading() as store:
        heard = messages.c.direction == "in", messages.c.state == "handled"
        assert store.read(select(func.count()).where(*heard))[0][0] == 23
    assert house.met() == 2


def test_on_telegram_nobody_is_looked_for_by_another_name(house: House) -> None:
    house.hear(TELEGRAM)
    with house.desk.storage.writing() as store:
        engine = store.connection.engine
    said: list[str] = []

    def note(_connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    house.hear(TELEGRAM, "menu", alias=NUMBER)
    house.hear(NUMBER)
    event.remove(engine, "before_cursor_execute", note)
    looks = [one for one in said if "identities.alias IN" in one]
    assert len(looks) == 1, "WhatsApp alone does"


def test_chats_that_a_code_has_joined_and_whatsapp_calls_one_stay_one(house: House) -> None:
    person = house.hear(NUMBER).person_id
    house.change(person, first_name="Amina", registered_at=house.now)
    assert joined(house, NUMBER, ID) == person and len(house.chats()) == 2
    house.hear(NUMBER, alias=ID)
    assert len(house.chats()) == 1
    said = house.answers(house.hear(NUMBER, "le mie chat"))
    assert any("WhatsApp" in one for one in said) and not any("Separa" in one for one in said)


def test_a_push_that_is_written_while_two_chats_become_one_goes_with_them(house: House) -> None:
    person = house.hear(NUMBER).person_id
    house.change(person, first_name="Amina", registered_at=house.now)
    joined(house, NUMBER, ID)
    goes = next(chat for chat in house.chats() if chat.address == ID)
    push: dict[str, Any] = {"kind": "moment", "priority": 1, "text": "ciao", "at": house.now, "due_at": house.now}
    unites = Thread(target=house.hear, args=(NUMBER,), kwargs={"alias": ID})
    with house.desk.storage.writing() as store:
        id = store.messages.put_out(person_id=person, identity_id=goes.id, channel=goes.channel, **push)
        unites.start()
        unites.join(0.5)  # it waits for what is written here
    unites.join(30)
    (left,) = house.chats()
    with house.desk.storage.reading() as store:
        found = store.messages.get(id or 0)
    assert found and found.identity_id == left.id


# ---- two chats


def test_those_who_write_one_another_s_codes_at_once_are_one(house: House) -> None:
    house.hear(TELEGRAM)
    house.hear(NUMBER)
    codes = code_of(house, TELEGRAM), code_of(house, NUMBER)
    house.hear(NUMBER, codes[0])
    house.hear(TELEGRAM, codes[1])
    at_once(lambda: house.hear(NUMBER, "sì"), lambda: house.hear(TELEGRAM, "sì"))
    assert house.met() == 1


def test_a_code_that_runs_out_before_the_yes_joins_nothing(house: House) -> None:
    house.hear(NUMBER)
    house.hear(NUMBER, code_of(house, TELEGRAM))
    house.now += 16 * A_MINUTE
    house.hear(NUMBER, "sì")
    assert house.met() == 2


def test_a_number_with_a_dash_is_no_code(house: House) -> None:
    house.hear(TELEGRAM)
    assert not any("codice" in one for one in house.answers(house.hear(TELEGRAM, "2345-6789")))


def test_while_the_desk_writes_with_one_of_them_the_other_is_asked_to_wait_in_plain_words(house: House) -> None:
    there = house.hear(TELEGRAM)
    house.hear(NUMBER)
    house.hear(NUMBER, code_of(house, TELEGRAM))
    taken_over(house, there.person_id)
    said = "\n".join(house.answers(house.hear(NUMBER, "sì")))
    assert NOT_NOW.render(house.desk.engine.play.catalogues.reader("it")) in said and house.met() == 2


def test_opening_a_chat_again_is_no_word_in_it(house: House) -> None:
    person = joined(house, TELEGRAM, NUMBER)
    house.hear(TELEGRAM, "", kind="blocked")
    house.hear(TELEGRAM, "", kind="unblocked")
    with house.desk.storage.reading() as store:
        chat = store.people.reachable(person)
    assert chat and chat.address == NUMBER


# ---- what is heard late, and buttons of somebody else's


def test_what_is_heard_late_does_not_break_the_silence_while_the_desk_writes(house: House) -> None:
    early, somebody = house.now, house.hear(NUMBER).person_id
    house.now += 20 * A_MINUTE
    house.hear(NUMBER, "i miei dati")
    taken_over(house, somebody)
    assert house.answers(house.hear(NUMBER, "e il mio posto?", late=True, at=early + A_MINUTE)) == []


def test_what_is_heard_late_is_kept_as_of_then_and_the_desk_sees_it_now(house: House) -> None:
    written = house.now
    house.now += timedelta(hours=2)
    late = house.hear(NUMBER, late=True, at=written)
    with house.desk.storage.reading() as store:
        assert (late.at, store.dialogues.get(late.person_id).heard_at) == (written, house.now)


def test_a_button_of_somebody_else_s_template_answers_nothing(house: House) -> None:
    theirs = house.hear(OTHER_NUMBER, "i miei dati")
    all_shown(house)
    with house.desk.storage.reading() as store:
        asked = store.messages.get(store.dialogues.get(theirs.person_id).question_id or 0)
    assert asked
    house.hear(NUMBER)
    touched = house.hear(NUMBER, "", kind="tap", payload={"shown": asked.provider_id, "choice": 0})
    assert "un messaggio di prima" in house.answers(touched)[0]
    with house.desk.storage.reading() as store:
        assert store.dialogues.get(theirs.person_id).question_id == asked.id
