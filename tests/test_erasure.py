# SPDX-License-Identifier: EUPL-1.2
"""Somebody is deleted: a receipt first, then nothing of theirs is found anywhere, and the counts stay."""

import asyncio
import contextlib
import itertools
import shutil
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

import storage
from bot.jobs.files import Fetcher
from bot.main import Sportello
from bot.verify import verify
from handlers.desk import Desk, erasing, loading
from handlers.desk.filing import Filing
from handlers.talk.catalogues import Catalogues
from handlers.talk.text import ROME
from storage import Storage, Store
from storage.erasures import GONE, Erasure, Erasures
from storage.store import normal
from storage.tables import (
    bookings,
    diaries,
    erasures,
    files,
    identities,
    job_clubs,
    labels,
    mentions,
    messages,
    metadata,
    notes,
    people,
    protected,
    reviews,
    rights_requests,
    series,
    unmaskings,
    venues,
)
from tests.database import DEMO, MONDAY, TOWN, Databases
from tests.files import PDF
from tests.stage import Shelf, Stage, perform

WHO = "Zenobia"
KEY = b"kept somewhere else"
CV = PDF + b"% corteccia"
# What nobody else here is called, says or has: their name, their number, a town as they write it, their words, a file.
THEIRS = (
    *("zenobia", "quarenghi", "3337654321", "pioltelloh", "liutaia", "non lo dico a nessuno", "biblioteca-lontana"),
    *("curriculum-mio", "corteccia", "un altro laboratorio", "telefono a mia zia", "sa tutto"),
)
TITLE, FULL, PAST = "Il colloquio", "Il curriculum", "Il primo passo"


