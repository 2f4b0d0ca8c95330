# SPDX-License-Identifier: EUPL-1.2
"""The command line: one command for each thing somebody does with a desk."""

import asyncio
import gc
import json
import logging
import os
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import structlog
import typer
import uvicorn
from pydantic import SecretStr, ValidationError

from bot import doctor as examination
from bot import verify as verification
from bot.bell import Bell
from bot.channels.telegram.updates import read
from bot.channels.terminal import Terminal
from bot.contract import Checked, DeliveryError
from bot.demo import prepare
from bot.jobs.bucket import Buckets, rates
from bot.jobs.contents import Registry
from bot.main import Sportello, build, running, stored_clock, web
from bot.metrics import counted
from bot.settings import Settings
from handlers.conversations import CONVERSATIONS
from handlers.desk import Desk, loading
from handlers.desk.office.coming_in import new_link, note, password_link
from handlers.desk.office.staff import Entry, closed, figures, forget_second_factor, give_back, invited, wrong_with
from handlers.desk.retaining import Retaining
from handlers.moments import TEMPLATE
from handlers.rules.roles import ROLES
from handlers.talk.catalogues import Catalogues
from handlers.talk.templates import said
from handlers.talk.text import ROME, Reader
from storage import Store, Unavailable, migration
from storage.staff import Member

app = typer.Typer(help="Sportello, the job-help desk in people's pockets.", no_args_is_help=True, add_completion=False)
DEMO_DATABASE = "sqlite:///var/demo.sqlite"


def main() -> None:
    """Run a command; logs go to standard error, one JSON line each."""
    # What has been imported stays to the end; looking through it for rubbish, at the end as well, takes a third of a
    # short command's time.
    gc.freeze()
    configure_logs()
    app()


def configure_logs() -> None:
    # HTTP libraries write whole URLs at INFO, and Telegram's URLs contain the token.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            counted,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@app.command()
def demo(port: Annotated[int | None, typer.Option(help="Where to listen.")] = None) -> None:
    """A working desk with example content, on this machine, with no token: open /simulator and talk."""
    settings = Settings(simulator=True, database_url=os.environ.get("DATABASE_URL", DEMO_DATABASE))
    at = port or settings.port
    settings.public_url = settings.public_url or f"http://127.0.0.1:{at}"
    settings.encryption_key = SecretStr(settings.encryption_key.get_secret_value() or demo_key(settings.database_url))
    desk = build(settings)
    if not prepare(desk.storage, desk.clock, settings.demo_folder):
        typer.echo("This database holds a desk's own content, no demonstration. Use: sportello serve", err=True)
        raise typer.Exit(1)
    typer.echo(f"Sportello is open: http://127.0.0.1:{at}/simulator  (Ctrl+C closes it)")
    typer.echo("The console, as each role sees it; every link opens once:")
    for role, link in ways_in(desk):
        typer.echo(f"  {role:16} {settings.public_url}/console/link/{link}")
    listen(desk, at, with_worker=True, host="127.0.0.1")


def demo_key(database_url: str) -> str:
    """A key of the demonstration's own, made at its first start: beside the database, never in it."""
    path = Path("var/demo.key")
    if database_url.startswith("sqlite:///"):
        path = Path(database_url.removeprefix("sqlite:///")).with_suffix(".key")
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError), os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as new:
        new.write(secrets.token_urlsafe(32))
    return path.read_text(encoding="utf-8")


def ways_in(desk: Sportello) -> list[tuple[str, str]]:
    """For each role, a link that lets in somebody of the demonstration who has it."""
    real = desk.clock.real()
    with desk.storage.writing() as store:
        members = {member.role: member for member in reversed(store.staff.all()) if member.closed_at is None}
        return [(role, new_link(store, members[role], "sign_in", real)) for role in ROLES if role in members]


@app.command()
def serve() -> None:
    """Web and worker in one process: the way a small town runs it."""
    desk = checked()
    listen(desk, desk.settings.port, with_worker=True)


@app.command("web")
def only_web() -> None:
    """The web process alone: webhooks, pages. Run workers beside it."""
    desk = checked()
    listen(desk, desk.settings.port, with_worker=False)


@app.command()
def worker() -> None:
    """A worker alone: sends what is due, retries, looks for moments that have come."""
    asyncio.run(work(checked()))


@app.command()
def migrate() -> None:
    """Bring the database to the tables of this release."""
    desk = build(Settings())
    migration.upgrade(desk.storage)
    typer.echo("The database is up to date.")


