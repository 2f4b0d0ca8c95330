# SPDX-License-Identifier: EUPL-1.2
"""The reckoning: what phones and the network have seen, beside what the database says."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from storage.tables import identities, messages
from tests.torture.phones import Phone
from tests.torture.post import Calls, Post, Update
from tests.torture.telegram import Sent, Telegram
from tests.torture.town import Town
from tests.torture.twilio import Twilio

ON_THE_WIRE = 2.0  # seconds: what had left the outbox when the stop was taken in may be here so much later
AT_ONCE = timedelta(seconds=5)
ARRIVED = ("sent", "delivered", "read")
NEVER_ARRIVED = {"failed", "undelivered"}


@dataclass
class Outside:
    """The networks, what they brought us, and people's phones."""

    telegram: Telegram
    post: Post
    twilio: Twilio
    calls: Calls
    phones: list[Phone]


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
        self.by_id = {row.id: row for row in self.rows}
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


def reckon(books: Books, outside: Outside, leaving: set[int]) -> Reckoning:
    found, post, calls = Reckoning(), outside.post, outside.calls
    for channel, network in (("telegram", outside.telegram), ("whatsapp", outside.twilio)):
        out = [row for row in books.out if row.channel == channel]
        found.figures |= {
            f"{channel}: in": sum(row.channel == channel for row in books.into),
            f"{channel}: out": len(out),
            f"{channel}: arrived": len(network.sent),
            f"{channel}: states": dict(Counter(row.state for row in out)),
        }
    found.must_be_empty("updates without a 200", [one.key for one in post.updates if not one.acknowledged])
    lost = [one.key for one in post.updates if one.acknowledged and one.key not in books.by_update]
    found.must_be_empty("lost", lost)
    # Twilio brings it once: what we did not hear then, we have asked for.
    found.must_be_empty("lost on WhatsApp", [one.key for one in calls.updates if one.key not in books.by_update])
    happened = {one.key for one in (*post.updates, *calls.updates)}
    found.must_be_empty("what nobody has done", [row.id for row in books.into if row.update_key not in happened])
    found.must_be_empty(
        "not handled", [(row.id, row.state, row.reason) for row in books.into if row.state != "handled"]
    )
    found.must_be_empty("without an answer", unanswered(books, outside.phones))
    _arrivals(found, books, outside.telegram)
    _uncertain(found, books, outside.telegram, leaving)
    _on_whatsapp(found, books, outside.twilio)
    found.must_be_empty("after stop", after_stop(books, outside))
    return found


def unanswered(books: Books, phones: list[Phone]) -> list[tuple[Any, ...]]:
    """What somebody wrote or touched that was not followed by any word of ours."""
    stops: dict[int, Any] = {}  # by person: their last one
    for stop in (books.by_update.get(stop.update.key) for phone in phones for stop in phone.stops):
        if stop and (stop.person_id not in stops or stops[stop.person_id] < stop.at):
            stops[stop.person_id] = stop.at
    pushes: dict[int, list[Any]] = defaultdict(list)
    for row in books.out:
        if row.kind == "moment":
            pushes[row.person_id].append(row.at)
    return [
        (row.id, row.person_id, "late" in (row.payload or {}), str(row.at), row.text)
        for row in books.into
        if row.kind in ("text", "tap", "voice")
        and row.state == "handled"
        and row.reason is None  # who talks like a program is not answered for a while, and the row says so
        and not books.answers[row.id]
        and not ("late" in (row.payload or {}) and row.at < stops.get(row.person_id, row.at))  # heard after a stop
        and not any(row.at <= at <= row.at + AT_ONCE for at in pushes[row.person_id])
    ]


def _arrivals(found: Reckoning, books: Books, telegram: Telegram) -> None:
    """What counts as sent has arrived, and nothing arrived more often than the log says."""
    said = [
        row for row in books.out if row.channel == "telegram" and row.kind != "retired"
    ]  # that one only takes buttons away
    arrived = Counter((str(one.chat), one.text) for one in telegram.sent)
    sent = Counter(_words(row) for row in said if row.state in ARRIVED)
    doubtful = Counter(_words(row) for row in said if row.state == "uncertain")
    found.must_be_empty("marked as sent and never here", list((sent - arrived).items()))
    found.figures["uncertain that arrived"] = ((arrived - sent) & doubtful).total()
    # What is critical and uncertain is said once more, in a row of its own that says so.
    repeats = [row for row in said if "repeats" in (row.payload or {}) and row.state in ARRIVED]
    found.figures["said again, and marked so"] = len(repeats)
    found.must_be_empty("duplicates", list((arrived - sent - doubtful).items()))


