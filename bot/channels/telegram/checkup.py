# SPDX-License-Identifier: EUPL-1.2
"""What Telegram says of our bot and of the way to us, in plain words, and what to do about it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from bot.contract import Checked, DeliveryError
from handlers.talk import Text, _, n_

LATELY = timedelta(hours=1)
MANY = 50  # updates that Telegram keeps for us

# What Telegram says went wrong when it called us, in small letters. Its own words may name more than they should.
TROUBLES: Sequence[tuple[tuple[str, ...], Text]] = (
    (("wrong response",), _("we answered with an error")),
    (("ssl", "certificate", "tls"), _("our certificate is not good")),
    (("timed out", "timeout"), _("we were too slow")),
    (("resolve", "dns"), _("our name is not known on the Internet")),
    (("connection", "connect", "refused", "unreachable"), _("nobody was there")),
)


def about_us(trouble: DeliveryError | None, name: str = "") -> Checked:
    """Does Telegram know our token?"""
    if trouble is None:
        return Checked("telegram.token", "ok", _("Telegram knows our bot: @{name}.", name=name))
    if trouble.halt:
        what = _("Telegram does not accept our token.")
        return Checked("telegram.token", "bad", what, _("Check TELEGRAM_TOKEN: @BotFather shows it."))
    what = _("Telegram did not answer as it should ({code}).", code=trouble.code)
    return Checked("telegram.token", "bad", what, _("Check TELEGRAM_API_URL and the way to the Internet."))


def about_where(webhook: Mapping[str, Any], ours: str) -> Checked:
    """Do messages come to us? ``ours`` is where Telegram should call; nothing, where we fetch ourselves."""
    name, theirs = "telegram.webhook", str(webhook.get("url") or "")
    if theirs == ours:
        what = _("Telegram calls us where we listen.") if ours else _("We fetch messages from Telegram ourselves.")
        return Checked(name, "ok", what)
    if not theirs:
        what = _("Telegram does not know where to call us.")
        return Checked(name, "bad", what, _("Start the service: it tells Telegram where it listens."))
    host = urlsplit(theirs).hostname or "?"  # the rest of the address is often a secret
    advice = _("Stop the other program, or set TELEGRAM_MODE and PUBLIC_URL. Then start the service again.")
    return Checked(name, "bad", _("Telegram brings our messages to another address, at {host}.", host=host), advice)


def about_the_queue(webhook: Mapping[str, Any], now: datetime) -> list[Checked]:
    """What waits at Telegram for us, and what went wrong when it last called."""
    return [*_waiting(int(webhook.get("pending_update_count") or 0)), *_failed(webhook, now)]


def _waiting(many: int) -> list[Checked]:
    if many <= MANY:
        return []
    what = n_("{count} message waits at Telegram for us.", "{count} messages wait at Telegram for us.", many)
    return [Checked("telegram.queue", "warning", what, _("Check that the service is running."))]


def _failed(webhook: Mapping[str, Any], now: datetime) -> list[Checked]:
    at = datetime.fromtimestamp(int(webhook.get("last_error_date") or 0), UTC)
    if at < now - LATELY:
        return []
    said = str(webhook.get("last_error_message") or "").lower()
    other = _("it does not say why in words we know")
    why = next((words for signs, words in TROUBLES if any(one in said for one in signs)), other)
    what = _("Telegram called us {at} and did not get through: {why}.", at=at, why=why)
    return [Checked("telegram.calls", "warning", what, _("Open the public address in a browser, and check it."))]
