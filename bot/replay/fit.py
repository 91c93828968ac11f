"""`muster fit`: weights of evidence learned from what past alerts turned out to be, recorded or in a Muster's own database.

The learning is the library's.
"""

from __future__ import annotations

import shlex
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
from bot.replay.rooms import Rooms, compared
from bot.replay.writing import created, printing
from bot.storage.files import absent_file
from correlation.alert import Alert
from correlation.evaluation import UNJUDGED
from correlation.fitting import Collector, Fit, NotEnough, collect, fit
from correlation.weights import Weights, shipped, write

__all__ = ["fit_database", "fit_weights"]


WORSE = 0.005  # of the AUC


class _Known(msgspec.Struct):
    """A line of truth as JSON: what the API lists of an alert, or what `muster replay --output` wrote."""

    incident: str | msgspec.UnsetType | None = msgspec.UNSET
    group: str | msgspec.UnsetType | None = msgspec.UNSET

    @property
    def says(self) -> bool:
        """Whether it has either key, be it null."""
        return self.incident is not msgspec.UNSET or self.group is not msgspec.UNSET

    @property
    def label(self) -> str:
        """The incident; "" for background."""
        return next((key for key in (self.incident, self.group) if isinstance(key, str) and key), "")


_decode = msgspec.json.Decoder(_Known).decode


def fit_weights(
    files: Sequence[Path],
    *,
    truth: Path | None,
    rules: Rules | None = None,
    output: Path | None = None,
    begin: Path | None = None,
    options: Sequence[str] = (),
    out: TextIO,
    err: TextIO | None = None,
) -> int:
    """Learn from `files` and `truth`, and write the weights to `output` or, as JSON, to `out`.

    `truth` has a line for each alert: the incident it belonged to, empty for background, "?" for unknown; or JSON with an
    `incident` or a `group`. Without it the alerts carry these themselves. The recording is then replayed with the weights
    before and the new ones, and what became of pairs and rooms is told: on `out`, or on `err` where `out` takes the weights.
    The command to look for oneself has the file of the weights before, `begin`, and the `options` that a replay needs besides.
    ConfigError for what cannot be read, or says too little.
    """
    rules = rules or Rules()
    prior = rules.weights or shipped()
    labels: list[str] = []
    with Progress(files, err) as progress:
        try:
            examples = collect(
                _labelled(files, truth, rules, progress, labels),
                cookbook=rules.cookbook,
                topology=rules.topology,
                weights=prior,
            )
            found = fit(examples, prior=prior, origin={"files": [path.name for path in files]})
            del examples  # the largest thing there is
        except NotEnough as error:
            raise ConfigError(f"there is too little to learn from: {error}.") from error
    rooms = None
    if all(path.is_file() for path in files):  # a pipe can be read once
        with Progress(files, err) as progress:
            again = (rules.complete(alert) if rules.complete else alert for _, alert in alerts(files, progress))
            rooms = compared(zip(again, labels, strict=True), rules, found.weights)
    call = ["muster", "replay", *map(str, files), *options]
    return _written(found, prior, output, out, told=_rooms(rooms, call, begin, output), err=err)


async def fit_database(
    database_url: str,
    *,
    catalog: Catalog,
    weights: Weights | None = None,
    output: Path | None = None,
    out: TextIO,
    called: str = "MUSTER_DATABASE_URL",
) -> int:
    """Learn from a Muster's own journal and what people made of its groups: who was merged and split, taken and ended.

    Writes as `fit_weights` does. ConfigError where there is no such database (its address is what people gave as `called`), or
    where it says too little.
    """
    absent = absent_file(database_url)
    if absent is not None:
        raise ConfigError(f"There is no database at {absent}.")
    prior = weights or shipped()
    rules = of_catalog(catalog, weights)
    past = await opened(database_url, catalog, called)
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


def _written(
    found: Fit, prior: Weights, output: Path | None, out: TextIO, *, told: str = "", err: TextIO | None = None
) -> int:
    if output is None:
        with printing(out):
            out.write(write(found.weights).decode())
        if err is not None:
            _report(found, prior, told, err)
        return 0
    with created(output) as sink:
        sink.write(write(found.weights))
    with printing(out):
        _report(found, prior, told, out)
    return 0


