# SPDX-License-Identifier: EUPL-1.2
"""My answers: what somebody has told about their weeks in the Job Club, in words."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.desk.diary import HOURS, NAMES, about
from handlers.moments.workshops import SCORES
from handlers.talk import Conversation, Lines, Local, Move, _, done, lines, p_
from storage.diaries import Diary

SHOWN = 6  # weeks of each club


@dataclass
class Draft:
    pass


my_weeks = Conversation("my_weeks", Draft, words=p_("words", "my answers, my weeks"))


@my_weeks.starts
@my_weeks.step
def told(c: Context) -> Move:
    found = c.desk.diary.weeks()
    if not found:
        return done(_("You have told me about no week yet. To begin, write MY WEEK."))
    for club, weeks in found:
        c.about = about(club.id)
        c.say(Local(club.name))
        for week in weeks[:SHOWN]:
            c.say(in_words(week))
    return done(_("To change what you told me about this week, write MY WEEK."))


def in_words(diary: Diary) -> Lines:
    """A week as it was told; what was skipped is not there."""
    said = {one.id: one.label for one in (*HOURS, *SCORES)}
    figures = [(NAMES[name], diary.answers[name]) for name in NAMES if name in diary.answers]
    return lines(
        _("Week of {day}", day=diary.week),
        *(p_("a figure", "{name}: {value}", name=name, value=value) for name, value in figures),
        diary.hours and _("Looking for work: {hours}", hours=said[diary.hours]),
        diary.mood and _("How you felt: {mood}", mood=said[str(diary.mood)]),
        diary.next_step and _("Next step: {words}", words=diary.next_step),
    )
