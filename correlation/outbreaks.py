"""The same thing begins at many places within minutes: then it is one trouble, wherever it is told from.

Two things at two places are two, and so are three at three: clusters fail one after the other, each for reasons of its own. But the
same rule of the same service at six places and more has one cause, and whoever is called wants one room. What is done about it is
the placer's to say.

>>> from correlation import Alert, Engine, Severity
>>> engine = Engine()
>>> def down(n): return Alert(at=3.0 * n, name="TillDown", service="till", location=f"store{n}", severity=Severity.CRITICAL)
>>> [one.group for one in engine.ingest([down(n) for n in range(9)])]
['G1', 'G2', 'G3', 'G4', 'G5', 'G1', 'G1', 'G1', 'G1']
>>> engine.group("G1").size, engine.group("G1").title
(9, 'till down, many places')
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from correlation.dedup import Episode

__all__ = ["MANY", "OUTBREAK", "Outbreaks", "Start"]

OUTBREAK = "outbreak"  # among the evidence
MANY = 6  # places
AT_ONCE = 120.0  # seconds
MAX_THINGS = 4_096
MAX_STARTS = 64  # of one thing

What = tuple[str, str, str]
Start = tuple[float, int]  # when, and the number of the group there


class Outbreaks:
    """(rule, service, environment) -> place -> when it began there, the latest last."""

    __slots__ = ("things",)

    def __init__(self) -> None:
        self.things: OrderedDict[What, dict[str, Start]] = OrderedDict()

    def began(self, episode: Episode, at: float, group: int) -> None:
        """It called people there, or is part of what did."""
        what, place = _what(episode), episode.location
        starts = self.things.setdefault(what, {})
        self.things.move_to_end(what)
        starts.pop(place, None)
        starts[place] = at, group
        if len(starts) > MAX_STARTS:
            del starts[next(iter(starts))]
        if len(self.things) > MAX_THINGS:
            self.things.popitem(last=False)

    def elsewhere(self, episode: Episode, at: float) -> list[int]:
        """For each other place where the same began lately the number of its group."""
        starts = self.things.get(_what(episode), {}).items()
        return [group for place, (begun, group) in starts if place != episode.location and abs(at - begun) <= AT_ONCE]

    def dump(self) -> list[tuple[What, dict[str, Start]]]:
        return list(self.things.items())

    def load(self, things: Iterable[tuple[What, dict[str, Start]]]) -> None:
        """What `dump` gave."""
        self.things.update(things)


def _what(episode: Episode) -> What:
    return episode.name, episode.service, episode.environment
