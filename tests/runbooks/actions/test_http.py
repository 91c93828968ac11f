"""Requests of runbooks, against a real server on loopback."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.errors import Permanent
from bot.runbooks.action import Context
from bot.runbooks.actions.http import ACTION


class Told:
    """What a server heard."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], str]] = []


@asynccontextmanager
async def server(answer):
    told = Told()

    async def handle(request: web.Request) -> web.StreamResponse:
        told.requests.append((request.method, request.path_qs, dict(request.headers), await request.text()))
        return await answer(request)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handle)
    async with TestServer(app) as running:
        told.url = str(running.make_url("")).rstrip("/")
        yield told


async def run(step: dict, *, timeout: float = 10) -> str:
    arguments = ACTION.parameters.validate_python(step)
    async with aclosing(ACTION.run(arguments, Context(timeout=timeout))) as chunks:
        return "".join([chunk async for chunk in chunks])


async def ok(_request):
    return web.json_response({"queued": True})


async def test_a_request_goes_out_as_written_and_the_answer_is_shown():
    async with server(ok) as told:
        step = {"method": "POST", "url": f"{told.url}/jobs/warmup?x=1", "headers": {"Authorization": "Bearer t"}}
        seen = await run({**step, "json": {"instance": "checkout-3", "count": 2}})
        [(method, path, headers, body)] = told.requests
        assert (method, path) == ("POST", "/jobs/warmup?x=1")
        assert headers["Authorization"] == "Bearer t"
        assert headers["Content-Type"] == "application/json"
        assert json.loads(body) == {"instance": "checkout-3", "count": 2}
        assert seen.startswith("200 OK, ")
        assert '{"queued": true}' in seen


async def test_a_body_is_sent_as_it_is():
    async with server(ok) as told:
        await run({"method": "PUT", "url": told.url, "body": "a=1&b=ü"})
        assert told.requests[0][3] == "a=1&b=ü"


@pytest.mark.parametrize(
    ("status", "expect", "fails"),
    [(200, "2xx", ""), (204, "204", ""), (404, "4xx", ""), (302, "3xx", ""), (200, "204", "answered 200, not 204")],
)
async def test_the_expected_status_decides(status, expect, fails):
    async def answer(_request):
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})

    async with server(answer) as told:
        if fails:
            with pytest.raises(Permanent, match=fails):
                await run({"url": told.url, "expect": expect})
        else:
            await run({"url": told.url, "expect": expect})
        assert len(told.requests) == 1


async def test_an_error_page_is_shown_before_the_step_fails():
    async def answer(_request):
        return web.Response(status=500, text="no disk left")

    async with server(answer) as told:
        seen: list[str] = []

        async def listen():
            arguments = ACTION.parameters.validate_python({"url": told.url})
            async with aclosing(ACTION.run(arguments, Context(timeout=5))) as chunks:
                async for chunk in chunks:
                    seen.append(chunk)

        with pytest.raises(Permanent, match="answered 500, not 2xx"):
            await listen()
        assert "no disk left" in "".join(seen)


async def test_a_redirect_on_the_same_host_is_followed():
    async def answer(request):
        if request.path == "/old":
            raise web.HTTPFound("/new")
        return web.Response(text="arrived")

    async with server(answer) as told:
        seen = await run({"method": "POST", "url": f"{told.url}/old", "headers": {"Authorization": "t"}})
        assert "redirected to" in seen
        assert "arrived" in seen
        assert [(method, path) for method, path, _, _ in told.requests] == [("POST", "/old"), ("GET", "/new")]
        assert told.requests[1][2]["Authorization"] == "t"


@pytest.mark.parametrize("headers", [{}, {"X-Api-Key": "k", "Authorization": "Bearer t"}])
async def test_nobody_sends_us_on_to_another_host(headers):
    async with server(ok) as other:

        async def answer(_request):
            raise web.HTTPTemporaryRedirect(f"{other.url}/steal?token=x")

        async with server(answer) as told:
            with pytest.raises(Permanent, match="another host") as refused:
                await run({"url": told.url, "headers": headers})
            assert other.requests == []
            assert "token" not in str(refused.value)


async def test_redirects_in_a_circle_end():
    async def answer(_request):
        raise web.HTTPFound("/again")

    async with server(answer) as told:
        with pytest.raises(Permanent, match="more than 5 times"):
            await run({"url": told.url})


async def test_a_long_answer_is_cut():
    async def answer(_request):
        return web.Response(text="x" * 300_000)

    async with server(answer) as told:
        seen = await run({"url": told.url})
        assert len(seen) < 70_000
        assert "the rest is not read" in seen


async def test_what_is_not_text_is_not_shown():
    async def answer(_request):
        return web.Response(body=b"\x00\x01\x02" * 100)

    async with server(answer) as told:
        assert "(not text)" in await run({"url": told.url})


async def test_a_server_that_does_not_answer_is_given_up():
    release = asyncio.Event()

    async def answer(_request):
        await release.wait()
        return web.Response()

    async with server(answer) as told:
        with pytest.raises(Permanent, match="did not answer in time"):
            await run({"url": told.url}, timeout=0.2)
        release.set()


async def test_nobody_there_is_said_without_the_whole_address():
    async with server(ok) as told:
        url = told.url
    with pytest.raises(Permanent, match="cannot be reached") as caught:
        await run({"url": f"{url}/x?token=s3cret"})
    assert "s3cret" not in str(caught.value)


async def test_a_header_that_would_break_the_request_is_refused():
    async with server(ok) as told:
        with pytest.raises(Permanent, match="cannot be sent as it is"):
            await run({"url": told.url, "headers": {"X-A": "a\r\nX-B: b"}})
        assert told.requests == []


def test_the_dry_run_shows_secrets_by_name_only():
    step = {"method": "POST", "url": "https://ci.example.org/x", "headers": {"Authorization": "Bearer ${env:CI_TOKEN}"}}
    words = ACTION.describe(ACTION.parameters.validate_python(step))
    assert words == "POST https://ci.example.org/x with Authorization: Bearer ${env:CI_TOKEN}, expecting 2xx"
    assert ACTION.risk(ACTION.parameters.validate_python(step)) == "high"
    assert ACTION.risk(ACTION.parameters.validate_python({"url": "https://ci.example.org/x"})) == "low"
