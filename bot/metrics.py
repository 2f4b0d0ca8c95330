# SPDX-License-Identifier: EUPL-1.2
"""What happens here, counted for a program that watches over the desk; nothing in it is about a person."""

import re
from collections.abc import MutableMapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

REGISTRY = CollectorRegistry()
LEVELS = ("warning", "error", "critical")
A_NAME = re.compile(r"[a-z_]{3,40}")

WEBHOOKS = Counter(
    "sportello_webhooks",
    "Calls of a network to us, and what became of them.",
    ["channel", "outcome"],
    registry=REGISTRY,
)
MESSAGES = Counter(
    "sportello_messages", "Messages of ours, and what became of them.", ["channel", "outcome"], registry=REGISTRY
)
TROUBLES = Counter("sportello_troubles", "What went wrong, as the log calls it.", ["level", "event"], registry=REGISTRY)


def counted(_logger: Any, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Count what goes wrong on its way to the log: a turn, a job, a channel. The names are those in the code."""
    name = str(event.get("event"))
    if level in LEVELS:
        TROUBLES.labels(level, name if A_NAME.fullmatch(name) else "other").inc()
    return event


async def metrics(request: Request) -> Response:
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


ROUTE = Route("/metrics", metrics)
