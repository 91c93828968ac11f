"""Which change is to blame: those that started before the onset, near in time and in the service graph. Simple rules, with reasons.

The ledger is bounded and knows changes only by what an alert could have followed; people and repositories are the bot's.
"""

from __future__ import annotations

from bisect import insort
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from math import isfinite
from typing import NamedTuple

import msgspec

from correlation.alert import Change
from correlation.cause import familiar, strength
from correlation.decision import Suspect
from correlation.groups import Group
from correlation.topology import Topology
from correlation.words import clean, fixed, plural, span

__all__ = ["Ledger", "suspects"]

LOOK_BACK = 24 * 3600.0  # seconds before the onset
SLACK = 60.0  # clocks differ: a change this much after the first alert may still have caused it
NEAR = 900.0  # seconds before the onset at which closeness in time is worth half: most that break, break soon
EVER = 0.1  # what closeness is worth at least
RECENT = 1800.0  # seconds for which alerts that follow a change are thought to share it
CAPACITY = 5_000
MAX_HOSTS = 256  # instances of one change that are remembered
TROUBLED = {"failed": 1.4, "rolled_back": 1.3}
PLACES, FAR = {0: 1.0, 1: 0.8, 2: 0.6, 3: 0.4}, 0.25  # by hops upstream of what fails
LEAST = 0.3  # what a place is worth when hardly any of the trouble lies below it
FADES = 0.8  # of what an effect counts that remains with each hop
CONTRAST = 1.8  # where only the instances that it touched fail
ROUNDED = 0.001  # scores are told in thousandths
RULED_OUT = 0.01  # of the score that remains when a person contradicts
MOST = 1.4 * CONTRAST  # so that scores end at 1
VERBS = {
    "deploy": "deployed",
    "flag": "flag switched on",
    "config": "configuration changed on",
    "migration": "migrated",
}


class Ledger:
    """The recent changes. A change that is told of again (started, then succeeded) keeps its first moment.

    >>> ledger = Ledger()
    >>> ledger.add([Change(id="c1", at=5, title="", status="started"), Change(id="c1", at=9, title="", status="failed")])
    >>> [(c.at, c.status) for c in ledger.all()]
    [(5.0, 'failed')]
    """

    __slots__ = ("_by_id", "_last", "capacity")

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self._by_id: OrderedDict[str, Change] = OrderedDict()
        self._last: dict[str, tuple[float, str]] = {}  # service -> its latest change

    def add(self, changes: Iterable[Change]) -> None:
        for told in changes:
            if not isfinite(told.at):
                continue
            change = fixed(told)
            before = self._by_id.pop(change.id, None)
            at = min(float(change.at), before.at) if before else float(change.at)
            hosts = (*(before.hosts if before else ()), *change.hosts)
            kept = msgspec.structs.replace(change, at=at, hosts=tuple(dict.fromkeys(hosts))[:MAX_HOSTS])
            self._by_id[change.id] = kept
            last = self._last.get(kept.service)
            if kept.service and (last is None or (at, kept.id) >= last):
                self._last[kept.service] = (at, kept.id)
            while len(self._by_id) > self.capacity:
                _, old = self._by_id.popitem(last=False)
                if self._last.get(old.service, (0.0, ""))[1] == old.id:
                    del self._last[old.service]

    def all(self) -> list[Change]:
        return list(self._by_id.values())

    def latest(self) -> list[tuple[str, float, str]]:
        """(service, moment, id) of each service's latest change."""
        return [(service, at, id_) for service, (at, id_) in self._last.items()]

    def load(self, changes: Iterable[Change], latest: Iterable[tuple[str, float, str]]) -> None:
        """What `all` and `latest` gave."""
        self._by_id = OrderedDict((change.id, change) for change in changes)
        self._last = {service: (at, id_) for service, at, id_ in latest}

    def recent(self, service: str, upstream: Iterable[str], at: float) -> list[str]:
        """Latest changes of a service and of what it depends on, not older than half an hour; at most four."""
        if not self._last:
            return []
        found = []
        for name in (service, *upstream):
            last = self._last.get(name)
            if last is not None and -SLACK <= at - last[0] <= RECENT:
                found.append(last[1])
                if len(found) == 4:
                    break
        return found


class _Trouble:
    """What is looked up once for all changes: how much is wrong with what, since when, and where."""

    def __init__(self, group: Group, topology: Topology) -> None:
        self.group, self.topology = group, topology
        self.failing = {name: tally for name, tally in group.services.items() if not familiar(tally, group)}
        self.strength = {name: strength(tally) for name, tally in self.failing.items()}
        self.total = sum(self.strength.values()) + sum(strength(tally) for tally in group.others.values())
        self.known = any(name in topology for name in group.services)
        self.hosts = [host for tallies in (group.services, group.others) for t in tallies.values() for host in t.hosts]
        self.below: dict[str, list[tuple[int, str]]] = {}  # what fails and depends on a service, by hops; itself too
        for name in self.failing:
            self.below.setdefault(name, []).append((0, name))
            for other, hops in topology.upstream(name).items():
                self.below.setdefault(other, []).append((hops, name))
        self.most = {name: self._place(found) for name, found in self.below.items()}

    def _place(self, found: Sequence[tuple[int, str]]) -> float:
        """0..1: how near what fails is, and how much of all trouble it is."""
        part = sum(self.strength[name] * FADES**hops for hops, name in found)
        share = min(1.0, part / self.total) if self.total else 1.0
        return PLACES.get(min(found)[0], FAR) * (LEAST + (1.0 - LEAST) * share)

    def at_most(self, change: Change) -> float:
        """A score that a change cannot exceed, told without looking at when what it may have caused began."""
        place = self.most.get(change.service, 0.3 * LEAST) * (CONTRAST if change.hosts else 1.0)
        return _score(change, self.group.opened_at - change.at, place) + ROUNDED

    def follows(self, change: Change) -> Effect | None:
        """What fails on the change's service and on what depends on it, and began after the change; None for nothing."""
        since = change.at - SLACK
        found = [one for one in self.below.get(change.service, ()) if self.failing[one[1]].first_seen >= since]
        if not found:
            return None
        first, name = min((self.failing[name].first_seen, name) for _, name in found)
        return Effect(min(found)[0], len(found), self._place(found), first, name)


