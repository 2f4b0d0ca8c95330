# SPDX-License-Identifier: EUPL-1.2
"""
How long the first page of a search in the log takes, beside ``LIKE '%word%'`` over the same messages.

The messages are made up, the same ones each time: Italian words where the language has its most frequent ones, words
that only sound like it for all the others, as often as words of their rank are (one in r for the r-th), in lines of
three to thirty. They are put into the log, then into the index: the first ones as the worker does it, in its own
batches, whose cost is what is told; the rest in larger ones. Every search is a transaction of its own. It looks for a
word of one of four kinds, alone or within one person, a channel, a month, or on a page further on; half the searches
take under p50, 99 in 100 under p99. The baseline runs in the same process, over the same rows.
"""

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate, islice, product
from pathlib import Path
from statistics import median
from typing import Any

import storage
from storage import Storage, Store, migration
from storage.tables import messages as log

MESSAGES = 1_000_000
OF_EACH = 200  # messages of a person, in the middle
AT_ONCE = 10_000  # messages in a transaction that fills the log
CAUGHT_UP = 20_000  # messages that are put into the index in the worker's own batches
IN_BULK = 5_000  # and in these batches the others
SEARCHES = 200  # of each kind, with each filter
BASELINES = 5
ANY_TABLE = "select 1 from pg_tables where schemaname = current_schema() and tablename <> 'alembic_version'"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
YEARS = timedelta(days=730)
MONTH = timedelta(days=30)

MOST_FREQUENT = (
    "di e che il la un a per è in non mi una sono ho le con del da si ma al come lo i anche se ci nel questo più "
    "posso devo grazie ciao buongiorno quando dove corso lavoro vorrei cosa domani sì no perché buonasera laboratorio "
    "curriculum appuntamento ora può avere fare sportello ok bene giorno orario iscrivermi aiuto cerco documenti "
    "comune figlia figlio patente italiano tirocinio colloquio azienda cameriera pulizie magazzino cuoca badante"
)
ONSETS, VOWELS = "b c d f g l m n p r s t v z ch sp tr gr st", "a e i o u io ia ò"
VOCABULARY = 100_000
KINDS = {"stop": (0, 10), "frequent": (40, 150), "middling": (300, 1_000), "rare": (90_000, VOCABULARY)}  # by rank
GREETINGS = ("ciao", "buongiorno", "buonasera", "salve", "")
CHANNELS = ("telegram", "whatsapp")

Filter = Callable[[random.Random, int, int], dict[str, Any]]
"""What a search asks for besides its word, where there are so many messages and people."""
FILTERS: dict[str, Filter] = {
    "alone": lambda chance, messages, people: {},
    "person": lambda chance, messages, people: {"person_id": someone(chance, people)},
    "channel": lambda chance, messages, people: {"channel": chance.choice(CHANNELS)},
    "month": lambda chance, messages, people: month(chance),
    "further_on": lambda chance, messages, people: {"before": chance.randrange(1, messages + 1)},
}


def run(folder: Path, messages: int = MESSAGES, postgresql: str = "") -> dict[str, Any]:
    """On SQLite, and on PostgreSQL if there is an empty database at this address, which is left empty."""
    places = {"sqlite": f"sqlite:///{folder}/search.sqlite"} | ({"postgresql": postgresql} if postgresql else {})
    found = {name: at(url, messages) for name, url in places.items()}
    return {
        "bench": "search",
        "messages": messages,
        "ratio": {name: one["ratio"] for name, one in found.items()},
        "longest_p99_ms": {name: longest(one["first_page"], "p99_ms") for name, one in found.items()},
        "us_per_message": {name: one["index"]["us_per_message"] for name, one in found.items()},
        **found,
    }


def at(url: str, messages: int) -> dict[str, Any]:
    """The figures of one database."""
    found = storage.open(url)
    try:
        if found.is_sqlite:
            migration.upgrade(found)
            return measured(found, messages)
        with found.engine.connect() as connection:
            if connection.exec_driver_sql(ANY_TABLE).first():
                raise ValueError("this database is not empty")
        try:
            migration.upgrade(found)
            return measured(found, messages)
        finally:
            migration.downgrade(found)
    finally:
        found.close()


def measured(found: Storage, messages: int) -> dict[str, Any]:
    people = fill(found, messages)
    index = indexed(found, messages)
    if not found.is_sqlite:
        with found.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("analyze")  # as autovacuum would, a minute later
    page = {kind: {name: searches(found, kind, name, messages, people) for name in FILTERS} for kind in KINDS}
    base = {kind: baselines(found, kind) for kind in KINDS}
    ratio = {kind: round(base[kind]["p50_ms"] / page[kind]["alone"]["p50_ms"], 1) for kind in KINDS}
    return {"ratio": ratio, "index": index, "first_page": page, "baseline": base}


# ---- what is said


def seeded(name: str) -> random.Random:
    """Chance that falls the same way each time."""
    return random.Random(name)  # noqa: S311 - nothing is kept secret by it


@cache
def vocabulary() -> list[str]:
    """The words by rank, the most frequent first."""
    chance, known = seeded("vocabulary"), dict.fromkeys(MOST_FREQUENT.split())
    sounds = [onset + vowel for onset, vowel in product(ONSETS.split(), VOWELS.split())]
    while len(known) < VOCABULARY:
        known["".join(chance.choices(sounds, k=chance.choice((2, 3, 3, 4))))] = None
    return list(known)