class Play:
    """Zenobia has been here for a while, and there is something of hers in every table."""

    code = "the number on the screen"

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.id: int = stage.with_store(lambda store: stage.person(store, WHO).id)

    @classmethod
    def begin(cls, found: Storage) -> None:
        """What happened before a test begins."""
        with contextlib.closing(Stage(found.url)) as stage:
            perform(stage, f"{WHO}'s phone speaks English")
            perform(stage, f"{WHO} opens the link «src_biblioteca-lontana»")
            cls(stage)._life()

    def _life(self) -> None:
        self.happens(
            f"there is a workshop «{PAST}» in 1 days at 10:00 with 3 places",
            f"there is a workshop «{TITLE}» in 7 days at 10:00 with 1 place",
            f"there is a workshop «{FULL}» in 8 days at 10:00 with 1 place",
            "Karim is registered in Bologna, and wants reminders",
            f"Karim has a place at «{FULL}»",
        )
        self.says("sign up", "1987", f"{WHO} Quarenghi", "Pioltelloh", "liutaia", "3", "yes", "yes", "menu")
        self.happens(*(f"{WHO} has a place at «{title}»" for title in (PAST, TITLE, FULL)))
        self.happens(f"Karim has a place at «{TITLE}»", f"{WHO} sends the file «curriculum-mio.pdf»")
        self.fetched(CV)
        self.says("non lo dico a nessuno", "person", "333 7654321", "my data", "download my data", self.code)
        self.stage.with_store(self._weeks_later)

    def _weeks_later(self, store: Store) -> None:
        """What takes longer to come about."""
        id, at = self.id, MONDAY
        first = store.read(select(bookings.c.id).where(bookings.c.person_id == id).order_by(bookings.c.id))[0][0]
        store.workshops.keep_feedback(first, at, score=4, next_step="un altro laboratorio")
        days = {"starts_on": date(2027, 3, 1), "ends_on": date(2027, 6, 1)}
        area = {"programme_id": "bussola", "area_id": "bologna"}
        store.write(insert(series).values(id="club", kind="job_club", name={"it": "Club"}, **area, **days))
        venue = store.read(select(venues.c.id))[0][0]
        times = {"weekday": 0, "time": "10:00", "minutes": 60, "first_on": date(2027, 3, 8), "meetings": 12}
        store.write(insert(job_clubs).values(id="club", venue_id=venue, capacity=5, line=0, **times))
        who = {"club_id": "club", "person_id": id}
        let_in = {"state": "member", "admitted_by": "staff:1", "admitted_because": "Zenobia sa tutto"}
        store.job_clubs.add_membership(**who, **let_in, changed_at=at)
        week = {"week": date(2027, 3, 1), "mood": 2, "next_step": "Telefono a mia zia"}
        store.write(insert(diaries).values(**who, **week, at=at))
        self._at_the_desk(store)
        because = {"because": "Zenobia sa tutto"}
        store.records.note(at=at, actor="staff:1", action="let_in", subject=f"person:{id}", details=because)

    def _at_the_desk(self, store: Store) -> None:
        """What the staff have written about them, and what they were asked."""
        id, at, text = self.id, MONDAY, "Zenobia sa tutto"
        languages: list[str] = []
        by = store.staff.add(name="Tutor", email="t@example.org", role="tutor", languages=languages)
        note = store.write(notes.insert().values(person_id=id, staff_id=by, text=text, at=at).returning(notes.c.id))
        store.write(mentions.insert().values(note_id=note.scalar_one(), staff_id=by))
        store.write(labels.insert().values(person_id=id, name="sa tutto", staff_id=by, at=at))
        store.write(reviews.insert().values(person_id=id, reviewed_by=by, reviewed_at=at))
        full = {"staff_id": by, "reason": text, "until": at}
        store.write(unmaskings.insert().values(person_id=id, at=at, **full))
        sealed = {"kind": "l68", "sealed": text, "by": by, "expires_on": at.date()}
        store.write(protected.insert().values(person_id=id, at=at, **sealed))
        asked = {"kind": "access", "came_by": "desk", "asked_at": at, "due_on": at.date(), "note": text}
        store.rights.add(person_id=id, **asked)

    def happens(self, *words: str) -> None:
        for one in words:
            perform(self.stage, one)

    def says(self, *words: str) -> None:
        for one in words:
            self.stage.sends(WHO, self.shown_code() if one is self.code else one)

    def shown_code(self) -> str:
        return self.stage.shown_to(WHO)[-1].text.rpartition(": ")[2].split()[0]

    def asks_to_be_deleted(self) -> str:
        """Returns the number of the receipt."""
        self.says("my data", "delete my data", "yes", self.code)
        return self.asked().receipt

    def asked(self) -> Erasure:
        found = self.stage.with_store(lambda store: store.erasures.of(self.id))
        assert isinstance(found, Erasure)
        return found

    def counts(self) -> dict[str, int]:
        """What was written down about the deletion."""
        counts = select(erasures.c.counts).where(erasures.c.person_id == self.id)
        return dict(self.stage.with_store(lambda store: store.read(counts)[0][0]))

    def receipt_becomes(self, **values: Any) -> None:
        newest = select(func.max(messages.c.id)).where(messages.c.person_id == self.id).scalar_subquery()
        self.stage.with_store(lambda store: store.write(update(messages).where(messages.c.id == newest).values(values)))

    def fetched(self, content: bytes) -> None:
        def fetch(desk: Sportello) -> None:
            filing = Filing(desk.storage, desk.clock, desk.engine.play.catalogues)
            asyncio.run(Fetcher(filing, {}, Shelf(content)).run_once())

        self.stage.played(fetch)

    def erased(self, key: bytes = KEY) -> int:
        """The worker comes by, ten minutes later. Returns how many it has deleted."""
        self.stage.now += timedelta(minutes=10)
        done = 0

        def erase(desk: Sportello) -> None:
            nonlocal done
            desk.worker.erasure_key = key
            done = desk.worker.erase()

        self.stage.played(erase)
        return done

    def dump(self) -> str:
        """Every column of every row, in lower case, with what is in files as text."""

        def read(store: Store) -> str:
            return "\n".join(
                f"{table.name}.{name}={value.decode('latin-1') if isinstance(value, bytes) else value}"
                for table in metadata.sorted_tables
                for row in store.read(select(table))
                for name, value in row._mapping.items()
            )

        return str(self.stage.with_store(read)).lower()

    def counted(self) -> dict[str, int]:
        def count(store: Store) -> dict[str, int]:
            return {
                table.name: store.read(select(func.count()).select_from(table))[0][0]
                for table in metadata.sorted_tables
                if table not in (*GONE, mentions, files)  # of these no row is left: a file is what was in it
            }

        return dict(self.stage.with_store(count))


