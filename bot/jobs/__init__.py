# SPDX-License-Identifier: EUPL-1.2
"""What happens by itself, and how often somebody knocks. A knock too many is harmless."""

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["JOBS", "Job"]


@dataclass(frozen=True)
class Job:
    """A job by name; the worker has a method of that name."""

    name: str
    every: timedelta


JOBS = (
    Job("delivery", timedelta(seconds=1)),
    Job("turns", timedelta(seconds=1)),
    Job("moments", timedelta(seconds=20)),
    Job("files", timedelta(seconds=3)),
    Job("settling", timedelta(seconds=10)),
    Job("missed", timedelta(seconds=10)),
    Job("forms", timedelta(minutes=10)),
    Job("handovers", timedelta(seconds=20)),
    Job("erasures", timedelta(seconds=20)),
    Job("day", timedelta(seconds=2)),
    Job("retention", timedelta(minutes=5)),
    Job("search", timedelta(seconds=5)),
    Job("health", timedelta(minutes=1)),
)
