# SPDX-License-Identifier: EUPL-1.2
"""
Finds words in the log, newest first: with FTS5 on SQLite, with a GIN index on PostgreSQL.

What people type is never a query. It is folded into words, and each of them is quoted.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, bindparam, cast, column, select, table
from sqlalchemy.dialects.postgresql import TSQUERY

from storage.folding import found, words
from storage.people import in_scope
from storage.prepared import Prepared
from storage.search_index import BLOCK, IS_OPEN, SearchIndex, block
from storage.tables import message_words, messages, people
from storage.tables.search import FTS

NEAR = 5000  # numbers that PostgreSQL looks through one by one before it asks its index
WINDOW = 4 * BLOCK  # numbers behind them for which it asks the index of their time
LARGEST = 1000  # matches that are read at a time
PATIENCE = 5000  # matches, before we go by the people in scope instead
CROWD = 500  # people in one question to the index
LEAST = 3  # letters of a word that somebody has not finished

Scope = tuple[Collection[str] | None, Collection[str] | None]
"""Areas and programmes; None is no limit."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found, and from where to where in its text the words stand."""

    message_id: int
    person_id: int
    channel: str
    at: datetime
    direction: str
    text: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The words somebody looks for; of the last one perhaps only the beginning."""

    words: tuple[str, ...]
    is_unfinished: bool = False

    @property
    def may_be_unfinished(self) -> bool:
        return len(self.words[-1]) >= LEAST

    def spans(self, text: str) -> tuple[tuple[int, int], ...]:
        """Where they stand in a text; nothing unless all of them do."""
        places = list(found(text, self.words, self.is_unfinished))
        has_all = len({which for which, _start, _end in places}) == len(self.words)
        return tuple((start, end) for _which, start, end in places) if has_all else ()


@dataclass(frozen=True, slots=True)
class Span:
    """The messages with a number between these two, and from which end they are read."""

    above: int
    below: int
    newest_first: bool = True

    def past(self, id: int) -> "Span":
        """What is left of it behind this message."""
        return Span(self.above, id) if self.newest_first else Span(id, self.below, newest_first=False)

    def split(self, many: int) -> tuple["Span", "Span"]:
        """The first numbers of it, so many, and the rest."""
        if self.newest_first:
            edge = max(self.above, self.below - many - 1)
            return Span(edge, self.below), Span(self.above, edge + 1)
        edge = min(self.below, self.above + many + 1)
        return Span(self.above, edge, newest_first=False), Span(edge - 1, self.below, newest_first=False)

    @property
    def blocks(self) -> list[str]:
        return [block(first) for first in range(self.above // BLOCK * BLOCK, self.below, BLOCK)]


@dataclass(frozen=True, slots=True)
class Filters:
    """What else must be so: of these people only, on this channel, in this direction, in this scope."""

    only: frozenset[int] | None
    channel: str | None
    direction: str | None
    scope: Scope

    @property
    def is_scoped(self) -> bool:
        return self.scope != (None, None)


_fts = table(FTS, column(FTS), column("rowid"))
_query: Any = bindparam("query", type_=String)
_columns = [messages.c[name] for name in ("id", "person_id", "channel", "at", "direction", "text")]
_from = Prepared(
    select(messages.c.id, messages.c.at).where(messages.c.id >= bindparam("id")).order_by(messages.c.id).limit(1)
)
_shown = select(*_columns).where(messages.c.id.in_(bindparam("ids", expanding=True)), IS_OPEN)


def _within(statement: Select[Any], number: ColumnElement[int], newest_first: bool) -> Select[Any]:
    """The statement's rows that are within a span, in its order."""
    between = number > bindparam("above"), number < bindparam("below")
    return statement.where(*between).order_by(number.desc() if newest_first else number)


def _by_fts(newest_first: bool) -> Prepared:
    matching = select(_fts.c.rowid).where(_fts.c[FTS].op("match")(_query))
    return Prepared(_within(matching, _fts.c.rowid, newest_first).limit(bindparam("most")))


