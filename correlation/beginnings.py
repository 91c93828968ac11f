"""How something began: the order in which kinds of alerts first came, and how well what runs now follows it.

A kind is a class (or a name, where there is no class) on a service. Pure values and one comparison; nothing is remembered here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import log

import msgspec

from correlation.alert import Alert

__all__ = ["MAX_STEPS", "Beginning", "Following", "Kind", "Step", "follow", "kind_of"]

Kind = tuple[str, str]  # what, and the service it is on; either may be empty

MAX_STEPS = 48  # of one beginning
TOGETHER = 60.0  # seconds within which the order of two steps says nothing
KEPT = 0.7  # the share of its steps that the same trouble takes again
LEAST = 1e-4  # nothing is rarer than this: nobody has watched for long enough to say so


def kind_of(alert: Alert) -> Kind:
    """What counts as one step.

    >>> kind_of(Alert(at=0.0, name="HighLatency", class_="latency", service="checkout"))
    ('latency', 'checkout')
    """
    return (alert.class_ or alert.name, alert.service)


class Step(msgspec.Struct, frozen=True, gc=False):
    """A kind that came up `after` seconds from the first; steps that came together share a `stage`."""

    what: str
    service: str
    after: float
    stage: int

    @property
    def kind(self) -> Kind:
        return (self.what, self.service)


class Beginning(msgspec.Struct, frozen=True):
    """The first steps of something that is known: each kind once, in the order of first appearance. `lasted`: seconds."""

    id: str
    steps: tuple[Step, ...]
    lasted: float

    @classmethod
    def of(cls, id: str, seen: Iterable[tuple[float, Kind]], until: float | None = None) -> Beginning:  # noqa: A002
        """From moments and kinds in any order; the first 48 kinds are kept. It ended with the last, or `until` later.

        >>> [(s.what, s.after, s.stage) for s in
        ...  Beginning.of("INC-1", [(900.0, ("errors", "web")), (0.0, ("disk", "db")), (9.0, ("latency", "db"))]).steps]
        [('disk', 0.0, 0), ('latency', 9.0, 0), ('errors', 900.0, 1)]
        """
        first: dict[Kind, float] = {}
        ended = until
        for at, kind in seen:
            first[kind] = min(at, first.get(kind, at))
            ended = at if ended is None else max(at, ended)
        ordered = sorted((at, kind) for kind, at in first.items())[:MAX_STEPS]
        steps: list[Step] = []
        began = ordered[0][0] if ordered else 0.0
        stage, stage_at = 0, began
        for at, (what, service) in ordered:
            if at - stage_at > TOGETHER:
                stage, stage_at = stage + 1, at
            steps.append(Step(what, service, at - began, stage))
        return cls(id, tuple(steps), 0.0 if ended is None else ended - began)


class Following(msgspec.Struct, frozen=True):
    """How far something follows a beginning.

    `score` is in nats, the log odds that it is the same again against mere chance; `matched` are the places of the steps
    taken in the same order.
    """

    score: float
    matched: tuple[int, ...]
    beginning: Beginning

    @property
    def expected(self) -> int:
        """How many steps the known one had taken by then."""
        return self.matched[-1] + 1

    @property
    def reached(self) -> Step:
        """The latest step that was taken."""
        return self.beginning.steps[self.matched[-1]]

    @property
    def left(self) -> float:
        """Seconds that the known one went on from there."""
        return self.beginning.lasted - self.reached.after

    def ahead(self, seen: Mapping[Kind, float]) -> tuple[Step, ...]:
        """What the known one went on to, in later stages, and this one has not yet."""
        reached = self.reached.stage
        return tuple(step for step in self.beginning.steps if step.stage > reached and step.kind not in seen)


def follow(
    beginning: Beginning, seen: Mapping[Kind, float], chance: Callable[[Kind], float], least: float = 0.0
) -> Following | None:
    """The heaviest run of steps that came in the same order; None below `least` (which is cheap to see) or for none.

    `seen` are the kinds that are up now and since when; `chance` tells how likely a kind is to be up for other reasons.
    Each step taken weighs as much as it is unlikely; one left out before the last speaks against it.

    >>> known = Beginning.of("INC-1", [(0.0, ("disk", "db")), (300.0, ("latency", "api")), (900.0, ("errors", "web"))])
    >>> now = follow(known, {("disk", "db"): 5000.0, ("latency", "api"): 5100.0}, lambda kind: 0.01)
    >>> round(now.score, 1), now.matched, now.expected, [step.service for step in now.ahead({})]
    (8.5, (0, 1), 2, ['web'])
    """
    found: list[tuple[int, float, int, float]] = []  # stage, moment, place, weight
    most = 0.0
    for place, step in enumerate(beginning.steps):
        at = seen.get(step.kind)
        if at is not None:
            weight = max(0.0, log(KEPT / max(LEAST, chance(step.kind))))
            most += weight
            found.append((step.stage, at, place, weight))
    if not found or most < least:
        return None
    found.sort()  # within a stage, any order is the same order
    runs: list[tuple[float, float, int]] = []  # weight so far, latest moment, the run's item before
    for index, (_, at, _, weight) in enumerate(found):
        before, before_at, came_from = 0.0, at, -1
        for other in range(index):
            if runs[other][0] > before and runs[other][1] <= at + TOGETHER:
                (before, before_at), came_from = runs[other][:2], other
        runs.append((before + weight, max(at, before_at), came_from))
    best: Following | None = None
    missed = _missed(beginning, seen, chance)
    for index, (weight, _, _) in enumerate(runs):
        stage = found[index][0]
        score = weight + missed[stage]
        if score >= least and (best is None or score > best.score):
            matched = _run(runs, found, index)
            best = Following(score, matched, beginning)
    return best


def _run(
    runs: list[tuple[float, float, int]], found: list[tuple[int, float, int, float]], last: int
) -> tuple[int, ...]:
    places = []
    while last >= 0:
        places.append(found[last][2])
        last = runs[last][2]
    return tuple(sorted(places))


def _missed(beginning: Beginning, seen: Mapping[Kind, float], chance: Callable[[Kind], float]) -> list[float]:
    """For each stage, what the steps before it that did not come say against it (0 or below)."""
    stages = beginning.steps[-1].stage + 1
    against = [0.0] * stages
    for step in beginning.steps:
        if step.kind not in seen and step.stage + 1 < stages:
            against[step.stage + 1] += min(0.0, log((1 - KEPT) / (1 - min(0.99, chance(step.kind)))))
    for stage in range(1, stages):
        against[stage] += against[stage - 1]
    return against
