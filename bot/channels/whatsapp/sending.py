# SPDX-License-Identifier: EUPL-1.2
"""A message goes out to WhatsApp, and one of which nobody heard is looked for at Twilio."""

from collections.abc import Container
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from twilio.rest import Client

from bot.channels.whatsapp.inbound import NAME
from bot.channels.whatsapp.letters import Link, chat, letter, marked, plain
from bot.channels.whatsapp.troubles import Unanswered, about_a_question, about_sending, told
from bot.clock import Clock
from bot.contract import DeliveryError
from handlers.talk.messages import Outgoing

SKEW = timedelta(minutes=1)  # our clock and Twilio's
MOST_FOUND = 100  # of one person's messages since a message left; there are hardly ever two

NEVER_ARRIVED = ("failed", "undelivered", "canceled")  # it is as if it had never been sent

log = structlog.get_logger()


class Sending:
    """The way out. What WhatsApp refuses for its form is sent once more as words alone."""

    def __init__(self, client: Client, *, sender: str, public_url: str, link: Link, clock: Clock) -> None:
        self._client, self._sender, self._public_url = client, sender, public_url
        self._link, self._clock = link, clock

    async def send(self, message: Outgoing) -> str:
        """Twilio's number of the message. Raises DeliveryError, and nothing else."""
        _ours(message)
        sid, trouble = await self._tried(message)
        if trouble and may_be_plainer(message, trouble):
            loud = log.error if trouble.alarm else log.warning
            loud("whatsapp_form_refused", message=message.id, code=trouble.code)
            sid, trouble = await self._tried(plain(message))
        if trouble:
            raise trouble
        return sid

    async def find(self, message: Outgoing, since: datetime, known: Container[str] = ()) -> str | None:
        """
        Twilio's number of a message, if Twilio has it; never one of those ``known`` for others. Raises DeliveryError.
        """
        _ours(message)
        found, trouble = await self._listed(message, since)
        if trouble:
            raise trouble
        either = (message, plain(message))  # what was refused for its form went out once more as words
        new = [one for one in found if one.sid not in known]
        mine = [one.sid for one in new if any(self._is(one, each) for each in either)]
        return mine[0] if mine else None

    async def _tried(self, message: Outgoing) -> tuple[str, DeliveryError | None]:
        """Trouble is returned, so that neither the token nor the text hangs on it and ends in a log."""
        try:
            sent = await self._client.messages.create_async(**self._letter(message))
            return _number(sent.sid), None
        except Exception as error:
            return "", about_sending(told(error))

    async def _listed(self, message: Outgoing, since: datetime) -> tuple[list[Any], DeliveryError | None]:
        """What was sent to this person since then, oldest first."""
        after = since.astimezone(UTC) - SKEW
        try:
            found = await self._client.messages.list_async(
                to=chat(message),
                date_sent_after=after,
                limit=MOST_FOUND,
                page_size=MOST_FOUND,
            )
            ours = [one for one in found if one.direction == "outbound-api" and one.status not in NEVER_ARRIVED]
            new = [one for one in ours if after <= one.date_created]
            return sorted(new, key=lambda one: one.date_created), None
        except Exception as error:
            return [], about_a_question(told(error))

    def _is(self, found: Any, message: Outgoing) -> bool:
        """Is this our message? What a form was filled with is compared with our own text, which has more in it."""
        said = _words(found.body)
        if message.form and not message.plain and not message.file:
            text = _words(message.text)
            return bool(said) and (text.startswith(said) or said.startswith(text))
        written = self._letter(message)
        if (int(found.num_media or 0) > 0) != ("media_url" in written):
            return False
        if message.file and "media_url" not in written:  # its link says until when it leads there: now another moment
            return said.startswith(_words(written["body"].rpartition("\n")[0]))
        return said == _words(written.get("body"))

    def _letter(self, message: Outgoing) -> dict[str, Any]:
        return letter(message, sender=self._sender, now=self._clock.now(), public_url=self._public_url, link=self._link)


def may_be_plainer(message: Outgoing, trouble: DeliveryError) -> bool:
    """
    Does the same message as words alone make sense, at once? A form that is off has others in its place, and what goes
    out as a template could not go out without one: both are for the desk to decide.
    """
    is_rich = message.form is not None or message.spot is not None or message.file is not None
    is_template = message.form is not None and message.form.is_template
    return trouble.plainer and not trouble.form_off and not message.plain and is_rich and not is_template


def _ours(message: Outgoing) -> None:
    if message.to.simulated or message.to.channel != NAME:
        raise DeliveryError("misdirected", "This message was not meant for WhatsApp.")


def _number(sid: str | None) -> str:
    """An answer that says yes and no number is none: twilio's library makes a message of anything."""
    if not sid:
        raise Unanswered("no number")
    return sid


def _words(text: str | None) -> str:
    """Words to compare: as they were written, whatever stands between them."""
    return " ".join(marked(text or "").split())
