"""Slack's Web API with our manners: paced before Slack says no, never repeated blindly, every trouble one of our errors.

What is said and where does not enter here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.gateway import RoomLost
from bot.chat.slack.tiers import Tiers
from bot.errors import DeliveryError, Permanent, Retryable, Uncertain
from bot.telemetry import get_logger

__all__ = ["Refused", "SlackClient"]

log = get_logger(__name__)

PATIENCE = 15.0  # seconds for one call
SHORT = 2.0  # seconds of pacing that a call waits for itself; for longer, its lane waits
AWAY = 1 / 12  # minutes before Slack is asked again when it could not be reached
LOCKED_OUT = 1 / 2  # ... when it does not accept our token: an operator has to act

# The token is wrong, or was taken away: everything waits until an operator has set another one.
_LOCKED = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "org_login_required"}
)
_NOT_THERE = frozenset({"channel_not_found", "is_archived", "is_inactive", "not_in_channel"})
_TROUBLE = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
# What changes nothing, or the same thing however often it is asked for. All else is Uncertain when no answer came.
_REPEATABLE = frozenset(
    {
        *("info", "list", "history", "replies", "members", "lookupByEmail", "test", "getPermalink", "open", "publish"),
        *("reactions.get", "users.conversations"),
        *("update", "setTopic", "setPurpose", "archive", "unarchive", "join", "invite"),
        *("pins.add", "files.delete"),
    }
)


class Refused(Permanent):
    """Slack understood and said no; `error` is its word for why."""

    def __init__(self, method: str, error: str, needed: str = "") -> None:
        more = f": the app needs the scope {needed}" if needed else ""
        super().__init__(f"Slack refused {method}: {error}{more}")
        self.error = error


class SlackClient:
    """Calls methods. `trouble` says why Slack does not let us in, "" when it does."""

    def __init__(self, token: str, url: str, *, tiers: Tiers | None = None) -> None:
        self._token, self._url = token, url
        self._tiers = tiers or Tiers()
        self._session: aiohttp.ClientSession | None = None
        self._web: AsyncWebClient | None = None
        self._closed = False
        self._doubted, self._asking = False, asyncio.Lock()
        self._away_until = 0.0  # monotonic
        self._me = ""
        self.trouble = ""

    @property
    def web(self) -> AsyncWebClient:
        """The SDK's client, for the SDK's own parts."""
        if self._web is None:
            self._web = AsyncWebClient(
                token=self._token, base_url=self._url, session=self._open(), timeout=int(PATIENCE), retry_handlers=[]
            )
        return self._web

    def _open(self) -> aiohttp.ClientSession:
        """The connections, opened in the running loop, where they are used."""
        if self._closed:  # what is still under way would open new ones, which nobody closes
            raise Retryable("Muster is stopping")
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))
        return self._session

    async def close(self) -> None:
        """Let go of the connections, for good."""
        self._closed = True
        if self._session is not None:
            await self._session.close()
        self._session = self._web = None

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """The answer. Refused, Retryable, or Uncertain where it may have been done although no answer came."""
        if self._doubted:
            await self._probe()
        await self._wait(method, str(arguments.get("channel", "")))
        try:
            return dict((await self._ask(method, arguments)).data)
        finally:
            self._tiers.done(method)

    async def call_in(self, channel: str, method: str, **arguments: Any) -> dict[str, Any]:
        """The same in a channel; RoomLost when that is not there any more."""
        try:
            return await self.call(method, channel=channel, **arguments)
        except Refused as error:
            if error.error in _NOT_THERE:
                raise RoomLost(str(error)) from error
            raise

    async def pages(self, method: str, *, patient: bool = False, **arguments: Any) -> AsyncIterator[dict[str, Any]]:
        """Answer after answer, until there is no more. Whoever is `patient` waits where Slack asks to, and need not begin again."""
        cursor = ""
        while True:
            more = {"cursor": cursor} if cursor else {}
            try:
                page = await self.call(method, **arguments, **more)
            except Retryable as error:
                if not patient:
                    raise
                await asyncio.sleep(error.retry_after or 1.0)
                continue
            yield page
            cursor = str((page.get("response_metadata") or {}).get("next_cursor", ""))
            if not cursor:
                return

    async def myself(self) -> str:
        """Our own user id. DeliveryErrors as calls have them."""
        if not self._me:
            self._me = str((await self.call("auth.test"))["user_id"])
        return self._me

    async def scopes(self) -> frozenset[str]:
        """What the token may, as Slack says with every answer. DeliveryErrors as calls have them."""
        answer = await self._ask("auth.test", {})
        headers = {str(name).lower(): value for name, value in answer.headers.items()}
        return frozenset(str(headers.get("x-oauth-scopes", "")).replace(" ", "").split(",")) - {""}

    async def _ask(self, method: str, arguments: dict[str, Any]) -> Any:
        ask: Callable[..., Any] = getattr(self.web, method.replace(".", "_"))
        try:
            answer = await ask(**arguments)
        except SlackApiError as error:
            raise self._translated(method, error) from error
        except aiohttp.ClientConnectorError as error:
            self._doubted = True
            raise Retryable(f"Slack cannot be reached: {error}", retry_after=self._away) from error
        except (aiohttp.ClientError, TimeoutError, SlackClientError, OSError) as error:
            self._doubted = True
            raise self._unanswered(method, f"Slack did not answer {method}: {type(error).__name__}") from error
        self._let_in()
        return answer

    @property
    def _away(self) -> float:
        return AWAY * self._tiers.minute

    async def _probe(self) -> None:
        """The last call had no answer: ask what costs nothing before anything that may be done and not told again."""
        async with self._asking:
            if not self._doubted:
                return
            if (seconds := self._away_until - time.monotonic()) > 0.0:
                raise Retryable("Slack is away", retry_after=seconds)
            try:
                await self._ask("auth.test", {})
            except DeliveryError:
                self._away_until = time.monotonic() + self._away
                raise
            self._doubted = False

    async def respond(self, url: str, body: dict[str, Any]) -> bool:
        """Post to a response_url; False when that way is closed or it did not arrive. Refused where Slack takes no such blocks."""
        try:
            async with self._open().post(url, json=body) as answer:
                if answer.status == 200:
                    return True
                said = await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("response_url_failed", reason=type(error).__name__)
            return False
        if "invalid_blocks" in said:
            raise Refused("response_url", "invalid_blocks")
        log.info("response_url_closed", status=answer.status)
        return False

    async def upload(self, url: str, content: bytes) -> None:
        """Send a file's bytes where files.getUploadURLExternal said. Uncertain when that does not succeed."""
        try:
            async with self._open().post(url, data=content) as answer:
                if answer.status == 200:
                    return
                reason = f"HTTP {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = type(error).__name__
        raise Uncertain(f"Slack did not take a file: {reason}")

    async def _wait(self, method: str, channel: str) -> None:
        while (seconds := self._tiers.wait(method, channel)) > 0.0:
            if seconds > SHORT:
                raise Retryable(f"{method} has to wait for its turn", retry_after=seconds)
            await asyncio.sleep(seconds)

    def _translated(self, method: str, error: SlackApiError) -> Exception:
        response: Any = error.response
        status = int(getattr(response, "status_code", None) or getattr(response, "status", 0) or 0)
        data = getattr(response, "data", None)
        word = str(data.get("error", "")) if isinstance(data, dict) else ""
        if status == 429 or word in {"ratelimited", "rate_limited"}:
            seconds = _retry_after(getattr(response, "headers", None) or {})
            self._tiers.refused(method, seconds)
            return Retryable(f"Slack asks to wait with {method}", retry_after=seconds)
        if word in _LOCKED:
            self._locked_out(word)
            return Retryable(f"Slack does not let Muster in: {word}", retry_after=LOCKED_OUT * self._tiers.minute)
        if status >= 500 or word in _TROUBLE or not word:
            return self._unanswered(method, f"Slack has trouble with {method}: {word or f'HTTP {status}'}")
        self._let_in()
        needed = str(data.get("needed", "")) if word == "missing_scope" and isinstance(data, dict) else ""
        return Refused(method, word, needed)

    def _locked_out(self, word: str) -> None:
        if self.trouble != word:
            log.critical("slack_locked_out", reason=word, way_out="set a valid SLACK_BOT_TOKEN and start Muster again")
        self.trouble = word

    def _let_in(self) -> None:
        if self.trouble:
            log.info("slack_let_in_again")
        self.trouble = ""

    def _unanswered(self, method: str, words: str) -> Exception:
        """What does no harm twice may be asked again; whatever else may have been done."""
        if method in _REPEATABLE or method.rpartition(".")[2] in _REPEATABLE:
            return Retryable(words, retry_after=self._away)
        return Uncertain(words)


def _retry_after(headers: Any) -> float:
    try:
        return max(1.0, float(headers.get("Retry-After", "")))
    except ValueError:
        return 5.0
