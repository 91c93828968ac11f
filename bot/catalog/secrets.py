"""`${env:NAME}` in the catalogue: where it may stand, and what it stands for at the moment of use. A value read is never kept.

Resolve the catalogue's own text BEFORE filling parameters into it, or a parameter could ask for a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.errors import ConfigError

__all__ = ["may_stand", "names", "resolve"]

_REFERENCE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")

# "*" is any one key or index.
_PLACES: tuple[tuple[str, ...], ...] = (
    ("runbooks", "*", "steps", "*", "http", "url"),
    ("runbooks", "*", "steps", "*", "http", "headers", "*"),
    ("schedules", "*", "ical"),
)


def resolve(text: str, environment: Mapping[str, str]) -> str:
    """The text with each `${env:NAME}` replaced. ConfigError names a variable that is not set; values are never in messages."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in environment:
            raise ConfigError(f"the environment variable {name} is not set, and the catalogue asks for it")
        return environment[name]

    return _REFERENCE.sub(value, text)


def names(value: Any) -> Iterator[str]:
    """The variables that a text, or any text inside lists and mappings, asks for."""
    if isinstance(value, str):
        yield from _REFERENCE.findall(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from names(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from names(item)


def may_stand(where: tuple[str | int, ...]) -> bool:
    """Whether a secret belongs at this path of the catalogue."""
    return any(
        len(where) == len(pattern) and all(want in ("*", str(part)) for want, part in zip(pattern, where, strict=True))
        for pattern in _PLACES
    )
