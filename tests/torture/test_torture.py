# SPDX-License-Identifier: EUPL-1.2
"""The short form of the torture, about two minutes; `make torture` is the long one."""

import os
import random
from pathlib import Path

import pytest

from tests.database import postgresql_binaries
from tests.torture.__main__ import torture

MINUTES = 1.5  # and a little to start and to add up


@pytest.mark.postgres
@pytest.mark.timeout(400)
def test_nothing_is_lost_doubled_or_sent_after_stop_while_everything_breaks(tmp_path: Path) -> None:
    if postgresql_binaries() is None:
        pytest.skip("no PostgreSQL here that could be killed: Debian's package is called postgresql")
    seed = int(os.environ.get("SPORTELLO_SEED") or random.randrange(10**6))
    done = torture(MINUTES, seed, tmp_path / "log")
    print(done.in_words())
    assert done.passed, done.in_words()
    assert sum(done.kills["killed and changed"].values()) >= 3, "it was over too soon to break anything"
