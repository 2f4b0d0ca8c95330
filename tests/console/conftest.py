# SPDX-License-Identifier: EUPL-1.2
"""The console of the demonstration, on a copy of its own for each test."""

from collections.abc import Iterator

import pytest

from tests.console.office import House, load_demo
from tests.database import Databases


@pytest.fixture
def house(databases: Databases) -> Iterator[House]:
    """On SQLite; what differs between the databases is tested where it is written."""
    with databases.played("sqlite", "demo", load_demo) as url:
        house = House(url)
        yield house
        house.close()


@pytest.fixture
def big_house(databases: Databases) -> Iterator[House]:
    """The same on PostgreSQL."""
    with databases.played("postgresql", "demo", load_demo) as url:
        house = House(url)
        yield house
        house.close()
