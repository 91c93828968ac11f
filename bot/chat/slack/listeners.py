"""Bolt's listeners: each acknowledges first, always, then hands on what Slack said. Nothing is decided here, nothing connects.

What is asked is asking's, what is heard is hearing's.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.slack.asking import Asking
from bot.chat.slack.hearing import Hearing
from bot.chat.slack.manifest import ADD_TO_TIMELINE, DECLARE, DECLARE_FROM_MESSAGE
from bot.chat.slack.modals import CALLBACK
from bot.chat.slack.tab import Tab
from bot.errors import DeliveryError, StorageUnavailable
from bot.telemetry import Metrics, get_logger

__all__ = ["Listener", "Listeners"]

log = get_logger(__name__)

Listener = Callable[[dict[str, Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Who hears what. `revoked` is called when our token was taken away, `missed` when something heard could not be kept.

    What Slack repeats is judged by what is kept already, so that nothing is doubled, whoever restarted meanwhile (bot.chat.heard,
    bot.incidents.attendance, Incidents.pin, the dispatcher). What leaves nothing behind but an answer is asking's to take once.
    """

    asking: Asking
    hearing: Hearing
    tab: Tab
    metrics: Metrics
    revoked: Listener
    missed: Callable[[], None]

    def app(self, web: AsyncWebClient, signing_secret: str) -> AsyncApp:
        """Bolt, with everything that may come; a signature is asked for where there is a secret."""
        app = AsyncApp(
            client=web,
            signing_secret=signing_secret or None,
            request_verification_enabled=bool(signing_secret),
            logger=_quiet(),
        )
        self._asked(app)
        self._heard(app)
        app.error(self._failed)
        return app

    async def guarded(self, listener: Listener, body: dict[str, Any], what: str) -> None:
        """Slack has had its acknowledgement: what fails now is told in the log, never to Slack."""
        try:
            await listener(body)
        except (DeliveryError, StorageUnavailable) as error:
            if what in {"event", "history"}:
                self.missed()
            log.warning("slack_not_answered", what=what, reason=str(error))
        except Exception:  # named place: one request of Slack's costs only itself
            log.exception("slack_request_failed", what=what)
            self.metrics.failures.labels("slack").inc()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _asked(self, app: AsyncApp) -> None:
        """Commands, buttons, forms, menus that ask, shortcuts."""
        asking, every = self.asking, re.compile(".*")

        async def submit(ack: Any, body: dict[str, Any]) -> None:
            if wrong := asking.wrong(body):
                await ack(response_action="errors", errors=wrong)
                return
            await ack()
            await self.guarded(asking.submit, body, "form")

        async def options(ack: Any, body: dict[str, Any]) -> None:
            await ack(await asking.suggest(body))

        app.command(every)(self._acknowledged(asking.command, "command"))
        app.action(every)(self._acknowledged(asking.press, "action"))
        app.view(CALLBACK)(submit)
        app.options(every)(options)
        app.shortcut(ADD_TO_TIMELINE)(self._acknowledged(asking.note_message, "shortcut"))
        app.shortcut(DECLARE_FROM_MESSAGE)(self._acknowledged(asking.declare_from_message, "shortcut"))
        app.shortcut(DECLARE)(self._acknowledged(asking.declare, "shortcut"))

    def _heard(self, app: AsyncApp) -> None:
        """Events."""
        hearing = self.hearing
        for name, listener in (
            ("message", hearing.message),
            ("member_joined_channel", hearing.joined),
            ("member_left_channel", hearing.left),
            ("channel_archive", hearing.closed),
            ("channel_deleted", hearing.closed),
            ("group_archive", hearing.closed),
            ("group_deleted", hearing.closed),
            ("reaction_added", hearing.reacted),
            ("reaction_removed", hearing.reacted),
            ("app_home_opened", self.tab.open),
            ("tokens_revoked", self.revoked),
            ("app_uninstalled", self.revoked),
        ):
            app.event(name)(self._acknowledged(_of_event(listener), "event"))
        app.event("app_mention")(self._acknowledged(self.asking.mention, "mention"))
        app.event(re.compile(".*"))(_nothing)

    def _acknowledged(self, listener: Listener, what: str) -> Callable[..., Awaitable[None]]:
        async def listen(ack: Any, body: dict[str, Any]) -> None:
            await ack()
            await self.guarded(listener, body, what)

        return listen

    async def _failed(self, error: Exception) -> BoltResponse:
        log.error("slack_listener_failed", reason=f"{type(error).__name__}: {error}")
        self.metrics.failures.labels("slack").inc()
        return BoltResponse(status=200)


def _of_event(listener: Listener) -> Listener:
    """Told the event alone, without its envelope."""
    return lambda body: listener(body["event"])


async def _nothing() -> None:
    """Whatever else Slack tells."""


def _quiet() -> logging.Logger:
    """Bolt logs whole requests, and a warning for what we mean to leave alone."""
    logger = logging.getLogger("slack_bolt.muster")
    logger.setLevel(logging.ERROR)
    return logger
