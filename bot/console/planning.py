# SPDX-License-Identifier: EUPL-1.2
"""What the pages of what takes place share: their forms as they were written, and what follows from a change."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from bot.console.page import Page
from handlers.desk.office.written import Written
from handlers.talk import Gone, Text, _
from handlers.talk.text import p_

STATES: Mapping[str, Text] = {
    "booked": p_("a place", "has a place"),
    "offered": p_("a place", "is offered a place"),
    "waiting": p_("a place", "waits"),
    "called_off": p_("a place", "had a place when it was called off"),
    "member": p_("a place", "is a member"),
    "left": p_("a place", "has left"),
    "declined": p_("a place", "did not want the place"),
    "lapsed": p_("a place", "did not answer in time"),
    "withdrawn": p_("a place", "does not wait any more"),
}
MODES: Mapping[str, Text] = {
    "in_person": p_("how", "In person"),
    "online": p_("how", "Online"),
    "both": p_("how", "In person and online"),
}
RESTS: Mapping[str, Text] = {
    "sunday": _("left out: a Sunday"),
    "patron": _("left out: the patron’s day there"),
    "closed": _("left out: a closed day"),
    "holiday": _("left out: a public holiday"),
    "no_such_hour": _("left out: the clocks go forward over this hour"),
}
TONGUES: Mapping[str, str] = {
    "it": "Italiano",
    "en": "English",
    "fr": "Français",
    "es": "Español",
    "ar": "العربية",
    "ur": "اردو",
    "bn": "বাংলা",
    "ro": "Română",
    "uk": "Українська",
    "zh": "中文",
    "sq": "Shqip",
    "pa": "ਪੰਜਾਬੀ",
    "ti": "ትግርኛ",
    "ru": "Русский",
    "pt": "Português",
}
NEWS: Mapping[str, Text] = {
    "workshop_moved": _("There is a change"),
    "workshop_online": _("It is online now"),
    "workshop_called_off": _("It is called off"),
    "meeting_called_off": _("The meeting is called off"),
    "meeting_unsure": _("The meeting is not sure"),
    "meeting_on": _("The meeting takes place"),
    "place_offered": _("A place is offered"),
    "place_free": _("A place is free"),
    "club_place_offered": _("A place in the Job Club is offered"),
    "club_place_free": _("A place in the Job Club is free"),
}
NOT_TYPED = ("form_key", "once", "sure", "back")


def written(page: Page) -> Written:
    """The form as it was sent."""
    sent = ((name, value) for name, value in page.form.multi_items() if isinstance(value, str))
    return Written(sent)


def code(page: Page) -> str:
    """The name of something in the address. Raises Gone for what is none."""
    given = str(page.request.path_params["id"])
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", given):
        raise Gone
    return given


def typed(form: Written) -> list[tuple[str, str]]:
    """What a form carries on to the page that asks whether one is sure."""
    return [(name, value) for name, value in form.fields if name not in NOT_TYPED and name != "seen"]


def address(path: str, **asked: object) -> str:
    """A page with what stands behind the question mark, without what says nothing."""
    said = urlencode({name: value for name, value in asked.items() if value not in (None, "")})
    return f"{path}?{said}" if said else path
