# SPDX-License-Identifier: EUPL-1.2
"""What can happen on stage around a Job Club."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import insert, select, update

from bot.main import Sportello
from handlers.desk import Desk
from handlers.desk.changes import Changes
from handlers.desk.hours import hours_in
from handlers.moments import on_the_wall, rome_day
from handlers.rules.meetings import days, instants
from storage import Store
from storage.job_clubs import JobClub
from storage.tables import audit, comuni, job_clubs, path_records, paths, series, staff, venues, workshops
from storage.workshops import Workshop
from tests.stage import Stage, direction

WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays")
PATH = "ras_base"
AREAS = {"Collegno": ("collegno", "cil"), "Bologna": ("bologna", "ipl"), "Pioltello": ("est_milano", "cal")}
EVERYBODY = ", for everybody"


@direction(
    rf"there is a Job Club «(.+)» in (\w+) on (\w+) at (\d\d:\d\d) with (\d+) places?, (\d+) meetings({EVERYBODY})?"
)
def a_club(
    stage: Stage, name: str, town: str, weekday: str, hour: str, seats: str, number: str, everybody: str | None
) -> None:
    def add(store: Store) -> None:
        area, programme = AREAS[town]
        comune = next(one.istat for one in store.territories.places() if one.name == town)
        counsellor = store.write(
            insert(staff)
            .values(
                name="Elena (demo)", email=f"{name}@example.org".replace(" ", "."), role="counsellor", languages=["it"]
            )
            .returning(staff.c.id)
        ).scalar_one()
        known = {"step_free": True, "toilet": True, "hearing_loop": True, "bus": "33"}
        store.write(
            insert(venues).values(
                id=name, name="Casa Fontenera", comune_istat=comune, address="Via Immaginaria 20", **known
            )
        )
        first = rome_day(stage.now) + timedelta(days=1)
        found = days(first, WEEKDAYS.index(weekday), int(number), hours_in(store, comune))
        spoken, said = {"it": name, "en": name}, {"it": "Cerchiamo lavoro insieme.", "en": "We look for work together."}
        store.write(
            insert(series).values(
                id=name,
                kind="job_club",
                programme_id=programme,
                area_id=area,
                name=spoken,
                starts_on=found[0],
                ends_on=found[-1],
            )
        )
        if not everybody and not store.read(select(paths.c.id)):
            store.write(insert(paths).values(id=PATH, group_meetings=3, interviews=2))
        store.write(
            insert(job_clubs).values(
                id=name,
                venue_id=name,
                counsellor_id=counsellor,
                weekday=WEEKDAYS.index(weekday),
                time=hour,
                minutes=120,
                first_on=first,
                meetings=int(number),
                capacity=int(seats),
                line=0,
                path_id=None if everybody else PATH,
            )
        )
        for place, day in enumerate(found, start=1):
            starts_at, ends_at = instants(day, hour, 120)
            store.write(
                insert(workshops).values(
                    code=f"{name}-{place}",
                    series_id=name,
                    title=spoken,
                    summary=said,
                    venue_id=name,
                    tutor_id=counsellor,
                    starts_at=starts_at,
                    ends_at=ends_at,
                    opens_at=stage.now,
                    closes_at=starts_at,
                    capacity=int(seats),
                    languages=["it"],
                    counts_for_path=False,
                    line=0,
                    revision=0,
                    mode="in_person",
                )
            )

    stage.with_store(add)


@direction(r"the patron of (\w+) is kept on (\d\d-\d\d)")
def patron(stage: Stage, town: str, day: str) -> None:
    stage.with_store(lambda store: store.write(update(comuni).where(comuni.c.name == town).values(patron_day=day)))


@direction(r"(\w+) has done (\d) group meetings? and (\d) interviews?")
def has_done(stage: Stage, who: str, meetings: str, interviews: str) -> None:
    def add(store: Store) -> None:
        statement = store.insert(path_records).values(
            person_id=stage.person(store, who).id,
            path_id=PATH,
            group_meetings=int(meetings),
            interviews=int(interviews),
            at=stage.now,
        )
        theirs = {"group_meetings": int(meetings), "interviews": int(interviews)}
        store.write(statement.on_conflict_do_update(index_elements=["person_id", "path_id"], set_=theirs))

    stage.with_store(add)


@direction(r"(\w+) joins «(.+)»")
def joins(stage: Stage, who: str, name: str) -> None:
    """At the desk, by telephone: nothing is said in the chat."""
    at_the_desk(stage, who, lambda desk: desk.job_clubs.join(club(desk.store, name).id, or_wait=True))


@direction(r"(\w+) leaves «(.+)»")
def leaves(stage: Stage, who: str, name: str) -> None:
    at_the_desk(stage, who, lambda desk: desk.job_clubs.leave(club(desk.store, name).id))


@direction(r"the counsellor lets (\w+) into «(.+)» because: (.+)")
def lets_in(stage: Stage, who: str, name: str, because: str) -> None:
    def let_in(desk: Desk) -> None:
        found = club(desk.store, name)
        assert found.counsellor_id
        desk.job_clubs.let_in(found.id, staff_id=found.counsellor_id, because=because)

    at_the_desk(stage, who, let_in)


def at_the_desk(stage: Stage, who: str, act: Callable[[Desk], object]) -> None:
    def work(desk: Sportello) -> None:
        with desk.storage.writing() as store:
            person = stage.person(store, who)
            store.dialogues.lock_person(person.id)
            act(Desk(store, person, stage.now, desk.engine.play.catalogues))

    stage.played(work)


@direction(r"the desk calls off the next meeting of «(.+)»")
def called_off(stage: Stage, name: str) -> None:
    changed(stage, name, lambda changes, meeting: changes.call_off(meeting.id))


@direction(r"the desk moves the next meeting of «(.+)» by (\d+) (minutes|hours|days)")
def moved(stage: Stage, name: str, number: str, unit: str) -> None:
    by = timedelta(**{unit: int(number)})
    changed(stage, name, lambda changes, meeting: changes.move(meeting.id, on_the_wall(meeting.starts_at, by)))


@direction(r"(nobody|a counsellor) holds the next meeting of «(.+)»")
def entrusted(stage: Stage, whom: str, name: str) -> None:
    def entrust(changes: Changes, meeting: Workshop) -> None:
        counsellor = club(changes.store, name).counsellor_id
        changes.entrust(meeting.id, None if whom == "nobody" else counsellor)

    changed(stage, name, entrust)


@direction(r"the club «(.+)» has (\d+) places? now")
def resized(stage: Stage, name: str, places: str) -> None:
    changed(stage, name, lambda changes, meeting: changes.resize_club(meeting.series_id, int(places)))


def changed(stage: Stage, name: str, change: Callable[[Changes, Workshop], None]) -> None:
    """Somebody of the desk changes a meeting, and everybody concerned is told."""

    def act(desk: Sportello) -> None:
        with desk.storage.writing() as store:
            found = store.workshops.get(store.job_clubs.meetings(club(store, name).id, stage.now)[0])
            assert found
            change(Changes(store, stage.now, desk.engine.play.catalogues, actor="staff:1"), found)

    stage.played(act)


@direction(r"the desk writes down that (\w+) was (there|absent) at the last meeting of «(.+)»")
def attended(stage: Stage, who: str, what: str, name: str) -> None:
    def mark(desk: Desk) -> None:
        found = select(workshops.c.id).where(
            workshops.c.series_id == club(desk.store, name).id, workshops.c.starts_at <= stage.now
        )
        last = desk.store.read(found.order_by(workshops.c.starts_at.desc()))[0][0]
        booking = desk.store.workshops.booking_of(desk.person.id, last)
        assert booking
        desk.by = "staff:1"
        desk.attendance.mark(booking.id, "present" if what == "there" else "absent", how="console", reason="It was so.")

    at_the_desk(stage, who, mark)


@direction(r"(\w+) (is in|waits for a place in|is not in) «(.+)»")
def stands(stage: Stage, who: str, what: str, name: str) -> None:
    def look(store: Store) -> str | None:
        found = store.job_clubs.membership_of(stage.person(store, who).id, club(store, name).id)
        return found.state if found else None

    wanted = {"is in": "member", "waits for a place in": "waiting", "is not in": None}[what]
    assert stage.with_store(look) == wanted, (who, what, name)


@direction(r"the record says that (\w+) was let in because: (.+)")
def on_record(stage: Stage, who: str, because: str) -> None:
    def look(store: Store) -> list[tuple[str, str]]:
        subject = f"person:{stage.person(store, who).id}"
        rows = store.read(select(audit).where(audit.c.subject == subject, audit.c.action == "let_in"))
        return [(row.actor.partition(":")[0], row.details["because"]) for row in rows]

    assert stage.with_store(look) == [("staff", because)]


@direction(r"«(.+)» meets (\d+) times, never on (.+)")
def meets(stage: Stage, name: str, number: str, never: str) -> None:
    def look(store: Store) -> list[str]:
        found = [store.workshops.get(id) for id in store.job_clubs.meetings(club(store, name).id, stage.now)]
        return [rome_day(one.starts_at).isoformat() for one in found if one]

    met = stage.with_store(look)
    assert len(met) == int(number) and not {*met} & {*never.split(" or ")}, met


def club(store: Store, name: str) -> JobClub:
    found = store.job_clubs.get(name)
    assert found, f"no Job Club is called «{name}»"
    return found
