"""The socket through which Slack speaks to us: it connects, and connects again; what is said on it does not enter here."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

__all__ = ["Socket"]

PING = 5.0  # seconds between two looks whether the socket still lives


class Socket:
    """One connection by Socket Mode, kept up by the SDK. `trouble` is Slack's word for why it does not let us connect."""

    def __init__(self, app: AsyncApp, app_token: str, web: AsyncWebClient) -> None:
        self._door = _Door(base_url=web.base_url, session=web.session, retry_handlers=[])
        self._handler = AsyncSocketModeHandler(
            app, app_token, logger=_silent(), web_client=self._door, ping_interval=PING
        )
        self._connecting = asyncio.create_task(self._handler.connect_async(), name="slack socket")

    @property
    def trouble(self) -> str:
        """What Slack said when we asked for a connection last; "" when it gave one, or said nothing."""
        return self._door.trouble

    async def connected(self) -> object | None:
        """The connection, another one after each reconnect; None while there is none."""
        client = self._handler.client
        return client.current_session if await client.is_connected() else None

    async def close(self) -> None:
        """Hang up."""
        self._connecting.cancel()
        await asyncio.gather(self._connecting, return_exceptions=True)
        client = self._handler.client
        with suppress(Exception):
            await self._handler.close_async()
        # The SDK does not wait for what it cancels: one of them may just have connected again.
        tasks = (client.current_session_monitor, client.message_receiver, client.message_processor)
        await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)
        if client.current_session is not None:
            with suppress(Exception):
                await client.current_session.close()
        await client.aiohttp_client_session.close()  # which stays open where hanging up fails


class _Door(AsyncWebClient):
    """Where connections are asked for: remembers why there is none."""

    trouble = ""

    async def apps_connections_open(self, *, app_token: str, **arguments: Any) -> AsyncSlackResponse:
        try:
            answer = await super().apps_connections_open(app_token=app_token, **arguments)
        except SlackApiError as error:
            self.trouble = str(error.response.get("error", "") or "no")
            raise
        self.trouble = ""
        return answer


def _silent() -> logging.Logger:
    """The SDK tells each try with a trace; `check` and our own log say it once."""
    logger = logging.getLogger("slack_sdk.muster")
    logger.setLevel(logging.CRITICAL + 1)
    return logger
