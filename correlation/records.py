"""What came of each kind of alert: was it part of something serious, or did it come to nothing? No labels, only outcomes.

A kind is a service and a rule, wherever it fires. Counts decay with a half-life of a week and are bounded.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec

__all__ = ["FLOOR", "Record", "Records"]

WEEK = 7 * 86_400.0
ENOUGH = 8.0  # conditions that ended after which a site says what is usual
PRIOR = 3.0
FLOOR = 0.05  # the least that a record leaves of what an alert says
MOST = 0.98  # no share is surer than that
DOUBT = 0.8  # odds below which one of a kind has to fire for longer before that alone calls people
CLEARS, LASTS = 0.44, 0.65  # share of a kind that lasted, below or above which the next one is expected to do the same


class Record(msgspec.Struct, gc=False):
    """Conditions that ended, and those of them that ended in a group worth people with something severe in it."""

    at: float
    ended: float = 0.0
    serious: float = 0.0
    lasted: float = 0.0  # those that fired for so long that people would have been called for that alone

    def add(self, at: float, serious: bool, lasted: bool) -> None:
        left = 2.0 ** (-max(0.0, at - self.at) / WEEK)
        self.ended = self.ended * left + 1.0
        self.serious = self.serious * left + serious
        self.lasted = self.lasted * left + lasted
        self.at = max(self.at, at)


class Records:
    """
    >>> records = Records()
    >>> for n in range(20):
    ...     records.ended("cart/Throttled", 60.0 * n, serious=False)
    ...     records.ended("cart/HighErrors", 60.0 * n, serious=True)
    >>> records.odds("cart/Throttled") < 0.2, records.odds("cart/HighErrors") > 5.0, records.odds("cart/New")
    (True, True, 1.0)
    """

    __slots__ = ("capacity", "kinds", "site")

    def __init__(self, capacity: int = 20_000) -> None:
        self.capacity = capacity
        self.kinds: OrderedDict[str, Record] = OrderedDict()
        self.site = Record(0.0)

    def ended(self, kind: str, at: float, *, serious: bool, lasted: bool = False) -> None:
        """A condition of that kind is over."""
        record = self.kinds.get(kind)
        if record is None:
            record = self.kinds[kind] = Record(at)
            if len(self.kinds) > self.capacity:
                self.kinds.popitem(last=False)
        else:
            self.kinds.move_to_end(kind)
        record.add(at, serious, lasted)
        self.site.add(at, serious, lasted)

    def doubt(self, kind: str, odds: float) -> float:
        """How many times as long as others one of a kind has to fire before that alone calls people: 1 to 4.

        The worse what came of such alerts (`odds`), the longer, and twice that where most cleared by themselves before long;
        no longer than others where most did not.
        """
        record = self.kinds.get(kind)
        lasted = 0.5 if record is None else (record.lasted + 1.0) / (record.ended + 2.0)
        if lasted > LASTS:
            return 1.0
        doubt = 1.0 if odds >= DOUBT else 2.0 if odds >= DOUBT / 2.0 else 4.0
        return min(4.0, 2.0 * doubt) if lasted < CLEARS else doubt

    def odds(self, kind: str) -> float:
        """How much likelier than usual such an alert is part of something serious: a ratio of odds, 1 where nothing is known."""
        record, site = self.kinds.get(kind), self.site
        if record is None or site.ended < ENOUGH or not site.serious:
            return 1.0
        usual = min(MOST, site.serious / site.ended)
        here = min(MOST, (record.serious + PRIOR * usual) / (record.ended + PRIOR))
        return here / (1.0 - here) * (1.0 - usual) / usual
