# SPDX-License-Identifier: EUPL-1.2
"""What follows from one message: the word or the answer is read, steps are walked, and something is said."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from handlers.context import Answered, Context
from handlers.desk import Desk
from handlers.engine.frames import Frame, dump, frame_in, frame_of, load
from handlers.engine.speech import Speech, hash_of
from handlers.talk import (
    Again,
    Conversation,
    Done,
    Go,
    Gone,
    Incoming,
    Move,
    NotUnderstood,
    Option,
    Question,
    Reader,
    Step,
    Words,
    _,
    anytime,
    language,
    reading,
)
from handlers.talk.answers import Said
from handlers.talk.catalogues import Catalogues
from handlers.talk.conversation import Walk
from handlers.talk.text import shown
from storage import Store
from storage.dialogues import Opened
from storage.messages import Message

MAX_HOPS = 20
RESUMES_FOR = timedelta(days=7)
NUMERIC = ("Number", "BirthYear", "Day")
HOME = "menu"
STILL_ALLOWED = ("start", "stop", "person", "privacy", "my_data", "language", "help")  # to someone who said stop


class ChangedWhileLooking(Exception):
    """A step changed its draft before its question; move the change below the yield."""


class WrittenByNewer(Exception):
    """A newer release asked this question; a process of that release will take the answer."""


class TooManyHops(Exception):
    """Steps lead to one another without ever asking or ending."""


@dataclass(frozen=True)
class Play:
    """The conversations there are, the languages they are played in, and the release that plays them."""

    conversations: dict[str, Conversation]
    catalogues: Catalogues
    release: str
    default_language: str = "it"

    @classmethod
    def of(cls, conversations: Iterable[Conversation], catalogues: Catalogues, release: str) -> "Play":
        return cls({one.name: one for one in conversations}, catalogues, release, catalogues.default)

    def first_language(self, message: Incoming) -> str:
        """The language to begin in: what the words say, else what the app says, else the desk's own."""
        named = anytime.language_named(message.text, self.catalogues)
        return (
            named or language.guess(message.text, message.language, self.catalogues.languages) or self.default_language
        )

    def is_urgent(self, message: Incoming) -> bool:
        """Does this message go ahead of others that wait? Stopping does, and so does news about the chat itself."""
        return message.kind in ("blocked", "unblocked") or anytime.find(message.text, self.catalogues) == "stop"


