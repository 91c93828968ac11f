"""`muster replay`: what the engine makes of a recorded stream, as fast as it can, with no clock but the stream's.

Reading the command line is the CLI's business.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from bot.catalog.catalog import Catalog
from bot.catalog.cookbook import cookbook, topology
from bot.errors import ConfigError, Problem
from bot.replay.progress import Progress
from bot.replay.reading import alerts
from bot.replay.report import Comparison, report
from bot.replay.sketch import Rows, Sketch
from bot.replay.tally import Order, Run, Spool
from bot.replay.writing import created, printing
from correlation.alert import Alert, Status
from correlation.cookbook import DEFAULT_COOKBOOK, Cookbook
from correlation.engine import Engine
from correlation.topology import EMPTY, Topology
from correlation.weights import Weights

__all__ = ["Rules", "replay", "rules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a catalogue means to the engine: recipes, service graph, and how an alert finds its service."""

    cookbook: Cookbook = DEFAULT_COOKBOOK
    topology: Topology = EMPTY
    complete: Callable[[Alert], Alert] | None = None
    weights: Weights | None = None  # None: those that ship

    def engine(self) -> Engine:
        return Engine(self.cookbook, self.topology, weights=self.weights)


def rules(catalog: Catalog, weights: Weights | None = None) -> Rules:
    """What a catalogue means to the engine."""
    return Rules(cookbook=cookbook(catalog), topology=topology(catalog), complete=catalog.complete, weights=weights)


def replay(
    files: Sequence[Path],
    *,
    catalog: Rules | None = None,
    compare: Rules | None = None,
    output: Path | None = None,
    plot: Path | None = None,
    rows: Rows | None = None,
    out: TextIO,
    err: TextIO | None = None,
) -> int:
    """Replay `files` in the order given and print the figures to `out`; the progress bar goes to `err` if it is a terminal.

    `output` receives one line per input line, in order, with the final state. `compare` tells what other rules would have
    done. `plot` becomes a picture, its rows what `rows` says or what tells most. Returns the exit code. ConfigError for a
    line that is no alert, with file and line, or a file that cannot be read or written; then no file is touched.
    """
    _apart(files, (output, plot))
    with ExitStack() as stack:
        sink = stack.enter_context(created(output)) if output else None
        canvas = stack.enter_context(created(plot)) if plot else None
        spool = stack.enter_context(Spool.beside(output)) if output else None
        ours = _start(catalog or Rules())
        theirs = _start(compare) if compare is not None else None
        comparison = Comparison(ours, theirs) if theirs is not None else None
        sketch = Sketch() if plot else None
        order = Order(ours.engine.tuning.late)
        began = time.perf_counter()
        with Progress(files, err) as progress:
            for line, alert in alerts(files, progress):
                order.add(line, alert.at)
                number, decision = ours.feed(alert)
                if spool is not None:
                    spool.add(number, decision)
                if sketch is not None:
                    sketch.add(ours.complete(alert) if ours.complete else alert, number)
                if theirs is not None and comparison is not None:
                    other, _ = theirs.feed(alert)
                    if alert.status is not Status.RESOLVED:
                        comparison.add(number, other)
        seconds = time.perf_counter() - began
        if not ours.calls.count:
            out.write("No alerts in the input.\n")
            return 1
        roots = ours.calls.roots(ours.engine)
        if spool is not None and sink is not None:
            spool.write(sink, roots, ours.calls)
        with printing(out):
            report(ours, roots, seconds, order, out)
            if comparison is not None and theirs is not None:
                comparison.report(roots, theirs.calls.roots(theirs.engine), out)
        if sketch is not None and canvas is not None and plot is not None:
            from bot.replay.drawing import draw  # noqa: PLC0415 - a second for what only a picture needs

            draw(sketch.finish(ours, roots, rows), canvas, plot.suffix[1:].lower())
    return 0


def _start(rules: Rules) -> Run:
    return Run(rules.engine(), rules.complete)


def _apart(files: Sequence[Path], written: Sequence[Path | None]) -> None:
    """Nobody wants a recording overwritten by what was made of it."""
    taken = {path.resolve() for path in files}
    for path in written:
        if path is not None:
            if path.resolve() in taken and path.is_file():
                raise ConfigError(
                    [Problem("is read and written at once: give the output another name", file=str(path))]
                )
            taken.add(path.resolve())
