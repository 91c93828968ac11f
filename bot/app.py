"""The only place that knows every part: builds them, starts them in order, stops them in the other. It has no rules."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Self

from aiohttp import web

from bot import platforms
from bot.catalog.catalog import Catalog
from bot.catalog.rosters import Rosters
from bot.catalog.store import CatalogStore
from bot.chat.console import ConsoleConversation, ConsoleGateway
from bot.chat.gateway import Gateway
from bot.chat.mirror import Mirror
from bot.chat.relay import Relay
from bot.checks import checks
from bot.clock import Clock, SystemClock
from bot.commands.dispatch import Dispatcher
from bot.commands.services import Services
from bot.engine.host import EngineProcess, Host
from bot.errors import ConfigError
from bot.incidents import timeline
from bot.incidents.announcements import Announcements
from bot.incidents.closing import ArchiveLater, auto_resolve, follow_clearing
from bot.incidents.drawing_process import DrawingProcess
from bot.incidents.early import EVERY as EARLY_EVERY
from bot.incidents.early import EarlyWarnings
from bot.incidents.effects import RoomEffects
from bot.incidents.forewarning import EVERY as FOREWARNING_EVERY
from bot.incidents.forewarning import Forewarning
from bot.incidents.grouping import READER, Grouping
from bot.incidents.history import History
from bot.incidents.lessons import EVERY as LESSONS_EVERY
from bot.incidents.lessons import Lessons
from bot.incidents.lifecycle import settling
from bot.incidents.lines import Lines
from bot.incidents.mirroring import Mirroring
from bot.incidents.pictures import Pictures, card_pictures
from bot.incidents.pipeline import Pipeline
from bot.incidents.reading import Reader
from bot.incidents.service import Incidents
from bot.incidents.silences import Silences
from bot.incidents.updates import follow_updates, overdue_updates
from bot.intake.door import DoorSite, runner
from bot.intake.opening import open_journal
from bot.intake.signatures import Guard
from bot.intake.sources import discover
from bot.intake.webhooks import Desk, add_routes
from bot.replay.weighing import load_weights
from bot.responders import recipients
from bot.responders.naming import authors, people
from bot.responders.owners import Owners
from bot.responders.paging import Paging
from bot.retros.service import Retros
from bot.runbooks import actions
from bot.runbooks.service import Runbooks
from bot.scheduler import Scheduler
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.lease import held
from bot.storage.retention import Retention
from bot.storage.room import measure
from bot.telemetry import Metrics, get_logger
from bot.turns import Turns
from bot.web.api.retros import retro_path
from bot.web.application import application
from bot.web.parts import Lag, WebParts

if TYPE_CHECKING:
    from bot.chat.slack.tiers import Tiers

__all__ = ["App", "version"]

log = get_logger(__name__)

SIZES_EVERY = 10.0  # seconds between two looks at how much is kept; other gauges are read when they are asked for
PRUNE_EVERY = 3600.0
GROUPS_EVERY = 2.0  # seconds between two looks whether it is time to ask who is in a group


def version() -> str:
    """This Muster's version."""
    return metadata.version("muster")


