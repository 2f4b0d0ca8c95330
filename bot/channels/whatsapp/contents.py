# SPDX-License-Identifier: EUPL-1.2
"""Forms that Twilio keeps for us: made once, found again by their name, handed in for WhatsApp's approval."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twilio.rest import Client

from bot.channels.whatsapp.client import JSON
from bot.channels.whatsapp.troubles import about_a_question, told
from bot.contract import DeliveryError
from handlers.talk.forms import ANY, Described, Line

CONTENTS = "https://content.twilio.com/v1/Content"
PAGE = 100
UNSUBMITTED = "unsubmitted"


@dataclass(frozen=True)
class Approval:
    """
    What WhatsApp says of a form: unsubmitted, received, pending, approved, rejected, paused, disabled; and why.
    """

    status: str
    reason: str = ""


class Contents:
    """Twilio's store of forms. Every method may be called again, and raises DeliveryError and nothing else."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def listed(self) -> dict[str, str]:
        """The numbers of all forms Twilio keeps for us, by name; of two with one name, the one made last."""
        found: dict[str, str] = {}
        address: str | None = f"{CONTENTS}?PageSize={PAGE}"
        while address:
            page = await self._asked("GET", address)
            for one in page["contents"]:  # newest first
                found.setdefault(str(one["friendly_name"]), str(one["sid"]))
            address = page["meta"].get("next_page_url")
        return found

    async def make(self, form: Described) -> str:
        """The number of a new form. Who does not want two of a name looks at ``listed`` first."""
        return str((await self._asked("POST", CONTENTS, described(form)))["sid"])

    async def submit(self, sid: str, name: str, category: str) -> Approval:
        """Ask WhatsApp to approve a form."""
        asked = {"name": name, "category": category.upper()}
        return _approval(await self._asked("POST", f"{CONTENTS}/{sid}/ApprovalRequests/whatsapp", asked))

    async def approval(self, sid: str) -> Approval:
        """What WhatsApp says of a form now."""
        return _approval((await self._asked("GET", f"{CONTENTS}/{sid}/ApprovalRequests")).get("whatsapp"))

    async def _asked(self, method: str, address: str, body: Mapping[str, Any] | None = None) -> Any:
        answer, trouble = await self._answered(method, address, body)
        if trouble:
            raise trouble
        return answer

    async def _answered(
        self, method: str, address: str, body: Mapping[str, Any] | None
    ) -> tuple[Any, DeliveryError | None]:
        try:
            headers = {"Content-Type": JSON} if body else {}
            answer = await self._client.request_async(method, address, data=body, headers=headers)
            return answer.json(), None
        except Exception as error:
            return None, about_a_question(told(error))


def described(form: Described) -> dict[str, Any]:
    """A form as Twilio wants it."""
    return {
        "friendly_name": form.friendly_name,
        "language": "en" if form.language == ANY else form.language,
        "variables": dict(form.samples),
        "types": _types(form),
    }


def _types(form: Described) -> dict[str, Any]:
    if not form.lines:
        return {"twilio/text": {"body": form.body}}
    if form.kind == "list":
        items = [_item(line) for line in form.lines]
        return {"twilio/list-picker": {"body": form.body, "button": form.opener, "items": items}}
    actions = [{"type": "QUICK_REPLY", "title": line.title, "id": line.id} for line in form.lines]
    return {"twilio/quick-reply": {"body": form.body, "actions": actions}}


def _item(line: Line) -> dict[str, str]:
    return {"item": line.title, "id": line.id} | ({"description": line.description} if line.description else {})


def _approval(said: Mapping[str, Any] | None) -> Approval:
    """Nothing said: nobody has asked."""
    if not said:
        return Approval(UNSUBMITTED)
    return Approval(str(said.get("status") or UNSUBMITTED), str(said.get("rejection_reason") or ""))
