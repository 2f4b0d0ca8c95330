# SPDX-License-Identifier: EUPL-1.2
"""Coming in: with a password, with a second factor, by a link that opens once."""

from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select

from handlers.desk.office import passwords
from handlers.desk.office.second_factor import step_of
from storage.tables import audit
from tests.console.at_the_door import PASSWORD, Stranger, code_now, in_as, link_for, member, set_up
from tests.console.office import House, text_of
from tests.database import MONDAY


def test_with_e_mail_and_password_one_comes_in_and_goes_where_one_wanted_to(house: House) -> None:
    tutor, who = member(house, "tutor"), Stranger(house)
    asked = who.get("/console/account").headers["Location"]
    assert asked == "/console/sign-in?next=/console/account"
    page = who.get(asked)
    assert page.status_code == 200 and 'name="next" value="/console/account"' in page.text
    done = who.sign_in(f"  {tutor.email.upper()} ", next="/console/account")
    assert done.status_code == 303 and done.headers["Location"] == "/console/account"
    assert who.is_in()
    assert house.audited("signed_in") == [(f"staff:{tutor.id}", "signed_in", f"staff:{tutor.id}")]


def test_whoever_is_in_already_is_not_asked_again(house: House) -> None:
    assert in_as(house, "tutor").get("/console/sign-in?next=/console/account").headers["Location"] == "/console/account"


def test_leaving_ends_the_session_everywhere_it_was_copied_to(house: House) -> None:
    who = in_as(house, "tutor")
    copied = dict(who.browser.cookies)
    who.post("/console/sign-out", key=who.key_on("/console/account"))
    thief = Stranger(house, cookies=copied)
    assert not who.is_in() and not thief.is_in()


def test_a_password_made_with_weaker_settings_is_kept_anew(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    tutor = member(house, "tutor")
    stronger = passwords.PasswordHasher(time_cost=3, memory_cost=8_192, parallelism=1)
    monkeypatch.setattr(passwords, "HASHER", stronger)
    who = Stranger(house)
    assert who.sign_in(tutor.email).status_code == 303
    with house.store() as store:
        kept = store.staff.get(tutor.id).password
    assert kept != tutor.password and not stronger.check_needs_rehash(kept)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("t01@example.org", "another password"),
        ("nobody@example.org", PASSWORD),
        ("o01@example.org", PASSWORD),
        ("", ""),
    ],
)
def test_nobody_learns_which_of_the_two_was_wrong(house: House, email: str, password: str) -> None:
    member(house, "tutor"), member(house, "operator", None)
    refused = Stranger(house).sign_in(email, password)
    assert refused.status_code == 422
    assert "E-mail and password do not go together." in text_of(refused)
    with house.store() as store:
        noted = store.read(select(audit).where(audit.c.action == "sign_in_refused"))
    assert len(noted) == 1 and (email == "" or email not in str(noted))


# ---- the second factor


def test_a_role_that_sees_what_is_protected_sets_up_a_second_factor_first(house: House) -> None:
    who = in_as(house, "administrator")
    for path in ("/console", "/console/staff", "/console/account", "/console/second-factor/codes"):
        assert who.get(path).headers["Location"].startswith("/console/second-factor"), path
    assert who.get("/console/live").status_code == 401
    secret, codes = set_up(house, who)
    assert len(set(codes)) == 10 and who.is_in() and who.get("/console/staff").status_code == 200
    with house.store() as store:
        kept = next(one for one in store.staff.all() if one.role == "administrator").second_factor
    assert secret not in kept and codes[0] not in kept


def test_the_next_time_the_code_of_the_phone_is_asked_for_and_each_counts_once(house: House) -> None:
    first = in_as(house, "privacy_officer")
    secret, _codes = set_up(house, first)
    house.now += timedelta(minutes=5)
    again = Stranger(house)
    assert again.sign_in("d01@example.org").headers["Location"] == "/console/second-factor?next=/console"
    assert not again.is_in()
    code = code_now(house, secret)
    assert again.give(f" {code[:3]} {code[3:]} ").status_code == 303 and again.is_in()
    over_the_shoulder = Stranger(house)
    over_the_shoulder.sign_in("d01@example.org")
    assert over_the_shoulder.give(code).status_code == 422 and not over_the_shoulder.is_in()


def test_a_clock_may_be_half_a_minute_wrong_and_no_code_counts_twice() -> None:
    secret, step = pyotp.random_base32(), int(MONDAY.timestamp()) // 30
    codes = {by: pyotp.TOTP(secret).at(MONDAY + timedelta(seconds=30 * by)) for by in range(-2, 3)}
    found = {by: step_of(secret, code, None, MONDAY) for by, code in codes.items()}
    assert found == {-2: None, -1: step - 1, 0: step, 1: step + 1, 2: None}
    assert step_of(secret, codes[0], step, MONDAY) is None and step_of(secret, codes[-1], step, MONDAY) is None
    assert step_of(secret, codes[1], step, MONDAY) == step + 1


def test_a_recovery_code_lets_in_once_however_it_is_written(house: House) -> None:
    _secret, codes = set_up(house, in_as(house, "privacy_officer"))
    for status in (303, 422):
        who = Stranger(house)
        who.sign_in("d01@example.org")
        assert who.give(codes[3].upper().replace("-", " ")).status_code == status
        assert who.is_in() is (status == 303)
    assert len(house.audited("recovery_code_used")) == 1


def test_without_a_key_the_page_says_what_to_set(house: House) -> None:
    keyless = House(house.settings.database_url, encryption_key="")
    who = in_as(keyless, "administrator")
    page = who.get("/console/second-factor")
    assert page.status_code == 503 and "ENCRYPTION_KEY" in text_of(page)
    keyless.close()


# ---- links


def test_an_invitation_is_used_by_its_form_and_not_by_looking_at_it(house: House) -> None:
    link = link_for(house, "tutor", "invitation")
    for _look in range(3):  # as programs do that look through e-mail
        assert Stranger(house).get(link).status_code == 200
    who = Stranger(house)
    weak = who.post(link, password="short")
    assert weak.status_code == 422 and "at least 12 characters" in text_of(weak)
    own = who.post(link, password="t01@example.org")
    assert own.status_code == 422 and "your own name" in text_of(own)
    assert who.post(link, password=PASSWORD).status_code == 303 and who.is_in()
    assert Stranger(house).get(link).status_code == 410
    assert Stranger(house).sign_in("t01@example.org").status_code == 303


def test_a_new_password_ends_every_other_session_and_link(house: House) -> None:
    elsewhere, other = in_as(house, "tutor"), link_for(house, "tutor", "reset")
    link, who = link_for(house, "tutor", "reset"), Stranger(house)
    assert who.post(link, password="quadro lampada fiume").status_code == 303
    assert who.is_in() and not elsewhere.is_in()
    assert Stranger(house).get(other).status_code == 410
    assert Stranger(house).sign_in("t01@example.org").status_code == 422


def test_a_link_is_too_old_after_its_time(house: House) -> None:
    link = link_for(house, "tutor", "reset")
    house.now += timedelta(minutes=61)
    assert Stranger(house).get(link).status_code == 410


def test_a_way_in_of_the_demonstration_opens_everything_and_an_invitation_asks_for_the_second_factor(
    house: House,
) -> None:
    whole, half = Stranger(house), Stranger(house)
    assert whole.post(link_for(house, "administrator", "sign_in")).headers["Location"] == "/console"
    assert whole.is_in()
    asked = half.post(link_for(house, "administrator", "invitation"), password=PASSWORD)
    assert asked.headers["Location"].startswith("/console/second-factor") and not half.is_in()
