# SPDX-License-Identifier: EUPL-1.2
"""The people of a bench: what they write, as the updates that Telegram would send, and what is written to them."""

from collections.abc import Iterator
from typing import Any

from handlers.talk import Address, Option, Outgoing
from handlers.talk.messages import Form

# The registration, from the first word to the last permission: what both sides of the bench are asked to keep.
DIALOGUE = ("ciao", "4", "1987", "Amina", "bologna", "cuoca", "2", "1", "2")
SENT_AT = 1_800_000_000
FIRST_NUMBER = 393_300_000_000

# What is written to everybody, and the form that WhatsApp has for it.
TEXT = "Buongiorno. Domani alle 10 c’è il laboratorio «Curriculum». Vieni?\n1. Sì\n2. No"
OPTIONS = (Option("yes", "Sì", "Sì"), Option("no", "No", "No"))
FORM, SID = "buttons-2", "HX" + "0" * 32


def updates(people: int, after: int = 0) -> Iterator[dict[str, Any]]:
    """Everybody's messages, person after person within each round, as they would arrive from a crowd."""
    number = after * len(DIALOGUE)
    for words in DIALOGUE:
        for person in range(after + 1, after + people + 1):
            number += 1
            yield update(number, person, words)


def update(number: int, person: int, words: str) -> dict[str, Any]:
    sender = {"id": person, "is_bot": False, "first_name": "P", "language_code": "it"}
    chat = {"id": person, "type": "private", "first_name": "P"}
    message = {"message_id": number, "from": sender, "chat": chat, "date": SENT_AT, "text": words}
    return {"update_id": number, "message": message}


def chat(channel: str, person: int) -> str:
    """Where somebody is to be found on a channel."""
    return f"whatsapp:+{FIRST_NUMBER + person}" if channel == "whatsapp" else str(person)


def filled(person: int) -> dict[str, str]:
    """What stands in the form: the words, and on each button its title and what a tap brings back."""
    return {"1": TEXT, "2": "Sì", "3": f"{person}.0", "4": "No", "5": f"{person}.1"}


def letter(channel: str, person: int) -> Outgoing:
    """What is written to them, as a channel of ours gets it."""
    form = Form(SID, filled(person)) if channel == "whatsapp" else None
    return Outgoing(person, Address(channel, chat(channel, person)), TEXT, OPTIONS, form=form)