class App:
    """A running Muster. `async with App(...)` starts it; leaving stops it cleanly.

    `environment` is where runbooks find their secrets, `${env:NAME}`, when they use them. `tiers` are Slack's paces;
    `engine` is where the correlation engine works, a process of its own if nobody says otherwise.
    """

    def __init__(
        self,
        settings: Settings,
        catalog: CatalogStore,
        *,
        environment: Mapping[str, str],
        clock: Clock | None = None,
        demo: bool = False,
        tiers: Tiers | None = None,
        engine: Host | None = None,
    ) -> None:
        self.settings, self.catalog, self.environment, self.demo = settings, catalog, environment, demo
        self.clock = clock or SystemClock()
        self._tiers = tiers
        self._engine = engine or EngineProcess()
        self.metrics = Metrics()
        self.failed: asyncio.Future[None] | None = None  # set when a part that must not end has ended
        self._stack = AsyncExitStack()
        self._reload_problems = ""
        self._port = 0

    @property
    def address(self) -> str:
        """Where the situation room is, as this machine reaches it."""
        host = self.settings.http_host
        host = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self._port}"

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        log.info("muster_stopped")

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; SIGHUP reloads the catalogue. Raises what made a part fail."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        reloads: set[asyncio.Task[None]] = set()

        def reload() -> None:
            task = loop.create_task(self.reload())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        loop.add_signal_handler(signal.SIGHUP, reload)
        stopped = loop.create_task(stop.wait())
        failed = self.failed or loop.create_future()
        try:
            await asyncio.wait({stopped, failed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(name)
        if failed.done():
            failed.result()

    async def reload(self) -> None:
        """Read the catalogue again; a bad one keeps the old one and says so."""
        outcome = self.catalog.reload()
        self._reload_problems = "\n".join(map(str, outcome.problems))
        if outcome.problems:
            log.error("catalog_kept", problems=self._reload_problems)
            return
        log.info("catalog_reloaded", changed=outcome.changed)
        if outcome.changed:
            await self.silences.sync(self.catalog.current)

    # --- starting -----------------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        settings, clock, metrics = self.settings, self.clock, self.metrics
        rosters = Rosters(lambda: self.catalog.current)
        catalog: Callable[[], Catalog] = rosters  # the current one, whenever asked
        person, author = people(catalog), authors(catalog)
        self._stack.push_async_callback(self._engine.close)
        await self._engine.start()
        self.database = await Database.open(settings.database_url)
        self._stack.push_async_callback(self.database.close)
        await self._stack.enter_async_context(held(self.database))
        self.journal = await open_journal(self.database, READER)
        self._stack.push_async_callback(self.journal.close)
        sources = discover()

        console = ConsoleGateway(self.database, clock)
        gateways: dict[str, Gateway] = {console.platform: console}
        connected = platforms.configured(settings, catalog, self._tiers)
        for platform in connected:
            self._stack.push_async_callback(platform.close)
            gateways[platform.gateway.platform] = platform.gateway
        names = tuple(gateways)

        turns = Turns()
        reader = Reader(self.database, sources=sources, catalog=catalog, turns=turns)
        self.grouping = Grouping(
            self.database,
            self.journal,
            clock,
            host=self._engine,
            reader=reader,
            catalog=catalog,
            weights=load_weights(settings.weights) if settings.weights else None,
        )
        drawing = DrawingProcess()
        self._stack.push_async_callback(drawing.close)
        pictures = Pictures(self.database, clock, catalog, drawing.draw)
        self._stack.push_async_callback(pictures.close)
        announcements = Announcements(names, catalog, person)
        lines = Lines(
            self.database, clock, catalog=catalog, announcements=announcements, person=person, platforms=names
        )
        archive = ArchiveLater(catalog, announcements)
        paging = Paging(
            self.database,
            clock,
            catalog=catalog,
            announcements=announcements,
            person=person,
            platforms=names,
            metrics=metrics,
        )
        self.incidents = Incidents(
            self.database,
            clock,
            reactions=(timeline.record, announcements, lines, paging, follow_clearing, follow_updates, archive),
            card=announcements.refresh_card,
            names=lambda key: person(key).name,
            grouping=self.grouping,
        )
        self.silences = Silences(self.database, clock, lambda: self.grouping.position, still=self.grouping.still)
        runbooks = Runbooks(
            self.database,
            clock,
            catalog=catalog,
            announcements=announcements,
            person=person,
            policies=recipients,
            actions=actions.discover(),
            environment=self.environment,
            metrics=metrics,
        )
        retros = Retros(
            self.database,
            clock,
            announcements,
            person=person,
            author=author,
            download=partial(self._download, names),
        )
        early = EarlyWarnings(self.database, clock, catalog=catalog, announcements=announcements, platforms=names)
        self.pipeline = Pipeline(
            self.database,
            self.journal,
            clock,
            reader=reader,
            grouping=self.grouping,
            incidents=self.incidents,
            catalog=catalog,
            metrics=metrics,
            turns=turns,
            warnings=early,
        )
        mirroring = Mirroring(self.database, clock, Mirror(names, clock), announcements)
        rooms = RoomEffects(self.database, clock, catalog=catalog, person=person, author=author, pictures=pictures)
        executors = {**lines.executors(), **rooms.executors(), **paging.executors(), **early.executors()}
        executors |= mirroring.executors(rooms.in_the_room)
        relay = Relay(self.database, clock, gateways=gateways, executors=executors, metrics=metrics)
        history = History(self.database)
        services = Services(
            database=self.database,
            clock=clock,
            catalog=catalog,
            person=person,
            incidents=self.incidents,
            announcements=announcements,
            owners=Owners(self.database, clock, catalog, announcements),
            paging=paging,
            silences=self.silences,
            runbooks=runbooks,
            history=history,
            mirroring=mirroring,
            pictures=pictures,
            retros=retros,
            metrics=metrics,
        )
        dispatcher = Dispatcher(services, turns)
        handlers = {
            **auto_resolve(self.incidents),
            **settling(self.incidents),
            **archive.handlers(),
            **card_pictures(announcements),
            **overdue_updates(announcements, person),
            **paging.handlers(),
            **runbooks.handlers(),
        }
        scheduler = Scheduler(self.database, clock, handlers, metrics=metrics)
        self.retention = Retention(self.database, self.journal, clock, catalog=catalog, metrics=metrics)
        sizes = partial(measure, self.database, self.journal, metrics)
        scheduler.every(SIZES_EVERY, "sizes", sizes)
        scheduler.every(PRUNE_EVERY, "retention", self.retention.prune)
        forewarning = Forewarning(self.database, clock, history, announcements)
        scheduler.every(FOREWARNING_EVERY, "forewarning", forewarning.look)
        lessons = Lessons(self.database, clock, self.grouping, catalog)
        scheduler.every(LESSONS_EVERY, "lessons", lessons.study)
        scheduler.every(EARLY_EVERY, "early_warnings", early.look)
        for look in platforms.groups(connected, rosters):
            scheduler.every(GROUPS_EVERY, "groups", look)
        await self.silences.sync(self.catalog.current)
        await runbooks.start()
        self._stack.push_async_callback(runbooks.stop)
        self._stack.push_async_callback(dispatcher.close)
        ears = {one.gateway.platform: one.listen(dispatcher, services, console) for one in connected}
        guard = Guard.of(settings, sources)
        desk = Desk(sources=sources, guard=guard, journal=self.journal, clock=clock, metrics=metrics)
        await self._serve(
            WebParts(
                database=self.database,
                clock=clock,
                metrics=metrics,
                catalog=catalog,
                dispatcher=dispatcher,
                conversation=ConsoleConversation(self.database, clock, mirroring.mirror),
                journal=self.journal,
                retros=retros,
                pictures=pictures,
                version=version(),
                host=settings.http_host,
                public_url=settings.public_url,
                http_token=settings.http_token.get_secret_value() if settings.http_token else "",
                demo=self.demo,
                lag=self.lag,
                checks=checks(
                    self.database,
                    self.journal,
                    self.pipeline,
                    self.catalog,
                    lambda: self._reload_problems,
                    {name: ear.check for name, ear in ears.items()},
                ),
                mount=self._mount(desk, ears.values()),
            ),
            desk,
        )
        self._stack.push_async_callback(self.grouping.close)
        self.failed = asyncio.get_running_loop().create_future()
        for name, loop in (("pipeline", self.pipeline.run()), ("relay", relay.run())):
            self._keep_running(name, asyncio.create_task(loop, name=name))
        for ear in ears.values():
            await ear.start()
            self._stack.push_async_callback(ear.stop)
        scheduler.start()
        self._stack.push_async_callback(scheduler.stop)
        await sizes()
        log.info("muster_started", version=version(), address=self.address, platforms=list(names))

    def _mount(self, desk: Desk, ears: Iterable[platforms.Ear]) -> Callable[[web.Application], None]:
        def mount(app: web.Application) -> None:
            add_routes(app, desk)
            for ear in ears:
                ear.add_routes(app)

        return mount

    async def _serve(self, parts: WebParts, desk: Desk) -> None:
        app_runner = runner(application(parts))
        await app_runner.setup()
        self._stack.push_async_callback(app_runner.cleanup)
        site = DoorSite(app_runner, desk, self.clock, self.settings.http_host, self.settings.http_port)
        try:
            await site.start()
        except OSError as error:
            raise ConfigError(
                f"Nothing can listen on {self.settings.http_host}:{self.settings.http_port}: "
                f"{os.strerror(error.errno).lower() if error.errno else error}. Another Muster may be running; "
                "MUSTER_HTTP_PORT (of muster demo: --port) chooses another port."
            ) from error
        self._port = site.port

    def _keep_running(self, name: str, task: asyncio.Task[None]) -> None:
        """A loop that ends by itself ends Muster: better started anew than half alive."""

        def ended(task: asyncio.Task[None]) -> None:
            if task.cancelled() or self.failed is None or self.failed.done():
                return
            error = task.exception() or RuntimeError(f"{name} ended")
            log.critical("part_failed", part=name, error=repr(error))
            self.failed.set_exception(error)

        async def stop() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        task.add_done_callback(ended)
        self._stack.push_async_callback(stop)

    def _download(self, platforms: Sequence[str], ref: str, form: str, platform: str) -> str:
        """Whoever sits elsewhere reaches our files only where the operator said how."""
        if "public_url" in self.settings.model_fields_set:
            return self.settings.public_url + retro_path(ref, form)
        here = self.settings.is_loopback and {platform or name for name in platforms} == {ConsoleGateway.platform}
        return self.address + retro_path(ref, form) if here else ""

    def lag(self) -> Lag:
        """How far the pipeline is behind the journal."""
        behind = self.pipeline.behind()
        return Lag(deliveries=behind.deliveries, seconds=behind.seconds)
