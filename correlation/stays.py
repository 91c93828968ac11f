"""What becomes of one alert: a stay begins, goes on, is held or ends. Which group takes a new one is the placer's to say."""

from __future__ import annotations

from correlation.alert import Alert, Status
from correlation.decision import Decision, Evidence, Kind
from correlation.dedup import Dedup, Episode, Key, fingerprint, scrub
from correlation.features import Features
from correlation.gate import Gate, Verdict
from correlation.groups import Group
from correlation.placing import Placed, Placer
from correlation.registry import Registry
from correlation.sources import Sources
from correlation.tuning import Tuning
from correlation.words import span

__all__ = ["Stays"]

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
        placer: Placer,
    ) -> None:
        self.last = 0
        self._tuning, self._dedup, self._registry, self._gate = tuning, dedup, registry, gate
        self._features, self._sources, self._placer = features, sources, placer

    def judge(self, alert: Alert, at: float, muted: str | None) -> Decision:
        """What becomes of an alert that counts as of `at`; `muted` is why nobody wants to hear of it, or None."""
        key = self._dedup.key(alert)
        episode = self._dedup.get(key)
        if episode is None:
            try:
                print_ = fingerprint(key)
            except UnicodeEncodeError:
                return self.judge(scrub(alert), at, muted)
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
        if at - episode.last_seen > self._tuning.held_for and not (episode.active and self._trusted(episode, at)):
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
        if was_active and not worse and episode.held != "silenced" and at - episode.asked_at < self._tuning.ask_again:
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
        moment = max(at, self._registry.watermark - self._tuning.late)
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
        return at - episode.last_seen <= self._tuning.linger and self._sources.tells_ends(episode.source)

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
        resolved_at=None if episode.active else episode.resolved_at,
        was_active=was_active,
        deserves=group is not None and group.deserved,
        recipe=group.recipe if group is not None else None,
        evidence=evidence,
        merged=merged,
    )
