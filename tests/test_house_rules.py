# SPDX-License-Identifier: EUPL-1.2
"""The rules of the house, kept by reading the code instead of running it."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[1]
FLOORS = ("bot", "handlers", "storage")
SOURCES = {".py", ".yaml", ".yml", ".po", ".html", ".css", ".js", ".toml", ".chat"}
OF_OTHERS = {"node_modules", "vendor", "__pycache__"}
LICENCE = "SPDX-License-Identifier: EUPL-1.2"
NO_ROOM_FOR_IT = {".chat"}  # a play is read by tutors; the licence of the folder holds for it

# What we measure ourselves against is a bot as others write them, with a database of its own.
THE_OTHER_BOT = "bot/bench/baseline.py"
# Tables are made before there is a store, in a transaction of their own.
MAY_COMMIT = {"storage/store.py", "storage/migration.py", THE_OTHER_BOT}
TELLS_THE_TIME = {"bot/clock.py"}


def files(*folders: str, suffixes: set[str] | None = None) -> list[Path]:
    found = (path for folder in folders for path in sorted((HOUSE / folder).rglob("*")) if path.is_file())
    return [path for path in found if path.suffix in (suffixes or {".py"}) and not OF_OTHERS & set(path.parts)]


def named(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


def walked(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call with its dotted name, such as datetime.now."""
    for node in walked(path):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            yield ast.unparse(node.func), node


def imports(path: Path) -> Iterator[str]:
    for node in walked(path):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def found_in(paths: list[Path], wrong: Callable[[Path], Iterator[int]], allowed: set[str]) -> list[str]:
    return [f"{named(path)}:{line}" for path in paths if named(path) not in allowed for line in wrong(path)]


def test_every_file_begins_with_its_licence() -> None:
    top = [path for path in HOUSE.iterdir() if path.is_file() and path.suffix in SOURCES | {""}]
    top = [path for path in top if not path.name.startswith(".") and path.name not in ("LICENSE", "Procfile")]
    inside = files(*FLOORS, "tests", "locales", suffixes=SOURCES - NO_ROOM_FOR_IT)
    without = [named(path) for path in [*top, *inside] if not has_licence(path)]
    assert without == []


def has_licence(path: Path) -> bool:
    """An empty file has nothing to license."""
    words = path.read_text(encoding="utf-8")
    return not words or any(LICENCE in line for line in words.splitlines()[:3])


def test_only_the_store_commits() -> None:
    def commits(path: Path) -> Iterator[int]:
        for name, call in calls(path):
            verb = name.rpartition(".")[2]
            # With something in its brackets, begin() starts a conversation or a delivery, not a transaction.
            if verb in ("commit", "rollback", "begin_nested") or (verb == "begin" and not call.args):
                yield call.lineno

    assert found_in(files(*FLOORS), commits, MAY_COMMIT) == []


def test_only_the_clock_knows_what_time_it_is() -> None:
    asking = re.compile(r"(^|\.)((datetime|date)\.(now|utcnow|today)|time\.(time|time_ns|localtime|gmtime))$")

    def asks(path: Path) -> Iterator[int]:
        return (call.lineno for name, call in calls(path) if asking.search(name))

    assert found_in(files(*FLOORS), asks, TELLS_THE_TIME) == []


def test_below_the_bot_nothing_is_asynchronous() -> None:
    kinds = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)

    def waits(path: Path) -> Iterator[int]:
        return (node.lineno for node in walked(path) if isinstance(node, kinds))

    below = files("handlers", "storage")
    assert found_in(below, waits, set()) == []
    assert [named(path) for path in below if {"asyncio", "anyio"} & set(imports(path))] == []


def test_sql_stays_in_storage() -> None:
    databases = ("sqlalchemy", "alembic", "psycopg", "sqlite3")
    above = [path for path in files("bot", "handlers") if named(path) != THE_OTHER_BOT]
    assert [named(path) for path in above if any(name.split(".")[0] in databases for name in imports(path))] == []


def test_what_meets_the_world_stays_in_bot() -> None:
    worldly = {"telegram", "twilio", "apscheduler", "starlette", "uvicorn", "httpx", "requests", "urllib3", "aiohttp"}
    below = files("handlers", "storage")
    assert [named(path) for path in below if worldly & {name.split(".")[0] for name in imports(path)}] == []


def test_importing_the_kit_loads_nothing_else() -> None:
    assert (HOUSE / "handlers" / "__init__.py").read_text(encoding="utf-8") == ""


def test_a_conversation_does_not_import_another() -> None:
    conversations = [path for path in files("handlers/conversations") if path.name != "__init__.py"]
    assert [named(path) for path in conversations if any(of_another(name) for name in imports(path))] == []


def of_another(module: str) -> bool:
    return module.startswith("handlers.conversations")


@pytest.mark.parametrize("path", files("handlers/conversations"), ids=lambda path: path.stem)
def test_a_conversation_says_in_one_sentence_what_it_is(path: Path) -> None:
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert said and is_one_sentence(said), named(path)


def is_one_sentence(words: str) -> bool:
    return (
        "\n" not in words and words[0].isupper() and re.search(r"[.!?](?=\s|$)", words) is not None and not more(words)
    )


def more(words: str) -> str:
    """What follows the first full stop."""
    return re.split(r"[.!?](?:\s|$)", words, maxsplit=1)[1]


@pytest.mark.parametrize("path", files(*FLOORS), ids=named)
def test_a_module_says_what_it_is_before_anything_else(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree), named(path)


@pytest.mark.parametrize("path", files("docs/decisions", suffixes={".md"}), ids=lambda path: path.stem)
def test_a_decision_ends_with_how_it_is_checked(path: Path) -> None:
    if path.stem == "README":
        return
    headings = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[-1:] == ["Check"], named(path)
    assert path.read_text(encoding="utf-8").rpartition("## Check")[2].strip(), "and with something that checks it"


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.stem[:4]) for path in files("docs/decisions", suffixes={".md"}) if path.stem != "README"]
    assert numbers == list(range(1, len(numbers) + 1))


def test_nothing_is_named_with_a_word_that_says_nothing() -> None:
    """Nouns of the service, not of programming."""
    empty = re.compile(r"(Manager|Service|Helper|Utils?|Base)$")

    def says_nothing(path: Path) -> Iterator[int]:
        return (node.lineno for node in walked(path) if isinstance(node, ast.ClassDef) and empty.search(node.name))

    assert found_in(files(*FLOORS), says_nothing, {THE_OTHER_BOT}) == []
