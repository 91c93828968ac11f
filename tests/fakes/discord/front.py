"""What every call passes: faults, token, rate, body, schema, route; JSON out. State is elsewhere."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from aiohttp import BodyPartReader, web

from tests.fakes.discord import methods as _methods  # noqa: F401 - importing registers them
from tests.fakes.discord.app import Record
from tests.fakes.discord.calls import Call, Refusal, Route, TooFast, Upload, find, invalid
from tests.fakes.discord.limits import Verdict
from tests.fakes.faults import Fault

if TYPE_CHECKING:
    from tests.fakes.discord.server import FakeDiscord

__all__ = ["Front"]

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


class Front:
    """The HTTP side of the server."""

    def __init__(self, server: FakeDiscord) -> None:
        self._server = server

    async def api(self, request: web.Request) -> web.StreamResponse:
        """A call of the API."""
        if self._server.faults.absent == "reset":
            return self._broken(request)
        if self._server.faults.absent:
            return web.Response(status=503, text="upstream connect error", content_type="text/plain")
        method, path = request.method, request.path.removeprefix("/api/v10")
        found = find(method, path)
        try:
            body, files = await _body(request)
        except ValueError:
            return self._answered(request, found, None, Refusal(50109))
        names = [f"{method} {where}" for where in (path, found[0].template if found else path)]
        fault = self._server.faults.take(names, body if isinstance(body, dict) else {})
        if fault is not None and not fault.after:
            early = await self._fault(request, fault)
            if early is not None:
                self._record(request, found, body, early.status, int(early.headers.get("X-Trouble", early.status)))
                return early
        response = self._handled(request, found, body, files)
        if fault is not None and fault.after:
            late = await self._fault(request, fault)
            if late is not None:
                return late
        return response

    def _handled(
        self, request: web.Request, found: tuple[Route, dict[str, str]] | None, body: Any, files: dict[int, Upload]
    ) -> web.Response:
        if self._server.rates.banned:  # Cloudflare says so: no Via, no JSON
            return web.Response(status=429, text="<html>error code: 1015</html>", content_type="text/html")
        if found is None:
            return self._answered(request, None, body, Refusal(0))
        route, params = found
        if route.bot and not request.headers.get("User-Agent", "").startswith("DiscordBot ("):
            self._server.complain(f"{route.name}: the User-Agent does not say DiscordBot (url, version)")
        if route.bot and (
            request.headers.get("Authorization") != f"Bot {self._server.app.token}" or self._server.app.token_trouble
        ):
            return self._answered(request, found, body, Refusal(40001))
        major = next(
            (params[key] for key in ("channel_id", "guild_id", "webhook_token", "interaction_id") if key in params), ""
        )
        verdict = self._server.rates.take(route.name, major)
        if verdict.wait:
            return self._answered(request, found, body, verdict)
        call = Call(
            server=self._server, method=route.method, path=request.path, route=route, params=params,
            query=dict(request.query), body=body, files=files,
        )  # fmt: skip
        try:
            wrong = (
                self._server.specs.wrong(route.method, route.template, body)
                if self._server.specs and route.method != "GET"
                else []
            )
            if wrong:
                raise invalid(*wrong)
            answer = route.handler(call)
        except Refusal as refusal:
            return self._answered(request, found, body, refusal, verdict.headers)
        except TooFast as fast:
            return self._answered(request, found, body, fast.verdict)
        self._record(request, found, body, route.status, 0)
        if answer is None:
            return web.Response(status=204, headers=verdict.headers)
        return _json(answer, route.status, verdict.headers)

    def _answered(
        self,
        request: web.Request,
        found: tuple[Route, dict[str, str]] | None,
        body: Any,
        no: Refusal | Verdict,
        headers: dict[str, str] | None = None,
    ) -> web.Response:
        if isinstance(no, Verdict):
            status, code, wrong = 429, 429, []
            shape = {
                "message": "You are being rate limited.",
                "retry_after": round(no.wait, 3),
                "global": no.scope == "global",
            }
            headers = no.headers
        else:
            status, code, wrong, shape = no.status, no.code, no.wrong, no.body
        self._server.rates.spoiled(status)
        self._record(request, found, body, status, code, wrong)
        return _json(shape, status, headers or {})

    def _record(
        self, request: web.Request, found: Any, body: Any, status: int, code: int, wrong: list[str] | None = None
    ) -> None:
        path = request.path.removeprefix("/api/v10")
        route = found[0].name if found else f"{request.method} {path}"
        self._server.calls.append(
            Record(
                method=request.method, path=path, route=route, body=body, status=status, code=code,
                at=time.monotonic(), query=dict(request.query), wrong=wrong or [],
            )
        )  # fmt: skip

    def _broken(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500, headers={"X-Trouble": "-1"})

    async def _fault(self, request: web.Request, fault: Fault) -> web.Response | None:
        if fault.kind in ("slow", "timeout_after"):
            await asyncio.sleep(fault.seconds)
        if fault.kind == "slow":
            return None
        if fault.kind in ("reset", "reset_after", "timeout_after"):
            return self._broken(request)
        if fault.kind == "ratelimited":
            body = {"message": "You are being rate limited.", "retry_after": fault.seconds, "global": False}
            more = {"Retry-After": str(max(1, round(fault.seconds))), "X-RateLimit-Scope": "shared"}
            return _json(body, 429, more)
        if fault.kind == "error":
            refusal = Refusal(int(fault.error))
            return _json(refusal.body, refusal.status, {"X-Trouble": str(fault.error)})
        return web.Response(status=fault.status, text="<html>trouble</html>", content_type="text/html")

    async def download(self, request: web.Request) -> web.Response:
        """What somebody attached."""
        name, content = self._server.world.files.get(request.match_info["file"], ("", b""))
        if self._server.faults.absent or name != request.match_info["name"]:
            return web.Response(status=404)
        return web.Response(body=content, content_type="application/octet-stream")

    async def picture(self, _: web.Request) -> web.Response:
        """Anybody's avatar."""
        return web.Response(body=PIXEL, content_type="image/png")


def _json(value: Any, status: int, headers: dict[str, str]) -> web.Response:
    # discord.py reads JSON only where the type is exactly this, and waits on a 429 only where a Via says who spoke
    usual = {"Content-Type": "application/json", "Via": "1.1 google"}
    return web.Response(body=json.dumps(value).encode(), status=status, headers=usual | headers)


async def _body(request: web.Request) -> tuple[Any, dict[int, Upload]]:
    files: dict[int, Upload] = {}
    if not request.content_type.startswith("multipart/"):
        raw = await request.read()
        return (json.loads(raw) if raw else {}), files
    body: Any = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        content = bytes(await part.read())
        if part.name == "payload_json":
            body = json.loads(content)
        elif (part.name or "").startswith("files["):
            index = int((part.name or "")[6:-1])
            files[index] = Upload(name=part.filename or f"file{index}", content=content)
    return body, files