def _labelled(
    files: Sequence[Path], truth: Path | None, rules: Rules, watcher: Watcher, kept: list[str]
) -> Iterator[tuple[Alert, str]]:
    """Every alert with its incident, which is `kept` as well."""
    labels = _labels(truth) if truth is not None else None
    names: dict[str, str] = {}
    says = False
    for line, alert in alerts(files, watcher):
        if labels is None:
            known = _known(line.text, str(line.path), line.number)
            says, label = says or known.says, known.label
        else:
            following = next(labels, None)
            if following is None:
                raise ConfigError([Problem(f"ends before {line.path}:{line.number}", file=str(truth))])
            label = following
        kept.append(names.setdefault(label, label))
        yield (rules.complete(alert) if rules.complete else alert), label
    if labels is not None and next(labels, None) is not None:
        raise ConfigError([Problem("has more lines than there are alerts", file=str(truth))])
    if labels is None and kept and not says:
        raise ConfigError(
            "the truth is missing: no alert says which incident it was. Give it `incident` (or `group`; null for "
            'background, "?" for unknown), or give --truth FILE with a line for each alert.'
        )


def _labels(truth: Path) -> Iterator[str]:
    """Empty lines mean background here, so that every line counts."""
    says = False
    for line in lines([truth], blank=True):
        text = line.text.strip()
        known = _known(text, str(truth), line.number) if text.startswith(b"{") else None
        says = says or known is None or known.says
        yield text.decode(errors="replace") if known is None else known.label
    if not says:
        raise ConfigError(
            [Problem("says of no alert which incident it was: no `incident`, no `group`", file=str(truth))]
        )


def _known(text: bytes, file: str, line: int) -> _Known:
    try:
        return _decode(text)
    except msgspec.DecodeError as error:
        raise ConfigError([Problem(f"does not say which incident: {error}", file=file, line=line)]) from error


def _rooms(rooms: Rooms | None, call: Sequence[str], begin: Path | None, output: Path | None) -> str:
    """What became of the rooms, and how to see it for oneself."""
    if rooms is None:
        return "rooms     not compared: a pipe can be read only once; give the recording as a file\n"
    now, before = rooms.now, rooms.before
    told = (
        f"rooms     {now.opened:>10,}   {before.opened:,} before; on this recording, where {now.incidents:,} are true\n"
        f"found     {now.found:>10.4f}   {before.found:.4f} before; of the incidents, with a room that is mostly theirs\n"
        f"F         {now.b_cubed_f1:>10.4f}   {before.b_cubed_f1:.4f} before; B-cubed, of the rooms\n"
    )
    if not rooms.worse:
        return told
    then = shlex.join([*call, *(["--weights", str(begin)] if begin else [])])
    return (
        f"{told}The rooms were BETTER BEFORE: keep the weights before, or come back with more. To look for yourself:\n"
        f"  {then}\n  {shlex.join([*call, '--weights', str(output or 'WEIGHTS.json')])}\n"
    )


def _report(found: Fit, prior: Weights, told: str, out: TextIO) -> None:
    worse = found.checked.auc < found.before.auc - WORSE
    doubt = (
        "These tell pairs apart WORSE than the weights before: keep those, or come back with more.\n" if worse else ""
    )
    out.write(
        f"pairs     {found.pairs:>10,}   of an alert and a group: {found.together:,} belong together\n"
        f"incidents {found.incidents:>10,}\n"
        f"AUC       {found.checked.auc:>10.4f}   cross-validated by incident; {found.before.auc:.4f} before\n"
        f"log loss  {found.checked.log_loss:>10.4f}   cross-validated by incident; {found.before.log_loss:.4f} before\n"
        f"{doubt}{told}\n{'evidence':<14}{'for':>8}{'before':>8}{'against':>10}{'before':>8}\n"
    )
    for name, now in found.weights.terms.items():
        was = prior.terms[name]
        out.write(f"{name:<14}{now.pro:>8.2f}{was.pro:>8.2f}{now.contra:>10.2f}{was.contra:>8.2f}\n")
    out.write(f"{'bias':<14}{found.weights.bias:>8.2f}{prior.bias:>8.2f}\n")
