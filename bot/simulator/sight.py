# SPDX-License-Identifier: EUPL-1.2
"""All that the page shows at one moment, and what of it has changed since the page looked last."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from babel import Locale, UnknownLocaleError

from bot.clock import Clock
from bot.simulator.behind import behind
from bot.simulator.bubbles import Bubbles, Json, holder, met
from handlers.desk import clock as stored
from handlers.desk.coming import Coming, coming
from handlers.talk import Reader
from handlers.talk.catalogues import Catalogues
from handlers.talk.text import ROME, locale_of, shown
from storage import Storage, Store

MOST = 300  # bubbles on a phone
FAR = timedelta(days=60)  # how far ahead one looks for what is due next
NEXT = 8

Holders = Mapping[str, str]
"""Who holds the phone of each channel."""


class Sight:
    """Reads, and only of simulated chats."""

    def __init__(self, storage: Storage, clock: Clock, catalogues: Catalogues) -> None:
        self.storage, self.clock, self.catalogues = storage, clock, catalogues

    def of(self, holders: Holders, language: str) -> Json:
        """The clock, what comes next, and each phone."""
        reader, now = self.catalogues.reader(language), self.clock.now()
        with self.storage.reading() as store:
            return {
                "clock": {"at": minute(now), "local": on_the_wall(now), "words": shown(now, reader)},
                "next": self._next(store, now, reader),
                "phones": {channel: self._phone(store, channel, who, now, reader) for channel, who in holders.items()},
            }

    def pulse(self, holders: Holders) -> list[Any]:
        """A few figures that are others as soon as the sight is: cheap to look at, again and again."""
        with self.storage.reading() as store:
            self.clock.follow(stored.offset(store))  # another process may have moved it
            found = [met(store, channel, who)[1] for channel, who in holders.items()]
            ids = [person.id for person in found if person]
            versions = [store.dialogues.get(id).version for id in ids]
            return [minute(self.clock.now()), ids, versions, store.messages.pulse(ids), store.messages.newest()]

    def people(self, language: str) -> list[Json]:
        """The invented people one can be."""
        with self.storage.reading() as store:
            found = store.people.demonstration()
        return [
            {
                "from": holder(identity.address),
                "name": person.first_name,
                "channel": identity.channel,
                "language": language_in_words(person.language, self.catalogues.reader(language)),
            }
            for person, identity in found
        ]

    def _phone(self, store: Store, channel: str, who: str, now: datetime, reader: Reader) -> Json:
        identity, person = met(store, channel, who)
        if identity is None or person is None:
            return {"messages": [], "language": None, "name": None, "window": None, "behind": None}
        found = [one for one in store.messages.of(person.id) if one.identity_id == identity.id]
        bubbles = Bubbles(store, identity, reader, found, self.catalogues, person.language)
        return {
            "messages": bubbles.all()[-MOST:],
            "language": person.language,
            "name": person.first_name,
            "window": window(bubbles, now, reader) if channel == "whatsapp" else None,
            "behind": behind(store, identity, found, reader),
        }

    def _next(self, store: Store, now: datetime, reader: Reader) -> list[Json]:
        found = coming(store, now, now + FAR)
        ours = store.people.simulated({one.person_id for one in found})
        return [due(store, one, reader) for one in [one for one in found if one.person_id in ours][:NEXT]]


def due(store: Store, one: Coming, reader: Reader) -> Json:
    words = str(shown(one.words, reader)).strip().splitlines()
    chat = store.people.reachable(one.person_id)
    return {
        "channel": chat.channel if chat else None,
        "who": store.people.get(one.person_id).first_name,
        "name": one.name,
        "what": " ".join(words[:2]),
        "at": one.at.isoformat(),
        "when": shown(one.at, reader),
    }


def window(bubbles: Bubbles, now: datetime, reader: Reader) -> Json | None:
    """May we write freely on WhatsApp, and until when? None to who has never written."""
    if not bubbles.heard:
        return None
    until = bubbles.window_at(now)
    return {"is_open": until is not None, "until": shown(until, reader) if until else ""}


def news(sight: Json, seen: Json) -> Json:
    """What has changed between two sights; of a phone only the bubbles that are new or look different."""
    found = {name: sight[name] for name in ("clock", "next") if sight[name] != seen.get(name)}
    before = seen.get("phones", {})
    phones = {channel: changed(phone, before.get(channel, {})) for channel, phone in sight["phones"].items()}
    return found | ({"phones": phones} if any(phones.values()) else {})


def changed(phone: Json, before: Json) -> Json:
    found = {name: part for name, part in phone.items() if name != "messages" and part != before.get(name, ())}
    known = {one["id"]: one for one in before.get("messages", ())}
    fresh = [one for one in phone["messages"] if known.get(one["id"]) != one]
    return found | ({"messages": fresh} if fresh or not before else {})


def mark(sight: Json) -> str:
    """The name of what the phones show, by which a page that comes back says what it has seen."""
    return hashlib.sha256(json.dumps(sight["phones"]).encode()).hexdigest()[:32]


def language_in_words(language: str, reader: Reader) -> str:
    """The name of a language, as the reader calls it."""
    try:
        return Locale.parse(language, sep="-").get_display_name(locale_of(reader.language)) or language
    except (UnknownLocaleError, ValueError):
        return language


def on_the_wall(at: datetime) -> str:
    """As the page's own field for a day and an hour has it."""
    return f"{at.astimezone(ROME):%Y-%m-%dT%H:%M}"


def minute(at: datetime) -> str:
    return at.isoformat(timespec="minutes")
