# SPDX-License-Identifier: EUPL-1.2
"""Pages in the reader's language: every sentence and every moment is put into words here, and escaped."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from handlers.desk.office.people import CHANNELS
from handlers.talk.text import ROME, Lines, Local, Reader, Text, Time, _, locale_of, n_, p_, shown

TEMPLATES = Path(__file__).parent / "templates"
# One environment for all languages: what differs is who reads, and that is known to the page that is being written.
_reader: ContextVar[Reader] = ContextVar("reader")


@contextmanager
def written_for(reader: Reader) -> Iterator[None]:
    """Everything that is rendered inside is in this reader's language."""
    token = _reader.set(reader)
    try:
        yield
    finally:
        _reader.reset(token)


def in_words(value: Any) -> Any:
    """What a template prints: sentences and moments in words, everything else as it is."""
    return shown(value, _reader.get()) if isinstance(value, Text | Lines | Local | Time | datetime | date) else value


def short_moment(at: datetime | None) -> str:
    """A day and an hour for a table: 24 nov, 15:00; the year where it is another one is told by ``long_moment``."""
    if at is None:
        return ""
    return format_datetime(at, "d MMM, HH:mm", tzinfo=ROME, locale=locale_of(_reader.get().language))


def long_moment(at: datetime | None) -> str:
    """The same in full: martedì 24 novembre 2026, 15:00."""
    if at is None:
        return ""
    return format_datetime(at, "EEEE d MMMM y, HH:mm", tzinfo=ROME, locale=locale_of(_reader.get().language))


def short_day(day: date | datetime | None) -> str:
    if day is None:
        return ""
    day = day.astimezone(ROME).date() if isinstance(day, datetime) else day
    return format_date(day, "d MMM y", locale=locale_of(_reader.get().language))


def short_hour(at: datetime) -> str:
    """Only the hour of a moment."""
    return Time(at).render(_reader.get())


def bare_day(day: date) -> str:
    """A day without its year, for a narrow place."""
    return format_date(day, "d MMM", locale=locale_of(_reader.get().language))


def long_day(day: date) -> str:
    """A day in full: martedì 24 novembre 2026."""
    return format_date(day, "EEEE d MMMM y", locale=locale_of(_reader.get().language))


def machine(at: datetime | date | None) -> str:
    """For the datetime attribute of <time>, and for the value of a field that takes a day or a moment of Rome."""
    if isinstance(at, datetime):
        return at.astimezone(ROME).strftime("%Y-%m-%dT%H:%M")
    return at.isoformat() if at else ""


def number(value: float | None) -> str:
    return "" if value is None else format_decimal(value, locale=locale_of(_reader.get().language))


def tongue(code: str) -> str:
    """A language by the name it has for who reads, and not by its code."""
    return str(Locale.parse(locale_of(_reader.get().language)).languages.get(code, code))


def channel(code: str) -> str:
    """A channel as it writes its own name."""
    return CHANNELS.get(code, code)


def words(value: Any) -> str:
    """Where a template needs a string of what is not printed by itself, such as the label of a control."""
    return str(in_words(value))


def environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: "" if value is None else in_words(value),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(_=_, n_=n_, p_=p_, language=lambda: _reader.get().language)
    found.filters.update(
        words=words,
        short_moment=short_moment,
        long_moment=long_moment,
        short_day=short_day,
        long_day=long_day,
        local=Local,
        short_hour=short_hour,
        bare_day=bare_day,
        machine=machine,
        number=number,
        tongue=tongue,
        channel=channel,
    )
    return found