class Turn:
    """One turn of one person's dialogue, inside a transaction that somebody else commits."""

    def __init__(self, play: Play, store: Store, row: int, message: Incoming, opened: Opened, now: datetime) -> None:
        identity, dialogue = opened.identity, opened.dialogue
        self.play, self.store, self.row, self.message, self.now = play, store, row, message, now
        self.identity, self.dialogue, self.opened = identity, dialogue, opened
        desk = Desk(store, opened.person, now, play.catalogues, chat=identity, message_id=row)
        self.c = Context(identity, desk, play.catalogues, now)
        self.speech = Speech(store, identity, row, now)
        self.paused: list[dict[str, Any]] = list(dialogue.paused)
        self.kept: dict[str, Any] = dict(dialogue.kept)
        self.frame = frame_in(dialogue, play.conversations)
        self.question: Question | None = None
        self.misses = dialogue.misses
        self.bare = False

    def run(self) -> None:
        self._greet()
        move = self._first_move()
        self._follow(move)
        self._save()

    # what the message means

    def _greet(self) -> None:
        """The first time: who we are, before any question. A link that brought them is remembered."""
        self.c.desk.people.came_from(self.message.start)
        if self.dialogue.conversation is None and self.dialogue.question_id is None:
            self._begin(Go("hello"))
        elif self._is_stale():
            self.frame, self.paused, self.kept = None, [], {}
            self.dialogue = replace(self.dialogue, question_id=None, question_kind=None, question_hash=None)

    def _is_stale(self) -> bool:
        return self.now - self.dialogue.changed_at > RESUMES_FOR

    def _first_move(self) -> "Move | Question | None":
        if self.message.kind not in ("text", "tap"):
            return self._not_words(self.message.kind)
        if self.message.kind == "tap":
            return self._tapped()
        if move := self._anytime():
            return move
        if self.c.person.stopped_at and not (self._question_is_open() and self._is_in("start")):
            return Go("start")
        if pushed := self._typed_for_a_push(by_words=False):
            return pushed
        if self._question_is_open():
            return self._answered(self.message.text, None, in_options(self.opened.options))
        return self._typed_for_a_push(by_words=True) or self._topic() or Go(HOME)

    def _anytime(self) -> "Move | Question | None":
        text = self.message.text
        if named := anytime.language_named(text, self.play.catalogues):
            return self._interrupt(Go("language", {"chosen": named}))
        word = anytime.find(text, self.play.catalogues)
        if word is None or (
            word == "menu" and reading.number(text) is not None and self.dialogue.question_kind in NUMERIC
        ):
            return None
        return self._word(word)

    def _word(self, word: str) -> "Move | Question | None":
        match word:
            case "menu":
                self._set_aside()
                return Go(HOME)
            case "stop":
                self.frame, self.paused, self.kept = None, [], {}
                return Go("stop")
            case "start":
                return self._hello_again()
            case "cancel":
                return self._cancelled()
            case "back":
                return self._back()
            case _:
                return self._interrupt(Go(word))

    def _hello_again(self) -> "Move | Question | None":
        """A greeting goes on where we are; /start goes to the menu; whoever said stop begins again."""
        if self.c.person.stopped_at:
            return Go("start", {"sure": True})
        if self.message.text.startswith("/") or not self._question_is_open() or self._is_in(HOME):
            self._set_aside()
            return Go(HOME)
        self.c.say(_("Hello again."))
        return self._ask_again()

    def _is_in(self, name: str) -> bool:
        return self.frame is not None and self.frame.conversation.name == name

    def _cancelled(self) -> Move:
        """Give up what is going on; with nothing going on, see what there is to give up."""
        if self.frame is None or self.frame.step is None or self._is_in(HOME):
            return Go("agenda")
        self.kept.pop(self.frame.conversation.name, None)
        self.c.say(_("All right, we stop here."))
        return Done()

    def _back(self) -> Move:
        """The question before, with its answer cleared."""
        if self.frame and (step := self.frame.step_back()):
            return step
        return Done() if self.paused else Go(HOME)

    def _topic(self) -> Move | None:
        """Words that name a conversation, or a question people ask."""
        text = reading.folded(self.message.text) if len(self.message.text) <= 300 else ""
        for conversation in self.play.conversations.values():
            if conversation.words and text in self.play.catalogues.phrases(conversation.words):
                return self._interrupt(Go(conversation.name))
        found = self.c.desk.questions.find(self.message.text)
        return self._interrupt(Go("questions", {"entry": found})) if found else None

    def _not_words(self, kind: str) -> "Move | Question | None":
        """Kind words for what cannot be read, and the question again."""
        if kind == "voice":
            self.c.desk.cases.open("voice", message_id=self.row)
        self.c.say(unreadable(kind))
        return self._ask_again()

    def _ask_again(self) -> "Move | Question | None":
        """The open question once more; the menu if there is none."""
        if self.frame and self.frame.step:
            return self.frame.step
        return Go(HOME) if self.frame is None else self._enter(self.frame.conversation)

    # touched choices

    def _tapped(self) -> "Move | Question | None":
        tap = self.message.tap
        shown = self.store.messages.get(tap.message) if tap else None
        option = option_of(shown, tap.index) if shown and tap and shown.identity_id == self.identity.id else None
        if shown is None or option is None:
            return self._expired()
        if shown.id == self.dialogue.question_id:
            return self._answered("", option.id, options_of(shown))
        if shown.answered_by:
            return self._pushed(shown, option.id)
        return self._expired()

    def _expired(self) -> "Move | Question | None":
        self.c.say(_("That button belongs to an earlier message."))
        return self._ask_again()

    def _typed_for_a_push(self, *, by_words: bool) -> "Move | Question | None":
        """A number answers the newest message with choices, even if that is a reminder and not the open question."""
        number = reading.number(self.message.text) if len(self.message.text) < 20 else None
        if not self.opened.has_push or (number is None and not by_words):
            return None
        shown = self.store.messages.newest_choice(self.c.person.id, self.identity.id)
        if shown is None or not shown.answered_by or shown.id < (self.dialogue.question_id or 0):
            return None
        chosen = chosen_by(self.message.text, number, options_of(shown))
        return self._pushed(shown, chosen) if chosen else None

    def _pushed(self, shown: Message, chosen: str) -> "Move | Question | None":
        """Hand the choice to the step that the push named, aside from whatever else is going on."""
        answer = shown.answered_by or {}
        conversation = self.play.conversations[answer["conversation"]]
        step = conversation.find(answer["step"])
        if step is None:
            return self._expired()
        self._pause()
        self.frame = Frame(conversation, step, load(conversation.draft, answer.get("draft") or {}))
        return self._given(step, lambda question: self._read(question, "", chosen, options_of(shown)), shown)

    # the open question

    def _question_is_open(self) -> bool:
        return self.frame is not None and self.dialogue.question_id is not None

    def _answered(self, text: str, chosen: str | None, offered: tuple[Option, ...]) -> "Move | Question | None":
        assert self.frame is not None
        step = self.frame.step
        if step is None:
            return self._step_is_gone()
        if self.dialogue.identity_id != self.identity.id:
            return step  # a question is answered only in the chat that showed it
        if chosen == "person":
            return self._interrupt(Go("person"))
        number = reading.number(text) if self.dialogue.question_kind not in NUMERIC else None
        if chosen is None and number is not None and 1 <= number <= len(offered):
            chosen = offered[number - 1].id
        return self._given(step, lambda question: self._read(question, text, chosen, offered), None)

    def _step_is_gone(self) -> Move:
        assert self.frame is not None
        if self.dialogue.step and numbers(self.dialogue.release) > numbers(self.play.release):
            raise WrittenByNewer(self.dialogue.release)
        self.c.say(_("I have learned something new since we last spoke. Let us go on from here."))
        return self._enter(self.frame.conversation)

    def _given(self, step: Step, read: Callable[[Question], Any], shown: Message | None) -> "Move | Question | None":
        """Walk the step again to its question, read the answer, act on it."""
        said = len(self.c.said)
        try:
            walk = self._look(step)
        except Gone:
            return self._gone()
        if walk.question is None:
            return walk.move
        question = walk.question
        del self.c.said[said:]  # what stands above the question was said when it was asked
        if shown is None and not self._is_the_same(question):
            walk.close()
            return step
        try:
            value = read(question)
        except NotUnderstood as trouble:
            walk.close()
            return self._missed(trouble, question) if shown is None else Done(trouble.hint)
        return self._act(walk, value, shown)

    def _act(self, walk: Walk, value: Any, shown: Message | None) -> Move:
        assert self.frame is not None
        frame, before, writes = self.frame, dump(self.frame.draft), self.store.writes
        self.misses = 0
        self.c.answered = self._proof(shown)
        try:
            move = walk.answer(value)
        except Gone:
            return self._gone()
        if not isinstance(move, Again):
            frame.remember(walk.step, before)
        if self.store.writes > writes:
            frame.trail.clear()  # what has been done at the desk cannot be taken back with "back"
        return move

    def _read(self, question: Question, text: str, chosen: str | None, offered: tuple[Option, ...]) -> Any:
        if chosen is not None and chosen not in {option.id for option in question.answer.options}:
            raise NotUnderstood(_("That choice is no longer there."))
        return question.answer.read(Said(text, chosen, offered, self.play.catalogues, self.c.today))

    def _is_the_same(self, question: Question) -> bool:
        """Was this the question on the screen? For an exact one, down to the words."""
        if self.dialogue.question_kind != type(question.answer).__name__:
            return False
        return not question.exact or self.dialogue.question_hash == hash_of(self._words(question.text))

    def _proof(self, shown: Message | None) -> Answered:
        asked = shown.id if shown else self.dialogue.question_id or 0
        return Answered(
            question_id=asked,
            answer_id=self.row,
            provider_id=self.message.message_id,
            hash=self.dialogue.question_hash or "",
            channel=self.identity.channel,
            language=self.c.person.language,
        )

    def _missed(self, trouble: NotUnderstood, question: Question) -> "Move | Question | None":
        """What we did not understand may be a topic, or a push's choice; else say what would help, and ask again."""
        if move := self._typed_for_a_push(by_words=True) or self._topic():
            return move
        self.misses += 1
        if self.misses >= 2:
            self.c.say(_("Sorry, I do not understand. Do you want to talk to a person?"))
        self.c.say(trouble.hint)
        return question

    def _gone(self) -> Move:
        assert self.frame is not None
        self.c.say(_("This is no longer there."))
        self.frame.draft, self.frame.trail = self.frame.conversation.draft(), []
        return self._enter(self.frame.conversation)

    # from move to move

    def _follow(self, move: "Move | Question | None") -> None:
        """Go where each step leads, until one asks or all is over."""
        for _hop in range(MAX_HOPS):
            match move:
                case Question():
                    self.question = move
                    return
                case Step():
                    move = self._step(move)
                case Again():
                    self.c.say(move.reason)
                    assert self.frame is not None
                    move = self.frame.step
                case Go():
                    move = self._begin(move)
                case Done():
                    if move.farewell is not None:
                        self.c.say(move.farewell)
                    self.bare = move.bare
                    move = self._over()
                case None:
                    return
        raise TooManyHops(self.frame.conversation.name if self.frame else HOME)

    def _step(self, step: Step) -> "Move | Question | None":
        assert self.frame is not None
        self.frame.step = step
        if not step.asks:
            return Walk(step, self.c).move
        try:
            walk = self._look(step)
        except Gone:
            return self._gone()
        walk.close()
        return walk.question or walk.move

    def _look(self, step: Step) -> Walk:
        """The part of a step before its question, which may only look."""
        assert self.frame is not None
        self.frame.step, self.c.draft = step, self.frame.draft
        before = dump(self.frame.draft)
        with self.store.looking():
            walk = Walk(step, self.c)
        if walk.question and dump(self.frame.draft) != before:
            raise ChangedWhileLooking(f"{self.frame.conversation.name}.{step.name}")
        return walk

    def _begin(self, going: Go) -> Move:
        """Start a conversation, with what was filled in the last time if it keeps that."""
        conversation = self.play.conversations[going.conversation]
        kept = self.kept.pop(conversation.name, None) if conversation.keeps else None
        if kept and self.now - datetime.fromisoformat(kept["at"]) <= RESUMES_FOR:
            self.c.say(_("Let us go on from where we stopped."))
            frame = frame_of({**kept, "conversation": conversation.name}, self.play.conversations)
            assert frame is not None
            self.frame = frame
        else:
            self.frame = Frame(conversation, None, conversation.draft())
        for name, value in going.draft.items():
            setattr(self.frame.draft, name, value)
        return self._enter(conversation)

    def _enter(self, conversation: Conversation) -> Move:
        assert self.frame is not None
        self.c.draft = self.frame.draft
        with self.store.looking():
            return conversation.begin(self.c)

    def _over(self) -> "Move | None":
        """The conversation is over: back to what it interrupted, if anything."""
        if self.frame:
            self.kept.pop(self.frame.conversation.name, None)
        self.frame = frame_of(self.paused.pop(), self.play.conversations) if self.paused else None
        if self.frame is None:
            return None if self.c.said else Go(HOME)
        return self.frame.step or self._enter(self.frame.conversation)

    def _interrupt(self, going: Go) -> Go:
        """Start something aside; what is going on waits, and its question is asked again afterwards."""
        if self.frame and self.frame.conversation.name != going.conversation:
            self._pause()
        return going

    def _pause(self) -> None:
        if self.frame and self.frame.step and self.frame.conversation.name != HOME:
            self.paused.append(self.frame.stored())

    def _set_aside(self) -> None:
        """Leave for the menu; a form that keeps its answers keeps them."""
        for stored in [*self.paused, *([self.frame.stored()] if self.frame else [])]:
            conversation = self.play.conversations.get(stored["conversation"])
            if conversation and conversation.keeps and stored["draft"]:
                self.kept[conversation.name] = {**stored, "at": self.now.isoformat()}
        self.paused = []

    # what is said and kept

    def _words(self, words: Words) -> str:
        return str(shown(words, self._reader()))

    def _reader(self) -> Reader:
        """In whose words: the language the person has now, at the end of the turn."""
        return self.play.catalogues.reader(self.c.person.language)

    def _save(self) -> None:
        frame = self.frame
        asked = self.speech.out(
            self.c.said,
            self.question,
            self._reader(),
            offer_person=self.misses >= 2,
            bare=self.bare and self.question is None,
        )
        self.store.dialogues.save(
            self.dialogue.person_id,
            conversation=frame.conversation.name if frame else HOME,
            step=frame.step.name if frame and frame.step else None,
            draft=dump(frame.draft) if frame else {},
            trail=frame.trail if frame else [],
            paused=self.paused[-3:],
            kept=self.kept,
            question_id=asked.id if asked else None,
            question_kind=asked.kind if asked else None,
            question_hash=asked.hash if asked else None,
            identity_id=self.identity.id,
            misses=self.misses if self.question else 0,
            version=self.dialogue.version + 1,
            release=self.play.release,
            changed_at=self.now,
        )


