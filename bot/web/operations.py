"""One description beside each handler: from it come the route, the checked query and body, the answer's form and the OpenAPI
document, so that none of them can drift from the others.
"""

from __future__ import annotations

import asyncio
import re
import types
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import msgspec
from aiohttp.web import HTTPException, Request, Response, StreamResponse

from bot.errors import MalformedPayload, MusterError, PayloadTooLarge
from bot.telemetry import get_logger
from bot.web.live import Hub
from bot.web.parts import WebParts
from bot.web.problems import NotJson, WrongMediaType, answer_to, unexpected
from bot.web.security import HEADERS, Access, Guard

__all__ = ["Call", "Operation", "Web", "operation", "route"]

Q = TypeVar("Q")
B = TypeVar("B")

BODY_PATIENCE = 30.0  # seconds for a body to arrive
BODY_SIZE = 64 * 1024  # bytes; a message has at most 4,000 characters
NO_STORE = {**HEADERS, "Cache-Control": "no-store"}
NOTHING: Mapping[str, str] = types.MappingProxyType({})

log = get_logger("bot.web")


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """What every handler may use."""

    parts: WebParts
    guard: Guard
    hub: Hub


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Q, B]):
    """One request, checked: `path` holds the address's variables, `query` and `body` are what the operation asked for."""

    web: Web
    request: Request
    path: Mapping[str, str]
    query: Q
    body: B


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A handler with its description. `path_words` explains the address's variables; `errors` are statuses it may answer."""

    method: Literal["GET", "POST"]
    path: str
    summary: str
    handler: Callable[[Call[Any, Any]], Awaitable[Any]]
    query: type[msgspec.Struct] | None
    body: type[msgspec.Struct] | None
    returns: Any  # a type, or None when the handler answers by itself
    status: int
    media: str
    more_media: tuple[str, ...]  # further forms of the answer, where the address chooses
    errors: tuple[int, ...]
    path_words: Mapping[str, str]
    access: Access

    @property
    def name(self) -> str:
        """The handler's name."""
        return str(self.handler.__name__)


def operation(
    method: Literal["GET", "POST"],
    path: str,
    *,
    summary: str,
    query: type[msgspec.Struct] | None = None,
    body: type[msgspec.Struct] | None = None,
    returns: Any = None,
    status: int = 200,
    media: str = "application/json",
    more_media: tuple[str, ...] = (),
    errors: tuple[int, ...] = (),
    path_words: Mapping[str, str] = NOTHING,
    access: Access = "token",
) -> Callable[[Callable[[Call[Any, Any]], Awaitable[Any]]], Operation]:
    """Describe the handler below."""

    def described(handler: Callable[[Call[Any, Any]], Awaitable[Any]]) -> Operation:
        return Operation(
            method=method,
            path=path,
            summary=summary,
            handler=handler,
            query=query,
            body=body,
            returns=returns,
            status=status,
            media=media,
            more_media=more_media,
            errors=errors,
            path_words=path_words,
            access=access,
        )

    return described


def route(context: Web, described: Operation) -> Callable[[Request], Awaitable[StreamResponse]]:
    """The aiohttp handler of an operation: admit, check, call, encode; every error becomes a problem."""

    async def handle(request: Request) -> StreamResponse:
        try:
            context.guard.admit(request, described.access)
            call = Call(
                web=context,
                request=request,
                path=_checked_path(request),
                query=None if described.query is None else _query(request, described.query),
                body=None if described.body is None else await _body(request, described.body),
            )
            result = await described.handler(call)
        except (MusterError, HTTPException) as error:
            return _hardened(answer_to(error))
        if isinstance(result, StreamResponse):
            return result
        return Response(
            body=msgspec.json.encode(result), status=described.status, content_type=described.media, headers=NO_STORE
        )

    return guarded(context, handle)


def guarded(
    context: Web, handle: Callable[[Request], Awaitable[StreamResponse]]
) -> Callable[[Request], Awaitable[StreamResponse]]:
    """The web handler: whatever nobody foresaw is logged once, counted, and answered with a reference to the log."""

    async def web_handler(request: Request) -> StreamResponse:
        try:
            return await handle(request)
        except ConnectionError:
            raise  # the client went away; there is nobody to tell
        except Exception:  # named place: one request costs only itself
            reference, response = unexpected()
            log.exception("request_failed", route=request.path, reference=reference)
            context.parts.metrics.failures.labels(where="web").inc()
            return _hardened(response)

    return web_handler


def _hardened(response: Response) -> Response:
    response.headers.update(NO_STORE)
    return response


def _checked_path(request: Request) -> Mapping[str, str]:
    for name, value in request.match_info.items():
        _check_text(value, name)
    return request.match_info


def _query(request: Request, wanted: type[msgspec.Struct]) -> msgspec.Struct:
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name in given:
            raise MalformedPayload(f"The parameter {name} is given twice.", path=name)
        _check_text(value, name)
        given[name] = value
    try:
        return msgspec.convert(given, wanted, strict=False)
    except msgspec.ValidationError as error:
        raise _malformed(error) from error


async def _body(request: Request, wanted: type[msgspec.Struct]) -> msgspec.Struct:
    if request.content_type != "application/json":
        raise WrongMediaType
    if (request.content_length or 0) > BODY_SIZE:
        raise PayloadTooLarge(f"The body is larger than {BODY_SIZE // 1024} KiB.")
    try:
        async with asyncio.timeout(BODY_PATIENCE):
            data = await request.read()
    except TimeoutError as error:
        raise NotJson(f"The body did not arrive within {BODY_PATIENCE:g} s.") from error
    if len(data) > BODY_SIZE:
        raise PayloadTooLarge(f"The body is larger than {BODY_SIZE // 1024} KiB.")
    try:
        return msgspec.json.decode(data, type=wanted)
    except msgspec.ValidationError as error:
        raise _malformed(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotJson(f"The body is not JSON: {error}") from error


def _malformed(error: msgspec.ValidationError) -> MalformedPayload:
    """msgspec's words, with the path apart: Expected `int` >= 1 - at `$.limit`, or Object contains unknown field `x`."""
    words, _, path = str(error).partition(" - at `$")
    parts = [path.strip("`.")]
    if named := re.search(r"field `([^`]*)`", words):
        parts.append(named[1])
    return MalformedPayload(f"{words}.", path=".".join(filter(None, parts)))


def _check_text(value: str, where: str) -> None:
    if "\0" in value or (not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value)):
        raise MalformedPayload("There is a character in it that no text may hold.", path=where)
