# SPDX-License-Identifier: EUPL-1.2
"""The diary of a Job Club: who may read what was told, how the log says so, and the picture that comes of it."""

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select, update

from handlers.desk import Desk
from handlers.desk.diary import NotTheirCounsellor, single, totals_of
from handlers.talk import Gone, Note, NotUnderstood, Number
from handlers.talk.answers import Said
from handlers.talk.catalogues import Catalogues
from handlers.talk.chart import HEIGHT, WIDTH, Chart, Row
from handlers.talk.limits import LIMITS
from handlers.talk.rendering import width
from storage import Store
from storage.messages import Message
from storage.tables import audit, diaries, job_clubs, messages, staff
from tests.database import MONDAY, Databases
from tests.stage import Stage, perform

CLUB = "Job Club Fontenera"
TOGETHER = f"there is a Job Club «{CLUB}» in Collegno on Wednesdays at 14:30 with 10 places, 12 meetings, for everybody"
CATALOGUES = Catalogues()
A_WEEK = timedelta(weeks=1)


@pytest.fixture
def stage(databases: Databases) -> Iterator[Stage]:
    with databases.town("sqlite") as url, closing(Stage(url)) as stage:
        perform(stage, TOGETHER)
        member(stage, "Joy")
        yield stage


def member(stage: Stage, who: str) -> None:
    perform(stage, f"{who} is registered in Collegno, and speaks English")
    perform(stage, f"{who} joins «{CLUB}»")


def says(stage: Stage, *words: str, who: str = "Joy") -> None:
    for one in words:
        stage.sends(who, one)


def rows(stage: Stage) -> list[Any]:
    return stage.with_store(lambda store: store.read(select(diaries)))  # type: ignore[no-any-return]


def counsellor(store: Store) -> int:
    found = store.job_clubs.get(CLUB)
    assert found and found.counsellor_id
    return found.counsellor_id


# ---- who may read it


def test_the_counsellor_reads_every_answer_and_each_look_is_noted(stage: Stage) -> None:
    says(stage, "my week", "3", "skip", "1")

    def read(store: Store) -> None:
        [entry] = single(store, CLUB, counsellor(store), stage.now)
        assert (entry.first_name, entry.week.answers) == ("Joy", {"applications": 3, "interviews": 1})
        single(store, CLUB, counsellor(store), stage.now)
        noted = store.read(select(audit).where(audit.c.action == "diaries_read"))
        assert [(one.actor, one.subject) for one in noted] == [(f"staff:{counsellor(store)}", f"job_club:{CLUB}")] * 2

    stage.with_store(read)


@pytest.mark.parametrize("role", ["administrator", "operator", "counsellor"])
def test_nobody_else_of_the_desk_reads_them(stage: Stage, role: str) -> None:
    says(stage, "my week", "3")

    def read(store: Store) -> None:
        other = store.write(
            staff.insert().values(name="Ugo", email="ugo@example.org", role=role, languages=["it"])
        ).inserted_primary_key
        for who in (other[0], 0, counsellor(store) + 1000):
            with pytest.raises(NotTheirCounsellor):
                single(store, CLUB, who, stage.now)
        with pytest.raises(NotTheirCounsellor):
            single(store, "no such club", counsellor(store), stage.now)

    stage.with_store(read)


def test_a_club_without_a_counsellor_has_no_reader(stage: Stage) -> None:
    def read(store: Store) -> None:
        was = counsellor(store)
        store.write(update(job_clubs).values(counsellor_id=None))
        with pytest.raises(NotTheirCounsellor):
            single(store, CLUB, was, stage.now)

    stage.with_store(read)


def test_who_has_left_is_read_no_more_and_reads_on(stage: Stage) -> None:
    says(stage, "my week", "3", "menu")
    perform(stage, f"Joy leaves «{CLUB}»")
    assert stage.with_store(lambda store: single(store, CLUB, counsellor(store), stage.now)) == []
    says(stage, "my answers")
    assert "Applications: 3" in stage.shown_to("Joy")[-1].text


