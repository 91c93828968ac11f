"""Errors as application/problem+json (RFC 9457): what went wrong, where, and the way out. The one place that does so."""

from __future__ import annotations

import http
import math
import uuid
from collections.abc import Mapping

import msgspec
from aiohttp import web

from bot.errors import Conflict, MusterError, RequestError, StorageUnavailable

__all__ = [
    "Details",
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


class Details(msgspec.Struct, kw_only=True, omit_defaults=True, rename={"kind": "type"}):
    """A problem: `code` names it for programs, `path` is the field or parameter that is wrong, `reference` finds it in the log."""

    kind: str
    title: str
    status: int
    detail: str
    code: str
    path: str = ""
    reference: str = ""


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
        case StorageUnavailable(retry_after=retry_after):
            return _response(error.public, 503, error.code, headers={"Retry-After": str(math.ceil(retry_after))})
        case MethodNotAllowed(allowed=allowed):
            return _response(error.public, 405, error.code, headers={"Allow": allowed})
        case TokenWanted():
            return _response(error.public, 401, error.code, headers={"WWW-Authenticate": 'Bearer realm="muster"'})
        case TooManyAttempts():
            return _response(error.public, 429, error.code, headers={"Retry-After": "60"})
        case RequestError():
            return _response(error.public, error.status, error.code, path=getattr(error, "path", ""))
        case Conflict():
            return _response(error.public, 409, error.code)
        case web.HTTPException():
            return _response(error.text or error.reason, error.status, f"http_{error.status}")
        case _:
            raise error


def unexpected() -> tuple[str, web.Response]:
    """A reference to log, and the response that carries it and nothing else of the error."""
    reference = uuid.uuid4().hex[:12]
    detail = f"Something went wrong in Muster. It is in the log under {reference}."
    return reference, _response(detail, 500, "unexpected", reference=reference)


def _response(
    detail: str,
    status: int,
    code: str,
    *,
    path: str = "",
    reference: str = "",
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    details = Details(
        kind=f"urn:muster:problem:{code}",
        title=http.HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        path=path,
        reference=reference,
    )
    return web.Response(
        body=msgspec.json.encode(details), status=status, content_type="application/problem+json", headers=headers
    )
