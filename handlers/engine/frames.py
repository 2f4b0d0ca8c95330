# SPDX-License-Identifier: EUPL-1.2
"""A conversation on its way, as the dialogue row keeps it."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from functools import cache
from typing import Any, get_args, get_type_hints

from handlers.talk import Address, Conversation, Incoming, Step, Tap
from storage.dialogues import Dialogue
from storage.messages import Message
from storage.people import Identity


@dataclass
class Frame:
    """Which conversation, which step, what has been filled in, and which step filled in what."""

    conversation: Conversation
    step: Step | None
    draft: Any
    trail: list[list[Any]] = field(default_factory=list)

    def stored(self) -> dict[str, Any]:
        return {
            "conversation": self.conversation.name,
            "step": self.step.name if self.step else None,
            "draft": dump(self.draft),
            "trail": self.trail,
        }

    def answered_by(self) -> dict[str, Any]:
        """What takes the answer to a question that nothing waits for, as its message keeps it."""
        names = {"conversation": self.conversation.name, "step": self.step.name if self.step else None}
        return {**names, "draft": dump(self.draft)}

    def remember(self, step: Step, before: Mapping[str, Any]) -> None:
        """Note which fields this step has filled in, and what they held before."""
        after = dump(self.draft)
        changed = {name: before.get(name) for name in {**before, **after} if before.get(name) != after.get(name)}
        self.trail.append([step.name, changed])

    def step_back(self) -> Step | None:
        """The step before this one, with what it filled in as it was before; None at the beginning."""
        while self.trail:
            name, changed = self.trail.pop()
            held = {field: value for field, value in {**dump(self.draft), **changed}.items() if value is not None}
            vars(self.draft).update(vars(load(type(self.draft), held)))
            if step := self.conversation.find(name):
                return step
        return None


def frame_of(stored: Mapping[str, Any], conversations: Mapping[str, Conversation]) -> Frame | None:
    """The frame as it was left; None if its conversation no longer exists. A step that is gone leaves None."""
    conversation = conversations.get(stored.get("conversation") or "")
    if conversation is None:
        return None
    draft = load(conversation.draft, stored.get("draft") or {})
    return Frame(
        conversation, conversation.find(stored.get("step")), draft, [list(one) for one in stored.get("trail") or []]
    )


def frame_in(dialogue: Dialogue, conversations: Mapping[str, Conversation]) -> Frame | None:
    """The frame that the dialogue row keeps."""
    names = ("conversation", "step", "draft", "trail")
    return frame_of({name: getattr(dialogue, name) for name in names}, conversations)


def dump(draft: Any) -> dict[str, Any]:
    """A draft as JSON: what is empty is left out, days become text."""
    return {name: _plain(value) for name, value in vars(draft).items() if value is not None}


def load(kind: type, stored: Mapping[str, Any]) -> Any:
    """A draft again. Fields we no longer know are dropped; fields we did not know yet keep their default."""
    if not is_dataclass(kind):
        raise TypeError(f"{kind.__name__} is not a dataclass")
    hints = _hints(kind)
    return kind(**{name: _rich(value, hints[name]) for name, value in stored.items() if name in hints})


@cache
def _hints(kind: type) -> dict[str, Any]:
    """The fields of a draft and their types, looked up once."""
    known = {one.name for one in fields(kind)}
    return {name: hint for name, hint in get_type_hints(kind).items() if name in known}


def _plain(value: Any) -> Any:
    if isinstance(value, list | dict):
        return deepcopy(value)  # else a step that adds to it would change what we compare it with
    return value.isoformat() if isinstance(value, date) else value


def _rich(value: Any, hint: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) and (hint is date or date in get_args(hint)) else value


def payload_of(message: Incoming) -> dict[str, Any] | None:
    """What the words alone do not say, for the row."""
    known = {
        "tap": message.tap.token() if message.tap else None,
        "start": message.start,
        "language": message.language,
        "media": dict(message.payload) or None,
        "masked": "health" if message.masked else None,
        "late": message.late or None,
    }
    return {name: value for name, value in known.items() if value is not None} or None


def incoming_of(message: Message, identity: Identity) -> Incoming:
    """The message as it came in, from its row."""
    payload = message.payload or {}
    return Incoming(
        sender=Address(identity.channel, identity.address, identity.simulated),
        update_id="",
        at=message.at,
        message_id=message.message_key,
        kind=message.kind,
        text=message.text,
        tap=Tap.read(payload.get("tap", "")),
        language=payload.get("language"),
        start=payload.get("start"),
        payload=payload.get("media") or {},
        masked="masked" in payload,
        late="late" in payload,
    )
