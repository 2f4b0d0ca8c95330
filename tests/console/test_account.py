# SPDX-License-Identifier: EUPL-1.2
"""One's own account in the console."""

from datetime import timedelta

from tests.console.at_the_door import PASSWORD, Stranger, code_now, in_as, set_up
from tests.console.office import House, text_of

NEW = "quadro lampada fiume"


def test_one_sees_where_one_is_signed_in_and_signs_out_there(house: House) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    here, there = in_as(house, "tutor"), Stranger(house)
    there.browser.headers["user-agent"] = agent
    there.sign_in("t01@example.org")
    page = here.get("/console/account")
    assert "Firefox, Linux" in text_of(page) and text_of(page).count("Sign out there") == 1
    action = page.text.split('action="/console/account/sessions/')[1].split('"')[0]
    assert here.post(f"/console/account/sessions/{action}", key=here.key_on("/console/account")).status_code == 303
    assert here.is_in() and not there.is_in()


def test_everywhere_else_is_one_button(house: House) -> None:
    here, others = in_as(house, "tutor"), [in_as(house, "tutor") for _browser in range(2)]
    here.post("/console/account/sessions/end", key=here.key_on("/console/account"))
    assert here.is_in() and not any(other.is_in() for other in others)


def test_a_session_that_nobody_touches_ends_and_so_does_a_working_day(house: House) -> None:
    rests, works = in_as(house, "tutor"), in_as(house, "tutor")
    for _half_hour in range(5):
        house.now += timedelta(minutes=30)
        assert works.is_in()
    assert not rests.is_in()
    for _half_hour in range(18):
        house.now += timedelta(minutes=30)
        works.is_in()
    assert works.is_in()
    house.now += timedelta(minutes=31)
    assert not works.is_in()


def test_a_new_password_asks_for_the_old_one_and_ends_what_else_is_open(house: House) -> None:
    here, elsewhere = in_as(house, "tutor"), in_as(house, "tutor")
    before, key = here.browser.cookies["sportello"], here.key_on("/console/account")
    path = "/console/account/password"
    assert "This is not your password." in text_of(here.post(path, key=key, old=NEW, new=NEW))
    assert "at least 12 characters" in text_of(here.post(path, key=key, old=PASSWORD, new="short"))
    assert here.post(path, key=key, old=PASSWORD, new=NEW).status_code == 303
    assert here.is_in() and not elsewhere.is_in()
    assert not Stranger(house, cookies={"sportello": before}).is_in()
    assert Stranger(house).sign_in("t01@example.org", NEW).status_code == 303
    assert [action for _actor, action, _subject in house.audited("password_set")] == ["password_set"]


def test_the_old_password_cannot_be_tried_out_by_who_sits_down_at_the_desk(house: House) -> None:
    here = in_as(house, "tutor")
    key, path = here.key_on("/console/account"), "/console/account/password"
    tries = [here.post(path, key=key, old="a guess", new=NEW).status_code for _try in range(6)]
    assert tries == [422] * 5 + [429]


def test_who_chooses_the_second_factor_can_give_it_up_and_whose_role_needs_it_cannot(house: House) -> None:
    here = in_as(house, "tutor")
    secret, _codes = set_up(house, here)
    house.now += timedelta(minutes=1)
    key = here.key_on("/console/account")
    assert here.post("/console/second-factor/off", key=key, code="000000").status_code == 422
    assert here.post("/console/second-factor/off", key=key, code=code_now(house, secret)).status_code == 303
    assert Stranger(house).sign_in("t01@example.org").headers["Location"] == "/console"
    officer = in_as(house, "privacy_officer")
    secret, _codes = set_up(house, officer)
    house.now += timedelta(minutes=1)
    key = officer.key_on("/console/account")
    officer.post("/console/second-factor/off", key=key, code=code_now(house, secret))
    assert Stranger(house).sign_in("d01@example.org").headers["Location"].startswith("/console/second-factor")


def test_new_recovery_codes_make_the_old_ones_worth_nothing(house: House) -> None:
    here = in_as(house, "tutor")
    secret, old = set_up(house, here)
    house.now += timedelta(minutes=1)
    key = here.key_on("/console/account")
    shown = here.post("/console/second-factor/codes", key=key, code=code_now(house, secret))
    assert shown.status_code == 200 and old[0] not in shown.text
    assert "You have 10 recovery codes left." in text_of(here.get("/console/account"))
    again = Stranger(house)
    again.sign_in("t01@example.org")
    assert again.give(old[0]).status_code == 422


def test_the_console_speaks_the_language_one_chooses(house: House) -> None:
    here = in_as(house, "tutor")
    here.post("/console/language", key=here.key_on("/console/account"), language="it", next="/console/account")
    assert '<html lang="it">' in here.get("/console/account").text
