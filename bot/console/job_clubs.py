# SPDX-License-Identifier: EUPL-1.2
"""Job Clubs: their members and their line, their meetings, and what their own counsellor reads of the weeks."""

from collections.abc import Callable, Mapping
from typing import Any

from babel.dates import get_day_names
from starlette.responses import Response

from bot.console.charts import Chart
from bot.console.page import Page, get, post
from bot.console.planning import NEWS, RESTS, STATES, TONGUES, code, typed, written
from handlers.desk.diary import HOURS, NAMES, NotTheirCounsellor
from handlers.desk.office import Office
from handlers.desk.office.job_clubs import Diary, JobClubs
from handlers.desk.office.rehearsal import Consequences
from handlers.desk.office.workshops import Told
from handlers.desk.office.written import Written
from handlers.rules.trend import COUNTED
from handlers.talk import Text, _
from handlers.talk.text import locale_of, n_

LIST = "/console/job-clubs"
CHANGES: Mapping[str, tuple[Text, Callable[[JobClubs, str, Written], Consequences | Told | None]]] = {
    "entrust": (_("Who holds the Job Club"), JobClubs.entrust),
    "resize": (_("Change the places"), JobClubs.resize),
}


def index(page: Page) -> Response:
    with page.reading() as office:
        found = office.job_clubs.listed()
    return page.show("job_clubs/list.html", listed=found, weekdays=weekdays(page))


def one(page: Page, form: Written | None = None, status: int = 200) -> Response:
    """The page of a club; with the form of whoever was to be let in, or of more meetings, if it is wrong."""
    id, names = code(page), page.may("people", "write")
    called = page.asked("who")
    with page.writing() if names else page.reading() as office:
        found = office.job_clubs.card(id)
        may_let_in = page.may("job_clubs", "let_in")
        candidates = office.job_clubs.candidates(id, called) if may_let_in else []
        if names and found.crowd:
            office.note("members_read", f"job_club:{id}")
        if candidates:
            office.note("people_sought", f"job_club:{id}", found=len(candidates))
        now = office.now
    return page.show(
        "job_clubs/card.html",
        status,
        card=found,
        form=form or Written.of({"time": found.club.time, "minutes": found.club.minutes, "count": 4}),
        names=names,
        now=now,
        called=called,
        candidates=candidates,
        states=STATES,
        figures=NAMES,
        weekdays=weekdays(page),
        is_own=found.club.counsellor_id == page.member.id and page.may("diaries", "read"),
    )


# ---- changes that people hear of


def ask(what: str) -> Callable[[Page], Response]:
    """The form of a change."""

    def answer(page: Page) -> Response:
        with page.reading() as office:
            found = office.job_clubs.card(code(page))
        club = found.club
        form = Written.of({"counsellor": club.counsellor_id, "capacity": club.capacity})
        return page.show("job_clubs/change.html", **about(what, found), form=form)

    return answer


def change(what: str) -> Callable[[Page], Response]:
    """The same as it is sent: first what would follow is shown, then it is done."""

    def answer(page: Page) -> Response:
        id, form = code(page), written(page)
        with page.writing() as office:
            found = None if form.ticked("back") else CHANGES[what][1](office.job_clubs, id, form)
            if isinstance(found, Told):
                return page.go(f"{LIST}/{id}", found.sentence)
            shown = about(what, office.job_clubs.card(id)) | {"form": form}
        if found is None:
            return page.show("job_clubs/change.html", 422 if form.wrong else 200, **shown)
        names = page.may("people", "write")
        more: dict[str, Any] = {"found": found, "typed": typed(form), "names": names, "news": NEWS, "tongues": TONGUES}
        return page.show("job_clubs/preview.html", **shown, **more)

    return answer


def about(what: str, card: Any) -> dict[str, Any]:
    return {"what": what, "title": CHANGES[what][0], "card": card, "path": f"{LIST}/{card.club.id}"}


# ---- more meetings


def add_meeting(page: Page) -> Response:
    form = written(page)
    with page.writing() as office:
        id = office.job_clubs.add_meeting(code(page), form)
    if id is None:
        return one(page, form, status=422)
    return page.go(f"/console/workshops/{id}", _("The meeting is planned. All members have a place."))