def numbers(release: str) -> tuple[int, ...]:
    """A release as numbers, so that 0.10 comes after 0.9."""
    return tuple(int(part) for part in release.split(".") if part.isdigit())


def options_of(shown: Message) -> tuple[Option, ...]:
    """The choices as this message showed them."""
    return in_options(shown.options)


def in_options(stored: list[dict[str, str]] | None) -> tuple[Option, ...]:
    return tuple(Option(**option) for option in stored or ())


def option_of(shown: Message, index: int) -> Option | None:
    options = options_of(shown)
    return options[index] if shown.direction == "out" and index < len(options) else None


def chosen_by(text: str, number: int | None, options: tuple[Option, ...]) -> str | None:
    """The choice that a typed number or a typed label means."""
    if number is not None:
        return options[number - 1].id if 1 <= number <= len(options) else None
    return next((one.id for one in options if reading.same(text, one.label) or reading.same(text, one.short)), None)


def unreadable(kind: str) -> Words:
    """Kind words for what came instead of words."""
    match kind:
        case "voice":
            return _("I got your voice message. I am a program and cannot listen. A person will listen and answer.")
        case "photo" | "video" | "sticker":
            return _("I cannot look at pictures. Please write the answer in words.")
        case "document":
            return _("I cannot read files here. Please write the answer in words.")
        case "location":
            return _("I cannot read places on the map. Please write the answer in words.")
        case "contact":
            return _("I cannot read contacts. Please write the answer in words.")
        case "edited":
            return _("You changed a message. I only read new ones: please write it again.")
        case _:
            return _("I cannot read this kind of message. Please write the answer in words.")
