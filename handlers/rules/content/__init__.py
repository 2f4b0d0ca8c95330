# SPDX-License-Identifier: EUPL-1.2
"""What the files of a programme must say before they are loaded, and what is wrong with those that do not."""

from handlers.rules.content.job_clubs import LEADERS, WEEKDAYS, done_of
from handlers.rules.content.kinds import FILES, SERVICE, is_jobseeker, is_staff
from handlers.rules.content.mistakes import problems
from handlers.rules.content.rows import Content, Known, Row
from handlers.rules.content.times import instant, working_day

__all__ = [
    "FILES",
    "LEADERS",
    "SERVICE",
    "WEEKDAYS",
    "Content",
    "Known",
    "Row",
    "done_of",
    "instant",
    "is_jobseeker",
    "is_staff",
    "problems",
    "working_day",
]
