"""The repair pass: every two minutes of event time, what grew is compared with its like, and what is evidently one is united.

An alert sees a group as it is at that moment; here two groups are compared as they have become. Which alert joins is not
decided here, and nobody is called by it: one of the two deserved people before. So many groups and pairs a pass, never more.
"""

from __future__ import annotations

from itertools import islice
from statistics import fmean
from typing import NamedTuple

from correlation.cookbook import Compiled
from correlation.dedup import Episode
from correlation.groups import Group
from correlation.placing import Placer
from correlation.registry import Registry
from correlation.similarity import Facts, explain, sentence
from correlation.thresholds import accepts

__all__ = ["Repair", "United"]

EVERY = 120.0  # seconds of event time between two passes
MAX_PAIRS = 48  # that one pass compares
MAX_LIKE = 4  # groups that one group is compared with
MAX_KEYS = 24  # values by which their like is found
MAX_NEAR = 8  # services near by, whose groups are looked at too
MAX_SPEAKERS = 4  # members that speak for a group, of as many services
AGREE = 0.7  # log odds: how well the members of either group fit the other, on average
UNPLACED = 2.5  # the same where nobody says that both are at one place
SEVERAL = 2  # members that either one or the other has at least: one alert alone was placed as well as it can be


class United(NamedTuple):
    """`lost` went into `kept`, and why, in words."""

    lost: str
    kept: str
    why: str


class Repair:
    """Owns nothing: the registry knows which groups grew since the last pass, and when the next one is due."""

    __slots__ = ("_placer", "_registry")

    def __init__(self, registry: Registry, placer: Placer) -> None:
        self._registry, self._placer = registry, placer

    def run(self, at: float) -> list[United]:
        """One pass, as of `at`."""
        registry = self._registry
        registry.repair_at = at + EVERY
        grown, registry.grown = registry.grown, {}
        united: list[United] = []
        pairs = MAX_PAIRS
        for number in grown:
            group = registry.open.get(number)
            if group is None or not group.joinable(at):
                continue
            if not pairs:
                break
            like = self._like(group, at)[:pairs]
            pairs -= len(like)
            if like and (found := self._same(group, like)) is not None:
                united.append(self._unite(group, *found))
        return united

    def _like(self, group: Group, at: float) -> list[Group]:
        """Open groups that share a value with it, or are next to it, and may be one with it."""
        if not group.deserved and group.size < SEVERAL:
            return []  # `_may` says so of whatever else there is
        registry, placer = self._registry, self._placer
        near = placer.topology.reach(group.telling.service)
        neighbours = [("service", name) for name in islice(near, 1, 1 + MAX_NEAR)]
        found: dict[int, Group] = {}
        for place, keys in registry.index.values(group.number).items():
            for number in registry.index.find(keys[:MAX_KEYS] + neighbours, place):
                other = registry.open[number]
                if other is not group and self._may(group, other) and other.joinable(at):
                    found[number] = other
                    if len(found) >= MAX_LIKE:
                        return list(found.values())
        return list(found.values())

    def _may(self, a: Group, b: Group) -> bool:
        """Whether the two may be one at all: people are called already, and neither they nor a recipe keep them apart."""
        waits = b if a.deserved else a
        return (
            (a.deserved or b.deserved)
            and ((a.deserved and b.deserved) or waits.size >= SEVERAL)
            and self._registry.compatible(a, b)
            and not self._placer.feedback.apart(a.kinds, b.kinds)
        )

    def _same(self, group: Group, like: list[Group]) -> tuple[Group, str] | None:
        """The one of them that is evidently the same, of equals the oldest, and why."""
        compiled = self._placer.cookbook.get(group.recipe)
        speakers = self._speakers(group)
        best: tuple[float, int] | None = None
        found: tuple[Group, list[Facts]] | None = None
        for other in like:
            mine = self._gather(speakers, group, other)
            odds = self._fit(mine, other, compiled)
            needed = AGREE if any(place in other.locations for place in group.locations) else UNPLACED
            if odds >= needed:
                odds = min(odds, self._fit(self._gather(self._speakers(other), other, group), group, compiled))
            if odds >= needed and (best is None or (-odds, other.number) < best):
                best, found = (-odds, other.number), (other, mine)
        if found is None:
            return None
        other, mine = found
        scorer, features = self._placer.scorer, self._placer.features
        telling = max(mine, key=lambda facts: (scorer.total(facts, other, features), -facts.episode.id))
        return other, sentence(explain(telling, other, features))

    def _speakers(self, group: Group) -> list[Episode]:
        """The first member of each service (or host, or rule), the worst first, as far as they are remembered."""
        tallies = sorted(
            [*group.services.values(), *group.others.values()], key=lambda one: (one.worst, one.first_seen, one.first)
        )
        known = [self._registry.dedup.episode(tally.first) for tally in tallies[:MAX_SPEAKERS]]
        return [episode for episode in known if episode is not None]

    def _gather(self, speakers: list[Episode], group: Group, other: Group) -> list[Facts]:
        """What is known of the speakers. They count as of when the two were closest to each other."""
        at = min(max(other.grown_at, group.opened_at), group.grown_at)
        if group.grown_at >= other.opened_at and other.grown_at >= group.opened_at:
            at = other.grown_at
        return [self._placer.gather(episode, at) for episode in speakers]

    def _fit(self, speakers: list[Facts], group: Group, compiled: Compiled | None) -> float:
        """How gladly a group would take those of another: log odds. What its recipe rules out, it does not take."""
        placer = self._placer
        never = float("-inf")
        if not speakers:
            return never
        if compiled is not None and compiled.by_rule:
            for facts in speakers:
                if accepts(compiled, facts, group, placer.features) is False:
                    return never
        return fmean([placer.scorer.total(facts, group, placer.features) for facts in speakers])

    def _unite(self, group: Group, other: Group, why: str) -> United:
        kept, lost = (group, other) if group.number < other.number else (other, group)
        self._registry.unite(kept, lost)
        return United(lost.id, kept.id, why)
