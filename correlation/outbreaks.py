"""The same thing begins at many places within minutes: then it is one trouble, wherever it is told from.

Two things at two places are two, and so are three at three: clusters fail one after the other, each for reasons of its own. But the
same rule of the same service at six places and more has one cause, and whoever is called wants one room.

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
from typing import Final, NamedTuple

from correlation.dedup import Episode
from correlation.feedback import Feedback
from correlation.groups import Group
from correlation.places import MANY
from correlation.registry import Registry

__all__ = ["OUTBREAK", "Outbreak", "Outbreaks", "Start"]

OUTBREAK: Final = "outbreak"  # among the evidence
AT_ONCE = 120.0  # seconds
MAX_THINGS = 4_096
MAX_STARTS = 64  # of one thing

What = tuple[str, str, str]
Start = tuple[float, int]  # when, and the episode


class Outbreak(NamedTuple):
    """The groups that are one trouble, the oldest first, and at how many places it is, the alert's own one among them."""

    groups: list[Group]
    places: int


class Outbreaks:
    """Where what called people began: (rule, service, environment) -> place -> when, and with which episode, the latest last."""

    __slots__ = ("_feedback", "_registry", "things")

    def __init__(self, registry: Registry, feedback: Feedback) -> None:
        self._registry, self._feedback = registry, feedback
        self.things: OrderedDict[What, dict[str, Start]] = OrderedDict()

    def began(self, episode: Episode, at: float) -> None:
        """It called people there, or is part of what did."""
        what, place = _what(episode), episode.location
        starts = self.things.setdefault(what, {})
        self.things.move_to_end(what)
        starts.pop(place, None)
        starts[place] = at, episode.id
        if len(starts) > MAX_STARTS:
            del starts[next(iter(starts))]
        if len(self.things) > MAX_THINGS:
            self.things.popitem(last=False)

    def known(self, episode: Episode, at: float) -> bool:
        """Whether it began at that place lately: one more of it there changes nothing."""
        starts = self.things.get(_what(episode))
        start = starts.get(episode.location) if starts is not None else None
        return start is not None and abs(at - start[0]) <= AT_ONCE

    def find(self, episode: Episode, at: float, recipe: str, own: Group | None = None) -> Outbreak | None:
        """What an alert of `at` is part of; `own` is the group that holds it already. None for no outbreak.

        What began within minutes and called people within them counts, and what is an outbreak already for as long as it takes
        members. Nothing is united but groups of the alert's own recipe that take members and that nobody keeps apart.
        """
        parts = self._parts(episode, at, recipe, own)
        if own is not None and not (parts and parts[0][1] is own):
            return None  # it joined what was there before, for reasons of its own
        taken: list[Group] = []
        places = 1
        for count, group in parts:
            if not any(group.number in one.apart or one.number in group.apart for one in taken):
                taken.append(group)
                places += count
        return Outbreak(sorted(taken, key=lambda group: group.number), places) if places >= MANY else None

    def _parts(self, episode: Episode, at: float, recipe: str, own: Group | None) -> list[tuple[int, Group]]:
        """The groups that the alert may be one with, and at how many other places each is: its own first, the largest next."""
        starts = self.things.get(_what(episode), {})
        if len(starts) < MANY - 1:
            return []
        found: dict[int, tuple[Group, list[float]]] = {own.number: (own, [])} if own is not None else {}
        for place, (begun, number) in starts.items():
            member = self._registry.dedup.episode(number) if place != episode.location else None
            group = self._registry.still_open(member.group) if member is not None else None
            if group is not None:
                found.setdefault(group.number, (group, []))[1].append(begun)
        began = _together(at, [begun for group, moments in found.values() if _lately(group, at) for begun in moments])
        parts = []
        for group, moments in found.values():
            count = len(moments)
            if count < MANY - (group is own):  # no outbreak yet
                count = sum(begun in began for begun in moments) if _lately(group, at) else 0
            counts = count or (group is own and _lately(group, at))
            if counts and self._may(group, episode, at, recipe):
                parts.append((count, group))
        return sorted(parts, key=lambda part: (part[1] is not own, -part[0], part[1].number))

    def _may(self, group: Group, episode: Episode, at: float, recipe: str) -> bool:
        """Whether nothing but the place speaks against a group where the same began."""
        return group.recipe == recipe and group.joinable(at) and not self._feedback.apart((episode.kind,), group.kinds)

    def dump(self) -> list[tuple[What, dict[str, Start]]]:
        return list(self.things.items())

    def load(self, things: Iterable[tuple[What, dict[str, Start]]]) -> None:
        """What `dump` gave."""
        self.things.update(things)


def _what(episode: Episode) -> What:
    return episode.name, episode.service, episode.environment


def _lately(group: Group, at: float) -> bool:
    """Whether people were called for a group about that moment."""
    return group.deserved and abs(at - group.called_at) <= AT_ONCE


def _together(at: float, moments: Iterable[float]) -> frozenset[float]:
    """Those of the moments that are within two minutes of each other and of `at`: the most that are.

    >>> sorted(_together(120.0, [0.0, 1.0, 100.0, 240.0]))
    [0.0, 1.0, 100.0]
    """
    near = [moment for moment in moments if abs(at - moment) <= AT_ONCE]
    spans = [[one for one in near if first <= one <= first + AT_ONCE] for first in (at, *near) if first <= at]
    return frozenset(max(spans, key=len, default=()))
