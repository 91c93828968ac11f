"""What the web is given: the other parts, and the few settings it needs. Nothing is built or read here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from aiohttp import web

from bot.catalog.catalog import Catalog
from bot.chat.conversation import Conversation
from bot.chat.views import Person, Picture, Reply
from bot.clock import Clock
from bot.commands.dispatch import Completion, Invocation
from bot.intake.journal import Rejection
from bot.retros.service import Rendered
from bot.storage.database import Database
from bot.telemetry import Metrics

__all__ = ["Dispatcher", "HealthCheck", "Lag", "Pictures", "RejectedDeliveries", "Retrospectives", "WebParts"]

STATIC = Path(__file__).parent / "static"


class Dispatcher(Protocol):
    """Runs commands, and says how one may go on: bot.commands.dispatch.Dispatcher, or a scripted one in tests."""

    async def run(self, invocation: Invocation) -> Reply:
        """Do it once for each request_id and answer."""
        ...

    async def complete(self, line: str, actor: Person, incident: int | None) -> tuple[int, Sequence[Completion]]:
        """Where in `line` (what stands after `/incident`) the completed word begins, and what may stand there."""
        ...


class RejectedDeliveries(Protocol):
    """The journal, as far as the web reads it."""

    async def rejected(self, before: int | None = None, limit: int = 50) -> Sequence[Rejection]:
        """Refused deliveries, newest first, older than position `before`."""
        ...


class Retrospectives(Protocol):
    """bot.retros.service.Retros, as far as the web reads it."""

    async def render(self, number: int, form: str) -> Rendered:
        """The retrospective of an incident in a format; NotFound when there is no such incident."""
        ...


class Pictures(Protocol):
    """bot.incidents.pictures.Pictures, as far as the web reads it."""

    async def of(self, number: int, *, light: bool = False) -> Picture | None:
        """The picture of an incident; None without alerts, NotFound when there is no such incident."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far the pipeline is behind the journal: deliveries not yet processed, and the age of the oldest in seconds."""

    deliveries: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """Something that must work. `check` returns a word on how it is, and raises MusterError when it does not work.

    Without an `essential` part Muster is not ready; without another one it is ready and degraded.
    """

    name: str
    check: Callable[[], Awaitable[str]]
    essential: bool = True


def _no_lag() -> Lag:
    return Lag()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebParts:
    """Everything that `bot.web.application` needs.

    `host` is the address that the server is bound to; `public_url` how people reach it, when that differs; `mount` adds
    routes that stand outside the web's own care (the webhooks).
    """

    database: Database
    clock: Clock
    metrics: Metrics
    catalog: Callable[[], Catalog]
    dispatcher: Dispatcher
    conversation: Conversation
    journal: RejectedDeliveries
    retros: Retrospectives
    pictures: Pictures
    version: str
    host: str = "127.0.0.1"
    public_url: str = ""
    http_token: str = field(default="", repr=False)
    demo: bool = False
    lag: Callable[[], Lag] = _no_lag
    checks: tuple[HealthCheck, ...] = ()
    mount: Callable[[web.Application], None] | None = None
    static: Path = STATIC
