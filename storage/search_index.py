# SPDX-License-Identifier: EUPL-1.2
"""
The words of the log, put where they are found: a batch at a time, off the path of every message.

Person, channel and direction stand among the words of a message, as ``@12``, ``@telegram``, ``@in``, so that they are
looked up together; nobody's words begin with ``@``. What may not be found is not put here: what is said about a club's
diary, files with somebody's data, what has been deleted.
"""

import time
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import (
    Select,
    bindparam,
    column,
    delete,
    func,
    insert,
    literal_column,
    not_,
    or_,
    select,
    table,
    text,
    update,
)

from storage.folding import words
from storage.my_data import DOWNLOAD
from storage.prepared import Prepared
from storage.tables import message_words, messages, search_changes, search_progress
from storage.tables.search import FTS
from storage.transaction import Transaction

BATCH = 250  # messages in a transaction that catches up
SOME = 500  # rows in one statement
BLOCK = 16_384  # messages whose numbers are one word on PostgreSQL
DIARY = "diary:"  # only the counsellor of a club reads what is said about its diary
LOCK = 7_301_949  # one process at a time changes the index
TRIES, PAUSE = 20, 0.01  # how often, and how long in seconds, we wait for those who are writing at this moment
PAGES = 500  # of FTS5's own, merged in one step: some ten milliseconds
ASKED, MERGING = 1, 2

_subject = func.coalesce(messages.c.subject, "")
IS_OPEN = not_(or_(_subject.startswith(DIARY, autoescape=True), _subject == DOWNLOAD, messages.c.text == ""))

_newest = Prepared(select(func.coalesce(func.max(messages.c.id), 0)))
_row = [messages.c[name] for name in ("id", "person_id", "channel", "direction", "text")]
# Who has written to the log and not committed: their messages may have smaller numbers than some that we see.
_writers: Select[Any] = select(column("virtualtransaction")).select_from(table("pg_locks"))
_writers = _writers.where(text("relation = 'messages'::regclass and mode = 'RowExclusiveLock' and granted"))
_add_vectors = text(
    "insert into message_words (message_id, words) select id, array_to_tsvector(string_to_array(words, ' ')) "
    "from unnest(cast(:ids as bigint[]), cast(:words as text[])) as one (id, words)"
)
_fts = table(FTS, column(FTS), column("rowid"), column("words"), column("rank"))
_add_to_fts = insert(_fts).values(rowid=bindparam("message_id"), words=bindparam("words"))
_merge = insert(_fts).values({FTS: "merge", "rank": bindparam("pages")})


