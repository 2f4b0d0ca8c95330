# SPDX-License-Identifier: EUPL-1.2
"""The tables, by noun."""

from storage.tables.base import metadata
from storage.tables.dialogues import dialogues
from storage.tables.files import attachments, files
from storage.tables.job_clubs import diaries, job_clubs, memberships, path_records, paths
from storage.tables.messages import messages
from storage.tables.organisations import organisations, staff, venues
from storage.tables.people import consents, enrolments, erasures, identities, people, stops
from storage.tables.programmes import notices, programmes, questions, settings
from storage.tables.territories import areas, comuni, unions
from storage.tables.work import audit, cases, job_slots
from storage.tables.workshops import bookings, feedback, series, workshops

__all__ = [
    "areas",
    "attachments",
    "audit",
    "bookings",
    "cases",
    "comuni",
    "consents",
    "dialogues",
    "diaries",
    "enrolments",
    "erasures",
    "feedback",
    "files",
    "identities",
    "job_clubs",
    "job_slots",
    "memberships",
    "messages",
    "metadata",
    "notices",
    "organisations",
    "path_records",
    "paths",
    "people",
    "programmes",
    "questions",
    "series",
    "settings",
    "staff",
    "stops",
    "unions",
    "venues",
    "workshops",
]
