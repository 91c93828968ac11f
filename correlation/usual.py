"""How much that is new a place usually brings, where nobody tells ends: what calls people there must be more than that at once.

A feed of security events is nothing but news on its first day, and in an hour of a busy one.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec

__all__ = ["Pace", "Usual"]

HALF_DAY = 12 * 3600.0
AT_ONCE = 600.0  # seconds within which news add up (groups.FADES)
TIMES = 4.0  # so many times what is usual
MAX_PLACES = 1024


class Pace(msgspec.Struct, gc=False):
    """The news of one place, fading with half a day."""

    since: float
    at: float
    news: float = 0.0


class Usual:
    """
    >>> usual = Usual()
    >>> [round(usual.bar("siem", 60.0 * n, 1.0), 1) for n in (0, 1, 2, 600)]
    [1.0, 5.0, 9.0, 1.1]
    """

    __slots__ = ("places",)

    def __init__(self) -> None:
        self.places: OrderedDict[str, Pace] = OrderedDict()

    def bar(self, place: str, at: float, news: float) -> float:
        """How much must speak for calling people there, 1 where all is quiet; counts this alert, which says `news`."""
        pace = self.places.get(place)
        if pace is None:
            pace = self.places[place] = Pace(at, at)
            if len(self.places) > MAX_PLACES:
                self.places.popitem(last=False)
        else:
            self.places.move_to_end(place)
        before = pace.news * float(2.0 ** (-max(0.0, at - pace.at) / HALF_DAY))
        pace.at = max(pace.at, at)
        pace.news = before + news
        known = min(max(pace.at - pace.since, AT_ONCE), 1.44 * HALF_DAY)
        return 1.0 + TIMES * before * AT_ONCE / known
