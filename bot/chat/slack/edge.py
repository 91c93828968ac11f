"""The Slack edge: how Slack reaches us, by a socket or by HTTP, and the watch over it. What Slack says goes to the listeners."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.chat.absence import Absence
from bot.chat.slack.asking import Asking
from bot.chat.slack.client import SlackClient
from bot.chat.slack.hearing import Hearing
from bot.chat.slack.history import History
from bot.chat.slack.listeners import Listeners
from bot.chat.slack.manifest import EVENTS_PATH
from bot.chat.slack.socket import Socket
from bot.chat.slack.tab import Tab
from bot.errors import DeliveryError, Unavailable
from bot.telemetry import Metrics, get_logger

__all__ = ["SlackEdge"]

log = get_logger(__name__)

LOOK = 0.5  # seconds between two looks whether there is a connection


class SlackEdge:
    """Listens to Slack, by Socket Mode with `app_token`, else by HTTP with `signing_secret` (the web hands requests on).

    `absence` tells when Slack is out of reach.
    """

    def __init__(
        self,
        client: SlackClient,
        asking: Asking,
        hearing: Hearing,
        history: History,
        tab: Tab,
        metrics: Metrics,
        absence: Absence,
        *,
        app_token: str = "",
        signing_secret: str = "",
    ) -> None:
        self._client, self._history, self._absence = client, history, absence
        self._app_token, self._signing_secret = app_token, signing_secret
        self._listeners = Listeners(
            asking=asking,
            hearing=hearing,
            tab=tab,
            metrics=metrics,
            revoked=self._ask_who_we_are,
            missed=self._miss,
        )
        self._app: AsyncApp | None = None
        self._socket: Socket | None = None
        self._watching: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._missed = False  # something was said that is not kept yet

    async def start(self) -> None:
        """Begin to listen; Slack being away is no reason not to."""
        self._app = self._listeners.app(self._client.web, self._signing_secret)
        if self._app_token:
            self._socket = Socket(self._app, self._app_token, self._client.web)
        self._watching = asyncio.create_task(self._watch(), name="slack")

    async def stop(self) -> None:
        """Listen no more."""
        tasks = [task for task in (self._watching, self._reading) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        self._socket = self._app = None

    async def check(self) -> str:
        """A word on how it is. Unavailable with what to do when Slack does not hear us, or we do not hear Slack."""
        if self._client.trouble:
            await self._ask_who_we_are()
        if wrong := await self._wrong():
            raise Unavailable(wrong)
        return "connected" if self._app_token else "listens by HTTP"

    def add_routes(self, app: web.Application) -> None:
        """HTTP mode: requests that Slack signs; bolt checks the signature and its age."""

        async def post(request: web.Request) -> web.Response:
            if self._app is None:
                return web.Response(status=503, headers={"Retry-After": "5"})
            headers: dict[str, str | Sequence[str]] = dict(request.headers)
            asked = AsyncBoltRequest(body=(await request.read()).decode("utf-8", "replace"), headers=headers)
            answer = await self._app.async_dispatch(asked)
            return web.Response(
                status=answer.status,
                body=answer.body,
                headers={"Content-Type": answer.first_headers().get("content-type", "text/plain")},
            )

        if self._signing_secret:
            app.router.add_post(EVENTS_PATH, post)

    # --- the watch ----------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """After each connection, read what was said while there was none; tell the situation room what is wrong for long."""
        await self._ask_who_we_are()
        known: object | None = None
        while True:
            current = await self._socket.connected() if self._socket is not None else self
            if current is not None and current is not known:
                log.info("slack_connected", by="socket" if self._socket else "http", again=known is not None)
                known, self._missed = current, True
            if self._missed and current is not None:
                self._catch_up()
            await self._absence.look(await self._wrong(), at_once=bool(self._client.trouble))
            await asyncio.sleep(LOOK)

    async def _wrong(self) -> str:
        """What is wrong between Slack and us, with the way out; "" when nothing is."""
        if self._client.trouble:
            return (
                f"Slack does not accept SLACK_BOT_TOKEN ({self._client.trouble}). Nothing is lost: it is sent when Slack lets "
                "Muster in. Install the app again, set the new token, start Muster again."
            )
        if self._socket is None or await self._socket.connected() is not None:
            return ""
        if self._socket.trouble:
            return (
                f"Slack does not accept SLACK_APP_TOKEN ({self._socket.trouble}), so nothing that is typed there arrives. "
                "It is an app-level token, xapp-..., with the scope connections:write."
            )
        return "The socket to Slack is not connected; Muster keeps trying."

    def _miss(self) -> None:
        self._missed = True

    def _catch_up(self) -> None:
        """Read history, unless it is being read; it may take long, and Slack is listened to meanwhile."""
        if self._reading is None or self._reading.done():
            self._missed = False
            reading = self._listeners.guarded(lambda _: self._history.catch_up(), {}, "history")
            self._reading = asyncio.create_task(reading, name="slack history")

    async def _ask_who_we_are(self, _told: object = None) -> None:
        """Whether our token is accepted; the client remembers what Slack says."""
        with suppress(DeliveryError):
            await self._client.call("auth.test")
