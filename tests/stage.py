# SPDX-License-Identifier: EUPL-1.2
"""
Plays a transcript.

A transcript is written like a script for the theatre:

    # Comments are for people.
    Amina: ciao                              what somebody writes
    Sportello to Amina: Che cosa ti serve?   what Sportello writes back ...
        1. Un aiuto                          ... line by line ...
        [Un aiuto] [Orientamento]            ... and the buttons under it
    (2 hours pass)                           a stage direction, one of those below

Between any two lines the whole application is thrown away and built again from the database, so a conversation
that works here also survives a restart, whichever line it comes after.
"""

import asyncio
import contextlib
import itertools
import mimetypes
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import insert, select

import storage
from bot.channels.terminal import said
from bot.clock import Clock
from bot.contract import DeliveryError
from bot.jobs.files import Fetcher
from bot.main import Sportello, build
from bot.settings import Settings
from handlers.desk import Desk
from handlers.desk.changes import Changes
from handlers.desk.coming import coming
from handlers.desk.filing import Filing
from handlers.engine.turn import Play
from handlers.moments import on_the_wall
from handlers.rules.attendance import Kept, Said
from handlers.talk import Address, Incoming, Tap
from handlers.talk.catalogues import Catalogues
from handlers.talk.text import ROME
from storage import Storage, Store
from storage.messages import Message
from storage.people import Person
from storage.tables import consents, identities, messages, people, series, venues, workshops
from storage.workshops import Workshop
from tests import files
from tests.channels.whatsapp_screen import Screen
from tests.database import MONDAY

DIRECTIONS: list[tuple[re.Pattern[str], Callable[..., None]]] = []
KINDS = {
    "photo": "photo",
    "voice message": "voice",
    "video": "video",
    "sticker": "sticker",
    "place": "location",
    "contact": "contact",
    "file": "document",
    "poll": "other",
}


