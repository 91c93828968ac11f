"""Which places lie in which, by their names alone: eu-west-1a in eu-west-1, that in eu-west. What is there is not said here."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

__all__ = ["MAX_WHOLES", "near", "wholes"]

MAX_WHOLES = 16  # places that one may lie in, the widest ones


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
