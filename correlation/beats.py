"""The beat of monitors: one that looks every 30 s looks at the same seconds of them, and another one elsewhere at others.

Where neither a location nor the sender's own key tells apart two alerts that are the same word for word, their beat does. How
often a source looks is learned from how long conditions last; that it is several monitors, from fingerprints that begin on two
beats by turns and fired on both at once. One that is late now and then, drifts, jitters or is started anew is not two. Which
alert joins which group is not decided here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from math import atan2, cos, hypot, pi, sin

import msgspec

from correlation.alert import Alert
from correlation.dedup import Beat, Episode, Key

__all__ = ["IN_STEP", "Beats", "Marks", "Pulse", "Rhythm", "unplaced"]

INTERVALS = (300.0, 60.0, 30.0, 15.0, 10.0)  # seconds between two looks that are common, the longest first
# How far from a multiple of the interval what lasted one may be: of the interval, or seconds if that is less.
EVEN, EXACT = 1.0 / 30.0, 1.0
SURE = 0.9  # share of conditions that must have lasted multiples
ENOUGH = 8  # conditions that ended after which one knows
FADES = 128  # conditions that ended at which half of them is forgotten: a source may be set to look at other intervals
TOLERANCE, STEADY = 2.0, 1.0 / 60.0  # seconds, or of an interval if that is more: reports on one beat differ by less
# Several monitors: so many fingerprints, and such a share of those that began again, begin on two beats ...
KNOWN, SEVERAL = 3, 0.1
BOTH = 0.2  # ... of which the second has such a share of the onsets: it is no delay that happens now and then ...
TURNS, CHANCE = 3, 1.5  # ... and so many turned to it, beyond so many times as many as moments at random would
FAR = 3.0  # tolerances that a second beat is away from the first at least: nearer it may be a delay that is usual
RECENT = 64  # onsets that are counted, of a fingerprint or off the usual beat, at which half of them is forgotten
IN_STEP = 0.14  # of an interval: what is told nearer to each other than that is rather of one monitor than of two
MAX_BEATS = 8  # of one fingerprint; fewer where so many would fill half of a short interval
MAX_SOURCES = 1024
MARK = "\x00"  # an element more than pairs of labels give: no label can look like it


class Pulse(msgspec.Struct, gc=False):
    """What is known of a source. Counts."""

    ended: int = 0  # conditions that lasted and are over
    even: list[int] = msgspec.field(default_factory=lambda: [0] * len(INTERVALS))  # of them, that fit each interval
    away: int = 0  # onsets far off their fingerprint's usual beat
    turns: int = 0  # of them, those that turned to a beat which was known
    chance: float = 0.0  # as many would have, if they were at random
    again: int = 0  # fingerprints that began more than once
    turned: int = 0  # those of them that begin on two beats
    twice: bool = False  # one fired on two beats at the same time
    interval: float = 0.0  # seconds between two looks; 0 where that is not known
    several: bool = False  # more than one monitor, each on its beat
    parted: bool = False  # it was so once: fingerprints are called by their beats here and there

    def learned(self) -> None:
        """What the counts say now."""
        fits = [one for one, even in zip(INTERVALS, self.even, strict=True) if even >= SURE * self.ended]
        self.interval = fits[0] if fits and self.ended >= ENOUGH else 0.0
        enough = (TURNS + CHANCE * self.chance) * (0.5 if self.several else 1.0)
        known = self.turned >= max(KNOWN, SEVERAL * self.again)
        self.several = self.interval > 0.0 and self.twice and known and self.turns >= enough
        self.parted = self.parted or self.several


class Marks(msgspec.Struct, gc=False):
    """The beats of one fingerprint, each by a moment that was on it, and how often it began on each."""

    moments: list[float]
    times: list[int] = msgspec.field(default_factory=lambda: [1])
    last: int = 0  # the beat that it began on last
    again: bool = False  # it began more than once
    turned: bool = False  # it begins on two of them


class Beats:
    """What is known of sources and of fingerprints.

    >>> beats = Beats()
    >>> for n in range(8):
    ...     beats.ended("", 30.0 * n + 60.0)
    >>> beats.pulses[""].interval
    30.0
    """

    __slots__ = ("capacity", "marks", "pulses")

    def __init__(self, capacity: int = 50_000) -> None:
        self.capacity = capacity
        self.pulses: dict[str, Pulse] = {}
        self.marks: OrderedDict[Key, Marks] = OrderedDict()

    def several(self, source: str) -> bool:
        """Whether reports of a source that are the same word for word may be of two places."""
        pulse = self.pulses.get(source)
        return pulse is not None and pulse.several

    def parted(self, source: str) -> bool:
        """Whether fingerprints of a source may be called by their beats: it is several monitors, or was taken for that."""
        pulse = self.pulses.get(source)
        return pulse is not None and pulse.parted

    def same(self, source: str, one: float, other: float) -> bool:
        """Whether two moments may be of one monitor of a source."""
        pulse = self.pulses[source]
        return not pulse.several or not _off(one, other, pulse.interval)

    def keys(self, source: str, key: Key, at: float) -> list[Key]:
        """What the fingerprint is called on each of its beats; the one that a report of that moment is on comes first."""
        marks = self.marks.get(key)
        if marks is None:
            return [key]
        self.marks.move_to_end(key)  # not forgotten before what is called by it
        pulse, count = self.pulses[source], len(marks.moments)
        which = _which(marks, at, pulse.interval) if pulse.several else 0
        return [_called(key, n) for n in (which, *(n for n in range(count) if n != which))]

    def began(self, episode: Episode, at: float, *, placed: bool) -> None:
        """A condition begins: how often its monitor looks, and on which beat where several do and nothing tells which it is."""
        pulse = self.pulses.get(episode.source)
        if pulse is None or not pulse.interval:
            return
        if placed:
            episode.interval = pulse.interval
            return
        key = _plain(episode.key)
        marks = self.marks.get(key)
        if marks is None:
            marks = self.marks[key] = Marks([at])
            if len(self.marks) > self.capacity:
                self.marks.popitem(last=False)
            which = 0
        else:
            self.marks.move_to_end(key)
            which = self._anew(pulse, marks, at)
            pulse.learned()
        if pulse.several:
            episode.interval = pulse.interval
            episode.beat = Beat(pulse.interval, at % pulse.interval, which)

    @staticmethod
    def _anew(pulse: Pulse, marks: Marks, at: float) -> int:
        """A fingerprint begins once more; on which beat. What that says of its source is counted."""
        interval, times = pulse.interval, marks.times
        which, near = _nearest(marks.moments, at, interval)
        known = near <= _tolerance(interval)
        usual = times.index(max(times))
        far = _apart(at, marks.moments[usual], interval) > FAR * _tolerance(interval)
        if far and not (known and which == marks.last):
            pulse.away += 1
            pulse.chance += 2.0 * (len(times) - 1) * _tolerance(interval) / interval
            pulse.turns += known
        if known:
            times[which] += 1
        elif len(times) < _most(interval):
            which = len(times)
            marks.moments.append(at)
            times.append(1)
        marks.last = which
        usual = times.index(max(times))
        second = max([count for n, count in enumerate(times) if n != usual], default=0)
        pulse.again += not marks.again
        pulse.turned -= marks.turned
        marks.again, marks.turned = True, second >= max(2.0, BOTH * sum(times))
        pulse.turned += marks.turned
        if sum(times) >= RECENT:
            marks.times = [count // 2 for count in times]
        if pulse.away >= RECENT:
            pulse.away, pulse.turns, pulse.chance = pulse.away // 2, pulse.turns // 2, pulse.chance / 2.0
        return which

    def again(self, episode: Episode, at: float) -> None:
        """It is told to fire, while it fires. What drifts is off in the end, but never far from when it was told last."""
        pulse = self.pulses.get(episode.source)
        if pulse is None or not pulse.interval or pulse.twice:
            return
        if _off(episode.since, at, pulse.interval) and _off(episode.last_seen, at, pulse.interval):
            pulse.twice = True
            pulse.learned()

    def ended(self, source: str, lasted: float) -> None:
        """A condition is over after so many seconds."""
        if lasted <= 0.0:
            return
        pulse = self.pulses.get(source)
        if pulse is None:
            if len(self.pulses) >= MAX_SOURCES:
                del self.pulses[next(iter(self.pulses))]
            pulse = self.pulses[source] = Pulse()
        pulse.ended += 1
        for n, interval in enumerate(INTERVALS):
            pulse.even[n] += _apart(lasted, 0.0, interval) <= min(EXACT, EVEN * interval)
        pulse.learned()
        if pulse.ended >= FADES:
            pulse.ended //= 2
            pulse.even = [count // 2 for count in pulse.even]

    def load(self, pulses: Iterable[tuple[str, Pulse]], marks: Iterable[tuple[Key, Marks]]) -> None:
        """What a snapshot kept."""
        self.pulses.update(pulses)
        self.marks.update(marks)


class Rhythm(msgspec.Struct, gc=False):
    """The beats of many as one: hands of a clock that turns once an interval, added up.

    >>> rhythm = Rhythm()
    >>> rhythm.add(30.0, Beat(30.0, 29.0))
    >>> rhythm.add(30.0, Beat(30.0, 3.0))
    >>> round(30.0 * rhythm.off(Beat(30.0, 4.0)), 6), rhythm.off(Beat(60.0, 4.0)) is None
    (3.0, True)
    """

    looks: float = 0.0  # seconds between two looks of a member's monitor, the most; 0 where that is not known
    interval: float = 0.0  # the same of those with a beat
    x: float = 0.0
    y: float = 0.0

    def add(self, looks: float, beat: Beat | None) -> None:
        """One more. Where the source is found to look at other intervals than before, those count."""
        self.looks = max(self.looks, looks)
        if beat is None:
            return
        if self.interval != beat.interval:
            self.interval, self.x, self.y = beat.interval, 0.0, 0.0
        angle = 2.0 * pi * beat.phase / beat.interval
        self.x += cos(angle)
        self.y += sin(angle)

    def unite(self, other: Rhythm) -> None:
        """All of another's."""
        self.looks = max(self.looks, other.looks)
        if not self.interval:
            self.interval = other.interval
        if other.interval == self.interval:
            self.x += other.x
            self.y += other.y

    @property
    def phase(self) -> float:
        """Seconds into the interval, -interval / 2 to interval / 2: the mean."""
        return atan2(self.y, self.x) / (2.0 * pi) * self.interval

    @property
    def sure(self) -> float:
        """0 to 4: of how many beats the mean is, as far as that makes it surer; those that contradict each other say nothing."""
        return min(4.0, hypot(self.x, self.y))

    def off(self, other: Beat | Rhythm) -> float | None:
        """How far away another is, as a share of the interval, 0 to 0.5; None where the two cannot be compared."""
        if not self.interval or self.interval != other.interval:
            return None
        return _apart(self.phase, other.phase, self.interval) / self.interval


