# SPDX-License-Identifier: EUPL-1.2
"""What a turn works with: the chat, the person, the conversation on its way, and what has been said so far."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handlers.context import Context
from handlers.desk import Desk
from handlers.desk.calendar import Links
from handlers.engine.frames import Frame, frame_in, frame_of
from handlers.rules.cries import cry_in
from handlers.talk import Conversation, Go, Incoming, Reader, anytime, language
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.dialogues import Opened

HOME = "menu"
RESUMES_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Play:
    """The conversations there are, the languages they are played in, and the release that plays them."""

    conversations: dict[str, Conversation]
    catalogues: Catalogues
    release: str
    default_language: str = "it"
    links: Links | None = None

    @classmethod
    def of(
        cls, conversations: Iterable[Conversation], catalogues: Catalogues, release: str, links: Links | None = None
    ) -> "Play":
        return cls({one.name: one for one in conversations}, catalogues, release, catalogues.default, links)

    def first_language(self, message: Incoming) -> str:
        """The language to begin in: what the words say, else what the app says, else the desk's own."""
        named = anytime.language_named(message.text, self.catalogues)
        return (
            named or language.guess(message.text, message.language, self.catalogues.languages) or self.default_language
        )

    def is_urgent(self, message: Incoming) -> bool:
        """Does this message go ahead of others that wait? Stopping does, a cry for help, news about the chat itself."""
        is_news = message.kind in ("blocked", "unblocked")
        return is_news or anytime.find(message.text, self.catalogues) == "stop" or cry_in(message.text) is not None


class Scene:
    """One person's dialogue while a message of theirs is being answered."""

    def __init__(self, play: Play, store: Store, row: int, message: Incoming, opened: Opened, now: datetime) -> None:
        self.play, self.store, self.row, self.message, self.now = play, store, row, message, now
        self.opened, self.dialogue, self.identity = opened, opened.dialogue, opened.identity
        chat = opened.identity
        desk = Desk(store, opened.person, now, play.catalogues, chat=chat, message_id=row, links=play.links)
        self.c = Context(opened.identity, desk, play.catalogues, now)
        self.frame = frame_in(opened.dialogue, play.conversations)
        self.paused: list[dict[str, Any]] = list(opened.dialogue.paused)
        self.kept: dict[str, Any] = dict(opened.dialogue.kept)
        self.misses = opened.dialogue.misses

    def now_in(self) -> Frame:
        """The conversation that is going on; only asked where there is one."""
        assert self.frame is not None, "no conversation is going on"
        return self.frame

    def is_in(self, name: str) -> bool:
        return self.frame is not None and self.frame.conversation.name == name

    def is_asking(self) -> bool:
        """Is there a question that waits for an answer?"""
        return self.frame is not None and self.dialogue.question_id is not None

    def is_new(self) -> bool:
        return self.dialogue.conversation is None and self.dialogue.question_id is None

    def is_silent(self) -> bool:
        """Did this person say stop, and is nothing open that they asked for since?"""
        return bool(self.c.person.stopped_at) and not self.is_asking()

    def reader(self) -> Reader:
        """In whose words: the language the person has by now."""
        return self.play.catalogues.reader(self.c.person.language)

    def forget(self) -> None:
        """Nothing goes on, nothing waits, nothing is half filled in."""
        self.frame, self.paused, self.kept = None, [], {}

    def aside(self, going: Go) -> Go:
        """Start something aside; what is going on waits, and its question is asked again afterwards."""
        if self.frame and self.frame.conversation.name != going.conversation:
            self.pause()
        return going

    def pause(self) -> None:
        if self.frame and self.frame.step and not self.is_in(HOME):
            self.paused.append(self.frame.stored())

    def resume(self) -> Frame | None:
        """The newest conversation that waits; one that no longer exists waits for nobody."""
        while self.paused:
            if frame := frame_of(self.paused.pop(), self.play.conversations):
                return frame
        return None

    def home(self) -> Go:
        """Leave for the menu; a form that keeps its answers keeps them."""
        self.leave()
        return Go(HOME)

    def leave(self) -> None:
        """Nothing goes on; a form that keeps its answers keeps them."""
        for stored in [*self.paused, *([self.frame.stored()] if self.frame else [])]:
            conversation = self.play.conversations.get(stored["conversation"])
            if conversation and conversation.keeps and stored["draft"]:
                self.kept[conversation.name] = {**stored, "at": self.now.isoformat()}
        self.paused = []

    def taken_up(self, conversation: Conversation) -> dict[str, Any] | None:
        """What was filled in the last time, if this conversation keeps that and it was not too long ago."""
        if not conversation.keeps:
            return None
        for waiting in [one for one in self.paused if one["conversation"] == conversation.name]:
            self.paused.remove(waiting)  # it is taken up here, and must not come back a second time
            return waiting
        kept: dict[str, Any] | None = self.kept.pop(conversation.name, None)
        is_fresh = kept is not None and self.now - datetime.fromisoformat(kept["at"]) <= RESUMES_FOR
        return kept if is_fresh else None
