"""The server: HTTP in, the pipeline that every call passes (faults, token, scopes, rate, arguments, method),
JSON out. State is elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Literal, Self

from aiohttp import BodyPartReader, web

from tests.fakes.faults import Fault, Faults
from tests.fakes.slack import lengths
from tests.fakes.slack import methods as _methods  # noqa: F401 - importing registers them
from tests.fakes.slack.app import App, Record
from tests.fakes.slack.arguments import OWN_WORDS, arguments
from tests.fakes.slack.calls import METHODS, Call, Refusal
from tests.fakes.slack.delivery import Deliveries
from tests.fakes.slack.happening import Happening
from tests.fakes.slack.interactions import TRIGGER, Interactions
from tests.fakes.slack.judging import VIOLATIONS
from tests.fakes.slack.limits import Rates
from tests.fakes.slack.people import Person
from tests.fakes.slack.shapes import user_json
from tests.fakes.slack.sockets import Sockets, abort
from tests.fakes.slack.specs import Specs
from tests.fakes.slack.tables import ALL_SCOPES, COMMON_ERRORS, RULES
from tests.fakes.slack.world import Channel, Group, Message, World

__all__ = ["FakeSlack"]


class FakeSlack:
    """Slack on loopback; see the package's docstring."""

    def __init__(
        self,
        *,
        now: Callable[[], float] | None = None,
        speed: float = 1.0,
        limits: bool = True,
        scopes: Iterable[str] | None = None,
        events: Iterable[str] | None = None,
        commands: Iterable[str] | None = None,
        request_url: str | None = None,
        ack_seconds: float = 3.0,
        retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0),
        port: int = 0,
    ) -> None:
        self.now = now or time.time
        self.speed, self.ack_seconds, self.retry_delays, self.request_url = (
            speed,
            ack_seconds,
            retry_delays,
            request_url,
        )
        self.trigger_seconds = TRIGGER
        self.file_seconds = 0.0
        self.block_characters = lengths.BLOCK_CHARACTERS
        self.echo, self.new_commercial_app = True, False
        self.app = App(
            scopes=set(ALL_SCOPES if scopes is None else scopes),
            events=None if events is None else set(events),
            commands=None if commands is None else set(commands),
        )
        self.specs = Specs.load()
        self.world = World(self.now)
        self.rates = Rates(now or time.monotonic, speed=speed, enabled=limits)
        self.faults = Faults()
        self.sockets, self.deliveries, self.interactions = Sockets(self), Deliveries(self), Interactions(self)
        self.app.user_id = self.world.user("muster", is_bot=True, real_name="Muster").id
        self.world.emit = self.deliveries.event
        self.calls: list[Record] = []
        self.happenings: list[Happening] = []
        self.complaints: list[str] = []
        self.undocumented: set[tuple[str, str]] = set()  # errors this server gave that the reference does not list
        self.longest_blocks = 0
        self._port = port
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None

    # ── life

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.add_routes(
            [
                web.route("*", "/api/{method}", self._api),
                web.get("/link/", self.sockets.handle),
                web.post("/upload/v1/{file}", self._upload),
                web.post("/response/{team}/{token}", self._respond),
                web.get("/files/{file}/{rest:.*}", self._download),
            ]
        )
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await self.listen()
        return self

    async def listen(self) -> None:
        """Take connections, on the same port as before."""
        if self._runner is None:
            raise RuntimeError("the server is not set up")
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await self._site.start()
        self._port = self._runner.addresses[0][1]

    async def __aexit__(self, *_: object) -> None:
        await self.deliveries.close()
        await self.sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def api_url(self) -> str:
        """What SLACK_API_URL, or a client's base_url, should be."""
        return f"{self.url}/api/"

    @property
    def files_url(self) -> str:
        """Where shared files are fetched, with the bot's token."""
        return f"{self.url}/files"

    @asynccontextmanager
    async def away(self, how: Literal["reset", "503"] = "reset") -> AsyncIterator[None]:
        """Everything is away: sockets break, and every request is reset or gets 503."""
        self.faults.absent = how
        self.sockets.abort()
        try:
            yield
        finally:
            self.faults.absent = ""

    # ── the workspace, for tests

    def person(self, name: str, **traits: Any) -> Person:
        """A new member: real_name, email, deleted, is_restricted, is_ultra_restricted, tz."""
        return Person(self, self.world.user(name, **traits))

    def channel(
        self, name: str, *people: Person, private: bool = False, with_app: bool = True, creator: Person | None = None
    ) -> Channel:
        """A new channel with these members (and the app)."""
        members = [person.id for person in people] + ([self.app.user_id] if with_app else [])
        owner = creator.id if creator else (members[0] if members else self.app.user_id)
        return self.world.channel(name, "private" if private else "public", owner, members)

    def group(self, handle: str, *people: Person, name: str = "") -> Group:
        """A new user group."""
        group = Group(id=self.world.number("S"), handle=handle, name=name or handle, users=[p.id for p in people])
        self.world.groups[group.id] = group
        return group

    def deactivate(self, person: Person) -> Happening:
        """Somebody leaves the company."""
        person.user.deleted = True
        for channel in self.world.channels.values():
            if person.id in channel.members and channel.kind in ("public", "private"):
                channel.members.remove(person.id)
        return self.deliveries.event("user_change", {"user": user_json(self.world, person.user)}, None)

    async def uninstall(self) -> None:
        """The app is thrown out: it hears so, its token dies, its sockets end."""
        await self.deliveries.event("app_uninstalled", {}, None)
        self.app.token_trouble, self.app.app_token_trouble = "account_inactive", "account_inactive"
        await self.sockets.disconnect("link_disabled", grace=0)

    def posts(self, channel: Channel | str) -> list[Message]:
        """What was said in a channel (by name, id or itself); nothing when there is none."""
        found = (
            channel if isinstance(channel, Channel) else self.world.channels.get(channel) or self.world.named(channel)
        )
        return found.posts if found else []

    async def until(self, condition: Callable[[], Any], seconds: float = 5.0) -> Any:
        """Poll a condition until it is true; its value. TimeoutError with the last calls when it never is."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > deadline:
                last = [(record.method, record.error) for record in self.calls[-10:]]
                raise TimeoutError(f"not within {seconds} s; last calls {last}; complaints {self.complaints[-5:]}")
            await asyncio.sleep(0.005)
        return value

    # ── what was seen

    def calls_of(self, method: str, *, ok: bool = False) -> list[Record]:
        """The calls of a method; only the successful ones with `ok`."""
        return [record for record in self.calls if record.method == method and not (ok and record.error)]

    @property
    def errors(self) -> Counter[tuple[str, str]]:
        """How often each method was refused, and with which word."""
        return Counter((record.method, record.error) for record in self.calls if record.error)

    @property
    def violations(self) -> list[str]:
        """Every mistake of the client: complaints, requests that break a limit or a schema, and refusals for going too fast."""
        wrong = [f"{r.method}: {r.error}" for r in self.calls if r.error in VIOLATIONS]
        fast = [f"{method}: 429 x {count}" for method, count in self.rates.refused.items()]
        return [*self.complaints, *wrong, *fast]

    def busiest(self, method: str, seconds: float, *, channel: str | None = None) -> int:
        """The most calls of a method within any such span (of one channel)."""
        times = [r.at for r in self.calls_of(method) if channel is None or r.args.get("channel") == channel]
        return max((sum(start <= at < start + seconds for at in times) for start in times), default=0)

    def complain(self, what: str) -> None:
        """Remember what Slack would swallow in silence and a careful client would not do."""
        self.complaints.append(what)

    def late_ack(self, envelope_id: str) -> None:
        """An ack that nobody waits for any more."""
        if not self.deliveries.late(envelope_id):
            self.complain(f"socket: an ack of an unknown envelope {envelope_id!r}")

    # ── requests

    async def _api(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        if self.faults.absent == "reset":
            abort(request)
        if self.faults.absent:
            return web.Response(status=503)
        args, token, trouble = await arguments(request, name)
        fault = self.faults.take([name], args)
        if fault is not None and not fault.after:
            early = await self._fault(request, fault)
            if early is not None:
                self._record(name, args, early.headers.get("X-Trouble", str(early.status)))
                return early
        headers = {"X-OAuth-Scopes": ",".join(sorted(self.app.scopes)), "X-Slack-Req-Id": self.world.number("r")}
        headers["X-Accepted-OAuth-Scopes"] = ",".join(RULES[name].any_scope) if name in RULES else ""
        body: dict[str, Any]
        try:
            call = self._admitted(name, args, token, trouble)
            wait = self.rates.take(name, call.text("channel"))
            if wait is not None:
                self._record(name, args, "429")
                headers["Retry-After"] = str(wait)
                return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
            self._check(call)
            body = {"ok": True, **METHODS[name](call)}
            if call.warnings:
                body["warning"] = ",".join(call.warnings)
                body.setdefault("response_metadata", {})["warnings"] = call.warnings
            self._record(name, args, "")
        except Refusal as refusal:
            body = refusal.body
            self._record(name, args, refusal.error)
        if fault is not None and fault.after:
            late = await self._fault(request, fault)
            if late is not None:
                return late
        return web.json_response(body, headers=headers)

    def _admitted(self, name: str, args: dict[str, Any], token: str, trouble: str) -> Call:
        if trouble:
            raise Refusal(trouble)
        if name not in METHODS:
            raise Refusal("unknown_method", req_method=name)
        call, rule, app = Call(self, name, args), RULES[name], self.app
        if not token:
            raise Refusal("not_authed")
        if token not in (app.bot_token, app.app_token):
            raise Refusal("invalid_auth")
        is_app = token == app.app_token
        trouble = app.app_token_trouble if is_app else app.token_trouble
        if trouble:
            raise Refusal(trouble)
        if is_app is not (rule.token == "app"):
            raise Refusal("not_allowed_token_type")
        granted = app.app_scopes if is_app else app.scopes
        if rule.any_scope and not granted.intersection(rule.any_scope):
            raise Refusal("missing_scope", needed=",".join(rule.any_scope), provided=",".join(sorted(granted)))
        return call

    def _check(self, call: Call) -> None:
        if self.specs is None:
            return
        wrong, unknown = self.specs.arguments(call.name, call.args)
        for key in set(unknown) - {"team_id"}:  # bolt adds it to everything
            self.complain(f"{call.name}: no argument is called {key}")
        special = [w for w in wrong if (call.name, w.rpartition(" ")[2]) not in OWN_WORDS]
        if special:
            raise Refusal("invalid_arguments", messages=special)

    def _record(self, name: str, args: dict[str, Any], error: str) -> None:
        self.calls.append(Record(method=name, args=args, at=time.monotonic(), error=error))
        documented = (
            self.specs is None
            or name == "response_url"
            or error in COMMON_ERRORS
            or error in self.specs.errors_of(name)
        )
        if error and not documented and error not in ("reset", "429") and not error.isdigit():
            self.undocumented.add((name, error))

    async def _fault(self, request: web.Request, fault: Fault) -> web.Response | None:
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            return None
        if fault.kind == "timeout_after":
            await asyncio.sleep(fault.seconds)
        if fault.kind in ("reset", "reset_after", "timeout_after"):
            abort(request)
            return web.Response(status=500, headers={"X-Trouble": fault.kind})
        if fault.kind == "ratelimited":
            body = {"ok": False, "error": "ratelimited"}
            return web.json_response(body, status=429, headers={"Retry-After": str(max(1, round(fault.seconds)))})
        if fault.kind == "error":
            return web.json_response({"ok": False, "error": fault.error}, headers={"X-Trouble": fault.error})
        return web.Response(status=fault.status, text="<html>trouble</html>", content_type="text/html")

    async def _upload(self, request: web.Request) -> web.Response:
        fault = self.faults.take(["upload"], {})
        early = await self._fault(request, fault) if fault is not None else None
        if early is not None:
            return early
        file = self.world.files.get(request.match_info["file"])
        if file is None or file.content is not None:
            return web.Response(status=404, text="no such upload")
        if request.content_type.startswith("multipart/"):
            part = await (await request.multipart()).next()
            content = bytes(await part.read()) if isinstance(part, BodyPartReader) else b""
        else:
            content = await request.read()
        if len(content) != file.length:
            self.complain(f"upload: {len(content)} bytes came, {file.length} were announced")
            return web.Response(status=400, text="length does not match")
        file.content = content
        return web.Response(text=f"OK - {len(content)}")

    async def _download(self, request: web.Request) -> web.Response:
        file = self.world.files.get(request.match_info["file"])
        if request.headers.get("Authorization") != f"Bearer {self.app.bot_token}" or file is None:
            return web.Response(status=404)
        return web.Response(body=file.content, content_type="application/octet-stream")

    async def _respond(self, request: web.Request) -> web.Response:
        if self.faults.absent == "reset":
            abort(request)
        if self.faults.absent:
            return web.Response(status=503)
        fault = self.faults.take(["response_url"], {})
        if fault is not None:
            early = await self._fault(request, fault)
            if early is not None and not fault.after:
                return early
        try:
            body = json.loads(await request.text())
        except ValueError:
            return web.json_response({"ok": False, "error": "invalid_payload"}, status=400)
        status, answer = self.interactions.respond(request.match_info["token"], body)
        self._record("response_url", body, "" if status == 200 else str(answer["error"]))
        return web.json_response(answer, status=status)
