"""Which sources tell when a condition ends. One that never does must not keep its groups open for a day."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Sources"]

MAX_SOURCES = 1024


class Sources:
    """Onsets and ends per source.

    >>> sources = Sources(trust=1)
    >>> sources.onset("siem"), sources.tells_ends("siem"), sources.onset("siem"), sources.tells_ends("siem")
    (None, True, None, False)
    """

    __slots__ = ("_counts", "trust")

    def __init__(self, trust: int) -> None:
        self.trust = trust
        self._counts: dict[str, list[int]] = {}

    def onset(self, source: str) -> None:
        self._of(source)[0] += 1

    def end(self, source: str) -> None:
        self._of(source)[1] += 1

    def tells_ends(self, source: str) -> bool:
        """Believed until `trust` onsets have come without one end."""
        counts = self._counts.get(source)
        return counts is None or counts[1] > 0 or counts[0] <= self.trust

    def dump(self) -> list[tuple[str, list[int]]]:
        return list(self._counts.items())

    def load(self, counts: Iterable[tuple[str, list[int]]]) -> None:
        """What `dump` gave."""
        self._counts.update(counts)

    def _of(self, source: str) -> list[int]:
        counts = self._counts.get(source)
        if counts is None:
            if len(self._counts) >= MAX_SOURCES:
                del self._counts[next(iter(self._counts))]
            counts = self._counts[source] = [0, 0]
        return counts
