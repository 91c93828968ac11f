"""The chat platforms beside the situation room, as the app needs them; an SDK is imported when it is configured, and only then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from aiohttp import web

from bot.catalog.catalog import Catalog
from bot.catalog.rosters import Rosters
from bot.chat.gateway import Gateway
from bot.commands.dispatch import Dispatcher
from bot.commands.services import Services
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.chat.slack.tiers import Tiers

__all__ = ["Ear", "Grouped", "Platform", "groups", "slack"]


class Ear(Protocol):
    """What hears a platform."""

    async def start(self) -> None:
        """Begin to listen; that the platform is away is no reason not to."""
        ...

    async def stop(self) -> None:
        """Listen no more."""
        ...

    async def check(self) -> str:
        """A word on how it is; StorageUnavailable with what to do when it is not well."""
        ...

    def add_routes(self, app: web.Application) -> None:
        """Add what the platform posts to, where it does."""
        ...


class Platform(Protocol):
    """One workspace or guild."""

    @property
    def gateway(self) -> Gateway:
        """How it is spoken to."""
        ...

    def listen(self, dispatcher: Dispatcher, services: Services, elsewhere: Gateway) -> Ear:
        """What hears it; it tells `elsewhere` when the platform is out of reach."""
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...


@runtime_checkable
class Grouped(Protocol):
    """Platforms with groups of people that may be teams of the catalogue."""

    def groups(self, rosters: Rosters) -> Callable[[], Awaitable[None]]:
        """The job that tells who is in them; it may be run every few seconds."""
        ...


def groups(platform: object, rosters: Rosters) -> Callable[[], Awaitable[None]] | None:
    """The job that tells who is in the platform's groups; None where it has none."""
    return platform.groups(rosters) if isinstance(platform, Grouped) else None


def slack(settings: Settings, catalog: Callable[[], Catalog], tiers: Tiers | None) -> Platform | None:
    """Slack, where there is a token for it. Its SDK takes a quarter of a second to import."""
    if settings.slack_bot_token is None:
        return None
    from bot.chat.slack.platform import SlackPlatform

    return SlackPlatform.of(settings, catalog, tiers=tiers)
