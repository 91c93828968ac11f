"""Which open groups an alert could belong to: inverted indexes, most recent first, never more than a fixed number.

Nothing is scored here, and no list grows with the groups that are open.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

__all__ = ["Index"]

LIMIT = 32  # groups that one alert is compared with
PER_KEY = 12  # of one value
MAX_POSTINGS = 64  # groups remembered per value
MAX_KEYS = 256  # values remembered per group

Pair = tuple[str, str]


class Index:
    """(field, value) -> groups, the last touched last.

    >>> index = Index()
    >>> index.touch(1, [("service", "cart")]); index.touch(2, [("service", "cart"), ("host", "a")])
    >>> index.find([("host", "a"), ("service", "cart")])
    [2, 1]
    """

    __slots__ = ("_keys", "_postings")

    def __init__(self) -> None:
        self._postings: dict[Pair, dict[int, None]] = {}
        self._keys: dict[int, dict[Pair, None]] = {}

    def touch(self, group: int, pairs: Iterable[Pair]) -> None:
        """The group has (again) a member with these values."""
        keys = self._keys.setdefault(group, {})
        for pair in pairs:
            posting = self._postings.get(pair)
            if posting is None:
                posting = self._postings[pair] = {}
            elif next(reversed(posting)) == group:
                continue
            elif group in posting:
                del posting[group]
            elif len(posting) >= MAX_POSTINGS:
                oldest = next(iter(posting))
                del posting[oldest]
                self._keys[oldest].pop(pair, None)
            if pair in keys or len(keys) < MAX_KEYS:
                keys[pair] = None
                posting[group] = None
            elif not posting:
                del self._postings[pair]

    def drop(self, group: int) -> None:
        """The group is closed, or is part of another one now."""
        for pair in self._keys.pop(group, ()):
            posting = self._postings[pair]
            posting.pop(group, None)
            if not posting:
                del self._postings[pair]

    def values(self, group: int, most: int = MAX_KEYS) -> list[Pair]:
        """What a group is found by."""
        return list(islice(self._keys.get(group, ()), most))

    def find(self, pairs: Iterable[Pair]) -> list[int]:
        """At most 32 groups that share a value, the most telling values (which come first) and newest groups first."""
        found: dict[int, None] = {}
        enough = min(LIMIT, len(self._keys))  # or all there are
        for posting in filter(None, map(self._postings.get, pairs)):
            if len(posting) == 1:
                found.update(posting)
            else:
                newest = reversed(posting)
                for number in newest if len(posting) <= PER_KEY else islice(newest, PER_KEY):
                    found[number] = None  # who is there already keeps the place
            if len(found) >= enough:
                break
        return list(found)[:LIMIT]

    def dump(self) -> list[tuple[str, str, list[int]]]:
        """All postings, plain and in order."""
        return [(field, value, list(groups)) for (field, value), groups in self._postings.items()]

    def values_in_order(self) -> list[tuple[int, list[int]]]:
        """What each group is found by, in its order, as places in what `dump` gives."""
        places = {pair: n for n, pair in enumerate(self._postings)}
        return [(group, [places[pair] for pair in keys]) for group, keys in self._keys.items()]

    def load(self, postings: Iterable[tuple[str, str, list[int]]], values: Iterable[tuple[int, list[int]]]) -> None:
        """What `dump` and `values_in_order` gave."""
        pairs: list[Pair] = []
        for field, value, groups in postings:
            pairs.append((field, value))
            self._postings[field, value] = dict.fromkeys(groups)
        for group, places in values:
            self._keys[group] = {pairs[place]: None for place in places}