def lines(many: int) -> Iterator[str]:
    """What people write and are written."""
    chance, known = seeded("lines"), vocabulary()
    weights = list(accumulate(1 / rank for rank in range(1, len(known) + 1)))
    for _line in range(many):
        said = " ".join(chance.choices(known, cum_weights=weights, k=int(3 + 27 * chance.random() ** 2)))
        yield f"{chance.choice(GREETINGS)} {said}{chance.choice('.?!')}".strip().capitalize()


def fill(found: Storage, messages: int) -> int:
    """A log of two years, without its index. Returns how many people write in it."""
    chance = seeded("people")
    with found.writing() as store:
        chats = [chat(store, number) for number in range(max(2, messages // OF_EACH))]
    rows = (
        {
            **chats[someone(chance, len(chats)) - 1],
            "id": number,
            "direction": "out" if number % 2 else "in",
            "kind": "reply" if number % 2 else "text",
            "state": "sent" if number % 2 else "handled",
            "text": said,
            "at": FIRST + YEARS * number / messages,
            "attempts": 0,
        }
        for number, said in enumerate(lines(messages), start=1)
    )
    while some := list(islice(rows, AT_ONCE)):
        with found.writing() as store:
            store.write(log.insert(), some)
    return len(chats)


def chat(store: Store, number: int) -> dict[str, Any]:
    channel = CHANNELS[number % 2]
    one, _person = store.people.meet(channel, str(number), simulated=True, language="it", release="0", now=FIRST)
    return {"person_id": one.person_id, "identity_id": one.id, "channel": channel}


def someone(chance: random.Random, people: int) -> int:
    """The number of one of them; some write far more than others."""
    return 1 + int(people * chance.random() ** 2)


def month(chance: random.Random) -> dict[str, Any]:
    since = FIRST + (YEARS - MONTH) * chance.random()
    return {"since": since, "until": since + MONTH}


# ---- what it takes


def indexed(found: Storage, messages: int) -> dict[str, float]:
    """Everything into the index; what the worker's own batches take for each of the first messages."""
    took: list[float] = []
    many = 0
    while many < min(CAUGHT_UP, messages):
        start = time.perf_counter()
        with found.writing() as store:
            many += store.search.catch_up()
        took.append(time.perf_counter() - start)
    start = time.perf_counter()
    rest = 0
    while some := bulk(found):
        rest += some
    return {
        "in_batches": many,
        "us_per_message": round(sum(took) / many * 1e6, 1),
        "longest_batch_ms": milliseconds(max(took)),
        "in_bulk": rest,
        "us_per_message_in_bulk": round((time.perf_counter() - start) / max(rest, 1) * 1e6, 1),
    }


def bulk(found: Storage) -> int:
    with found.writing() as store:
        return store.search.catch_up(IN_BULK)


def searches(found: Storage, kind: str, name: str, messages: int, people: int) -> dict[str, float]:
    """The first page for words of a kind, with a filter."""
    chance = seeded(f"{kind} {name}")
    took, hits = [], []
    for word in chosen(kind, chance, SEARCHES):
        asked = FILTERS[name](chance, messages, people)
        start = time.perf_counter()
        with found.reading() as store:
            hits.append(len(store.search.messages(word, **asked)))
        took.append(time.perf_counter() - start)
    return {**halves(took), "hits": round(sum(hits) / len(hits), 1)}


def baselines(found: Storage, kind: str) -> dict[str, float]:
    """The same, as it is done without an index."""
    took = []
    for word in chosen(kind, seeded(kind), BASELINES):
        start = time.perf_counter()
        with found.reading() as store:
            store.read(log.select().where(log.c.text.like(f"%{word}%")).order_by(log.c.id.desc()).limit(50))
        took.append(time.perf_counter() - start)
    return halves(took)


def chosen(kind: str, chance: random.Random, many: int) -> list[str]:
    first, end = KINDS[kind]
    return chance.choices(vocabulary()[first:end], k=many)


def halves(took: list[float]) -> dict[str, float]:
    return {
        "p50_ms": milliseconds(median(took)),
        "p99_ms": milliseconds(sorted(took)[len(took) * 99 // 100]),
    }


def milliseconds(seconds: float) -> float:
    return round(seconds * 1e3, 3)


def longest(page: dict[str, dict[str, dict[str, float]]], which: str) -> float:
    return max(one[which] for filters in page.values() for one in filters.values())


def in_words(figures: dict[str, Any]) -> str:
    """The figures as sentences for people."""
    return "\n".join(sentence(name, figures[name]) for name in ("sqlite", "postgresql") if name in figures)


def sentence(name: str, one: dict[str, Any]) -> str:
    kinds = ", ".join(
        f"{kind} {filters['alone']['p50_ms']} ms (99 in 100: {filters['alone']['p99_ms']}; LIKE: "
        f"{one['baseline'][kind]['p50_ms']})"
        for kind, filters in one["first_page"].items()
    )
    return (
        f"{name}, the first page for a word: {kinds}.\n"
        f"With any filter 99 searches in 100 of each kind take under {longest(one['first_page'], 'p99_ms')} ms. "
        f"Putting a message into the index costs {one['index']['us_per_message']} µs, off its path."
    )
