"""Which places lie in which, by their names alone (eu-west-1a in eu-west-1, that in eu-west); hosts' places; where groups are."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from itertools import islice

__all__ = ["MANY", "MAX_PLACES", "Occupied", "common", "domain", "near", "somewhere", "wholes"]

MANY = 6  # places: what is the same at so many is one trouble
MAX_PLACES = 128  # that one group tells apart
MAX_WHOLES = 16  # places that one may lie in, the widest ones
MAX_PARTS = 16  # places within one that are looked at
MAX_ASKED = 16_384  # places of which it is remembered what is near
_NUMERIC = re.compile(r"[0-9a-fA-F.:%\[\]]+")  # an address names no place


def near(place: str, places: Iterable[str]) -> bool:
    """Whether a place lies in one of the others, or one of them in it.

    >>> near("eu-west-1a", ["eu-west-1"]), near("eu-west-1", ["eu-west-1a"]), near("eu-west-10", ["eu-west-1"])
    (True, True, False)
    """
    length = len(place)
    for other in places:
        more = length - len(other)
        if more > 0:
            if place.startswith(other) and _ends(place, len(other)):
                return True
        elif more and other.startswith(place) and _ends(other, length):
            return True
    return False


def somewhere(place: str, places: Collection[str]) -> bool:
    """Whether a place is near one of those of a group, or these are so many that nobody knows."""
    return len(places) >= MAX_PLACES or near(place, places)


def common(places: Collection[str]) -> str:
    """The narrowest place with a number that all of these lie in; "" for none.

    >>> common(["eu-west-1a", "eu-west-1b"]), common(["store7/till1", "store7"]), common(["store-1", "store-2"])
    ('eu-west-1', 'store7', '')
    """
    first, *others = places
    for whole in (first, *reversed(wholes(first))):
        if whole[-1].isdigit() and all(other == whole or whole in wholes(other) for other in others):
            return whole
    return ""


def wholes(place: str) -> list[str]:
    """The places that one lies in by its name, the widest first.

    >>> wholes("eu-west-1a"), wholes("berlin")
    (['eu', 'eu-west', 'eu-west-1'], [])
    """
    return list(islice((place[:end] for end in range(1, len(place)) if _ends(place, end)), MAX_WHOLES))


def _ends(place: str, end: int) -> bool:
    """Whether what stands before may be a place of its own: a name ends there, or a number does and a letter follows."""
    following = place[end]
    return following in "-_./:" or (following.isalpha() and place[end - 1].isdigit())


@lru_cache(maxsize=8192)
def domain(host: str) -> str:
    """What a host's name says of where it is: the path before its last part, or the domain behind its first; "" if nothing.

    >>> domain("fox/mail"), domain("db-1.eu.example.org"), domain("checkout-7d9f8c"), domain("10.0.3.7")
    ('fox', 'eu.example.org', '', '')
    """
    path, _, _ = host.rpartition("/")
    if path:
        return path
    name, _, parent = host.partition(".")
    return parent if name and not _NUMERIC.fullmatch(host) else ""


class Occupied:
    """Where groups are, and how many; the place "" is anywhere.

    >>> occupied = Occupied()
    >>> for place in ("eu-west-1", "eu-west-1a", "us-east-1", ""):
    ...     occupied.add(place)
    >>> occupied.near("eu-west-1b"), occupied.near("eu-west")
    (('eu-west-1', ''), ('eu-west-1', 'eu-west-1a', ''))
    """

    __slots__ = ("_near", "_parts", "groups")

    def __init__(self) -> None:
        self.groups: dict[str, int] = {}
        self._parts: dict[str, dict[str, None]] = {}  # a place -> those within it
        self._near: dict[str, tuple[str, ...]] = {}  # what was asked since a place came or went

    def add(self, place: str) -> None:
        """A group more is there."""
        groups = self.groups.get(place, 0)
        self.groups[place] = groups + 1
        if not groups:
            self._near.clear()
            for whole in wholes(place):
                self._parts.setdefault(whole, {})[place] = None

    def remove(self, place: str) -> None:
        """A group less is there."""
        self.groups[place] -= 1
        if not self.groups[place]:
            del self.groups[place]
            self._near.clear()
            for whole in wholes(place):
                parts = self._parts[whole]
                del parts[place]
                if not parts:
                    del self._parts[whole]

    def near(self, place: str) -> tuple[str, ...]:
        """Where groups are that may be at a place: there, where it lies in, what lies in it, anywhere."""
        known = self._near.get(place)
        if known is not None:
            return known
        groups = self.groups
        found = [one for one in (place, *reversed(wholes(place))) if one in groups]
        found += islice(self._parts.get(place, ()), MAX_PARTS)
        if "" in groups:
            found.append("")
        if len(self._near) >= MAX_ASKED:
            self._near.clear()
        known = self._near[place] = tuple(found)
        return known

    def load(self, places: Iterable[str]) -> None:
        """The places in the order in which groups came to them; how many are there is for the caller to count."""
        for place in places:
            self.add(place)
            self.groups[place] = 0
