# SPDX-License-Identifier: EUPL-1.2
"""What a moment can be about: a person, mostly their place at something that has an hour."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from handlers.moments.places import place_of
from handlers.talk.text import ROME
from storage.job_clubs import JobClub, Membership
from storage.workshops import Booking, Workshop


@dataclass(frozen=True)
class Occasion:
    """
    What a moment can be about: a person, mostly their place at a workshop, and the instants it hangs from.

    ``times`` holds only the anchors that apply. ``state`` is the booking's, absent for who did not come, or half_way
    or silent for people who have left a form or have not written for long. ``revision`` tells one time of a workshop,
    or one silence, from the next. All times are aware, in UTC.
    """

    person_id: int
    first_name: str
    state: str
    times: Mapping[str, datetime]
    booking_id: int = 0
    revision: int | str = 0
    workshop: Workshop | None = None
    offered_until: datetime | None = None
    before: datetime | None = None  # when it was going to start until it was moved
    said_at: datetime | None = None  # when these words are said, for «tomorrow»; none: say the day only
    reminds: bool = True  # will a reminder come?
    is_time_left: bool = True  # is there still time for one?
    next_at: datetime | None = None  # when the same Job Club meets next
    membership_id: int = 0
    club: JobClub | None = None
    path_id: str | None = None  # which path they have completed
    kept_until: date | None = None  # then what we know of them is deleted, unless they write

    @property
    def event(self) -> Workshop:
        """The workshop, where there is one."""
        assert self.workshop is not None, "not every occasion is about a workshop"
        return self.workshop

    @property
    def id(self) -> str:
        """What tells it from the others, in the key of a push."""
        if self.membership_id:
            return f"membership:{self.membership_id}"
        if self.path_id:
            return f"path:{self.person_id}:{self.path_id}"
        return str(self.booking_id) if self.booking_id else f"person:{self.person_id}"

    @property
    def subject(self) -> str:
        return f"booking:{self.booking_id}" if self.booking_id else self.id


def occasion_of(
    booking: Booking,
    workshop: Workshop,
    first_name: str,
    *,
    offered_until: datetime | None = None,
    changed_at: datetime | None = None,
    before: datetime | None = None,
    said_at: datetime | None = None,
    next_at: datetime | None = None,
) -> Occasion:
    """
    Somebody's place at a workshop. ``changed_at`` is when the workshop was moved or called off, if that is news, and
    ``before`` when it was going to start until then.
    """
    known = {
        "booked_at": booking.booked_at or workshop.opens_at,
        "starts_at": workshop.starts_at,
        "ends_at": workshop.ends_at,
        "changed_at": changed_at,
        "absent_at": booking.attendance_at if booking.attendance == "absent" else None,
    }
    return Occasion(
        person_id=booking.person_id,
        first_name=first_name,
        state=state_of(booking, workshop),
        times={name: at for name, at in known.items() if at},
        booking_id=booking.id,
        revision=workshop.revision,
        workshop=workshop,
        offered_until=offered_until or booking.offered_until,
        said_at=said_at,
        before=before,
        next_at=next_at,
    )


def state_of(booking: Booking, workshop: Workshop) -> str:
    """What holds of a place: that the workshop is called off, that its person did not come, or what the row says."""
    if workshop.is_meeting:
        return meeting_state(booking, workshop)
    if workshop.cancelled_at and booking.state == "booked":
        return "called_off"
    return booking.attendance if booking.attendance in ("absent", "excused") else booking.state


def meeting_state(booking: Booking, meeting: Workshop) -> str:
    """A member of a club is expected at its meetings, once a counsellor is there to hold them."""
    if booking.state == "called_off" or (meeting.cancelled_at and booking.state == "booked"):
        return "meeting_called_off"
    if booking.attendance in ("absent", "excused"):
        return "missed" if booking.attendance == "absent" else "excused"
    if booking.state != "booked":
        return booking.state
    return "expected" if meeting.is_confirmed else "unconfirmed"


def club_place(
    membership: Membership,
    club: JobClub,
    first_name: str,
    *,
    changed_at: datetime,
    until: datetime | None = None,
    next_at: datetime | None = None,
) -> Occasion:
    """Somebody's place in a Job Club, or in its line."""
    return Occasion(
        person_id=membership.person_id,
        first_name=first_name,
        state=membership.state,
        times={"changed_at": changed_at},
        membership_id=membership.id,
        club=club,
        offered_until=until or membership.offered_until,
        next_at=next_at,
    )


def path_done(person_id: int, first_name: str | None, path_id: str, at: datetime) -> Occasion:
    """Somebody has done all that a path asks for; they hear of it once."""
    return Occasion(person_id, first_name or "", "path_done", {"changed_at": at}, revision="once", path_id=path_id)


def half_way(person_id: int, first_name: str | None, left_at: datetime) -> Occasion:
    """Somebody who began to sign up and stopped writing; they hear of it once."""
    return Occasion(person_id, first_name or "", "half_way", {"left_at": left_at}, revision="once")


def silence(person_id: int, first_name: str | None, since: datetime, kept_until: date | None = None) -> Occasion:
    """Somebody we know who has not written for long, and until when we keep what we know of them."""
    known = {"revision": str(rome_day(since)), "kept_until": kept_until}
    return Occasion(person_id, first_name or "", "silent", {"silent_since": since}, **known)  # type: ignore[arg-type]


def told_of(workshop: Workshop) -> dict[str, str]:
    """When and where, as a message about a workshop tells it."""
    return {"starts_at": workshop.starts_at.isoformat(), "where": place_of(workshop)}


def on_the_wall(at: datetime, offset: timedelta, hour: time | None = None) -> datetime:
    """
    So much earlier or later on a clock in Rome: a day before 10:00 is 10:00, also when the clocks change.

    With an ``hour`` it is that hour of that day.
    """
    local = at.astimezone(ROME).replace(tzinfo=None) + offset
    local = datetime.combine(local, hour) if hour else local
    return local.replace(tzinfo=ROME).astimezone(UTC)


def rome_day(at: datetime) -> date:
    return at.astimezone(ROME).date()