@pytest.fixture
def url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """SQLite, unless the test asks for another."""
    with databases.played(getattr(request, "param", "sqlite"), "zenobia", Play.begin) as found:
        yield found


on_both = pytest.mark.parametrize(
    "url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)


@pytest.fixture
def play(url: str) -> Iterator[Play]:
    with contextlib.closing(Stage(url)) as stage:
        stage.numbers = itertools.count(1000)  # no message of before arrives again
        yield Play(stage)


def left_in(dump: str) -> list[str]:
    """What of theirs is in a dump, as text or in hexadecimal digits."""
    return [one for one in THEIRS if one in dump or one.encode().hex() in dump]


@on_both
def test_in_a_dump_of_the_whole_database_nothing_of_theirs_is_found(play: Play) -> None:
    assert left_in(play.dump()) == list(THEIRS)  # the search finds what there is
    receipt = play.asks_to_be_deleted()
    before = play.counted()
    assert play.erased() == 1
    assert left_in(play.dump()) == []
    assert play.counted() == before
    print_of = erasing.fingerprint("telegram", f"stage:{WHO}", KEY)
    assert f"erased:{print_of}:" in play.dump() and receipt.lower() in play.dump()


@on_both
def test_what_the_database_s_own_tools_write_out_holds_nothing_either(play: Play, url: str) -> None:
    assert left_in(written_out(url)) == list(THEIRS)
    play.asks_to_be_deleted()
    play.erased()
    assert left_in(written_out(url)) == []


def written_out(url: str) -> str:
    """The dump that an operator's tools make; for SQLite the file as it is, free pages included."""
    if not normal(url).startswith("sqlite"):
        plain = normal(url).replace("postgresql+psycopg", "postgresql")
        if shutil.which("pg_dump") is None:
            pytest.skip("no pg_dump here: Debian's package is called postgresql-client")
        return subprocess.run(["pg_dump", plain], check=True, capture_output=True, text=True).stdout.lower()
    path = normal(url).removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        lines = "\n".join(connection.iterdump())
    return (lines + Path(path).read_bytes().decode("latin-1")).lower()


def test_the_receipt_arrives_first_and_says_what_becomes_of_the_data(play: Play) -> None:
    receipt = play.asks_to_be_deleted()
    *_, last = play.stage.shown_to(WHO)
    assert receipt in last.text and last.state == "sent"
    play.erased()

    def look(store: Store) -> None:
        sent_at = store.read(select(messages.c.sent_at).where(messages.c.id == last.id))[0][0]
        erased_at = store.read(select(people.c.erased_at).where(people.c.id == play.id))[0][0]
        asked = store.erasures.of(play.id)
        assert asked and sent_at < erased_at == asked.done_at

    play.stage.with_store(look)


def test_who_has_no_receipt_yet_is_not_deleted_until_an_hour_after_its_last_try(play: Play) -> None:
    play.asks_to_be_deleted()
    play.receipt_becomes(state="pending", due_at=MONDAY + timedelta(days=9))
    play.stage.now += timedelta(hours=2)
    play.receipt_becomes(attempts=1, sent_at=play.stage.now)
    play.stage.now += timedelta(minutes=40)
    assert play.erased() == 0 and play.asked().done_at is None
    play.stage.now += timedelta(minutes=10)
    assert play.erased() == 1
    assert left_in(play.dump()) == [] and play.counts()["receipts"] == 0


def test_a_receipt_that_nobody_could_try_is_waited_for_three_days(play: Play) -> None:
    play.asks_to_be_deleted()
    play.receipt_becomes(state="pending", due_at=MONDAY + timedelta(days=9), sent_at=None)
    play.stage.now += timedelta(hours=71)
    assert play.erased() == 0
    play.stage.now += timedelta(hours=1)
    assert play.erased() == 1
    assert left_in(play.dump()) == [] and play.counts()["receipts"] == 0


def test_a_receipt_that_cannot_be_sent_holds_nobody_up(play: Play) -> None:
    play.asks_to_be_deleted()
    play.receipt_becomes(state="failed", reason="chat_not_found")
    assert play.erased() == 1 and play.counts()["receipts"] == 0
    newest = select(messages.c.state, messages.c.reason).where(messages.c.person_id == play.id)
    found = play.stage.with_store(lambda store: store.read(newest.order_by(messages.c.id.desc()))[0])
    assert tuple(found) == ("failed", "chat_not_found")


def test_that_the_receipt_has_arrived_is_counted(play: Play) -> None:
    play.asks_to_be_deleted()
    play.erased()
    assert play.counts()["receipts"] == 1


def test_nobody_is_deleted_while_they_write_and_what_the_channel_brings_again_makes_nobody_new(play: Play) -> None:
    play.asks_to_be_deleted()
    play.stage.now += timedelta(minutes=9)
    play.says("hello?")
    play.stage.now -= timedelta(minutes=1)
    assert play.erased() == 0
    before = play.counted()
    play.happens("the same message arrives again")
    assert play.counted() == before
    play.stage.now -= timedelta(minutes=9)
    assert play.erased() == 1


def test_their_private_calendar_leads_nowhere_from_the_moment_they_ask(play: Play) -> None:
    play.stage.with_store(lambda store: store.people.change(play.id, calendar_key="a key"))
    play.asks_to_be_deleted()
    assert play.stage.with_store(lambda store: store.people.calendar_key(play.id)) is None


@on_both
def test_of_what_somebody_downloaded_no_copy_is_left_an_hour_later(play: Play) -> None:
    kinds = select(files.c.kind).order_by(files.c.kind)
    play.stage.now += timedelta(hours=1)
    assert play.erased() == 0
    assert play.stage.with_store(lambda store: [row[0] for row in store.read(kinds)]) == ["application/pdf"]


@on_both
def test_a_file_that_is_being_sent_to_somebody_else_is_not_thrown_away_meanwhile(play: Play, url: str) -> None:
    gone: list[int] = []
    kept = {"kind": "text/plain", "at": MONDAY}
    file = play.stage.with_store(lambda store: store.files.keep(b"the same", **kept))

    def throws_away() -> None:
        with contextlib.closing(storage.open(url)) as other, other.writing() as store:
            gone.append(store.files.forget([file]))

    other = threading.Thread(target=throws_away)
    with contextlib.closing(storage.open(url)) as found, found.writing() as store:
        assert store.files.keep(b"the same", **kept) == file
        other.start()
        other.join(0.5)  # it waits for us
        karim = play.stage.person(store, "Karim").id
        chat = store.people.reachable(karim)
        assert other.is_alive() and chat
        desk = Desk(store, store.people.get(karim), MONDAY, Catalogues())
        desk.outbox.reply(chat, "", reply_to=None, carries={"file": file, "name": "same.txt"})
    other.join()
    assert gone == [0] and play.stage.with_store(lambda store: store.files.content(file))


def test_their_places_go_to_the_next_and_nobody_looks_after_them_any_more(play: Play) -> None:
    play.asks_to_be_deleted()

    def look(store: Store) -> tuple[list[str], list[str], list[str]]:
        states = select(bookings.c.state).where(bookings.c.person_id == play.id).order_by(bookings.c.id)
        clubs = [one.state for one in store.job_clubs.history_of(play.id)]
        return [row[0] for row in store.read(states)], clubs, store.cases.open_reasons(play.id)

    assert play.stage.with_store(look) == (["cancelled_by_person"] * 3, ["left"], [])
    assert any("«Il colloquio»" in one.text or TITLE in one.text for one in play.stage.shown_to("Karim"))


@on_both
def test_a_worker_that_dies_half_way_leaves_everything_and_the_next_one_finishes(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    play.asks_to_be_deleted()
    before = play.dump()

    def dies(*_everything: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as half_way:
        half_way.setattr(Erasures, "_words", dies)
        assert play.erased() == 0
    assert play.dump() == before
    assert play.erased() == 1 and play.erased() == 0


@on_both
def test_two_workers_at_once_delete_once(play: Play, url: str) -> None:
    play.asks_to_be_deleted()
    both, done = threading.Barrier(2), []

    def work() -> None:
        with contextlib.closing(storage.open(url)) as found:
            both.wait()
            with found.writing() as store:
                done.append(erasing.erase(store, play.id, play.stage.now, Catalogues(), KEY))

    threads = [threading.Thread(target=work) for _worker in range(2)]
    [one.start() for one in threads]
    [one.join() for one in threads]
    assert sorted(done) == [False, True]


@on_both
def test_who_writes_while_they_are_being_deleted_is_somebody_new(play: Play, url: str) -> None:
    play.asks_to_be_deleted()
    writes = threading.Thread(target=play.says, args=("hello",))
    with contextlib.closing(storage.open(url)) as found, found.writing() as store:
        erasing.erase(store, play.id, play.stage.now, Catalogues(), KEY)
        writes.start()
        writes.join(0.5)  # it waits for us
        assert writes.is_alive()
    writes.join()
    newcomer = play.stage.with_store(lambda store: store.people.at("telegram", f"stage:{WHO}"))
    assert newcomer and newcomer[1].id != play.id
    assert left_in(play.dump()) == ["zenobia"]  # the address of who has just written


def test_the_file_that_takes_an_appointment_off_comes_before_the_receipt(play: Play) -> None:
    play.says("agenda", PAST, "put it in my calendar")
    receipt = play.asks_to_be_deleted()
    *_, takes_off, last = play.stage.shown_to(WHO)
    assert (takes_off.payload or {})["is_off"] and receipt in last.text


def test_who_writes_again_is_somebody_new(play: Play) -> None:
    play.asks_to_be_deleted()
    play.erased()
    play.says("hello")

    def look(store: Store) -> None:
        newcomer = store.people.at("telegram", f"stage:{WHO}")
        assert newcomer and newcomer[1].id != play.id
        assert newcomer[1].registered_at is None and store.people.consents(newcomer[1].id) == {}
        assert store.people.since(play.id) is None and store.people.reachable(play.id) is None

    play.stage.with_store(look)


def test_life_goes_on_without_them_and_every_promise_holds(play: Play) -> None:
    play.asks_to_be_deleted()
    play.erased()
    play.happens("2 days pass", "8 days pass")
    desk = play.stage.desk()
    with contextlib.closing(desk):
        broken = [one.invariant.name for one in verify(desk.storage, desk.clock) if one.ids]
    assert broken == ["consents_proved"]  # Karim's, which the stage gave him without a question


def test_what_was_leaving_at_that_moment_brings_nothing_back(play: Play) -> None:
    play.asks_to_be_deleted()
    newest = select(func.max(messages.c.id)).where(messages.c.person_id == play.id)
    id = play.stage.with_store(lambda store: store.read(newest)[0][0])
    leaving = update(messages).where(messages.c.id == id).values(state="sending", lease="worker", provider_id=None)
    play.stage.with_store(lambda store: store.write(leaving))
    play.stage.now += timedelta(hours=1)
    play.erased()

    def look(store: Store) -> None:
        assert not store.messages.arrived(id, "worker", "zenobia:1")
        found = store.messages.get(id)
        assert found and (found.state, found.reason, found.provider_id) == ("uncertain", "person_erased", None)

    play.stage.with_store(look)


def test_a_file_that_arrives_too_late_is_not_kept(play: Play) -> None:
    play.happens(f"{WHO} sends the file «curriculum-mio.pdf»")
    [taken] = play.stage.with_store(
        lambda store: store.files.claim(real=play.stage.now, lease=timedelta(minutes=3), limit=1, simulated=True)
    )
    play.asks_to_be_deleted()
    play.erased()
    play.stage.played(
        lambda desk: Filing(desk.storage, desk.clock, desk.engine.play.catalogues).arrived(
            taken, PDF + b"% corteccia 2"
        )
    )
    assert left_in(play.dump()) == []


@on_both
def test_the_same_file_of_somebody_else_stays(play: Play) -> None:
    play.happens("Karim sends the file «cv.pdf»")
    play.fetched(CV)
    play.asks_to_be_deleted()
    play.erased()
    assert left_in(play.dump()) == ["corteccia"]
    play.happens("the desk has 1 file of Karim")


def test_a_picture_that_somebody_else_was_sent_as_well_stays(play: Play) -> None:
    def both_get(store: Store) -> int:
        file = store.files.keep(b"the same week", kind="image/png", at=MONDAY)
        for who in (WHO, "Karim"):
            desk = Desk(store, play.stage.person(store, who), MONDAY, Catalogues())
            chat = store.people.reachable(desk.person.id)
            assert chat
            desk.outbox.reply(chat, "", reply_to=None, carries={"file": file, "name": "week.png"})
        return file

    file = play.stage.with_store(both_get)
    play.asks_to_be_deleted()
    play.erased()
    assert play.stage.with_store(lambda store: store.files.content(file))


def test_only_the_holder_of_the_key_can_say_who_was_deleted(play: Play) -> None:
    play.asks_to_be_deleted()
    play.erased()

    def look(store: Store) -> None:
        assert erasing.was_erased(store, "telegram", f"stage:{WHO}", KEY)
        assert not erasing.was_erased(store, "whatsapp", f"stage:{WHO}", KEY)
        assert not erasing.was_erased(store, "telegram", "stage:Karim", KEY)
        assert not erasing.was_erased(store, "telegram", f"stage:{WHO}", b"another key")
        assert not erasing.was_erased(store, "telegram", f"stage:{WHO}", b"")

    play.stage.with_store(look)


def test_without_a_key_a_fingerprint_says_nothing_of_anybody(play: Play) -> None:
    play.asks_to_be_deleted()
    play.erased(key=b"")
    assert left_in(play.dump()) == []
    address = select(identities.c.address).where(identities.c.person_id == play.id)
    found = play.stage.with_store(lambda store: store.read(address)[0][0])
    assert found.startswith("erased:") and erasing.fingerprint("telegram", f"stage:{WHO}", b"") not in found


def test_loading_the_demonstration_again_does_not_bring_anybody_back(url: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in (*TOWN, "people"):
            shutil.copy(DEMO / f"{name}.yaml", folder)
        content = loading.read(Path(folder))
    today = MONDAY.astimezone(ROME).date()
    with contextlib.closing(storage.open(url)) as found:
        with found.writing() as store:
            loading.load(store, content, today=today, now=MONDAY)
        with found.writing() as store:
            id = store.read(select(people.c.id).where(people.c.code == "j01"))[0][0]
            chats = {one.id: "0" * 64 for one in store.people.identities(id)}
            store.erasures.ask(id, receipt="S-1", now=MONDAY)
            store.erasures.erase(id, chats, MONDAY)
            many = len(store.read(select(people.c.id)))
        with found.writing() as store:
            loading.load(store, content, today=today, now=MONDAY)
        with found.reading() as store:
            assert len(store.read(select(people.c.id))) == many and store.people.get(id).first_name is None


def test_what_they_still_waited_for_is_answered_by_deleting_them(play: Play) -> None:
    play.asks_to_be_deleted()
    play.erased()
    asked = select(rights_requests.c.closed_at, rights_requests.c.outcome, rights_requests.c.note)
    found = play.stage.with_store(lambda store: store.read(asked.where(rights_requests.c.person_id == play.id)))
    assert [tuple(row) for row in found] == [(play.stage.now, "done", None)]
