"""Discord as one part of Muster: what it is made of, put together."""

from __future__ import annotations

from collections.abc import Callable

from bot.catalog.catalog import Catalog
from bot.chat.absence import Absence
from bot.chat.discord.accounts import PLATFORM, Accounts
from bot.chat.discord.asking import Asking
from bot.chat.discord.client import DiscordClient
from bot.chat.discord.edge import DiscordEdge
from bot.chat.discord.gateway import DiscordGateway
from bot.chat.discord.hearing import Hearing
from bot.chat.discord.socket import Identifies, Socket
from bot.chat.discord.supervision import Supervision
from bot.chat.discord.tree import SHORT
from bot.chat.gateway import Gateway
from bot.commands.dispatch import Dispatcher
from bot.commands.services import Services
from bot.settings import Settings

__all__ = ["DiscordPlatform"]


class DiscordPlatform:
    """One server. Commands are listened for once `listen` has been told who runs them."""

    def __init__(
        self,
        token: str,
        url: str,
        catalog: Callable[[], Catalog],
        *,
        guild: int | None = None,
        short: bool = False,
        link: Callable[[str], str] = lambda _: "",
    ) -> None:
        self._token, self._catalog, self._short = token, catalog, SHORT if short else ()
        self._client = DiscordClient(token, url, guild)
        self._accounts = Accounts(catalog)
        self.gateway = DiscordGateway(self._client, self._accounts, lambda: catalog().rooms.discord, link)

    @classmethod
    def of(cls, settings: Settings, catalog: Callable[[], Catalog]) -> DiscordPlatform | None:
        """The server of the settings' token; None without one."""
        if settings.discord_bot_token is None:
            return None
        told = "public_url" in settings.model_fields_set  # else nobody said how people elsewhere reach us

        def link(room: str) -> str:
            return f"{settings.public_url}/#/rooms/{room}" if told else ""

        token = settings.discord_bot_token.get_secret_value()
        return cls(
            token,
            settings.discord_api_url,
            catalog,
            guild=settings.discord_guild_id,
            short=settings.discord_short_commands,
            link=link,
        )

    def listen(self, dispatcher: Dispatcher, services: Services, elsewhere: Gateway) -> DiscordEdge:
        """What hears Discord; start it when everything else is there. It tells `elsewhere` when Discord is out of reach."""
        database, clock, metrics = services.database, services.clock, services.metrics
        asking = Asking(self._accounts, database, dispatcher, self._catalog, metrics, clock, short=self._short)
        mirror = services.mirroring.mirror
        hearing = Hearing(self._client, self._accounts, database, clock, services.incidents, mirror, metrics)

        def socket(identifies: Identifies, content: bool, guild: int) -> Socket:
            return Socket(hearing.happened, asking, identifies, metrics, content=content, guild=guild)

        return DiscordEdge(
            self._client,
            self.gateway,
            Supervision(self._client, self._token, socket),
            hearing,
            Absence(PLATFORM, "Discord", elsewhere, database, clock),
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()
