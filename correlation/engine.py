"""The engine: alerts in, decisions out, online and in event time. Deterministic: the same input gives the same numbers.

It keeps no clock, no randomness and no order of a set. The groups live in the registry, new alerts go through the placer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from correlation.alert import Alert, Change, Status
from correlation.cause import causes
from correlation.cookbook import DEFAULT_COOKBOOK, Cookbook, OpensPolicy
from correlation.decision import Cause, Decision, Evidence, GroupView, Kind, Suspect
from correlation.dedup import Dedup, Episode, Key, fingerprint, scrub
from correlation.features import Features
from correlation.feedback import Feedback
from correlation.gate import Gate, Verdict
from correlation.groups import Group
from correlation.placing import Placed, Placer
from correlation.registry import Registry, UnknownGroup
from correlation.snapshot import SnapshotError, State, decode, encode
from correlation.sources import Sources
from correlation.suspects import Ledger, suspects
from correlation.topology import EMPTY, Topology
from correlation.tuning import Tuning
from correlation.words import span

__all__ = ["Engine", "SnapshotError", "UnknownGroup"]

MAX_AT = 253_402_300_799.0  # the year 9999: later moments are nonsense
HOLDING = ("flapping", "periodic")  # reasons that go on holding an alert while it goes on firing


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
        self._placer = Placer(
            cookbook,
            topology,
            tuning=self.tuning,
            registry=self._registry,
            gate=self._gate,
            features=self._features,
            ledger=self._ledger,
            feedback=self._feedback,
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
        return tuple([group.id for group in self._advance(now)])

    @property
    def waits_until(self) -> float | None:
        """The event time at which `advance` may have something to say, though no alert comes; None when nothing waits."""
        return self._registry.waiting[0][0] if self._registry.waiting else None

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
        self._placer.cookbook, self._placer.topology = cookbook, topology
        for group in self._registry.open.values():
            compiled = cookbook.get(group.recipe)
            if compiled is not None:
                recipe = compiled.recipe
                group.cook_for, group.quiet_for = recipe.cook_for, recipe.quiet_for
                group.min_alerts, group.hops = recipe.min_alerts, recipe.hops
                self._registry.schedule(group)

    def number_from(self, *, episode: int, group: int) -> bool:
        """Give no number below these from now on; whether that skips any. For an engine rebuilt from an older state."""
        skips = episode > self._episodes + 1 or group > self._registry.last + 1
        self._episodes = max(self._episodes, episode - 1)
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
        return self._watermark

    def group(self, id: str) -> GroupView | None:  # noqa: A002 - the contract's word
        """The group of that id, or the one it was merged into; None when it is no longer remembered."""
        group = self._registry.by_id(id)
        if group is None:
            return None
        return group.view(causes(group, self.topology), suspects(group, self.topology, self._ledger.all()))

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
                watermark=self._watermark,
                last_episode=self._episodes,
                last_group=self._registry.last,
                episodes=self._dedup.all(),
                series=list(self._gate.series.items()),
                bursts=list(self._gate.bursts.items()),
                rules=list(self._gate.rules.items()),
                site=self._gate.site,
                sources=self._sources.dump(),
                open=list(self._registry.open.values()),
                closed=list(self._registry.closed.values()),
                aliases=list(self._registry.aliases.items()),
                due=self._registry.due,
                waiting=self._registry.waiting,
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
        self._gate.rules.update(state.rules)
        self._gate.site = state.site
        self._sources.load(state.sources)
        self._registry.load(
            state.last_group, state.open, state.closed, state.aliases, state.due, state.waiting, state.postings
        )
        self._ledger.load(state.changes, state.last_changes)
        self._feedback.said.update(state.feedback)

    # One alert

    def _one(self, alert: Alert, now: float | None, muted: str | None) -> Decision:
        at = float(alert.at)
        if not 0.0 <= at <= MAX_AT:
            at = min(MAX_AT, max(0.0, at)) if at == at else self._watermark  # noqa: PLR0124 - NaN is not itself
        if now is not None and at > now:
            at = now
        called = self._advance(at)
        decision = self._judge(alert, at, muted)
        if called:
            return msgspec.structs.replace(decision, called=tuple([group.id for group in called]))
        return decision

    def _advance(self, at: float) -> list[Group]:
        if at < self._watermark:
            return []
        self._watermark = at
        self._registry.advance(at)
        return self._registry.persisted(at)

    def _judge(self, alert: Alert, at: float, muted: str | None) -> Decision:
        key = self._dedup.key(alert)
        episode = self._dedup.get(key)
        if episode is None:
            try:
                print_ = fingerprint(key)
            except UnicodeEncodeError:
                return self._judge(scrub(alert), at, muted)
            return self._first(alert, at, key, print_, muted)
        if alert.status is Status.RESOLVED:
            return self._resolve(episode, alert, at)
        return self._again(episode, alert, at, muted)

    def _first(self, alert: Alert, at: float, key: Key, print_: str, muted: str | None) -> Decision:
        """A fingerprint that is not known (any more)."""
        if alert.status is Status.RESOLVED:
            self._sources.end(alert.source)
            episode = self._remember(alert, at, key, print_)
            # An end before anything else: a beginning that is told later has happened before it.
            episode.active, episode.count, episode.resolved_at = False, 0, at
            return _tell(episode, "resolved", "cleared_unknown", "Cleared: it was not known to fire.")
        return self._begin(self._remember(alert, at, key, print_), alert, at, muted)

    def _begin(self, episode: Episode, alert: Alert, at: float, muted: str | None) -> Decision:
        """A stay begins."""
        self._sources.onset(alert.source)
        if muted is not None:
            return self._mute(episode, muted)
        return self._place(episode, alert, at, self._placer.weigh(episode, alert, at, recovered=False))

    def _again(self, episode: Episode, alert: Alert, at: float, muted: str | None) -> Decision:
        """A known fingerprint is reported firing."""
        if not episode.active and at <= episode.resolved_at:
            episode.first_seen = min(episode.first_seen, at)
            episode.count += 1
            return self._answer(episode, "repeat", "late", "Repeat: told late, it has cleared since.")
        if not episode.group:
            return self._again_held(episode, alert, at, muted)
        group = self._registry.open.get(self._registry.root(episode.group))
        if group is not None and self._continues(episode, group, at) and (muted is None or episode.active):
            return self._repeat(episode, group, alert, at)
        if group is None and episode.active and at <= episode.last_seen:
            episode.count += 1
            reason = "Repeat: the same report again."
            return self._answer(episode, "repeat", "still_firing", reason, was_active=True)
        self._release(episode)
        key, print_ = episode.key, episode.fingerprint
        return self._begin(self._remember(alert, at, key, print_), alert, at, muted)

    def _repeat(self, episode: Episode, group: Group, alert: Alert, at: float) -> Decision:
        """A member of an open group fires on, or again."""
        was_active = episode.active
        episode.count += 1
        group.alerts += 1
        if at > episode.last_seen:
            episode.last_seen = at
            if at > group.last_at:  # noqa: PLR1730 - max() costs a tenth of a repeat
                group.last_at = at
        elif at < episode.first_seen:
            episode.first_seen = at
        rank = alert.severity.rank
        if rank < episode.rank:
            episode.rank = rank
            group.worsen(episode)
            if not group.deserved:
                self._placer.worsen(episode, group, alert)
        if was_active:
            return _tell(
                episode, "repeat", "still_firing", f"Repeat: {episode.count} times now.", group, was_active=True
            )
        episode.active, episode.since = True, at
        if not group.deserved:
            self._registry.wait(group, at)
        episode.lasting = self._sources.tells_ends(episode.source)
        group.stirred(episode)
        self._registry.schedule(group)
        self._placer.weigh(episode, alert, at, recovered=True)
        reason = f"Repeat: fires again, {span(at - episode.resolved_at)} after it cleared."
        return _tell(episode, "repeat", "fired_again", reason, group)

    def _again_held(self, episode: Episode, alert: Alert, at: float, muted: str | None) -> Decision:
        """A held alert fires again: within the hour a repeat, weighed anew from time to time."""
        if at - episode.last_seen > self.tuning.held_for and not (episode.active and self._trusted(episode, at)):
            key, print_ = episode.key, episode.fingerprint
            return self._begin(self._remember(alert, at, key, print_), alert, at, muted)
        was_active, known = episode.active, episode.count > 0
        episode.first_seen = min(episode.first_seen, at) if known else at
        episode.last_seen = max(episode.last_seen, at)
        episode.count += 1
        if not was_active:
            episode.active, episode.since = True, at
        worse = alert.severity.rank < episode.rank
        episode.rank = min(episode.rank, alert.severity.rank)
        again = f"Repeat: held, {episode.count} times now."
        if muted is not None:
            return self._mute(episode, muted, kind="repeat" if known else "noise", was_active=was_active)
        if was_active and not worse and episode.held != "silenced" and at - episode.asked_at < self.tuning.ask_again:
            return _tell(episode, "repeat", "held_again", again, was_active=True)
        if was_active and not worse and episode.held != "silenced":
            verdict = Verdict(episode.opening, episode.held in HOLDING, episode.held, "it goes on")
        else:
            verdict = self._placer.weigh(episode, alert, at, recovered=not was_active and known)
        return self._place(episode, alert, at, verdict, was_active=was_active, again=again if known else "")

    def _resolve(self, episode: Episode, alert: Alert, at: float) -> Decision:
        """The condition is over. It neither opens nor prolongs a group."""
        self._sources.end(alert.source)
        was_active = episode.active
        if at < episode.last_seen:
            reason = "Cleared before it last fired; told late."
            return self._answer(episode, "resolved", "late", reason, was_active=was_active)
        episode.resolved_at = max(episode.resolved_at, at)
        if not was_active:
            return self._answer(episode, "resolved", "cleared_again", "Cleared: told again.")
        self._release(episode)
        episode.active = False
        self._gate.ended(episode.name, at, at - episode.since)
        reason = f"Cleared after {span(at - episode.first_seen)}."
        return self._answer(episode, "resolved", "cleared", reason, was_active=True)

    def _place(
        self, episode: Episode, alert: Alert, at: float, verdict: Verdict, *, was_active: bool = False, again: str = ""
    ) -> Decision:
        """Find a place for an alert; `again` is what to say when it was held before and still is."""
        moment = max(at, self._watermark - self.tuning.late)
        placed: Placed = self._placer.place(episode, alert, moment, verdict)
        kind, code, reason, group, evidence, merged = placed
        episode.asked_at = at
        if group is not None:
            episode.held = ""
            if not group.deserved and episode.opening > 0.0:
                self._registry.wait(group, at)
        else:
            episode.held = code
            if again:
                kind, reason = "repeat", again
        return _tell(episode, kind, code, reason, group, was_active=was_active, evidence=evidence, merged=merged)

    def _mute(self, episode: Episode, why: str, *, kind: Kind = "noise", was_active: bool = False) -> Decision:
        episode.held = "silenced"
        return _tell(episode, kind, "silenced", f"Held: {why}.", was_active=was_active)

    def _remember(self, alert: Alert, at: float, key: Key, print_: str) -> Episode:
        """A new episode, in no group yet."""
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
            since=at,
            lasting=self._sources.tells_ends(alert.source),
        )
        for old in self._dedup.put(episode):
            if old.key != key:  # the bound pushed it out
                self._forget(old)
        return episode

    def _continues(self, episode: Episode, group: Group, at: float) -> bool:
        """Whether a member that fires is still the same stay: its group cooks, or it never stopped."""
        if at - group.opened_at <= group.cook_for or at - episode.last_seen <= group.quiet_for:
            return True
        return episode.active and self._trusted(episode, at)

    def _trusted(self, episode: Episode, at: float) -> bool:
        """Whether an alert that nobody ended is believed to fire on."""
        return at - episode.last_seen <= self.tuning.linger and self._sources.tells_ends(episode.source)

    def _forget(self, episode: Episode) -> None:
        self._release(episode)
        group = self._registry.find(episode.group) if episode.group else None
        if group is not None:
            group.members.pop(episode.id, None)

    def _release(self, episode: Episode) -> None:
        """An episode clears or leaves: its group counts it as firing no longer."""
        if episode.group and episode.active:
            group = self._registry.find(episode.group)
            if group is not None:
                group.cleared(episode)
                if group.open:
                    self._registry.schedule(group)

    def _answer(self, episode: Episode, kind: Kind, code: str, reason: str, *, was_active: bool = False) -> Decision:
        """A decision about an episode wherever it is."""
        number = episode.group
        group = self._registry.find(number) if number else None
        return _tell(episode, kind, code, reason, group, was_active=was_active, number=self._registry.root(number))


def _tell(
    episode: Episode,
    kind: Kind,
    code: str,
    reason: str,
    group: Group | None = None,
    *,
    was_active: bool = False,
    evidence: tuple[Evidence, ...] = (),
    merged: tuple[tuple[str, str], ...] = (),
    number: int = 0,
) -> Decision:
    """The decision. `number` names the group when the group itself is no longer remembered."""
    return Decision(
        kind=kind,
        episode=episode.id,
        fingerprint=episode.fingerprint,
        group=group.id if group is not None else f"G{number}" if number else None,
        reason=reason,
        code=code,
        count=episode.count,
        first_seen=episode.first_seen,
        last_seen=episode.last_seen,
        active=episode.active,
        was_active=was_active,
        deserves=group is not None and group.deserved,
        recipe=group.recipe if group is not None else None,
        evidence=evidence,
        merged=merged,
    )
