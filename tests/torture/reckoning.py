# SPDX-License-Identifier: EUPL-1.2
"""The reckoning: what phones and the network have seen, beside what the database says."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from storage.tables import identities, messages
from tests.torture.phones import Phone
from tests.torture.post import Post, Update
from tests.torture.telegram import Sent, Telegram
from tests.torture.town import Town

ON_THE_WIRE = 2.0  # seconds: what had left the outbox when the stop was taken in may be here so much later
AT_ONCE = timedelta(seconds=5)
ARRIVED = ("sent", "delivered", "read")


@dataclass
class Reckoning:
    """What was found; ``wrong`` must be empty."""

    figures: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def must_be_empty(self, what: str, found: list[Any]) -> None:
        self.figures[what] = len(found)
        if found:
            self.wrong.append(f"{what}: {len(found)}: {found[:5]}")


@dataclass
class Books:
    """The log, row by row, by chat."""

    rows: list[Any]

    def __post_init__(self) -> None:
        self.into = [row for row in self.rows if row.direction == "in"]
        self.out = [row for row in self.rows if row.direction == "out"]
        self.by_update = {row.update_key: row for row in self.into}
        self.answers: dict[int, list[Any]] = defaultdict(list)
        for row in self.out:
            if row.reply_to:
                self.answers[row.reply_to].append(row)


async def read(town: Town) -> Books:
    return Books(
        await town.rows(
            select(messages, identities.c.address)
            .join(identities, identities.c.id == messages.c.identity_id)
            .order_by(messages.c.id)
        )
    )


def reckon(books: Books, post: Post, telegram: Telegram, phones: list[Phone], leaving: set[int]) -> Reckoning:
    found = Reckoning()
    states = Counter(row.state for row in books.out)
    found.figures |= {
        "in": len(books.into),
        "out": len(books.out),
        "arrived": len(telegram.sent),
        "states": dict(states),
    }
    found.must_be_empty("updates without a 200", [one.number for one in post.updates if not one.acknowledged])
    lost = [one.number for one in post.updates if one.acknowledged and str(one.number) not in books.by_update]
    found.must_be_empty("lost", lost)
    found.must_be_empty(
        "not handled", [(row.id, row.state, row.reason) for row in books.into if row.state != "handled"]
    )
    found.must_be_empty("without an answer", unanswered(books))
    _arrivals(found, books, telegram)
    _uncertain(found, books, telegram, leaving)
    found.must_be_empty("after stop", after_stop(books, post, telegram, phones))
    return found


def unanswered(books: Books) -> list[tuple[int, str]]:
    """What somebody wrote or touched that was not followed by any word of ours."""
    pushes: dict[int, list[Any]] = defaultdict(list)
    for row in books.out:
        if row.kind == "moment":
            pushes[row.person_id].append(row.at)
    return [
        (row.id, row.text)
        for row in books.into
        if row.kind in ("text", "tap", "voice")
        and row.state == "handled"
        and row.reason is None  # who talks like a program is not answered for a while, and the row says so
        and not books.answers[row.id]
        and not any(row.at <= at <= row.at + AT_ONCE for at in pushes[row.person_id])
    ]


def _arrivals(found: Reckoning, books: Books, telegram: Telegram) -> None:
    """What counts as sent has arrived, and nothing arrived more often than the log says."""
    said = [row for row in books.out if row.kind != "retired"]  # that one only takes buttons away
    arrived = Counter((str(one.chat), one.text) for one in telegram.sent)
    sent = Counter((row.address, row.text.strip()) for row in said if row.state in ARRIVED)
    doubtful = Counter((row.address, row.text.strip()) for row in said if row.state == "uncertain")
    found.must_be_empty("marked as sent and never here", list((sent - arrived).items()))
    found.figures["uncertain that arrived"] = ((arrived - sent) & doubtful).total()
    # What is critical and uncertain is said once more, in a row of its own that says so.
    repeats = [row for row in said if "repeats" in (row.payload or {}) and row.state in ARRIVED]
    found.figures["said again, and marked so"] = len(repeats)
    found.must_be_empty("duplicates", list((arrived - sent - doubtful).items()))


def _uncertain(found: Reckoning, books: Books, telegram: Telegram, leaving: set[int]) -> None:
    """Uncertain is only what was leaving at a kill, or what the network never confirmed."""
    doubtful = [row for row in books.out if row.state == "uncertain"]
    found.figures["uncertain"] = dict(Counter(row.reason for row in doubtful))
    unconfirmed = telegram.never_confirmed
    found.figures["never confirmed by the network"] = unconfirmed
    gone = [row.id for row in doubtful if row.reason == "worker_gone" and row.id not in leaving]
    found.must_be_empty("uncertain without a kill", gone)
    others = [row.id for row in doubtful if row.reason != "worker_gone"]
    found.must_be_empty("uncertain without a fault", others[unconfirmed:])


# ---- after a stop


def after_stop(books: Books, post: Post, telegram: Telegram, phones: list[Phone]) -> list[tuple[int, str]]:
    """
    What arrived from when the desk had the stop until the person did something else.

    The answer to the stop may arrive, and answers to what the person did since; nothing that was not on the wire.
    """
    wrong: list[tuple[int, str]] = []
    arrived: dict[int, list[Sent]] = defaultdict(list)
    for one in telegram.sent:
        arrived[one.chat].append(one)
    by_chat: dict[int, list[Update]] = defaultdict(list)
    for update in post.updates:
        by_chat[update.chat].append(update)
    for phone in phones:
        for stop in phone.stops:
            begins = stop.update.acknowledged + ON_THE_WIRE
            ends = end_of_silence(by_chat[phone.id], stop.update)
            row = books.by_update.get(str(stop.update.number))
            answers = {one.text.strip() for one in books.answers[row.id]} if row else set()
            wrong += [
                (phone.id, one.text[:60])
                for one in arrived[phone.id]
                if begins < one.began < ends and (stop.is_block or one.text not in answers)
            ]
            if stop.is_block:
                tried = [began for began, chat in telegram.refused if chat == phone.id and begins < began < ends]
                wrong += [(phone.id, "tried, and refused") for _ in tried]
    return wrong


def end_of_silence(updates: list[Update], stop: Update) -> float:
    """When the person did the next thing: from then on there may be answers. What was under way counts, too."""
    after = stop.acknowledged
    others = [one for one in updates if one is not stop and one.first_try]
    if any(one.first_try < after and (not one.acknowledged or one.acknowledged > after) for one in others):
        return after
    return min((one.first_try for one in others if one.first_try >= after), default=float("inf"))
