"""Errors as application/problem+json (RFC 9457): what went wrong, where, and the way out. The one place that words them.

Which HTTP library carries them, and which headers go with them, is decided by who answers.
"""

from __future__ import annotations

import http

import msgspec

from bot.errors import MusterError
from bot.intake.sanitize import clean

__all__ = ["PROBLEM_JSON", "Details", "body", "body_of"]

PROBLEM_JSON = "application/problem+json"
DETAIL, PATH = 1_000, 500  # characters


class Details(msgspec.Struct, kw_only=True, omit_defaults=True, rename={"kind": "type"}):
    """A problem: `code` names it for programs, `path` is the field or parameter that is wrong, `reference` finds it in the log."""

    kind: str
    title: str
    status: int
    detail: str
    code: str
    path: str = ""
    source: str = ""  # of the webhook, where one was meant
    reference: str = ""


def body_of(error: MusterError, status: int, *, source: str = "") -> bytes:
    """What tells of an error of ours. Its title is what the kind of error says, its detail what this one does."""
    title = (type(error).__doc__ or "").strip().partition("\n")[0]
    path = clean(getattr(error, "path", ""), PATH)
    return body(error.public, status, error.code, title=title, path=path, source=source)


def body(
    detail: str, status: int, code: str, *, title: str = "", path: str = "", source: str = "", reference: str = ""
) -> bytes:
    """What tells of any problem; without a title of its own it has HTTP's."""
    details = Details(
        kind=f"urn:muster:problem:{code}",
        title=title or http.HTTPStatus(status).phrase,
        status=status,
        detail=clean(detail, DETAIL),
        code=code,
        path=path,
        source=source,
        reference=reference,
    )
    return msgspec.json.encode(details)
