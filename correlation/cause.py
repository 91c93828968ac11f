"""Probable root cause of a group: which part explains most of what fails, and fails first and worst itself. Ranked, with reasons.

Arithmetic over a group's tallies, the service graph and what usually follows what; it never looks at single alerts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from math import exp, log, log1p
from typing import NamedTuple

from correlation.alert import Severity
from correlation.decision import Cause
from correlation.groups import Group
from correlation.lift import Lift
from correlation.places import MAX_PLACES
from correlation.tally import MASS, Tally
from correlation.topology import Topology
from correlation.words import clean, plural, span

__all__ = ["FIRST", "causes", "familiar", "strength"]

# Log odds. Found on two of the four halves of PetShop and three plays of ITBench, checked on the others (causes.py of the
# benchmarks): a part's share of the strength of what fails and depends on it, that the group's worst alert depends on
# it, that it fails in the same way as that one, its own strength, ...
EXPLAINS, TELLS, SAME, STRENGTH, EARLY = 3.6, 3.8, 1.2, 0.6, 0.3
NEAR, IMPORTANT, CRITICAL, LEAF = 0.8, 0.7, 0.5, 0.1
IDLE, BARREN, SILENT = -0.4, -0.6, -1.5  # only lacks traffic; explains nothing else; nothing fires there itself
USUAL = 1.5  # what it was followed by before follows now
HALF = 120.0  # seconds after the first alert at which earliness is worth half
FADES = 0.8  # of an effect's weight that remains with each hop
GAP = 0.5  # of that, where something that says nothing lies between
THIRST = 0.3  # what an alert about a lack of traffic weighs: it is an effect more often than a cause
IDLENESS = "traffic"  # the class of alerts that say that nothing comes in
LOCAL = frozenset({"saturation", "certificate"})  # what is full or expired is so by itself, whatever it depends on
LEAST_NEWS = 0.01  # below that nothing counts less: what is familiar may be the cause for once
OLD_NEWS = 0.55  # what is less is no news
SEEN = 2.0  # times that something must have followed before anyone is told
ERROR = Severity.ERROR.rank  # what is worse or as bad is not mild
RULED_OUT = -9.0  # a person contradicts
DOUBT = 2.0  # log odds are divided by it: the rules are not independent of each other
MOST = 24  # parts that are weighed: the strongest and the first
MOST_SILENT = 8

FIRST = "first to fail"  # the reason; who draws it may tell the moment instead


class _Part(NamedTuple):
    """A service (or host, or alert name) that may be the cause; without a tally nothing fires there itself."""

    name: str
    tally: Tally | None
    is_service: bool
    strength: float


def causes(
    group: Group, topology: Topology, lift: Lift | None = None, *, ruled_out: Collection[str] = (), limit: int = 3
) -> tuple[Cause, ...]:
    """The likeliest first, what people ruled out last; empty for a group of nothing. Equal ones by time, then by name."""
    parts = _parts(group, topology)
    if not parts:
        return ()
    weighed = _Weighing(group, topology, lift, parts)
    judged = []
    for part in (*parts, *weighed.silent()):
        odds, reasons = weighed.judge(part)
        if part.name in ruled_out:
            odds, reasons = odds + RULED_OUT, ["ruled out", *reasons]
        judged.append(
            (
                part.name in ruled_out,
                -odds,
                part.tally.first_seen if part.tally is not None else weighed.first,
                part,
                reasons,
            )
        )
    judged.sort(key=lambda one: (*one[:3], one[3].name))
    best = min(against for _, against, _, _, _ in judged)
    total = sum(exp((best - against) / DOUBT) for _, against, _, _, _ in judged)
    return tuple(
        Cause(
            name=part.name,
            score=round(exp((best - against) / DOUBT) / total, 3),
            reasons=tuple(reasons),
            first_seen=first_seen,
            is_service=part.is_service,
        )
        for _, against, first_seen, part, reasons in judged[:limit]
    )


def _parts(group: Group, topology: Topology) -> list[_Part]:
    """What fires, without mild background; of very many the strongest and the first."""
    parts = [_Part(name, tally, True, strength(tally)) for name, tally in group.services.items()]
    parts += [_Part(name, tally, False, strength(tally)) for name, tally in group.others.items()]
    parts = [part for part in parts if not _background(part, group, topology)] or parts
    if len(parts) <= MOST:
        return parts
    strong = sorted(parts, key=lambda part: (-part.strength, part.name))[: MOST // 2]
    early = sorted(parts, key=lambda part: (_began(part), part.name))
    return list({(part.name, part.is_service): part for part in (*strong, *early)}.values())[:MOST]


def _began(part: _Part) -> float:
    return part.tally.first_seen if part.tally is not None else 0.0


def strength(tally: Tally) -> float:
    """How much is wrong with a part: the weight of its alerts, on a logarithmic scale.

    >>> warnings = Tally(9, 9, 0.0, worst=2, classes={"latency": 9.0})
    >>> idle = Tally(9, 9, 0.0, worst=2, classes={"traffic": 9.0})  # an effect more often than a cause
    >>> round(strength(warnings), 2), round(strength(idle), 2)
    (2.3, 1.31)
    """
    mass = sum(mass * (THIRST if class_ == IDLENESS else 1.0) for class_, mass in tally.classes.items())
    idle = tally.classes and all(class_ == IDLENESS for class_ in tally.classes)
    return log1p(mass if idle else max(mass, MASS[tally.worst]))


def _mild(tally: Tally, group: Group) -> bool:
    return tally.worst > ERROR >= group.worst


def familiar(tally: Tally, group: Group) -> bool:
    """Whether a part mildly says what everybody knows, in a group that is severe."""
    return tally.news < OLD_NEWS and _mild(tally, group)


def _background(part: _Part, group: Group, topology: Topology) -> bool:
    """Whether a part is mild, in a group that is not, and over and no news, or nothing that fails depends on it."""
    name, tally = part.name, part.tally
    if tally is None or not _mild(tally, group):
        return False
    if familiar(tally, group) and not tally.firing:
        return True
    if name not in topology:
        return False
    others = [other for other in group.services if other != name and other in topology]
    below = topology.downstream(name)
    return bool(others) and not any(other in below for other in others)


class _Weighing:
    """What is looked up once for all parts of a group."""

    def __init__(self, group: Group, topology: Topology, lift: Lift | None, parts: list[_Part]) -> None:
        self.group, self.topology, self.lift = group, topology, lift
        self.parts, self.named = parts, {part.name for part in parts}
        self.first = min(_began(part) for part in parts)
        self.strength = {name: strength(tally) for name, tally in group.services.items()}
        self.total = sum(self.strength.values()) + sum(part.strength for part in parts if not part.is_service)
        self.strongest = max(part.strength for part in parts) or 1.0
        self.callers: dict[str, list[str]] = {}  # what fails and depends on it directly
        for name in self.strength:
            for other in topology.depends_on(name):
                self.callers.setdefault(other, []).append(name)
        told = group.telling.service
        self.telling = told if told in self.strength else ""
        self.way = group.telling.class_ or group.telling.name
        spreads = self.telling and group.telling.class_ not in LOCAL
        self.above = topology.upstream(self.telling) if spreads else {}

    def silent(self) -> Iterable[_Part]:
        """Parts where nothing fires, though at least two that depend on them fail, and half of all that do."""
        often = sorted(self.callers.items(), key=lambda one: (-len(one[1]), one[0]))[: 2 * MOST_SILENT]
        for name, callers in often:
            all_callers = sum(hops == 1 for hops in self.topology.downstream(name).values())
            if name not in self.strength and len(callers) >= 2 and 2 * len(callers) >= all_callers:
                yield _Part(name, None, True, 0.0)

    def judge(self, part: _Part) -> tuple[float, list[str]]:
        """Log odds, and the reasons: when, what depends on it, and what else there is to say."""
        reasons: list[str] = []
        odds = self._of_itself(part, reasons) if part.tally is not None else SILENT
        if part.is_service and part.name in self.topology and len(self.parts) > 1:
            odds += self._of_place(part, reasons)
        if part.tally is not None:
            odds += self._of_habit(part, part.tally, reasons)
            if part.tally.worst == 0:
                reasons.append("critical")
            if part.tally.episodes > 1:
                alone = len(self.group.services) + len(self.group.others) == 1
                places = len(self.group.locations) if alone else 1
                more = " or more" if places == MAX_PLACES else ""
                where = f" at {places} places{more}" if places > 1 else ""
                reasons.append(f"{plural(part.tally.episodes, 'alert')}{where}")
        return odds, reasons

    def _of_itself(self, part: _Part, reasons: list[str]) -> float:
        tally = part.tally
        assert tally is not None  # noqa: S101 - only parts that fire are asked
        late = tally.first_seen - self.first
        reasons.append(FIRST if late <= 0 else f"{span(late)} after the first")
        mass = sum(tally.classes.values())
        odds = EARLY * float(2.0 ** (-late / HALF)) + STRENGTH * part.strength / self.strongest
        odds += SAME * tally.classes.get(self.way, 0.0) / mass if mass else 0.0
        odds += CRITICAL if tally.worst == 0 else 0.0
        odds += log(max(LEAST_NEWS, tally.news))
        if tally.classes and all(class_ == IDLENESS for class_ in tally.classes):
            odds += IDLE
            reasons.append("only lacks traffic")
        return odds

    def _of_place(self, part: _Part, reasons: list[str]) -> float:
        """What the service graph says."""
        explained, affected = self._explains(part.name)
        rest = self.total - part.strength
        odds = EXPLAINS * explained / rest if rest > 0 else 0.0
        odds += 0.0 if affected else BARREN
        if part.name == self.telling:
            odds += NEAR
        elif part.name in self.above:
            odds += TELLS + NEAR / (1 + self.above[part.name])
        odds += IMPORTANT * self.topology.importance(part.name)
        if part.tally is None:
            reasons.append("nothing fires there")
        if affected:
            reasons.append("1 depends on it" if affected == 1 else f"{affected} depend on it")
        above = self.topology.upstream(part.name)
        failing = [other for other in above if other in self.strength]
        worse = max((self.strength[other] for other in failing), default=0.0)
        odds += LEAF * (1.0 - min(1.0, worse / max(part.strength, 0.5)))
        named = next((other for other in failing if other in self.named), None)
        if named is not None:
            reasons.append(f"though it depends on {clean(named, 40)}, which fails too")
        elif affected and above:
            reasons.append("nothing it depends on fails")
        return odds

    def _explains(self, name: str) -> tuple[float, int]:
        """The strength of what fails because of it, less with each hop, and how many those are: along what fails."""
        found = {name}
        queue = deque([(name, 1.0)])
        explained = 0.0
        while queue:
            one, weight = queue.popleft()
            for caller in self.callers.get(one, ()):
                if caller not in found:
                    found.add(caller)
                    explained += weight * self.strength[caller]
                    queue.append((caller, weight * FADES))
        below = self.topology.downstream(name)
        for other in self.strength:
            if other not in found and other in below:  # what lies between says nothing
                found.add(other)
                explained += GAP * FADES ** below[other] * self.strength[other]
        return explained, len(found) - 1

    def _of_habit(self, part: _Part, tally: Tally, reasons: list[str]) -> float:
        """Whether what fails now has followed it before."""
        if self.lift is None:
            return 0.0
        best: tuple[float, float, float, str] | None = None
        for other in self.parts:
            if other.tally is None or other.name == part.name or other.tally.first_seen < tally.first_seen:
                continue
            for mine in _sorts(part.name, tally.classes):
                for theirs in _sorts(other.name, other.tally.classes):
                    known = self.lift.follower(mine, theirs)
                    if known.times >= SEEN and self.lift.usual(mine, theirs):
                        share = known.share - self.lift.follower(theirs, mine).share
                        if best is None or share > best[0]:
                            best = (share, known.times, known.of, other.name)
        if best is None or best[0] <= 0.0:
            return 0.0
        share, times, of, name = best
        reasons.append(f"{clean(name, 40)} followed it {round(times)} of {max(round(times), round(of))} times")
        return USUAL * share


def _sorts(name: str, classes: Mapping[str, float]) -> list[str]:
    """What is learned by (dedup.Episode.sort)."""
    return [f"{name}/{class_}" for class_ in list(classes)[:3]]