def test_what_holds_a_single_answer_is_marked_in_the_log_and_nothing_else_is(stage: Stage) -> None:
    """People of the desk read conversations; these lines are for the counsellor."""
    says(stage, "agenda", "my week", "3", "three or so", "7", "1", "1", "4", "I write to the bakery", "my answers", "0")

    def log(store: Store) -> list[Message]:
        return store.messages.of(stage.person(store, "Joy").id)

    found = stage.with_store(log)
    marked = {one.text for one in found if one.subject == f"diary:{CLUB}"}
    said = {one.text for one in found if one.direction == "in" and one.text not in marked}
    assert said == {"agenda", "my week", "my answers", "0"}
    assert all(one.text in marked for one in found if one.direction == "out" and "Applications: 3" in one.text)
    assert not any("Applications: 3" in one.text for one in found if one.text not in marked)


def test_what_is_said_to_a_person_in_between_is_not_hidden(stage: Stage) -> None:
    says(stage, "my week", "3", "how does it work")
    heard = select(messages.c.subject).where(messages.c.text == "how does it work")
    assert [row.subject for row in stage.with_store(lambda store: store.read(heard))] == [None]


def test_the_draft_of_the_conversation_holds_no_answer(stage: Stage) -> None:
    says(stage, "my week", "77", "menu")
    kept = stage.with_store(lambda store: store.dialogues.get(stage.person(store, "Joy").id))
    assert "77" not in str((kept.draft, kept.kept, kept.trail, kept.paused))


def test_reports_have_figures_of_five_people_and_of_weeks_that_are_over(stage: Stage) -> None:
    def report() -> Any:
        return stage.with_store(lambda store: totals_of(store, CLUB, stage.now))

    for number, who in enumerate(("Ada", "Bea", "Cloe", "Dora")):
        member(stage, who)
        says(stage, "my week", str(number), "1", who=who)
    stage.now += A_WEEK
    assert report() is None  # four are too few
    stage.now -= A_WEEK
    says(stage, "my week", "10", "skip")
    assert report() is None  # the week is not over
    stage.now += A_WEEK
    found = report()
    assert found and (found.people, found.figures["applications"], found.figures["calls"]) == (5, 16, None)


# ---- keeping it


def test_only_who_is_in_the_club_keeps_a_diary(stage: Stage) -> None:
    perform(stage, f"Joy leaves «{CLUB}»")

    def tell(store: Store) -> None:
        desk = Desk(store, stage.person(store, "Joy"), stage.now, CATALOGUES)
        with pytest.raises(Gone):
            desk.diary.tell(CLUB, desk.diary.this_week, "calls", 3)

    stage.with_store(tell)
    assert rows(stage) == []


def test_who_leaves_the_club_in_the_middle_is_told_so(stage: Stage) -> None:
    says(stage, "my week", "3")
    perform(stage, f"Joy leaves «{CLUB}»")
    says(stage, "4")
    assert "You are not in this Job Club any more." in "\n".join(one.text for one in stage.shown_to("Joy")[-3:])
    assert [row.calls for row in rows(stage)] == [None]


def test_a_week_has_one_row_however_often_it_is_told(stage: Stage) -> None:
    says(stage, "my week", "3", "back", "4", "menu", "my week", "5", "1", "2", "4", "skip", "my week", "9")
    [row] = rows(stage)
    assert (str(row.week), row.applications, row.calls, row.interviews) == ("2027-03-01", 9, 5, 1)


def test_a_week_is_the_week_in_rome(stage: Stage) -> None:
    """Sunday night at half past eleven, UTC, is Monday in Rome."""
    stage.now = MONDAY.replace(day=7, hour=23, minute=30)
    says(stage, "my week", "3")
    assert [str(row.week) for row in rows(stage)] == ["2027-03-08"]


# ---- the picture


def carried(stage: Stage) -> list[Message]:
    return [one for one in stage.shown_to("Joy") if one.payload and "file" in one.payload]


def test_from_the_second_week_on_the_trend_is_a_picture_whose_caption_says_it_all(stage: Stage) -> None:
    perform(stage, f"Joy told «{CLUB}» of 2 applications, 0 calls and 1 interviews 2 weeks ago")
    says(stage, "my week", "5", "skip", "0", "skip", "skip", "skip")
    [sent] = carried(stage)
    assert sent.payload and sent.payload["is_picture"] and sent.subject == f"diary:{CLUB}"
    assert sent.text.splitlines()[-4:] == [
        "Your last 3 weeks, the oldest first.",
        "Applications: 2, no answer, 5.",
        "Calls: 0, no answer, no answer.",
        "Interviews: 1, no answer, 0.",
    ]
    assert width(sent.text) <= LIMITS["telegram"].caption
    found = stage.with_store(lambda store: store.files.content(sent.payload["file"]))
    assert found.kind == "image/png"
    with Image.open(io.BytesIO(found.content)) as picture:
        assert (picture.format, picture.size) == ("PNG", (WIDTH, HEIGHT))


