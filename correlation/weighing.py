"""How much an alert speaks for calling people: what the gate says, what became of its kind, what others say already.

>>> from correlation import Alert, Engine, Status
>>> def slow(at, status=Status.FIRING): return Alert(at=at, name="Slow", service="checkout", status=status)
>>> engine = Engine()
>>> engine.ingest([slow(0.0)])[0].deserves  # it is new
True
>>> for at in (9_000.0, 20_000.0, 40_000.0):  # it is known to clear by itself
...     _ = engine.ingest([slow(at), slow(at + 600.0, Status.RESOLVED)])
>>> engine.ingest([slow(60_000.0)])[0].deserves
False
"""

from __future__ import annotations

from correlation.alert import Alert, Severity
from correlation.cookbook import Cookbook
from correlation.dedup import Episode
from correlation.features import Features
from correlation.gate import Gate, Verdict
from correlation.groups import Group
from correlation.records import FLOOR, Records
from correlation.registry import Registry
from correlation.tally import one_more
from correlation.topology import Topology
from correlation.tuning import Tuning

__all__ = ["SEVERE", "Weigher", "adds"]

# By severity: two critical alerts that belong together call people however fleeting they are.
COMPANY = (0.5, 0.35, 0.1, 0.1)
SEVERE = Severity.ERROR.rank  # critical and error


class Weigher:
    """Weighs onsets. It owns nothing: what it knows is the engine's, and the engine may change cookbook and topology."""

    __slots__ = ("_features", "_gate", "_records", "_registry", "_tuning", "cookbook", "topology")

    def __init__(
        self,
        cookbook: Cookbook,
        topology: Topology,
        *,
        tuning: Tuning,
        registry: Registry,
        gate: Gate,
        records: Records,
        features: Features,
    ) -> None:
        self.cookbook, self.topology = cookbook, topology
        self._tuning, self._registry = tuning, registry
        self._gate, self._records, self._features = gate, records, features

    def weigh(self, episode: Episode, alert: Alert, at: float, *, recovered: bool) -> Verdict:
        """Ask the gate about an onset; it is counted."""
        verdict = self._gate.onset(
            (episode.name, episode.service or episode.host, episode.spot),
            at,
            rank=episode.rank,
            text=f"{alert.name} {alert.summary[:200]}",
            tier=self.topology.tier(episode.service),
            recovered=recovered,
            ends=episode.lasting,
            words=self._features.of(episode.template).rare,
        )
        if episode.group:
            return verdict
        episode.opening = verdict.opening if self.cookbook.opening(alert) is not None else 0.0
        kind = episode.kind
        episode.odds = self._records.odds(kind) if episode.rank and not verdict.news else 1.0
        episode.doubt = self._records.doubt(kind, episode.odds)
        episode.full = episode.opening
        if episode.odds < 1.0:
            episode.opening *= max(FLOOR, episode.odds)
            if verdict.opening >= 1.0:
                verdict = Verdict(episode.opening, verdict.hold, "harmless", "such alerts mostly came to nothing")
        share = self._gate.fleeting(episode.name) if episode.lasting and not verdict.news else 0.0
        if share > self._tuning.fleeting:
            # What mostly clears by itself within minutes says that much less, until it has not.
            episode.opening = min(episode.opening, max(COMPANY[episode.rank], 1.0 - share))
            if verdict.opening >= 1.0:
                verdict = Verdict(episode.opening, verdict.hold, "fleeting", "such alerts mostly clear within minutes")
        return verdict

    def learn(self, episode: Episode, at: float) -> None:
        """A condition is over: what did it come to? What was over within minutes says nothing of those that last."""
        if at - episode.since < self._tuning.confirmed:
            return
        group = self._registry.find(episode.group) if episode.group else None
        self._records.ended(
            episode.kind,
            at,
            serious=group is not None and group.deserved and group.worst <= SEVERE,
            lasted=at - episode.since >= self._tuning.persists,
        )

    def worsen(self, episode: Episode, group: Group, alert: Alert, at: float) -> None:
        """A member got worse before its group deserved people. One that had cleared is counted when it fires again."""
        if self.cookbook.opening(alert) is None:
            return
        says = 1.0 if episode.rank == 0 else min(1.0, episode.opening + 0.5)
        if episode.active:
            group.says_more(episode, says, at)
        else:
            episode.opening = says


def adds(group: Group, episode: Episode) -> float:
    """How much an alert speaks for calling people: what says the same of the same service once more is a lesser reason."""
    tally = group.services.get(episode.service)
    said = tally.heard(episode) if tally is not None else None
    return episode.opening if said is None else min(episode.opening, said.loudest * one_more(said.firing))
