"""Whether an alert is muted: all silences as one question, asked before grouping. Who silences what, and shows it, is elsewhere.

A silence counts for deliveries after `from_position` up to `until_position`, so that a replay of the journal mutes the same
alerts again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import to_datetime
from bot.storage import tables
from correlation.alert import Alert
from correlation.lookup import Lookup
from correlation.matchers import Matcher, Matchers

__all__ = ["Muting", "matchers_json", "matchers_of"]

_s = tables.silences.c


@dataclass(frozen=True, slots=True)
class _Rule:
    id: int
    matchers: tuple[Matcher, ...]
    starts_at: float
    ends_at: float
    after: int
    up_to: int | None
    reason: str

    def counts(self, position: int, at: float) -> bool:
        return (
            self.after < position
            and (self.up_to is None or position <= self.up_to)
            and self.starts_at <= at < self.ends_at
        )

    def words(self, at: float) -> str:
        end, day = to_datetime(self.ends_at), to_datetime(at)
        form = "%H:%M UTC" if end.date() == day.date() else "%Y-%m-%d %H:%M UTC"
        why = f": {self.reason}" if self.reason else ""
        return f"silenced by S{self.id}{why}, until {end.strftime(form)}"


class Muting:
    """All silences as one question. Loaded once, asked for every alert."""

    __slots__ = ("_rules",)

    def __init__(self, rules: Iterable[_Rule] = ()) -> None:
        self._rules = Lookup((rule.matchers, rule) for rule in rules)

    @classmethod
    async def load(cls, connection: AsyncConnection, *, after: int = 0) -> Muting:
        """The silences that may count for deliveries after position `after`."""
        query = (
            select(tables.silences).where(or_(_s.until_position.is_(None), _s.until_position > after)).order_by(_s.id)
        )
        return cls(
            _Rule(
                row.id,
                matchers_of(row.matchers_json).items,
                row.starts_at,
                row.ends_at,
                row.from_position,
                row.until_position,
                row.reason,
            )
            for row in await connection.execute(query)
        )

    def __bool__(self) -> bool:
        """There is something that mutes."""
        return bool(self._rules)

    def muted(self, alert: Alert, position: int, at: float) -> str | None:
        """Why the alert of delivery `position` is muted at event time `at`, or None when it is not."""
        for rule in self._rules.meeting(alert):
            if rule.counts(position, at):
                return rule.words(at)
        return None


def matchers_json(matchers: Matchers) -> str:
    """The matchers as the table keeps them."""
    return msgspec.json.encode([str(matcher) for matcher in matchers]).decode()


def matchers_of(data: str) -> Matchers:
    """The matchers back from the table."""
    return Matchers.parse(msgspec.json.decode(data, type=list[str]))