@app.command()
def load(folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A folder of YAML files.")]) -> None:
    """Take in content: territories, programmes, workshops, questions, the privacy notice. All of it, or nothing."""
    desk = checked()
    now = desk.clock.now()
    content = loading.read(folder)
    try:
        with desk.storage.writing() as store:
            report = loading.load(store, content, today=now.astimezone(ROME).date(), now=now)
    except loading.BadContent as bad:
        for problem in bad.problems:
            typer.echo(problem, err=True)
        typer.echo(f"Nothing was loaded: {len(bad.problems)} rows need mending.", err=True)
        raise typer.Exit(1) from None
    typer.echo(str(report))


staff = typer.Typer(help="Who works at the desk, and how they come in.", no_args_is_help=True)
app.add_typer(staff, name="staff")


@staff.command("add")
def add_to_staff(
    email: Annotated[str, typer.Argument(help="With which they sign in.")],
    role: Annotated[str, typer.Option(help=f"One of: {', '.join(ROLES)}.")],
    name: Annotated[str, typer.Option(help="As people read it; else the e-mail's first part.")] = "",
    other_role: Annotated[list[str] | None, typer.Option(help="One person may do several things.")] = None,
    area: Annotated[list[str] | None, typer.Option(help="They answer for these areas only.")] = None,
    programme: Annotated[list[str] | None, typer.Option(help="They answer for these programmes only.")] = None,
) -> None:
    """Somebody new, such as the first administrator: prints a link with which they choose their password."""
    desk = checked()
    limits = tuple(other_role or ()), tuple(area or ()), tuple(programme or ())
    entry, real = Entry(name or email.partition("@")[0], email, role, *limits), desk.clock.real()
    with desk.storage.writing() as store:
        if wrong := wrong_with(store, entry):
            for field, why in wrong.items():
                typer.echo(f"{field}: {why.render(Reader())}", err=True)
            raise typer.Exit(1)
        id, token = invited(store, entry, real)
        note(store, real, "command line", "staff_invited", f"staff:{id}", **figures(entry))
    say_link(desk, token)


@staff.command("link")
def link_for_staff(
    email: Annotated[str, typer.Argument(help="With which they sign in.")],
    new_phone: Annotated[bool, typer.Option("--new-phone", help="Take their second factor away as well.")] = False,
) -> None:
    """A new link for somebody who has forgotten their password."""
    desk = checked()
    with desk.storage.writing() as store:
        member, real = known_member(store, email), desk.clock.real()
        if new_phone:
            forget_second_factor(store, member.id, real)
        note(store, real, "command line", "staff_link", f"staff:{member.id}", new_phone=new_phone)
        token = password_link(store, member, real)
    say_link(desk, token)


@staff.command("close")
def close_staff(email: Annotated[str, typer.Argument(help="With which they sign in.")]) -> None:
    """They work here no longer: signed out everywhere, and no link of theirs opens."""
    desk = checked()
    with desk.storage.writing() as store:
        everybody = store.staff.lock_open()
        member, real = known_member(store, email), desk.clock.real()
        if all("administrator" not in one.roles for one in everybody if one.id != member.id):
            typer.echo("Nobody else is an administrator. Add another one first: sportello staff add", err=True)
            raise typer.Exit(1)
        closed(store, member.id, real)
        note(store, real, "command line", "staff_closed", f"staff:{member.id}")
        people = store.dialogues.taken_by(member.id)
    for person_id in people:
        with desk.storage.writing() as store:
            person = store.people.get(person_id)
            give_back(Desk(store, person, desk.clock.now(), desk.engine.play.catalogues), member.id)
    typer.echo(f"{member.email} is closed.")


def known_member(store: Store, email: str) -> Member:
    member = store.staff.with_email(email)
    if member is None or member.closed_at:
        typer.echo("Nobody of the staff has this e-mail address.", err=True)
        raise typer.Exit(1)
    return member


def say_link(desk: Sportello, token: str) -> None:
    here = desk.settings.public_url or f"http://127.0.0.1:{desk.settings.port}"
    typer.echo("Give them this link; it opens once:")
    typer.echo(f"  {here}/console/link/{token}")


channels = typer.Typer(help="What the networks keep for us.", no_args_is_help=True)
app.add_typer(channels, name="channels")
templates = typer.Typer(
    help="What may be said on WhatsApp to somebody who has not written for a day.", no_args_is_help=True
)
app.add_typer(templates, name="templates")


@channels.command("sync")
def sync_channels() -> None:
    """Make the buttons, lists and templates that WhatsApp does not have yet. A second time it makes nothing."""

    async def work(registry: Registry) -> None:
        done = await registry.sync()
        for what, names in (("made", done.made), ("found", done.found), ("in use again", done.again)):
            for name in names:
                typer.echo(f"{what}: {name}")
        new = len(done.made) + len(done.found) + len(done.again)
        typer.echo(f"{done.there} were there already, {new} are new." if new else f"All {done.there} are there.")

    with_registry(work)


@templates.command("submit")
def submit_templates(
    names: Annotated[list[str] | None, typer.Argument(help="Only these; else all that have not been.")] = None,
) -> None:
    """Hand in for WhatsApp's approval what has not been, in every language."""
    if unknown := sorted(set(names or ()) - TEMPLATE.keys()):
        typer.echo(f"There is no template called {', '.join(unknown)}. There are: {', '.join(TEMPLATE)}", err=True)
        raise typer.Exit(1)

    async def work(registry: Registry) -> None:
        handed_in = await registry.submit(names or ())
        for name in handed_in:
            typer.echo(f"handed in: {name}")
        typer.echo("WhatsApp looks at them now. See: sportello templates status" if handed_in else "Nothing is new.")

    with_registry(work)


@templates.command("status")
def status_of_templates() -> None:
    """What WhatsApp says of each template by now, and what cannot be said without it."""

    async def work(registry: Registry) -> None:
        await registry.refresh()
        lines = [("template", "language", "status", "reason")]
        for form, row in await registry.templates():
            status, reason = (row.status, row.reason or "") if row else ("missing", "run: sportello channels sync")
            lines.append((form.name, form.language, status, reason))
        for name, language, status, reason in lines:
            typer.echo(f"{name:28} {language:9} {status:9} {reason}".rstrip())
        unsaid = await registry.unsaid()
        typer.echo("")
        typer.echo("Not said to people who have not written for a day:" if unsaid else "Everything can be said.")
        for moment, language in unsaid:
            typer.echo(f"  {moment} ({language})")

    with_registry(work)


@templates.command("show")
def show_templates() -> None:
    """Read every template aloud: as people receive it, with examples filled in."""
    for template in TEMPLATE.values():
        for reader in Catalogues(default=Settings().default_language).readers():
            form = template.described(reader)
            typer.echo(f"—— {form.name} · {form.language} · {form.category}")
            typer.echo(said(form, form.samples))
            typer.echo("".join(f"[{line.title}] " for line in form.lines).rstrip() + "\n")


def with_registry(work: Callable[[Registry], Awaitable[None]]) -> None:
    """Do this with WhatsApp's forms, or say what is missing."""
    settings = Settings()
    account, token = settings.twilio_account_sid.strip(), settings.twilio_auth_token.get_secret_value().strip()
    wanted = {"TWILIO_ACCOUNT_SID": account, "TWILIO_AUTH_TOKEN": token}
    if missing := [name for name, given in wanted.items() if not given]:
        typer.echo(f"WhatsApp is not set up here. Set: {', '.join(missing)}", err=True)
        raise typer.Exit(1)
    if find_spec("twilio") is None:
        typer.echo("WhatsApp is not installed here. Run: pip install 'sportello[whatsapp]'", err=True)
        raise typer.Exit(1)
    # Twilio's library takes a while to load; only who needs it waits for it.
    from bot.channels.whatsapp.client import Calls, client
    from bot.channels.whatsapp.contents import Contents

    desk = checked()

    async def connected() -> None:
        calls = Calls(settings.twilio_api_url)
        network = Contents(client(account, token, calls))
        try:
            await work(Registry(desk.storage, desk.clock, desk.engine.play.catalogues, network))
        finally:
            await calls.close()

    try:
        asyncio.run(connected())
    except DeliveryError as trouble:
        typer.echo(f"{trouble.sentence} ({trouble.code}) What is done is kept: run it again.", err=True)
        raise typer.Exit(1) from None


@app.command()
def chat(
    name: Annotated[str, typer.Option("--as", help="Who you are.")] = "you",
    channel: Annotated[Literal["telegram", "whatsapp"], typer.Option(help="Whose limits apply.")] = "telegram",
    save: Annotated[Path | None, typer.Option(help="Write the conversation down as a transcript.")] = None,
    language: Annotated[str, typer.Option(help="The language of your phone.")] = "it",
) -> None:
    """Talk to the desk in this terminal."""
    settings = Settings(simulator=True, database_url=os.environ.get("DATABASE_URL", DEMO_DATABASE))
    desk = build(settings)
    prepare(desk.storage, desk.clock, settings.demo_folder)
    terminal = Terminal(
        desk.hear, desk.deliverer, desk.storage, desk.clock, name=name, channel=channel, language=language
    )
    asyncio.run(terminal.talk())
    if save:
        save.write_text(terminal.transcript(), encoding="utf-8")
        typer.echo(f"Saved in {save}.")


@app.command()
def verify(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Look over the whole database, changing nothing. 0: all is well, 1: something is not, 2: it cannot be read."""
    try:
        found = verification.opened(Settings().database_url)
        findings = verification.verify(found, stored_clock(found))
    except Exception as trouble:
        why = str(trouble) if isinstance(trouble, verification.NotOurs) else type(trouble).__name__
        typer.echo(f"The database cannot be read: {why}.", err=True)
        raise typer.Exit(2) from None
    figures = verification.in_figures(findings)
    typer.echo(json.dumps(figures, indent=2) if as_json else verification.in_words(findings))
    raise typer.Exit(0 if figures["ok"] else 1)


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Look over the database, the settings and the networks, and say what to do. 0: it works, 1: it does not."""
    try:
        settings = Settings()
        desk = build(settings)
    except ValidationError as wrong:  # its names; what is in them may be a secret
        names = ", ".join(str(one["loc"][0]).upper() for one in wrong.errors())
        typer.echo(f"The environment cannot be read. Look at {names}.", err=True)
        raise typer.Exit(1) from None
    except Exception as trouble:
        typer.echo(f"The environment cannot be read ({type(trouble).__name__}). Look at DATABASE_URL first.", err=True)
        raise typer.Exit(1) from None
    findings = asyncio.run(examined(desk))
    words = examination.in_words(findings, desk.engine.play.catalogues.reader(settings.default_language))
    typer.echo(json.dumps(examination.in_figures(findings), indent=2) if as_json else words)
    raise typer.Exit(0 if examination.is_well(findings) else 1)


async def examined(desk: Sportello) -> list[Checked]:
    try:
        return await examination.look_over(examination.Premises(desk.settings, desk.clock, desk.storage, desk.channels))
    finally:
        for channel in desk.channels:
            await channel.close()


@app.command()
def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much there is; nothing is changed.")] = False,
) -> None:
    """Delete what has been kept long enough, as a worker does every night; people by a worker, minutes later."""
    desk = checked()
    retaining = Retaining(desk.storage, desk.clock, desk.engine.play.catalogues)
    if dry_run:
        for name, rows in retaining.counts().items():
            typer.echo(f"{name:12} {rows}")
        return
    outcomes = retaining.run_all()
    for one in outcomes:
        typer.echo(f"{one.rule.name:12} {one.failed or one.rows}")
    raise typer.Exit(1 if any(one.failed for one in outcomes) else 0)


@app.command("map")
def steps() -> None:
    """Every conversation with its steps, in the order they are written."""
    for conversation in CONVERSATIONS:
        typer.echo(f"{conversation.name}: {', '.join(conversation.steps) or '(says one thing)'}")


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="What takes how long: inbound, send (a message), search (the log).")],
    people: Annotated[int, typer.Option(help="How many people write, or are written to.")] = 2000,
    rounds: Annotated[int, typer.Option(help="How often each side runs.")] = 3,
    crowd: Annotated[int, typer.Option(help="send: how many more are written to while some write to us.")] = 10_000,
    writers: Annotated[int, typer.Option(help="send: how many write to us meanwhile.")] = 200,
    messages: Annotated[int, typer.Option(help="search: how many messages are in the log.")] = 1_000_000,
    postgresql: Annotated[str, typer.Option(help="search: the address of an empty database there, as well.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Figures for programs.")] = False,
    side: Annotated[str, typer.Option(hidden=True, help="One side only, in this process.")] = "",
    to: Annotated[str, typer.Option(hidden=True, help="send: where its recorder is.")] = "",
    rate: Annotated[float, typer.Option(hidden=True, help="send: messages a second to the crowd.")] = 25,
    channel: Annotated[str, typer.Option(hidden=True, help="send: by which channel.")] = "telegram",
) -> None:
    """Measure, side by side with what it is compared to, on this machine."""
    from bot.bench import inbound, search, send

    if name == "search":
        with tempfile.TemporaryDirectory(prefix="sportello-bench-") as folder:
            figures = search.run(Path(folder), messages, postgresql)
        typer.echo(json.dumps(figures, indent=2) if as_json else search.in_words(figures))
        return
    if name == "send":
        with tempfile.TemporaryDirectory(prefix="sportello-bench-") as folder:
            if side == "crowd":
                figures = asyncio.run(send.in_a_crowd(crowd, writers, rate, Path(folder), sending_desk, read, to))
            elif side:
                figures = asyncio.run(send.one_side(channel, side, people, Path(folder), sending_desk, to))
            else:
                figures = send.run(people, rounds, crowd, writers)
        typer.echo(json.dumps(figures, indent=2) if as_json or side else send.in_words(figures))
        return
    if name != "inbound":
        raise typer.BadParameter("there are: inbound, search, send")
    if side:
        with tempfile.TemporaryDirectory(prefix="sportello-bench-") as folder:
            found = asyncio.run(inbound.one_side(side, people, Path(folder), read, bench_desk))
        typer.echo(json.dumps(found.as_json()))
        return
    figures = inbound.run(people, rounds)
    typer.echo(json.dumps(figures, indent=2) if as_json else inbound.in_words(figures))


