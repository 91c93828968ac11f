"""How many of one rule begin at once in one place, against the most that ever did: breadth is news where nothing else is.

A warning that its service knows from every night says nothing on one host, and everything on three hundred. What is done about it
is the gate's to say.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec

__all__ = ["Breadth", "Breadths"]

AT_ONCE = 300.0  # seconds
MANY, TIMES = 6, 3.0  # so many, and so many times the most before
WEEK = 7 * 86_400.0


class Breadth(msgspec.Struct, gc=False):
    """One rule in one place: how many began in the minutes since `since`, and the most before, which fades with a week."""

    since: float
    now: int = 0
    most: float = 0.0


class Breadths:
    """
    >>> breadths = Breadths()
    >>> [breadths.begins("Slow", "eu", float(n)) for n in range(6)][-1]
    '6 began within minutes, never so many before'
    >>> [breadths.begins("Slow", "eu", 3600.0 + n) for n in range(18)][-2:]
    ['', '18 began within minutes, 6 at most before']
    """

    __slots__ = ("capacity", "rules")

    def __init__(self, capacity: int = 20_000) -> None:
        self.capacity = capacity
        self.rules: OrderedDict[tuple[str, str], Breadth] = OrderedDict()

    def begins(self, rule: str, place: str, at: float) -> str:
        """One more begins, which had not just recovered. Why that is many, in words; "" where it is not."""
        key = (rule, place)
        one = self.rules.get(key)
        if one is None:
            one = self.rules[key] = Breadth(at)
            if len(self.rules) > self.capacity:
                self.rules.popitem(last=False)
        else:
            self.rules.move_to_end(key)
        if at - one.since > AT_ONCE:
            one.most = max(one.most, float(one.now)) * float(2.0 ** ((one.since - at) / WEEK))
            one.since, one.now = at, 0
        one.now += 1
        if one.now < max(MANY, TIMES * one.most):
            return ""
        return f"{one.now} began within minutes, " + (
            f"{round(one.most)} at most before" if one.most >= 1.0 else "never so many before"
        )