def test_words_that_do_not_fit_under_a_picture_come_after_it(stage: Stage) -> None:
    def put_out(store: Store) -> None:
        desk = Desk(store, stage.person(store, "Joy"), stage.now, CATALOGUES)
        chat = desk.outbox.chat()
        assert chat
        kept = store.files.keep(b"\x89PNG", kind="image/png", at=stage.now)
        carries = {"file": kept, "name": "sportello.png", "is_picture": True}
        desk.outbox.reply(chat, "è" * 1024, reply_to=None, carries=carries)
        desk.outbox.reply(chat, "è" * 1025, reply_to=None, carries=carries)

    stage.with_store(put_out)
    stage.played(lambda desk: None)
    found = [(one.text, "file" in (one.payload or {})) for one in stage.shown_to("Joy")]
    assert found == [("è" * 1024, True), ("", True), ("è" * 1025, False)]


CHART = Chart("Le tue settimane", ["22 feb", "1 mar"], [Row("Candidature", (2, None)), Row("Colloqui", (0, 1))], "-")


def test_the_same_chart_is_the_same_picture_and_a_gap_is_no_zero() -> None:
    zero = Chart(CHART.title, CHART.weeks, [Row("Candidature", (2, 0)), CHART.rows[1]], CHART.gap)
    assert CHART.drawn() == CHART.drawn()
    assert CHART.drawn() != zero.drawn()


@pytest.mark.parametrize("values", [(0, 0, 0, 0, 0, 0), (200, 1, None, 200, 0, None), (None, 1)])
def test_any_figures_can_be_drawn(values: tuple[int | None, ...]) -> None:
    weeks = ["22 feb", "1 mar", "8 mar", "15 mar", "22 mar", "29 mar"][: len(values)]
    assert Chart("W" * 80, weeks, [Row("Candidature spontanee", values)] * 3, "nessuna risposta").drawn()


def test_accents_do_not_matter_and_another_alphabet_does() -> None:
    def titled(title: str) -> Chart:
        return Chart(title, CHART.weeks, CHART.rows, CHART.gap)

    assert titled("Più février").can_be_drawn and titled("Più").drawn() == titled("Piu").drawn()
    assert not titled("Тижні").can_be_drawn


def test_the_program_starts_without_the_library_that_draws() -> None:
    ask = "import sys, bot.cli, bot.main; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", ask], check=False).returncode == 0


# ---- numbers and notes


def read(answer: Number | Note, text: str, chosen: str | None = None) -> object:
    return answer.read(Said(text, chosen, (), CATALOGUES, MONDAY.date()))


def test_a_number_is_the_answer_and_never_the_place_of_a_choice(stage: Stage) -> None:
    says(stage, "my week")
    assert "1. Skip" not in stage.shown_to("Joy")[-1].text
    says(stage, "1")
    assert [row.applications for row in rows(stage)] == [1]


def test_zero_is_a_number_here_and_not_the_menu(stage: Stage) -> None:
    says(stage, "my week", "0")
    assert [row.applications for row in rows(stage)] == [0]


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("none", 0), ("Zero!", 0), ("7", 7), ("٣", 3), ("200", 200)])
def test_what_counts_as_a_number(text: str, value: int) -> None:
    assert read(Number(most=200), text) == value


@pytest.mark.parametrize("text", ["201", "-", "?", "👍", "", "about ten"])
def test_what_does_not(text: str) -> None:
    with pytest.raises(NotUnderstood):
        read(Number(most=200), text)


def test_a_note_opens_no_door(stage: Stage) -> None:
    """A plan may speak of what is a word of ours elsewhere."""
    says(stage, "my week", *["skip"] * 5, "workshops")
    assert [row.next_step for row in rows(stage)] == ["workshops"]


def test_a_note_has_140_letters_at_most(stage: Stage) -> None:
    says(stage, "my week", *["skip"] * 5, "x" * 141)
    assert "at most 140 letters" in stage.shown_to("Joy")[-1].text and rows(stage) == []
    says(stage, "x" * 140)
    assert [len(row.next_step) for row in rows(stage)] == [140]
