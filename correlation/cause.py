"""Probable root cause of a group: which member's part failed first and lies upstream of the rest. Simple rules, with reasons.

Pure arithmetic over a group's tallies and the service graph; it never looks at single alerts.
"""

from __future__ import annotations

from collections.abc import Collection

from correlation.decision import Cause
from correlation.groups import Group, Tally
from correlation.topology import Topology
from correlation.words import plural, span

__all__ = ["causes"]

# What each rule may add; with topology they sum to 1.
EARLINESS, LEAFNESS, REACH, IMPORTANCE, SEVERITY = 0.35, 0.25, 0.25, 0.05, 0.10
HALF = 120.0  # seconds after the first alert at which earliness is worth half
ERROR = 1  # the rank of Severity.ERROR: what is worse or as bad is not mild
RULED_OUT = 0.1  # what remains of a rank that a person contradicts


def causes(group: Group, topology: Topology, *, ruled_out: Collection[str] = (), limit: int = 3) -> tuple[Cause, ...]:
    """The likeliest first; empty for a group of nothing. Equal scores are ordered by time, then by name."""
    parts = [(name, tally, True) for name, tally in group.services.items()]
    parts += [(name, tally, False) for name, tally in group.others.items()]
    if not parts:
        return ()
    anomalous = [name for name, _, is_service in parts if is_service]
    parts = [part for part in parts if not _background(part[0], part[1], group, topology)] or parts
    first = min(tally.first_seen for _, tally, _ in parts)
    ranked = [
        _judge(name, tally, is_service, first, anomalous, topology, ruled_out) for name, tally, is_service in parts
    ]
    ranked.sort(key=lambda cause: (-cause.score, cause.first_seen, cause.name))
    return tuple(ranked[:limit])


def _background(name: str, tally: Tally, group: Group, topology: Topology) -> bool:
    """Whether a part is mild, in a group that is not, and the graph knows of nothing failing that depends on it."""
    if tally.worst <= ERROR or group.worst > ERROR or name not in topology:
        return False
    others = [other for other in group.services if other != name and other in topology]
    below = topology.downstream(name)
    return bool(others) and not any(other in below for other in others)


def _judge(
    name: str,
    tally: Tally,
    is_service: bool,
    first: float,
    anomalous: list[str],
    topology: Topology,
    ruled_out: Collection[str],
) -> Cause:
    reasons: list[str] = []
    late = tally.first_seen - first
    score = EARLINESS * float(2.0 ** (-late / HALF))
    reasons.append("first to fail" if late == 0 else f"{span(late)} after the first")
    others = len(anomalous) - 1
    if is_service and name in topology and others > 0:
        above, below = topology.upstream(name), topology.downstream(name)
        failing_above = [other for other in anomalous if other in above]
        failing_below = sum(other in below for other in anomalous)
        if not failing_above:
            score += LEAFNESS
            reasons.append("nothing it depends on fails")
        else:
            score += LEAFNESS / (2 + len(failing_above))
            reasons.append(f"depends on {failing_above[0]}, which fails too")
        if failing_below:
            score += REACH * failing_below / others
            reasons.append("1 depends on it" if failing_below == 1 else f"{failing_below} depend on it")
        score += IMPORTANCE * topology.importance(name)
    elif others > 0:
        score += 0.4 * (LEAFNESS + REACH)  # not known: neither for nor against
    else:
        score += LEAFNESS + REACH
    score += SEVERITY * (3 - tally.worst) / 3
    if tally.worst == 0:
        reasons.append("critical")
    if tally.episodes > 1:
        reasons.append(plural(tally.episodes, "alert"))
    if name in ruled_out:
        score *= RULED_OUT
        reasons.insert(0, "ruled out")
    return Cause(
        name=name,
        score=round(min(1.0, score), 3),
        reasons=tuple(reasons),
        first_seen=tally.first_seen,
        is_service=is_service,
    )
