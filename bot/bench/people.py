# SPDX-License-Identifier: EUPL-1.2
"""The people of a bench: what they write, as the updates that Telegram would send."""

from collections.abc import Iterator
from typing import Any

# The registration, from the first word to the last permission: what both sides of the bench are asked to keep.
DIALOGUE = ("ciao", "4", "1987", "Amina", "bologna", "cuoca", "2", "1", "2")
SENT_AT = 1_800_000_000


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
