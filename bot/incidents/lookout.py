"""The watch that stands beside the engine: it hears every alert in the journal's order, and is taught between two deliveries.

Nothing is read or written here: what it learns from is in `lessons`, what becomes of a warning in `early`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Row

from bot.incidents.model import ref
from bot.telemetry import get_logger
from correlation.alert import Alert, Status
from correlation.beginnings import Kind, kind_of
from correlation.warning import EarlyWarning, Watch

__all__ = ["Lesson", "Lookout", "apart"]

log = get_logger(__name__)

_seen = msgspec.json.Decoder(list[tuple[float, Kind]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """How a bad incident began: moments and kinds, and when it was over; without any, it is no example any more.

    It was learned after the delivery `position`; `id` numbers lessons in that order.
    """

    id: int
    position: int
    incident: int
    seen: tuple[tuple[float, Kind], ...]
    until: float | None

    @classmethod
    def of(cls, row: Row[Any]) -> Lesson:
        """A row of the table `lessons`."""
        return cls(
            id=row.id,
            position=row.position,
            incident=row.incident,
            seen=tuple(_seen.decode(row.seen_json)) if row.resolved_at is not None else (),
            until=row.resolved_at,
        )


class Lookout:
    """The watch as far as it has come. `lesson` is the newest that it was taught."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.lesson = 0
        self._waiting: list[Lesson] = []

    def hear(self, alerts: Sequence[Alert], muted: Sequence[str | None], received_at: float) -> list[EarlyWarning]:
        """What begins like something bad, now that these came. What is silenced says nothing."""
        said: list[EarlyWarning] = []
        observe = self.watch.observe
        for alert, why in zip(alerts, muted, strict=True):
            if why is None and alert.status is Status.FIRING:
                at = min(max(0.0, alert.at), received_at)
                said += observe(at, kind_of(alert), f"{alert.environment}\n{alert.location}")
        return said

    def teach(self, lesson: Lesson) -> None:
        """Learn it now."""
        self.lesson = lesson.id
        if lesson.seen:
            self.watch.learn(ref(lesson.incident), lesson.seen, lesson.until)
        else:
            self.watch.forget(ref(lesson.incident))

    def restore(self, kept: Row[Any] | None, lessons: Sequence[Lesson]) -> None:
        """Go on from a snapshot, or from nothing; lessons that are not in it are learned when `up_to` comes to them."""
        self.watch, self.lesson = Watch(), 0
        if kept is not None and kept.watch is not None:
            try:
                self.watch, self.lesson = Watch.restore(kept.watch), kept.lesson
            except ValueError as error:  # it warns again when it has watched for long enough
                log.warning("watch_snapshot_unreadable", position=kept.position, reason=str(error))
        self._waiting = [lesson for lesson in lessons if lesson.id > self.lesson]

    def up_to(self, position: float) -> None:
        """Learn what was learned before this delivery was heard."""
        while self._waiting and self._waiting[0].position < position:
            self.teach(self._waiting.pop(0))


def apart(scope: str) -> tuple[str, str]:
    """The environment and the location that are watched apart from others."""
    environment, _, location = scope.partition("\n")
    return environment, location
