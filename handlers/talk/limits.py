# SPDX-License-Identifier: EUPL-1.2
"""What each channel can show; the figures are the platforms' own."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Limits:
    """
    The limits of a channel, in characters (UTF-16 units on Telegram) and in numbers of choices.

    Telegram: core.telegram.org/bots/api (sendMessage, InlineKeyboardButton). WhatsApp: Twilio's pages on
    quick replies (3 in a session, titles of 20), list pickers (10 items of 24) and message bodies (1,600; with
    buttons 1,024). Its window is the customer service window (twilio.com/docs/whatsapp/key-concepts).
    """

    text: int
    text_with_options: int
    buttons: int
    button_label: int
    rows: int  # how many choices a list can hold; 0: the channel has no lists
    row_label: int
    caption: int = 1024  # under a picture or a file
    window: timedelta | None = None  # after a person's last message, in which we may write what we like
    settles: bool = False  # can the channel be asked later whether a message has arrived?
    has_aliases: bool = False  # does it call one chat by two names?


TELEGRAM = Limits(text=4096, text_with_options=4096, buttons=10, button_label=20, rows=0, row_label=0)
WHATSAPP = Limits(
    text=1600,
    text_with_options=1024,
    buttons=3,
    button_label=20,
    rows=10,
    row_label=24,
    window=timedelta(hours=24),
    settles=True,
    has_aliases=True,
)

LIMITS = {"telegram": TELEGRAM, "whatsapp": WHATSAPP}
