# SPDX-License-Identifier: EUPL-1.2
"""The table of contents: every conversation Sportello can have."""

from handlers.conversations.agenda import agenda
from handlers.conversations.changes import changes
from handlers.conversations.desks import desks
from handlers.conversations.feedback import feedback
from handlers.conversations.hello import hello
from handlers.conversations.help import help
from handlers.conversations.language import language
from handlers.conversations.menu import menu
from handlers.conversations.my_data import my_data
from handlers.conversations.person import person
from handlers.conversations.privacy import privacy
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
    questions,
    desks,
    person,
    language,
    help,
    privacy,
    my_data,
    stop,
    start,
    reminders,
    changes,
    feedback,
    silence,
)