def prolong(page: Page) -> Response:
    form = written(page)
    with page.writing() as office:
        if form.ticked("sure"):
            count = office.job_clubs.prolong(code(page), form)
            if count is not None:
                said = n_("{count} meeting is planned.", "{count} meetings are planned.", count)
                return page.go(f"{LIST}/{code(page)}", said)
        plan = office.job_clubs.prolonged(code(page), form) if not form.wrong else None
        found = office.job_clubs.card(code(page))
    if plan is None:
        return one(page, form, status=422)
    return page.show("job_clubs/dates.html", card=found, plan=plan, rests=RESTS, typed=typed(form), form=form)


# ---- letting somebody in


def let_in(page: Page) -> Response:
    form = written(page)
    with page.writing() as office:
        said = office.job_clubs.let_in(code(page), form)
    return page.go(f"{LIST}/{code(page)}", said) if said else one(page, form, status=422)


# ---- the weeks of the members


def diaries(page: Page) -> Response:
    """Single answers, for the counsellor of this club alone; each look is written down."""
    try:
        with page.writing() as office:
            found, club = office.job_clubs.diaries(code(page)), office.store.job_clubs.get(code(page))
    except NotTheirCounsellor:
        with page.writing() as office:
            office.note("forbidden", f"job_club:{code(page)}", wanted="diaries")
        return page.show("trouble.html", 403, why=_("Only the counsellor of this Job Club reads these answers."))
    return page.show(
        "job_clubs/diaries.html",
        club=club,
        found=[(one, chart_of(one)) for one in found],
        figures=NAMES,
        counted=COUNTED,
        hours={one.id: one.label for one in HOURS},
    )


def chart_of(diary: Diary) -> Chart | None:
    """The figures of the last weeks as bars, once there are two of them."""
    if diary.trend is None:
        return None
    figures = diary.trend.figures
    return Chart.of(
        [
            (week, [figures[name][at] or 0 if name in figures else 0 for name in COUNTED])
            for at, week in enumerate(diary.trend.weeks)
        ]
    )


# ---- new ones


def new(page: Page) -> Response:
    with page.reading() as office:
        return new_form(page, office, office.job_clubs.blank())


def create(page: Page) -> Response:
    form = written(page)
    with page.writing() as office:
        if form.ticked("back"):
            return new_form(page, office, form)
        if form.ticked("sure"):
            id = office.job_clubs.create(form)
            if id is not None:
                return page.go(f"{LIST}/{id}", _("The Job Club is there."))
        plan = office.job_clubs.planned(form)
        if plan is None:
            return new_form(page, office, form, status=422)
    return page.show("job_clubs/dates.html", card=None, plan=plan, rests=RESTS, typed=typed(form), form=form)


def new_form(page: Page, office: Office, form: Written, status: int = 200) -> Response:
    choices = office.job_clubs.choices()
    return page.show("job_clubs/new.html", status, form=form, choices=choices, weekdays=weekdays(page))


def weekdays(page: Page) -> list[str]:
    """Their names; Monday is the first."""
    names = get_day_names("wide", "stand-alone", locale_of(page.reader.language))
    return [str(names[number]) for number in range(7)]


ROUTES = (
    get(LIST, "job_clubs", "read", index),
    get(f"{LIST}/new", "job_clubs", "write", new),
    post(f"{LIST}/new", "job_clubs", "write", create),
    get(f"{LIST}/{{id}}", "job_clubs", "read", one),
    *(get(f"{LIST}/{{id}}/{what}", "job_clubs", "write", ask(what)) for what in CHANGES),
    *(post(f"{LIST}/{{id}}/{what}", "job_clubs", "write", change(what)) for what in CHANGES),
    post(f"{LIST}/{{id}}/meetings", "job_clubs", "write", add_meeting),
    post(f"{LIST}/{{id}}/prolong", "job_clubs", "write", prolong),
    post(f"{LIST}/{{id}}/let-in", "job_clubs", "let_in", let_in),
    get(f"{LIST}/{{id}}/diaries", "diaries", "read", diaries),
)