def _by_number(newest_first: bool) -> Prepared:
    nearest = _within(select(message_words), message_words.c.message_id, newest_first).limit(NEAR).subquery()
    matching = select(nearest.c.message_id).where(_has(nearest.c.words))
    return Prepared(_within(matching, nearest.c.message_id, newest_first).limit(bindparam("most")))


def _by_gin(newest_first: bool) -> Prepared:
    number = message_words.c.message_id
    # The sum keeps the planner from reading the numbers of a whole year, to compare them with a few that it has found.
    between = number + 0 > bindparam("above"), number + 0 < bindparam("below")
    found = select(number).where(_has(message_words.c.words), *between).cte("found")
    found = found.prefix_with("MATERIALIZED", dialect="postgresql")
    order = found.c.message_id.desc() if newest_first else found.c.message_id
    return Prepared(select(found.c.message_id).order_by(order).limit(bindparam("most")))


def _has(words: Any) -> ColumnElement[bool]:
    return words.op("@@", is_comparison=True)(cast(_query, TSQUERY))  # type: ignore[no-any-return]


_fts_search, _number_search, _gin_search = (
    {newest_first: make(newest_first) for newest_first in (True, False)} for make in (_by_fts, _by_number, _by_gin)
)


class Search(SearchIndex):
    def messages(
        self,
        sought: str,
        *,
        person_id: int | None = None,
        people: Collection[int] | None = None,
        channel: str | None = None,
        direction: str | None = None,
        areas: Collection[str] | None = None,
        programmes: Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
    ) -> list[Hit]:
        """
        Messages with all these words, newest first: those just ``before`` a message, or those just ``after`` it.

        If nobody has written the last word as it stands, it counts as the beginning of one. With ``areas`` or
        ``programmes`` only people of these are found. ``until`` itself is left out.
        """
        whole = Wanted(tuple(dict.fromkeys(words(sought))))
        if not whole.words:
            return []
        groups = [set(some) for some in (people, None if person_id is None else (person_id,)) if some is not None]
        only = frozenset(set.intersection(*groups)) if groups else None
        filters = Filters(only, channel, direction, (areas, programmes))
        times = Span(self.first_at(since) - 1 if since else 0, self.first_at(until) if until else self._newest() + 1)
        page = Span(max(times.above, after or 0), min(times.below, before or times.below), after is None)
        found = self._page(whole, filters, page, limit)
        if not found and whole.may_be_unfinished and (page == times or not self._page(whole, filters, times, 1)):
            found = self._page(replace(whole, is_unfinished=True), filters, page, limit)
        return found if page.newest_first else found[::-1]

    def first_at(self, instant: datetime) -> int:
        """The number from which on messages are as late as this: numbers grow with time."""
        first, end = 1, self._newest() + 1
        while first < end:
            middle = (first + end) // 2
            id, at = self.store.run(_from, {"id": middle})[0]
            if at >= instant:
                end = middle
            else:
                first = id + 1
        return first

    # ---- a page

    def _page(self, wanted: Wanted, filters: Filters, span: Span, most: int) -> list[Hit]:
        """
        The first matches of a span.

        A scope is not in the index, since people come and go in it. If it has few people we look for them; if it has
        many, their messages are soon met; and if they are not, we look for all of its people after all.
        """
        crowd: Collection[int] | None = filters.only
        if crowd is None and filters.is_scoped:
            crowd = self._in_scope(filters.scope, CROWD + 1)
            if len(crowd) > CROWD:
                found = self._through(wanted, filters, (), span, most, patience=PATIENCE)
                if found is not None:
                    return found
                crowd = self._in_scope(filters.scope)
        if crowd is None:
            return self._through(wanted, filters, (), span, most) or []
        asked = sorted(crowd)
        groups = [asked[start : start + CROWD] for start in range(0, len(asked), CROWD)]
        hits = [hit for group in groups for hit in self._through(wanted, filters, group, span, most) or []]
        return sorted(hits, key=lambda hit: hit.message_id, reverse=span.newest_first)[:most]

    def _through(
        self,
        wanted: Wanted,
        filters: Filters,
        crowd: Collection[int],
        span: Span,
        most: int,
        patience: float = math.inf,
    ) -> list[Hit] | None:
        """The first hits, read in steps that grow. None if too few were met among as many matches as patience says."""
        query = self._query(wanted, filters, crowd)
        found: list[Hit] = []
        step, looked = most, 0
        while True:
            ids = self._matches(query, span, step, straight=bool(crowd))
            hits = self._hits(ids, wanted, filters)
            found += [hits[id] for id in ids if id in hits]
            looked += len(ids)
            if len(found) >= most or len(ids) < step:
                return found[:most]
            if looked >= patience:
                return None
            span, step = span.past(ids[-1]), min(2 * step, LARGEST)

    def _in_scope(self, scope: Scope, most: int | None = None) -> list[int]:
        return [row[0] for row in self.store.read(select(people.c.id).where(in_scope(*scope)).limit(most))]

    def _hits(self, ids: Collection[int], wanted: Wanted, filters: Filters) -> dict[int, Hit]:
        """Those of these messages that may be shown, say the words by now, and are of somebody in scope."""
        if not ids:
            return {}
        rows = _shown
        if filters.is_scoped:
            rows = rows.join(people, people.c.id == messages.c.person_id).where(in_scope(*filters.scope))
        return {
            row.id: Hit(row.id, row.person_id, row.channel, row.at, row.direction, row.text, spans)
            for row in self.store.read(rows, {"ids": ids})
            if (filters.only is None or row.person_id in filters.only) and (spans := wanted.spans(row.text))
        }

    # ---- the index

    def _query(self, wanted: Wanted, filters: Filters, crowd: Collection[int]) -> str:
        """In the database's own words, with everything between quotation marks: nothing in it is anybody's query."""
        mark, and_, or_, begins = ("'", " & ", " | ", ":*") if self.store.is_postgresql else ('"', " AND ", " OR ", "*")
        tokens = [*wanted.words, *(f"@{one}" for one in (filters.channel, filters.direction) if one)]
        parts = [f"{mark}{token}{mark}" for token in tokens]
        if wanted.is_unfinished:
            parts[len(wanted.words) - 1] += begins
        if crowd:
            parts.append(f"({or_.join(f'{mark}@{id}{mark}' for id in crowd)})")
        return and_.join(parts)

    def _matches(self, query: str, span: Span, most: int, *, straight: bool) -> list[int]:
        """The numbers of so many messages that match, from the end that the span is read from."""
        if not self.store.is_postgresql:
            return self._ids(_fts_search, query, span, most)
        if straight:
            return self._ids(_gin_search, query, span, most)
        # PostgreSQL's planner cannot know how many match, and where it guesses wrong it reads everything. So it has no
        # choice: the newest by their numbers; the next ones by the index, which is told of what time they are; and
        # only of a word that is seldom in all these, whatever else there is.
        near, behind = span.split(NEAR)
        window, rest = behind.split(WINDOW)
        found = self._ids(_number_search, query, near, most)
        if len(found) < most:
            at_the_time = " | ".join(f"'{one}'" for one in window.blocks)
            found += self._ids(_gin_search, f"{query} & ({at_the_time})", window, most - len(found))
        if len(found) < most:
            found += self._ids(_gin_search, query, rest, most - len(found))
        return found

    def _ids(self, search: dict[bool, Prepared], query: str, span: Span, most: int) -> list[int]:
        if span.below - span.above < 2:
            return []
        values = {"query": query, "above": span.above, "below": span.below, "most": most}
        return [row[0] for row in self.store.run(search[span.newest_first], values)]
