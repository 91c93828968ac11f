"""Which HTTP answer an error of the API or the situation room becomes. How a problem is worded is `bot.problems`'s."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping

from aiohttp import web

from bot import problems
from bot.errors import Conflict, MusterError, RequestError, Unavailable
from bot.problems import PROBLEM_JSON

__all__ = [
    "MethodNotAllowed",
    "NotConfigured",
    "NotJson",
    "Redirect",
    "TokenWanted",
    "TooManyAttempts",
    "WrongHost",
    "WrongMediaType",
    "WrongOrigin",
    "answer_to",
    "unexpected",
]


class NotJson(RequestError):
    """The body is not JSON."""


class WrongMediaType(RequestError):
    """Send JSON, with Content-Type: application/json."""

    status = 415


class MethodNotAllowed(RequestError):
    """That method is not for this address."""

    status = 405

    def __init__(self, message: str, *, allowed: str) -> None:
        super().__init__(message)
        self.allowed = allowed


class WrongHost(RequestError):
    """This Muster does not answer to that host name. If it should: MUSTER_PUBLIC_URL."""

    status = 421


class WrongOrigin(RequestError):
    """Another site's page sent this request; only the situation room's own pages may."""

    status = 403


class TokenWanted(RequestError):
    """Beyond its own machine Muster asks for the token: Authorization: Bearer ..., or sign in at /login."""

    status = 401


class NotConfigured(RequestError):
    """Beyond its own machine Muster answers only with a token, and none is set. The operator sets MUSTER_HTTP_TOKEN."""

    status = 403


class TooManyAttempts(RequestError):
    """Too many wrong tokens. Wait a minute."""

    status = 429


class Redirect(MusterError):
    """The answer is elsewhere."""

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location = location


def answer_to(error: MusterError | web.HTTPException) -> web.Response:
    """The response that tells of an error. An error that is nobody's fault and no trouble of the disk is raised again."""
    match error:
        case Redirect(location=location):
            return web.Response(status=303, headers={"Location": location})
        case Unavailable(retry_after=retry_after):
            return _response(error, 503, {"Retry-After": str(max(1, math.ceil(retry_after)))})
        case MethodNotAllowed(allowed=allowed):
            return _response(error, error.status, {"Allow": allowed})
        case TokenWanted():
            return _response(error, error.status, {"WWW-Authenticate": 'Bearer realm="muster"'})
        case TooManyAttempts():
            return _response(error, error.status, {"Retry-After": "60"})
        case RequestError():
            return _response(error, error.status)
        case Conflict():
            return _response(error, 409)
        case web.HTTPException():
            told = problems.body(error.text or error.reason, error.status, f"http_{error.status}")
            return web.Response(body=told, status=error.status, content_type=PROBLEM_JSON)
        case _:
            raise error


def unexpected() -> tuple[str, web.Response]:
    """A reference to log, and the response that carries it and nothing else of the error."""
    reference = uuid.uuid4().hex[:12]
    detail = f"Something went wrong in Muster. It is in the log under {reference}."
    told = problems.body(detail, 500, "unexpected", reference=reference)
    return reference, web.Response(body=told, status=500, content_type=PROBLEM_JSON)


def _response(error: MusterError, status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    told = problems.body_of(error, status)
    return web.Response(body=told, status=status, content_type=PROBLEM_JSON, headers=headers)
