# SPDX-License-Identifier: EUPL-1.2
"""The files that a simulated phone was sent, to be opened from its bubble."""

import asyncio
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.simulator.bubbles import is_seen, met
from bot.simulator.said import MESSAGE_NUMBER, whose
from storage import Storage
from storage.files import File

# Whatever is in the file, a browser only saves it; a picture may be shown in a page, and nothing else.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
}


class Papers:
    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    async def file(self, request: Request) -> Response:
        """What came with a message, to whoever holds the phone it came to."""
        channel, who = whose(request.query_params)
        id = request.path_params["id"]
        found = await asyncio.to_thread(self._find, channel, who, int(id)) if MESSAGE_NUMBER.fullmatch(id) else None
        if found is None:
            raise HTTPException(404, "there is no such file on this phone")
        name, file = found
        save = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        return Response(file.content, media_type=file.kind, headers={**HEADERS, "Content-Disposition": save})

    def _find(self, channel: str, who: str, id: int) -> tuple[str, File] | None:
        with self.storage.reading() as store:
            identity, _person = met(store, channel, who)
            message = store.messages.get(id)
            if identity is None or message is None or message.identity_id != identity.id or not is_seen(message):
                return None
            payload = message.payload or {}
            if message.direction != "out" or "file" not in payload:
                return None
            file = store.files.content(payload["file"])
            return (payload.get("name") or "file", file) if file else None
