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

from bot.replay.reading import Line
from correlation.alert import Alert
from correlation.decision import Decision, Kind
from correlation.engine import Engine
from correlation.evaluation import Calls

__all__ = ["KINDS", "Order", "Run", "Spool", "Times"]

KINDS: tuple[Kind, ...] = ("opened", "joined", "repeat", "noise", "resolved")

_BY_NAME = {kind.encode(): kind for kind in KINDS}
_encode = msgspec.json.Encoder().encode
_BEGINS = b'{"reason":"'
_HELD = _BEGINS + b"Held: "


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
            said = _retold(said, _BY_NAME[kind], final)
            sink.write(b'{"n":%d,"group":%s,"decision":"%s",%s' % (row + 1, name, final.encode(), said[1:]))


def _retold(said: bytes, kind: Kind, final: Kind) -> bytes:
    """The reason as it was given, behind what became of it since, where the two would not fit together."""
    held = said.startswith(_HELD)
    if final == "noise" and kind != "noise" and not held:
        later = b"Held: nobody was called for its group. "
    elif final == "opened" and held:
        later = b"Opened: people were called for its group later. "
    elif final == "joined" and held:
        later = b"Joined: people were called for its group later. "
    elif final == "opened" and kind != "opened":
        later = b"Opened: with it, people were called for its group. "
    else:
        return said
    return _BEGINS + later + said[len(_BEGINS) :]


@dataclass(slots=True)
class Order:
    """Whether a stream comes as it happened: how many are older than what came before by more than the engine reckons with."""

    patience: float  # seconds
    late: int = 0
    ahead: Line | None = None  # the line that the first of them lags behind
    _newest: float = float("-inf")
    _line: Line | None = None

    def add(self, line: Line, at: float) -> None:
        if at >= self._newest:
            self._newest, self._line = at, line
        elif at < self._newest - self.patience:
            self.late += 1
            self.ahead = self.ahead or self._line


@dataclass(slots=True)
class Run:
    """One engine's way through the stream."""

    engine: Engine
    complete: Callable[[Alert], Alert] | None
    calls: Calls = field(default_factory=Calls)
    times: Times = field(default_factory=Times)
    decided: Counter[tuple[int, Kind]] = field(default_factory=Counter)
    titles: dict[int, str] = field(default_factory=dict)  # of groups for which people were called, as last seen

    def feed(self, alert: Alert) -> tuple[int, Decision]:
        """The group's number (0: none) and the decision, as they are now."""
        batch = (self.complete(alert) if self.complete else alert,)
        began = time.perf_counter_ns()
        decision = self.engine.ingest(batch)[0]
        self.times.add(time.perf_counter_ns() - began)
        number = self.calls.add(decision)
        self.decided[number, decision.kind] += 1
        if decision.deserves and decision.kind in ("opened", "joined"):
            self._entitle(number)
        for group in decision.called:
            self._entitle(int(group[1:]))
        return number, decision

    def title(self, number: int) -> str | None:
        """What a group is called, also when the engine has forgotten it; None where nobody was called."""
        return self.engine.title(f"G{number}") or self.titles.get(number)

    def _entitle(self, number: int) -> None:
        title = self.engine.title(f"G{number}")
        if title is not None:
            self.titles[number] = title

    def kinds(self, roots: Mapping[int, int]) -> Counter[Kind]:
        """How many decisions of each kind there were, in their final state."""
        kinds: Counter[Kind] = Counter()
        decided = self.decided - Counter(self.calls.rows.values())
        for (number, kind), count in decided.items():
            kinds[self.calls.final(-1, kind, roots[number])] += count
        kinds["opened"] = len(self.calls.rows)
        return kinds
