"""What a source is: a name, how its senders prove themselves, and a pure way from a body to alerts and changes.

Each source is one file in `bot/intake/sources/`. No HTTP, no storage and no clock enter here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.intake.sanitize import clean
from bot.intake.signatures import Scheme
from correlation.alert import Alert, Change

__all__ = ["Example", "Parsed", "Source"]

Headers = Mapping[str, str]  # names in lower case


@dataclass(slots=True, kw_only=True)
class Parsed:
    """What a delivery says. `notes` tell what was cut, clamped or left out of it."""

    alerts: list[Alert] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """How many alerts and changes were understood."""
        return len(self.alerts) + len(self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An invented payload and what it must become: a source carries its own proof."""

    title: str
    payload: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    received_at: float = 1_767_603_600.0  # 2026-01-05 09:00 UTC
    alerts: tuple[Alert, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def body(self) -> bytes:
        """The payload as it travels."""
        return self.payload if isinstance(self.payload, bytes) else json.dumps(self.payload).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One kind of sender.

    `parse(body, headers, received_at)` raises nothing but MalformedPayload, is deterministic, and reads no header but
    those named in `headers` (lower case; they are kept with the body, so a replay sees the same). `count` is optional: the
    same judgement as `parse`, cheaper, for sources that carry storms; it must accept exactly what `parse` accepts.
    """

    name: str
    authentication: Scheme
    parse: Callable[[bytes, Headers, float], Parsed]
    examples: tuple[Example, ...]
    headers: tuple[str, ...] = ()
    delivery_header: str = ""
    count: Callable[[bytes, Headers], int] | None = None

    def accepts(self, body: bytes, headers: Headers, received_at: float) -> int:
        """How many alerts and changes the body holds. MalformedPayload when `parse` would raise it."""
        if self.count is not None:
            return self.count(body, headers)
        return self.parse(body, headers, received_at).accepted

    def delivery_id(self, headers: Headers) -> str | None:
        """The sender's own id of this delivery, where it has one."""
        value = headers.get(self.delivery_header, "") if self.delivery_header else ""
        return clean(value, 200) or None
