# SPDX-License-Identifier: EUPL-1.2
"""The databases that tests run on, and what becomes of a test that cannot run here."""

import gc
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.database import Databases, memory, put_into_sql_once

# A machine that is busy finds no mistake: how long an example takes is not what is tested.
hypothesis.settings.register_profile("sportello", deadline=None)
hypothesis.settings.load_profile("sportello")

NO_SKIPS = bool(os.environ.get("SPORTELLO_NO_SKIPS"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite", action="store_true", help="write down what Sportello says today as what it should say"
    )


def pytest_configure() -> None:
    put_into_sql_once()


def pytest_collection_finish() -> None:
    """What has been imported stays to the end: nothing of it need be looked through again and again for rubbish."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """In CI nothing may be left out: a skip is a failure there."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was left out: {call.excinfo.value if call.excinfo else ''}"


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    if quick := memory():
        with tempfile.TemporaryDirectory(prefix="sportello-", dir=quick) as folder, Databases(Path(folder)) as found:
            yield found
    else:
        with Databases(tmp_path_factory.mktemp("databases")) as found:
            yield found


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def storage_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """An empty database with today's tables, on each engine."""
    with databases.empty(request.param) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def town_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A database with the demonstration's territories, desks, questions and notice, but no workshops, on each."""
    with databases.town(request.param) as url:
        yield url
