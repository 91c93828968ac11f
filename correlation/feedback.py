"""What people said about grouping: which kinds of alert they put together, which they keep apart. Bounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["Feedback"]

MAX_KINDS = 10_000
MAX_PARTNERS = 64
TOLD = 5  # of each group's kinds, those of most members: a merge of two storms must not teach thousands of pairs
STRONGEST = 4


class Feedback:
    """What was said, by kind and kind: above 0 together, below 0 apart, at most 4 either way.

    >>> f = Feedback()
    >>> f.learn({"cart/Slow": 3}, {"web/Errors": 1}, 1)
    >>> f.said
    {'cart/Slow': {'web/Errors': 1}, 'web/Errors': {'cart/Slow': 1}}
    >>> f.learn({"cart/Slow": 3}, {"web/Errors": 1}, -1); f.said
    {}
    """

    __slots__ = ("said",)

    def __init__(self, said: dict[str, dict[str, int]] | None = None) -> None:
        self.said: dict[str, dict[str, int]] = {} if said is None else said

    def learn(self, some: Mapping[str, int], others: Mapping[str, int], change: int) -> None:
        """The kinds of two groups, the first to come first and each with how many members are of it, belong together (+1)
        or do not (-1). Of a kind and itself nothing is learned.
        """
        ours, theirs = _telling(some), _telling(others)
        pairs = dict.fromkeys((min(a, b), max(a, b)) for a in ours for b in theirs if a != b)
        for a, b in pairs:
            self._add(a, b, change)
            self._add(b, a, change)

    def apart(self, some: Iterable[str], others: Iterable[str]) -> bool:
        """Whether people keep kinds of the one apart from kinds of the other."""
        if not self.said:
            return False
        theirs = list(others)
        return any(said.get(kind, 0) < 0 for one in some if (said := self.said.get(one)) for kind in theirs)

    def _add(self, a: str, b: str, change: int) -> None:
        partners = self.said.setdefault(a, {})
        value = max(-STRONGEST, min(STRONGEST, partners.pop(b, 0) + change))
        if value:
            if len(partners) >= MAX_PARTNERS:
                del partners[next(iter(partners))]
            partners[b] = value
        elif not partners:
            del self.said[a]
        if len(self.said) > MAX_KINDS:
            del self.said[next(iter(self.said))]


def _telling(kinds: Mapping[str, int]) -> list[str]:
    """Those of most members; the first ones among equals.

    >>> _telling({"f": 1, "b": 7, "c": 1, "d": 2, "e": 1, "a": 1})
    ['b', 'd', 'f', 'c', 'e']
    """
    return sorted(kinds, key=lambda kind: -kinds[kind])[:TOLD]
