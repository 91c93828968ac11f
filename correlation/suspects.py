"""Which change is to blame: those that started before the onset, near in time and in the service graph. Simple rules, with reasons.

The ledger is bounded and knows changes only by what an alert could have followed; people and repositories are the bot's.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from math import isfinite

import msgspec

from correlation.alert import Change
from correlation.decision import Suspect
from correlation.groups import Group
from correlation.topology import Topology
from correlation.words import clean, plural, span

__all__ = ["Ledger", "suspects"]

LOOK_BACK = 24 * 3600.0  # seconds before the onset
SLACK = 60.0  # clocks differ: a change this much after the first alert may still have caused it
HALF = 3600.0  # seconds before the onset at which closeness in time is worth half
RECENT = 1800.0  # seconds for which alerts that follow a change are thought to share it
CAPACITY = 5_000
TROUBLED = {"failed": 1.4, "rolled_back": 1.3}
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
        for change in changes:
            if not isfinite(change.at):
                continue
            before = self._by_id.pop(change.id, None)
            at = min(float(change.at), before.at) if before else float(change.at)
            kept = msgspec.structs.replace(change, at=at)
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

    def recent(self, service: str, upstream: Sequence[str], at: float) -> list[str]:
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


def suspects(group: Group, topology: Topology, changes: Iterable[Change], *, limit: int = 5) -> tuple[Suspect, ...]:
    """The likeliest first. Equal scores are ordered by time (latest first), then by id."""
    onset = group.opened_at
    near: dict[str, int] = {}
    for service in group.services:
        near[service] = 0
    for service in group.services:
        for other, hops in topology.upstream(service).items():
            if hops < near.get(other, 99):
                near[other] = hops
    found = []
    for change in changes:
        before = onset - change.at
        if -SLACK <= before <= LOOK_BACK:
            judged = _judge(change, before, near, group, topology)
            if judged is not None:
                found.append(judged)
    found.sort(key=lambda suspect: (-suspect.score, suspect.before, suspect.change))
    return tuple(found[:limit])


def _judge(change: Change, before: float, near: dict[str, int], group: Group, topology: Topology) -> Suspect | None:
    if change.environment and group.environments and change.environment not in group.environments:
        return None
    closeness = float(2.0 ** (-max(0.0, before) / HALF))
    service = clean(change.service, 40)
    when = f"{span(before)} {'before' if before >= 0 else 'after'} the first alert"
    reasons = [f"{VERBS[change.kind]} {service}".rstrip() + f" {when}"]
    hops = near.get(change.service)
    if not change.service:
        place = 0.3
        reasons.append("its service is not known")
    elif hops == 0:
        place = 1.0
        reasons.append("its service fails")
    elif hops is not None:
        place = {1: 0.8, 2: 0.6, 3: 0.4}.get(hops, 0.25)
        reasons.append(f"{plural(hops, 'hop')} upstream")
    elif change.service in topology and any(service in topology for service in group.services):
        return None  # nothing that fails depends on it
    else:
        place = 0.2
        reasons.append("not in the service graph")
    weight = TROUBLED.get(change.status, 1.0)
    if weight > 1.0:
        reasons.append("it failed" if change.status == "failed" else "it was rolled back")
    score = min(1.0, (0.25 + 0.75 * closeness) * place * weight / 1.4)
    return Suspect(
        change=change.id, score=round(score, 3), reasons=tuple(reasons), service=change.service, before=before
    )