def bench_desk(folder: Path) -> Sportello:
    """A desk with the demonstration's content, for a bench that sends nothing."""
    settings = Settings(database_url=f"sqlite:///{folder}/sportello.sqlite")
    desk = build(settings, transports={})
    prepare(desk.storage, desk.clock, settings.demo_folder)
    return desk


def sending_desk(folder: Path, api_url: str, rate: float) -> Sportello:
    """A desk with the demonstration's content, whose networks are a recorder on this machine."""
    settings = Settings(
        database_url=f"sqlite:///{folder}/sportello.sqlite",
        public_url="https://sportello.example.org",
        telegram_token=SecretStr("1:bench"),
        telegram_api_url=api_url,
        twilio_account_sid="AC" + "0" * 32,
        twilio_auth_token=SecretStr("bench"),
        twilio_whatsapp_from="+390511234567" if find_spec("twilio") else "",
        twilio_api_url=api_url,
    )
    desk = build(settings)
    desk.deliverer.buckets = Buckets(rates(rate, rate))
    prepare(desk.storage, desk.clock, settings.demo_folder)
    return desk


def checked() -> Sportello:
    """A desk whose database is ready; else say what to do, and stop."""
    try:
        desk = build(Settings())
        is_current = migration.is_current(desk.storage)
    except Unavailable:
        typer.echo("The database does not answer.", err=True)
        raise typer.Exit(1) from None
    if not is_current:
        if not desk.storage.is_sqlite:
            typer.echo("The database is not up to date. Run: sportello migrate", err=True)
            raise typer.Exit(1)
        migration.upgrade(desk.storage)
    with desk.storage.reading() as store:
        if store.questions.notice() is None:
            typer.echo("No privacy notice is loaded, so nobody is asked anything. Run: sportello load FOLDER", err=True)
    return desk


