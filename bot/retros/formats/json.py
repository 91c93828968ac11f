"""A retrospective as JSON, for other programs: the fields of bot.retros.model, moments as RFC 3339."""

from __future__ import annotations

from typing import Any

import msgspec

from bot.clock import to_iso
from bot.retros.formats import Format
from bot.retros.model import Retro

__all__ = ["FORMAT"]


def render(retro: Retro) -> bytes:
    """JSON in UTF-8, indented, with a line end."""
    document = {"incident": retro.ref, **msgspec.to_builtins(retro)}
    return msgspec.json.format(msgspec.json.encode(_readable(document)), indent=2) + b"\n"


def _readable(value: Any, key: str = "") -> Any:
    match value:
        case dict():
            return {name: _readable(inner, name) for name, inner in value.items()}
        case list() | tuple():
            return [_readable(inner) for inner in value]
        case float() | int() if key == "at" or key.endswith("_at"):
            return to_iso(value)
        case _:
            return value


FORMAT = Format(names=("json",), media_type="application/json", render=render)
