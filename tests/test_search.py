# SPDX-License-Identifier: EUPL-1.2
"""The search in the log finds what was said, and nothing that is not to be found."""

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, insert, select, text, update

import storage
from bot.jobs import JOBS
from bot.main import build
from bot.settings import Settings
from handlers.desk.searching import keep_up
from storage import Storage, Store
from storage import search as searching
from storage.folding import LONGEST, places, words
from storage.folding import found as found_in
from storage.search import Hit
from storage.tables import comuni, enrolments, message_words, messages, unions
from storage.tables.search import FTS
from tests.database import MONDAY, Databases


@pytest.fixture
def found(storage_url: str) -> Iterator[Storage]:
    with closing(storage.open(storage_url)) as found:
        yield found


@pytest.fixture
def town(town_url: str) -> Iterator[Storage]:
    with closing(storage.open(town_url)) as found:
        yield found


def meet(store: Store, who: str, channel: str = "telegram") -> int:
    identity, _ = store.people.meet(channel, who, simulated=True, language="it", release="1", now=MONDAY)
    return identity.person_id


def say(store: Store, who: str, *texts: str, **values: Any) -> list[int]:
    """Somebody writes this, or with other values, is written this; a minute later each. Returns the numbers."""
    channel = values.get("channel", "telegram")
    person = meet(store, who, channel)
    identity = next(one for one in store.people.identities(person) if one.channel == channel)
    said = []
    for words_of_theirs in texts:
        last = store.messages.newest()
        row = {
            "direction": "in",
            "kind": "text",
            "state": "handled",
            "at": MONDAY + timedelta(minutes=last),
            "attempts": 0,
        }
        row |= {"person_id": person, "identity_id": identity.id, "channel": channel, "text": words_of_theirs} | values
        said += store.write(insert(messages).values(row).returning(messages.c.id)).scalars()
    return said


def told(found: Storage, who: str, *texts: str, **values: Any) -> list[int]:
    """The same, and the search has kept up."""
    with found.writing() as store:
        ids = say(store, who, *texts, **values)
    keep(found)
    return ids


def keep(found: Storage) -> None:
    while keep_up(found):
        pass


def hits(found: Storage, sought: str, **filters: Any) -> list[Hit]:
    with found.reading() as store:
        return store.search.messages(sought, **filters)


def ids(found: Storage, sought: str, **filters: Any) -> list[int]:
    return [hit.message_id for hit in hits(found, sought, **filters)]


def marked(hit: Hit) -> list[str]:
    return [hit.text[start:end] for start, end in hit.spans]


def change(found: Storage, id: int, **values: Any) -> None:
    with found.writing() as store:
        store.messages.change(id, **values)


# ---- words


def test_words_are_found_whatever_their_capitals_and_accents_and_marked_as_they_were_written(found: Storage) -> None:
    (id,) = told(found, "amina", "PERCHÉ l’Università è chiusa? Perche\u0301 sì, perche' no.")
    for sought in ("perche", "Perché", "PERCHE\u0301"):
        assert ids(found, sought) == [id]
    assert marked(hits(found, "perché")[0]) == ["PERCHÉ", "Perche\u0301", "perche"]
    assert marked(hits(found, "universita l'")[0]) == ["l", "Università"]
    assert hits(found, "perché domani") == []


def test_the_alphabets_of_those_who_write_to_us_are_words_as_well(found: Storage) -> None:
    texts = ["Де мені шукати роботу?", "أبحث عن عَمَل", "মনে আমি কাজ খুঁজছি", "ਮੈਂ ਕੰਮ ਲੱਭ ਰਿਹਾ ਹਾਂ", "我想找工作", "Straße 5"]
    said = told(found, "amina", *texts)
    sought = ["РОБОТУ", "عمل", "কাজ", "ਕੰਮ", "我想找工作", "STRASSE 5"]
    assert [ids(found, one) for one in sought] == [[id] for id in said]
    assert marked(hits(found, "عمل")[0]) == ["عَمَل"]


def test_places_are_those_of_the_same_words() -> None:
    """What the index has and what is marked are folded on two ways; they must meet."""
    chance = random.Random(5)
    signs = "aB3_-'’ .\n\tÀèıİßﬁ½①e\u0301\u0327\u00ad\u200d\u093f\u0915\u094d한글ーｶﾞ😀🇮🇹Ωс漢\U000e0041²"
    for _time in range(2000):
        said = "".join(chance.choices(signs, k=chance.randrange(1, 30)))
        assert [word for word, _start, _end in places(said)] == words(said)
        for word, start, end in places(said):
            assert word in words(said[start:end]), (said, word)
            assert (1, start, end) in list(found_in(said, (word,), False)), (said, word)
    assert words("x" * 100) == ["x" * LONGEST]


