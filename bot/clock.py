"""Time enters here, so that tests can move it. A moment is seconds since the epoch (UTC); people read datetimes in their own zone.

Nothing else in the product reads the wall clock.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, tzinfo
from typing import Protocol

__all__ = ["Clock", "ManualClock", "SystemClock", "ago", "duration", "from_iso", "to_datetime", "to_iso"]

EXACT_DAYS = 10  # beyond so many, hours say nothing any more


class Clock(Protocol):
    """Answers what time it is."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()


class ManualClock:
    """A clock that stands still until it is moved: for tests and for playing stories at another speed."""

    def __init__(self, at: float = 1_767_603_600.0) -> None:  # 2026-01-05 09:00 UTC, a Monday
        self._at = at

    def now(self) -> float:
        return self._at

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`."""
        self._at += seconds


def to_datetime(at: float, zone: tzinfo = UTC) -> datetime:
    """The moment as an aware datetime in `zone`."""
    return datetime.fromtimestamp(at, tz=zone)


def to_iso(at: float) -> str:
    """RFC 3339 in UTC, to the millisecond.

    >>> to_iso(0.5)
    '1970-01-01T00:00:00.500Z'
    """
    return datetime.fromtimestamp(at, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> float:
    """The moment an RFC 3339 text names; a text without an offset is taken for UTC. ValueError when it is neither.

    >>> from_iso("1970-01-01T01:00:00+01:00")
    0.0
    """
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def duration(seconds: float) -> str:
    """How long, in the two largest units that say something.

    >>> duration(40), duration(185), duration(7 * 3600 + 120), duration(3 * 86400)
    ('40 s', '3 min', '7 h 2 min', '3 d')
    >>> duration(36 * 86400 + 7200)
    '36 d'
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours and days < EXACT_DAYS else f"{days} d"


def took(seconds: float) -> str:
    """How long something took that may have been over at once.

    >>> took(0.2), took(20)
    ('less than 1 s', '20 s')
    """
    return duration(seconds) if seconds >= 1 else "less than 1 s"


def ago(at: float, now: float) -> str:
    """How long before `now`, for people.

    >>> ago(100, 140), ago(100, 100)
    ('40 s ago', 'just now')
    """
    return "just now" if now - at < 1 else f"{duration(now - at)} ago"
