# SPDX-License-Identifier: EUPL-1.2
"""Somebody of the desk takes over, answers and gives back; two of them never hold the same chat or the same case."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from handlers.desk.handover import MOST_PIECES
from tests import files
from tests.console.office import House, Visitor, text_of

LIST = "/console/conversations"


def outgoing(house: House, person_id: int) -> list[Any]:
    with house.store() as store:
        return [one for one in store.messages.of(person_id) if one.direction == "out"]


def another(house: House, but: Visitor) -> Visitor:
    """A second operator, in a browser of their own."""
    with house.store() as store:
        member = next(one for one in store.staff.all() if one.role == "tutor" and one.id != but.member.id)
    return house.signed_in(member.id)


def test_who_takes_over_is_named_to_the_person_and_the_program_is_silent(house: House) -> None:
    id = house.hear("amina", "una persona per favore")
    operator, here = house.as_("operator"), f"{LIST}/{id}"
    assert "Now you write" in operator.said(operator.post(f"{here}/take", minutes="60"))
    assert f"{operator.member.name} " in outgoing(house, id)[-1].text
    page = text_of(operator.get(here))
    assert "You write to this person until" in page and "12:00" not in page and "11:00" in page
    before = len(outgoing(house, id))
    house.hear("amina", "menu")
    assert len(outgoing(house, id)) == before
    assert operator.post(f"{here}/reply", text="Ciao, sono qui.").status_code == 303
    sent = outgoing(house, id)[-1]
    assert (sent.text, sent.payload["by"], sent.state) == ("Ciao, sono qui.", operator.member.id, "pending")
    assert f"{operator.member.name} writes now." in text_of(operator.get(LIST))
    assert operator.post(f"{here}/extend", minutes="120").status_code == 303
    with house.store() as store:
        assert store.dialogues.get(id).taken_until == house.now + timedelta(minutes=120)
    assert operator.post(f"{here}/give-back", close_cases="1").status_code == 303
    with house.store() as store:
        assert store.dialogues.get(id).taken_by is None and store.cases.open_reasons(id) == []
    assert "Take over" in text_of(operator.get(here))
    done = [action for _who, action, _about in house.audited("taken_over", "replied", "given_back")]
    assert done == ["taken_over", "replied", "given_back"]


def test_the_second_who_takes_over_sees_who_was_first_and_keeps_what_they_typed(house: House) -> None:
    id = house.hear("amina", "ciao")
    first, here = house.as_("operator"), f"{LIST}/{id}"
    second = another(house, first)
    first.post(f"{here}/take")
    late = second.post(f"{here}/take", minutes="30")
    assert late.status_code == 409 and f"{first.member.name} was first" in text_of(late)
    typed = second.post(f"{here}/reply", text="Ti aiuto io <b>", take_over="1")
    assert typed.status_code == 409 and "Ti aiuto io &lt;b&gt;</textarea>" in typed.text
    assert second.post(f"{here}/give-back").status_code == 409 == second.post(f"{here}/extend").status_code
    assert [one.text for one in outgoing(house, id)].count("Ti aiuto io <b>") == 0
    house.now += timedelta(minutes=31)  # the first one has closed the laptop
    assert second.post(f"{here}/reply", text="Ti aiuto io", take_over="1").status_code == 303
    assert outgoing(house, id)[-1].payload["by"] == second.member.id


@pytest.mark.postgres
def test_of_several_who_take_the_same_case_at_once_one_has_it(big_house: House) -> None:
    house = big_house
    id = house.hear("amina", "una persona per favore")
    with house.store() as store:
        members = [one for one in store.staff.all() if one.role == "tutor"][:4]
        case = store.cases.of(id)[0].id
    visitors = [house.signed_in(one.id) for one in members]
    with ThreadPoolExecutor(len(visitors)) as pool:
        for path in (f"{LIST}/{id}/cases/{case}/take", f"{LIST}/{id}/take"):
            answers = list(pool.map(lambda one, path=path: one.post(path), visitors))
            assert sorted(one.status_code for one in answers) == [303] + [409] * (len(visitors) - 1), path
    with house.store() as store:
        assert store.cases.get(case).taken_by in {one.id for one in members}
        assert store.dialogues.get(id).taken_by in {one.id for one in members}


def test_answering_takes_over_where_nobody_writes_yet(house: House) -> None:
    id = house.hear("amina", "ciao")
    operator = house.as_("operator")
    not_mine = operator.post(f"{LIST}/{id}/reply", text="Eccomi")
    assert not_mine.status_code == 409 and "Take over first." in text_of(not_mine) and "Eccomi" in not_mine.text
    assert operator.post(f"{LIST}/{id}/reply", text="Eccomi", take_over="1").status_code == 303
    assert [one.text for one in outgoing(house, id)][-1] == "Eccomi"


def test_an_answer_that_was_begun_stays_in_its_box_while_time_is_asked_for(house: House) -> None:
    id = house.hear("amina", "ciao")
    operator, here = house.as_("operator"), f"{LIST}/{id}"
    for form in ("take", "extend"):
        begun = operator.post(f"{here}/{form}", text="Ciao Amina, ti", minutes="30")
        assert begun.status_code == 200 and "Ciao Amina, ti</textarea>" in begun.text, form
        assert "You write to this person until" in text_of(begun)


def test_what_cannot_be_sent_is_not_and_nothing_typed_is_lost(house: House) -> None:
    id = house.hear("amina", "ciao")
    operator, here = house.as_("operator"), f"{LIST}/{id}"
    operator.post(f"{here}/take")
    before = len(outgoing(house, id))
    assert operator.post(f"{here}/reply", text="").status_code == 422
    long = "parola " * 4096 * MOST_PIECES
    kept = operator.post(f"{here}/reply", text=long)
    assert kept.status_code == 422 and "too long" in text_of(kept) and long.strip() in kept.text
    program = {"file": ("cv.pdf", files.PROGRAM, "application/pdf")}
    refused = operator.post(f"{here}/reply", text="ecco", files=program)
    assert refused.status_code == 422 and "ecco</textarea>" in refused.text
    assert len(outgoing(house, id)) == before


def test_a_file_goes_out_with_the_answer(house: House) -> None:
    id = house.hear("amina", "ciao")
    operator, here = house.as_("operator"), f"{LIST}/{id}"
    operator.post(f"{here}/take")
    sent = operator.post(
        f"{here}/reply", text="il modulo", files={"file": ("modulo.pdf", files.PDF, "application/pdf")}
    )
    assert sent.status_code == 303
    carried = outgoing(house, id)[-1]
    assert carried.payload["name"] == "modulo.pdf" and carried.text == "il modulo"
    with house.store() as store:
        assert store.files.content(carried.payload["file"]).content == files.PDF
    assert "Sent along: modulo.pdf" in text_of(operator.get(here))


def test_what_the_channel_still_allows_stands_beside_the_box(house: House) -> None:
    id = house.hear("+390000", "ciao", channel="whatsapp")
    operator, here = house.as_("operator"), f"{LIST}/{id}"
    page = operator.get(here)
    assert "up to 1600 letters" in page.text and 'data-most="1600"' in page.text
    assert "You can write freely until Tuesday 2 March, 10:00." in text_of(page)
    house.now += timedelta(hours=25)
    operator = house.signed_in(operator.member.id)
    closed = operator.get(here)
    assert "You cannot write to this person now." in text_of(closed) and 'name="text"' not in closed.text
    late = operator.post(f"{here}/reply", text="troppo tardi", take_over="1")
    assert late.status_code == 422 and "troppo tardi" in late.text
    assert "on the call list now" in operator.said(operator.post(f"{here}/to-call"))
    assert "already" in operator.said(operator.post(f"{here}/to-call"))


def test_cases_are_taken_let_go_and_closed_and_say_why_and_by_when(house: House) -> None:
    id = house.hear("amina", "una persona per favore")
    with house.store() as store:
        store.cases.open(id, "voice", message_id=None, now=house.now)
        cases = [one.id for one in store.cases.of(id)]
    operator, here = house.as_("operator"), f"{LIST}/{id}"
    other = another(house, operator)
    page = text_of(operator.get(here))
    assert "Sent a voice message. Somebody must listen to it." in page and "to be answered by" in page
    assert operator.post(f"{here}/cases/{cases[0]}/take").status_code == 303
    late = other.post(f"{here}/cases/{cases[0]}/take")
    assert late.status_code == 409 and f"{operator.member.name} was first" in text_of(late)
    assert operator.post(f"{here}/cases/{cases[0]}/let-go").status_code == 303
    assert other.post(f"{here}/cases/{cases[0]}/take").status_code == 303
    assert other.post(f"{here}/cases/{cases[0]}/close").status_code == 303
    assert operator.post(f"{here}/cases/{cases[0]}/close").status_code == 422
    assert operator.post(f"{here}/cases/999/close").status_code == 404
    elsewhere = house.hear("bruno", "ciao")
    assert operator.post(f"{LIST}/{elsewhere}/cases/{cases[1]}/close").status_code == 404
    assert "Done on" in text_of(operator.get(here))


def test_who_only_reads_has_no_box(house: House) -> None:
    id = house.hear("amina", "ciao")
    privacy = house.as_("privacy_officer")
    page = privacy.get(f"{LIST}/{id}")
    assert page.status_code == 200 and "<textarea" not in page.text and "Answer yourself" not in page.text
    assert privacy.post(f"{LIST}/{id}/reply", text="x").status_code == 403