class SearchIndex:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def is_behind(self) -> bool:
        """Is there anything for ``catch_up`` or ``sweep`` to do?"""
        done, remains = self._progress()
        changed = select(search_changes.c.message_id).limit(1)
        return bool(done < self._newest() or remains or self.store.read(changed))

    def catch_up(self, most: int = BATCH) -> int:
        """Look at messages that are new or have changed, at so many, oldest first. Returns at how many it has."""
        newest = self._settled()
        if newest is None or not self._take(waits=False):
            return 0
        done, _remains = self._progress()
        if again := self._changed(done, most):
            self._remove(again)
            self._add(self._read(messages.c.id.in_(again)))
            return len(again)
        new = self._read(messages.c.id > done, messages.c.id <= newest, most=most)
        if new:
            self._add(new)
            self._note(message_id=new[-1].id)
        return len(new)

    def look_again(self, ids: Collection[int]) -> None:
        """What these messages say, or whose they are, has changed: they are looked at once more, soon."""
        if ids:
            rows = [{"message_id": id} for id in ids]
            self.store.write(self.store.insert(search_changes).on_conflict_do_nothing(), rows)

    def forget_messages(self, ids: Collection[int]) -> None:
        """Their words are found no more from this transaction on. What they say instead is looked at soon."""
        self._take(waits=True)
        self._remove(ids)
        self.look_again(ids)

    def forget(self, person_id: int) -> None:
        """Nothing that was said with somebody is found any more from this transaction on."""
        self._take(waits=True)
        rows = self.store.read(select(messages.c.id).where(messages.c.person_id == person_id))
        self._remove([row[0] for row in rows])

    def sweep(self) -> bool:
        """
        One step of clearing away what FTS5 keeps of words that were deleted. False when nothing of them is left.

        It marks them at first, and lets go of them when it merges its pages: that takes longer than those should wait
        who write meanwhile. On PostgreSQL this is what vacuum is for.
        """
        remains = self._progress()[1]
        if not remains:
            return False
        before = self._changes_so_far()
        # A negative number puts everything there is by now on the pile that is merged; then the pile is worked off.
        self.store.write(_merge, {"pages": -PAGES if remains == ASKED else PAGES})
        is_over = remains == MERGING and self._changes_so_far() - before < 2
        self._note(remains=0 if is_over else MERGING)
        return not is_over

    def _changes_so_far(self) -> int:
        return int(self.store.read(select(func.total_changes()))[0][0])

    # ---- how far it has come

    def _newest(self) -> int:
        return int(self.store.run(_newest, {})[0][0])

    def _settled(self) -> int | None:
        """
        The newest message before which none is still to come; None if that cannot be said now.

        On PostgreSQL a message has its number before others see it: we wait for those who were writing as we looked.
        """
        newest = self._newest()
        writing = self._writing()
        for _try in range(TRIES):
            if not writing:
                return newest
            time.sleep(PAUSE)
            writing &= self._writing()
        return None

    def _writing(self) -> set[str]:
        return {row[0] for row in self.store.read(_writers)} if self.store.is_postgresql else set()

    def _take(self, *, waits: bool) -> bool:
        """
        Have the index for ourselves until the transaction ends; False if another process has it.

        Who deletes words waits for whoever has read them and is about to put them here.
        """
        if not self.store.is_postgresql:
            return True  # who writes is alone
        take = func.pg_advisory_xact_lock if waits else func.pg_try_advisory_xact_lock
        return self.store.read(select(take(LOCK)))[0][0] is not False

    def _progress(self) -> tuple[int, int]:
        """The last message that was looked at, and whether something is to be cleared away."""
        rows = self.store.read(select(search_progress.c.message_id, search_progress.c.remains))
        return (rows[0][0], rows[0][1]) if rows else (0, 0)

    def _note(self, **values: int) -> None:
        if not self.store.write(update(search_progress).values(**values)).rowcount:
            self.store.write(insert(search_progress).values({"id": 1, "message_id": 0, "remains": 0, **values}))

    def _changed(self, done: int, most: int) -> list[int]:
        """They are taken off the list before they are read: what changes from here on comes back on to it."""
        some = select(search_changes.c.message_id).where(search_changes.c.message_id <= done).limit(most)
        gone = delete(search_changes).where(search_changes.c.message_id.in_(some))
        return [row[0] for row in self.store.write(gone.returning(search_changes.c.message_id))]

    # ---- in and out

    def _read(self, *where: Any, most: int | None = None) -> list[Any]:
        rows = select(*_row, IS_OPEN.label("is_open")).where(*where).order_by(messages.c.id).limit(most)
        return list(self.store.read(rows))

    def _add(self, rows: Iterable[Any]) -> None:
        found = {row.id: " ".join(known) for row in rows if row.is_open and (known := _words_of(row))}
        if not found:
            return
        if self.store.is_postgresql:
            vectors = [f"{known} {block(id)}" for id, known in found.items()]
            self.store.write(_add_vectors, {"ids": [*found], "words": vectors})
            return
        new = [{"message_id": id, "words": known} for id, known in found.items()]
        self.store.write(insert(message_words), new)
        self.store.write(_add_to_fts, new)

    def _remove(self, ids: Collection[int]) -> None:
        asked = sorted(ids)
        for start in range(0, len(asked), SOME):
            self._remove_some(message_words.c.message_id.in_(asked[start : start + SOME]))

    def _remove_some(self, these: Any) -> None:
        if self.store.is_postgresql:
            self.store.write(delete(message_words).where(these))
            return
        # FTS5 has to be told the very words it was given.
        known = select(literal_column("'delete'"), message_words.c.message_id, message_words.c.words).where(these)
        self.store.write(insert(_fts).from_select([FTS, "rowid", "words"], known))
        if self.store.write(delete(message_words).where(these)).rowcount:
            self._note(remains=ASKED)


def _words_of(row: Any) -> list[str]:
    said = sorted(set(words(row.text)))
    return [*said, f"@{row.person_id}", f"@{row.channel}", f"@{row.direction}"] if said else []


def block(id: int) -> str:
    """Messages of about the same time, as a word: GIN finds those with a word, but not those of a time."""
    return f"@#{id // BLOCK}"
