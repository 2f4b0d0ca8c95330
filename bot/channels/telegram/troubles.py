# SPDX-License-Identifier: EUPL-1.2
"""What it means when Telegram says no, or nothing at all, and what to do about it."""

import re
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.contract import DeliveryError

SOON = timedelta(seconds=5)
REFUSED = "refused"

log = structlog.get_logger()


class NotSent(NetworkError):
    """The call never left us."""


class Unanswered(TimedOut):
    """The call left, and nobody knows what became of it."""


@dataclass(frozen=True)
class Refusal:
    """What Telegram says, in small letters, and what it means; ``ends`` the chat until the person writes again."""

    says: tuple[str, ...]
    code: str
    sentence: str
    ends: bool = False


REFUSALS = (
    Refusal(("blocked by the user", "user_is_blocked"), "blocked", "The person has blocked us on Telegram.", True),
    Refusal(("user is deactivated", "user_deactivated"), "deactivated", "The person has left Telegram.", True),
    Refusal(("can't initiate conversation",), "never_wrote", "The person has never written to us on Telegram.", True),
    Refusal(
        ("bot was kicked", "not a member", "group chat was deleted"),
        "removed",
        "We were taken out of this group on Telegram.",
        True,
    ),
    Refusal(
        ("chat not found", "user not found", "peer_id_invalid", "chat_id_invalid"),
        "unreachable",
        "Telegram does not know this chat, so we cannot reach it.",
        True,
    ),
    Refusal(
        ("file is too big", "request entity too large"),
        "file_too_big",
        "The file is too large for Telegram: at most 20 MB.",
    ),
)
DONE_ALREADY = ("message is not modified", "message to edit not found", "message can't be edited", "message_id_invalid")


def told(error: Exception) -> DeliveryError:
    """
    What an error asks of us, without the words of its message: they may be a person's. The order counts: for
    python-telegram-bot, a refusal and a time-out are both network errors.
    """
    match error:
        case NotSent():
            return DeliveryError(
                "not_connected", "Telegram cannot be reached; nothing was sent.", retry_in=SOON, counts=False
            )
        case RetryAfter(retry_after=wait):
            return _flood(wait if isinstance(wait, timedelta) else timedelta(seconds=wait))
        case ChatMigrated(new_chat_id=number):
            return DeliveryError(
                "moved", "This group has a new number on Telegram.", retry_in=timedelta(0), moved_to=str(number)
            )
        case InvalidToken():
            return DeliveryError(
                "token", "Telegram does not accept our token. Look at TELEGRAM_TOKEN and TELEGRAM_API_URL.", halt=True
            )
        case Conflict():
            return DeliveryError("conflict", "Another program is fetching our messages from Telegram.", retry_in=SOON)
        case Forbidden() | BadRequest():
            return _refusal(error)
        case TelegramError():
            return _no_answer(error)
        case _:
            return DeliveryError(type(error).__name__, "Something unexpected went wrong.", uncertain=True)


def about_an_edit(trouble: DeliveryError) -> DeliveryError:
    """Taking buttons off twice does no harm, so nothing about it need stay uncertain."""
    return replace(trouble, uncertain=False, retry_in=SOON) if trouble.uncertain else trouble


def about_a_file(trouble: DeliveryError) -> DeliveryError:
    """Fetching a file again does no harm either, and a file that Telegram does not find may be back in a moment."""
    if trouble.uncertain:
        return DeliveryError("no_answer", "Telegram did not hand over the file.", retry_in=SOON)
    if trouble.code == REFUSED:
        return DeliveryError("file_away", "Telegram does not find this file at the moment.", retry_in=SOON)
    return trouble


def is_done_already(error: BadRequest) -> bool:
    """Is there nothing left to edit?"""
    return any(words in error.message.lower() for words in DONE_ALREADY)


def _flood(pause: timedelta) -> DeliveryError:
    return DeliveryError("flood", "Telegram asks us to slow down.", retry_in=pause, counts=False)


def _refusal(error: TelegramError) -> DeliveryError:
    if isinstance(error.__cause__, TelegramError):  # it was not in Telegram's own form
        return DeliveryError("turned_away", "Something between us and Telegram turned the message away.", retry_in=SOON)
    says = error.message.lower()
    for known in REFUSALS:
        if any(words in says for words in known.says):
            return DeliveryError(known.code, known.sentence, blocked=known.ends)
    return _our_fault(error.message)


def _our_fault(says: str) -> DeliveryError:
    # What follows a colon or a quotation mark may be somebody's words.
    log.error("telegram_refused", reason=re.split('[:"«“]', says)[0][:60])
    return DeliveryError(REFUSED, "Telegram refused the form of this message; the fault is ours.")


def _no_answer(error: TelegramError) -> DeliveryError:
    if isinstance(error.__cause__, UnicodeError):
        return _our_fault("not text")
    if error.message.lower().startswith("too many requests"):
        return _flood(SOON)
    return DeliveryError("no_answer", "Telegram did not confirm the message; it may have arrived.", uncertain=True)
