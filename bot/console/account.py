# SPDX-License-Identifier: EUPL-1.2
"""One's own account: the language, the password, where one is signed in, and leaving."""

from starlette.responses import RedirectResponse, Response

from bot.console import door
from bot.console.page import Page, get, post
from bot.console.sign_in import too_soon
from handlers.desk.office import passwords
from handlers.desk.office.coming_in import browser_token, hashed, tried
from handlers.desk.office.staff import ROLE_NAMES
from handlers.rules.guessing import SECOND_FACTOR
from handlers.talk import Gone, Text, _
from handlers.talk.anytime import LANGUAGE_NAME


def account(page: Page) -> Response:
    return the_page(page)


def the_page(page: Page, status: int = 200, **wrong: Text | None) -> Response:
    with page.reading() as office:
        sessions = office.store.staff.sessions_of(page.member.id, office.real)
        found = office.second_factor
        values = {
            "sessions": [one for one in sessions if office.real - one.seen_at <= door.RESTS_FOR],
            "roles": [ROLE_NAMES[role] for role in [page.member.role, *(page.member.other_roles or [])]],
            "languages": languages(page),
            "has_seal": office.seal is not None,
            "is_needed": found.is_needed,
            "codes_left": found.codes_left() if found.is_set else None,
        }
    return page.show("account/account.html", status, wrong=wrong, **values)


def languages(page: Page) -> list[tuple[str, str]]:
    """Those the console is written in, each as it calls itself."""
    readers = page.console.catalogues.readers()
    return [(reader.language, LANGUAGE_NAME.render(reader).split(",")[0]) for reader in readers]


def leave(page: Page) -> Response:
    """This session ends here and everywhere it was copied to."""
    with page.writing() as office:
        office.store.staff.change_session(page.session.id, ended_at=office.real)
        office.note("signed_out", office.actor)
    response = RedirectResponse("/console/sign-in", status_code=303)
    door.take_cookie(response, is_secure=page.console.is_secure)
    return response


def speak(page: Page) -> Response:
    """From now on the console is in this language."""
    language, to = page.given("language"), page.given("next")
    if language in page.console.catalogues.languages:
        with page.writing() as office:
            office.store.staff.change(office.member.id, language=language)
    # Half way in, the only page there is to go back to is the one that asks for the second factor.
    return page.go(door.ours(to) if page.session.is_whole else "/console/second-factor")


def sign_out_there(page: Page) -> Response:
    with page.writing() as office:
        theirs = {one.id for one in office.store.staff.sessions_of(page.member.id, office.real)}
        if page.id() not in theirs:
            raise Gone
        office.store.staff.change_session(page.id(), ended_at=office.real)
        office.note("signed_out", office.actor, where="one other place")
    return page.go("/console/account", said=_("You are signed out there."))


def sign_out_elsewhere(page: Page) -> Response:
    with page.writing() as office:
        office.store.staff.end_sessions(page.member.id, office.real, but=page.session.id)
        office.note("signed_out", office.actor, where="everywhere else")
    return page.go("/console/account", said=_("You are signed in here only."))


def change_password(page: Page) -> Response:
    """The old one is asked for: who sits down at somebody else's desk must not be able to keep it."""
    old, new = str(page.form.get("old") or ""), str(page.form.get("new") or "")
    counted_as = f"password:{page.member.id}"
    with page.writing() as office:
        attempt = tried(office.store, [(counted_as, SECOND_FACTOR)], office.real)
    if attempt.wait_until:
        why, seconds = too_soon(attempt.wait_until, page.console.clock.real())
        response = the_page(page, 429, old=why)
        response.headers["Retry-After"] = str(seconds)
        return response
    if page.member.password and not passwords.is_right(page.member.password, old):
        return the_page(page, 422, old=_("This is not your password."))
    with page.writing() as office:
        office.store.staff.forget_attempts(hashed(counted_as))
    if wrong := passwords.wrong_with(new, page.member):
        return the_page(page, 422, new=wrong)
    kept = passwords.hash_of(new)
    with page.writing() as office:
        store = office.store
        store.staff.change(page.member.id, password=kept)
        store.staff.end_sessions(page.member.id, office.real, but=page.session.id)
        store.staff.end_links(page.member.id, office.real)
        token = door.renew(store, page.session, page.member, office.real, is_whole=True)
        office.note("password_set", office.actor, by="account")
        member = store.staff.get(page.member.id)
    assert member
    response = page.go("/console/account", said=_("Your password is changed. You are signed in here only."))
    door.give_cookie(response, token, is_secure=page.console.is_secure)
    door.remember_browser(response, browser_token(member), is_secure=page.console.is_secure)
    return response


ROUTES = (
    get("/console/account", "account", "read", account),
    post("/console/sign-out", "account", "write", leave, half_way=True),
    post("/console/language", "account", "write", speak, half_way=True),
    post("/console/account/password", "account", "write", change_password),
    post("/console/account/sessions/{id}/end", "account", "write", sign_out_there),
    post("/console/account/sessions/end", "account", "write", sign_out_elsewhere),
)
