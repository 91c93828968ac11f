"""Which service an alert belongs to. Asked once per alert of a storm, so answers are remembered by what the matchers look at."""

from __future__ import annotations

from collections.abc import Mapping

from bot.catalog.model import Service
from correlation.alert import Alert
from correlation.lookup import Lookup
from correlation.matchers import value_of

__all__ = ["Ownership"]

CACHED_ANSWERS = 16_384  # about 4 MB; a storm repeats few distinct hosts and labels


class Ownership:
    """Finds the first service, in the catalogue's order, one of whose matchers an alert meets."""

    __slots__ = ("_answers", "_claims", "_labels", "_services")

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = services
        claims = [(matchers, service) for service in services.values() for matchers in service.match]
        self._claims = Lookup(claims)
        self._labels = tuple(sorted({matcher.label for matchers, _ in claims for matcher in matchers}))
        self._answers: dict[tuple[str, ...], Service | None] = {}

    def service_of(self, alert: Alert) -> Service | None:
        """The service that the alert names, else the first that claims it, else None."""
        named = self._services.get(alert.service) if alert.service else None
        if named is not None or not self._labels:
            return named
        key = tuple([value_of(alert, label) for label in self._labels])
        try:
            return self._answers[key]
        except KeyError:
            if len(self._answers) >= CACHED_ANSWERS:
                del self._answers[next(iter(self._answers))]  # the oldest
            answer = self._answers[key] = self._claims.first(alert)
            return answer
