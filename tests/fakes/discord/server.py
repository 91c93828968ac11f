"""The server: its life, its addresses, the guild as tests make it, and what was seen. Calls are answered in `front`."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Literal, Self

from aiohttp import web

from tests.fakes.discord import tables
from tests.fakes.discord.app import App, Record
from tests.fakes.discord.calls import Refusal, TooFast
from tests.fakes.discord.effects import Effects
from tests.fakes.discord.front import Front
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.happening import Happening
from tests.fakes.discord.interactions import Interactions
from tests.fakes.discord.limits import Rates
from tests.fakes.discord.people import Person
from tests.fakes.discord.permissions import sees
from tests.fakes.discord.specs import Specs
from tests.fakes.discord.world import Channel, Message, Role, World
from tests.fakes.faults import Faults

__all__ = ["VIOLATIONS", "FakeDiscord"]

CHANNELS, ACTIVE_THREADS = 500, 1000  # a guild (docs: limits; the second from memory)
REQUEST_BYTES = 25 * 1024 * 1024
VIOLATIONS = frozenset({0, 10014, 30060, 40005, 40060, 50006, 50008, 50024, 50035, 50109})
"""Refusals that only a client's own mistake brings about."""


class FakeDiscord:
    """Discord on loopback; see the package's docstring."""

    def __init__(
        self,
        *,
        now: Callable[[], float] | None = None,
        speed: float = 1.0,
        limits: bool = True,
        permissions: int | Iterable[str] | None = None,
        privileged: Iterable[str] = tables.PRIVILEGED,
        ack_seconds: float = 3.0,
        port: int = 0,
    ) -> None:
        self.now = now or time.time
        self.speed, self.ack_seconds = speed, ack_seconds
        self.channel_cap, self.thread_cap, self.commands_scope = CHANNELS, ACTIVE_THREADS, True
        self.world = World(self.now)
        user = self.world.user("muster", bot=True)
        may = tables.ALL_PERMISSIONS & ~tables.PERMISSIONS["ADMINISTRATOR"] if permissions is None else permissions
        role = self.world.role("Muster", tables.bits(may), bot_id=user.id)
        self.world.join(user, [role.id])
        self.app = App(id=user.id, user=user, role=role, privileged=set(privileged))
        self.effects = Effects(self.world, user.id)
        self.specs = Specs.load()
        self.rates = Rates(now or time.monotonic, speed=speed, enabled=limits)
        self.faults = Faults()
        self.gateway, self.interactions, self.front = Gateway(self), Interactions(self), Front(self)
        self.world.emit = self.gateway.dispatch
        self.calls: list[Record] = []
        self.happenings: list[Happening] = []
        self.complaints: list[str] = []
        self.lacked: set[str] = set()  # permissions that the app was refused for
        self._members: Role | None = None
        self._port = port
        self._runner: web.AppRunner | None = None

    # ── life

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2 * REQUEST_BYTES)
        app.add_routes(
            [
                web.get("/gateway/", self.gateway.handle),
                web.get("/cdn/{kind:(ephemeral-)?attachments}/{channel}/{file}/{name}", self.front.download),
                web.get("/cdn/{rest:.*}", self.front.picture),
                web.route("*", "/api/v10/{rest:.*}", self.front.api),
            ]
        )
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.effects.base = self.url
        return self

    async def __aexit__(self, *_: object) -> None:
        self.interactions.close()
        self.gateway.abort()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def api_url(self) -> str:
        """What DISCORD_API_URL, or discord.py's Route.BASE, should be."""
        return f"{self.url}/api/v10"

    @property
    def gateway_url(self) -> str:
        """What discord.py's DEFAULT_GATEWAY should be; GET /gateway says it, too."""
        return f"ws://127.0.0.1:{self._port}/gateway/"

    @property
    def cdn_url(self) -> str:
        """What discord.py's Asset.BASE should be."""
        return f"{self.url}/cdn"

    @asynccontextmanager
    async def away(self, how: Literal["reset", "503"] = "reset") -> AsyncIterator[None]:
        """Everything is away: sockets break, and every request is reset or gets 503."""
        self.faults.absent = how
        self.gateway.abort()
        try:
            yield
        finally:
            self.faults.absent = ""

    # ── the guild, for tests

    def person(self, name: str, *roles: Role, nick: str | None = None, **traits: Any) -> Person:
        """A new member: global_name, dms_open."""
        user = self.world.user(name, **traits)
        members = [self._members] if self._members else []
        self.world.join(user, [role.id for role in (*roles, *members)], nick)
        self.effects.member_event("GUILD_MEMBER_ADD", user.id)
        return Person(self, user)

    def stranger(self, name: str, **traits: Any) -> Person:
        """Somebody who is not in the guild."""
        return Person(self, self.world.user(name, **traits))

    def role(self, name: str, permissions: int | Iterable[str] = 0, *, mentionable: bool = False) -> Role:
        """A new role."""
        role = self.world.role(name, tables.bits(permissions), mentionable=mentionable)
        self.effects.role_event("GUILD_ROLE_CREATE", role.id)
        return role

    def deny(self, *names: str) -> None:
        """Take permissions from the app: from its role, and from @everyone, whose people keep theirs by a role "Members"."""
        everyone = self.world.guild.roles[self.world.guild.id]
        if everyone.permissions & tables.bits(names) and self._members is None:
            self._members = self.role("Members", everyone.permissions)
            for member in self.world.guild.members.values():
                if not member.user.bot:
                    member.roles.append(self._members.id)
        seen = [channel for channel in self.world.guild_channels if sees(self.world, self.app.user.id, channel)]
        for role in (self.app.role, everyone):
            role.permissions &= ~tables.bits(names)
            self.effects.role_event("GUILD_ROLE_UPDATE", role.id)
        for channel in seen:
            if not sees(self.world, self.app.user.id, channel):
                self.effects.channel_event("CHANNEL_UPDATE", channel)

    def channel(
        self,
        name: str,
        *people: Person,
        kind: Literal["text", "forum", "category", "voice"] = "text",
        parent: Channel | None = None,
        private: bool = False,
        with_app: bool = True,
        tags: Iterable[str] = (),
        require_tag: bool = False,
    ) -> Channel:
        """A new channel; a private one for these people (and the app). A forum may have tags."""
        overwrites: dict[str, tuple[int, int, int]] = dict(parent.overwrites) if parent else {}
        view = tables.PERMISSIONS["VIEW_CHANNEL"]
        if private:
            overwrites[self.world.guild.id] = (0, 0, view)
            members = [person.id for person in people] + ([self.app.user.id] if with_app else [])
            overwrites |= dict.fromkeys(members, (1, view, 0))
        made = [
            {"id": self.world.snowflake(), "name": tag, "moderated": False, "emoji_id": None, "emoji_name": None}
            for tag in tags
        ]
        channel = self.world.channel(
            name,
            tables.KINDS[kind],
            parent_id=parent.id if parent else None,
            overwrites=overwrites,
            tags=made,
            flags=tables.REQUIRE_TAG if require_tag else 0,
        )
        self.effects.channel_event("CHANNEL_CREATE", channel)
        return channel

    def kick(self) -> None:
        """The app is thrown out of the guild."""
        del self.world.guild.members[self.app.user.id]
        self.gateway.dispatch("GUILD_DELETE", {"id": self.world.guild.id}, None)

    def posts(self, channel: Channel | str) -> list[Message]:
        """What was said in a channel or thread (by name, id or itself); nothing when there is none."""
        found = (
            channel if isinstance(channel, Channel) else self.world.channels.get(channel) or self.world.named(channel)
        )
        return found.posts if found else []

    async def until(self, condition: Callable[[], Any], seconds: float = 5.0) -> Any:
        """Poll a condition until it is true; its value. TimeoutError with the last calls when it never is."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > deadline:
                last = [(record.method, record.path, record.code) for record in self.calls[-10:]]
                raise TimeoutError(f"not within {seconds} s; last calls {last}; complaints {self.complaints[-5:]}")
            await asyncio.sleep(0.005)
        return value

    # ── what was seen

    def calls_of(self, route: str, *, ok: bool = False) -> list[Record]:
        """The calls of a route like "POST /channels/{channel_id}/messages"; only the successful ones with `ok`."""
        return [record for record in self.calls if record.route == route and not (ok and record.code)]

    @property
    def errors(self) -> Counter[tuple[str, int]]:
        """How often each route was refused, and with which code."""
        return Counter((record.route, record.code) for record in self.calls if record.code)

    @property
    def unanswered(self) -> list[Happening]:
        """Interactions whose people read "The application did not respond"."""
        return [happening for happening in self.happenings if happening.failed]

    @property
    def violations(self) -> list[str]:
        """Every mistake of the client: complaints, requests that break a limit or the schema, and 429s."""
        wrong = [f"{r.route}: {r.code} {r.wrong}" for r in self.calls if r.status >= 400 and r.code in VIOLATIONS]
        fast = [f"{route}: 429 x {count}" for route, count in self.rates.refused.items()]
        return [*self.complaints, *wrong, *fast]

    def complain(self, what: str) -> None:
        """Remember what Discord would swallow in silence and a careful client would not do."""
        self.complaints.append(what)

    # ── what effects ask

    def renamed(self, channel: Channel) -> None:
        """A name or topic changes: twice in ten minutes."""
        verdict = self.rates.rename(channel.id)
        if verdict.wait:
            raise TooFast(verdict)

    def room_for_thread(self) -> None:
        """160006 when too many threads are open."""
        if sum(not thread.archived for thread in self.world.threads) >= self.thread_cap:
            raise Refusal(160006)
