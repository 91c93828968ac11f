"""What is kept of a replay while it goes on: counts by group, never by alert, so that a stream may be of any length.

The decisions in their final state wait in a file without a name until the end is known.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import msgspec

from correlation.alert import Alert
from correlation.decision import Decision, Kind
from correlation.engine import Engine
from correlation.evaluation import Calls

__all__ = ["KINDS", "Run", "Spool", "Times"]

KINDS: tuple[Kind, ...] = ("opened", "joined", "repeat", "noise", "resolved")

_BY_NAME = {kind.encode(): kind for kind in KINDS}
_encode = msgspec.json.Encoder().encode


class Times:
    """Durations in nanoseconds, to within 1 % (buckets as HdrHistogram has them); the largest exactly.

    >>> times = Times()
    >>> for n in range(1, 101): times.add(n * 1000)
    >>> round(times.share(0.5) / 1000), times.most
    (51, 100000)
    """

    __slots__ = ("_buckets", "count", "most", "total")

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self.count = self.total = self.most = 0

    def add(self, duration: int) -> None:
        shift = max(0, duration.bit_length() - 7)
        bucket = (shift << 7) + (duration >> shift)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self.count += 1
        self.total += duration
        self.most = max(self.most, duration)

    def share(self, part: float) -> float:
        """The duration that a part 0..1 of all stays within."""
        wanted = min(self.count - 1, int(self.count * part))
        for bucket in sorted(self._buckets):
            wanted -= self._buckets[bucket]
            if wanted < 0:
                shift = bucket >> 7
                return min(float(self.most), (((bucket & 127) + 0.5) * 2**shift) if shift else float(bucket))
        return 0.0


class Spool:
    """Decisions, one by one in order, until what became of their groups is known."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @classmethod
    @contextmanager
    def beside(cls, path: Path) -> Iterator[Spool]:
        """In the folder of the output, where there is room for it; a temporary folder may live in memory."""
        regular = path.is_file() or not path.exists()
        with tempfile.TemporaryFile(dir=path.resolve().parent if regular else None) as file:
            yield cls(file)

    def add(self, number: int, decision: Decision) -> None:
        said = {"reason": decision.reason, "evidence": {item.term: item.score for item in decision.evidence}}
        self._file.write(b"%d %s %s\n" % (number, decision.kind.encode(), _encode(said)))

    def write(self, sink: IO[bytes], roots: Mapping[int, int], calls: Calls) -> None:
        """All of them in their final state."""
        self._file.seek(0)
        for row, line in enumerate(self._file):
            number, kind, said = line.split(b" ", 2)
            group = roots[int(number)]
            final = calls.final(row, _BY_NAME[kind], group)
            name = b'"G%d"' % group if group else b"null"
            sink.write(b'{"n":%d,"group":%s,"decision":"%s",%s' % (row + 1, name, final.encode(), said[1:]))


@dataclass(slots=True)
class Run:
    """One engine's way through the stream."""

    engine: Engine
    complete: Callable[[Alert], Alert] | None
    calls: Calls = field(default_factory=Calls)
    times: Times = field(default_factory=Times)
    decided: Counter[tuple[int, Kind]] = field(default_factory=Counter)

    def feed(self, alert: Alert) -> tuple[int, Decision]:
        """The group's number (0: none) and the decision, as they are now."""
        batch = (self.complete(alert) if self.complete else alert,)
        began = time.perf_counter_ns()
        decision = self.engine.ingest(batch)[0]
        self.times.add(time.perf_counter_ns() - began)
        number = self.calls.add(decision)
        self.decided[number, decision.kind] += 1
        return number, decision

    def kinds(self, roots: Mapping[int, int]) -> Counter[Kind]:
        """How many decisions of each kind there were, in their final state."""
        kinds: Counter[Kind] = Counter()
        decided = self.decided - Counter(self.calls.rows.values())
        for (number, kind), count in decided.items():
            kinds[self.calls.final(-1, kind, roots[number])] += count
        kinds["opened"] = len(self.calls.rows)
        return kinds
