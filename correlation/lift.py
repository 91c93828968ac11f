"""What usually follows what: learned online, one onset at a time, in bounded and fading memory.

Several things may have come shortly before an onset, and most came by chance. So the onset's credit is shared among
them in proportion to what each has explained so far and to how long ago it was, and with the chance that it came by
itself: one step of expectation-maximisation for a Hawkes process (Veen and Schoenberg 2008), taken as the onsets come.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from math import exp

import msgspec

__all__ = ["WINDOW", "Follower", "Lift", "Onsets", "Recent"]

WINDOW = 300.0  # seconds: what came before that is no cause
TAU = 60.0  # seconds after which an onset's pull on others has faded to 1/e
USUAL = 0.08  # of a kind's onsets after which another follows, and more do not happen by chance
FADES = 128.0  # onsets of a kind at which half of its memory fades
SHY, TRIALS = 0.02, 5.0  # before anything is known: a follower after 2 %, as if seen in five trials
SHY_TIMES = SHY * TRIALS
SETTLES = 3600.0  # seconds that a rate is measured over at least
MAX_KINDS = 4_096
MAX_FOLLOWERS = 32  # of one kind; the weakest goes

Recent = tuple[str, float]  # a kind, and when it began


class Onsets(msgspec.Struct, gc=False):
    """One kind: its onsets, those of them that nothing explains, and what followed how often. All but `since` fade."""

    since: float
    count: float = 0.0
    alone: float = 0.0
    followed: dict[str, float] = msgspec.field(default_factory=dict)
    floor: float = 0.0  # what is less than this does not last among so many followers


class Follower(msgspec.Struct, frozen=True):
    """How often a kind was followed by another: `times` of `of` onsets, faded ones counted in part."""

    times: float
    of: float

    @property
    def share(self) -> float:
        """0..1, and near nothing while little is known."""
        return (self.times + SHY * TRIALS) / (self.of + TRIALS)


class Lift:
    """
    >>> lift = Lift()
    >>> for day in range(9):
    ...     lift.observe("db/errors", day * 9e4, [])
    ...     lift.observe("web/latency", day * 9e4 + 40, [("db/errors", day * 9e4)])
    >>> lift.usual("db/errors", "web/latency"), lift.usual("web/latency", "db/errors")
    (True, False)
    """

    __slots__ = ("_kinds", "capacity")

    def __init__(self, capacity: int = MAX_KINDS) -> None:
        self.capacity = capacity
        self._kinds: OrderedDict[str, Onsets] = OrderedDict()

    def observe(self, kind: str, at: float, recent: Iterable[Recent], *, share: float = 1.0) -> None:
        """One onset, and what began within `WINDOW` before it near by. `share` is how much of all there is is near."""
        onsets = self._of(kind, at)
        chance = share * (onsets.alone + 1.0) / max(at - onsets.since, SETTLES)
        before: list[tuple[Onsets, float, float]] = []
        kinds, total = self._kinds, chance
        for other, began in recent:
            since = at - began
            known = kinds.get(other) if 0.0 <= since <= WINDOW else None
            if known is None or known is onsets:
                continue
            times = known.followed.get(kind, 0.0)
            pull = (times + SHY_TIMES) / (known.count + TRIALS) * exp(-since / TAU) / TAU
            before.append((known, times, pull))
            total += pull
        for known, times, pull in before:
            credit = times + pull / total
            if times or credit >= known.floor:
                known.followed[kind] = credit
                if not times and len(known.followed) > MAX_FOLLOWERS:
                    _oust(known)
        onsets.alone += chance / total
        onsets.count += 1.0
        if onsets.count > FADES:
            _fade(onsets, at)

    def follower(self, kind: str, other: str) -> Follower:
        """How often `other` followed a kind."""
        onsets = self._kinds.get(kind)
        return Follower(0.0, 0.0) if onsets is None else Follower(onsets.followed.get(other, 0.0), onsets.count)

    def usual(self, kind: str, other: str) -> bool:
        """Whether `other` follows a kind more often than chance has it."""
        return self.follower(kind, other).share >= USUAL

    def dump(self) -> list[tuple[str, Onsets]]:
        return list(self._kinds.items())

    def load(self, kinds: Iterable[tuple[str, Onsets]]) -> None:
        """What `dump` gave."""
        self._kinds = OrderedDict(kinds)

    def _of(self, kind: str, at: float) -> Onsets:
        onsets = self._kinds.get(kind)
        if onsets is None:
            onsets = self._kinds[kind] = Onsets(at)
            if len(self._kinds) > self.capacity:
                self._kinds.popitem(last=False)
        else:
            self._kinds.move_to_end(kind)
        return onsets


def _oust(onsets: Onsets) -> None:
    """The weakest follower goes; of equals the first by name."""
    followed = onsets.followed
    onsets.floor = least = min(followed.values())
    del followed[min([kind for kind, times in followed.items() if times == least])]


def _fade(onsets: Onsets, at: float) -> None:
    """Half of what is known of a kind is forgotten; its rate stays what it was."""
    onsets.count *= 0.5
    onsets.alone *= 0.5
    onsets.since = at - 0.5 * (at - onsets.since)
    onsets.followed = {kind: 0.5 * times for kind, times in onsets.followed.items() if times > 0.01}
    onsets.floor = 0.5 * onsets.floor if len(onsets.followed) >= MAX_FOLLOWERS else 0.0
