"""`muster replay`: what the engine makes of a recorded stream, as fast as it can; no chat, no database, no clock but the stream's.

Reading the command line is the CLI's business; how an alert is decoded is the generic source's.
"""

from __future__ import annotations

import gzip
import lzma
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO, cast

import msgspec

from bot.catalog.catalog import Catalog
from bot.catalog.cookbook import cookbook, topology
from bot.errors import ConfigError, MalformedPayload, Problem
from bot.intake.sources.generic import read_line
from correlation.alert import Alert
from correlation.cookbook import DEFAULT_COOKBOOK, Cookbook
from correlation.engine import Engine
from correlation.evaluation import Outcome
from correlation.topology import EMPTY, Topology

__all__ = ["Rules", "replay", "rules"]

BAR = 30  # characters
EVERY = 2_000  # alerts between two looks at the progress bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a catalogue means to the engine: recipes, service graph, and how an alert finds its service."""

    cookbook: Cookbook = DEFAULT_COOKBOOK
    topology: Topology = EMPTY
    complete: Callable[[Alert], Alert] | None = None


def rules(catalog: Catalog) -> Rules:
    """What a catalogue means to the engine."""
    return Rules(cookbook=cookbook(catalog), topology=topology(catalog), complete=catalog.complete)


@dataclass(slots=True)
class _Run:
    """One engine's way through the stream."""

    engine: Engine
    complete: Callable[[Alert], Alert] | None
    outcome: Outcome
    nanoseconds: array[int]


def replay(
    files: Sequence[Path],
    *,
    catalog: Rules | None = None,
    compare: Rules | None = None,
    output: Path | None = None,
    out: TextIO,
    err: TextIO | None = None,
) -> int:
    """Replay `files` in the order given and print the figures to `out`; the progress bar goes to `err` if it is a terminal.

    `output` receives one line per input line, in order, with the final state. `compare` tells what other rules would have
    done. Returns the exit code. ConfigError for a line that is no alert, with file and line, or a file that cannot be read.
    """
    with ExitStack() as stack:
        sink = _create(stack, output) if output else None
        runs = [_start(one) for one in (catalog or Rules(), compare) if one is not None]
        began = time.perf_counter()
        last_at = 0.0
        progress = _Progress(files, err)
        for line in _lines(files, progress):
            alert = _read(line, last_at)
            last_at = alert.at
            for run in runs:
                _feed(run, alert)
        seconds = time.perf_counter() - began
        progress.done()
        first = runs[0]
        if not len(first.outcome):
            out.write("No alerts in the input.\n")
            return 1
        groups = first.outcome.groups(first.engine)
        if sink is not None:
            _write(sink, first.outcome, groups)
        _report(first, groups, seconds, out)
        if compare is not None:
            _compare(first, groups, runs[1], out)
    return 0


# --- reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Line:
    path: Path
    number: int
    text: bytes


def _lines(files: Sequence[Path], progress: _Progress) -> Iterator[_Line]:
    for path in files:
        number = 0
        try:
            with path.open("rb") as raw, _unpacked(path, raw) as lines:
                for number, text in enumerate(lines, 1):
                    if text.strip():
                        yield _Line(path, number, text)
                    progress.at(raw)
        except (OSError, EOFError, lzma.LZMAError) as error:
            raise ConfigError(
                [Problem(f"cannot be read: {getattr(error, 'strerror', None) or error}", file=str(path), line=number)]
            ) from error
        progress.passed(path)


def _unpacked(path: Path, raw: IO[bytes]) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if path.suffix == ".xz":
        return cast("IO[bytes]", lzma.LZMAFile(raw))
    return raw


def _read(line: _Line, fallback_at: float) -> Alert:
    try:
        return read_line(line.text, fallback_at)
    except MalformedPayload as error:
        where = {"file": str(line.path), "path": error.path}
        raise ConfigError([Problem(str(error), line=line.number, **where)]) from error


def _create(stack: ExitStack, path: Path) -> IO[bytes]:
    try:
        return stack.enter_context(path.open("wb"))
    except OSError as error:
        raise ConfigError([Problem(f"cannot be written: {error}", file=str(path))]) from error


# --- feeding ----------------------------------------------------------------------------------------------------------


def _start(rules: Rules) -> _Run:
    return _Run(Engine(rules.cookbook, rules.topology), rules.complete, Outcome(), array("q"))


def _feed(run: _Run, alert: Alert) -> None:
    batch = (run.complete(alert) if run.complete else alert,)
    started = time.perf_counter_ns()
    decision = run.engine.ingest(batch)[0]
    run.nanoseconds.append(time.perf_counter_ns() - started)
    run.outcome.add(decision)


# --- telling ----------------------------------------------------------------------------------------------------------


