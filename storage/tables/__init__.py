# SPDX-License-Identifier: EUPL-1.2
"""The tables, by noun."""

from storage.tables.attendances import attendances
from storage.tables.base import metadata
from storage.tables.contents import contents
from storage.tables.dialogues import dialogues
from storage.tables.files import attachments, files
from storage.tables.job_clubs import diaries, job_clubs, memberships, path_records, paths
from storage.tables.messages import messages, receipts
from storage.tables.misreadings import misreadings, synonyms
from storage.tables.organisations import organisations, venues
from storage.tables.people import consents, enrolments, erasures, identities, links, people, stops
from storage.tables.programmes import notices, programmes, questions, settings
from storage.tables.reviews import canned_replies, labels, mentions, notes, reviews, saved_views, unmaskings
from storage.tables.rights import merges, protected, rights_requests
from storage.tables.search import message_words, search_changes, search_progress
from storage.tables.staff import sent_forms, sessions, sign_in_attempts, sign_in_links, staff
from storage.tables.territories import areas, comuni, unions
from storage.tables.work import audit, cases, job_slots, leftovers
from storage.tables.workshops import bookings, feedback, series, workshops

__all__ = [
    "areas",
    "attachments",
    "attendances",
    "audit",
    "bookings",
    "canned_replies",
    "cases",
    "comuni",
    "consents",
    "contents",
    "dialogues",
    "diaries",
    "enrolments",
    "erasures",
    "feedback",
    "files",
    "identities",
    "job_clubs",
    "job_slots",
    "labels",
    "leftovers",
    "links",
    "memberships",
    "mentions",
    "merges",
    "message_words",
    "messages",
    "metadata",
    "misreadings",
    "notes",
    "notices",
    "organisations",
    "path_records",
    "paths",
    "people",
    "programmes",
    "protected",
    "questions",
    "receipts",
    "reviews",
    "rights_requests",
    "saved_views",
    "search_changes",
    "search_progress",
    "sent_forms",
    "series",
    "sessions",
    "settings",
    "sign_in_attempts",
    "sign_in_links",
    "staff",
    "stops",
    "synonyms",
    "unions",
    "unmaskings",
    "venues",
    "workshops",
]
