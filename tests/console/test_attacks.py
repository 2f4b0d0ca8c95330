# SPDX-License-Identifier: EUPL-1.2
"""What strangers and thieves try at the door of the console, and that it holds."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.console import door
from bot.console.app import ROUTES
from handlers.desk.office import passwords
from handlers.desk.office.staff import Entry, invited
from storage.tables import sessions
from tests.console.at_the_door import PASSWORD, Stranger, code_now, in_as, key_in, link_for, member, set_up
from tests.console.office import House, text_of

GUESS = "not the password"


# ---- guessing


def test_after_five_wrong_tries_one_waits_and_each_time_twice_as_long(house: House) -> None:
    tutor, who = member(house, "tutor"), Stranger(house)
    assert [who.sign_in(tutor.email, GUESS).status_code for _try in range(6)] == [422] * 5 + [429]
    for seconds in (1, 2, 4, 8):
        refused = who.sign_in(tutor.email)
        assert refused.status_code == 429 and refused.headers["Retry-After"] == str(seconds)
        assert "Too many tries." in text_of(refused) and not who.is_in()
        house.now += timedelta(seconds=seconds)
        assert who.sign_in(tutor.email, GUESS).status_code == 422
    house.now += timedelta(seconds=16)
    assert who.sign_in(tutor.email).status_code == 303 and who.is_in()


def test_one_waits_as_long_for_an_account_that_does_not_exist(house: House) -> None:
    who = Stranger(house)
    tries = [who.sign_in("nobody@example.org", GUESS) for _try in range(6)]
    assert [one.status_code for one in tries] == [422] * 5 + [429] and tries[-1].headers["Retry-After"] == "1"


def test_nobody_can_shut_out_somebody_else_whose_browser_is_known(house: House) -> None:
    theirs, thief = in_as(house, "tutor"), Stranger(house)
    for _try in range(40):
        thief.sign_in("t01@example.org", GUESS)
        house.now += timedelta(minutes=1)
    assert thief.sign_in("t01@example.org").status_code == 429
    theirs.browser.cookies.delete("sportello")  # a new working day
    assert theirs.sign_in("t01@example.org").status_code == 303


def test_what_a_known_browser_keeps_is_worth_nothing_for_others_nor_after_a_new_password(house: House) -> None:
    theirs, operator = in_as(house, "tutor"), member(house, "operator")
    kept = {"sportello_browser": theirs.browser.cookies["sportello_browser"]}
    member(house, "tutor", "quadro lampada fiume")
    for email in (operator.email, "t01@example.org"):
        thief = Stranger(house, cookies=kept)
        assert [thief.sign_in(email, GUESS).status_code for _try in range(6)] == [422] * 5 + [429]


def test_trying_a_password_on_many_accounts_is_slowed_down_by_address(house: House) -> None:
    who = Stranger(house)
    tries = [who.sign_in(f"somebody{number}@example.org", GUESS).status_code for number in range(32)]
    assert tries == [422] * 30 + [429] * 2


def test_many_tries_at_once_in_two_processes_are_counted_one_by_one(big_house: House) -> None:
    member(big_house, "tutor")
    other = House(big_house.settings.database_url)
    visitors = [Stranger(house) for house in (big_house, other) for _browser in range(6)]
    keys = [who.key_on("/console/sign-in") for who in visitors]

    def try_it(who: Stranger, key: str) -> int:
        return who.post("/console/sign-in", key=key, email="t01@example.org", password=GUESS).status_code

    with ThreadPoolExecutor(len(visitors)) as pool:
        answers = sorted(pool.map(try_it, visitors, keys))
    other.close()
    assert answers == [422] * 5 + [429] * 7


def test_the_code_of_the_phone_cannot_be_tried_out(house: House) -> None:
    secret, _codes = set_up(house, in_as(house, "privacy_officer"))
    house.now += timedelta(minutes=2)
    thief = Stranger(house)  # who knows the password
    thief.sign_in("d01@example.org")
    wrong = "000000" if code_now(house, secret) != "000000" else "000001"
    assert [thief.give(wrong).status_code for _try in range(6)] == [422] * 5 + [429]
    assert thief.give(code_now(house, secret)).status_code == 429 and not thief.is_in()


def test_an_unknown_account_takes_as_long_as_a_known_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """By construction: the same slow comparison is made once, whoever it is."""
    asked = []
    real = passwords.HASHER

    class Counting:
        def verify(self, kept: str, password: str) -> bool:
            asked.append(kept)
            return real.verify(kept, password)

        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

    monkeypatch.setattr(passwords, "HASHER", Counting())
    member(house, "tutor"), member(house, "operator", None)
    for email in ("t01@example.org", "nobody@example.org", "o01@example.org"):
        assert Stranger(house).sign_in(email, GUESS).status_code == 422
    assert len(asked) == 3 and asked[1] == asked[2]


# ---- sessions


def test_a_session_given_by_somebody_else_is_not_the_one_that_opens(house: House) -> None:
    tutor, who = member(house, "tutor"), Stranger(house)
    planted = secrets.token_urlsafe(32)
    who.browser.cookies.set("sportello", planted)
    assert who.sign_in(tutor.email).status_code == 303
    assert who.browser.cookies.get("sportello", domain="testserver.local") != planted
    thief = Stranger(house, cookies={"sportello": planted})
    assert not thief.is_in()


def test_the_session_before_the_second_factor_opens_nothing_after_it(house: House) -> None:
    who = in_as(house, "privacy_officer")
    before = who.browser.cookies["sportello"]
    set_up(house, who)
    thief = Stranger(house, cookies={"sportello": before})
    assert who.is_in() and thief.get("/console/second-factor").headers["Location"].startswith("/console/sign-in")


def test_with_the_password_alone_nobody_puts_a_phone_of_their_own_in_its_place(house: House) -> None:
    set_up(house, in_as(house, "privacy_officer"))
    thief = Stranger(house)
    thief.sign_in("d01@example.org")
    page = thief.get("/console/second-factor")
    assert "<svg" not in page.text
    own = in_as(house, "administrator").get("/console/second-factor")
    sealed = own.text.split('name="sealed" value="')[1].split('"')[0]
    fields = {"form_key": key_in(page), "sealed": sealed, "code": "123456"}
    assert thief.browser.post("/console/second-factor/set-up", data=fields).status_code == 422
    assert not thief.is_in()


@pytest.mark.parametrize("guess", ["", "1", "x" * 43, "' or 1=1 --", "%00"])
def test_a_guessed_session_or_link_opens_nothing(house: House, guess: str) -> None:
    assert not Stranger(house, cookies={"sportello": guess}).is_in()
    assert Stranger(house).get(f"/console/link/{guess}").status_code in (404, 410)


def test_the_session_of_a_colleague_cannot_be_ended_by_its_number(house: House) -> None:
    theirs, who = in_as(house, "operator"), in_as(house, "tutor")
    operator = member(house, "operator")
    with house.store() as store:
        ids = [row.id for row in store.read(select(sessions.c.id).where(sessions.c.staff_id == operator.id))]
    key = who.key_on("/console/account")
    assert ids
    for id in ids:
        assert who.post(f"/console/account/sessions/{id}/end", key=key).status_code == 404
    assert theirs.is_in()


def test_who_is_closed_or_gets_another_role_sees_it_with_the_next_request(house: House) -> None:
    admin, tutor, closed = house.as_("administrator"), house.as_("tutor"), house.as_("operator")
    assert tutor.get("/console/staff").status_code == 403
    admin.post(f"/console/staff/{closed.member.id}/close")
    assert closed.get("/console").headers["Location"].startswith("/console/sign-in")
    fields = {"name": "X", "email": tutor.member.email, "role": "administrator"}
    assert admin.post(f"/console/staff/{tutor.member.id}", **fields).status_code == 303
    assert tutor.get("/console/staff").headers["Location"].startswith("/console/second-factor")


# ---- forms and pages of others


def test_a_form_of_another_site_signs_nobody_in(house: House) -> None:
    """Else somebody could be made to work in an account that is not theirs."""
    tutor, link = member(house, "tutor"), link_for(house, "tutor", "sign_in")
    fields = {"email": tutor.email, "password": PASSWORD}
    for path in ("/console/sign-in", link):
        assert Stranger(house).post(path, key="guessed", **fields).status_code == 403
        who = Stranger(house)
        key = who.key_on(path)
        from_there = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
        data = {"form_key": key, **fields}
        assert who.browser.post(path, data=data, headers=from_there).status_code == 403
        assert not who.is_in()
    assert Stranger(house).get(link).status_code == 200  # nothing was used up


def test_no_form_of_the_console_is_taken_without_its_key(house: House) -> None:
    posts = [entry for entry in ROUTES if entry.method == "POST"]
    who = in_as(house, "tutor")
    key = who.key_on("/console/account")
    assert posts and who.post("/console/language", key=f"{key}x", language="it").status_code == 403
    theirs = in_as(house, "operator").key_on("/console/account")
    assert who.post("/console/language", key=theirs, language="it").status_code == 403


@pytest.mark.parametrize(
    "to",
    [
        "https://elsewhere.example",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "/console//elsewhere.example",
        "/console/..//elsewhere.example",
        "/console@elsewhere.example",
        "/console\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "/console/sign-out",
        "/console/link/x",
        "/simulator",
    ],
)
def test_the_door_leads_nowhere_else(to: str) -> None:
    assert door.ours(to) == "/console"


def test_the_door_leads_on_to_pages_of_ours(house: House) -> None:
    for to in ("/console", "/console/people/12", "/console/conversations?view=mine&q=due%20parole&before=12"):
        assert door.ours(to) == to
    done = Stranger(house).sign_in(member(house, "tutor").email, next="https://elsewhere.example")
    assert done.headers["Location"] == "/console"


def test_over_https_the_cookies_belong_to_this_host_alone(house: House) -> None:
    safe = House(house.settings.database_url, public_url="https://testserver")
    tutor, who = member(safe, "tutor"), Stranger(safe, base_url="https://testserver")
    done = who.sign_in(tutor.email)
    given = done.headers.get_list("set-cookie")
    names = {one.split("=")[0] for one in given}
    assert names == {"__Host-sportello", "__Host-sportello_browser"}
    for one in [*given, *who.get("/console/sign-in?x").headers.get_list("set-cookie")]:
        assert "Secure" in one and "HttpOnly" in one and "SameSite=lax" in one and "Path=/" in one
        assert "domain" not in one.lower()
    assert who.is_in()
    safe.close()


def test_no_page_can_be_put_into_a_frame_or_kept_by_others(house: House) -> None:
    pages = [
        Stranger(house).get("/console/sign-in"),
        Stranger(house).get(link_for(house, "tutor", "reset")),
        Stranger(house).get("/console/link/none"),
        in_as(house, "administrator").get("/console/second-factor"),
        house.as_("tutor").get("/console/account"),
    ]
    for page in pages:
        assert page.headers["X-Frame-Options"] == "DENY" and page.headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_markup_in_a_name_stays_words(house: House) -> None:
    name = "<script>alert(1)</script><img src=x onerror=alert(1)> {{ 7*7 }} {name}"
    with house.store() as store:
        id, token = invited(store, Entry(name, "x@example.org", "tutor"), house.now)
    admin = house.as_("administrator")
    pages = [
        admin.get("/console/staff"),
        admin.get(f"/console/staff/{id}"),
        admin.post(f"/console/staff/{id}/link"),
        house.signed_in(id).get("/console/account"),
        Stranger(house).get(f"/console/link/{token}"),
    ]
    for page in pages[:4]:
        assert "<script>alert" not in page.text and "<img src" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text and "{{ 7*7 }}" in page.text
    assert pages[4].status_code == 410  # the newer link has ended it


# ---- links


@pytest.fixture(params=["house", "big_house"])
def either(request: pytest.FixtureRequest) -> House:
    found: House = request.getfixturevalue(request.param)
    return found


def test_of_many_who_open_a_link_at_the_same_time_one_comes_in(either: House) -> None:
    link = link_for(either, "tutor", "invitation")
    visitors = [Stranger(either) for _browser in range(6)]
    keys = [who.key_on(link) for who in visitors]

    def open_it(who: Stranger, key: str) -> int:
        return who.post(link, key=key, password=PASSWORD).status_code

    assert answers(open_it, visitors, keys) == [303] + [410] * 5
    assert sum(who.is_in() for who in visitors) == 1


def answers(act: Callable[[Stranger, str], int], visitors: list[Stranger], keys: list[str]) -> list[int]:
    with ThreadPoolExecutor(len(visitors)) as pool:
        return sorted(pool.map(act, visitors, keys))


def test_a_code_of_the_phone_given_twice_at_the_same_time_counts_once(big_house: House) -> None:
    secret, _codes = set_up(big_house, in_as(big_house, "privacy_officer"))
    big_house.now += timedelta(minutes=2)
    visitors = [Stranger(big_house) for _browser in range(4)]
    for who in visitors:
        who.sign_in("d01@example.org")
    keys = [who.key_on("/console/second-factor") for who in visitors]

    def give(who: Stranger, key: str) -> int:
        return who.post("/console/second-factor", key=key, code=code_now(big_house, secret)).status_code

    assert answers(give, visitors, keys) == [303] + [422] * 3
