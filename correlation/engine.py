"""The engine: alerts in, decisions out, online and in event time. Deterministic: the same input gives the same numbers.

It keeps no clock, no randomness and no order of a set. What becomes of an alert is said in `stays`, where a new one goes in
`placing`; the groups live in the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec

from correlation.alert import Alert, Change
from correlation.beats import Beats
from correlation.cause import causes
from correlation.cookbook import DEFAULT_COOKBOOK, Cookbook, OpensPolicy
from correlation.decision import Cause, Decision, GroupView, Suspect
from correlation.dedup import Dedup
from correlation.features import Features
from correlation.feedback import Feedback
from correlation.gate import Gate
from correlation.groups import Group
from correlation.lift import Lift
from correlation.outbreaks import Outbreaks
from correlation.placing import Placer
from correlation.records import Records
from correlation.registry import Registry, UnknownGroup
from correlation.repair import Repair
from correlation.similarity import Scorer
from correlation.snapshot import SnapshotError, State, decode, encode
from correlation.sources import Sources
from correlation.stays import Stays
from correlation.suspects import Ledger, suspects
from correlation.topology import EMPTY, Topology
from correlation.tuning import Tuning
from correlation.usual import Usual
from correlation.views import view
from correlation.waiting import Waiting
from correlation.weighing import Weigher
from correlation.weights import Weights, WeightsError, shipped

__all__ = ["Engine", "SnapshotError", "UnknownGroup"]

MAX_AT = 253_402_300_799.0  # the year 9999: later moments are nonsense


class Engine:
    """Groups alerts as they come.

    `ingest` never raises for any Alert and never depends on how alerts are cut into batches. Event time moves by the
    alerts' own `at`; `now`, where given, is a ceiling for clocks that run ahead (pass the moment of receipt, as
    journaled, so that a replay does the same).

    >>> engine = Engine()
    >>> slow = Alert(at=0.0, name="HighLatency", service="checkout", location="eu", class_="latency")
    >>> [d.kind for d in engine.ingest([slow, slow])]
    ['opened', 'repeat']
    >>> decision = engine.ingest([Alert(at=8.0, name="HighErrors", service="checkout", location="eu", class_="errors")])[0]
    >>> decision.kind, decision.group, decision.reason
    ('joined', 'G1', 'Joined: same service, same location eu, 8 s after the last.')
    """

    def __init__(
        self,
        cookbook: Cookbook = DEFAULT_COOKBOOK,
        topology: Topology = EMPTY,
        *,
        tuning: Tuning | None = None,
        weights: Weights | None = None,
        scorer: Callable[[Weights], Scorer] = Scorer,
    ) -> None:
        self.tuning = tuning or Tuning()
        self.weights = weights or shipped()
        self._scorer = scorer
        self._dedup = Dedup(self.tuning.remembered)
        self._gate = Gate(self.tuning.series)
        self._records = Records(self.tuning.series)
        self._usual = Usual()
        self._features = Features()
        self._registry = Registry(self.tuning, self._dedup, self._features)
        self._sources = Sources(self.tuning.trust)
        self._beats = Beats(self.tuning.remembered)
        self._ledger = Ledger()
        self._feedback = Feedback()
        self._lift = Lift()
        self._outbreaks = Outbreaks(self._registry, self._feedback)
        self._weigher = Weigher(
            cookbook,
            topology,
            tuning=self.tuning,
            registry=self._registry,
            gate=self._gate,
            records=self._records,
            features=self._features,
        )
        self._placer = Placer(
            cookbook,
            topology,
            tuning=self.tuning,
            scorer=scorer(self.weights),
            registry=self._registry,
            usual=self._usual,
            features=self._features,
            ledger=self._ledger,
            feedback=self._feedback,
            lift=self._lift,
            outbreaks=self._outbreaks,
        )
        self._untold: list[int] = []  # groups that deserve people since a reload
        self._waiting = Waiting(self.tuning, self._dedup, self._registry)
        self._repair = Repair(self._registry, self._placer)
        self._stays = Stays(
            self.tuning,
            dedup=self._dedup,
            registry=self._registry,
            gate=self._gate,
            features=self._features,
            sources=self._sources,
            weigher=self._weigher,
            placer=self._placer,
            beats=self._beats,
            waiting=self._waiting,
        )

    # What happens

    def ingest(
        self, alerts: Sequence[Alert], now: float | None = None, *, muted: Sequence[str | None] | None = None
    ) -> list[Decision]:
        """One decision per alert, in order. `muted` gives for each the reason why nobody wants to hear of it, or None."""
        if muted is None:
            return [self._one(alert, now, None) for alert in alerts]
        return [self._one(alert, now, reason) for alert, reason in zip(alerts, muted, strict=True)]

    def advance(self, now: float) -> tuple[str, ...]:
        """Time passed without an alert. Returns the groups that came to deserve people by that (as `Decision.called`)."""
        return tuple([group.id for group in self._advance(self._moment(now))])

    @property
    def waits_until(self) -> float | None:
        """The event time at which `advance` may have something to say, though no alert comes; None when nothing waits."""
        return self._registry.watermark if self._untold else self._waiting.until

    def observe(self, changes: Sequence[Change]) -> None:
        """Changes are evidence and suspects; the ledger keeps the latest few thousand."""
        self._ledger.add(changes)

    def merge(self, into: str, other: str) -> None:
        """A person says that two groups are one. Remembered. UnknownGroup, or ValueError for twice the same."""
        kept, lost = self._registry.known(into), self._registry.known(other)
        if kept is lost:
            raise ValueError(f"{into} and {other} are one group already")
        self._feedback.learn(self._registry.kinds(kept), self._registry.kinds(lost), 1)
        self._registry.unite(kept, lost)

    def split(self, group: str, episodes: Sequence[int]) -> str:
        """A person says that these do not belong. Remembered; returns the new group's id. UnknownGroup; ValueError unless some
        but not all of its members move."""
        rest, new = self._registry.split(self._registry.known(group), episodes, self.cookbook)
        self._feedback.learn(self._registry.kinds(rest), self._registry.kinds(new), -1)
        return new.id

    def reconfigure(self, cookbook: Cookbook, topology: Topology, weights: Weights | None = None) -> None:
        """The catalogue was reloaded, or the weights are others. Open groups go on, by the new times of their recipe.

        Those that deserve people by it are told by `advance`, or by the next alert.
        WeightsError, and nothing is changed.
        """
        if weights is not None:
            self._placer.scorer = self._scorer(weights)
            self.weights = weights
        for part in (self._weigher, self._placer):
            part.cookbook, part.topology = cookbook, topology
        for group in self._registry.open.values():
            compiled = cookbook.get(group.recipe)
            if compiled is not None:
                if group.anywhere != compiled.by_rule:
                    self._registry.index.drop(group.number)  # and found anew
                group.follow(compiled)
                waited = not group.deserved
                group.weigh(self._registry.watermark)
                if waited and group.deserved:
                    self._untold.append(group.number)
                self._registry.reopen(group)

    def number_from(self, *, episode: int, group: int) -> bool:
        """Give no number below these from now on; whether that skips any. For an engine rebuilt from an older state."""
        skips = episode > self._stays.last + 1 or group > self._registry.last + 1
        self._stays.last = max(self._stays.last, episode - 1)
        self._registry.last = max(self._registry.last, group - 1)
        return skips

    # What is known

    @property
    def cookbook(self) -> Cookbook:
        return self._placer.cookbook

    @property
    def topology(self) -> Topology:
        return self._placer.topology

    @property
    def watermark(self) -> float:
        """The newest event time so far."""
        return self._registry.watermark

    def group(self, id: str) -> GroupView | None:  # noqa: A002 - the contract's word
        """The group of that id, or the one it was merged into; None when it is no longer remembered."""
        group = self._registry.by_id(id)
        if group is None:
            return None
        return view(
            group,
            causes(group, self.topology, self._lift),
            suspects(group, self.topology, self._ledger.all()),
            self._stays.flapping(group),
        )

    def surviving(self, id: str) -> str:  # noqa: A002 - the contract's word
        """The id under which a group goes on after merges: itself, if it was not merged."""
        number = self._registry.number(id)
        return id if number is None else f"G{self._registry.root(number)}"

    def remembers(self, id: str) -> bool:  # noqa: A002
        """Whether there is a view of that group (cheaper than making it)."""
        return self._registry.by_id(id) is not None

    def deserves(self, id: str) -> bool:  # noqa: A002
        """Whether a group deserves people (cheaper than its view)."""
        group = self._registry.by_id(id)
        return group is not None and group.deserved

    def muted(self, id: str) -> frozenset[int]:  # noqa: A002
        """The members of a group that a known cause mutes."""
        group = self._registry.by_id(id)
        members = (self._registry.dedup.episode(number) for number in group.members) if group else ()
        return frozenset(one.id for one in members if one is not None and one.muted_by)

    def title(self, id: str) -> str | None:  # noqa: A002
        """What is broken and where (cheaper than its view); None for a group that is no longer remembered."""
        group = self._registry.by_id(id)
        return group.title() if group is not None else None

    def effects(self, id: str) -> int:  # noqa: A002
        """How many members of a group a known cause mutes (cheaper than its view)."""
        group = self._registry.by_id(id)
        return group.effects if group else 0

    def causes(self, id: str, *, ruled_out: Collection[str] = (), limit: int = 3) -> tuple[Cause, ...]:  # noqa: A002
        """Probable causes; what people ruled out comes last."""
        group = self._registry.by_id(id)
        return causes(group, self.topology, self._lift, ruled_out=ruled_out, limit=limit) if group else ()

    def suspects(self, id: str, *, ruled_out: Collection[str] = (), limit: int = 5) -> tuple[Suspect, ...]:  # noqa: A002
        """Suspect changes; what people ruled out, by a change's id or its service, comes last."""
        group = self._registry.by_id(id)
        return suspects(group, self.topology, self._ledger.all(), ruled_out=ruled_out, limit=limit) if group else ()

    def opens(self, recipe: str) -> OpensPolicy:
        """What an incident that this recipe opens looks like; the default policy for a recipe that is gone."""
        compiled = self.cookbook.get(recipe)
        return compiled.recipe.opens if compiled is not None else OpensPolicy()

    # Snapshots

    def snapshot(self) -> bytes:
        """All that later decisions depend on, cookbook and topology included."""
        return encode(
            State(
                recipes=list(self.cookbook.recipes),
                with_default=self.cookbook.with_default,
                services=list(self.topology.services),
                tuning=self.tuning,
                weights=self.weights,
                watermark=self._registry.watermark,
                last_episode=self._stays.last,
                last_group=self._registry.last,
                episodes=self._dedup.all(),
                series=list(self._gate.series.items()),
                bursts=list(self._gate.bursts.items()),
                breadths=list(self._gate.breadths.rules.items()),
                rules=list(self._gate.rules.items()),
                site=self._gate.site,
                sites=list(self._gate.sites.items()),
                critical=list(self._gate.critical),
                words=list(self._gate.words.items()),
                kinds=list(self._records.kinds.items()),
                record=self._records.site,
                paces=list(self._usual.places.items()),
                sources=self._sources.dump(),
                pulses=list(self._beats.pulses.items()),
                marks=list(self._beats.marks.items()),
                open=list(self._registry.open.values()),
                closed=list(self._registry.closed.values()),
                aliases=list(self._registry.aliases.items()),
                due=self._registry.due,
                waiting=self._waiting.dump(),
                untold=self._untold,
                grown=list(self._registry.grown),
                repair_at=self._registry.repair_at,
                places=self._registry.index.places(),
                postings=self._registry.index.dump(),
                values=self._registry.index.values_in_order(),
                changes=self._ledger.all(),
                last_changes=self._ledger.latest(),
                feedback=self._feedback.said,
                follows=self._lift.dump(),
                outbreaks=self._outbreaks.dump(),
            )
        )

    @classmethod
    def restore(cls, snapshot: bytes) -> Engine:
        """The engine that made the snapshot. SnapshotError when it is of another version or damaged."""
        state = decode(snapshot)
        cookbook = Cookbook(state.recipes, with_default=state.with_default)
        topology = Topology(tuple(state.services))
        try:
            engine = cls(cookbook, topology, tuning=state.tuning, weights=state.weights)
        except WeightsError as error:
            raise SnapshotError(f"the snapshot knows other evidence than this engine: {error}") from error
        engine._load(state)
        return engine

    def _load(self, state: State) -> None:
        self._registry.watermark = state.watermark
        self._stays.last = state.last_episode
        for episode in state.episodes:
            self._dedup.put(episode)
        self._gate.series.update(state.series)
        self._gate.bursts.update(state.bursts)
        self._gate.breadths.rules.update(state.breadths)
        self._gate.rules.update(state.rules)
        self._gate.site = state.site
        self._gate.sites.update(state.sites)
        self._gate.critical.update(dict.fromkeys(state.critical))
        self._gate.words.update(state.words)
        self._records.kinds.update(state.kinds)
        self._records.site = state.record
        self._usual.places.update(state.paces)
        self._sources.load(state.sources)
        self._beats.load(state.pulses, state.marks)
        self._registry.load(
            state.last_group,
            state.open,
            state.closed,
            state.aliases,
            state.due,
            state.places,
            state.postings,
            state.values,
        )
        self._waiting.load(state.waiting)
        self._untold = state.untold
        self._registry.grown, self._registry.repair_at = dict.fromkeys(state.grown), state.repair_at
        self._ledger.load(state.changes, state.last_changes)
        self._feedback.said.update(state.feedback)
        self._lift.load(state.follows)
        self._outbreaks.load(state.outbreaks)

    # One alert

    def _one(self, alert: Alert, now: float | None, muted: str | None) -> Decision:
        at = float(alert.at)
        if not 0.0 <= at <= MAX_AT:
            at = self._moment(at)
        if now is not None and at > now:
            at = now
        called = self._advance(at)
        registry = self._registry
        united = self._repair.run(registry.watermark) if registry.watermark >= registry.repair_at else ()
        decision = self._stays.judge(alert, at, muted)
        if united:
            decision = msgspec.structs.replace(
                decision,
                merged=(*((lost, kept) for lost, kept, _ in united), *decision.merged),
                repaired=tuple([why for _, _, why in united]),
            )
        if called:
            return msgspec.structs.replace(decision, called=tuple([group.id for group in called]))
        return decision

    def _moment(self, at: float) -> float:
        """A usable moment, within 0 and the year 9999; of NaN the newest so far."""
        return min(MAX_AT, max(0.0, at)) if at == at else self._registry.watermark  # noqa: PLR0124 - NaN is not itself

    def _advance(self, at: float) -> list[Group]:
        if at < self._registry.watermark:
            return []
        self._registry.advance(at)
        called = self._waiting.persisted(at)
        for group in called:
            self._registry.reopen(group)
        if self._untold:
            since = (self._registry.still_open(number) for number in self._untold)
            called = list({group.number: group for group in (*since, *called) if group is not None}.values())
            self._untold = []
        return called
