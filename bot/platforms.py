"""The chat platforms beside the situation room, as the app needs them; an SDK is imported when it is configured, and only then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
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

__all__ = ["Ear", "Grouped", "Platform", "configured", "groups"]


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


def groups(connected: Iterable[Platform], rosters: Rosters) -> list[Callable[[], Awaitable[None]]]:
    """The jobs that tell who is in the platforms' groups."""
    return [platform.groups(rosters) for platform in connected if isinstance(platform, Grouped)]


def configured(settings: Settings, catalog: Callable[[], Catalog], tiers: Tiers | None = None) -> list[Platform]:
    """The platforms for which there is a token. Each SDK takes a quarter of a second or more to import."""
    found: list[Platform | None] = []
    if settings.slack_bot_token is not None:
        from bot.chat.slack.platform import SlackPlatform

        found.append(SlackPlatform.of(settings, catalog, tiers=tiers))
    if settings.discord_bot_token is not None:
        from bot.chat.discord.platform import DiscordPlatform

        found.append(DiscordPlatform.of(settings, catalog))
    return [platform for platform in found if platform is not None]
