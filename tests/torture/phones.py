# SPDX-License-Identifier: EUPL-1.2
"""People with phones, who do what people do: answer, change their minds, touch old buttons, say stop, come back."""

import asyncio
import itertools
import random
import re
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.channels import twilio_phone
from tests.torture.outdoors import Params
from tests.torture.post import Calls, Post, Update
from tests.torture.telegram import Sent, Telegram
from tests.torture.twilio import Twilio

NAMES = ("Amina", "Luca", "Joy", "Nadia", "Omar", "Ines", "Pavel", "Fatou", "Marta", "Dawit", "Rosa", "Bilal")
WRITTEN = (
    (r"What year were you born", "1987"),
    (r"What is your name", "{name}"),
    (r"which town|Which one is it", "Bologna"),
    (r"What job do you look for", "cleaner"),
)
WISHES = {
    "workshops": 12,
    "agenda": 9,
    "menu": 2,
    "hello": 1,
    "help": 1,
    "privacy": 1,
    "my data": 1,
    "person": 1,
    "back": 1,
    "cancel": 1,
    "sign up": 1,
    "where is the nearest office that can help me": 1,
    "blah blah": 1,
    "🙂": 1,
}
NEWEST_BUTTONS = 6  # messages back, for who scrolls up

_messages = itertools.count(1)
_queries = itertools.count(4_611_686_018_427_387_904)


@dataclass
class Stop:
    """Somebody said stop: nothing may arrive from when the desk had it until they do something else."""

    update: Update
    is_block: bool = False


@dataclass
class Phone(ABC):
    """Somebody's phone; ``pace`` is the mean number of seconds between two things they do."""

    number: int
    random: random.Random
    network: Telegram | Twilio
    post: Post
    pace: float
    stops: list[Stop] = field(default_factory=list)
    silent: bool = False
    done: list[Update] = field(default_factory=list)

    @property
    @abstractmethod
    def chat(self) -> int | str:
        """Its chat with us, as the network calls it."""

    @abstractmethod
    def sends(self, text: str) -> Update:
        """Its owner writes."""

    @abstractmethod
    def speaks(self) -> Update:
        """Its owner sends a voice message."""

    @abstractmethod
    def taps(self, shown: Sent, button: Params) -> Update:
        """Its owner touches a button, or a line of a list."""

    @abstractmethod
    def blocks(self) -> Update:
        """Its owner shuts the chat."""

    @abstractmethod
    def unblocks(self) -> Update:
        """And opens it again."""

    @property
    def name(self) -> str:
        return NAMES[self.number % len(NAMES)]

    @property
    def shown(self) -> list[Sent]:
        return self.network.shown.get(self.chat, [])

    async def lives(self, until: float) -> None:
        self.network.news[self.chat] = asyncio.Event()
        await asyncio.sleep(self.random.uniform(0, 1))
        await self.signs_up()
        while time.monotonic() < until:
            await self._reads(self.acts())
            pause = self.random.uniform(3, 10) if self.silent else self.random.expovariate(1 / self.pace)
            await asyncio.sleep(pause)

    async def signs_up(self) -> None:
        """Most people know what they have come for."""
        await self._hears_back(self.writes("/start"))
        if self.random.random() < 0.8:
            await self._hears_back(self.writes("sign up"))
            for _ in range(8):
                await self._hears_back(self.answers(self.shown[-1]) if self.shown else self.writes("sign up"))

    async def _reads(self, update: Update) -> None:
        """Most wait for an answer; some do not."""
        if self.random.random() >= 0.15:
            await self._hears_back(update)

    async def _hears_back(self, update: Update) -> None:
        self.done.append(update)
        news = self.network.news[self.chat]
        news.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(news.wait(), 4)
        await asyncio.sleep(0.6)  # it may have more to say

    # ---- what people do

    def acts(self) -> Update:
        update = self._acts()
        if self.random.random() < 0.05:
            self.post.repeats(update, self.random.uniform(0, 3))
        if self.random.random() < 0.03 and len(self.done) > 3:
            self.post.repeats(self.random.choice(self.done), 0)
        return update

    def _acts(self) -> Update:
        drawn = self.random.random()
        if self.chat in self.network.blocked:
            return self.unblocks() if drawn < 0.5 else self.writes("hello")
        if self.silent and self.shown and drawn < 0.3:
            return self.touches(self.shown[-1])  # why? one may say why
        if self.silent:
            return self.writes("hello" if drawn < 0.8 else self._wish())
        if not self.shown:
            return self.writes("/start")
        if drawn < 0.03:
            return self.says_stop()
        if drawn < 0.045:
            return self.blocks()
        if drawn < 0.09:
            return self.touches(self.random.choice(self.shown[-NEWEST_BUTTONS:]))
        if drawn < 0.11:
            return self.speaks()
        return self.writes(self._wish()) if drawn < 0.2 else self.answers(self.shown[-1])

    def _wish(self) -> str:
        return self.random.choices(list(WISHES), list(WISHES.values()))[0]

    def answers(self, shown: Sent) -> Update:
        if shown.buttons:
            return self.touches(shown) if self.random.random() < 0.7 else self.writes(str(self._choice(shown) + 1))
        for pattern, words in WRITTEN:
            if re.search(pattern, shown.text):
                return self.writes(words.format(name=self.name))
        return self.writes(self._wish())

    def touches(self, shown: Sent) -> Update:
        if not shown.buttons:
            return self.writes(self._wish())
        return self.taps(shown, shown.buttons[self._choice(shown)])

    def _choice(self, shown: Sent) -> int:
        """People come for something: they rather say yes."""
        labels = [button["text"].lower() for button in shown.buttons]
        hopeful = [place for place, label in enumerate(labels) if label.startswith(("yes", "training", "i'm coming"))]
        if hopeful and self.random.random() < 0.8:
            return hopeful[0]
        if self.random.random() < 0.4:
            return 0  # what everybody wants
        return self.random.randrange(len(labels))

    def writes(self, text: str) -> Update:
        self.silent = False
        return self.sends(text)

    def says_stop(self) -> Update:
        """Some have had enough in the middle of a lot of answers."""
        for _ in range(self.random.choice((0, 5))):
            self.done.append(self.writes(self._wish()))
        update = self.sends(self.random.choice(("stop", "STOP", "/stop", "unsubscribe")))
        self.stops.append(Stop(update))
        self.silent = True
        return update

    # ---- the small print

    def _late(self) -> float:
        return self.random.uniform(0.5, 3) if self.random.random() < 0.05 else 0.0

    def _overtakes(self) -> str:
        """Once in a while a message overtakes the one before it."""
        return "other" if self.random.random() < 0.03 else ""


