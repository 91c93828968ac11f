"""What becomes of one alert: a stay begins, goes on, is held or ends. Which group takes a new one is the placer's to say.

>>> from correlation import Alert, Engine, Status
>>> def slow(at, status=Status.FIRING): return Alert(at=at, name="Slow", service="checkout", status=status)
>>> engine = Engine()
>>> stay = engine.ingest([slow(0.0), slow(60.0), slow(90.0, Status.RESOLVED), slow(120.0)])
>>> [(one.episode, one.code, one.count) for one in stay]
[(1, 'novel', 1), (1, 'still_firing', 2), (1, 'cleared', 2), (1, 'fired_again', 3)]
>>> engine.ingest([slow(150.0, Status.RESOLVED), slow(86_400.0)])[1].episode  # the next day it is another
2
"""

from __future__ import annotations

from correlation.alert import Alert, Status
from correlation.beats import Beats, unplaced
from correlation.decision import Code, Decision, Evidence, Flapping, Kind
from correlation.dedup import NEVER, Dedup, Episode, Key, fingerprint
from correlation.features import Features
from correlation.gate import Gate, Verdict
from correlation.groups import SEVERITIES, Group
from correlation.inhibition import named, unmute
from correlation.placing import Placer
from correlation.registry import Registry
from correlation.sources import Sources
from correlation.tuning import Tuning
from correlation.waiting import Waiting
from correlation.weighing import Weigher
from correlation.words import fixed, span

__all__ = ["Stays"]

RESOLVED = Status.RESOLVED
# Why what was held still is: the code, if another than that of its verdict, and in words.
Again = tuple[Code | None, str]
HOLDING = ("flapping", "periodic")  # reasons that go on holding an alert while it goes on firing


