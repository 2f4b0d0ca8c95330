# SPDX-License-Identifier: EUPL-1.2
"""From step to step: look, ask, act on the answer, and go where it leads."""

from collections.abc import Callable
from typing import Any

from handlers.context import Answered
from handlers.engine.frames import Frame, dump, frame_of
from handlers.engine.scene import HOME, Scene
from handlers.engine.speech import hash_of
from handlers.talk import Again, Conversation, Done, Go, Gone, Move, NotUnderstood, Question, Step, _, reading
from handlers.talk.conversation import Walk
from handlers.talk.text import shown
from storage.messages import Message

MAX_HOPS = 20
Read = Callable[[Question], Any]


class ChangedWhileLooking(Exception):
    """A step changed its draft before its question; move the change below the yield."""


class TooManyHops(Exception):
    """Steps lead to one another without ever asking or ending."""


class Steps:
    """Walks a person's conversations. What it leaves behind is the scene."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.c, self.store = scene, scene.c, scene.store
        self.bare = False
        self.pushed = False  # was it a push that was answered?
        self.heard_about: str | None = None  # what the answer is about, where not all of the desk may read it

    def follow(self, move: Move | Question | None) -> Question | None:
        """Go where each step leads, until one asks; None when all is over."""
        for _hop in range(MAX_HOPS):
            match move:
                case None | Question():
                    return move
                case Step():
                    move = self._step(move)
                case Again():
                    self.c.say(move.reason)
                    move = self.scene.now_in().step
                case Go():
                    move = self.begin(move)
                case Done():
                    move = self._done(move)
        raise TooManyHops(self.scene.frame.conversation.name if self.scene.frame else HOME)

    def begin(self, going: Go) -> Move:
        """Start a conversation, with what was filled in the last time if it keeps that."""
        scene, conversation = self.scene, self.scene.play.conversations[going.conversation]
        self.c.aside, scene.misses = self.pushed or bool(scene.paused), 0
        taken_up = scene.taken_up(conversation)
        if taken_up:
            self.c.say(_("Let us go on from where we stopped."))
        frame = frame_of(taken_up, scene.play.conversations) if taken_up else None
        scene.frame = frame or Frame(conversation, None, conversation.draft())
        for name, value in going.draft.items():
            setattr(scene.frame.draft, name, value)
        return self.enter(conversation)

    def enter(self, conversation: Conversation) -> Move:
        """Where the conversation begins, given what its draft says already."""
        self.c.draft = self.scene.now_in().draft
        with self.store.looking():
            return conversation.begin(self.c)

    def answer(self, step: Step, read: Read, pushed: Message | None = None) -> Move | Question | None:
        """Walk the step again to its question, read the answer, act on it. Raises NotUnderstood, with the question."""
        said = len(self.c.said)
        try:
            walk = self._look(step)
        except Gone as gone:
            if pushed and self.scene.message.text and reading.number(self.scene.message.text) is None:
                raise NotUnderstood(_("This is no longer there.")) from gone  # words like these may mean anything else
            return self._gone(gone)
        if walk.question is None:
            return walk.move
        del self.c.said[said:]  # what stands above the question was said when it was asked
        if pushed is None and not self._is_the_same(walk.question):
            walk.close()
            return step
        if pushed is None:
            self.heard_about = self.c.about  # also of an answer that cannot be read
        try:
            value = read(walk.question)
        except BaseException:
            walk.close()
            raise
        return self._act(walk, value, pushed)

    def ask_again(self) -> Move:
        """The open question once more; the menu if there is none."""
        frame = self.scene.frame
        if frame is None:
            return Go(HOME)
        return frame.step or self.enter(frame.conversation)

    def _act(self, walk: Walk, value: Any, pushed: Message | None) -> Move:
        frame = self.scene.now_in()
        before, writes = dump(frame.draft), self.store.writes
        self.scene.misses = 0
        self.c.answered, self.pushed = self._proof(pushed), pushed is not None
        try:
            move = walk.answer(value)
        except Gone as gone:
            return self._gone(gone)
        if not isinstance(move, Again):
            frame.remember(walk.step, before)
        if self.store.writes > writes:
            frame.trail.clear()  # what has been done at the desk cannot be taken back with "back"
        return move

    def _step(self, step: Step) -> Move | Question | None:
        self.scene.now_in().step = step
        if not step.asks:
            self.c.draft = self.scene.now_in().draft
            return Walk(step, self.c).move
        try:
            walk = self._look(step)
        except Gone as gone:
            return self._gone(gone)
        walk.close()
        return walk.question or walk.move

    def _look(self, step: Step) -> Walk:
        """The part of a step before its question, which may only look."""
        frame = self.scene.now_in()
        frame.step, self.c.draft = step, frame.draft
        before = dump(frame.draft)
        with self.store.looking():
            walk = Walk(step, self.c)
        if walk.question and dump(frame.draft) != before:
            raise ChangedWhileLooking(f"{frame.conversation.name}.{step.name}")
        return walk

    def _gone(self, gone: Gone) -> Move:
        frame = self.scene.now_in()
        self.c.say(gone.why or _("This is no longer there."))
        frame.draft, frame.trail = frame.conversation.draft(), []
        return self.enter(frame.conversation)

    def _done(self, done: Done) -> Move | None:
        """The conversation is over: back to what it interrupted, if anything."""
        scene = self.scene
        if done.farewell is not None:
            self.c.say(done.farewell)
        self.bare = done.bare
        if scene.frame:
            scene.kept.pop(scene.frame.conversation.name, None)
        if done.leaves:
            scene.leave()
        scene.frame = scene.resume()
        if scene.frame is None:
            return Go(HOME) if done.home or not (self.c.said or done.quiet) else None
        return self.ask_again()

    def _is_the_same(self, question: Question) -> bool:
        """Was this the question on the screen? For an exact one, down to the words."""
        dialogue = self.scene.dialogue
        if dialogue.question_kind != type(question.answer).__name__:
            return False
        return not question.exact or dialogue.question_hash == hash_of(str(shown(question.text, self.scene.reader())))

    def _proof(self, pushed: Message | None) -> Answered:
        scene = self.scene
        return Answered(
            question_id=pushed.id if pushed else scene.dialogue.question_id or 0,
            answer_id=scene.row,
            provider_id=scene.message.message_id,
            hash=scene.dialogue.question_hash or "",
            channel=scene.identity.channel,
            language=self.c.person.language,
        )
