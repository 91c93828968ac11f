"""Muster as a whole: opens what it stands on, has the parts wired, starts them in order and stops them in the other.

Who is joined to whom is the wiring's; there are no rules here.
"""

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
from bot.catalog.rosters import Rosters
from bot.catalog.store import CatalogStore
from bot.chat.console import ConsoleConversation, ConsoleGateway
from bot.checks import checks
from bot.clock import Clock, SystemClock
from bot.engine.host import EngineProcess, Host
from bot.errors import ConfigError
from bot.incidents.drawing_process import DrawingProcess
from bot.incidents.grouping import READER
from bot.intake.door import DoorSite, runner
from bot.intake.opening import open_journal
from bot.intake.signatures import Guard
from bot.intake.sources import discover
from bot.intake.webhooks import Desk, add_routes
from bot.replay.weighing import load_weights
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.lease import held
from bot.telemetry import Metrics, get_logger
from bot.web.api.retros import retro_path
from bot.web.application import application
from bot.web.parts import Lag, WebParts
from bot.wiring import Parts, wire

if TYPE_CHECKING:
    from bot.chat.slack.tiers import Tiers

__all__ = ["App", "version"]

log = get_logger(__name__)


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
            await self.pipeline.look_again()

    # --- starting -----------------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        settings, clock, metrics, stack = self.settings, self.clock, self.metrics, self._stack
        stack.push_async_callback(self._engine.close)
        await self._engine.start()
        self.database = await Database.open(settings.database_url)
        stack.push_async_callback(self.database.close)
        await stack.enter_async_context(held(self.database))
        self.journal = await open_journal(self.database, READER)
        stack.push_async_callback(self.journal.close)
        catalog = Rosters(lambda: self.catalog.current)
        console = ConsoleGateway(self.database, clock)
        connected = platforms.configured(settings, catalog, self._tiers)
        for platform in connected:
            stack.push_async_callback(platform.close)
        names = [console.platform, *(platform.gateway.platform for platform in connected)]
        drawing = DrawingProcess()
        stack.push_async_callback(drawing.close)
        sources = discover()
        parts = wire(
            self.database,
            self.journal,
            clock,
            metrics,
            catalog=catalog,
            sources=sources,
            console=console,
            connected=connected,
            engine=self._engine,
            weights=load_weights(settings.weights) if settings.weights else None,
            draw=drawing.draw,
            download=partial(self._download, names),
            environment=self.environment,
        )
        services, dispatcher = parts.services, parts.dispatcher
        self.incidents, self.silences, self.pipeline = services.incidents, services.silences, parts.pipeline
        stack.push_async_callback(services.pictures.close)
        await self.silences.sync(self.catalog.current)
        await services.runbooks.start()
        stack.push_async_callback(services.runbooks.stop)
        stack.push_async_callback(dispatcher.close)
        ears = {one.gateway.platform: one.listen(dispatcher, services, console) for one in connected}
        desk = Desk(
            sources=sources, guard=Guard.of(settings, sources), journal=self.journal, clock=clock, metrics=metrics
        )
        await self._serve(self._web(parts, ears, desk), desk)
        stack.push_async_callback(parts.grouping.close)
        self.failed = asyncio.get_running_loop().create_future()
        for name, loop in (("pipeline", parts.pipeline.run()), ("relay", parts.relay.run())):
            self._keep_running(name, asyncio.create_task(loop, name=name))
        for ear in ears.values():
            await ear.start()
            stack.push_async_callback(ear.stop)
        parts.scheduler.start()
        stack.push_async_callback(parts.scheduler.stop)
        await parts.sizes()
        log.info("muster_started", version=version(), address=self.address, platforms=names)

    def _web(self, parts: Parts, ears: Mapping[str, platforms.Ear], desk: Desk) -> WebParts:
        settings, services = self.settings, parts.services
        return WebParts(
            database=self.database,
            clock=self.clock,
            metrics=self.metrics,
            catalog=services.catalog,
            dispatcher=parts.dispatcher,
            conversation=ConsoleConversation(self.database, self.clock, services.mirroring.mirror),
            journal=self.journal,
            retros=services.retros,
            pictures=services.pictures,
            version=version(),
            host=settings.http_host,
            public_url=settings.public_url,
            http_token=settings.http_token.get_secret_value() if settings.http_token else "",
            demo=self.demo,
            lag=self.lag,
            checks=checks(
                self.database,
                self.journal,
                parts.pipeline,
                self.catalog,
                lambda: self._reload_problems,
                {name: ear.check for name, ear in ears.items()},
            ),
            mount=self._mount(desk, ears.values()),
        )

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