def direction(pattern: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def remember(act: Callable[..., None]) -> Callable[..., None]:
        DIRECTIONS.append((re.compile(pattern + "$"), act))
        return act

    return remember


class Stage:
    """A desk on a database, a clock that stands still until it is moved, and people who write."""

    def __init__(self, url: str, channel: str = "telegram", now: datetime = MONDAY, play: Play | None = None) -> None:
        self.url, self.channel, self.now, self.play = url, channel, now, play
        self.numbers = itertools.count(1)
        self.dice = random.Random(1)  # the numbers that are drawn by chance are the same in every performance
        self.languages: dict[str, str] = {}
        self.apps: dict[str, str] = {}  # who writes on which channel, wherever the play is played
        self.last: Incoming | None = None
        self.seen: set[int] = set()
        self.public_url = ""
        self.audience: Storage | None = None

    def desk(self) -> Sportello:
        """A brand-new application: nothing but the database is shared with the one before."""
        settings = Settings(simulator=True, database_url=self.url, public_url=self.public_url)
        desk = build(settings, Clock(real=lambda: self.now), transports={}, play=self.play)
        desk.deliverer.simulated = Screen(desk.deliverer.simulated, desk.clock)
        return desk

    def with_store(self, work: Callable[[Store], Any]) -> Any:
        """Look or arrange behind the scenes; this connection is the audience's, not the application's."""
        self.audience = self.audience or storage.open(self.url)
        with self.audience.writing() as store:
            return work(store)

    def sends(self, who: str, text: str = "", **more: Any) -> None:
        number = f"{who}-{next(self.numbers)}"
        message = Incoming(
            self.address(who),
            number,
            self.now,
            message_id=number,
            text=text,
            language=self.languages.get(who, "it"),
            **more,
        )
        self.hears(message)

    def hears(self, message: Incoming) -> None:
        self.last = message
        self.played(lambda desk: desk.engine.hear([message]))

    def close(self) -> None:
        if self.audience:
            self.audience.close()

    def played(self, act: Callable[[Sportello], Any]) -> None:
        """Do something with a new application, then let it send what is due."""
        desk = self.desk()
        try:
            with patch("secrets.choice", self.dice.choice):
                act(desk)
            asyncio.run(desk.deliverer.drain())
        finally:
            desk.close()

    def address(self, who: str) -> Address:
        return Address(self.apps.get(who, self.channel), f"stage:{who}", simulated=True)

    def person(self, store: Store, who: str) -> Person:
        found = store.people.at(self.address(who).channel, self.address(who).id)
        assert found, f"{who} has not written yet"
        return found[1]

    def heard(self) -> list[str]:
        """What has been sent since the last time, as lines of the transcript."""

        def new(store: Store) -> list[tuple[Message, str]]:
            rows = store.read(
                select(messages.c.id, identities.c.address)
                .join(identities, identities.c.id == messages.c.identity_id)
                .where(messages.c.direction == "out", messages.c.state == "sent", messages.c.kind != "retired")
                .order_by(messages.c.sent_at, messages.c.priority, messages.c.id)
            )
            fresh = [row for row in rows if row.id not in self.seen]
            return [(message, row.address) for row in fresh if (message := store.messages.get(row.id))]

        found = self.with_store(new)
        self.seen |= {message.id for message, _address in found}
        lines = [line for message, address in found for line in said(message, address.removeprefix("stage:"))]
        return [re.sub(r"(/calendar/)[\w-]{43}", r"\1…", line) for line in lines]  # drawn by chance

    def shown_to(self, who: str) -> list[Message]:
        def out(store: Store) -> list[Message]:
            return [
                one
                for one in store.messages.of(self.person(store, who).id)
                if one.direction == "out" and one.state == "sent"
            ]

        return self.with_store(out)  # type: ignore[no-any-return]


# What can happen on stage


@direction(r"there is a workshop «(.+)» in (\d+) days? at (\d+):(\d+) with (\d+) places?(?: in (.+?))?(, on the path)?")
def a_workshop(
    stage: Stage, title: str, days: str, hour: str, minute: str, seats: str, town: str | None, path: str | None
) -> None:
    local = stage.now.astimezone(ROME).replace(hour=int(hour), minute=int(minute), second=0) + timedelta(days=int(days))

    def add(store: Store) -> None:
        comune = next((one.istat for one in store.territories.places() if one.name == (town or "Bologna")), None)
        venue = f"venue-{comune or 'online'}"
        if not store.read(select(venues.c.id).where(venues.c.id == venue)):
            known = {"address": "Via Immaginaria 10", "step_free": True, "toilet": True, "bus": "11"} if comune else {}
            store.write(
                insert(venues).values(
                    id=venue, name="Casa Lumetta" if comune else "Online", comune_istat=comune, **known
                )
            )
        if not store.read(select(series.c.id).where(series.c.id == "stage")):
            name = {"it": "Bussola del lavoro", "en": "Bussola del lavoro"}
            today = stage.now.date()
            values = {"kind": "semester", "programme_id": "bussola", "area_id": "bologna", "name": name}
            store.write(
                insert(series).values(id="stage", starts_on=today, ends_on=today + timedelta(days=180), **values)
            )
        store.write(
            insert(workshops).values(
                series_id="stage",
                title={"it": title, "en": title},
                summary={"it": "Impariamo insieme.", "en": "We learn together."},
                venue_id=venue,
                starts_at=local,
                ends_at=local + timedelta(hours=2),
                opens_at=stage.now - timedelta(days=1),
                closes_at=local - timedelta(hours=12),
                capacity=int(seats),
                languages=["it"],
                counts_for_path=bool(path),
                line=0,
                revision=0,
                mode="in_person" if comune else "online",
            )
        )

    stage.with_store(add)


@direction(r"(\w+)'s phone speaks (\w+)")
def phone_speaks(stage: Stage, who: str, language: str) -> None:
    stage.languages[who] = {"English": "en", "Italian": "it", "Arabic": "ar", "French": "fr"}[language]


@direction(r"(\w+) writes on (Telegram|WhatsApp)")
def writes_on(stage: Stage, who: str, app: str) -> None:
    """Whatever channel the play is played on."""
    stage.apps[who] = app.lower()


@direction(r"(\w+) is registered(?: in ([^,]+?))?(, and wants reminders)?(?:, and speaks (English|Italian))?")
def registered(stage: Stage, who: str, town: str | None, wants_reminders: str | None, language: str | None) -> None:
    def add(store: Store) -> None:
        address = stage.address(who)
        spoken = "en" if language == "English" else "it"
        identity, person = store.people.meet(
            address.channel, address.id, simulated=True, language=spoken, release="0", now=stage.now
        )
        comune = next((one.istat for one in store.territories.places() if one.name == (town or "Bologna")), None)
        store.people.change(person.id, first_name=who, birth_year=1987, comune_istat=comune, registered_at=stage.now)
        store.dialogues.save(person.id, **{**at_home(identity.id, stage.now)})
        if wants_reminders:
            store.people.record_consent(**agreed(person.id, spoken, stage.channel, stage.now))

    stage.with_store(add)


def at_home(identity_id: int, now: datetime) -> dict[str, Any]:
    empty: dict[str, Any] = {name: None for name in ("step", "question_id", "question_kind", "question_hash")}
    rest: dict[str, Any] = {
        "draft": {},
        "trail": [],
        "paused": [],
        "kept": {},
        "misses": 0,
        "version": 1,
        "release": "0",
    }
    return {**empty, **rest, "conversation": "menu", "identity_id": identity_id, "changed_at": now}


def agreed(person_id: int, language: str, channel: str, now: datetime) -> dict[str, Any]:
    return {
        "person_id": person_id,
        "purpose": "service_messages",
        "given": True,
        "text": "Vuoi ricevere qui i promemoria dei tuoi appuntamenti?",
        "text_hash": "0" * 64,
        "version": "1.0",
        "language": language,
        "channel": channel,
        "question_id": 0,
        "answer_id": 0,
        "at": now,
    }


@direction(r"(\w+) has a place at «(.+)»")
def takes_a_place(stage: Stage, who: str, title: str) -> None:
    registered(stage, who, None, None, None) if not knows(stage, who) else None

    def book(desk: Sportello) -> None:
        with desk.storage.writing() as store:
            person = stage.person(store, who)
            found = Desk(store, person, stage.now, desk.engine.play.catalogues, chat=store.people.reachable(person.id))
            found.workshops.book(workshop_id(store, title), or_wait=True)

    stage.played(book)


def knows(stage: Stage, who: str) -> bool:
    return bool(stage.with_store(lambda store: store.people.at(stage.address(who).channel, stage.address(who).id)))


@direction(r"(\d+) (minutes|hours|days) pass")
def time_passes(stage: Stage, number: str, unit: str) -> None:
    lives_until(stage, stage.now + timedelta(**{unit: int(number)}))


@direction(r"then it is (\d{4}-\d\d-\d\d) at (\d\d:\d\d)")
def then_it_is(stage: Stage, day: str, hour: str) -> None:
    """At that hour in Rome."""
    lives_until(stage, datetime.fromisoformat(f"{day} {hour}").replace(tzinfo=ROME).astimezone(UTC))


def lives_until(stage: Stage, until: datetime) -> None:
    """Time goes by, stopping where something is due and, for turns that are tried again, four times at the least."""
    assert until > stage.now, "time only goes forward"
    pace = (until - stage.now) / 4

    def live_on(desk: Sportello) -> None:
        while True:
            desk.engine.retry()
            desk.worker.erase()
            desk.worker.give_back()
            desk.worker.plan(stage.now, looks_at_all=True)
            asyncio.run(desk.deliverer.drain())
            if stage.now >= until:
                return
            with desk.storage.reading() as store:
                rest = min(stage.now + pace, until)
                stage.now = next((one.at for one in coming(store, stage.now, rest)), rest)

    stage.played(live_on)


@direction(r"the same message arrives again")
def again(stage: Stage) -> None:
    assert stage.last is not None
    stage.hears(stage.last)


@direction(r"(\w+) taps «(.+?)»(?: on an earlier message)?")
def taps(stage: Stage, who: str, label: str) -> None:
    """A touch on the newest message that shows this label, old or not."""
    for message in reversed(stage.shown_to(who)):
        for index, option in enumerate(message.options or []):
            if option["short"] == label:
                return stage.sends(who, kind="tap", tap=Tap(message.id, index))
    raise LookupError(f"no message to {who} shows [{label}]")


@direction(r"(\w+) sends a (photo|voice message|video|sticker|place|contact|file|poll)")
def sends_a(stage: Stage, who: str, kind: str) -> None:
    stage.sends(who, kind=KINDS[kind], payload=carried(stage, KINDS[kind]))


def carried(stage: Stage, kind: str) -> dict[str, Any]:
    """What a channel says of a message of this kind."""
    known = {"document": {"name": "cv.pdf", "mime_type": "application/pdf"}, "voice": {"mime_type": "audio/ogg"}}
    is_kept = kind in ("photo", "voice", "document")
    return {"file_id": f"file-{next(stage.numbers)}", "size": 4000, **known.get(kind, {})} if is_kept else {}


@direction(r"(\w+) sends the file «(.+?)»(?: of (\d+) megabytes)?")
def sends_the_file(stage: Stage, who: str, name: str, megabytes: str | None) -> None:
    media = {**carried(stage, "document"), "name": name, "mime_type": mimetypes.guess_type(name)[0]}
    stage.sends(who, kind="document", payload={**media, "size": int(megabytes or 1) * 1024 * 1024})


CONTENTS = {
    "is a PDF": files.PDF,
    "is a photo": files.JPEG,
    "is a voice message": files.VOICE,
    "is a program": files.PROGRAM,
    "has a program in it": files.PDF_WITH_A_SCRIPT,
    "is no longer there": None,
}


class Shelf:
    """Where the channel keeps what people send."""

    def __init__(self, content: bytes | None) -> None:
        self.content = content

    async def fetch(self, provider_id: str) -> bytes:
        if self.content is None:
            raise DeliveryError("gone", "The file is no longer there.")
        return self.content


@direction(rf"what was sent ({'|'.join(CONTENTS)})")
def is_fetched(stage: Stage, what: str) -> None:
    """The desk fetches what waits, and looks inside."""

    def fetch(desk: Sportello) -> None:
        filing = Filing(desk.storage, desk.clock, desk.engine.play.catalogues)
        fetcher = Fetcher(filing, {}, Shelf(CONTENTS[what]))
        while asyncio.run(fetcher.run_once()):
            pass

    stage.played(fetch)


@direction(r"(\w+) shares (?:her|his) number (\+?\d+)")
def shares_own_number(stage: Stage, who: str, number: str) -> None:
    stage.sends(who, kind="contact", payload={"own": True, "phone": number})


@direction(r"(\w+) shares somebody else’s number")
def shares_a_number(stage: Stage, who: str) -> None:
    stage.sends(who, kind="contact", payload={"own": False})


@direction(r"(\w+) changes that message to «(.*)»")
def changes(stage: Stage, who: str, text: str) -> None:
    stage.sends(who, text, kind="edited")


@direction(r"(\w+) sends nothing at all")
def sends_nothing(stage: Stage, who: str) -> None:
    stage.sends(who, "")


@direction(r"(\w+) writes (\d+) times «(.)»")
def writes_much(stage: Stage, who: str, times: str, letter: str) -> None:
    stage.sends(who, letter * int(times))


@direction(r"(\w+) opens the link «(.+)»")
def opens_link(stage: Stage, who: str, payload: str) -> None:
    stage.sends(who, "/start", start=payload)


@direction(r"(\w+) (blocks|unblocks) the chat")
def blocks(stage: Stage, who: str, what: str) -> None:
    stage.sends(who, kind="blocked" if what == "blocks" else "unblocked")


@direction(r"the desk calls off «(.+)»")
def called_off(stage: Stage, title: str) -> None:
    changed(stage, title, lambda changes, found: changes.call_off(found.id))


@direction(r"the desk moves «(.+)» (back )?by (\d+) (minutes|hours|days)")
def moved(stage: Stage, title: str, back: str | None, number: str, unit: str) -> None:
    by = timedelta(**{unit: int(number)}) * (-1 if back else 1)
    changed(stage, title, lambda changes, found: changes.move(found.id, on_the_wall(found.starts_at, by)))


@direction(r"the desk puts «(.+)» online")
def put_online(stage: Stage, title: str) -> None:
    changed(stage, title, lambda changes, found: changes.go_online(found.id, "https://meet.example.org/stage"))


@direction(r"«(.+)» has (\d+) places? now")
def resized(stage: Stage, title: str, places: str) -> None:
    changed(stage, title, lambda changes, found: changes.resize(found.id, int(places)))


def changed(stage: Stage, title: str, change: Callable[[Changes, Workshop], None]) -> None:
    """Somebody of the desk changes a workshop, and everybody concerned is told."""

    def act(desk: Sportello) -> None:
        with desk.storage.writing() as store:
            found = store.workshops.get(workshop_id(store, title))
            assert found
            change(Changes(store, stage.now, desk.engine.play.catalogues, actor="staff:1"), found)

    stage.played(act)


@direction(r"the desk writes down that (\w+) was (there|absent) at «(.+)»")
def attended(stage: Stage, who: str, what: str, title: str) -> None:
    def mark(store: Store) -> None:
        person = stage.person(store, who)
        booking = store.workshops.booking_of(person.id, workshop_id(store, title))
        assert booking
        catalogues = Catalogues()
        desk = Desk(store, person, stage.now, catalogues, by="staff:1")
        said: Said = "present" if what == "there" else "absent"
        assert isinstance(desk.attendance.mark(booking.id, said, how="console", reason="It was a mistake."), Kept)

    stage.with_store(mark)


@direction(r"it is (\d{4}-\d\d-\d\d) at (\d\d:\d\d)")
def it_is(stage: Stage, day: str, hour: str) -> None:
    """The play begins then; nothing has happened yet."""
    stage.now = datetime.fromisoformat(f"{day} {hour}").replace(tzinfo=ROME).astimezone(UTC)


# What can be checked on stage


@direction(r"(\w+) (is booked|waits|has no place) (?:for|at) «(.+)»")
def has_a_place(stage: Stage, who: str, what: str, title: str) -> None:
    def look(store: Store) -> str | None:
        booking = store.workshops.booking_of(stage.person(store, who).id, workshop_id(store, title))
        return booking.state if booking else None

    assert stage.with_store(look) == {"is booked": "booked", "waits": "waiting", "has no place": None}[what], (
        who,
        title,
    )


@direction(r"(\w+) said stop because: (\w+)")
def said_stop_because(stage: Stage, who: str, reason: str) -> None:
    found = stage.with_store(lambda store: store.people.stops(stage.person(store, who).id))
    assert found[-1].reason == reason, (who, found[-1])


@direction(r"(\w+) has confirmed «(.+)»")
def has_confirmed(stage: Stage, who: str, title: str) -> None:
    def look(store: Store) -> bool:
        booking = store.workshops.booking_of(stage.person(store, who).id, workshop_id(store, title))
        return bool(booking and booking.confirmed_at)

    assert stage.with_store(look), (who, title)


@direction(r"(\w+) has (agreed|not agreed) to (reminders|offers)")
def has_agreed(stage: Stage, who: str, what: str, topic: str) -> None:
    purpose = {"reminders": "service_messages", "offers": "opportunity_push"}[topic]
    found = stage.with_store(lambda store: purpose in store.people.consents(stage.person(store, who).id))
    assert found == (what == "agreed"), (who, topic, what)


@direction(r"(\w+)'s consent to (reminders|offers) is proved")
def proved(stage: Stage, who: str, topic: str) -> None:
    """The row names the question that was on the screen and the message that answered it."""
    purpose = {"reminders": "service_messages", "offers": "opportunity_push"}[topic]

    def look(store: Store) -> None:
        person = stage.person(store, who)
        row = store.read(
            select(consents)
            .where(consents.c.person_id == person.id, consents.c.purpose == purpose)
            .order_by(consents.c.id)
        )[-1]
        question, answer = store.messages.get(row.question_id), store.messages.get(row.answer_id)
        assert question and answer and row.text in question.text and answer.direction == "in", row
        assert row.provider_id == answer.message_key and row.version and len(row.text_hash) == 64, row

    stage.with_store(look)


@direction(r"(\w+) is known as «(.+)», born in (\d+), of (.+), (registered|not registered)")
def known_as(stage: Stage, who: str, name: str, year: str, town: str, state: str) -> None:
    def look(store: Store) -> None:
        person = stage.person(store, who)
        place = store.territories.place(person.comune_istat)
        seen = (person.first_name, person.birth_year, place.name if place else "nowhere", bool(person.registered_at))
        assert seen == (name, int(year), town, state == "registered"), seen

    stage.with_store(look)


def workshop_id(store: Store, title: str) -> int:
    for row in store.read(select(workshops.c.id, workshops.c.title)):
        if row.title["it"] == title:
            return int(row.id)
    raise LookupError(f"no workshop is called «{title}»")


@direction(r"(\w+) is not registered")
def not_registered(stage: Stage, who: str) -> None:
    assert stage.with_store(lambda store: stage.person(store, who).registered_at) is None


@direction(r"(\w+) came from «(.+)»")
def came_from(stage: Stage, who: str, source: str) -> None:
    assert stage.with_store(lambda store: stage.person(store, who).source) == source


@direction(r"a person of the desk is asked to look after (\w+): (\w+)")
def case_is_open(stage: Stage, who: str, reason: str) -> None:
    assert reason in stage.with_store(lambda store: store.cases.open_reasons(stage.person(store, who).id)), (
        who,
        reason,
    )


@direction(r"(\w+) (can be called at (\+\d+)|left no number)")
def can_be_called(stage: Stage, who: str, _what: str, number: str | None) -> None:
    assert stage.with_store(lambda store: stage.person(store, who).phone) == number


@direction(r"the desk has (no|\d+) files? of (\w+)(?:’s)?")
def has_files(stage: Stage, number: str, who: str) -> None:
    found = stage.with_store(lambda store: store.files.of(stage.person(store, who).id))
    assert len(found) == (0 if number == "no" else int(number)), found


@direction(r"(\w+) has got the file «(.+)»(?: in (English|Italian))?")
def has_got(stage: Stage, who: str, name: str, language: str | None) -> None:
    carried = [one.payload or {} for one in stage.shown_to(who)]
    number = next(one["file"] for one in reversed(carried) if one.get("name") == name)
    kept = stage.with_store(lambda store: store.files.content(number))
    found = kept.content.decode()
    assert f"stage:{who}" in found, found
    assert language is None or f'<html lang="{language[:2].lower()}">' in found, found[:200]


@direction(r"(\w+) is deleted(, and nobody waits for (?:her|him))?")
def is_deleted(stage: Stage, who: str, _nobody: str | None) -> None:
    """Nobody writes from this address any more, and who did is a number that somebody counted."""

    def look(store: Store) -> None:
        assert store.people.at(stage.address(who).channel, stage.address(who).id) is None
        gone = store.read(select(people.c.id, people.c.erased_at).where(people.c.erased_at.is_not(None)))
        assert gone and all(store.cases.open_reasons(row.id) == [] for row in gone)

    stage.with_store(look)


@direction(r"nothing of «(.+)» is lost")
def nothing_lost(stage: Stage, text: str) -> None:
    found = stage.with_store(lambda store: store.read(select(messages.c.id).where(messages.c.text == text)))
    assert found, text


def play(path: Path, url: str, channel: str) -> list[str]:
    """The transcript as Sportello would have it today."""
    stage = Stage(url, channel)
    out: list[str] = []
    with contextlib.closing(stage):
        _play(stage, path, out)
    return out


def _play(stage: Stage, path: Path, out: list[str]) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(("Sportello to ", "    ")):
            continue  # said again below, by Sportello itself
        out.append(line)
        if found := re.match(r"\((.+)\)$", line):
            perform(stage, found[1])
        elif found := re.match(r"(\w+): (.*)$", line):
            stage.sends(found[1], found[2])
        out += stage.heard()


def perform(stage: Stage, words: str) -> None:
    for pattern, act in DIRECTIONS:
        if found := pattern.match(words):
            return act(stage, *found.groups())
    known = "\n".join(f"  ({pattern.pattern})" for pattern, _act in DIRECTIONS)
    raise LookupError(f"no stage direction matches ({words}); these are known:\n{known}")


def neutral(lines: list[str]) -> list[str]:
    """Lines without the borders between messages: where a long text is parted is the channel's affair."""
    without = [re.sub(r"^Sportello to \w+: ?", "", line).strip() for line in lines]
    return [line for line in without if line]


from tests import stage_calendar, stage_check_in, stage_clubs, stage_diary, stage_handover  # noqa: E402, F401  their directions are known here as well
