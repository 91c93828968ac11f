"""`muster fit`: weights of evidence learned from a recorded stream and what it turned out to be. The learning is the library's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

import msgspec

from bot.errors import ConfigError, Problem
from bot.replay.command import Rules
from bot.replay.progress import Progress
from bot.replay.reading import Watcher, alerts, lines
from bot.replay.writing import created
from correlation.alert import Alert
from correlation.fitting import Fit, NotEnough, collect, fit
from correlation.weights import Weights, shipped, write

__all__ = ["fit_weights"]


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
    out.write(
        f"pairs     {found.pairs:>10,}   of an alert and a group: {found.together:,} belong together\n"
        f"incidents {found.incidents:>10,}\n"
        f"AUC       {found.checked.auc:>10.4f}   cross-validated by incident; {found.before.auc:.4f} before\n"
        f"log loss  {found.checked.log_loss:>10.4f}   cross-validated by incident; {found.before.log_loss:.4f} before\n"
        f"\n{'evidence':<14}{'for':>8}{'before':>8}{'against':>10}{'before':>8}\n"
    )
    for name, now in found.weights.terms.items():
        was = prior.terms[name]
        out.write(f"{name:<14}{now.pro:>8.2f}{was.pro:>8.2f}{now.contra:>10.2f}{was.contra:>8.2f}\n")
    out.write(f"{'bias':<14}{found.weights.bias:>8.2f}{prior.bias:>8.2f}\n")
