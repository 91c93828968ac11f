"""Discord's REST API with our manners: nothing is repeated blindly, no wait is long, every trouble is one of our errors.

discord.py makes the requests and keeps Discord's limits; what is said and where does not enter here, nor does the socket.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeVar

import aiohttp
import discord
import yarl
from discord.asset import Asset
from discord.http import Route

from bot.errors import DeliveryError, Permanent, Retryable, Uncertain
from bot.telemetry import get_logger

__all__ = ["AWAY", "DISCORD", "DiscordClient", "Refused", "point_at"]

log = get_logger(__name__)

T = TypeVar("T")

DISCORD = "https://discord.com/api/v10"
PATIENCE = 15.0  # seconds for the answer to one request
IN_LINE = 40.0  # seconds for a turn within Discord's limits; discord.py waits at most LONGEST for one of them
LONGEST = 30.0  # seconds; discord.py takes no less
AWAY = 5.0  # seconds before Discord is asked again when it could not be reached
LOCKED_OUT = 30.0  # ... when it does not accept our token: an operator has to act
GUILD_KEPT = 300.0  # seconds that what Discord said of the server, and of its roles, is believed

_RINGS_NOBODY = discord.AllowedMentions.none()


def point_at(url: str) -> None:
    """Speak to that address instead of Discord's own. discord.py has one address for the whole process."""
    address = url.rstrip("/")
    Route.BASE = address
    if address != DISCORD:
        Asset.BASE = str(yarl.URL(address).origin())


class Refused(Permanent):
    """Discord understood and said no; `number` is its own for why (0 where it has none)."""

    def __init__(self, what: str, status: int, number: int, words: str) -> None:
        super().__init__(f"Discord refused to {what}: {words or f'HTTP {status}'}{f' ({number})' if number else ''}")
        self.status, self.number = status, number


class _ServerTrouble(Exception):
    """Discord answered 5xx. Not one that discord.py would catch and try again by itself."""


@dataclass(slots=True)
class _Attempt:
    """One call of ours: whether its last request went out without an answer, and until when we wait."""

    deadline: asyncio.Timeout
    flying: bool = False

    def began(self) -> None:
        self.flying = True
        self.deadline.reschedule(asyncio.get_running_loop().time() + PATIENCE)

    def answered(self) -> None:
        self.flying = False
        self.deadline.reschedule(asyncio.get_running_loop().time() + IN_LINE)


_attempt: ContextVar[_Attempt | None] = ContextVar("attempt", default=None)


