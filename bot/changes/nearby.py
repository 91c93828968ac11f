"""Changes near an onset, in time and in the service graph. The engine ranks suspects; this is what else there was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.changes import ledger
from bot.clock import duration
from correlation.alert import Change
from correlation.topology import Topology

__all__ = ["LOOK_BACK", "SLACK", "Nearby", "near", "same_change"]

LOOK_BACK = 24 * 3600.0  # seconds before the onset, as correlation.suspects has it
SLACK = 60.0  # clocks differ: a change this much after the onset may still have come first
HALF = 3600.0  # seconds at which closeness in time is worth half
_PLACES = {0: 1.0, 1: 0.8, 2: 0.6, 3: 0.4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearby:
    """A change, how many hops upstream of what fails it was (None: not known), and why it is shown. `score` is 0..1."""

    change: Change
    hops: int | None
    score: float
    reasons: tuple[str, ...]


async def near(
    connection: AsyncConnection,
    topology: Topology,
    services: Sequence[str],
    onset: float,
    *,
    environment: str = "",
    limit: int = 20,
) -> list[Nearby]:
    """Changes on these services and what they depend on, likeliest first; on any service where none is named."""
    hops = dict.fromkeys(services, 0)
    for service in services:
        for other, distance in topology.upstream(service).items():
            hops[other] = min(distance, hops.get(other, distance))
    found = await ledger.between(connection, onset - LOOK_BACK, onset + SLACK, [*hops, ""] if hops else ())
    judged = [
        _judge(change, onset - change.at, hops.get(change.service))
        for change in found
        if not (environment and change.environment and change.environment != environment)
    ]
    judged.sort(key=lambda one: (-one.score, onset - one.change.at, one.change.id))
    return judged[:limit]


def same_change(one: str, other: str) -> bool:
    """Whether two rows are one change."""
    return ledger.change_key(one) == ledger.change_key(other)


def _judge(change: Change, before: float, hops: int | None) -> Nearby:
    reasons = [f"{duration(abs(before))} {'before' if before >= 0 else 'after'} the first alert"]
    if hops == 0:
        reasons.append("on a service that fails")
    elif hops is not None:
        reasons.append(f"{hops} {'hop' if hops == 1 else 'hops'} upstream")
    elif not change.service:
        reasons.append("its service is not known")
    if change.status in {"failed", "rolled_back"}:
        reasons.append("it failed" if change.status == "failed" else "it was rolled back")
    place = 0.3 if hops is None else _PLACES.get(hops, 0.25)
    score = (0.25 + 0.75 * 2.0 ** (-max(0.0, before) / HALF)) * place
    return Nearby(change=change, hops=hops, score=round(score, 3), reasons=tuple(reasons))
