"""Which service an alert belongs to. Asked once per alert of a storm, so answers are remembered by what the matchers look at."""

from __future__ import annotations

from collections.abc import Mapping

from bot.catalog.model import Service
from correlation.alert import Alert
from correlation.matchers import Matchers, value_of

__all__ = ["Ownership"]

CACHED_ANSWERS = 16_384  # about 4 MB; a storm repeats few distinct hosts and labels


class Ownership:
    """Finds the first service, in the catalogue's order, one of whose matchers an alert meets.

    Matchers that begin with an equality are found by a look-up; the others are tried one after the other.
    """

    __slots__ = ("_answers", "_equal", "_equal_labels", "_labels", "_services", "_tried")

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = services
        self._equal: dict[tuple[str, str], list[tuple[int, Matchers, Service]]] = {}
        self._tried: list[tuple[int, Matchers, Service]] = []
        labels: set[str] = set()
        for order, service in enumerate(services.values()):
            for matchers in service.match:
                labels.update(matcher.label for matcher in matchers)
                first = next((matcher for matcher in matchers if matcher.op == "=" and matcher.value), None)
                entry = (order, matchers, service)
                if first is None:
                    self._tried.append(entry)
                else:
                    self._equal.setdefault((first.label, first.value), []).append(entry)
        self._labels = tuple(sorted(labels))
        self._equal_labels = tuple(sorted({label for label, _ in self._equal}))
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
            answer = self._answers[key] = self._find(alert)
            return answer

    def _find(self, alert: Alert) -> Service | None:
        best: tuple[int, Service | None] = (len(self._services), None)
        for label in self._equal_labels:
            for order, matchers, service in self._equal.get((label, value_of(alert, label)), ()):
                if order < best[0] and matchers.matches(alert):
                    best = (order, service)
        for order, matchers, service in self._tried:
            if order >= best[0]:
                break
            if matchers.matches(alert):
                return service
        return best[1]
