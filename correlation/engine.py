"""The engine: alerts in, decisions out, online and in event time. Deterministic: the same input gives the same numbers.

It keeps no clock, no randomness and no order of a set. The groups live in the registry, the score in similarity.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from correlation.alert import Alert, Change, Status
from correlation.candidates import Pair
from correlation.cause import causes
from correlation.cookbook import DEFAULT_COOKBOOK, Compiled, Cookbook
from correlation.decision import Cause, Decision, Evidence, GroupView, Kind, Suspect
from correlation.dedup import Dedup, Episode, fingerprint, scrub
from correlation.features import Features
from correlation.feedback import Feedback
from correlation.gate import Gate, Verdict
from correlation.groups import SEVERITIES, Group, largest
from correlation.placing import Chosen, choose, gather, keys_of
from correlation.registry import Registry, UnknownGroup
from correlation.similarity import Facts, explain, sentence
from correlation.snapshot import SnapshotError, State, decode, encode
from correlation.sources import Sources
from correlation.suspects import Ledger, suspects
from correlation.topology import EMPTY, Topology
from correlation.tuning import Tuning
from correlation.words import span

__all__ = ["Engine", "SnapshotError", "UnknownGroup"]

MAX_AT = 253_402_300_799.0  # the year 9999: later moments are nonsense
MAX_MERGES = 4  # groups that one alert may bridge


class Engine:
    """Groups alerts as they come.

    `ingest` never raises for any alert and never depends on how alerts are cut into batches. Event time moves by the
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
        self, cookbook: Cookbook = DEFAULT_COOKBOOK, topology: Topology = EMPTY, *, tuning: Tuning | None = None
    ) -> None:
        self.cookbook = cookbook
        self.topology = topology
        self.tuning = tuning or Tuning()
        self._watermark = 0.0
        self._episodes = 0
        self._dedup = Dedup(self.tuning.remembered)
        self._registry = Registry(self.tuning, self._dedup)
        self._gate = Gate(self.tuning.series)
        self._features = Features()
        self._sources = Sources(self.tuning.trust)
        self._ledger = Ledger()
        self._feedback = Feedback()

    # What happens

    def ingest(self, alerts: Sequence[Alert], now: float | None = None) -> list[Decision]:
        """One decision per alert, in order."""
        return [self._one(alert, now) for alert in alerts]

    def observe(self, changes: Sequence[Change]) -> None:
        """Changes are evidence and suspects; the ledger keeps the latest few thousand."""
        self._ledger.add(changes)

    def merge(self, into: str, other: str) -> None:
        """A person says that two groups are one. Remembered. UnknownGroup, or ValueError for twice the same."""
        kept, lost = self._registry.known(into), self._registry.known(other)
        if kept is lost:
            raise ValueError(f"{into} and {other} are one group already")
        self._feedback.learn(kept.kinds, lost.kinds, 1)
        self._registry.unite(kept, lost)

    def split(self, group: str, episodes: Sequence[int]) -> str:
        """A person says that these do not belong. Remembered; returns the new group's id. UnknownGroup or ValueError."""
        rest, new = self._registry.split(self._registry.known(group), episodes)
        self._feedback.learn(rest.kinds, new.kinds, -1)
        return new.id

    def reconfigure(self, cookbook: Cookbook, topology: Topology) -> None:
        """The catalogue was reloaded. Open groups go on, by the new times where their recipe still exists."""
        self.cookbook, self.topology = cookbook, topology
        for group in self._registry.open.values():
            compiled = cookbook.get(group.recipe)
            if compiled is not None:
                recipe = compiled.recipe
                group.cook_for, group.quiet_for = recipe.cook_for, recipe.quiet_for
                group.min_alerts, group.hops = recipe.min_alerts, recipe.hops
                self._registry.schedule(group)

    # What is known

    def group(self, id: str) -> GroupView | None:  # noqa: A002 - the contract's word
        """The group of that id, or the one it was merged into; None when it is no longer remembered."""
        group = self._registry.by_id(id)
        if group is None:
            return None
        return GroupView(
            id=group.id,
            number=group.number,
            recipe=group.recipe,
            opened_at=group.opened_at,
            last_at=group.last_at,
            open=group.open,
            deserves=group.deserves,
            title=group.title(),
            severity=SEVERITIES[group.worst],
            active=group.firing,
            size=group.size,
            alerts=group.alerts,
            episodes=tuple(group.members),
            services=largest({name: tally.episodes for name, tally in group.services.items()}),
            classes=largest(group.classes),
            hosts=largest(group.hosts),
            locations=largest(group.locations),
            environments=largest(group.environments),
            causes=causes(group, self.topology),
            suspects=suspects(group, self.topology, self._ledger.all()),
        )

    def surviving(self, id: str) -> str:  # noqa: A002 - the contract's word
        """The id under which a group goes on after merges: itself, if it was not merged."""
        number = self._registry.number(id)
        return id if number is None else f"G{self._registry.root(number)}"

    def deserves(self, id: str) -> bool:  # noqa: A002
        """Whether a group deserves people (cheaper than its view)."""
        group = self._registry.by_id(id)
        return group is not None and group.deserves

    def causes(self, id: str, *, ruled_out: Collection[str] = (), limit: int = 3) -> tuple[Cause, ...]:  # noqa: A002
        """Probable causes; what people ruled out ranks far lower."""
        group = self._registry.by_id(id)
        return causes(group, self.topology, ruled_out=ruled_out, limit=limit) if group else ()

    def suspects(self, id: str, *, limit: int = 5) -> tuple[Suspect, ...]:  # noqa: A002
        """Suspect changes."""
        group = self._registry.by_id(id)
        return suspects(group, self.topology, self._ledger.all(), limit=limit) if group else ()

    @property
    def watermark(self) -> float:
        """The newest event time so far."""
        return self._watermark

    # Snapshots

    def snapshot(self) -> bytes:
        """All that later decisions depend on, cookbook and topology included."""
        return encode(
            State(
                recipes=list(self.cookbook.recipes),
                with_default=self.cookbook.with_default,
                services=list(self.topology.services),
                tuning=self.tuning,
                watermark=self._watermark,
                last_episode=self._episodes,
                last_group=self._registry.last,
                episodes=self._dedup.all(),
                series=list(self._gate.series.items()),
                bursts=list(self._gate.bursts.items()),
                sources=self._sources.dump(),
                open=list(self._registry.open.values()),
                closed=list(self._registry.closed.values()),
                aliases=list(self._registry.aliases.items()),
                due=self._registry.due,
                postings=self._registry.index.dump(),
                changes=self._ledger.all(),
                last_changes=self._ledger.latest(),
                feedback=self._feedback.said,
            )
        )

    @classmethod
    def restore(cls, snapshot: bytes) -> Engine:
        """The engine that made the snapshot. SnapshotError when it is of another version or damaged."""
        state = decode(snapshot)
        engine = cls(
            Cookbook(state.recipes, with_default=state.with_default),
            Topology(tuple(state.services)),
            tuning=state.tuning,
        )
        engine._load(state)
        return engine

    def _load(self, state: State) -> None:
        self._watermark = state.watermark
        self._episodes = state.last_episode
        for episode in state.episodes:
            self._dedup.put(episode)
        self._gate.series.update(state.series)
        self._gate.bursts.update(state.bursts)
        self._sources = Sources(self.tuning.trust, state.sources)
        registry = self._registry
        registry.last = state.last_group
        registry.open = {group.number: group for group in state.open}
        registry.closed.update((group.number, group) for group in state.closed)
        registry.aliases = dict(state.aliases)
        registry.due = list(state.due)
        registry.index.load(state.postings)
        self._ledger.load(state.changes, state.last_changes)
        self._feedback = Feedback(state.feedback)

    # One alert

    def _one(self, alert: Alert, now: float | None) -> Decision:
        at = float(alert.at)
        if not 0.0 <= at <= MAX_AT:  # NaN too
            at = min(MAX_AT, max(0.0, at)) if at == at else self._watermark  # noqa: PLR0124 - NaN is not itself
        if now is not None and at > now:
            at = now
        if at > self._watermark:
            self._watermark = at
            self._registry.advance(at)
        key = self._dedup.key(alert)
        episode = self._dedup.get(key)
        if episode is None:
            try:
                print_ = fingerprint(key)
            except UnicodeEncodeError:
                return self._one(scrub(alert), now)
            return self._first(alert, at, key, print_)
        if alert.status is Status.RESOLVED:
            return self._resolve(episode, alert, at)
        return self._again(episode, alert, at)

    def _first(self, alert: Alert, at: float, key: tuple[str, ...], print_: str) -> Decision:
        """A fingerprint that is not known (any more)."""
        firing = alert.status is not Status.RESOLVED
        if firing:
            self._sources.onset(alert.source)
        else:
            self._sources.end(alert.source)
        self._episodes += 1
        episode = Episode(
            id=self._episodes,
            key=key,
            fingerprint=print_,
            source=alert.source,
            name=alert.name,
            class_=alert.class_,
            service=alert.service,
            host=alert.host,
            location=alert.location,
            environment=alert.environment,
            template=self._features.template(alert.name, alert.summary).text,
            rank=alert.severity.rank,
            first_seen=at,
            last_seen=at,
            count=int(firing),
            active=firing,
            lasting=self._sources.tells_ends(alert.source),
        )
        for old in self._dedup.put(episode):
            self._release(old)
        if not firing:
            episode.resolved_at = at
            return self._tell(episode, "resolved", "cleared_unknown", "Cleared: it was not known to fire.")
        return self._place(episode, alert, at, self._weigh(episode, alert, at, recovered=False))

    def _again(self, episode: Episode, alert: Alert, at: float) -> Decision:
        """A known fingerprint is reported firing."""
        if not episode.active and at <= episode.resolved_at:
            episode.count += 1
            episode.first_seen = min(episode.first_seen, at)
            return self._tell(episode, "repeat", "late", "Repeat: told late, it has cleared since.")
        group = self._registry.open.get(self._registry.root(episode.group)) if episode.group else None
        if episode.group:
            if group is None:
                if episode.active and at <= episode.last_seen:
                    episode.count += 1
                    return self._tell(episode, "repeat", "still_firing", "Repeat: the same report again.", active=True)
                return self._anew(episode, alert, at)
            if not self._continues(episode, group, at):
                return self._anew(episode, alert, at)
            return self._repeat(episode, group, alert, at)
        return self._again_held(episode, alert, at)

    def _repeat(self, episode: Episode, group: Group, alert: Alert, at: float) -> Decision:
        """A member of an open group fires on, or again."""
        was_active = episode.active
        episode.count += 1
        group.alerts += 1
        if at > episode.last_seen:
            episode.last_seen = at
            group.last_at = max(group.last_at, at)
        elif at < episode.first_seen:
            episode.first_seen = at
        rank = alert.severity.rank
        if rank < episode.rank:
            episode.rank = rank
            group.worsen(episode)
            if not group.deserved:
                self._reweigh(episode, group, alert)
        if was_active:
            return self._tell(
                episode, "repeat", "still_firing", f"Repeat: {episode.count} times now.", group=group, active=True
            )
        episode.active = True
        episode.lasting = self._sources.tells_ends(episode.source)
        group.stirred(episode)
        self._registry.schedule(group)
        self._weigh(episode, alert, at, recovered=True)
        reason = f"Repeat: fires again, {span(at - episode.resolved_at)} after it cleared."
        return self._tell(episode, "repeat", "fired_again", reason, group=group)

    def _again_held(self, episode: Episode, alert: Alert, at: float) -> Decision:
        """A held alert fires again: within the hour a repeat, weighed anew from time to time."""
        if at - episode.last_seen > self.tuning.held_for and not (episode.active and self._trusted(episode, at)):
            return self._anew(episode, alert, at)
        was_active = episode.active
        # An end that came before anything else is no beginning.
        episode.first_seen = min(episode.first_seen, at) if episode.count else at
        episode.count += 1
        episode.last_seen = max(episode.last_seen, at)
        rank = alert.severity.rank
        worse = rank < episode.rank
        episode.rank = min(episode.rank, rank)
        if was_active and not worse and at - episode.asked_at < self.tuning.ask_again:
            reason = f"Repeat: held, {episode.count} times now."
            return self._tell(episode, "repeat", "held_again", reason, active=True)
        if was_active and not worse:
            verdict = Verdict(episode.opening, hold=True, code="held_again", words="it goes on")
        else:
            verdict = self._weigh(episode, alert, at, recovered=not was_active)
        episode.active = True
        decision = self._place(episode, alert, at, verdict)
        if decision.kind != "noise":
            return msgspec.structs.replace(decision, was_active=was_active)
        return msgspec.structs.replace(
            decision, kind="repeat", was_active=was_active, reason=f"Repeat: held, {episode.count} times now."
        )

    def _anew(self, episode: Episode, alert: Alert, at: float) -> Decision:
        """A known fingerprint begins another stay: its group is over."""
        self._release(episode)
        self._sources.onset(alert.source)
        self._episodes += 1
        new = msgspec.structs.replace(
            episode,
            id=self._episodes,
            class_=alert.class_,
            template=self._features.template(alert.name, alert.summary).text,
            rank=alert.severity.rank,
            first_seen=at,
            last_seen=at,
            group=0,
            count=1,
            active=True,
            lasting=self._sources.tells_ends(alert.source),
        )
        self._dedup.put(new)
        return self._place(new, alert, at, self._weigh(new, alert, at, recovered=False))

    def _resolve(self, episode: Episode, alert: Alert, at: float) -> Decision:
        """The condition is over. It neither opens nor prolongs a group."""
        self._sources.end(alert.source)
        if at < episode.last_seen:
            return self._tell(
                episode, "resolved", "late", "Cleared before it last fired; told late.", active=episode.active
            )
        was_active = episode.active
        episode.resolved_at = max(episode.resolved_at, at)
        if not was_active:
            return self._tell(episode, "resolved", "cleared_again", "Cleared: told again.")
        episode.active = False
        group = self._registry.find(episode.group) if episode.group else None
        if group is not None:
            group.cleared(episode)
            if group.open:
                self._registry.schedule(group)
        reason = f"Cleared after {span(at - episode.first_seen)}."
        return self._tell(episode, "resolved", "cleared", reason, group=group, active=True)

    # Placing

    def _place(self, episode: Episode, alert: Alert, at: float, verdict: Verdict) -> Decision:
        """Join an open group, open one, or hold the alert."""
        episode.asked_at = at
        if self.cookbook.excluded(alert):
            return self._tell(episode, "noise", "excluded", "Held: excluded by its recipe.")
        moment = max(at, self._watermark - self.tuning.late)
        facts = gather(episode, moment, self._features, self.topology, self._ledger, self._feedback)
        keys = keys_of(facts, alert, self.cookbook)
        chosen = choose(
            facts,
            alert,
            keys,
            cookbook=self.cookbook,
            registry=self._registry,
            features=self._features,
            tuning=self.tuning,
        )
        if chosen:
            return self._join(facts, keys, chosen)
        compiled = self.cookbook.opening(alert)
        if compiled is None:
            return self._tell(episode, "noise", "below_trigger", "Held: no recipe lets it open an incident.")
        if verdict.hold:
            return self._tell(episode, "noise", verdict.code, f"Held: {verdict.words}.")
        return self._start(facts, alert, keys, compiled, verdict)

    def _join(self, facts: Facts, keys: list[Pair], chosen: list[Chosen]) -> Decision:
        episode = facts.episode
        odds, group, by_rule = chosen[0]
        evidence = explain(facts, group, self._features)
        merged: list[tuple[str, str]] = []
        for other_odds, other, _ in chosen[1 : 1 + MAX_MERGES]:
            both = group.deserved and other.deserved
            if min(odds, other_odds) >= (self.tuning.merge_rooms_at if both else self.tuning.merge_at) and (
                self._registry.compatible(group, other)
            ):
                kept, lost = (group, other) if group.number < other.number else (other, group)
                self._registry.unite(kept, lost)
                merged.append((lost.id, kept.id))
                group = kept
        group.take(episode, facts.at)
        for change in facts.changes:
            group.touch(change)
        self._registry.index.touch(group.number, keys)
        reason = f"Joined: {sentence(evidence)}."
        if merged:
            reason = f"{reason[:-1]}; it connects {', '.join(lost for lost, _ in merged)} with {group.id}."
        return self._tell(
            episode,
            "joined",
            "bridged" if merged else "by_recipe" if by_rule else "alike",
            reason,
            group=group,
            evidence=evidence,
            merged=tuple(merged),
        )

    def _start(self, facts: Facts, alert: Alert, keys: list[Pair], compiled: Compiled, verdict: Verdict) -> Decision:
        recipe = compiled.recipe
        group = Group(
            number=self._registry.next_number(),
            recipe=recipe.name,
            key=compiled.key(alert),
            cook_for=recipe.cook_for,
            quiet_for=recipe.quiet_for,
            min_alerts=recipe.min_alerts,
            hops=recipe.hops,
            opened_at=facts.at,
            last_at=facts.at,
            grown_at=facts.at,
        )
        group.take(facts.episode, facts.at)
        for change in facts.changes:
            group.touch(change)
        self._registry.add(group)
        self._registry.index.touch(group.number, keys)
        if group.deserves:
            return self._tell(facts.episode, "opened", verdict.code, f"Opened: {verdict.words}.", group=group)
        waits = verdict.words if facts.episode.opening < 0.999 else f"its recipe asks for {recipe.min_alerts} alerts"
        return self._tell(
            facts.episode, "opened", "waiting", f"Held: {waits}; waits for others that belong to it.", group=group
        )

    def _weigh(self, episode: Episode, alert: Alert, at: float, *, recovered: bool) -> Verdict:
        """Ask the gate about an onset; counts it."""
        verdict = self._gate.onset(
            (episode.name, episode.service or episode.host, episode.location),
            at,
            rank=episode.rank,
            text=f"{alert.name} {alert.summary}" if len(alert.summary) < 200 else alert.name,
            tier=self.topology.tier(episode.service),
            recovered=recovered,
        )
        if not recovered or episode.group == 0:
            compiled = self.cookbook.opening(alert)
            episode.opening = verdict.opening if compiled is not None else 0.0
        return verdict

    def _reweigh(self, episode: Episode, group: Group, alert: Alert) -> None:
        """A member got worse before its group deserved people."""
        if self.cookbook.opening(alert) is not None:
            before = episode.opening
            episode.opening = 1.0 if episode.rank == 0 else min(1.0, before + 0.5)
            group.weigh(episode.opening - before)

    def _continues(self, episode: Episode, group: Group, at: float) -> bool:
        """Whether a member that fires is still the same stay: its group cooks, or it never stopped."""
        if at - group.opened_at <= group.cook_for or at - episode.last_seen <= group.quiet_for:
            return True
        return episode.active and self._trusted(episode, at)

    def _trusted(self, episode: Episode, at: float) -> bool:
        """Whether an alert that nobody ended is believed to fire on."""
        return at - episode.last_seen <= self.tuning.linger and self._sources.tells_ends(episode.source)

    def _release(self, episode: Episode) -> None:
        """An episode is forgotten: what it still fires is no longer counted."""
        group = self._registry.find(episode.group) if episode.group and episode.active else None
        if group is not None:
            group.cleared(episode)
            if group.open:
                self._registry.schedule(group)

    def _tell(
        self,
        episode: Episode,
        kind: Kind,
        code: str,
        reason: str,
        *,
        group: Group | None = None,
        active: bool = False,
        evidence: tuple[Evidence, ...] = (),
        merged: tuple[tuple[str, str], ...] = (),
    ) -> Decision:
        """The decision; `active`: whether the episode was firing before. Without a group, that of the episode is named."""
        if group is None and episode.group:
            group = self._registry.find(episode.group)
        return Decision(
            kind=kind,
            episode=episode.id,
            fingerprint=episode.fingerprint,
            group=group.id
            if group is not None
            else f"G{self._registry.root(episode.group)}"
            if episode.group
            else None,
            reason=reason,
            code=code,
            count=episode.count,
            first_seen=episode.first_seen,
            last_seen=episode.last_seen,
            active=episode.active,
            was_active=active,
            deserves=group is not None and group.deserved,
            recipe=group.recipe if group is not None else None,
            evidence=evidence,
            merged=merged,
        )
