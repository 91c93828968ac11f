"""`muster fit`: weights of evidence learned from what past alerts turned out to be, recorded or in a Muster's own database.

The learning is the library's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

import msgspec

from bot.catalog.catalog import Catalog
from bot.clock import duration
from bot.errors import ConfigError, Problem
from bot.replay.command import Rules
from bot.replay.command import rules as of_catalog
from bot.replay.past import CORRECTIONS, opened
from bot.replay.progress import Progress
from bot.replay.reading import Watcher, alerts, lines
from bot.replay.writing import created
from bot.storage.files import absent_file
from correlation.alert import Alert
from correlation.evaluation import UNJUDGED
from correlation.fitting import Collector, Fit, NotEnough, collect, fit
from correlation.weights import Weights, shipped, write

__all__ = ["fit_database", "fit_weights"]


WORSE = 0.005  # of the AUC


class _Known(msgspec.Struct):
    """A line of truth as JSON: what the API lists of an alert, or what `muster replay --output` wrote."""

    incident: str | None = None
    group: str | None = None


_decode = msgspec.json.Decoder(_Known).decode


def fit_weights(
    files: Sequence[Path],
    *,
    truth: Path | None,
    rules: Rules | None = None,
    output: Path | None = None,
    out: TextIO,
    err: TextIO | None = None,
) -> int:
    """Learn from `files` and `truth`, and write the weights to `output` or, as JSON, to `out`.

    `truth` has a line for each alert: the incident it belonged to, empty for background, "?" for unknown; or JSON with an
    `incident` or a `group`. Without it the alerts carry their own `incident`. ConfigError for what cannot be read, or
    says too little.
    """
    rules = rules or Rules()
    prior = rules.weights or shipped()
    with Progress(files, err) as progress:
        try:
            examples = collect(
                _labelled(files, truth, rules, progress),
                cookbook=rules.cookbook,
                topology=rules.topology,
                weights=prior,
            )
            found = fit(examples, prior=prior, origin={"files": [path.name for path in files]})
        except NotEnough as error:
            raise ConfigError(f"there is too little to learn from: {error}.") from error
    return _written(found, prior, output, out)


async def fit_database(
    database_url: str,
    *,
    catalog: Catalog,
    weights: Weights | None = None,
    output: Path | None = None,
    out: TextIO,
) -> int:
    """Learn from a Muster's own journal and what people made of its groups: who was merged and split, taken and ended.

    Writes as `fit_weights` does. ConfigError where there is no such database, or where it says too little.
    """
    absent = absent_file(database_url)
    if absent is not None:
        raise ConfigError(f"There is no database at {absent}.")
    prior = weights or shipped()
    rules = of_catalog(catalog, weights)
    past = await opened(database_url, catalog)
    try:
        if past.corrections < CORRECTIONS:
            raise ConfigError(
                f"There is too little to learn from: people corrected the grouping here {_times(past.corrections)}, and at "
                f"least {CORRECTIONS} merges and splits (/incident merge, /incident split) are needed. Muster's own groups "
                "would only teach it what it does already."
            )
        collector = Collector(cookbook=rules.cookbook, topology=rules.topology, weights=prior, correcting=True)
        judged = alerts = 0
        first = last = 0.0
        async for told in past.stream():
            collector.observe(told.changes)
            for alert in told.alerts:
                alerts += 1
                first, last = first or alert.at, alert.at
                judged += collector.add(alert, past.label) != UNJUDGED
        try:
            origin = {"corrections": past.corrections, "judged_incidents": len(past.judged), "alerts": judged}
            found = fit(collector.examples, prior=prior, origin=origin)
        except NotEnough as error:
            raise ConfigError(f"There is too little to learn from in the journal: {error}.") from error
    finally:
        await past.close()
    if output is not None:
        out.write(
            f"learned from {past.corrections:,} merges and splits by people, {len(past.judged):,} incidents that they took, "
            f"ended or corrected, and {judged:,} of {alerts:,} alerts of the last {duration(last - first)}\n"
        )
    return _written(found, prior, output, out)


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _written(found: Fit, prior: Weights, output: Path | None, out: TextIO) -> int:
    if output is None:
        out.write(write(found.weights).decode())
        return 0
    with created(output) as sink:
        sink.write(write(found.weights))
    _report(found, prior, out)
    return 0


def _labelled(files: Sequence[Path], truth: Path | None, rules: Rules, watcher: Watcher) -> Iterator[tuple[Alert, str]]:
    labels = _labels(truth) if truth is not None else None
    for line, alert in alerts(files, watcher):
        if labels is None:
            label = _known(line.text, str(line.path), line.number)
        else:
            following = next(labels, None)
            if following is None:
                raise ConfigError([Problem(f"ends before {line.path}:{line.number}", file=str(truth))])
            label = following
        yield (rules.complete(alert) if rules.complete else alert), label
    if labels is not None and next(labels, None) is not None:
        raise ConfigError([Problem("has more lines than there are alerts", file=str(truth))])


def _labels(truth: Path) -> Iterator[str]:
    """Empty lines mean background here, so that every line counts."""
    for line in lines([truth], blank=True):
        text = line.text.strip()
        yield _known(text, str(truth), line.number) if text.startswith(b"{") else text.decode(errors="replace")


def _known(text: bytes, file: str, line: int) -> str:
    try:
        known = _decode(text)
    except msgspec.DecodeError as error:
        raise ConfigError([Problem(f"does not say which incident: {error}", file=file, line=line)]) from error
    return known.incident or known.group or ""


def _report(found: Fit, prior: Weights, out: TextIO) -> None:
    worse = found.checked.auc < found.before.auc - WORSE
    doubt = (
        "These tell pairs apart WORSE than the weights before: keep those, or come back with more.\n" if worse else ""
    )
    out.write(
        f"pairs     {found.pairs:>10,}   of an alert and a group: {found.together:,} belong together\n"
        f"incidents {found.incidents:>10,}\n"
        f"AUC       {found.checked.auc:>10.4f}   cross-validated by incident; {found.before.auc:.4f} before\n"
        f"log loss  {found.checked.log_loss:>10.4f}   cross-validated by incident; {found.before.log_loss:.4f} before\n"
        f"{doubt}\n{'evidence':<14}{'for':>8}{'before':>8}{'against':>10}{'before':>8}\n"
    )
    for name, now in found.weights.terms.items():
        was = prior.terms[name]
        out.write(f"{name:<14}{now.pro:>8.2f}{was.pro:>8.2f}{now.contra:>10.2f}{was.contra:>8.2f}\n")
    out.write(f"{'bias':<14}{found.weights.bias:>8.2f}{prior.bias:>8.2f}\n")
