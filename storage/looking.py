# SPDX-License-Identifier: EUPL-1.2
"""What an invariant is: a sentence that must be true of the database, and the query that finds what breaks it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, Table, case, cast, literal

from storage.tables import messages

SWEPT = timedelta(minutes=2)  # free places and ended offers are looked for every twenty seconds


@dataclass(frozen=True)
class Present:
    """When we look, and which consent each moment needs. Times are aware, in UTC; leases run in real time."""

    now: datetime
    real: datetime
    purposes: Mapping[str, str]

    @property
    def purpose(self) -> ColumnElement[Any]:
        """The purpose of the moment that a message carries; none for what needs no consent."""
        moment = messages.c.payload["moment"].as_string()
        return case(*((moment == name, purpose) for name, purpose in self.purposes.items()), else_=None)


@dataclass(frozen=True)
class Invariant:
    """
    A sentence that must be true, and the query for the rows that may break it, each with its id first.

    ``is_broken`` decides where the databases have no common words for it, such as "three hours before the start".
    """

    name: str
    sentence: str
    noun: str
    of: Table
    query: Callable[[Present], Select[Any]]
    is_broken: Callable[[Any, Present], bool] = lambda row, present: True
    only: ColumnElement[bool] | None = None  # of these rows, where not all are meant


def about(noun: str, id: ColumnElement[Any]) -> ColumnElement[str]:
    """How messages, cases and the audit name a row, such as booking:12."""
    return literal(f"{noun}:").concat(cast(id, String))
