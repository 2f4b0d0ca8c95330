# SPDX-License-Identifier: EUPL-1.2
"""What a message means where it arrives: a word that always works, an answer, a touched choice, or a topic."""

from collections.abc import Mapping
from typing import Any

from handlers.desk.attendance import key_in
from handlers.desk.files import why
from handlers.desk.links import UNKNOWN, code_in, is_surely_one
from handlers.desk.misreadings import as_counted
from handlers.engine.frames import Frame, load
from handlers.engine.scene import HOME, Scene
from handlers.engine.steps import Steps
from handlers.rules.private_matters import matter_in
from handlers.talk import (
    Conversation,
    Done,
    Go,
    Move,
    NotUnderstood,
    Option,
    Question,
    Step,
    Words,
    _,
    anytime,
    phones,
    reading,
)
from handlers.talk.answers import Said
from storage.messages import Message

NUMERIC = ("Number", "BirthYear", "Day")
FREE = ("Name", "Sentence")
PERSONAL = (*FREE, "Note")  # what is written there is nobody's to read for learning
FILES = ("document", "photo", "voice")
# What still works for someone who said stop: coming back, a person, their own data, and giving up a place.
STILL_ALLOWED = (
    "start",
    "stop",
    "stop_offers",
    "stop_reminders",
    "person",
    "privacy",
    "my_data",
    "language",
    "help",
    "agenda",
)

WAYS_OUT = ("menu", "start", "stop", "cancel", "back")  # a release that was taken back must not keep anybody in


class WrittenByNewer(Exception):
    """A newer release asked this question; a process of that release will take the answer."""


