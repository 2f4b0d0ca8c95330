# SPDX-License-Identifier: EUPL-1.2
"""What it means when Twilio says no, at once or later, or nothing at all, and what to do about it."""

from dataclasses import dataclass, replace
from datetime import timedelta

from bot.contract import DeliveryError

SOON = timedelta(seconds=5)
MINUTES = timedelta(minutes=2)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class NotSent(Exception):
    """The call never left us."""


class Unanswered(Exception):
    """The call left, and nobody knows what became of it."""


class Refused(Exception):
    """
    Twilio said no. It keeps numbers only: Twilio's own words may repeat what a person wrote, or their number.

    ``code`` is Twilio's, None where whoever answered was not Twilio; ``retry_after`` are seconds, if it named any.
    """

    def __init__(self, status: int, code: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.retry_after = status, code, retry_after


@dataclass(frozen=True)
class Row:
    """Codes of Twilio's (twilio.com/docs/api/errors) that ask the same of us."""

    codes: tuple[int, ...]
    trouble: DeliveryError


FLOOD = DeliveryError(
    "flood",
    "Twilio asks us to slow down.",
    retry_in=SOON,
    up_to=timedelta(minutes=5),
    counts=False,
    for_all=True,
)
TOKEN = DeliveryError(
    "token",
    "Twilio does not accept our credentials. Look at TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.",
    halt=True,
    alarm=True,
)
UNKNOWN = DeliveryError("refused", "Twilio refused this message for a reason that we do not know.", alarm=True)

TABLE = (
    Row((20003,), TOKEN),
    Row((20429,), FLOOD),
    Row(
        (21211, 21614, 63003, 63024),
        DeliveryError("unreachable", "There is nobody on WhatsApp at this number.", blocked=True, elsewhere=True),
    ),
    Row(
        (21408,),
        DeliveryError(
            "region",
            "Our Twilio account may not write to this country. Look at its permissions.",
            elsewhere=True,
            alarm=True,
        ),
    ),
    Row(
        (21606, 63007, 63002, 21212, 21910),
        DeliveryError(
            "sender",
            "Twilio does not know our number as a WhatsApp sender. Look at TWILIO_WHATSAPP_FROM.",
            halt=True,
            alarm=True,
        ),
    ),
    Row(
        (21610, 63014, 63033),
        DeliveryError("blocked", "The person has blocked us on WhatsApp.", blocked=True, elsewhere=True),
    ),
    Row(
        (21602, 21617, 21619),
        DeliveryError("refused", "Twilio refused the words of this message; the fault is ours.", alarm=True),
    ),
    Row(
        (21620, 21654, 21656, 21657, 21658, 92007, 63028),
        DeliveryError("form", "Twilio refused the form of this message; the fault is ours.", plainer=True, alarm=True),
    ),
    Row(
        (21611, 30001, 63017),
        DeliveryError(
            "queue", "Too many messages of ours are waiting at Twilio.", retry_in=MINUTES, up_to=HOUR, for_all=True
        ),
    ),
    Row(
        (63015,),
        DeliveryError(
            "sandbox", "This phone has not joined Twilio's sandbox; only development uses it.", elsewhere=True
        ),
    ),
    Row(
        (63016,),
        DeliveryError(
            "window",
            "More than a day has passed since the person wrote: only an approved message may go out.",
            window_shut=True,
        ),
    ),
    Row(
        (63018,),
        DeliveryError("limit", "WhatsApp lets us write to no more people now.", retry_in=MINUTES, up_to=DAY),
    ),
    Row(
        (63038,),
        DeliveryError(
            "day_full",
            "Our Twilio account has sent all it may send in a day.",
            retry_in=DAY,
            counts=False,
            for_all=True,
            alarm=True,
        ),
    ),
    Row((63049,), DeliveryError("not_wanted", "WhatsApp spares the person messages of this kind.", elsewhere=True)),
    Row(
        (63032,),
        DeliveryError("experiment", "WhatsApp brings this person no such messages for now.", elsewhere=True),
    ),
    Row(
        (63013, 63026),
        DeliveryError(
            "policy",
            "WhatsApp says that this message is against its rules.",
            elsewhere=True,
            form_off=True,
            alarm=True,
        ),
    ),
    Row(
        (63020, 63051),
        DeliveryError(
            "account", "WhatsApp has closed our account. Look at it in Meta's Business Manager.", halt=True, alarm=True
        ),
    ),
    Row(
        (63027, 63040, 63041, 63042, 21655, 92006),
        DeliveryError(
            "template",
            "WhatsApp does not have this form, or no longer. Run sportello channels sync and templates status.",
            plainer=True,
            form_off=True,
            alarm=True,
        ),
    ),
    Row(
        (63005, 63019, 63021, 63030, 63034, 63037),
        DeliveryError("content", "WhatsApp did not take this file or these buttons.", plainer=True),
    ),
    Row(
        (63009, 63010, 63012),
        DeliveryError("away", "WhatsApp had a fault of its own.", retry_in=SOON, up_to=HOUR),
    ),
)
TROUBLES = {code: row.trouble for row in TABLE for code in row.codes}


def about(code: int | None, http_status: int | None = None, retry_after: float | None = None) -> DeliveryError:
    """
    What a code asks of us, in the answer to a call or, without ``http_status``, in what is said of a message later.
    """
    known = TROUBLES.get(code or 0) or _without_code(code, http_status)
    if known.retry_in is not None and retry_after is not None:
        seconds = min(max(retry_after, 1), HOUR.total_seconds())  # whatever stands there
        return replace(known, retry_in=timedelta(seconds=seconds), up_to=None)
    return replace(known)  # who catches it may raise it, and no two of them are the same


def told(error: Exception) -> DeliveryError:
    """What an error asks of us, without the words of its message: they may be a person's."""
    match error:
        case DeliveryError():
            return error
        case Refused(status=status, code=code, retry_after=wait):
            return about(code, status, wait)
        case NotSent():
            return DeliveryError(
                "not_connected", "Twilio cannot be reached; nothing was sent.", retry_in=SOON, counts=False
            )
        case Unanswered():
            return _no_answer()
        case _:
            return DeliveryError(type(error).__name__, "Something unexpected went wrong.", uncertain=True)


def about_a_question(trouble: DeliveryError) -> DeliveryError:
    """What only asks may be asked again: nothing about it need stay uncertain."""
    return replace(trouble, uncertain=False, retry_in=SOON) if trouble.uncertain else trouble


def about_sending(trouble: DeliveryError) -> DeliveryError:
    """Where there is no place to send to, no other message will find one either."""
    return replace(trouble, halt=True) if trouble.code == "not_found" else trouble


def _without_code(code: int | None, status: int | None) -> DeliveryError:
    match status:
        case 401:
            return TOKEN
        case 429:
            return FLOOD
        case 404:
            return DeliveryError(
                "not_found",
                "This is not to be found at Twilio. Look at TWILIO_ACCOUNT_SID and TWILIO_API_URL.",
                alarm=True,
            )
        case int() if status >= 500:
            return _no_answer()
        case int() if code is None:  # not in Twilio's own form
            return DeliveryError(
                "turned_away", "Something between us and Twilio turned the message away.", retry_in=SOON
            )
        case _:
            return UNKNOWN


def _no_answer() -> DeliveryError:
    return DeliveryError("no_answer", "Twilio did not confirm the message; it may have been sent.", uncertain=True)
