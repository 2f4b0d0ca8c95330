# SPDX-License-Identifier: EUPL-1.2
"""What happened behind a phone: the dialogue, the turns, the outbox; for those who develop."""

from collections.abc import Sequence
from datetime import datetime

from babel.dates import format_datetime

from bot.simulator.bubbles import Json
from handlers.talk import Reader, Time
from handlers.talk.limits import LIMITS
from handlers.talk.reasons import why
from handlers.talk.rendering import width
from handlers.talk.text import locale_of
from storage import Store
from storage.dialogues import Dialogue
from storage.messages import UNSENT, Message
from storage.people import Identity

TURNS, SENT = 8, 10  # how many of the newest


def behind(store: Store, identity: Identity, found: Sequence[Message], reader: Reader) -> Json:
    """``found`` is all that was said in this chat, oldest first."""
    heard = [one for one in found if one.direction == "in"]
    out = [one for one in found if one.direction == "out"]
    newest = {one.id for one in out[-SENT:]} | {one.id for one in out if one.state in UNSENT}
    return {
        "dialogue": place(store.dialogues.get(identity.person_id)),
        "turns": [turn(one, reader) for one in reversed(heard[-TURNS:])],
        "outbox": [leaving(one, reader) for one in reversed(out) if one.id in newest],
    }


def place(dialogue: Dialogue) -> Json:
    """Where the person is."""
    return {
        "conversation": dialogue.conversation,
        "step": dialogue.step,
        "draft": dialogue.draft,
        "misses": dialogue.misses,
        "version": dialogue.version,
        "paused": [one.get("conversation") for one in dialogue.paused],
    }


def turn(message: Message, reader: Reader) -> Json:
    """What came in, and what became of it."""
    return {
        "id": message.id,
        "kind": message.kind,
        "state": message.state,
        "reason": reason(message, reader),
        "version": message.dialogue_version,
        "at": Time(message.at).render(reader),
    }


def leaving(message: Message, reader: Reader) -> Json:
    """What goes out: of it, only what is not in the bubble."""
    limits = LIMITS[message.channel]
    return {
        "id": message.id,
        "kind": (message.payload or {}).get("moment") or message.kind,
        "state": message.state,
        "reason": reason(message, reader),
        "due": moment(message.due_at, reader),
        "left": moment(message.sent_at, reader),
        "attempts": message.attempts,
        "length": f"{width(message.text)}/{limits.text_with_options if message.options else limits.text}",
    }


def reason(message: Message, reader: Reader) -> str:
    return why(message.reason).render(reader) if message.reason else ""


def moment(at: datetime | None, reader: Reader) -> str:
    """Short, for a narrow column."""
    found = format_datetime(at, "EEE d MMM HH:mm", tzinfo=reader.zone, locale=locale_of(reader.language)) if at else ""
    return str(found)