class Meaning:
    """Finds the first move of a turn."""

    def __init__(self, scene: Scene, steps: Steps) -> None:
        self.scene, self.steps, self.c, self.message = scene, steps, scene.c, scene.message

    def first_move(self) -> Move | Question | None:
        """What to do first. Raises WrittenByNewer."""
        if self._is_asked_by_newer():
            raise WrittenByNewer(self.scene.dialogue.release)
        if receipt := self.c.person.stopped_at and self.c.desk.erasure.receipt():
            return Done(_("Your data is being deleted. Your receipt: {number}.", number=receipt), bare=True)
        if key := key_in(self.message):
            return self.scene.aside(Go("check_in", {"key": key}))
        if self.message.masked:
            return self._about_health()
        if self.message.kind == "tap":
            return self._tapped()
        if self.message.kind == "text" and (word := self._word()):
            return word
        if self.scene.is_silent():
            return (self.message.kind == "text" and self._answer_to_a_push()) or Go("start")
        if self.message.kind != "text":
            return self._not_words()
        if answered := self._answer_to_a_push():
            return answered
        if self.scene.is_asking():
            return self._answer(self.message.text, None, in_options(self.scene.opened.options))
        return self._topic() or self._taught() or self._unknown()

    def _is_asked_by_newer(self) -> bool:
        """Is there a question open that only a newer release knows, and no wish to leave it?"""
        frame, dialogue, play = self.scene.frame, self.scene.dialogue, self.scene.play
        is_open = dialogue.question_id is not None and dialogue.step is not None
        is_unknown = is_open and (frame is None or frame.step is None)
        if not is_unknown or numbers(dialogue.release) <= numbers(play.release):
            return False
        return anytime.find(self.message.text, play.catalogues) not in WAYS_OUT

    def _unknown(self) -> Move:
        """Words that mean nothing to us, where nothing was asked: we say so, and all we can do. At first, a welcome."""
        is_nod = reading.folded(self.message.text) in self.scene.play.catalogues.phrases(anytime.NODS)
        if self.message.text and not self.scene.is_new() and not is_nod:
            self._count(HOME, None)
            self.c.say(_("I did not understand. Choose a number."))
        return Go(HOME)

    def _about_health(self) -> Move:
        """What was written is not kept; a person of the desk can call. Who said stop is asked nothing."""
        if self.scene.is_silent():
            return Done(_("Better not to write about health here. I keep no trace of it."), bare=True)
        return self.scene.aside(Go("private"))

    # words that always work

    def _word(self) -> Move | None:
        text, catalogues = self.message.text, self.scene.play.catalogues
        if linked := self._link(text):
            return linked
        if named := anytime.language_named(text, catalogues):
            return self.scene.aside(Go("language", {"chosen": named}))
        word = anytime.find(text, catalogues)
        is_a_number = word == "menu" and reading.number(text) is not None
        if word is None or (is_a_number and self.scene.dialogue.question_kind in NUMERIC):
            return None
        return Go("start") if self.scene.is_silent() and word not in STILL_ALLOWED else self._do(word)

    def _link(self, text: str) -> Move | None:
        """A code that was read in another chat. What only looks like one is said to be none; a name stays a name."""
        code = code_in(text)
        if code is None or self.scene.is_silent():
            return None
        if self.c.desk.linking.knows(code):
            return self.scene.aside(Go("links", {"code": code}))
        if not is_surely_one(text):
            return None
        self.c.say(UNKNOWN)
        return self.steps.ask_again() if self.scene.is_asking() else Done()

    def _do(self, word: str) -> Move:
        match word:
            case "menu":
                return self.scene.home()
            case "stop":
                self.scene.forget()
                return Go("stop")
            case "stop_offers" | "stop_reminders" | "start_offers" | "start_reminders":
                conversation, _line, topic = word.partition("_")
                going = Go(conversation, {"topic": topic})
                # Who is just being asked for a permission has answered: the question does not come back.
                is_answer = self.scene.is_in("start") or self.scene.is_in("permissions")
                return going if is_answer else self.scene.aside(going)
            case "start":
                return self._hello_again()
            case "person" if self.scene.is_in("person") and self.scene.is_asking():
                self.c.say(_("A person knows already that you are waiting."))
                return self.steps.ask_again()
            case "cancel":
                return self._cancelled()
            case "back":
                return self._back()
            case "thanks":
                self.c.say(_("You are welcome."))
                return self.steps.ask_again() if self.scene.is_asking() else Done()
            case _:
                return self.scene.aside(Go(word))

    def _hello_again(self) -> Move:
        """A greeting goes on where we are; /start goes to the menu; whoever said stop begins again."""
        if self.c.person.stopped_at:
            return Go("start", {"sure": True})
        if self.message.text.startswith("/") or not self.scene.is_asking() or self.scene.is_in(HOME):
            return self.scene.home()
        self.c.say(_("Hello again."))
        return self.steps.ask_again()

    def _cancelled(self) -> Move:
        """Give up what is going on; with nothing going on, see what there is to give up."""
        frame = self.scene.frame
        if frame is None or frame.step is None or self.scene.is_in(HOME):
            return Go("agenda")
        self.c.say(_("All right, we stop here."))
        if self.c.desk.workshops.ahead():  # nobody may think that an appointment is cancelled
            self.c.say(_("Your appointments stay: to cancel one, write AGENDA."))
        return Done(home=True)

    def _back(self) -> Move:
        """The question before, with its answer cleared."""
        frame = self.scene.frame
        if frame and (step := frame.step_back()):
            return step
        return Done() if self.scene.paused else self.scene.home()

    def _topic(self) -> Move | None:
        """Words that name a conversation, or a question people ask."""
        if named := self._named():
            return named
        if anytime.asks_for_a_person(self.message.text, self.scene.play.catalogues):
            return self.scene.aside(Go("person"))
        if found := self.c.desk.questions.find(self.message.text):
            return self.scene.aside(Go("questions", {"entry": found}))
        about = matter_in(self.message.text)
        return self.scene.aside(Go("private", {"about": about})) if about else None

    # what nobody understood, and what the staff have taught us since

    def _taught(self) -> Move | None:
        """What these words have been taught to mean: a word that always works, a conversation, or a question."""
        said = as_counted(self.message.text)
        what, _colon, which = ((said and self.scene.store.misreadings.meaning(said)) or "").partition(":")
        if what == "anytime":
            return self._do(which)
        if what == "conversation" and which in self.scene.play.conversations:
            return self.scene.aside(Go(which))
        is_there = what == "question" and self.c.desk.questions.get(which)
        return self.scene.aside(Go("questions", {"entry": which})) if is_there else None

    def _count(self, conversation: str, step: str | None) -> None:
        """Write down what was not understood, without numbers or addresses; never what stays between two people."""
        words = as_counted(self.message.text)
        if words and self.steps.heard_about is None and self.c.about is None:
            self.scene.store.misreadings.add(
                message_id=self.scene.row,
                person_id=self.c.person.id,
                words=words,
                language=self.c.person.language,
                conversation=conversation,
                step=step,
                at=self.scene.now,
            )

    def _named(self) -> Move | None:
        text = reading.folded(self.message.text) if len(self.message.text) <= 60 else ""
        for conversation in self.scene.play.conversations.values():
            if conversation.words and text in self.scene.play.catalogues.phrases(conversation.words):
                is_there = conversation.keeps and self.scene.is_in(conversation.name)
                return self.steps.ask_again() if is_there else self.scene.aside(Go(conversation.name))
        return None

    def _not_words(self) -> Move | Question | None:
        """A file is for the desk, a number for a call; kind words for what cannot be read. Then the question again."""
        kind, carried = self.message.kind, self.message.payload
        if kind == "contact":
            return self._contact(carried)
        if kind in FILES and carried.get("file_id"):
            self._file(kind, carried)
        else:
            if kind == "voice":
                self.c.desk.cases.open("voice")
            self.c.say(unreadable(kind))
        return self.steps.ask_again()

    def _file(self, kind: str, media: Mapping[str, Any]) -> None:
        """Take the file, or say why not."""
        refusal = self.c.desk.files.receive(kind, media)
        if refusal:
            self.c.say(why(refusal, kind))
        elif kind == "voice":
            self.c.say(unreadable(kind))
        else:
            self.c.say(_("I keep your file for the desk. A person will look at it."))

    def _contact(self, card: Mapping[str, Any]) -> Move | Question | None:
        """One's own number is kept, or is the answer that was asked for; somebody else's is not ours to keep."""
        number = phones.shared(card["phone"]) if card.get("own") else None
        if number and self.scene.is_asking() and self.scene.dialogue.question_kind == "Phone":
            return self._answer(number, None, ())
        if number:
            self.c.desk.people.call_at(number)
            self.c.say(_("Thank you. A person can call you at {phone}.", phone=phones.in_groups(number)))
        elif card.get("own"):
            self.c.say(_("I cannot read this number. Write all its digits, for example 333 1234567."))
        else:
            self.c.say(_("This is somebody else’s number: I do not keep it. Please share your own."))
        return self.steps.ask_again()

    # touched choices, and answers to what was sent unasked

    def _tapped(self) -> Move | Question | None:
        tap = self.message.tap
        shown = self.scene.store.messages.get(tap.message) if tap else None
        option = option_of(shown, tap.index) if shown and tap and self._is_here(shown) else None
        if shown is None or option is None:
            return self._expired()
        if shown.state == "uncertain":  # nobody touches what has not arrived
            self.scene.store.messages.proven(shown.id, self.message.payload.get("shown"))
        if shown.id == self.scene.dialogue.question_id:
            return self._answer("", option.id, options_of(shown))
        if self._step_for(shown) is None:
            return self._expired()
        try:
            return self._pushed(shown, option.id)
        except NotUnderstood as trouble:
            return Done(trouble.hint)

    def _is_here(self, shown: Message) -> bool:
        return shown.direction == "out" and shown.identity_id == self.scene.identity.id

    def _expired(self) -> Move:
        if self.scene.is_silent():
            return Go("start")
        self.c.say(_("That button belongs to an earlier message."))
        return self.steps.ask_again()

    def _answer_to_a_push(self) -> Move | Question | None:
        """A number, or words, for the newest message with choices, if that is a push and not the open question."""
        if not self.scene.opened.has_push or len(self.message.text) > 60:
            return None
        shown = self.scene.store.messages.newest_choice(self.c.person.id, self.scene.identity.id)
        if shown is None or self._step_for(shown) is None:
            return None
        before = self.scene.frame, [*self.scene.paused]
        try:
            return self._pushed(shown, numbered(reading.number(self.message.text), options_of(shown)))
        except NotUnderstood:
            self.scene.frame, self.scene.paused = before  # it was meant for the open question, or for nobody
            return None

    def _pushed(self, shown: Message, chosen: str | None) -> Move | Question | None:
        """Hand the answer to the step that the push named, aside from what else is going on. Raises NotUnderstood."""
        found = self._step_for(shown)
        assert found is not None, "only asked of a push whose step is still there"
        conversation, step = found
        self.scene.pause()
        self.scene.frame = Frame(
            conversation, step, load(conversation.draft, (shown.answered_by or {}).get("draft") or {})
        )
        text = self.message.text if chosen is None else ""
        return self.steps.answer(step, lambda question: self._read(question, text, chosen, options_of(shown)), shown)

    def _step_for(self, shown: Message) -> tuple[Conversation, Step] | None:
        """The step that answers a push; None for anything else, and for a step that a release has taken away."""
        answer = shown.answered_by or {}
        conversation = self.scene.play.conversations.get(answer.get("conversation", ""))
        step = conversation.find(answer.get("step")) if conversation else None
        return (conversation, step) if conversation and step else None

    # the open question

    def _answer(self, text: str, chosen: str | None, offered: tuple[Option, ...]) -> Move | Question | None:
        frame, dialogue = self.scene.now_in(), self.scene.dialogue
        if frame.step is None:
            return self._step_is_gone()
        if dialogue.identity_id != self.scene.identity.id:
            return frame.step  # a question is answered only in the chat that showed it
        if chosen is None and dialogue.question_kind not in NUMERIC:
            chosen = numbered(reading.number(text), offered)
        if chosen == "person":
            return self.scene.aside(Go("person"))
        # "workshops" is all of them, even where a line of the menu happens to contain the word.
        if dialogue.question_kind == "Choice" and not is_label(text, offered) and (named := self._named()):
            return named
        # Where anything may be written, a word that opens a door, or a whole sentence we know, is no name and no trade.
        if dialogue.question_kind in FREE and (move := self._topic() if len(text.split()) >= 3 else self._named()):
            return move
        asked: list[Question] = []

        def read(question: Question) -> object:
            asked.append(question)
            return self._read(question, text, chosen, offered)

        try:
            return self.steps.answer(frame.step, read)
        except NotUnderstood as trouble:
            return self._missed(trouble, asked[0])

    def _read(self, question: Question, text: str, chosen: str | None, offered: tuple[Option, ...]) -> object:
        ids = {option.id for option in question.answer.options}
        if chosen is not None and chosen not in ids:
            raise NotUnderstood(_("That choice is no longer there."))
        still_there = tuple(one for one in offered if one.id in ids)
        return question.answer.read(Said(text, chosen, still_there, self.scene.play.catalogues, self.c.today))

    def _missed(self, trouble: NotUnderstood, question: Question) -> Move | Question | None:
        """What we did not understand may be a topic; else say what would help, and ask again."""
        if move := self._topic() or self._taught():
            return move
        if type(question.answer).__name__ not in PERSONAL:
            frame = self.scene.now_in()
            self._count(frame.conversation.name, frame.step.name if frame.step else None)
        self.scene.misses += 1
        if self.scene.misses >= 2:
            self.c.say(_("Sorry, I do not understand. To talk to a person, write PERSON."))
        self.c.say(trouble.hint)
        return question

    def _step_is_gone(self) -> Move:
        self.c.say(_("I have learned something new since we last spoke. Let us go on from here."))
        return self.steps.enter(self.scene.now_in().conversation)


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
    return options[index] if index < len(options) else None


def numbered(number: int | None, offered: tuple[Option, ...]) -> str | None:
    """The choice with this number, counted from 1."""
    return offered[number - 1].id if number is not None and 1 <= number <= len(offered) else None


def is_label(text: str, offered: tuple[Option, ...]) -> bool:
    return any(reading.same(text, one.label) or reading.same(text, one.short) for one in offered)


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
        case "edited":
            return _("You changed a message. I only read new ones: please write it again.")
        case _:
            return _("I cannot read this kind of message. Please write the answer in words.")
