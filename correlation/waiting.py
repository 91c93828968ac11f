"""Members that do not call people by themselves, and when to look whether they have fired for long: time calls people here.

Each member waits for itself, so that a large group that calls nobody costs no more per alert than a small one.

>>> from correlation import Alert, Engine, Status
>>> def slow(at, status=Status.FIRING): return Alert(at=at, name="Slow", service="checkout", status=status)
>>> engine = Engine()
>>> for at in (0.0, 9_000.0, 20_000.0, 40_000.0):  # it is known to clear by itself
...     _ = engine.ingest([slow(at), slow(at + 600.0, Status.RESOLVED)])
>>> engine.ingest([slow(60_000.0)])[0].deserves, engine.waits_until, engine.advance(61_799.0), engine.advance(61_800.0)
(False, 60300.0, (), ('G5',))
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from correlation.dedup import FOREVER, Dedup, Episode
from correlation.groups import Group
from correlation.records import FLOOR
from correlation.registry import Registry
from correlation.tuning import Tuning

__all__ = ["Waiting", "lasts_after"]

SPARE = 64  # entries that count for nothing which are borne


class Waiting:
    """A heap of (moment, episode). An episode has one entry that counts, and says when; those it overtook are passed over."""

    __slots__ = ("_dedup", "_heap", "_registry", "_tuning")

    def __init__(self, tuning: Tuning, dedup: Dedup, registry: Registry) -> None:
        self._tuning, self._dedup, self._registry = tuning, dedup, registry
        self._heap: list[tuple[float, int]] = []

    @property
    def until(self) -> float | None:
        """When there may be something to see; None where nobody waits."""
        return self._heap[0][0] if self._heap else None

    def add(self, episode: Episode, group: Group, at: float) -> None:
        """A member of a group fires from now on, or says more. If people are not called for it yet, look when it has lasted."""
        if _waits(episode, group):
            self._look(episode, at + self._tuning.confirmed)

    def persisted(self, at: float) -> list[Group]:
        """The groups that came to deserve people, because a member has fired for long and its source would have told the end."""
        found: list[Group] = []
        while self._heap and self._heap[0][0] <= at:
            due, number = heapq.heappop(self._heap)
            episode = self._dedup.episode(number)
            if episode is None or due != episode.look_at:
                continue
            episode.look_at = FOREVER
            group = self._registry.still_open(episode.group)
            if group is None or not episode.active or not _waits(episode, group):
                continue
            self._look(episode, self._persists(group, episode, at))
            if group.deserved:
                found.append(group)
        return found

    def dump(self) -> list[tuple[float, int]]:
        """The entries, those that count for nothing included."""
        return list(self._heap)

    def load(self, entries: Iterable[tuple[float, int]]) -> None:
        """What `dump` gave."""
        self._heap = list(entries)

    def _look(self, episode: Episode, due: float) -> None:
        """Look at it again at that moment, or before."""
        if due >= episode.look_at:
            return
        episode.look_at = due
        heapq.heappush(self._heap, (due, episode.id))
        if len(self._heap) > SPARE + 2 * len(self._dedup):
            known = self._dedup.episode
            self._heap = [one for one in self._heap if (waits := known(one[1])) is not None and waits.look_at == one[0]]
            heapq.heapify(self._heap)

    def _persists(self, group: Group, episode: Episode, at: float) -> float:
        """A member that fires on speaks for calling people, however familiar it is; the moment when it next says more.

        After minutes it is not fleeting, but says no more than one more of its like may; after long it is a condition that
        nobody ends. How long that is depends on what became of such alerts (records.py).
        """
        confirmed = episode.since + self._tuning.confirmed
        lasts = episode.since + lasts_after(episode, self._tuning)
        now = min(group.most(episode), episode.full * min(1.0, max(FLOOR, episode.odds)))
        says = 1.0 if at >= lasts else now if at >= confirmed else 0.0
        if says > episode.opening:
            group.says_more(episode, says, at)
        if at >= lasts:
            group.lasts(at)
        return FOREVER if at >= lasts else lasts if at >= confirmed else confirmed


def lasts_after(episode: Episode, tuning: Tuning) -> float:
    """Seconds for which a member has to fire before people are called for it alone."""
    return tuning.confirmed if episode.rank == 0 else tuning.persists * episode.doubt


def _waits(episode: Episode, group: Group) -> bool:
    """Whether a member that fires on may call people in time: its end would be told, it says something, and not enough yet."""
    return episode.lasting and 0.0 < episode.opening < 1.0 and not group.deserved
