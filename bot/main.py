# SPDX-License-Identifier: EUPL-1.2
"""The only wiring: from settings to a desk that works. Tests and tools use it too."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import storage
from bot import metrics
from bot.bell import Bell
from bot.calendar import PublicLinks, calendar_route
from bot.channels import CHANNELS
from bot.clock import Clock
from bot.console import app as console
from bot.console.page import Console
from bot.contract import Channel, Report, Transport
from bot.jobs.bucket import Buckets, rates
from bot.jobs.delivery import Deliverer
from bot.jobs.files import Fetcher
from bot.jobs.jump import Jump
from bot.jobs.worker import Worker
from bot.media import media_routes
from bot.seal import seal_of
from bot.settings import Settings
from bot.simulator import Paper, Simulator, simulated
from handlers.conversations import CONVERSATIONS
from handlers.desk.clock import offset
from handlers.desk.delivery import Delivery
from handlers.desk.filing import Filing
from handlers.engine import Engine
from handlers.engine.turn import Play
from handlers.talk import Incoming
from handlers.talk.catalogues import Catalogues
from storage import Storage, Unavailable, migration

log = structlog.get_logger()
REST = 60.0  # seconds until a channel that stopped is tried again
STATIC = Path(__file__).parent / "console" / "static"


@dataclass
class Sportello:
    """Everything, wired together."""

    settings: Settings
    clock: Clock
    storage: Storage
    engine: Engine
    deliverer: Deliverer
    worker: Worker
    channels: Sequence[Channel] = field(default_factory=tuple)
    bell: Bell = field(default_factory=Bell)

    async def hear(self, messages: Sequence[Incoming]) -> None:
        """Take in what arrived; it is committed when this returns."""
        await asyncio.to_thread(self.engine.hear, messages)
        self.worker.knock()
        self.bell.ring()

    async def learn(self, report: Report) -> None:
        """Take in what a channel says of a message of ours; it is committed when this returns."""
        await self.deliverer.learn(report)
        self.worker.knock()
        self.bell.ring()

    def close(self) -> None:
        self.storage.close()


def build(
    settings: Settings,
    clock: Clock | None = None,
    transports: Mapping[str, Transport] | None = None,
    play: Play | None = None,
) -> Sportello:
    """A desk from its settings. ``transports`` take the place of the real channels, by name."""
    found = storage.open(settings.database_url)
    # What a demonstration has made of the day is nothing to a desk that people rely on.
    clock = clock or (stored_clock(found) if settings.simulator else Clock())
    links = PublicLinks(settings.public_url) if settings.public_url else None
    play = play or Play.of(CONVERSATIONS, Catalogues(default=settings.default_language), release(), links)
    channels = channels_of(settings, clock, play)
    engine, bell = Engine(found, play, clock), Bell()
    transports = {one.name: one for one in channels} if transports is None else transports
    deliverer = Deliverer(
        Delivery(found, clock, play.catalogues),
        transports,
        Paper(bell) if settings.simulator else None,
        Buckets(rates(telegram=settings.telegram_rate, whatsapp=settings.whatsapp_rate)),
    )
    fetcher = Fetcher(Filing(found, clock, play.catalogues), transports)
    worker = Worker(found, engine, deliverer, fetcher, clock, settings.erasure_key)
    return Sportello(settings, clock, found, engine, deliverer, worker, channels, bell)


def channels_of(settings: Settings, clock: Clock, play: Play) -> tuple[Channel, ...]:
    """The networks that are set up, each with connections of its own."""
    return tuple(one for make in CHANNELS.values() if (one := make(settings, clock, commands(play.catalogues))))


def web(desk: Sportello, *, with_worker: bool) -> Starlette:
    """The web application: webhooks, the simulator where it is on, health; and the worker, if it lives here too."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with running(desk, with_worker=with_worker):
            yield

    routes = [
        Route("/healthz", health),
        Route("/readyz", ready(desk)),
        metrics.ROUTE,
        *media_routes(desk.settings, desk.storage, desk.clock),
        calendar_route(desk.storage, desk.clock, desk.engine.play.catalogues),
        Mount("/static", StaticFiles(directory=STATIC, check_dir=False)),
    ]
    for channel in desk.channels:
        routes += channel.routes(desk.hear, desk.learn)
    routes += console.routes(back_office(desk))
    if desk.settings.simulator:
        routes += simulator(desk).routes()
    return Starlette(routes=routes, lifespan=lifespan)


