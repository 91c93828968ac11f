"""The beat of monitors: one that looks every 30 s looks at the same seconds of them, and another one elsewhere at others.

Where neither a location nor the sender's own key tells apart two alerts that are the same word for word, their beat does. How
often a source looks is learned from how long conditions last; that it is several monitors, from fingerprints that begin on several
beats and fired on two of them at once. Which alert joins which group is not decided here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from math import atan2, cos, hypot, pi, sin

import msgspec

from correlation.dedup import Beat, Episode, Key

__all__ = ["IN_STEP", "Beats", "Marks", "Pulse", "Rhythm"]

INTERVALS = (300.0, 60.0, 30.0, 15.0, 10.0)  # seconds between two looks that are common, the longest first
EVEN = 1.0 / 30.0  # of an interval: what lasted a multiple of it give or take that
SURE = 0.9  # share of conditions that must have lasted multiples
ENOUGH = 8  # conditions that ended after which one knows
TOLERANCE, STEADY = 2.0, 1.0 / 60.0  # seconds, or of an interval if that is more: reports on one beat differ by less
KNOWN = 3  # fingerprints that began again, of which at least ...
SEVERAL = 0.1  # ... this share on another beat than before: several monitors
IN_STEP = 0.14  # of an interval: what is told nearer to each other than that is rather of one monitor than of two
MAX_BEATS = 8  # of one fingerprint
MAX_SOURCES = 1024
MARK = "\x00"  # an element more than pairs of labels give: no label can look like it


class Pulse(msgspec.Struct, gc=False):
    """What is known of a source. Counts."""

    ended: int = 0  # conditions that lasted and are over
    even: list[int] = msgspec.field(default_factory=lambda: [0] * len(INTERVALS))  # of them, that fit each interval
    again: int = 0  # fingerprints that began more than once
    moved: int = 0  # those of them that began on several beats
    twice: bool = False  # one fired on two beats at the same time
    interval: float = 0.0  # seconds between two looks; 0 where that is not known
    several: bool = False  # more than one monitor, each on its beat

    def learned(self) -> None:
        """What the counts say now."""
        fits = [one for one, even in zip(INTERVALS, self.even, strict=True) if even >= SURE * self.ended]
        self.interval = fits[0] if fits and self.ended >= ENOUGH else 0.0
        self.several = self.twice and self.again >= KNOWN and self.moved >= SEVERAL * self.again and self.interval > 0.0


class Marks(msgspec.Struct, gc=False):
    """The beats of one fingerprint, each by a moment that was on it; how often it began."""

    moments: list[float]
    onsets: int = 1


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

    def same(self, source: str, one: float, other: float) -> bool:
        """Whether two moments are on one beat of a source."""
        return not _off(one, other, self.pulses[source].interval)

    def keys(self, source: str, key: Key, at: float) -> list[Key]:
        """What the fingerprint is called on each of its beats; the one that a report of that moment is on comes first."""
        marks = self.marks.get(key)
        if marks is None:
            return [key]
        which = _which(marks, at, self.pulses[source].interval)
        count = len(marks.moments)
        return [_called(key, n) for n in (which, *(n for n in range(count) if n != which))]

    def began(self, episode: Episode, at: float, *, placed: bool) -> None:
        """A condition begins: how often its monitor looks, and on which beat where several do and nothing tells which it is."""
        pulse = self.pulses.get(episode.source)
        if pulse is None or not pulse.interval:
            return
        if placed:
            episode.interval = pulse.interval
            return
        key = episode.key[:-1] if episode.key[-1].startswith(MARK) else episode.key
        marks = self.marks.get(key)
        if marks is None:
            marks = self.marks[key] = Marks([at])
            if len(self.marks) > self.capacity:
                self.marks.popitem(last=False)
            which = 0
        else:
            self.marks.move_to_end(key)
            which = _which(marks, at, pulse.interval)
            pulse.again += marks.onsets == 1
            marks.onsets += 1
            if which == len(marks.moments):
                pulse.moved += which == 1
                marks.moments.append(at)
            pulse.learned()
        if pulse.several:
            episode.interval = pulse.interval
            episode.beat = Beat(pulse.interval, at % pulse.interval, which)

    def again(self, episode: Episode, at: float) -> None:
        """It is told to fire, while it fires."""
        pulse = self.pulses.get(episode.source)
        if pulse is not None and pulse.interval and not pulse.twice and _off(episode.since, at, pulse.interval):
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
            pulse.even[n] += _apart(lasted, 0.0, interval) <= EVEN * interval
        pulse.learned()

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


def _called(key: Key, which: int) -> Key:
    """A fingerprint's key on one of its beats: on the first its own."""
    return (*key, f"{MARK}{which}") if which else key


def _which(marks: Marks, at: float, interval: float) -> int:
    """The number of the beat that a moment is on; that of the next one where it is on none of them."""
    near, which = min([(_apart(at, moment, interval), n) for n, moment in enumerate(marks.moments)])
    return which if near <= _tolerance(interval) or len(marks.moments) >= MAX_BEATS else len(marks.moments)


def _off(one: float, other: float, interval: float) -> bool:
    return _apart(one, other, interval) > _tolerance(interval)


def _tolerance(interval: float) -> float:
    return max(TOLERANCE, STEADY * interval)


def _apart(one: float, other: float, interval: float) -> float:
    """Seconds between two moments on the circle of an interval."""
    off = abs(one - other) % interval
    return min(off, interval - off)