@dataclass
class TelegramPhone(Phone):
    """A phone with Telegram on it."""

    network: Telegram

    @property
    def chat(self) -> int:
        return self.number

    def sends(self, text: str) -> Update:
        return self._sends(text=text)

    def speaks(self) -> Update:
        return self._sends(voice={"file_id": "v", "file_unique_id": "v", "duration": 3, "mime_type": "audio/ogg"})

    def _sends(self, **content: Any) -> Update:
        self.network.blocked.discard(self.chat)
        number = next(_messages)
        body = {"message_id": number, "from": self.user, "chat": self.place, "date": int(time.time()), **content}
        return self.post.happens(self.chat, "message", body, self._overtakes(), late=self._late())

    def taps(self, shown: Sent, button: Params) -> Update:
        query = {
            "id": str(next(_queries)),
            "from": self.user,
            "message": {"message_id": shown.number, "date": int(time.time()), "chat": self.place, "text": shown.text},
            "chat_instance": "1",
            "data": button.get("callback_data", ""),
        }
        return self.post.happens(self.chat, "callback_query", query, "tap", late=self._late())

    def blocks(self) -> Update:
        self.network.blocked.add(self.chat)
        update = self._member("member", "kicked")
        self.stops.append(Stop(update, is_block=True))
        return update

    def unblocks(self) -> Update:
        self.network.blocked.discard(self.chat)
        return self._member("kicked", "member")

    def _member(self, before: str, after: str) -> Update:
        bot = {"id": 1234567, "is_bot": True, "first_name": "Sportello"}
        old, new = ({"user": bot, "status": status, "until_date": 0} for status in (before, after))
        body = {"chat": self.place, "from": self.user, "date": int(time.time())}
        return self.post.happens(
            self.chat, "my_chat_member", {**body, "old_chat_member": old, "new_chat_member": new}, "member"
        )

    @property
    def user(self) -> Params:
        return {"id": self.number, "is_bot": False, "first_name": self.name, "language_code": "en"}

    @property
    def place(self) -> Params:
        return {"id": self.number, "type": "private", "first_name": self.name}


@dataclass
class WhatsAppPhone(Phone):
    """A phone with WhatsApp on it. Some of their owners have a user name, and show no number."""

    network: Twilio
    post: Calls

    def __post_init__(self) -> None:
        known = None if self.number % 3 == 0 else f"+39333{self.number:07d}"
        self.phone = twilio_phone.Phone(known, f"IT.{self.number:018d}", self.name)
        self.network.phone(self.chat)

    @property
    def chat(self) -> str:
        return self.phone.address

    def sends(self, text: str) -> Update:
        return self._does(self.phone.writes(text, sid=self.network.takes_in(self.chat, text)["sid"]))

    def speaks(self) -> Update:
        record = self.network.takes_in(self.chat, "", media=[("audio/ogg", b"OggS" + bytes(60))])
        path = next(path for path in self.network.media if record["sid"] in path)
        return self._does(self.phone.sends("audio/ogg", f"https://api.twilio.com{path}"))

    def taps(self, shown: Sent, button: Params) -> Update:
        do = self.phone.picks if button["is_line"] else self.phone.taps
        sid = self.network.takes_in(self.chat, button["text"])["sid"]
        return self._does(do(button["id"], button["text"], str(shown.number), sid=sid))

    def blocks(self) -> Update:
        """Twilio never says so: for us it is somebody who does not answer."""
        return self.says_stop()

    def unblocks(self) -> Update:
        return self.writes("hello")

    def _does(self, words: dict[str, str]) -> Update:
        return self.post.call(self.chat, words, self._overtakes(), late=self._late())
