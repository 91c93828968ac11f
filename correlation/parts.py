"""What a group was before another went into it: what its members do not say themselves, so that a split finds it again.

>>> from correlation import Alert, Engine
>>> engine = Engine()
>>> one, two = engine.ingest([Alert(at=0.0, name="Slow", service="cart"), Alert(at=5.0, name="DiskFull", service="mail")])
>>> engine.merge("G1", "G2")
>>> engine.group(engine.split("G1", [two.episode])).title
'mail disk full'
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

import msgspec

__all__ = ["MAX_PARTS", "Part", "covering", "remaining"]

MAX_PARTS = 32  # of one group


class Part(msgspec.Struct, frozen=True, gc=False):
    """A group as it was. `seats` are the numbers of the groups that its members came to; moments are event time."""

    seats: tuple[int, ...]
    recipe: str
    key: tuple[str, ...]
    bar: float
    pace: float
    called_at: float
    changes: tuple[str, ...]
    outbreaks: tuple[str, ...]
    recent: Mapping[str, float]
    labels: tuple[str, ...] = ()


def covering(parts: Sequence[Part], wanted: Collection[int]) -> list[Part]:
    """The largest parts that hold nothing but these seats, the latest of several first."""
    left, found = set(wanted), []
    for part in reversed(parts):
        if left.issuperset(part.seats):
            left.difference_update(part.seats)
            found.append(part)
    return found


def remaining(whole: Iterable[str], mine: Iterable[Iterable[str]], others: Iterable[Iterable[str]]) -> dict[str, None]:
    """What of a whole is left to some of its parts: what these brought, and what none of the others did.

    >>> list(remaining(["a", "b", "c"], [["b"]], [["a", "b"]]))
    ['b', 'c']
    """
    away = {value for values in others for value in values}
    return dict.fromkeys(chain(chain.from_iterable(mine), (value for value in whole if value not in away)))
