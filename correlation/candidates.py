"""Which open groups an alert could belong to: inverted indexes by place, most recent first, never more than a fixed number.

A group is found where its members are, and near by (places.py): two things at two places are two, so what is elsewhere is not
even looked at. The place "" is anywhere. Nothing is scored here, and no list grows with the groups that are open.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from correlation.places import Occupied

__all__ = ["Index", "Pair"]

LIMIT = 32  # groups that one alert is compared with
PER_KEY = 12  # of one value
MAX_POSTINGS = 64  # groups remembered per value and place
MAX_KEYS = 256  # values remembered per group and place
MAX_PLACES = 16  # of one group; its members at further ones count as anywhere

Pair = tuple[str, str]


class Index:
    """(field, value) -> place -> groups, the last touched last.

    >>> index = Index()
    >>> index.touch(1, [("service", "cart")], "eu"); index.touch(2, [("service", "cart"), ("host", "a")], "eu")
    >>> index.touch(3, [("service", "cart")], "us"); index.touch(4, [("service", "cart")])
    >>> index.find([("host", "a"), ("service", "cart")], "eu")
    [2, 1, 4]
    >>> index.find([("service", "cart")])
    [4, 3, 2, 1]
    """

    __slots__ = ("_keys", "_occupied", "_postings")

    def __init__(self) -> None:
        self._postings: dict[Pair, dict[str, dict[int, None]]] = {}
        self._keys: dict[int, dict[str, dict[Pair, None]]] = {}
        self._occupied = Occupied()

    def touch(self, group: int, pairs: Iterable[Pair], place: str = "") -> None:
        """The group has (again) a member with these values there."""
        places = self._keys.setdefault(group, {})
        if place not in places and len(places) >= MAX_PLACES:
            place = ""
        if place not in places:
            places[place] = {}
            self._occupied.add(place)
        keys = places[place]
        for pair in pairs:
            postings = self._postings.get(pair)
            if postings is None:
                postings = self._postings[pair] = {}
            posting = postings.get(place)
            if posting is None:
                posting = postings[place] = {}
            elif next(reversed(posting)) == group:
                continue
            elif group in posting:
                del posting[group]
            elif len(posting) >= MAX_POSTINGS:
                oldest = next(iter(posting))
                del posting[oldest]
                self._keys[oldest][place].pop(pair, None)
            if pair in keys or len(keys) < MAX_KEYS:
                keys[pair] = None
                posting[group] = None
            elif not posting:
                self._forget(pair, place)

    def drop(self, group: int) -> None:
        """The group is closed, or is part of another one now."""
        for place, keys in self._keys.pop(group, {}).items():
            self._occupied.remove(place)
            for pair in keys:
                posting = self._postings[pair][place]
                posting.pop(group, None)
                if not posting:
                    self._forget(pair, place)

    def values(self, group: int) -> dict[str, list[Pair]]:
        """What a group is found by, for each of its places."""
        return {place: list(keys) for place, keys in self._keys.get(group, {}).items()}

    def find(self, pairs: Iterable[Pair], place: str = "") -> list[int]:
        """At most 32 groups that share a value, the most telling values (which come first) and newest groups first.

        At `place`, near it, and anywhere; without a place everywhere.
        """
        found: dict[int, None] = {}
        places: tuple[str, ...] | None = None
        enough = len(self._keys)
        if place:
            places = self._occupied.near(place)
            enough = sum(map(self._occupied.groups.__getitem__, places))
        enough = min(LIMIT, enough)  # or all there are
        if not enough:
            return []
        for postings in filter(None, map(self._postings.get, pairs)):
            left = PER_KEY
            for one in places if places is not None else reversed(postings):
                posting = postings.get(one)
                if posting is None:
                    continue
                if len(posting) == 1:
                    found.update(posting)
                else:
                    newest = reversed(posting)
                    for number in newest if len(posting) <= left else islice(newest, left):
                        found[number] = None  # who is there already keeps the place
                left -= len(posting)
                if left <= 0:
                    break
            if len(found) >= enough:
                break
        return list(found)[:LIMIT]

    def _forget(self, pair: Pair, place: str) -> None:
        """No group has a value at a place any more."""
        postings = self._postings[pair]
        del postings[place]
        if not postings:
            del self._postings[pair]

    def dump(self) -> list[tuple[str, str, str, list[int]]]:
        """All postings, plain and in order: field, value, place, groups."""
        return [
            (field, value, place, list(groups))
            for (field, value), postings in self._postings.items()
            for place, groups in postings.items()
        ]

    def places(self) -> list[str]:
        """Where groups are found, in order."""
        return list(self._occupied.groups)

    def values_in_order(self) -> list[tuple[int, list[tuple[str, list[int]]]]]:
        """What each group is found by, in its order, as numbers of what `dump` gives: (group, [(place, numbers)])."""
        numbers = {(field, value, place): n for n, (field, value, place, _) in enumerate(self.dump())}
        return [
            (group, [(place, [numbers[*pair, place] for pair in keys]) for place, keys in places.items()])
            for group, places in self._keys.items()
        ]

    def load(
        self,
        places: Iterable[str],
        postings: Iterable[tuple[str, str, str, list[int]]],
        values: Iterable[tuple[int, list[tuple[str, list[int]]]]],
    ) -> None:
        """What `places`, `dump` and `values_in_order` gave."""
        self._occupied.load(places)
        pairs: list[Pair] = []
        for field, value, place, groups in postings:
            pairs.append((field, value))
            self._postings.setdefault((field, value), {})[place] = dict.fromkeys(groups)
        for group, found in values:
            self._keys[group] = {place: {pairs[number]: None for number in numbers} for place, numbers in found}
            for place in self._keys[group]:
                self._occupied.groups[place] += 1