def unplaced(alert: Alert) -> bool:
    """Whether nothing says which of two places it is from, nor that one and the same is meant."""
    return not alert.location and not alert.dedup_key


def _called(key: Key, which: int) -> Key:
    """A fingerprint's key on one of its beats: on the first its own."""
    return (*key, f"{MARK}{which}") if which else key


def _plain(key: Key) -> Key:
    """A fingerprint's key without its beat: labels come in pairs, after five other values (dedup.py)."""
    return key if len(key) % 2 else key[:-1]


def _nearest(moments: list[float], at: float, interval: float) -> tuple[int, float]:
    """The number of the beat that a moment is nearest to, and how many seconds away it is."""
    near, which = min([(_apart(at, moment, interval), n) for n, moment in enumerate(moments)])
    return which, near


def _which(marks: Marks, at: float, interval: float) -> int:
    """The number of the beat that a moment is on; that of the next one where it is on none of them and there may be more."""
    which, near = _nearest(marks.moments, at, interval)
    known = near <= _tolerance(interval) or len(marks.moments) >= _most(interval)
    return which if known else len(marks.moments)


def _most(interval: float) -> int:
    """How many beats are told apart: those that chance finds must be fewer than those that it misses."""
    return max(2, min(MAX_BEATS, int(interval / (4.0 * _tolerance(interval)))))


def _off(one: float, other: float, interval: float) -> bool:
    return _apart(one, other, interval) > _tolerance(interval)


def _tolerance(interval: float) -> float:
    return max(TOLERANCE, STEADY * interval)


def _apart(one: float, other: float, interval: float) -> float:
    """Seconds between two moments on the circle of an interval."""
    off = abs(one - other) % interval
    return min(off, interval - off)
