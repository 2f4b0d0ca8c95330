# SPDX-License-Identifier: EUPL-1.2
"""What Twilio says of our account, and what has to be looked at there, in plain words."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.channels.whatsapp.inbound import NAME
from bot.contract import Checked, DeliveryError, State
from bot.doctor import about_the_clock, host_of, http_date
from handlers.talk import _

A_SENDER = re.compile(r"\+[1-9]\d{5,14}", re.ASCII)


def about_us(
    account: Mapping[str, Any],
    trouble: DeliveryError | None,
    ours: Mapping[str, Any] | None,
    *,
    sender: str,
    public_url: str,
    is_strict: bool,
    said_at: str | None,
    now: datetime,
) -> list[Checked]:
    """Everything there is to see with two questions to Twilio; ``ours`` is what it has noted down of our number."""
    theirs = http_date(said_at)
    clock = [about_the_clock(NAME, theirs, now)] if theirs and not (trouble and trouble.uncertain) else []
    return [
        _account(account, trouble),
        _sender(sender, ours),
        _addresses(public_url, (ours or {}).get("webhook") or {}),
        *([] if is_strict else [_unsigned()]),
        *clock,
    ]


def _account(account: Mapping[str, Any], trouble: DeliveryError | None) -> Checked:
    name = "whatsapp.account"
    if trouble and trouble.halt:
        what, advice = (
            _("Twilio does not accept our credentials."),
            _("Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN."),
        )
        return Checked(name, "bad", what, advice)
    if trouble:
        what = _("Twilio did not answer as it should ({code}).", code=trouble.code)
        return Checked(name, "bad", what, _("Check TWILIO_ACCOUNT_SID, TWILIO_API_URL and the way to the Internet."))
    if account.get("status", "active") != "active":
        what = _("Our account at Twilio is closed or on hold.")
        return Checked(name, "bad", what, _("Look at the account at console.twilio.com."))
    if account.get("type") == "Trial":
        what = _("Twilio knows us, but only on trial: 50 messages a day.")
        return Checked(name, "warning", what, _("Turn it into a full account at console.twilio.com."))
    return Checked(name, "ok", _("Twilio knows our account, and it is active."))


def noted(senders: Mapping[str, Any], sender: str) -> Mapping[str, Any] | None:
    """What Twilio has noted down of our number; nothing where it has not; None where it has not told us all of them."""
    found = [one for one in senders.get("senders") or [] if one.get("sender_id") == f"whatsapp:{sender}"]
    is_all = not (senders.get("meta") or {}).get("next_page_url")
    return found[0] if found else {} if is_all else None


def _sender(sender: str, ours: Mapping[str, Any] | None) -> Checked:
    if not A_SENDER.fullmatch(sender):
        what = _("Our WhatsApp number is not written as Twilio wants it.")
        return Checked("whatsapp.sender", "bad", what, _("Write TWILIO_WHATSAPP_FROM like +390511234567."))
    if ours is not None and not str(ours.get("status", "")).startswith("ONLINE"):
        what = _("Twilio does not have our number online for WhatsApp.")
        state: State = "bad" if ours else "warning"  # the number of its sandbox is nobody's
        return Checked("whatsapp.sender", state, what, _("Look at the WhatsApp senders at console.twilio.com."))
    return Checked("whatsapp.sender", "ok", _("We write as {sender}.", sender=f"whatsapp:{sender}"))


def _addresses(public_url: str, noted_down: Mapping[str, Any]) -> Checked:
    """Where a group of senders has an address of its own, Twilio notes down none here: then we say where to look."""
    if not public_url:
        what = _("Without PUBLIC_URL no call of Twilio’s can be told from a forged one.")
        return Checked("whatsapp.webhooks", "bad", what, _("Set PUBLIC_URL to the address people see."))
    if host_of(public_url) is None:  # it may have a password in it
        what = _("The public address is not whole, or says too much.")
        return Checked("whatsapp.webhooks", "bad", what, _("Set PUBLIC_URL to the address people see."))
    called = str(noted_down.get("callback_url") or "").partition("#")[0]
    is_posted = str(noted_down.get("callback_method") or "POST") == "POST"
    if called and (called != f"{public_url}/twilio/inbound" or not is_posted):  # theirs may have a secret in it
        what = _("When somebody writes to us, Twilio calls another address.")
        advice = _("At Twilio, set it to {inbound}, with POST.", inbound=f"{public_url}/twilio/inbound")
        return Checked("whatsapp.webhooks", "bad", what, advice)
    what = _(
        "At Twilio, our WhatsApp sender must call {inbound} for messages, and {status} for their status.",
        inbound=f"{public_url}/twilio/inbound",
        status=f"{public_url}/twilio/status",
    )
    return Checked("whatsapp.webhooks", "ok", what)


def _unsigned() -> Checked:
    what = _("Calls that Twilio has not signed are let in.")
    return Checked("whatsapp.signature", "warning", what, _("Set TWILIO_SIGNATURE=enforce when the tests are done."))