class Server(uvicorn.Server):
    """A server that first hangs up on pages that listen for news: it would wait for them when it is told to stop."""

    def __init__(self, config: uvicorn.Config, bell: Bell) -> None:
        super().__init__(config)
        self.bell = bell

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.bell.silence()
        await super().shutdown(sockets)


def listen(desk: Sportello, port: int, *, with_worker: bool, host: str = "0.0.0.0") -> None:  # noqa: S104 - a server
    server = Server(
        uvicorn.Config(
            web(desk, with_worker=with_worker),
            host=host,
            port=port,
            log_level="warning",
            access_log=False,  # addresses of people, and paths that carry ids
            timeout_graceful_shutdown=5,
        ),
        desk.bell,
    )
    try:
        server.run()
    except KeyboardInterrupt:
        pass  # somebody closed it
    finally:
        desk.close()
    if not server.started:
        raise typer.Exit(3)  # what uvicorn itself says: the reason is in the log


async def work(desk: Sportello) -> None:
    stop = asyncio.Event()
    for told in (signal.SIGTERM, signal.SIGINT):  # platforms say the first, a keyboard the second
        asyncio.get_running_loop().add_signal_handler(told, stop.set)
    # It sends on every channel and leaves listening to the web process: two pollers quarrel.
    async with running(desk, with_worker=True, listens=False):
        await stop.wait()
    desk.close()
