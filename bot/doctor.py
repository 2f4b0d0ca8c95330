# SPDX-License-Identifier: EUPL-1.2
"""Looks the whole house over, from its database to its networks, and says in plain words what to do."""

import asyncio
import ipaddress
import shutil
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from bot.clock import Clock
from bot.contract import Channel, Checked, State
from bot.settings import Settings
from handlers.desk.health import standing
from handlers.moments import TEMPLATES
from handlers.rules.health import STUCK
from handlers.talk import Text, _, n_
from handlers.talk.catalogues import Catalogues
from handlers.talk.text import Reader
from storage import Storage, Store, migration
from storage.contents import Content

PATIENCE = 10.0  # seconds for each thing that is looked at
A_LITTLE, FAR_TOO_MUCH = timedelta(seconds=30), timedelta(minutes=5)  # that two clocks may differ
AT_WORK = timedelta(minutes=5)  # a worker writes down every twenty seconds that it was there
LONG = timedelta(hours=1)  # a message has waited
ROOM, HARDLY_ANY = 2 * 2**30, 200 * 2**20  # bytes on the disk of the database
NAMES = {"telegram": "Telegram", "whatsapp": "WhatsApp"}
SIGNS = {"ok": "✓", "warning": "!", "bad": "✗"}

T = TypeVar("T")


@dataclass(frozen=True)
class Premises:
    """What is looked over: a desk as its environment describes it."""

    settings: Settings
    clock: Clock
    storage: Storage
    channels: Sequence[Channel] = ()


async def look_over(premises: Premises, patience: float = PATIENCE) -> list[Checked]:
    """Everything, each thing with a time limit of its own: one that hangs does not hide the others."""
    here = limited("database", in_a_thread(lambda: of_the_house(premises)), patience)
    away = (limited(one.name, of_a_channel(one), patience) for one in premises.channels)
    found = await asyncio.gather(here, *away)
    return [finding for some in found for finding in some]


async def limited(name: str, look: Awaitable[Sequence[Checked]], patience: float) -> Sequence[Checked]:
    try:
        async with asyncio.timeout(patience):
            return await look
    except TimeoutError:
        return [no_answer(name)]
    except Exception as trouble:  # a fault in one check is no reason to be silent about the others
        what = _("This could not be checked: {kind}.", kind=type(trouble).__name__)
        return [Checked(name, "bad", what, _("Tell a technician."))]


def no_answer(name: str) -> Checked:
    if name == "database":
        what, advice = _("The database does not answer."), _("Check DATABASE_URL, and whether the database runs.")
        return Checked(name, "bad", what, advice)
    what = _("{channel} does not answer.", channel=NAMES.get(name, name))
    return Checked(name, "bad", what, _("Check whether this machine reaches the Internet. Try again later."))