@pytest.mark.parametrize("sought", ["", "  ", "?!…", "*", '"', "'", "😀", "-", "\x00", "()", "%"])
def test_who_types_no_word_finds_nothing(found: Storage, sought: str) -> None:
    told(found, "amina", "ciao 😀", "100 %?!")
    assert hits(found, sought) == []


@pytest.mark.parametrize(
    "sought",
    [
        "ciao OR casa",
        "NOT ciao",
        "cia*",
        '"ciao"',
        "ciao' & 'x",
        "words:ciao",
        "NEAR(ciao)",
        "^ciao",
        "ciao:*",
        "@1",
        "@in",
    ],
)
def test_what_people_type_is_never_a_query(found: Storage, sought: str) -> None:
    """Signs part words, and words that mean something to a database are words."""
    (id,) = told(found, "amina", "ciao near words or not x, and 1 cia")
    told(found, "luca", "ciao")
    plain = ids(found, "".join(sign if sign.isalnum() else " " for sign in sought))
    assert ids(found, sought) == plain
    if sought in ("NOT ciao", "NEAR(ciao)", "words:ciao", "ciao' & 'x"):
        assert plain == [id]


def test_an_unfinished_word_is_found_where_nobody_wrote_it_as_it_stands(found: Storage) -> None:
    work, works, other = told(found, "amina", "cerco lavoro", "cerco un lavoretto", "cerco il lavo e la cera")
    assert ids(found, "cerco lavor") == [works, work]
    assert [marked(hit) for hit in hits(found, "cerco lavor")] == [["cerco", "lavoretto"], ["cerco", "lavoro"]]
    assert ids(found, "lavo") == [other]  # it stands there as it is
    assert ids(found, "lavo", before=other) == []  # and so on every page
    assert ids(found, "lavor cerco") == []  # only the last one may be unfinished
    assert ids(found, "la") == [other] and ids(found, "ce") == []


# ---- filters and pages


def test_filters_are_part_of_the_search(found: Storage) -> None:
    one = told(found, "amina", "ciao uno")
    two = told(found, "luca", "ciao due", channel="whatsapp")
    three = told(found, "luca", "ciao tre", channel="whatsapp", direction="out", state="sent")
    with found.reading() as store:
        amina, luca = (store.search.messages("ciao")[place].person_id for place in (2, 0))
    assert ids(found, "ciao") == three + two + one
    assert ids(found, "ciao", person_id=luca) == three + two
    assert ids(found, "ciao", people=[amina, 10**6]) == one
    assert ids(found, "ciao", people=[amina, luca], person_id=amina) == one
    assert ids(found, "ciao", people=[]) == [] == ids(found, "ciao", people=[luca], person_id=amina)
    assert ids(found, "ciao", channel="whatsapp") == three + two
    assert ids(found, "ciao", channel="whatsapp", direction="in") == two
    assert ids(found, "cia", person_id=amina, direction="in") == one


def test_dates_are_cut_to_the_minute(found: Storage) -> None:
    said = told(found, "amina", *["ciao"] * 20)
    with found.reading() as store:
        at = {id: store.messages.get(id).at for id in said}  # type: ignore[union-attr]
    assert ids(found, "ciao", since=at[said[5]]) == said[5:][::-1]
    assert ids(found, "ciao", until=at[said[5]]) == said[:5][::-1]
    assert ids(found, "ciao", since=at[said[3]], until=at[said[9]], before=said[7]) == said[3:7][::-1]
    assert ids(found, "ciao", since=at[said[-1]] + timedelta(days=1)) == []
    assert ids(found, "ciao", until=at[said[0]]) == []


