"""The arguments of a request, in the three ways Slack takes them: query, form, JSON. Judges no value."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tests.fakes.slack.tables import RULES

__all__ = ["OWN_WORDS", "arguments"]

OWN_WORDS = {
    ("conversations.create", "name"),
    ("conversations.rename", "name"),
    ("conversations.invite", "users"),
    ("pins.add", "timestamp"),
    ("pins.remove", "timestamp"),
    ("conversations.setTopic", "topic"),  # "" takes it away
    ("conversations.setPurpose", "purpose"),
}
"""Required arguments whose absence has a word of its own, or is allowed."""


async def arguments(request: web.Request, name: str) -> tuple[dict[str, Any], str, str]:
    """Arguments, token, and what is wrong with the body."""
    args: dict[str, Any] = dict(request.query)
    header = request.headers.get("Authorization", "")
    token = header.removeprefix("Bearer ") if header.startswith("Bearer ") else ""
    raw = await request.read()
    kind = request.content_type
    if kind == "application/json" and raw:
        if name in RULES and not RULES[name].json:
            return args, token, ""  # Slack does not look into JSON for these: the arguments are simply not there
        try:
            body = json.loads(raw)
        except ValueError:
            return args, token, "invalid_json"
        if not isinstance(body, dict):
            return args, token, "json_not_object"
        args |= {key: value for key, value in body.items() if key != "token"}  # a token counts only in the header
    elif kind == "application/x-www-form-urlencoded" and raw:
        args |= dict(parse_qsl(raw.decode(), keep_blank_values=True))
    elif kind.startswith("multipart/"):
        form = await request.post()
        args |= {key: value for key, value in form.items() if isinstance(value, str)}
    token = token or str(args.get("token", ""))
    args.pop("token", None)
    return args, token, ""
