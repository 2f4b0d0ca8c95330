# SPDX-License-Identifier: EUPL-1.2
"""What each channel can show; the figures are the platforms' own."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """
    The limits of a channel, in characters (UTF-16 units on Telegram) and in numbers of choices.

    Telegram: core.telegram.org/bots/api (sendMessage, InlineKeyboardButton). WhatsApp: Twilio's pages on
    quick replies (3 in a session, titles of 20), list pickers (10 items of 24) and message bodies (1,600; with
    buttons 1,024).
    """

    text: int
    text_with_options: int
    buttons: int
    button_label: int
    rows: int  # how many choices a list can hold; 0: the channel has no lists
    row_label: int
    caption: int = 1024  # under a picture or a file


TELEGRAM = Limits(text=4096, text_with_options=4096, buttons=10, button_label=20, rows=0, row_label=0)
WHATSAPP = Limits(text=1600, text_with_options=1024, buttons=3, button_label=20, rows=10, row_label=24)

LIMITS = {"telegram": TELEGRAM, "whatsapp": WHATSAPP}
