# SPDX-License-Identifier: EUPL-1.2
"""Channels are asynchronous: their tests run on asyncio."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
