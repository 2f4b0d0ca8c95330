# SPDX-License-Identifier: EUPL-1.2
"""What a phone is told when it cannot be served."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from storage import Unavailable

LONGEST_WAIT = 15.0  # seconds until an answer that does not come is an error

LATE = "The answer is taking too long. What you said may have arrived: look again in a moment."
FOREIGN = "Another page cannot speak for this phone."
DOWN = "Sportello cannot write things down right now. Please try again in a few seconds."

Endpoint = Callable[[Request], Awaitable[Response]]


def in_kind_words(endpoint: Endpoint) -> Endpoint:
    """The same endpoint, whose every trouble is a sentence in JSON."""

    async def answer(request: Request) -> Response:
        try:
            if request.method == "POST" and not is_ours(request):
                return trouble(403, FOREIGN)
            async with asyncio.timeout(LONGEST_WAIT):
                return await endpoint(request)
        except HTTPException as refused:
            return trouble(refused.status_code, refused.detail)
        except ClientDisconnect:
            return trouble(400, "the body broke off")
        except TimeoutError:
            return trouble(504, LATE)
        except Unavailable:
            return trouble(503, DOWN, {"Retry-After": "5"})

    return answer


def is_ours(request: Request) -> bool:
    """A browser says which page speaks; programs say nothing. Another page's words are not what somebody wrote here."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def trouble(status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": sentence}, status_code=status, headers=headers)
