"""A known cause mutes its effects: an alert on what depends on it joins its group, and nobody is told of it by itself.

Only what people have been called for mutes, only what is as bad, began before and still fires, and only at the same place.
Nothing is hidden: the alert is a member like any other, says what mutes it, and is counted.

>>> from correlation import Alert, Engine, Severity, Topology
>>> engine = Engine(topology=Topology.of({"checkout": ["payments-api"]}))
>>> cause = Alert(at=0.0, name="PoolExhausted", service="payments-api", severity=Severity.CRITICAL)
>>> _, effect = engine.ingest([cause, Alert(at=30.0, name="HighErrors", service="checkout")])
>>> effect.kind, effect.muted, effect.evidence[-1].words
('joined', True, 'inhibited by A1 payments-api pool exhausted, 1 hop upstream, here and before it')
>>> engine.group("G1").size, engine.group("G1").effects
(2, 1)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from correlation.dedup import Dedup, Episode
from correlation.groups import Group
from correlation.topology import Reach
from correlation.words import clean, humanise, plural

__all__ = ["LENIENCE", "SAID", "TERM", "Inhibitor", "inhibitor", "named", "unmute"]

TERM = "inhibition"  # among the evidence
SAID = "inhibited by"  # how a reason to join begins that names a cause
LENIENCE = 2.0  # log odds less that a group asks of an effect of what it holds


class Inhibitor(NamedTuple):
    """The member whose effect an alert is, and how many hops up it lies."""

    cause: Episode
    hops: int

    @property
    def words(self) -> str:
        """`inhibited by A12 payments-api pool exhausted`."""
        return f"{SAID} A{self.cause.id} {named(self.cause)}"

    @property
    def why(self) -> str:
        """The same with the reason."""
        return f"{self.words}, {plural(self.hops, 'hop')} upstream, here and before it"


def named(episode: Episode) -> str:
    """What is broken, short."""
    what = humanise(episode.name, 40)
    return what if not episode.service or episode.service in what else f"{clean(episode.service, 40)} {what}"


def inhibitor(episode: Episode, at: float, upward: Mapping[str, Reach], group: Group, dedup: Dedup) -> Inhibitor | None:
    """What mutes an alert of `at` in a group; of several the one that began first. None when it speaks for itself.

    Each must hold: people were called for the group; the alert's service depends on the other within the recipe's hops;
    that one began before, still fires, and is at least as bad; both name the same location and environment, or none.
    """
    if not group.deserved:
        return None
    best: Inhibitor | None = None
    rank = (at, 0, "")
    for service in upward.keys() & group.services.keys():
        found, tally = upward[service], group.services[service]
        if found.hops > group.hops or not tally.firing or tally.worst > episode.rank:
            continue
        this = (tally.first_seen, found.hops, service)
        if tally.first_seen >= at or this >= rank:
            continue
        cause = dedup.episode(tally.first)
        if cause is not None and _same_place(cause, episode):
            best, rank = Inhibitor(cause, found.hops), this
    return best


def unmute(episode: Episode, group: Group, cause: Episode | None) -> None:
    """A muted member that became worse than its cause speaks for itself from now on."""
    if episode.muted_by and (cause is None or cause.rank > episode.rank):
        episode.muted_by = 0
        group.effects -= 1


def _same_place(one: Episode, other: Episode) -> bool:
    return one.location == other.location and one.environment == other.environment