def test_pages_follow_one_another_both_ways(found: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also across the place where PostgreSQL begins to ask its index."""
    monkeypatch.setattr(searching, "NEAR", 7)
    monkeypatch.setattr(searching, "WINDOW", 12)
    for module in (searching, storage.search_index):
        monkeypatch.setattr(module, "BLOCK", 4)
    said = told(found, "amina", *["ciao bella", "altro"] * 15)[::2][::-1]
    first = ids(found, "ciao", limit=4)
    down, page = list(first), first
    while page := ids(found, "ciao", limit=4, before=page[-1]):
        down += page
    assert down == said
    up, page = [said[-1]], said[-1:]
    while page := ids(found, "ciao", limit=4, after=page[0]):
        up = page + up
    assert up == said
    assert ids(found, "ciao", after=said[-1], before=said[0]) == said[1:-1]


def test_staff_find_only_people_of_their_areas_and_programmes(town: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: few are asked for, many are met, and where nobody is met all are asked for."""
    with town.writing() as store:
        area, other = [row[0] for row in store.read(select(unions.c.area_id).distinct().order_by(unions.c.area_id))][:2]
        where = {
            name: store.read(select(comuni.c.istat).join(unions).where(unions.c.area_id == name).limit(1))[0][0]
            for name in (area, other)
        }
        programme = store.read(text("select id from programmes order by id limit 1"))[0][0]
        said: dict[str, int] = {}
        for name in ("near", "far", "enrolled", "nobody knows", *(f"far {number}" for number in range(8))):
            (said[name],) = say(store, name, "ciao")
            home = where[area] if name == "near" else None if name == "nobody knows" else where[other]
            person = meet(store, name)
            store.people.change(person, comune_istat=home)
            if name == "enrolled":
                row = {"person_id": person, "programme_id": programme, "state": "enrolled", "at": MONDAY}
                store.write(insert(enrolments).values(row))
    keep(town)
    everybody = sorted(said.values(), reverse=True)
    of_area = [said["nobody knows"], said["near"]]
    for crowd, patience in ((500, 5000), (3, 5000), (3, 4)):
        monkeypatch.setattr(searching, "CROWD", crowd)
        monkeypatch.setattr(searching, "PATIENCE", patience)
        assert ids(town, "ciao", areas={area}, limit=3) == of_area
        assert ids(town, "ciao", areas={area}, after=said["near"]) == of_area[:1]
        assert ids(town, "ciao", areas={area}, programmes={programme}) == [of_area[0], said["enrolled"], of_area[1]]
        assert ids(town, "ciao", areas={area, other}) == everybody
        assert ids(town, "ciao", areas=(), programmes=()) == of_area[:1]
        assert ids(town, "ciao") == everybody


# ---- what is not to be found


def test_diaries_downloads_and_what_is_empty_are_not_found(found: Storage) -> None:
    told(found, "amina", "segreto", subject="diary:club")
    told(found, "amina", "segreto", subject="my_data")
    (seen,) = told(found, "amina", "segreto", subject="booking:1")
    assert ids(found, "segreto") == [seen]
    with found.reading() as store:
        assert [row[0] for row in store.read(select(message_words.c.message_id))] == [seen]
    change(found, seen, subject="diary:club")  # whatever the index has by then
    assert ids(found, "segreto") == []


def test_the_index_follows_when_words_change(found: Storage) -> None:
    (id,) = told(found, "amina", "ho il diabete")
    change(found, id, text="ho ▒▒▒")
    assert ids(found, "diabete") == []  # the words are not there any more, even before anybody told the index
    with found.writing() as store:
        store.search.forget_messages([id])
    assert not known(found, "diabete")
    keep(found)
    assert ids(found, "ho") == [id] and not known(found, "diabete")
    change(found, id, text="ho tempo")
    with found.writing() as store:
        store.search.look_again([id, id])
    keep(found)
    assert ids(found, "tempo") == [id]
    with found.reading() as store:
        assert not store.search.is_behind()


def test_who_is_deleted_is_found_no_more_from_that_moment_on(found: Storage) -> None:
    said = told(found, "amina", "zanzibar uno", "zanzibar due")
    (other,) = told(found, "luca", "zanzibar")
    with found.writing() as store:
        person = meet(store, "amina")
        store.erasures.ask(person, receipt="R1", now=MONDAY)
        store.erasures.erase(person, {}, MONDAY)
        assert [hit.message_id for hit in store.search.messages("zanzibar")] == [other]
        assert store.read(select(message_words.c.message_id)) == [(other,)]
    assert said[0] and ids(found, "uno") == [] and not known(found, "uno")


def known(found: Storage, word: str) -> bool:
    """Does the index itself know of a message with this word?"""
    sqlite = f"select rowid from {FTS} where {FTS} match '{word}'"
    postgresql = f"select message_id from message_words where words @@ cast('{word}' as tsquery)"
    with found.reading() as store:
        query = postgresql if store.is_postgresql else sqlite
        return bool(store.connection.exec_driver_sql(query).all())


def test_of_deleted_words_nothing_is_left_in_the_file(databases: Databases) -> None:
    with databases.empty("sqlite") as url, closing(storage.open(url)) as found:
        told(found, "luca", *(f"parola{number} comune zurigo" for number in range(600)))
        told(found, "amina", "abracadabra", *["zanzibar qualcosa"] * 20)
        told(found, "luca", *(f"altro{number} comune" for number in range(600)))
        assert in_file(url) == {b"abracadabra", b"zanzibar"}
        with found.writing() as store:
            person = meet(store, "amina")
            store.write(update(messages).where(messages.c.person_id == person).values(text=""))
            store.search.forget(person)
        assert in_file(url) == {b"abracadabra", b"zanzibar"}  # FTS5 has only marked them by now
        keep(found)
        assert in_file(url) == set()
        with found.reading() as store:
            assert not store.search.is_behind()
        assert len(ids(found, "comune", limit=2000)) == 1200 and ids(found, "parola7")
        with found.writing() as store:
            store.connection.exec_driver_sql(f"insert into {FTS} ({FTS}, rank) values ('integrity-check', 1)")


def in_file(url: str) -> set[bytes]:
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql("pragma wal_checkpoint(truncate)")
    engine.dispose()
    content = Path(url.removeprefix("sqlite:///")).read_bytes()
    return {word for word in (b"abracadabra", b"zanzibar") if word[2:] in content}


# ---- keeping up


def test_it_catches_up_a_batch_at_a_time_and_a_second_time_there_is_nothing_to_do(found: Storage) -> None:
    with found.writing() as store:
        said = say(store, "amina", *["ciao"] * 7, "…", "")
    with found.writing() as store:
        assert [store.search.catch_up(4) for _ in range(4)] == [4, 4, 1, 0]
    assert ids(found, "ciao") == said[:7][::-1]
    assert not keep_up(found)


@pytest.mark.postgres
def test_a_message_that_comes_late_is_found_as_well(databases: Databases) -> None:
    """On PostgreSQL a number is given before others see the message, and a later one may be there first."""
    with databases.empty("postgresql") as url, closing(storage.open(url)) as found:
        (first,) = told(found, "amina", "ciao")
        with found.writing() as slow:
            (late,) = say(slow, "amina", "ciao tardi")
            with found.writing() as store:
                (early,) = say(store, "luca", "ciao presto")
            assert not keep_up(found)  # nobody knows yet what will be there
            assert late < early and ids(found, "ciao") == [first]
        keep(found)
        assert ids(found, "ciao") == [early, late, first]


@pytest.mark.postgres
def test_any_number_of_workers_may_keep_up_while_people_write_and_are_deleted(databases: Databases) -> None:
    with databases.empty("postgresql") as url, closing(storage.open(url)) as found:
        told(found, "amina", "zanzibar")
        stop = threading.Event()

        def write(name: str) -> None:
            for number in range(25):
                with found.writing() as store:
                    say(store, name, f"ciao {number}")

        def work() -> None:
            while not stop.is_set():
                keep(found)

        def delete() -> None:
            for number in range(10):
                with found.writing() as store:
                    say(store, f"gone {number}", *["zanzibar"] * 5)
                with found.writing() as store:
                    person = meet(store, f"gone {number}")
                    store.write(update(messages).where(messages.c.person_id == person).values(text=""))
                    store.search.forget(person)

        workers = [threading.Thread(target=work) for _ in range(3)]
        others = [threading.Thread(target=write, args=(name,)) for name in ("amina", "luca")]
        others.append(threading.Thread(target=delete))
        for thread in (*workers, *others):
            thread.start()
        for thread in others:
            thread.join(30)
        stop.set()
        for thread in workers:
            thread.join(30)
        keep(found)
        assert len(ids(found, "ciao", limit=100)) == 50
        with found.reading() as store:
            left = store.connection.exec_driver_sql(
                "select message_id from message_words where words @@ cast('zanzibar' as tsquery)"
            ).all()
        assert len(left) == 1  # amina's


def test_the_worker_keeps_up(town_url: str) -> None:
    with closing(storage.open(town_url)) as found:
        with found.writing() as store:
            (id,) = say(store, "amina", "ciao")
        desk = build(Settings(database_url=town_url), transports={})
        with closing(desk):
            asyncio.run(desk.worker.search())
        assert ids(found, "ciao") == [id]
    assert "search" in {job.name for job in JOBS}


def test_what_a_message_says_when_it_leaves_is_what_is_found(found: Storage) -> None:
    """What was put out yesterday about tomorrow says "today" by now."""
    (id,) = told(found, "amina", "domani alle 10", direction="out", state="sending")
    with found.writing() as store:
        store.messages.on_its_way(id, "oggi alle 10", MONDAY, MONDAY)
        store.search.look_again([id])
    keep(found)
    assert ids(found, "oggi") == [id] and ids(found, "domani") == []
