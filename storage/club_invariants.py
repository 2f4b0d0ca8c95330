# SPDX-License-Identifier: EUPL-1.2
"""What must be true of Job Clubs at any time: their places, their line, their offers, and who is expected."""

from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select

from storage.looking import SWEPT, Invariant, Present, about
from storage.tables import audit, bookings, job_clubs, memberships, messages, people, workshops


def too_many_members(present: Present) -> Select[Any]:
    """A club may hold more people than places only if it was made smaller when they had theirs already."""
    taken = (
        select(memberships.c.club_id, func.count().label("places"))
        .where(memberships.c.state.in_(("member", "offered")))
        .group_by(memberships.c.club_id)
        .subquery("taken")
    )
    newest = (
        select(func.max(audit.c.id))
        .where(audit.c.action == "capacity_lowered", audit.c.subject == about("job_club", job_clubs.c.id))
        .scalar_subquery()
    )
    lowered = audit.alias("lowered")
    had_theirs = func.coalesce(lowered.c.details["taken"].as_integer(), 0)
    return (
        select(job_clubs.c.id)
        .join(taken, taken.c.club_id == job_clubs.c.id)
        .outerjoin(lowered, lowered.c.id == newest)
        .where(taken.c.places > job_clubs.c.capacity, taken.c.places > had_theirs)
    )


def numbers_with_gaps(present: Present) -> Select[Any]:
    given, highest = func.count(memberships.c.ticket), func.coalesce(func.max(memberships.c.ticket), 0)
    different = func.count(memberships.c.ticket.distinct())
    line = job_clubs.c.line
    return (
        select(job_clubs.c.id)
        .outerjoin(memberships, memberships.c.club_id == job_clubs.c.id)
        .group_by(job_clubs.c.id, line)
        .having(or_(given != line, highest != line, different != line))
    )


def offers_half_made(present: Present) -> Select[Any]:
    told = exists().where(
        messages.c.subject == about("membership", memberships.c.id),
        messages.c.person_id == memberships.c.person_id,
        messages.c.kind == "moment",
    )
    half = or_(memberships.c.offered_until.is_(None), memberships.c.ticket.is_(None), ~told)
    return select(memberships.c.id).where(memberships.c.state == "offered", half)


def offers_with_an_end(present: Present) -> Select[Any]:
    return select(memberships.c.id, memberships.c.offered_until).where(
        memberships.c.state == "offered", memberships.c.offered_until.is_not(None)
    )


def is_past_its_end(row: Any, present: Present) -> bool:
    return bool(row.offered_until < present.now - SWEPT)


def strangers_at_meetings(present: Present) -> Select[Any]:
    """Who is expected at a meeting that has not begun, and is not in the club."""
    is_member = exists().where(
        memberships.c.club_id == job_clubs.c.id,
        memberships.c.person_id == bookings.c.person_id,
        memberships.c.state == "member",
    )
    return (
        select(bookings.c.id)
        .join(workshops, workshops.c.id == bookings.c.workshop_id)
        .join(job_clubs, job_clubs.c.id == workshops.c.series_id)
        .where(bookings.c.state == "booked", workshops.c.starts_at > present.now, ~is_member)
    )


def expected_at_what_is_off(present: Present) -> Select[Any]:
    return (
        select(bookings.c.id)
        .join(workshops, workshops.c.id == bookings.c.workshop_id)
        .join(job_clubs, job_clubs.c.id == workshops.c.series_id)
        .where(bookings.c.state == "booked", workshops.c.cancelled_at.is_not(None))
    )


def let_in_without_reason(present: Present) -> Select[Any]:
    """Of those who are deleted no reason is left either."""
    by_staff = memberships.c.admitted_by.startswith("staff:")
    reason = func.trim(func.coalesce(memberships.c.admitted_because, ""))
    is_erased = exists().where(people.c.id == memberships.c.person_id, people.c.erased_at.is_not(None))
    return select(memberships.c.id).where(and_(by_staff, reason == "", ~is_erased))


CLUBS = (
    Invariant(
        "club_places",
        "No Job Club has more members than places, or than it had before it was made smaller",
        "job_clubs",
        job_clubs,
        too_many_members,
    ),
    Invariant(
        "club_numbers",
        "Every line of a Job Club has the numbers 1, 2, 3 … without a gap or a repeat",
        "job_clubs",
        job_clubs,
        numbers_with_gaps,
    ),
    Invariant(
        "club_offers",
        "Every open offer of a place in a Job Club has an end, and a message that says so",
        "memberships",
        memberships,
        offers_half_made,
        only=memberships.c.state == "offered",
    ),
    Invariant(
        "club_offers_over",
        "No offer of a place in a Job Club stays open past its end",
        "memberships",
        memberships,
        offers_with_an_end,
        is_past_its_end,
        only=memberships.c.state == "offered",
    ),
    Invariant(
        "club_meetings",
        "Nobody is expected at a meeting of a Job Club they are not in",
        "bookings",
        bookings,
        strangers_at_meetings,
    ),
    Invariant(
        "club_meetings_off",
        "Nobody is expected at a meeting that is called off",
        "bookings",
        bookings,
        expected_at_what_is_off,
    ),
    Invariant(
        "club_reasons",
        "Nobody was let into a Job Club by the staff without a reason on record",
        "memberships",
        memberships,
        let_in_without_reason,
    ),
)
