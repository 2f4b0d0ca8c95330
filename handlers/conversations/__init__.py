# SPDX-License-Identifier: EUPL-1.2
"""The table of contents: every conversation Sportello can have."""

from handlers.conversations.agenda import agenda
from handlers.conversations.changes import changes
from handlers.conversations.check_in import check_in
from handlers.conversations.corrections import corrections
from handlers.conversations.desks import desks
from handlers.conversations.diary import diary
from handlers.conversations.download import download
from handlers.conversations.erasure import erasure
from handlers.conversations.feedback import feedback
from handlers.conversations.hello import hello
from handlers.conversations.help import help
from handlers.conversations.job_club import job_club
from handlers.conversations.language import language
from handlers.conversations.links import links
from handlers.conversations.meetings import meetings
from handlers.conversations.menu import menu
from handlers.conversations.my_data import my_data
from handlers.conversations.my_weeks import my_weeks
from handlers.conversations.permissions import permissions
from handlers.conversations.person import person
from handlers.conversations.privacy import privacy
from handlers.conversations.private import private
from handlers.conversations.questions import questions
from handlers.conversations.registration import registration
from handlers.conversations.reminders import reminders
from handlers.conversations.silence import silence
from handlers.conversations.start import start
from handlers.conversations.stop import stop
from handlers.conversations.workshops import workshops

CONVERSATIONS = (
    hello,
    menu,
    registration,
    workshops,
    agenda,
    check_in,
    job_club,
    meetings,
    diary,
    my_weeks,
    questions,
    desks,
    person,
    private,
    language,
    help,
    privacy,
    my_data,
    corrections,
    permissions,
    download,
    erasure,
    links,
    stop,
    start,
    reminders,
    changes,
    feedback,
    silence,
)