def in_a_thread(work: Callable[[], T]) -> Awaitable[T]:
    """Work that may hang for ever, in a thread for which nobody waits at the end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(answer: Callable[[], None]) -> None:
        if not done.done():
            answer()

    def run() -> None:
        with suppress(RuntimeError):  # whoever asked has gone
            try:
                found = work()
            except Exception as trouble:
                error = trouble
                loop.call_soon_threadsafe(tell, lambda: done.set_exception(error))
            else:
                loop.call_soon_threadsafe(tell, lambda: done.set_result(found))

    threading.Thread(target=run, daemon=True).start()
    return done


async def of_a_channel(channel: Channel) -> Sequence[Checked]:
    checkup = getattr(channel, "checkup", None)
    return await checkup() if checkup else []


# ---- this house, without asking anybody outside


def of_the_house(premises: Premises) -> list[Checked]:
    """The environment and the database. Where the database is not ready, nothing in it is looked at."""
    found = of_the_settings(premises.settings) + of_the_disk(premises.settings)
    trouble = of_the_tables(premises)
    if trouble.state == "bad":
        return [trouble, *found]
    with premises.storage.reading() as store:
        return [trouble, *found, *of_the_desk(store, premises.settings, premises.clock)]


def of_the_tables(premises: Premises) -> Checked:
    path = sqlite_file(premises.settings)
    if path and not path.exists():
        return Checked("database", "bad", _("There is no database yet."), _("Run: sportello migrate"))
    try:
        is_current = migration.is_current(premises.storage)
    except Exception:
        return no_answer("database")
    if not is_current:
        what = _("The database has the tables of another release.")
        return Checked("database", "bad", what, _("Run: sportello migrate"))
    return Checked("database", "ok", _("The database answers, and has the tables of this release."))


def of_the_settings(settings: Settings) -> list[Checked]:
    """What the environment says, and what it leaves out."""
    return [_keys(settings), _links(settings), _address(settings), *_set_up(settings)]


def _keys(settings: Settings) -> Checked:
    if not settings.seal_keys:
        what = _("No key is set: protected notes cannot be kept.")
        return Checked("encryption_key", "bad", what, _("Set ENCRYPTION_KEY to a long random text, and keep a copy."))
    return Checked("encryption_key", "ok", _("The key for what is sealed is set."))


def _links(settings: Settings) -> Checked:
    if not settings.secret_key.get_secret_value():
        what = _("SECRET_KEY is not set: a link to a file opens only while the process runs that made it.")
        state: State = "bad" if settings.twilio_account_sid else "warning"  # Twilio may call another process
        return Checked("secret_key", state, what, _("Set SECRET_KEY to a long random text."))
    return Checked("secret_key", "ok", _("The key for links is set."))


def _address(settings: Settings) -> Checked:
    """The public address by its form; whether the world reaches it, only the world knows."""
    name, advice = "public_url", _("Set PUBLIC_URL to the address people see, such as https://sportello.example.org")
    is_called = settings.telegram_mode == "webhook" or bool(settings.twilio_account_sid)
    state: State = "bad" if is_called and not settings.simulator else "warning"
    if not settings.public_url:
        return Checked(name, state, _("No public address is set."), advice)
    host = host_of(settings.public_url)
    if not settings.public_url.startswith("https:"):
        what = _("The public address does not begin with https.")
    elif host is None:
        what = _("The public address is not whole, or says too much.")
    elif not _is_public(host):
        what = _("The public address cannot be reached from outside.")
    else:
        return Checked(name, "ok", _("The public address is {host}.", host=host))
    return Checked(name, state, what, advice)


def host_of(address: str) -> str | None:
    """Whose address it is; None where it is none, or one with a password or a question in it."""
    try:
        parts = urlsplit(address)
        says_too_much = parts.port == 0 or "@" in parts.netloc or parts.query or parts.fragment
    except ValueError:  # brackets, or a port, that are none
        return None
    return None if says_too_much else parts.hostname


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".localhost", ".internal"))


def _set_up(settings: Settings) -> list[Checked]:
    has_telegram = bool(settings.telegram_token.get_secret_value().strip())
    twilio = {
        "TWILIO_ACCOUNT_SID": settings.twilio_account_sid.strip(),
        "TWILIO_AUTH_TOKEN": settings.twilio_auth_token.get_secret_value().strip(),
        "TWILIO_WHATSAPP_FROM": settings.twilio_whatsapp_from.strip(),
    }
    missing = [name for name, value in twilio.items() if not value]
    if 0 < len(missing) < len(twilio):
        what = _("WhatsApp is only half set up.")
        return [Checked("whatsapp.settings", "bad", what, _("Set also: {names}", names=", ".join(missing)))]
    if not missing and find_spec("twilio") is None:
        what, advice = _("WhatsApp is set up, but not installed."), _("Run: pip install 'sportello[whatsapp]'")
        return [Checked("whatsapp.settings", "bad", what, advice)]
    if not has_telegram and missing and not settings.simulator:
        what, advice = _("No channel is set up: nobody can write to us."), _("Set TELEGRAM_TOKEN or Twilio’s settings.")
        return [Checked("channels", "bad", what, advice)]
    return []


def of_the_disk(settings: Settings) -> list[Checked]:
    path = sqlite_file(settings)
    if path is None:
        return []
    there = next(one for one in (path.parent.resolve(), *path.parent.resolve().parents) if one.exists())
    free = shutil.disk_usage(there).free
    state: State = "bad" if free < HARDLY_ANY else "warning" if free < ROOM else "ok"
    what = _("On the disk of the database {many} GB are free.", many=f"{free / 2**30:.1f}")
    if state == "ok":
        return [Checked("disk", "ok", what)]
    return [Checked("disk", state, what, _("Make room, or move the database."))]


def sqlite_file(settings: Settings) -> Path | None:
    """The file of the database; None where it is in no file of ours."""
    if not settings.database_url.startswith("sqlite:///"):
        return None
    path = settings.database_url.removeprefix("sqlite:///").partition("?")[0]
    return Path(path) if path and path != ":memory:" else None


def of_the_desk(store: Store, settings: Settings, clock: Clock) -> list[Checked]:
    """What the database says of the desk. A fixed number of statements."""
    return [
        *_their_clock(store, clock),
        _notice(store),
        _administrator(store),
        _worker(store, clock),
        _waits(store, clock),
        *_alarms(store),
        *(of_the_forms(store.contents.all()) if settings.twilio_account_sid else ()),
    ]


def _their_clock(store: Store, clock: Clock) -> list[Checked]:
    theirs = store.health.clock()
    return [] if theirs is None else [about_the_clock("database", theirs, clock.real())]


def _notice(store: Store) -> Checked:
    if store.questions.notice() is None:
        what = _("No privacy notice is loaded, so nobody is asked anything.")
        return Checked("privacy_notice", "bad", what, _("Run: sportello load FOLDER"))
    return Checked("privacy_notice", "ok", _("A privacy notice is loaded."))


def _administrator(store: Store) -> Checked:
    if any("administrator" in one.roles and one.closed_at is None for one in store.staff.all()):
        return Checked("administrator", "ok", _("Somebody of the staff is an administrator."))
    what = _("Nobody of the staff is an administrator.")
    return Checked("administrator", "bad", what, _("Run: sportello staff add EMAIL --role administrator"))


def _worker(store: Store, clock: Clock) -> Checked:
    at, name, advice = store.health.worked_at(), "worker", _("Start it: sportello serve, or sportello worker")
    if at is None:
        return Checked(name, "bad", _("The worker has never been at work: nothing is sent."), advice)
    if at < clock.now() - AT_WORK:
        return Checked(name, "bad", _("The worker was last at work {at}: nothing is sent.", at=at), advice)
    return Checked(name, "ok", _("The worker is at work."))


def _waits(store: Store, clock: Clock) -> Checked:
    now = clock.now()
    late = [one for one in store.today.traffic(now - STUCK) if one.oldest]
    if not late:
        return Checked("outbox", "ok", _("No message waits longer than it should."))
    many, since = sum(one.overdue for one in late), min(one.oldest for one in late if one.oldest)
    what = n_("{count} message waits since {since}.", "{count} messages wait since {since}.", many, since=since)
    state: State = "bad" if since < now - LONG else "warning"
    advice = _("Look at the worker and the channels below.")
    return Checked("outbox", state, what, advice)


def _alarms(store: Store) -> list[Checked]:
    return [
        Checked(
            f"{one.channel}.alarm",
            "bad",
            _("{channel}: {why}", channel=NAMES.get(one.channel, one.channel), why=one.words),
            one.advice,
        )
        for one in standing(store)
    ]


def of_the_forms(forms: Collection[Content]) -> list[Checked]:
    """The forms that WhatsApp keeps for us, and the messages that have no approved one."""
    return [_generic(forms), _templates(forms)]


def _generic(forms: Collection[Content]) -> Checked:
    made = [one for one in forms if one.category is None]
    wrong = [one for one in made if one.status != "made"]
    name, advice = "whatsapp.forms", _("Run: sportello channels sync")
    if not made:
        return Checked(name, "warning", _("WhatsApp has no buttons of ours yet: choices are numbers."), advice)
    if wrong:
        what = n_("WhatsApp refused {count} form of ours.", "WhatsApp refused {count} forms of ours.", len(wrong))
        return Checked(name, "warning", what, advice)
    what = n_("WhatsApp has {count} form of ours.", "WhatsApp has {count} forms of ours.", len(made))
    return Checked(name, "ok", what)


def _templates(forms: Collection[Content]) -> Checked:
    """A moment without approved words of its own waits for people's next message, once their day is over."""
    states = Counter(one.status for one in forms if one.category is not None)
    approved = {one.name for one in forms if one.category is not None and one.status == "approved"}
    without = sum(not {one.name for one in some} <= approved for some in TEMPLATES.values())
    turned_down = states.total() - states["made"] - states["pending"] - states["approved"]
    what = _(
        "WhatsApp’s templates: {approved} approved, {made} not handed in, {pending} waiting, {refused} refused. "
        "{without} kinds of message wait until the person writes.",
        approved=states["approved"],
        made=states["made"],
        pending=states["pending"],
        refused=turned_down,
        without=without,
    )
    if not without and not turned_down:
        return Checked("whatsapp.templates", "ok", what)
    return Checked("whatsapp.templates", "warning", what, _("Run: sportello templates submit, then templates status"))


