# SPDX-License-Identifier: EUPL-1.2
"""Reads telephone numbers as people write them, and writes them as people read them."""

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberMatcher

HERE = "IT"  # a number without the prefix of a country is one of here
LONGEST = 200  # characters: past it, it is a letter, not a number


def find(text: str) -> str | None:
    """The one number in the text that can be called, in the international form (E.164); None where there is none."""
    if len(text) > LONGEST:
        return None
    found = {phonenumbers.format_number(one.number, PhoneNumberFormat.E164) for one in PhoneNumberMatcher(text, HERE)}
    return found.pop() if len(found) == 1 else None


def shared(card: str) -> str | None:
    """The number on a card that an app shares: always international, and not always with its plus."""
    return find("+" + card.strip().lstrip("+"))


def in_groups(number: str) -> str:
    """A number in the international form, in groups: +39 333 123 4567."""
    return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)
