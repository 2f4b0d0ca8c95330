# SPDX-License-Identifier: EUPL-1.2
"""What somebody wrote into a form: each field is read in its own way, and what is wrong is said beside it."""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from datetime import MAXYEAR, MINYEAR, date, datetime, time
from typing import Any
from urllib.parse import urlsplit

from handlers.talk import _, n_
from handlers.talk.text import Words

LANGUAGES = ("it", "en")  # in which the desk writes what people read
SEEN = "seen"  # the field that says how things stood when the form was opened
DAYS = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})[/.](\d{1,2})[/.](\d{4})")


class Written:
    """
    A form as it was sent. Nothing of it is lost: it is shown again as it is, with ``wrong`` beside the fields.

    A method that reads a field gives what stands there, or None after it has noted what is wrong with it.
    """

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self.fields = [(name, clean(value)) for name, value in fields]
        self.wrong: dict[str, Words] = {}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Written":
        """A form filled in with what is known."""
        pairs: list[tuple[str, str]] = []
        for name, value in values.items():
            if isinstance(value, list):
                pairs += [(name, str(one)) for one in value]
            elif value is not None:
                pairs.append((name, str(value)))
        return cls(pairs)

    def get(self, name: str, default: str = "") -> str:
        return next((value for one, value in self.fields if one == name), default)

    def all(self, name: str) -> list[str]:
        return [value for one, value in self.fields if one == name]

    def ticked(self, name: str) -> bool:
        return bool(self.get(name))

    # ---- reading

    def text(self, name: str, most: int, *, needed: bool = True) -> str | None:
        found = self.get(name)
        if needed and not found:
            self.wrong[name] = _("Write something here.")
        elif len(found) > most:
            self.wrong[name] = _("This is too long: {count} letters at the most.", count=most)
        return None if name in self.wrong else found

    def in_languages(self, name: str, most: int, *, needed: bool = True) -> dict[str, str] | None:
        """The same text in Italian and in English; where it may be left out, both or none."""
        given = [self.get(f"{name}_{language}") for language in LANGUAGES]
        asked = needed or any(given)
        found = {language: self.text(f"{name}_{language}", most, needed=asked) for language in LANGUAGES}
        return {language: one for language, one in found.items() if one} or None

    def number(self, name: str, least: int, most: int) -> int | None:
        found = self.get(name)
        if not (found.isascii() and found.isdigit() and len(found) < 10 and least <= int(found) <= most):
            self.wrong[name] = _("Write a number from {least} to {most}.", least=least, most=most)
            return None
        return int(found)

    def decimal(self, name: str, most: float) -> float | None:
        """A number with its fraction, such as a latitude; nothing is allowed, too."""
        found = self.get(name).replace(",", ".")
        if not found:
            return None
        if not re.fullmatch(r"-?\d{1,3}(\.\d{1,10})?", found) or abs(float(found)) > most:
            self.wrong[name] = _("Write it like this: 44.4949")
            return None
        return float(found)

    def day(self, name: str, *, needed: bool = True) -> date | None:
        found = self.get(name)
        if not found and not needed:
            return None
        match = DAYS.fullmatch(found)
        try:
            if match:
                parts = [int(one) for one in match.groups() if one]
                return day_within(date(*parts) if match[1] else date(*parts[::-1]))
        except ValueError:
            pass
        self.wrong[name] = _("Write a day like this: 2027-03-24")
        return None

    def clock(self, name: str) -> time | None:
        match = re.fullmatch(r"(\d{1,2})[:.](\d{2})(:00)?", self.get(name))
        if match and int(match[1]) < 24 and int(match[2]) < 60:
            return time(int(match[1]), int(match[2]))
        self.wrong[name] = _("Write an hour like this: 14:30")
        return None

    def one_of(self, name: str, known: Collection[str], *, needed: bool = True) -> str | None:
        found = self.get(name)
        if found in known:
            return found
        if needed or found:
            self.wrong[name] = _("Choose one of these.")
        return None

    def some_of(self, name: str, known: Collection[str]) -> list[str]:
        """Those of the known ones that are ticked; at least one."""
        found = [one for one in dict.fromkeys(self.all(name)) if one in known]
        if not found:
            self.wrong[name] = _("Choose one or more of these.")
        return found

    def link(self, name: str, *, needed: bool) -> str | None:
        """An address on the web."""
        found = self.get(name)
        if not found and not needed:
            return None
        try:
            parts = urlsplit(found)
            is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s<>\"]", found)
        except ValueError:
            is_good = False
        if not is_good or len(found) > 500:
            self.wrong[name] = _("Write an address that begins with https://")
            return None
        return found

    @property
    def how_many_wrong(self) -> Words | None:
        """A sentence for the top of the form."""
        if not self.wrong:
            return None
        return n_("{count} field needs another look.", "{count} fields need another look.", len(self.wrong))


def clean(value: str) -> str:
    """Without blanks around it, and without signs that nobody can type and a database refuses."""
    plain = value.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one for one in plain if one in "\n\t" or unicodedata.category(one) not in ("Cc", "Cs")).strip()


def day_in(words: str | None) -> date | None:
    """A day of the calendar that has a day before it and one after it, wherever on earth; else none."""
    try:
        return day_within(date.fromisoformat(words or ""))
    except ValueError:
        return None


def day_within(day: date) -> date:
    """The same day. Raises ValueError for one that an hour, a week or a time zone would carry out of the calendar."""
    if not MINYEAR < day.year < MAXYEAR:
        raise ValueError(day)
    return day


def moment_in(words: str) -> datetime | None:
    """The same for an instant with its time zone."""
    try:
        found = datetime.fromisoformat(words)
    except ValueError:
        return None
    return found if found.tzinfo and MINYEAR < found.year < MAXYEAR else None


def fingerprint(values: Mapping[str, Any]) -> str:
    """How things stand, in a few signs: another one as soon as somebody changes something."""
    stated = sorted((name, sorted(one.items()) if isinstance(one, dict) else one) for name, one in values.items())
    return hashlib.sha256(repr(stated).encode()).hexdigest()[:16]


def slug(name: str, taken: Collection[str]) -> str:
    """A name for addresses and files that nobody has yet: small letters and hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "new"
    return next(one for one in (found, *(f"{found}-{number}" for number in range(2, 10_000))) if one not in taken)