def _write(sink: IO[bytes], outcome: Outcome, groups: Sequence[int]) -> None:
    encode = msgspec.json.Encoder().encode
    for row, group in enumerate(groups):
        line = {
            "n": row + 1,
            "group": f"G{group}" if group else None,
            "decision": outcome.final(row, group),
            "reason": outcome.reasons[row],
            "evidence": {item.term: item.score for item in outcome.evidence.get(row, ())},
        }
        sink.write(encode(line) + b"\n")


def _report(run: _Run, groups: Sequence[int], seconds: float, out: TextIO) -> None:
    outcome = run.outcome
    count, opened = len(groups), outcome.opened
    kinds: Counter[str] = Counter(outcome.final(row, group) for row, group in enumerate(groups))
    times = sorted(run.nanoseconds)
    p50, p99, most = (times[min(count - 1, int(count * share))] / 1000 for share in (0.5, 0.99, 1.0))
    engine_rate = count / max(sum(times) / 1e9, 1e-9)
    out.write(
        f"alerts       {count:>12,}   {', '.join(f'{kinds[kind]:,} {kind}' for kind in _KINDS)}\n"
        f"groups       {opened:>12,}   opened\n"
        f"compression  {100 * (1 - opened / count):>11.2f}%   1 group per {count / max(1, opened):,.0f} alerts\n"
        f"rate         {count / max(seconds, 1e-9):>12,.0f}   alerts/s with reading; {engine_rate:,.0f} in the engine\n"
        f"per alert    {p50:>9.1f} us   p50; {p99:.1f} us p99; {most:,.1f} us max\n"
        f"memory       {_peak() / 2**20:>9,.0f} MB   peak of the process\n"
    )


_KINDS = ("opened", "joined", "repeat", "noise", "resolved")


def _compare(ours: _Run, groups: Sequence[int], theirs: _Run, out: TextIO) -> None:
    """What the other rules would have opened, merged into one, and lost."""
    others = theirs.outcome.groups(theirs.engine)
    cover: dict[int, Counter[int]] = {}
    back: dict[int, Counter[int]] = {}
    for index, (mine, other) in enumerate(zip(groups, others, strict=True)):
        if ours.outcome.kinds[index] == "resolved":
            continue
        if mine:
            cover.setdefault(mine, Counter())[other] += 1
        if other:
            back.setdefault(other, Counter())[mine] += 1
    lost = [group for group, found in cover.items() if found.keys() == {0}]
    merged = {other: sorted(g for g in found if g) for other, found in back.items() if len([g for g in found if g]) > 1}
    fresh = [other for other, found in back.items() if found.keys() == {0}]
    out.write(
        f"\ncompared with the other catalogue\n"
        f"opened       {len(back):>12,}   ({len(back) - len(cover):+,})\n"
        f"merged       {sum(map(len, merged.values())):>12,}   of these groups into {len(merged):,}\n"
        f"lost         {len(lost):>12,}   that it would not have opened\n"
        f"new          {len(fresh):>12,}   that these rules did not open\n"
    )
    for label, shown in (
        ("merged", [f"{', '.join(f'G{g}' for g in gs[:6])} -> its G{other}" for other, gs in sorted(merged.items())]),
        ("lost", [_title(ours, group) for group in sorted(lost)]),
        ("new", [_title(theirs, group) for group in sorted(fresh)]),
    ):
        out.writelines(f"  {label}: {text}\n" for text in shown[:10])
        if len(shown) > 10:
            out.write(f"  {label}: {len(shown) - 10:,} more\n")


def _title(run: _Run, group: int) -> str:
    view = run.engine.group(f"G{group}")
    return f"G{group} {view.title} ({view.size} alerts)" if view else f"G{group}"


def _peak() -> int:
    """Bytes; 0 where the platform does not tell."""
    try:
        import resource  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class _Progress:
    """A bar on a terminal, by bytes read; nothing elsewhere."""

    def __init__(self, files: Sequence[Path], err: TextIO | None) -> None:
        self._err = err if err is not None and err.isatty() else None
        self._total = sum(path.stat().st_size for path in files if path.is_file()) or 1
        self._before = 0
        self._seen = 0

    def at(self, raw: IO[bytes]) -> None:
        self._seen += 1
        if self._err is not None and self._seen % EVERY == 0:
            self._draw(self._before + raw.tell())

    def passed(self, path: Path) -> None:
        self._before += path.stat().st_size

    def done(self) -> None:
        if self._err is not None:
            self._err.write("\r\x1b[K")
            self._err.flush()

    def _draw(self, read: int) -> None:
        assert self._err is not None  # noqa: S101 - the caller looked
        share = min(1.0, read / self._total)
        filled = round(BAR * share)
        self._err.write(f"\r[{'#' * filled}{'.' * (BAR - filled)}] {100 * share:3.0f} %  {self._seen:,} alerts")
        self._err.flush()
