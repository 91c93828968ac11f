"""The watch that stands beside the engine: it hears every alert in the journal's order, and is taught between two deliveries.

Nothing is read or written here: what it learns from is the bot's past incidents, what becomes of a warning the bot's to say.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.engine.messages import Lesson, Reading
from correlation.alert import Alert, Status
from correlation.beginnings import Kind, kind_of
from correlation.warning import EarlyWarning, Watch

__all__ = ["Lookout", "place_of"]


class Lookout:
    """The watch as far as it has come. `lesson` is the newest that it was taught."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.lesson = 0

    def hear(self, reading: Reading) -> list[EarlyWarning]:
        """What begins like something bad, now that this came. What is silenced says nothing."""
        said: list[EarlyWarning] = []
        observe, received_at = self.watch.observe, reading.received_at
        for alert, why in zip(reading.alerts, reading.muted, strict=True):
            if why is None and alert.status is Status.FIRING:
                at = min(max(0.0, alert.at), received_at)
                said += observe(at, kind_of(alert), _scope(alert))
        return said

    def teach(self, lessons: Sequence[Lesson]) -> None:
        """Learn them now."""
        for lesson in lessons:
            self.lesson = lesson.id
            if lesson.seen:
                self.watch.learn(lesson.incident, lesson.seen, lesson.until)
            else:
                self.watch.forget(lesson.incident)

    def chances(self, kinds: Sequence[Kind]) -> list[float]:
        """How likely each of these kinds of alert is to be there at any time."""
        return [self.watch.chance(kind) for kind in kinds]

    def restore(self, kept: bytes | None, lesson: int) -> str:
        """Go on from what was kept, or from nothing; why that could not be read, if so: it watches anew then."""
        self.watch, self.lesson = Watch(), 0
        if kept is not None:
            try:
                self.watch, self.lesson = Watch.restore(kept), lesson
            except ValueError as error:
                return str(error)
        return ""


def _scope(alert: Alert) -> str:
    """What is watched apart from others: an environment at a location."""
    return f"{alert.environment}\n{alert.location}"


def place_of(scope: str) -> tuple[str, str]:
    """The environment and the location of a warning's scope."""
    environment, _, location = scope.partition("\n")
    return environment, location
