"""The ear of the Slack edge: bolt's listeners, and the socket through which Slack speaks to us. It acknowledges first, always.

What is asked is asking's, what is heard is hearing's; nothing is decided here.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.chat.conversation import LOBBY
from bot.chat.gateway import Gateway
from bot.chat.slack.asking import Asking
from bot.chat.slack.client import SlackClient
from bot.chat.slack.hearing import Hearing
from bot.chat.slack.manifest import ADD_TO_TIMELINE, DECLARE, DECLARE_FROM_MESSAGE, EVENTS_PATH
from bot.chat.slack.modals import CALLBACK, CHOSEN
from bot.chat.slack.socket import Socket
from bot.chat.slack.tab import Tab
from bot.chat.views import Code, Moment, Notice, Reply, text
from bot.clock import Clock
from bot.errors import DeliveryError, StorageUnavailable
from bot.telemetry import Metrics, get_logger

__all__ = ["SlackEdge"]

log = get_logger(__name__)

REMEMBERED = 5_000  # event ids; Slack repeats an event for some minutes
LOOK = 0.5  # seconds between two looks whether there is a connection
LOUD = 10.0  # ... without one before it is told

Listener = Callable[[dict[str, Any]], Awaitable[Any]]


class SlackEdge:
    """Listens to Slack, by Socket Mode with `app_token`, else by HTTP with `signing_secret` (the web hands requests on).

    `elsewhere` is where it is told when Slack is out of reach.
    """

    def __init__(
        self,
        client: SlackClient,
        asking: Asking,
        hearing: Hearing,
        tab: Tab,
        metrics: Metrics,
        clock: Clock,
        elsewhere: Gateway,
        *,
        app_token: str = "",
        signing_secret: str = "",
    ) -> None:
        self._client, self._asking, self._hearing, self._tab, self._metrics = client, asking, hearing, tab, metrics
        self._clock, self._elsewhere = clock, elsewhere
        self._app_token, self._signing_secret = app_token, signing_secret
        self._app: AsyncApp | None = None
        self._socket: Socket | None = None
        self._listening: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._missed = False  # something that was heard could not be kept
        self._events: OrderedDict[str, None] = OrderedDict()

    async def start(self) -> None:
        """Begin to listen; Slack being away is no reason not to."""
        self._app = self._listeners()
        if self._app_token:
            self._socket = Socket(self._app, self._app_token, self._client.web)
        self._listening = asyncio.create_task(self._listen(), name="slack")

    async def stop(self) -> None:
        """Listen no more."""
        tasks = [task for task in (self._listening, self._reading) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        self._socket = self._app = None

    async def check(self) -> str:
        """A word on how it is. StorageUnavailable with what to do when Slack does not hear us, or we do not hear Slack."""
        if self._client.trouble:
            await self._ask_who_we_are()
        if wrong := await self._wrong():
            raise StorageUnavailable(wrong)
        return "connected" if self._app_token else "listens by HTTP"

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

    # --- connecting ---------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        """After each connection, read what was said while there was none; tell the situation room what is wrong for long."""
        await self._ask_who_we_are()
        known: object | None = None
        since: float | None = None  # when it went wrong
        told = ""
        while True:
            current = await self._socket.connected() if self._socket is not None else self
            if current is not None and current is not known:
                log.info("slack_connected", by="socket" if self._socket else "http", again=known is not None)
                known, self._missed = current, True
            if self._missed and current is not None and (self._reading is None or self._reading.done()):
                self._missed = False  # it may take long: meanwhile it goes on here
                reading = self._guarded(lambda _: self._hearing.catch_up(), {}, "history")
                self._reading = asyncio.create_task(reading, name="slack history")
            wrong, now = await self._wrong(), self._clock.now()
            since = (since or now) if wrong else since
            if wrong and wrong != told and (self._client.trouble or now - (since or now) >= LOUD):
                told = wrong
                log.error("slack_trouble", reason=wrong)
                await self._tell(Notice(text=(wrong,), tone="bad"), now)
            elif not wrong and told and since is not None:
                back = text("Slack was out of reach from ", Moment(since), ". What waited arrives there now, in order.")
                told, since = "", None
                await self._tell(Notice(text=back, tone="good"), now)
            elif not wrong:
                since = None
            await asyncio.sleep(LOOK)

    async def _tell(self, notice: Notice, at: float) -> None:
        """Say it where Slack is not needed."""
        with suppress(DeliveryError, StorageUnavailable):
            await self._elsewhere.post(LOBBY, notice, nonce=f"slack:{at}")

    async def _ask_who_we_are(self) -> None:
        """Whether our token is accepted; the client remembers what Slack says."""
        with suppress(DeliveryError):
            await self._client.call("auth.test")

    # --- listeners ----------------------------------------------------------------------------------------------------

    def _listeners(self) -> AsyncApp:
        app = AsyncApp(
            client=self._client.web,
            signing_secret=self._signing_secret or None,
            request_verification_enabled=bool(self._signing_secret),
            logger=_quiet(),
        )
        asking, hearing = self._asking, self._hearing
        every = re.compile(".*")

        async def command(ack: Any, body: dict[str, Any]) -> None:
            await ack()
            await self._guarded(asking.command, body, "command")

        async def action(ack: Any, body: dict[str, Any]) -> None:
            await ack()
            chosen = body["actions"][0].get("action_id") == CHOSEN
            await self._guarded(asking.choose_runbook if chosen else asking.press, body, "action")

        async def submit(ack: Any, body: dict[str, Any]) -> None:
            if wrong := asking.wrong(body):
                await ack(response_action="errors", errors=wrong)
                return
            await ack()
            await self._guarded(asking.submit, body, "form")

        async def options(ack: Any, body: dict[str, Any]) -> None:
            await ack(await asking.suggest(body))

        app.command(every)(command)
        app.action(every)(action)
        app.view(CALLBACK)(submit)
        app.options(every)(options)
        for name, listener in (
            (ADD_TO_TIMELINE, asking.note_message),
            (DECLARE_FROM_MESSAGE, asking.declare_from_message),
            (DECLARE, asking.declare),
        ):
            app.shortcut(name)(self._after_ack(listener))
        for name, heard in (
            ("message", hearing.message),
            ("member_joined_channel", hearing.joined),
            ("member_left_channel", hearing.left),
            ("reaction_added", hearing.pinned),
            ("reaction_removed", hearing.pinned),
            ("app_mention", self._mentioned),
            ("app_home_opened", self._tab.open),
            ("tokens_revoked", self._revoked),
            ("app_uninstalled", self._revoked),
        ):
            app.event(name)(self._once(heard))
        app.event(every)(self._once(_nothing))
        app.error(self._failed)
        return app

    def _after_ack(self, listener: Listener) -> Callable[..., Awaitable[None]]:
        async def listen(ack: Any, body: dict[str, Any]) -> None:
            await ack()
            await self._guarded(listener, body, "shortcut")

        return listen

    def _once(self, listener: Listener) -> Callable[..., Awaitable[None]]:
        """Each event once, though Slack repeats what it thinks was not heard."""

        async def listen(body: dict[str, Any], event: dict[str, Any]) -> None:
            key = str(body.get("event_id", ""))
            if key and key in self._events:
                return
            self._events[key] = None
            while len(self._events) > REMEMBERED:
                self._events.popitem(last=False)
            await self._guarded(listener, event, "event")

        return listen

    async def _guarded(self, listener: Listener, body: dict[str, Any], what: str) -> None:
        """Slack has had its acknowledgement: what fails now is told in the log, never to Slack."""
        try:
            await listener(body)
        except (DeliveryError, StorageUnavailable) as error:
            self._missed = self._missed or what in {"event", "history"}  # read again
            log.warning("slack_not_answered", what=what, reason=str(error))
        except Exception:  # named place: one request of Slack's costs only itself
            log.exception("slack_request_failed", what=what)
            self._metrics.failures.labels("slack").inc()

    async def _failed(self, error: Exception) -> BoltResponse:
        log.error("slack_listener_failed", reason=f"{type(error).__name__}: {error}")
        self._metrics.failures.labels("slack").inc()
        return BoltResponse(status=200)

    async def _mentioned(self, event: dict[str, Any]) -> None:
        """Somebody wrote @Muster: it understands commands."""
        reply = Reply(text=text("I understand commands. All of them: ", Code("/incident help")))
        await self._asking.say_privately(str(event["user"]), str(event["channel"]), reply)

    async def _revoked(self, _event: dict[str, Any]) -> None:
        """Somebody took our token away, or the app: find out, and say so."""
        await self._ask_who_we_are()


async def _nothing(_event: dict[str, Any]) -> None:
    """Events that the app is subscribed to for later."""


def _quiet() -> logging.Logger:
    """Bolt logs whole requests, and a warning for what we mean to leave alone."""
    logger = logging.getLogger("slack_bolt.muster")
    logger.setLevel(logging.ERROR)
    return logger
