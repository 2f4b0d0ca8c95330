# SPDX-License-Identifier: EUPL-1.2
"""What follows from one message: it is understood, steps are walked, and something is said."""

from dataclasses import replace
from datetime import datetime

from handlers.engine.frames import dump
from handlers.engine.meaning import Meaning
from handlers.engine.scene import HOME, RESUMES_FOR, Play, Scene
from handlers.engine.speech import Asked, Speech
from handlers.engine.steps import Steps
from handlers.talk import Go, Incoming, Question, _
from storage import Store
from storage.dialogues import Opened

DEEPEST = 3  # conversations that may wait for one another
OFFER_A_PERSON_AFTER = 2  # misunderstandings


class Turn:
    """One turn of one person's dialogue, inside a transaction that somebody else commits."""

    def __init__(self, play: Play, store: Store, row: int, message: Incoming, opened: Opened, now: datetime) -> None:
        self.scene = Scene(play, store, row, message, opened, now)
        self.steps = Steps(self.scene)

    def run(self) -> None:
        self._greet()
        question = self.steps.follow(Meaning(self.scene, self.steps).first_move())
        self._save(self._say(question))
        for act in self.scene.c.desk.afterwards:
            act()

    def _greet(self) -> None:
        """The first time: who we are, before any question. A link that brought them is remembered."""
        scene = self.scene
        scene.c.desk.people.came_from(scene.message.start)
        if scene.is_new():
            self.steps.begin(Go("hello"))
            scene.frame = None
        elif scene.now - scene.dialogue.changed_at > RESUMES_FOR:
            self._begin_anew()

    def _begin_anew(self) -> None:
        """After a long time nobody remembers the question: it is open no more."""
        scene = self.scene
        if scene.is_asking() and not scene.is_in(HOME):
            scene.c.say(_("It has been a while: let us begin again."))
        scene.forget()
        scene.dialogue = replace(scene.dialogue, question_id=None, question_kind=None, question_hash=None)

    def _say(self, question: Question | None) -> Asked | None:
        scene = self.scene
        is_over = question is None or question.optional
        if is_over:
            scene.misses = 0
        if self.steps.heard_about:
            scene.store.messages.change(scene.row, subject=self.steps.heard_about)
        asked = Speech(scene.store, scene.identity, scene.row, scene.now, scene.c.about).out(
            scene.c.said,
            question,
            scene.reader(),
            offer_person=scene.misses >= OFFER_A_PERSON_AFTER,
            bare=is_over and (self.steps.bare or question is not None),
            answered_by=scene.now_in().answered_by() if question and question.optional else None,
        )
        if not is_over:
            return asked
        scene.frame = None
        if scene.c.person.stopped_at:
            scene.forget()  # however they said stop, what was going on before is not taken up again
        return None

    def _save(self, asked: Asked | None) -> None:
        scene, frame = self.scene, self.scene.frame
        is_newest = scene.row >= (scene.dialogue.heard_id or 0)  # one that is tried again may be older
        scene.store.dialogues.save(
            scene.dialogue.person_id,
            conversation=frame.conversation.name if frame else HOME,
            step=frame.step.name if frame and frame.step else None,
            draft=dump(frame.draft) if frame else {},
            trail=frame.trail if frame else [],
            paused=scene.paused[-DEEPEST:],
            kept=scene.kept,
            question_id=asked.id if asked else None,
            question_kind=asked.kind if asked else None,
            question_hash=asked.hash if asked else None,
            identity_id=scene.identity.id,
            misses=scene.misses,
            version=scene.dialogue.version + 1,
            release=scene.play.release,
            changed_at=scene.now,
            heard_id=scene.row if is_newest else None,
            heard_at=scene.now if is_newest else None,
        )


__all__ = ["Play", "Turn"]
