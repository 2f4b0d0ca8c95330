# SPDX-License-Identifier: EUPL-1.2
"""
How a conversation is written down: named steps, one question each.

A step is a short generator. Up to its single ``yield`` it may only look; the ``yield`` asks; what follows
receives the answer, acts, and returns what comes next: another step, ``again(...)``, ``go(...)`` or ``done(...)``.

    @registration.step
    def first_name(c: Context) -> Asking:
        c.draft.first_name = yield c.ask(_("What is your first name?"), Name())
        return onward(c)

Between question and answer nothing of the generator survives: only the names of the conversation and the step,
the draft, and the choices as the person saw them are stored.
"""

import inspect
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from types import GeneratorType
from typing import Any, cast

from handlers.talk.answers import Answer
from handlers.talk.text import Text, Words


@dataclass(frozen=True)
class Question:
    """
    What a step asks. An ``exact`` one only takes an answer given to the very same words.

    An ``optional`` one may stay unanswered for ever: it stands alone, without the line that shows the way out, nothing
    waits for it and nobody is asked it again; its choices are answered like those of a push.
    """

    text: Words
    answer: Answer
    exact: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Again:
    """Ask the same question once more, saying why."""

    reason: Words


@dataclass(frozen=True)
class Done:
    """
    The conversation is over. A ``bare`` farewell stands alone, without the line that shows the way out.

    ``home`` shows the menu, unless something was interrupted and goes on; a ``quiet`` end says nothing, because
    what there was to say has gone out as a message of its own. One that ``leaves`` does not go on with what was
    interrupted either: a form that keeps its answers keeps them for another day.
    """

    farewell: Words | None = None
    bare: bool = False
    home: bool = False
    quiet: bool = False
    leaves: bool = False


@dataclass(frozen=True)
class Go:
    """Start another conversation, by its name, with some of its draft filled in."""

    conversation: str
    draft: dict[str, Any] = field(default_factory=dict)


Asking = Generator[Question, Any, "Move"]
Body = Callable[[Any], "Asking | Move"]


@dataclass(frozen=True)
class Step:
    """One question and what its answer leads to."""

    name: str
    body: Body

    @property
    def asks(self) -> bool:
        """Is this a step with a question, which may only look before it?"""
        return inspect.isgeneratorfunction(self.body)


Move = Step | Again | Done | Go


class TwoQuestions(Exception):
    """A step asked a second question; give it a step of its own."""


class Gone(Exception):
    """What a step was about is no longer there; ``why`` says it to the person, if there is more to say."""

    def __init__(self, why: Text | None = None) -> None:
        super().__init__(why.msgid if why else "gone")
        self.why = why


class NoSuchStep(Exception):
    """A conversation was asked for a step it does not have."""


class Walk:
    """A step on its way: it has looked and asked, or it has moved straight on. One that asks nothing acts at once."""

    def __init__(self, step: Step, context: Any) -> None:
        self.step = step
        self.question: Question | None = None
        self.move: Move | None = None
        walk = step.body(context)
        self._walk = walk if isinstance(walk, GeneratorType) else None
        if self._walk is None:
            self.move = cast("Move", walk)
            return
        try:
            self.question = next(self._walk)
        except StopIteration as end:
            self.move = end.value

    def answer(self, value: Any) -> Move:
        """Act on the answer and say what comes next."""
        assert self._walk is not None, "a step that asked nothing cannot be answered"
        try:
            self._walk.send(value)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        raise TwoQuestions(self.step.name)

    def close(self) -> None:
        if self._walk:
            self._walk.close()


@dataclass
class Conversation:
    """
    A conversation by name, with a draft: a dataclass in which every field has a default.

    A step's name, once stored, is forever: rename with ``renamed={"old": "new"}``. ``words`` open the conversation
    from the menu. ``keeps`` says that a half-filled draft waits seven days for its owner.
    """

    name: str
    draft: type
    renamed: dict[str, str] = field(default_factory=dict)
    words: Text | None = None
    keeps: bool = False
    steps: dict[str, Step] = field(default_factory=dict)
    entry: Callable[[Any], Move] | None = None

    def starts(self, entry: Callable[[Any], Move] | Step) -> Any:
        """Where the conversation begins, and where it picks up again if it lost its place."""
        self.entry = (lambda c: entry) if isinstance(entry, Step) else entry
        return entry

    def step(self, body: Body) -> Step:
        step = Step(body.__name__, body)
        if step.name in self.steps:
            raise ValueError(f"{self.name}: two steps called {step.name}")
        self.steps[step.name] = step
        return step

    def find(self, name: str | None) -> Step | None:
        """The step of that name, or of the name it has now."""
        return self.steps.get(self.renamed.get(name, name)) if name else None

    def begin(self, context: Any) -> Move:
        if self.entry is None:
            raise NoSuchStep(f"{self.name} has no beginning")
        return self.entry(context)


def again(reason: Words) -> Again:
    return Again(reason)


def done(
    farewell: Words | None = None,
    *,
    bare: bool = False,
    home: bool = False,
    quiet: bool = False,
    leaves: bool = False,
) -> Done:
    return Done(farewell, bare, home, quiet, leaves)


def go(conversation: str, **draft: Any) -> Go:
    return Go(conversation, draft)
