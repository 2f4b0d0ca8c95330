# SPDX-License-Identifier: EUPL-1.2
"""The menu of the console, in the order of a day at the desk: a line for each room one may enter."""

from collections.abc import Collection
from typing import NamedTuple

from handlers.rules.roles import may
from handlers.talk import _
from handlers.talk.text import Text


class Line(NamedTuple):
    room: str
    path: str
    label: Text


MENU = (
    Line("today", "/console", _("Today")),
    Line("conversations", "/console/conversations", _("Conversations")),
    Line("people", "/console/people", _("People")),
    Line("workshops", "/console/workshops", _("Workshops")),
    Line("job_clubs", "/console/job-clubs", _("Job Clubs")),
    Line("calls", "/console/calls", _("Call list")),
    Line("replies", "/console/replies", _("Answers that are ready")),
    Line("misread", "/console/misread", _("Misread messages")),
    Line("deliveries", "/console/deliveries", _("Delivery problems")),
    Line("health", "/console/health", _("Channels and health")),
    Line("questions", "/console/questions", _("Questions and answers")),
    Line("venues", "/console/venues", _("Venues")),
    Line("protected", "/console/protected", _("Protected notes")),
    Line("rights", "/console/rights", _("Rights requests")),
    Line("retention", "/console/retention", _("Retention")),
    Line("audit", "/console/audit", _("Who did what")),
    Line("staff", "/console/staff", _("Staff and roles")),
    Line("settings", "/console/settings", _("Settings")),
)


def lines_for(roles: Collection[str]) -> list[Line]:
    """What these roles may read."""
    return [line for line in MENU if may(roles, line.room, "read")]