def _uncertain(found: Reckoning, books: Books, telegram: Telegram, leaving: set[int]) -> None:
    """Uncertain is only what was leaving at a kill, or what the network never confirmed."""
    doubtful = [row for row in books.out if row.channel == "telegram" and row.state == "uncertain"]
    found.figures["uncertain"] = dict(Counter(row.reason for row in doubtful))
    unconfirmed = telegram.never_confirmed
    found.figures["never confirmed by the network"] = unconfirmed
    gone = [row.id for row in doubtful if row.reason == "worker_gone" and row.id not in leaving]
    found.must_be_empty("uncertain without a kill", gone)
    others = [row.id for row in doubtful if row.reason != "worker_gone"]
    found.must_be_empty("uncertain without a fault", others[unconfirmed:])


def _on_whatsapp(found: Reckoning, books: Books, twilio: Twilio) -> None:
    """
    Every doubt ends, because Twilio can be asked; nothing arrives twice, however often it was in doubt; and where
    Twilio has told us what became of a message, the log says the same.

    Two messages with the same words in a chat may be taken for one another: what counts is that so many arrived.
    """
    said = [row for row in books.out if row.channel == "whatsapp"]
    found.must_be_empty("uncertain on WhatsApp", [row.id for row in said if row.state == "uncertain"])
    found.must_be_empty("repeated on WhatsApp", [row.id for row in said if "repeats" in (row.payload or {})])
    arrived = Counter(_words(books.by_id[one.row]) for one in twilio.sent)
    sent = Counter(_words(row) for row in said if row.state in ARRIVED and not is_lost(row, twilio))
    found.must_be_empty("on WhatsApp marked as sent and never here", list((sent - arrived).items()))
    found.must_be_empty("duplicates on WhatsApp", list((arrived - sent).items()))
    told = [row.id for row in said if row.state == "sent" and {"delivered", "read"} & heard_of(row, twilio)]
    found.must_be_empty("reported as delivered, and not marked so", told)


def is_lost(row: Any, twilio: Twilio) -> bool:
    """Did Twilio take it, and never deliver it, and nobody heard that it said so?"""
    record = twilio.record(row.provider_id)
    return record is not None and record["error_code"] is not None and not NEVER_ARRIVED & heard_of(row, twilio)


def heard_of(row: Any, twilio: Twilio) -> set[str]:
    return {word for sid, word in twilio.heard if sid == row.provider_id}


def _words(row: Any) -> tuple[str, str]:
    return row.address, row.text.strip()


# ---- after a stop


def after_stop(books: Books, outside: Outside) -> list[tuple[int, str]]:
    """
    What arrived from when the desk had the stop until the person did something else.

    The answer to the stop may arrive, and answers to what the person did since; nothing that was not on the wire.
    """
    wrong: list[tuple[int, str]] = []
    arrived: dict[int | str, list[Sent]] = defaultdict(list)
    for one in (*outside.telegram.sent, *outside.twilio.sent):
        arrived[one.chat].append(one)
    by_chat: dict[int | str, list[Update]] = defaultdict(list)
    for update in (*outside.post.updates, *outside.calls.updates):
        by_chat[update.chat].append(update)
    for phone in outside.phones:
        for stop in phone.stops:
            row = books.by_update.get(stop.update.key)
            answers = {one.text.strip() for one in books.answers[row.id]} if row else set()
            taken_in = stop.update.acknowledged or first(arrived[phone.chat], answers, stop.update.first_try)
            begins, ends = taken_in + ON_THE_WIRE, end_of_silence(by_chat[phone.chat], stop.update, taken_in)
            wrong += [
                (phone.number, one.text[:60])
                for one in arrived[phone.chat]
                if begins < one.began < ends and (stop.is_block or one.text not in answers)
            ]
            if stop.is_block:
                refused = outside.telegram.refused
                tried = [began for began, chat in refused if chat == phone.chat and begins < began < ends]
                wrong += [(phone.number, "tried, and refused") for _ in tried]
    return wrong


def first(arrived: list[Sent], answers: set[str], since: float) -> float:
    """When nobody said 200 to a stop, it was taken in at the latest when it was answered."""
    return min((one.began for one in arrived if one.text in answers and one.began > since), default=float("inf"))


def end_of_silence(updates: list[Update], stop: Update, after: float) -> float:
    """When the person did the next thing: from then on there may be answers. What was under way counts, too."""
    others = [one for one in updates if one is not stop and one.first_try]
    if any(one.first_try < after and (not one.acknowledged or one.acknowledged > after) for one in others):
        return after
    return min((one.first_try for one in others if one.first_try >= after), default=float("inf"))
