"""Sends one HTTP request and says what came back. Never repeats it; reaches no host but the one that the runbook names."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import aiohttp
from yarl import URL

from bot.catalog.runbook_schema import DEFAULT_ACTIONS, HttpStep
from bot.errors import Permanent
from bot.runbooks.action import Action, Context, Risk

__all__ = ["ACTION"]

MOST_RESPONSE = 64 * 1024  # bytes of an answer that are read; the rest is not shown anyway
MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
BECOME_GET = frozenset({301, 302, 303})
READ_ONLY = frozenset({"GET", "HEAD"})
AGENT = "muster"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    method: str
    url: URL
    headers: dict[str, str]
    body: bytes | None


def describe(step: HttpStep) -> str:
    """The request line, what goes with it, and what answer is success."""
    parts = [f"{step.method} {step.url}"]
    if step.headers:
        parts.append("with " + ", ".join(f"{name}: {value}" for name, value in step.headers.items()))
    if step.json_ is not None:
        parts.append(f"and JSON {json.dumps(step.json_, ensure_ascii=False)}")
    elif step.body:
        parts.append(f"and {step.body!r}")
    return f"{' '.join(parts)}, expecting {step.expect}"


def risk(step: HttpStep) -> Risk:
    """GET and HEAD change nothing, by the standard (RFC 9110, 9.2.1)."""
    return "low" if step.method in READ_ONLY else "high"


async def run(step: HttpStep, context: Context) -> AsyncGenerator[str, None]:
    """The status line and the answer's text. Permanent when it is not the expected status, or none came."""
    request = _request(step)
    begun = time.monotonic()
    timeout = aiohttp.ClientTimeout(total=context.timeout)
    async with aiohttp.ClientSession(
        timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": AGENT}
    ) as session:
        for _ in range(MOST_REDIRECTS + 1):
            try:
                async with session.request(
                    request.method, request.url, headers=request.headers, data=request.body, allow_redirects=False
                ) as response:
                    status, place = response.status, response.headers.get("Location", "")
                    redirected = status in REDIRECTS and bool(place) and not _expected(status, step.expect)
                    if not redirected:
                        body, cut = await _read(response)
                        size = f"{len(body):,} bytes{' or more' if cut else ''}"
                        yield f"{status} {response.reason or ''}, {size} in {time.monotonic() - begun:.2f} s\n"
                        yield _text(response, body, cut=cut)
                        break
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                raise Permanent(_trouble(error, request.url)) from None
            request = _redirect(request, status, place)
            yield f"{status}, redirected to {_shown(request.url)}\n"
        else:
            raise Permanent(f"redirected more than {MOST_REDIRECTS} times")
    if not _expected(status, step.expect):
        raise Permanent(f"answered {status}, not {step.expect}")


def _request(step: HttpStep) -> _Request:
    headers = dict(step.headers)
    body: bytes | None = None
    if step.json_ is not None:
        body = json.dumps(step.json_).encode()
        if "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = "application/json"
    elif step.body:
        body = step.body.encode()
    try:
        url = URL(step.url)
    except ValueError:
        raise Permanent("the address cannot be read") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise Permanent("the address is not an http or https one")
    return _Request(method=step.method, url=url, headers=headers, body=body)


def _redirect(request: _Request, status: int, place: str) -> _Request:
    """The request that follows a redirection, on the same host only.

    Who answers could else send us, with our headers and from inside, to any address that this machine reaches; the answer would
    stand in the room.
    """
    try:
        url = request.url.join(URL(place))
    except ValueError:
        raise Permanent("redirected to an address that cannot be read") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise Permanent("redirected to something that is not http")
    if url.origin() != request.url.origin():
        raise Permanent(f"redirected to another host ({url.origin()}); not followed, the runbook would have to name it")
    if status in BECOME_GET and request.method not in READ_ONLY:
        return _Request(method="GET", url=url, headers=request.headers, body=None)
    return _Request(method=request.method, url=url, headers=request.headers, body=request.body)


async def _read(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    body = bytearray()
    async for chunk in response.content.iter_chunked(16_384):
        body += chunk
        if len(body) > MOST_RESPONSE:
            return bytes(body[:MOST_RESPONSE]), True
    return bytes(body), False


def _text(response: aiohttp.ClientResponse, body: bytes, *, cut: bool) -> str:
    if not body:
        return ""
    if b"\x00" in body[:1024]:
        return "(not text)\n"
    try:
        text = body.decode(response.charset or "utf-8", errors="replace")
    except LookupError:  # a charset that nobody knows
        text = body.decode("utf-8", errors="replace")
    return f"{text}\n(the rest is not read)\n" if cut else f"{text}\n"


def _expected(status: int, expect: str) -> bool:
    return str(status) == expect or (expect.endswith("xx") and str(status)[0] == expect[0])


def _shown(url: URL) -> str:
    """Without what may be a secret: user, password and query."""
    return str(url.with_user(None).with_query(None).with_fragment(None))


def _trouble(error: Exception, url: URL) -> str:
    """What went wrong, in words of our own: the library's may hold the whole address."""
    where = f"{url.host}:{url.port}"
    match error:
        case asyncio.TimeoutError():
            return f"{where} did not answer in time"
        case aiohttp.ClientConnectorCertificateError():
            return f"{where} shows a certificate that is not trusted"
        case aiohttp.ClientConnectorDNSError():
            return f"nobody knows the host {url.host}"
        case aiohttp.ClientConnectorError():
            return f"{where} cannot be reached"
        case aiohttp.ServerDisconnectedError() | ConnectionError():
            return f"{where} ended the connection without an answer"
        case ValueError():
            return (
                "the request cannot be sent as it is: a header or the address holds something that HTTP does not allow"
            )
        case _:
            return f"no answer from {where} ({type(error).__name__})"


ACTION = Action(name="http", parameters=DEFAULT_ACTIONS["http"], risk=risk, describe=describe, run=run)