def back_office(desk: Sportello) -> Console:
    """The console of the staff; what it changes is looked at at once by the worker and by the pages that are open."""
    play = desk.engine.play
    return Console(
        desk.settings,
        desk.storage,
        desk.clock,
        play.catalogues,
        desk.bell,
        links=play.links,
        seal=seal_of(desk.settings),
        knock=desk.worker.knock,
        channels=lambda: channels_of(desk.settings, desk.clock, play),
        addresses=lambda start: addresses(desk, start),
    )


def addresses(desk: Sportello, start: str) -> dict[str, str | None]:
    """By channel: a link that opens a chat with us and brings ``start`` along; in a demonstration, on our own page."""
    if desk.channels or not desk.settings.simulator:
        return {one.name: one.address(start) for one in desk.channels}
    return {**simulated(start)}


def simulator(desk: Sportello) -> Simulator:
    """The page with the two phones, and the clock that it may move."""
    jump = Jump(desk.worker, desk.bell.ring)
    catalogues = desk.engine.play.catalogues
    return Simulator(desk.hear, desk.deliverer, desk.storage, desk.clock, catalogues, jump.to, desk.bell)


@asynccontextmanager
async def running(desk: Sportello, *, with_worker: bool, listens: bool = True) -> AsyncIterator[None]:
    """Channels open and listening (a worker alone only sends), the worker at work; all of it ends with the block."""
    attended = desk.channels if listens else ()
    tasks = [asyncio.create_task(attend(channel, desk), name=channel.name) for channel in attended]
    if with_worker:
        tasks.append(asyncio.create_task(desk.worker.run(), name="worker"))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for channel in desk.channels:
            await channel.close()


async def attend(channel: Channel, desk: Sportello) -> None:
    """Open a channel and listen. A channel that cannot says so and tries again later; the others go on."""
    while True:
        try:
            await channel.open()
            return await channel.listen(desk.hear)
        except Exception as trouble:
            code = getattr(trouble, "code", None)
            log.error("channel_stopped", channel=channel.name, error=type(trouble).__name__, code=code)
            await asyncio.sleep(REST)


async def health(request: Request) -> Response:
    return JSONResponse({"ok": True})


def ready(desk: Sportello) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            is_current = await asyncio.to_thread(migration.is_current, desk.storage)
        except Exception as trouble:
            return JSONResponse({"ok": False, "why": type(trouble).__name__}, status_code=503)
        return JSONResponse({"ok": is_current}, status_code=200 if is_current else 503)

    return answer


def stored_clock(found: Storage) -> Clock:
    """The clock with the offset that a demonstration has stored; real time otherwise."""
    try:
        with found.reading() as store:
            return Clock(offset(store))
    except Unavailable:
        raise  # a desk that thinks it is another day than its neighbours would keep no promise
    except Exception:
        return Clock()  # the tables are not there yet


def commands(catalogues: Catalogues) -> dict[str, list[tuple[str, str]]]:
    """The commands of the chat's own menu, in each language, and in the desk's own for everybody else."""
    from handlers.talk import _

    named = (
        ("menu", _("All I can do")),
        ("agenda", _("My agenda")),
        ("person", _("Talk to a person")),
        ("language", _("Change language")),
        ("privacy", _("Read the privacy notice")),
        ("stop", _("No more messages")),
        ("help", _("How it works")),
    )
    readers = {
        "": catalogues.reader(catalogues.default),
        **{reader.language: reader for reader in catalogues.readers()},
    }
    return {language: [(name, words.render(reader)) for name, words in named] for language, reader in readers.items()}


def release() -> str:
    """The release that is running, from the installed package."""
    try:
        return version("sportello")
    except PackageNotFoundError:
        return "0"
