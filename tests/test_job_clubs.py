# SPDX-License-Identifier: EUPL-1.2
"""What the desk may and may not do with a Job Club and its meetings."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from handlers.desk import Desk
from handlers.desk.changes import Changes, RestDay
from handlers.desk.job_clubs import NoReason, NotAllowed
from handlers.moments import on_the_wall
from handlers.rules.job_clubs import Joined, Missing, missing, stays_away
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.invariants import look
from storage.looking import Present
from storage.tables import audit, cases, messages, staff
from tests.database import Databases
from tests.stage import Stage, perform

CLUB = "Job Club Fontenera"
MEETS = f"there is a Job Club «{CLUB}» in Collegno on Wednesdays at 14:30 with 2 places, 12 meetings"
CATALOGUES = Catalogues()


@pytest.fixture
def stage(databases: Databases) -> Iterator[Stage]:
    with databases.town("sqlite") as url, closing(Stage(url)) as stage:
        for words in ("it is 2027-04-12 at 09:00", MEETS, "Amina is registered in Collegno, and wants reminders"):
            perform(stage, words)
        yield stage


def at_the_desk(stage: Stage, act: Callable[[Desk], Any], who: str = "Amina") -> Any:
    return stage.with_store(lambda store: act(Desk(store, stage.person(store, who), stage.now, CATALOGUES)))


@pytest.mark.parametrize("because", ["", "   ", "\n"])
def test_nobody_is_let_in_without_a_reason(stage: Stage, because: str) -> None:
    with pytest.raises(NoReason):
        at_the_desk(stage, lambda desk: desk.job_clubs.let_in(CLUB, staff_id=counsellor(desk.store), because=because))
    assert at_the_desk(stage, lambda desk: desk.job_clubs.mine(CLUB)) is None


def test_only_a_counsellor_lets_somebody_in(stage: Stage) -> None:
    def operator(store: Store) -> int:
        known = {"name": "Nadia (demo)", "email": "nadia@example.org", "role": "operator", "languages": ["it"]}
        return int(store.write(insert(staff).values(**known).returning(staff.c.id)).scalar_one())

    with pytest.raises(NotAllowed):
        at_the_desk(
            stage, lambda desk: desk.job_clubs.let_in(CLUB, staff_id=operator(desk.store), because="I like her")
        )
    assert at_the_desk(stage, lambda desk: desk.job_clubs.mine(CLUB)) is None


def test_who_is_let_in_is_on_record_with_the_reason_and_the_name(stage: Stage) -> None:
    done = at_the_desk(
        stage, lambda desk: desk.job_clubs.let_in(CLUB, staff_id=counsellor(desk.store), because=" knows the method ")
    )
    assert isinstance(done, Joined)
    rows = stage.with_store(lambda store: store.read(select(audit).where(audit.c.action == "let_in")))
    assert [(row.actor.partition(":")[0], row.details["because"]) for row in rows] == [("staff", "knows the method")]


@pytest.mark.parametrize(
    ("days", "why"), [(4, "a Sunday"), (11, "25 April"), (17, "1 May"), (1, "the patron of the town")]
)
def test_a_meeting_is_never_moved_to_a_day_of_rest(stage: Stage, days: int, why: str) -> None:
    perform(stage, "the patron of Collegno is kept on 04-15")
    with pytest.raises(RestDay):
        changed(stage, lambda changes, id, at: changes.move(id, on_the_wall(at, timedelta(days=days))))
    assert not stage.with_store(lambda store: store.read(select(audit).where(audit.c.action == "moved"))), why


def test_of_a_meeting_that_nobody_holds_nothing_is_said_as_if_it_took_place(stage: Stage) -> None:
    perform(stage, "Amina has done 3 group meetings and 2 interviews")
    perform(stage, f"Amina joins «{CLUB}»")
    perform(stage, f"nobody holds the next meeting of «{CLUB}»")
    perform(stage, "then it is 2027-04-14 at 15:00")
    said = stage.with_store(lambda store: store.read(select(messages.c.payload).where(messages.c.kind == "moment")))
    assert [row.payload["moment"] for row in said] == ["job_club_unconfirmed", "job_club_unconfirmed_2h"]


def test_nobody_but_a_counsellor_holds_a_meeting(stage: Stage) -> None:
    def operator(changes: Changes, id: int, at: Any) -> None:
        known = {"name": "Nadia (demo)", "email": "nadia@example.org", "role": "operator", "languages": ["it"]}
        nadia = changes.store.write(insert(staff).values(**known).returning(staff.c.id)).scalar_one()
        changes.entrust(id, nadia)

    with pytest.raises(NotAllowed):
        changed(stage, operator)


def test_on_the_eve_that_is_a_day_of_rest_members_hear_earlier_that_a_meeting_is_not_sure(databases: Databases) -> None:
    with databases.town("sqlite") as url, closing(Stage(url)) as stage:
        perform(stage, "it is 2027-04-08 at 09:00")
        perform(stage, MEETS.replace("Wednesdays", "Mondays") + ", for everybody")
        perform(stage, "Amina is registered in Collegno, and wants reminders")
        perform(stage, f"Amina joins «{CLUB}»")
        perform(stage, f"nobody holds the next meeting of «{CLUB}»")
        perform(stage, "then it is 2027-04-12 at 15:00")
        rows = stage.with_store(lambda store: store.read(select(messages).where(messages.c.kind == "moment")))
        assert [row.payload["moment"] for row in rows] == ["job_club_unconfirmed", "job_club_unconfirmed_2h"]
        assert rows[0].sent_at.date().isoformat() == "2027-04-10"  # the Saturday


def test_a_smaller_club_is_no_false_alarm(stage: Stage) -> None:
    for who in ("Amina", "Bruno"):
        perform(stage, f"{who} is registered in Collegno, and wants reminders")
        perform(stage, f"{who} has done 3 group meetings and 2 interviews")
        perform(stage, f"{who} joins «{CLUB}»")
    meeting = at_the_desk(stage, lambda desk: desk.meetings.ahead(CLUB)[0])
    at_the_desk(stage, lambda desk: desk.workshops.cancel(meeting.booking.id))
    perform(stage, f"the club «{CLUB}» has 1 place now")
    at_the_desk(stage, lambda desk: desk.meetings.come_after_all(meeting.workshop.id))
    found = stage.with_store(
        lambda store: look(store, Present(stage.now, stage.now, {"place_offered": "service_messages"}))
    )
    assert not [one for one in found if one.ids and one.invariant.name in ("places", "club_places")]


def test_who_is_let_in_and_wants_no_messages_is_called(stage: Stage) -> None:
    perform(stage, "Bruno is registered in Collegno")
    at_the_desk(
        stage, lambda desk: desk.job_clubs.let_in(CLUB, staff_id=counsellor(desk.store), because="knows it"), "Bruno"
    )
    perform(stage, "a person of the desk is asked to look after Bruno: club_joined")


def test_who_has_left_is_not_missed_any_more(stage: Stage) -> None:
    perform(stage, "Amina has done 3 group meetings and 2 interviews")
    perform(stage, f"Amina joins «{CLUB}»")
    perform(stage, "then it is 2027-04-14 at 17:00")
    perform(stage, f"the desk writes down that Amina was absent at the last meeting of «{CLUB}»")
    perform(stage, f"Amina leaves «{CLUB}»")
    perform(stage, "then it is 2027-04-15 at 17:00")
    said = stage.with_store(lambda store: store.read(select(messages.c.payload).where(messages.c.kind == "moment")))
    assert "missed_meeting" not in [row.payload["moment"] for row in said]


def test_who_wants_no_messages_is_called_about_a_meeting_that_is_off(stage: Stage) -> None:
    perform(stage, "Bruno is registered in Collegno")
    perform(stage, "Bruno has done 3 group meetings and 2 interviews")
    perform(stage, f"Bruno joins «{CLUB}»")
    perform(stage, f"the desk calls off the next meeting of «{CLUB}»")
    rows = stage.with_store(lambda store: store.read(select(cases.c.reason)))
    assert [row.reason for row in rows] == ["meeting_called_off"]
    assert not stage.with_store(lambda store: store.read(select(messages.c.id).where(messages.c.kind == "moment")))


def test_a_larger_club_offers_its_places_and_a_smaller_one_takes_none_away(stage: Stage) -> None:
    for who in ("Amina", "Bruno", "Carla"):
        perform(stage, f"{who} is registered in Collegno, and wants reminders")
        perform(stage, f"{who} has done 3 group meetings and 2 interviews")
        perform(stage, f"{who} joins «{CLUB}»")
    perform(stage, f"Carla waits for a place in «{CLUB}»")
    perform(stage, f"the club «{CLUB}» has 1 place now")
    perform(stage, f"Bruno is in «{CLUB}»")
    perform(stage, f"the club «{CLUB}» has 3 places now")
    assert at_the_desk(stage, lambda desk: desk.job_clubs.mine(CLUB).state, "Carla") == "offered"


def test_what_is_left_of_a_path() -> None:
    assert missing((3, 2), (1, 2)) == Missing(2, 0)
    assert not missing((3, 2), (7, 2))


@pytest.mark.parametrize(
    ("attendance", "calls"),
    [([], False), (["absent"], False), (["absent", "absent"], True), (["absent", "present", "absent"], False)],
)
def test_who_stays_away_twice_in_a_row_is_called(attendance: list[str], calls: bool) -> None:
    assert stays_away(attendance) is calls


def counsellor(store: Store) -> int:
    found = store.job_clubs.get(CLUB)
    assert found and found.counsellor_id
    return found.counsellor_id


def changed(stage: Stage, change: Callable[[Changes, int, Any], None]) -> None:
    def act(store: Store) -> None:
        meeting = store.workshops.get(store.job_clubs.meetings(CLUB, stage.now)[0])
        assert meeting
        change(Changes(store, stage.now, CATALOGUES, actor="staff:1"), meeting.id, meeting.starts_at)

    stage.with_store(act)
