# SPDX-License-Identifier: EUPL-1.2
"""The longest test begins first, so that nobody waits for it alone at the end."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: "tests/torture/" not in item.nodeid)