# ---- for channels as well


def about_the_clock(name: str, theirs: datetime, ours: datetime) -> Checked:
    """Two clocks beside each other: signatures, windows and what is due depend on them."""
    apart = abs(theirs - ours)
    who = NAMES.get(name, name)
    seconds = round(apart.total_seconds())
    if apart <= A_LITTLE:
        return Checked(f"{name}.clock", "ok", _("Our clock agrees with {who}.", who=who))
    what = _("Our clock and {who} are {seconds} seconds apart.", who=who, seconds=seconds)
    advice = _("Set this machine’s clock by a time server (NTP).")
    return Checked(f"{name}.clock", "bad" if apart > FAR_TOO_MUCH else "warning", what, advice)


def http_date(said: str | None) -> datetime | None:
    """What a server's clock says with an answer; None if it says nothing that anybody understands."""
    try:
        found = parsedate_to_datetime(said or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


# ---- what was found, for who reads


def is_well(findings: Sequence[Checked]) -> bool:
    return not any(one.state == "bad" for one in findings)


def in_words(findings: Sequence[Checked], reader: Reader) -> str:
    """A line for each finding, and under it what to do."""
    lines = [line for one in findings for line in _lines(one, reader)]
    return "\n".join([*lines, _end(findings).render(reader)])


def _lines(one: Checked, reader: Reader) -> list[str]:
    advice = [f"    → {one.advice.render(reader)}"] if one.advice else []
    return [f"{SIGNS[one.state]} {one.what.render(reader)}", *advice]


def _end(findings: Sequence[Checked]) -> Text:
    bad = sum(one.state == "bad" for one in findings)
    warnings = sum(one.state == "warning" for one in findings)
    if bad:
        return n_("{count} thing must be put right.", "{count} things must be put right.", bad)
    if warnings:
        return n_("It works. Look at {count} thing.", "It works. Look at {count} things.", warnings)
    return _("All is well.")


def in_figures(findings: Sequence[Checked]) -> dict[str, Any]:
    """The same for programs."""
    english = Reader()
    checks = [
        {
            "name": one.name,
            "state": one.state,
            "what": one.what.render(english),
            "advice": one.advice.render(english) if one.advice else None,
        }
        for one in findings
    ]
    return {"ok": is_well(findings), "checks": checks}


def to_keep(findings: Sequence[Checked], catalogues: Catalogues) -> list[Mapping[str, Any]]:
    """The same for whoever looks later, in whatever language."""
    readers = {reader.language: reader for reader in catalogues.readers()}

    def everywhere(text: Text | None) -> dict[str, str] | None:
        return {language: text.render(reader) for language, reader in readers.items()} if text else None

    return [
        {"name": one.name, "state": one.state, "what": everywhere(one.what), "advice": everywhere(one.advice)}
        for one in findings
    ]