class Stays:
    """The episodes of all fingerprints, one after the other; `last` is the number of the newest. The parts are the engine's."""

    def __init__(
        self,
        tuning: Tuning,
        *,
        dedup: Dedup,
        registry: Registry,
        gate: Gate,
        features: Features,
        sources: Sources,
        weigher: Weigher,
        placer: Placer,
        beats: Beats,
        waiting: Waiting,
    ) -> None:
        self.last = 0
        self._tuning, self._dedup, self._registry, self._gate = tuning, dedup, registry, gate
        self._features, self._sources, self._beats, self._waiting = features, sources, beats, waiting
        self._weigher, self._placer = weigher, placer

    def judge(self, alert: Alert, at: float, muted: str | None) -> Decision:
        """What becomes of an alert that counts as of `at`; `muted` is why nobody wants to hear of it, or None."""
        key = self._dedup.key(alert)
        if self._beats.parted(alert.source) and unplaced(alert):
            key = self._on_beat(key, alert, at)
        episode = self._dedup.get(key)
        if episode is None:
            if (known := fixed(alert)) is not alert:
                return self.judge(known, at, muted)
            return self._first(alert, at, key, fingerprint(key), muted)
        if alert.status is RESOLVED:
            return self._resolve(episode, alert, at)
        return self._again(episode, alert, at, muted)

    def _on_beat(self, key: Key, alert: Alert, at: float) -> Key:
        """What the alert is known by where its source is several monitors, or was taken for that."""
        known = self._dedup.get
        mine, *others = self._beats.keys(alert.source, key, at)
        own = known(mine)
        ends = alert.status is RESOLVED
        if own is not None and (own.active or (ends and at <= own.resolved_at)):
            return mine
        begun = [one for other in others if (one := known(other)) is not None and one.active]
        if own is not None or not ends:
            # It may have begun before the beats were known, or when they were others; an end of an unknown one is of what fires.
            begun = [one for one in begun if self._beats.same(alert.source, one.since, at)]
        return max(begun, key=lambda one: one.last_seen).key if begun else mine

    def _first(self, alert: Alert, at: float, key: Key, print_: str, muted: str | None) -> Decision:
        """A fingerprint that is not known (any more)."""
        if alert.status is RESOLVED:
            self._sources.end(alert.source)
            episode = self._remember(alert, at, key, print_)
            # An end before anything else: a beginning that is told later has happened before it.
            episode.active, episode.count, episode.resolved_at = False, 0, at
            return _tell(episode, "resolved", "cleared_unknown", "Cleared: it was not known to fire.")
        return self._begin(self._remember(alert, at, key, print_), alert, at, muted)

    def flapping(self, group: Group) -> tuple[Flapping, ...]:
        """The members of a group that changed again and again until lately, most changes first."""
        known = [episode for number in group.restless if (episode := self._dedup.episode(number)) is not None]
        restless = [episode for episode in known if episode.flapping(self._registry.watermark)]
        restless.sort(key=lambda episode: (-episode.turns, episode.id))
        return tuple(
            Flapping(
                episode=episode.id,
                what=named(episode),
                changes=episode.turns,
                since=episode.turning,
                until=episode.turned_at,
            )
            for episode in restless
        )

    def _begin(self, episode: Episode, alert: Alert, at: float, muted: str | None) -> Decision:
        """A stay begins."""
        self._sources.onset(alert.source)
        self._beats.began(episode, at, placed=not unplaced(alert))
        if muted is not None:
            return self._mute(episode, muted)
        return self._place(episode, alert, at, self._weigher.weigh(episode, alert, at, recovered=False))

    def _anew(self, episode: Episode, alert: Alert, at: float, muted: str | None) -> Decision:
        """Another stay of a known fingerprint begins."""
        alert = fixed(alert)
        return self._begin(self._remember(alert, at, episode.key, episode.fingerprint), alert, at, muted)

    def _again(self, episode: Episode, alert: Alert, at: float, muted: str | None) -> Decision:
        """A known fingerprint is reported firing."""
        if episode.active and unplaced(alert):
            self._beats.again(episode, at)
        if not episode.active and at <= episode.resolved_at:
            episode.first_seen = min(episode.first_seen, at)
            self._count(episode)
            return self._answer(episode, "repeat", "late", "Repeat: told late, it has cleared since.")
        if not episode.group:
            return self._again_held(episode, alert, at, muted)
        group = self._registry.still_open(episode.group)
        if group is not None and self._continues(episode, group, at) and (muted is None or episode.active):
            waited, decision = not group.deserved, self._repeat(episode, group, alert, at)
            if waited and group.deserved:
                self._registry.reopen(group)
            return decision
        if group is None and episode.active and at <= episode.last_seen:
            self._count(episode)
            reason = "Repeat: the same report again."
            return self._answer(episode, "repeat", "still_firing", reason, was_active=True)
        self._release(episode)
        return self._anew(episode, alert, at, muted)

    def _repeat(self, episode: Episode, group: Group, alert: Alert, at: float) -> Decision:
        """A member of an open group fires on, or again."""
        was_active, last = episode.active, episode.last_seen
        episode.count += 1
        group.alerts += 1
        if at > last:
            episode.last_seen = at
            if at > group.last_at:
                group.last_at = at
        elif at < episode.first_seen:
            episode.first_seen = at
            if episode.resolved_at == NEVER:
                episode.began = at
        rank, before = alert.severity.rank, None
        if rank != episode.present and _newer(episode, rank, at, last):
            before, episode.present = episode.present, rank
        if rank < episode.rank:
            was, episode.rank = episode.rank, rank
            group.worsen(episode, was)
            if episode.muted_by:
                unmute(episode, group, self._dedup.episode(episode.muted_by))
            if not group.deserved:
                self._weigher.worsen(episode, group, alert, at)
                self._waiting.add(episode, group, at)
        if was_active:
            code: Code = "still_firing"
            said = f"{episode.count} times now"
            if before is not None:
                code = "worse" if rank < before else "milder"
                said = f"{code} now, {SEVERITIES[rank].value} after {SEVERITIES[before].value}"
            return _tell(episode, "repeat", code, f"Repeat: {said}.", group, was_active=True, before=before)
        episode.resume(at)
        episode.turn(at)
        group.turned(episode)
        episode.lasting = self._sources.tells_ends(episode.source)
        group.stirred(episode)
        self._waiting.add(episode, group, at)
        self._weigher.weigh(episode, alert, at, recovered=True)
        if episode.flapping(at):
            return _tell(episode, "repeat", "flapping", f"Repeat: {episode.flaps()}.", group, before=before)
        reason = f"Repeat: fires again, {span(at - episode.resolved_at)} after it cleared."
        return _tell(episode, "repeat", "fired_again", reason, group, before=before)

    def _again_held(self, episode: Episode, alert: Alert, at: float, muted: str | None) -> Decision:
        """A held alert fires again: within the hour a repeat, weighed anew from time to time."""
        if at - episode.last_seen > self._tuning.held_for and not (episode.active and self._trusted(episode, at)):
            return self._anew(episode, alert, at, muted)
        was_active, known = episode.active, episode.count > 0
        rank, before = alert.severity.rank, None
        if rank != episode.present and (not known or _newer(episode, rank, at, episode.last_seen)):
            before, episode.present = episode.present if known else None, rank
        episode.first_seen = min(episode.first_seen, at) if known else at
        episode.last_seen = max(episode.last_seen, at)
        episode.count += 1
        if not was_active:
            episode.resume(at)
            if known:
                episode.turn(at)
        worse, episode.rank = rank < episode.rank, min(episode.rank, rank)
        flaps = not was_active and episode.flapping(at)
        reason = f"Held: {episode.flaps()}." if flaps else f"Repeat: held, {episode.count} times now."
        if muted is not None:
            return self._mute(episode, muted, kind="repeat" if known else "noise", was_active=was_active, before=before)
        held = episode.held
        if was_active and not worse and held and held != "silenced":
            if at - episode.asked_at < self._tuning.ask_again:
                return _tell(episode, "repeat", "held_again", reason, was_active=True, before=before)
            verdict = Verdict(episode.opening, held in HOLDING, held, "it goes on")
        else:
            verdict = self._weigher.weigh(episode, alert, at, recovered=not was_active and known)
        again: Again | None = ("flapping" if flaps else None, reason) if known else None
        return self._place(episode, alert, at, verdict, was_active=was_active, again=again, before=before)

    def _resolve(self, episode: Episode, alert: Alert, at: float) -> Decision:
        """The condition is over. It neither opens nor prolongs a group."""
        alert = fixed(alert)
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
        episode.turn(at)
        self._weigher.learn(episode, at)
        self._beats.ended(alert.source, at - episode.since)
        self._gate.ended(episode.name, at, at - episode.since)
        if not episode.flapping(at):
            reason = f"Cleared after {span(at - episode.since)}."
            return self._answer(episode, "resolved", "cleared", reason, was_active=True)
        if episode.group and (group := self._registry.find(episode.group)) is not None:
            group.turned(episode)
        return self._answer(episode, "resolved", "flapping", f"Cleared; {episode.flaps()}.", was_active=True)

    def _place(
        self,
        episode: Episode,
        alert: Alert,
        at: float,
        verdict: Verdict,
        *,
        was_active: bool = False,
        again: Again | None = None,
        before: int | None = None,
    ) -> Decision:
        """Find a place for an alert, which may have been held before: `again`."""
        moment = max(at, self._registry.watermark - self._tuning.late)
        kind, code, reason, group, evidence, merged, fits = self._placer.place(episode, alert, moment, verdict)
        episode.asked_at = at
        if group is not None:
            episode.held = ""
            self._waiting.add(episode, group, at)
        else:
            episode.held = code
            if again is not None:
                kind, code, reason = "repeat", again[0] or code, again[1]
        return _tell(
            episode,
            kind,
            code,
            reason,
            group,
            was_active=was_active,
            evidence=evidence,
            merged=merged,
            fits=fits,
            before=before,
        )

    def _mute(
        self, episode: Episode, why: str, *, kind: Kind = "noise", was_active: bool = False, before: int | None = None
    ) -> Decision:
        episode.held = "silenced"
        return _tell(episode, kind, "silenced", f"Held: {why}.", was_active=was_active, before=before)

    def _remember(self, alert: Alert, at: float, key: Key, print_: str) -> Episode:
        """A new episode, in no group yet."""
        self.last += 1
        episode = Episode(
            id=self.last,
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
            began=at,
            lasting=self._sources.tells_ends(alert.source),
            present=alert.severity.rank,
        )
        for old in self._dedup.put(episode):
            if old.key != key:  # the bound pushed it out
                self._forget(old)
        return episode

    def _continues(self, episode: Episode, group: Group, at: float) -> bool:
        """Whether a member that fires is still the same stay: its group cooks, or it never stopped."""
        return (
            at - episode.last_seen <= group.quiet_for
            or group.joinable(at)
            or (episode.active and self._trusted(episode, at))
        )

    def _trusted(self, episode: Episode, at: float) -> bool:
        """Whether an alert that nobody ended is believed to fire on."""
        return at - episode.last_seen <= self._tuning.linger and self._sources.tells_ends(episode.source)

    def _forget(self, episode: Episode) -> None:
        if (group := self._release(episode)) is not None:
            group.members.pop(episode.id, None)

    def _release(self, episode: Episode) -> Group | None:
        """An episode clears or leaves: its group, which is returned, counts it as firing no longer."""
        group = self._registry.find(episode.group) if episode.group else None
        if group is not None and episode.active:
            lasted = group.lasting
            group.cleared(episode)
            if lasted and not group.lasting and group.open:
                self._registry.schedule(group)  # it closes sooner than it would have
        return group

    def _count(self, episode: Episode) -> None:
        """One more report that changes nothing."""
        episode.count += 1
        if episode.group and (group := self._registry.find(episode.group)) is not None:
            group.alerts += 1

    def _answer(self, episode: Episode, kind: Kind, code: Code, reason: str, *, was_active: bool = False) -> Decision:
        """A decision about an episode wherever it is."""
        number = episode.group
        group = self._registry.find(number) if number else None
        return _tell(episode, kind, code, reason, group, was_active=was_active, number=self._registry.root(number))


def _newer(episode: Episode, rank: int, at: float, last: float) -> bool:
    """Whether a report says how bad it is now: the newest does, and of two at the same moment the worse."""
    return at > last or (at == last and rank < episode.present)


def _tell(
    episode: Episode,
    kind: Kind,
    code: Code,
    reason: str,
    group: Group | None = None,
    *,
    was_active: bool = False,
    evidence: tuple[Evidence, ...] = (),
    merged: tuple[tuple[str, str], ...] = (),
    fits: tuple[tuple[str, str], ...] = (),
    number: int = 0,
    before: int | None = None,
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
        began=episode.began,
        active=episode.active,
        resolved_at=None if episode.active else episode.resolved_at,
        was_active=was_active,
        deserves=group is not None and group.deserved,
        recipe=group.recipe if group is not None else None,
        evidence=evidence,
        merged=merged,
        fits=fits,
        severity=SEVERITIES[episode.present],
        before=None if before is None else SEVERITIES[before],
        muted=episode.muted_by > 0,
    )
