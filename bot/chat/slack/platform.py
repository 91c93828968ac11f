"""Slack as one part of Muster: what it is made of, put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.catalog.catalog import Catalog
from bot.catalog.rosters import Rosters
from bot.chat.absence import Absence
from bot.chat.gateway import Gateway
from bot.chat.slack.accounts import Accounts
from bot.chat.slack.asking import Asking
from bot.chat.slack.client import SlackClient
from bot.chat.slack.edge import SlackEdge
from bot.chat.slack.gateway import SlackGateway
from bot.chat.slack.groups import Groups
from bot.chat.slack.hearing import Hearing
from bot.chat.slack.history import History
from bot.chat.slack.keeping import Keeping
from bot.chat.slack.tab import Tab
from bot.chat.slack.tiers import Tiers
from bot.commands.dispatch import Dispatcher
from bot.commands.services import Services
from bot.settings import Settings

__all__ = ["SlackPlatform"]


class SlackPlatform:
    """One workspace. Commands are listened for once `listen` has been told who runs them."""

    def __init__(
        self,
        token: str,
        url: str,
        catalog: Callable[[], Catalog],
        *,
        app_token: str = "",
        signing_secret: str = "",
        address: str = "",
        tiers: Tiers | None = None,
    ) -> None:
        self._client = SlackClient(token, url, tiers=tiers)
        self._accounts = Accounts(self._client, catalog)
        self._catalog, self._app_token, self._signing_secret = catalog, app_token, signing_secret
        self.gateway = SlackGateway(self._client, self._accounts, address)

    @classmethod
    def of(
        cls, settings: Settings, catalog: Callable[[], Catalog], *, tiers: Tiers | None = None
    ) -> SlackPlatform | None:
        """The workspace of the settings' token; None without one."""
        if settings.slack_bot_token is None:
            return None
        told = "public_url" in settings.model_fields_set  # else nobody said how people elsewhere reach us
        app_token, secret = settings.slack_app_token, settings.slack_signing_secret
        return cls(
            settings.slack_bot_token.get_secret_value(),
            settings.slack_api_url,
            catalog,
            app_token=app_token.get_secret_value() if app_token else "",
            signing_secret=secret.get_secret_value() if secret else "",
            address=settings.public_url if told else "",
            tiers=tiers,
        )

    def listen(self, dispatcher: Dispatcher, services: Services, elsewhere: Gateway) -> SlackEdge:
        """What hears Slack; start it when everything else is there. It tells `elsewhere` when Slack is out of reach."""
        database, clock = services.database, services.clock
        keeping = Keeping(self._client, self._accounts, database, services.incidents, services.mirroring.mirror)
        return SlackEdge(
            self._client,
            Asking(self._client, self._accounts, self.gateway.pictures, keeping, database, dispatcher, self._catalog),
            Hearing(self._accounts, database, clock, keeping, services.incidents),
            History(self._client, database, clock, keeping),
            Tab(self._client, self._accounts, services),
            services.metrics,
            Absence("slack", "Slack", elsewhere, database, clock),
            app_token=self._app_token,
            signing_secret=self._signing_secret,
        )

    def groups(self, rosters: Rosters) -> Callable[[], Awaitable[None]]:
        """The job that tells who is in the user groups that are teams."""
        return Groups(self._client, rosters).look

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()