class Effect(NamedTuple):
    """What may have come of a change: the nearest in hops, how many services, how near and how much, and the first."""

    hops: int
    services: int
    place: float
    first: float
    name: str


def suspects(
    group: Group,
    topology: Topology,
    changes: Iterable[Change],
    *,
    limit: int = 5,
    ruled_out: Collection[str] = (),
) -> tuple[Suspect, ...]:
    """The likeliest first. Equal scores are ordered by time (latest first), then by id.

    Changes that people ruled out, by id or by their service, come last, and say so.
    """
    # Alerts may belong here that began before the change: what counts is what began after it.
    since, until = group.opened_at - LOOK_BACK, group.grown_at + SLACK
    near = [change for change in changes if since <= change.at <= until and _here(change, group)]
    if not near:
        return ()
    trouble = _Trouble(group, topology)
    if not ruled_out:
        return _likeliest(near, trouble, limit)
    out = [change for change in near if change.id in ruled_out or change.service in ruled_out]
    found = _likeliest([change for change in near if change not in out], trouble, limit)
    last = _likeliest(out, trouble, limit - len(found))
    return (
        *found,
        *(replace(one, score=round(one.score * RULED_OUT, 3), reasons=("ruled out", *one.reasons)) for one in last),
    )


def _likeliest(near: Sequence[Change], trouble: _Trouble, limit: int) -> tuple[Suspect, ...]:
    if limit <= 0:
        return ()
    at_most = sorted(((-trouble.at_most(change), change.id, change) for change in near), key=lambda one: one[:2])
    found: list[Suspect] = []
    for best, _, change in at_most:
        if len(found) >= limit and -best < found[limit - 1].score:
            break  # none of the others can be among the first
        judged = _judge(change, trouble)
        if judged is not None:
            insort(found, judged, key=lambda suspect: (-suspect.score, suspect.before, suspect.change))
    return tuple(found[:limit])


def _here(change: Change, group: Group) -> bool:
    return not change.environment or not group.environments or change.environment in group.environments


def _judge(change: Change, trouble: _Trouble) -> Suspect | None:
    group = trouble.group
    effect = trouble.follows(change) if change.service else None
    onset = group.opened_at if effect is None else effect.first
    before = onset - change.at
    if before < -SLACK:
        return None
    service = clean(change.service, 40)
    onset_words = (
        "the first alert" if onset == group.opened_at or effect is None else f"{clean(effect.name, 40)} failed"
    )
    when = f"{span(before)} {'before' if before >= 0 else 'after'} {onset_words}"
    reasons = [f"{VERBS[change.kind]} {service}".rstrip() + f" {when}"]
    if effect is not None:
        place = effect.place
        reasons.append("its service fails" if effect.hops == 0 else f"{plural(effect.hops, 'hop')} upstream")
        if effect.services > 1:
            reasons.append(f"{effect.services} of {len(trouble.failing)} failing services are on it or depend on it")
    elif not change.service:
        place = 0.3 * LEAST
        reasons.append("its service is not known")
    elif change.service in trouble.below or (change.service in trouble.topology and trouble.known):
        return None  # all that depends on it began to fail before, or nothing that depends on it fails
    else:
        place = 0.2 * LEAST
        reasons.append("not in the service graph")
    if change.status in TROUBLED:
        reasons.append("it failed" if change.status == "failed" else "it was rolled back")
    score = _score(change, before, place * _contrast(change, trouble, reasons))
    return Suspect(
        change=change.id, score=round(score, 3), reasons=tuple(reasons), service=change.service, before=before
    )


def _score(change: Change, before: float, place: float) -> float:
    closeness = 1.0 / (1.0 + max(0.0, before) / NEAR)
    return min(1.0, (EVER + (1.0 - EVER) * closeness) * place * TROUBLED.get(change.status, 1.0) / MOST)


def _contrast(change: Change, trouble: _Trouble, reasons: list[str]) -> float:
    """Whether it fails on the instances that the change touched and not on their siblings."""
    if not change.hosts:
        return 1.0
    touched = {host for host in trouble.hosts if host in change.hosts}
    tally = trouble.group.services.get(change.service)
    siblings = [host for host in tally.hosts if host not in change.hosts] if tally is not None else []
    if touched and not siblings:
        reasons.append(f"it fails on {len(touched)} of the {len(change.hosts)} instances it touched and on no other")
        return CONTRAST
    if siblings and not touched:
        reasons.append(f"it fails on {plural(len(siblings), 'instance')} that it did not touch")
        return 1.0 / CONTRAST
    return 1.0
