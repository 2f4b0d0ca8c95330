# SPDX-License-Identifier: EUPL-1.2
"""What somebody writes about their health is taken out before anything of it is kept."""

from dataclasses import replace

from handlers.engine.meaning import in_options, is_label
from handlers.rules.health_words import find, masked
from handlers.talk import Incoming


def without_health(message: Incoming, shown: list[dict[str, str]] | None) -> Incoming:
    """
    The message with signs in the place of such words, and without the file that they name or stand under.

    A choice of ours that somebody writes out is our own words; ``shown`` are the choices of the open question.
    """
    if message.kind == "tap":
        return message
    text, name = masked(message.text), str(message.payload.get("name") or "")
    if text == message.text and not find(name):
        return message
    if is_label(message.text, in_options(shown)):
        return message
    return replace(message, text=text, payload={}, masked=True)
