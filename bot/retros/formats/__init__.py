"""The formats of a retrospective, one file each: put a file here that holds `FORMAT`, and it can be exported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.discovery import members
from bot.retros.model import Retro

__all__ = ["Format", "discover", "format_names"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How a retrospective is written down: `names` is what people type, the first of them the ending of a file's name."""

    names: tuple[str, ...]
    media_type: str
    render: Callable[[Retro], bytes]

    @property
    def extension(self) -> str:
        """md, json, ... without the dot."""
        return self.names[0]

    @property
    def title(self) -> str:
        """Markdown, JSON, ... as people call it."""
        longest = max(self.names, key=len)
        return longest.upper() if len(longest) <= 4 else longest.capitalize()


def discover() -> dict[str, Format]:
    """Every format of this package by each name it answers to."""
    formats: dict[str, Format] = {}
    for _, form in members(__name__, "FORMAT", Format):
        for name in form.names:
            if name in formats:
                raise ValueError(f"two formats want to be called {name!r}")
            formats[name] = form
    return formats


def format_names() -> list[str]:
    """The formats that can be exported, by the ending of their files."""
    return sorted({form.extension for form in discover().values()})