class DiscordClient:
    """Calls Discord, logged in without a socket. `trouble` says why Discord does not let us in, "" when it does.

    `guild_id` is the server to work in; without one it is the only one that the bot is in.
    """

    def __init__(self, token: str, url: str, guild_id: int | None = None) -> None:
        self._token, self._url, self._guild_id = token, url, guild_id
        self._client: discord.Client | None = None
        self._guild: tuple[float, discord.Guild] | None = None
        self._doubted, self._asking = False, asyncio.Lock()
        self._away_until = 0.0  # monotonic
        self.trouble = ""

    async def close(self) -> None:
        """Let go of the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def call(self, what: str, ask: Callable[[discord.Client], Awaitable[T]], *, again: bool = False) -> T:
        """The answer. `what` is what we want to do, in words; `again`: it does no harm when it is done twice.

        Refused, Retryable, or Uncertain where it may have been done although no answer came.
        """
        if self._doubted or self._client is None:
            await self._probe()
        client = self._client
        if client is None:  # closed meanwhile
            raise Retryable("Muster stops")
        return await self._ask(what, ask, client, again=again)

    async def raw(self, what: str, method: str, path: str, *, json: Any = None, **parameters: Any) -> Any:
        """JSON as it is, for what may be asked again, where discord.py's models do not take whatever Discord says."""
        body = {} if json is None else {"json": json}
        return await self.call(what, lambda c: c.http.request(Route(method, path, **parameters), **body), again=True)

    @property
    def away(self) -> bool:
        """Whether the last call had no answer."""
        return self._doubted and not self.trouble

    async def probe(self) -> None:
        """Where there is doubt, find out whether Discord answers again."""
        if self._doubted or self._client is None:
            with suppress(DeliveryError):
                await self._probe()

    async def guild(self) -> discord.Guild:
        """The server and its roles, as they were at most some minutes ago."""
        if self._guild is not None and self._guild[0] > time.monotonic():
            return self._guild[1]
        if self._guild_id is None:
            self._guild_id = await self._only_guild()
        number = self._guild_id
        found = await self.call("look at the server", lambda c: c.fetch_guild(number, with_counts=False), again=True)
        self._guild = (time.monotonic() + GUILD_KEPT, found)
        return found

    async def myself(self) -> int:
        """Our own user id."""
        return (await self._app())[0]

    async def flags(self) -> discord.ApplicationFlags:
        """What the developer portal lets the app do."""
        return (await self._app())[1]

    async def _app(self) -> tuple[int, discord.ApplicationFlags]:
        client: discord.Client = await self.call("log in", _itself, again=True)
        if client.user is None:
            raise Retryable("Discord has not said who we are")
        return client.user.id, client.application_flags

    async def _only_guild(self) -> int:
        async def some(client: discord.Client) -> list[discord.Guild]:
            return [guild async for guild in client.fetch_guilds(limit=2, with_counts=False)]

        found = await self.call("look for the server", some, again=True)
        if len(found) != 1:
            where = "is in no Discord server: open the address of `muster manifest discord`"
            several = "is in several Discord servers: say which with DISCORD_GUILD_ID"
            raise Permanent(f"Muster {several if found else where}")
        return found[0].id

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _ask(
        self, what: str, ask: Callable[[discord.Client], Awaitable[T]], client: discord.Client, *, again: bool
    ) -> T:
        attempt = _Attempt(asyncio.timeout(IN_LINE))
        try:
            async with attempt.deadline:
                token = _attempt.set(attempt)
                try:
                    answer = await ask(client)
                finally:
                    _attempt.reset(token)
        except discord.RateLimited as error:
            raise Retryable(f"Discord asks to wait with it: {what}", retry_after=error.retry_after) from error
        except discord.LoginFailure as error:
            raise self.locked_out() from error
        except discord.HTTPException as error:
            raise self._translated(what, error, again=again) from error
        except aiohttp.ClientConnectorError as error:
            self._doubted = True
            raise Retryable(f"Discord cannot be reached: {error}", retry_after=AWAY) from error
        except (_ServerTrouble, aiohttp.ClientError, TimeoutError, OSError) as error:
            if isinstance(error, TimeoutError) and not attempt.flying:
                raise Retryable(f"It is not its turn within Discord's limits yet: {what}", retry_after=AWAY) from error
            self._doubted = True
            why = str(error) if isinstance(error, _ServerTrouble) else type(error).__name__
            raise _unanswered(f"Discord did not answer ({why}): {what}", again=again) from error
        except discord.InvalidData as error:
            raise Permanent(f"Discord's answer is not understood: {what}: {error}") from error
        self._let_in()
        return answer

    async def _probe(self) -> None:
        """The last call had no answer, or there was none yet: ask what costs nothing before what may be done and not told."""
        async with self._asking:
            if not self._doubted and self._client is not None:
                return
            if (seconds := self._away_until - time.monotonic()) > 0.0:
                raise Retryable(self._away, retry_after=seconds)
            try:
                if self._client is None:
                    self._client = await self._log_in()
                else:
                    await self._ask("ask who we are", lambda c: c.application_info(), self._client, again=True)
            except DeliveryError:
                self._away_until = time.monotonic() + (LOCKED_OUT if self.trouble else AWAY)
                raise
            self._doubted = False

    @property
    def _away(self) -> str:
        return f"Discord does not let Muster in: {self.trouble}" if self.trouble else "Discord is away"

    async def _log_in(self) -> discord.Client:
        point_at(self._url)
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks aloud here
        client = discord.Client(
            intents=discord.Intents(guilds=True),  # of no use without a socket, but discord.py warns without it
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            allowed_mentions=_RINGS_NOBODY,
            max_ratelimit_timeout=LONGEST,
            http_trace=_trace(),
        )
        try:
            await self._ask("log in", lambda c: c.login(self._token), client, again=True)
        except DeliveryError:
            await client.close()
            raise
        return client

    def _translated(self, what: str, error: discord.HTTPException, *, again: bool) -> DeliveryError:
        if error.status == 401:
            return self.locked_out()
        if error.status == 429:  # not Discord's own word, but of what stands before it
            return Retryable(f"Discord asks to wait with it: {what}", retry_after=_retry_after(error, LOCKED_OUT))
        if error.status >= 500:
            self._doubted = True
            return _unanswered(f"Discord has trouble (HTTP {error.status}): {what}", again=again)
        self._let_in()
        return Refused(what, error.status, error.code, " ".join(error.text.split())[:300])

    def locked_out(self) -> Retryable:
        """Discord does not accept our token: nothing is asked until it says otherwise, but for who we are."""
        if not self.trouble:
            log.critical("discord_locked_out", way_out="set a valid DISCORD_BOT_TOKEN and start Muster again")
        self.trouble, self._doubted = "401 Unauthorized", True
        self._away_until = time.monotonic() + LOCKED_OUT
        return Retryable(self._away, retry_after=LOCKED_OUT)

    def _let_in(self) -> None:
        if self.trouble:
            log.info("discord_let_in_again")
        self.trouble = ""


async def _itself(client: discord.Client) -> discord.Client:
    return client


def _unanswered(words: str, *, again: bool) -> DeliveryError:
    """What does no harm twice may be asked again; whatever else may have been done."""
    return Retryable(words, retry_after=AWAY) if again else Uncertain(words)


def _trace() -> aiohttp.TraceConfig:
    """Tells our call when each of its requests begins and is answered, and keeps discord.py from repeating one blindly."""
    config = aiohttp.TraceConfig()

    async def began(_session: aiohttp.ClientSession, _context: SimpleNamespace, _request: object) -> None:
        if attempt := _attempt.get():
            attempt.began()

    async def answered(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, request: aiohttp.TraceRequestEndParams
    ) -> None:
        if attempt := _attempt.get():
            attempt.answered()
            if request.response.status >= 500:
                request.response.close()  # nobody else will: discord.py never sees it
                raise _ServerTrouble(f"HTTP {request.response.status}")

    config.on_request_start.append(began)
    config.on_request_end.append(answered)
    return config


def _retry_after(error: discord.HTTPException, otherwise: float) -> float:
    try:
        return max(1.0, float(error.response.headers.get("Retry-After", "")))
    except ValueError:
        return otherwise
