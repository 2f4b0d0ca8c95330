# SPDX-License-Identifier: EUPL-1.2
"""The second factor: setting it up with a square for one's telephone, giving its number, and codes for a bad day."""

from dataclasses import replace

from starlette.responses import RedirectResponse, Response

from bot.console import door
from bot.console.page import Page, get, post
from bot.console.sign_in import too_soon
from bot.console.squares import square
from handlers.desk.office import Office
from handlers.desk.office.second_factor import BROKEN, NO_KEY, Given, Sealless
from handlers.desk.sealing import BrokenSeal
from handlers.talk import Text, _

WRONG_CODE = _("This number is not right, or has been used. Wait for the next one.")
WRONG_FIRST_CODE = _("This number is not right. Is the clock of your phone right? Try the next one.")


def page_of_it(page: Page) -> Response:
    """Where the number is asked for; or, where there is none yet, where it is set up."""
    with page.reading() as office:
        if page.session.is_whole and office.second_factor.is_set:
            return page.go("/console/account")
        return ask(page, office)


def ask(page: Page, office: Office, status: int = 200, *, wrong: Text | None = None, sealed: str = "") -> Response:
    found = office.second_factor
    values = {"wrong": wrong, "to": going_to(page), "trouble": None, "is_needed": found.is_needed}
    if found.is_set:
        return page.show("second_factor/give.html", status, **values)
    try:
        proposal = found.proposed(sealed, page.session.id) if sealed else found.propose(page.session.id)
    except Sealless:
        return page.show("second_factor/set_up.html", 503, **(values | {"trouble": NO_KEY}))
    except BrokenSeal:
        proposal = found.propose(page.session.id)
    return page.show("second_factor/set_up.html", status, proposal=proposal, square=square(proposal.address), **values)


def give(page: Page) -> Response:
    """The number of their telephone, or a recovery code; only then is the session whole."""
    if page.session.is_whole:
        return page.go(going_to(page))
    given, trouble = given_code(page)
    if given.is_right:
        with page.writing() as office:
            token = door.renew(office.store, page.session, page.member, office.real, is_whole=True)
            office.note("second_factor_given", office.actor)
        response: Response = RedirectResponse(going_to(page), status_code=303)
        door.give_cookie(response, token, is_secure=page.console.is_secure)
        return response
    wrong, status, seconds = why_not(page, given, trouble)
    with page.reading() as office:
        response = ask(page, office, status, wrong=wrong)
    if seconds:
        response.headers["Retry-After"] = str(seconds)
    return response


def given_code(page: Page) -> tuple[Given, Text | None]:
    """What becomes of the code in the form; or what is the matter with the seal."""
    try:
        with page.writing() as office:
            return office.second_factor.give(page.given("code")), None
    except Sealless:
        return Given(), NO_KEY
    except BrokenSeal:
        return Given(), BROKEN


def why_not(page: Page, given: Given, trouble: Text | None) -> tuple[Text, int, int]:
    """A sentence, a status, and in how many seconds they may try again."""
    if given.wait_until:
        wait, seconds = too_soon(given.wait_until, page.console.clock.real())
        return wait, 429, seconds
    return (trouble, 503, 0) if trouble else (WRONG_CODE, 422, 0)


def set_up(page: Page) -> Response:
    """The first number comes back: the secret is kept, and the recovery codes are shown this once."""
    sealed = page.given("sealed")
    try:
        with page.writing() as office:
            proposal = office.second_factor.proposed(sealed, page.session.id)
            codes = office.second_factor.set_up(proposal, page.given("code"))
            token = door.renew(office.store, page.session, page.member, office.real, is_whole=True) if codes else ""
    except (Sealless, BrokenSeal):
        codes, token, sealed = None, "", ""
    if codes is None:
        with page.reading() as office:
            return ask(page, office, 422, wrong=WRONG_FIRST_CODE, sealed=sealed)
    return with_codes(page, codes, token)


def with_codes(page: Page, codes: list[str], token: str) -> Response:
    """The recovery codes, on a page that belongs to the session from now on."""
    with page.console.storage.reading() as store:
        found = door.whose(store, token, page.console.clock.real())
    assert found, "it has just begun"
    renewed = replace(page, session=found[0], member=found[1])
    response = renewed.show("second_factor/codes.html", codes=codes, to=going_to(page))
    door.give_cookie(response, token, is_secure=page.console.is_secure)
    return response


def new_codes(page: Page) -> Response:
    given, trouble = given_code(page)
    if not given.is_right:
        wrong, status, _seconds = why_not(page, given, trouble)
        return page.show("second_factor/again.html", status, wrong=wrong, action="/console/second-factor/codes")
    with page.writing() as office:
        codes = office.second_factor.new_codes()
    return page.show("second_factor/codes.html", codes=codes, to="/console/account")


def end(page: Page) -> Response:
    """Without it from now on; not for those who see what is protected."""
    with page.reading() as office:
        if office.second_factor.is_needed:
            return page.go("/console/account", said=_("Your role needs the second factor."))
    given, trouble = given_code(page)
    if not given.is_right:
        wrong, status, _seconds = why_not(page, given, trouble)
        return page.show("second_factor/again.html", status, wrong=wrong, action="/console/second-factor/off")
    with page.writing() as office:
        office.second_factor.end()
    return page.go("/console/account", said=_("Your password alone is enough again."))


def ask_for_codes(page: Page) -> Response:
    return page.show("second_factor/again.html", wrong=None, action="/console/second-factor/codes")


def ask_for_end(page: Page) -> Response:
    return page.show("second_factor/again.html", wrong=None, action="/console/second-factor/off")


def going_to(page: Page) -> str:
    return door.ours(page.given("next") or page.asked("next"))


ROUTES = (
    get("/console/second-factor", "account", "read", page_of_it, half_way=True),
    post("/console/second-factor", "account", "write", give, half_way=True),
    post("/console/second-factor/set-up", "account", "write", set_up, half_way=True),
    get("/console/second-factor/codes", "account", "read", ask_for_codes),
    post("/console/second-factor/codes", "account", "write", new_codes),
    get("/console/second-factor/off", "account", "read", ask_for_end),
    post("/console/second-factor/off", "account", "write", end),
)
