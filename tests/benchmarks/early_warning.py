"""How early a campaign is known again: learn from one AIT site, watch the next, all pairs in turn. Prints figures, asserts nothing.

python -m tests.benchmarks.early_warning [--learn truth|rooms] [--sites fox,harrison,...] [--odds 16]
The truth of the PAST site says what was bad there (with `rooms`, only which of the engine's rooms a person would have called
bad); of the next site it is used to score. What is watched is the raw stream. Looks for ../shared/data or MUSTER_EVAL_DATA.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import lzma
import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from correlation.alert import Alert
from correlation.beginnings import Kind
from correlation.engine import Engine
from correlation.warning import EarlyWarning, Patience, Watch

DATA = Path(os.environ.get("MUSTER_EVAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")) / "ait"
SITES = ("fox", "harrison", "santos", "shaw")
TRICKLE = "dnsteal"  # trickles for days from before the start: no part of the campaign, and no excuse for a warning
WORST = ("attacker_change_user", "escalated_sudo_command")  # the attacker has become root
DAY = 86_400.0
ENOUGH = 5  # rows of the campaign that make a room one about it
STAMP = 60.0  # seconds: the truth labels the scan some alerts late
Past = list[tuple[float, Kind]]
Row = tuple[float, Kind, str, str, str]  # at, kind, name, host, label


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A site's stream and when its campaign began, was at its worst and ended."""

    name: str
    rows: list[Row]
    began: float
    worst: float
    ended: float

    @property
    def days(self) -> float:
        return (self.rows[-1][0] - self.rows[0][0]) / DAY

    def campaign(self) -> Past:
        return [(at, kind) for at, kind, _, _, label in self.rows if label and label != TRICKLE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one pair gave; `said` is the first warning in the campaign."""

    past: str
    site: Site
    said: EarlyWarning | None
    false: int


def read(name: str) -> Site:
    rows: list[Row] = []
    with lzma.open(DATA / f"{name}.csv.xz", "rt") as lines:
        rows.extend(
            (float(r["t"]), (r["class"] or r["name"], ""), r["name"], r["host"], r["label"])
            for r in csv.DictReader(lines)
        )
    attack = [(at, label) for at, _, _, _, label in rows if label and label != TRICKLE]
    worst = min(at for at, label in attack if label in WORST)
    return Site(name=name, rows=rows, began=attack[0][0], worst=worst, ended=attack[-1][0])


def rooms(site: Site) -> list[Past]:
    """The engine's rooms about the campaign: those that people would have called bad, with what fired in them first."""
    engine = Engine()
    members: dict[str, list[tuple[float, Kind, bool]]] = {}
    for at, kind, name, host, label in site.rows:
        alert = Alert(at=at, name=name, class_=kind[0], host=f"{site.name}/{host}", location=site.name, summary=name)
        decision = engine.ingest([alert])[0]
        if decision.group is not None:
            members.setdefault(decision.group, []).append((at, kind, label not in ("", TRICKLE)))
    whole: dict[str, list[tuple[float, Kind, bool]]] = {}
    for group, some in members.items():
        if engine.deserves(group):
            whole.setdefault(engine.surviving(group), []).extend(some)
    return [[(at, kind) for at, kind, _ in some] for some in whole.values() if sum(bad for _, _, bad in some) >= ENOUGH]


def watch(watcher: Watch, site: Site, since: float = 0.0) -> list[EarlyWarning]:
    said: list[EarlyWarning] = []
    for at, kind, _, _, _ in site.rows:
        said += watcher.observe(since + at, kind, site.name)
    return said


def pair(past: Site, known: list[Past], site: Site, patience: Patience) -> Outcome:
    """Watch the past site, be told what was bad there, watch the next one from the day after on."""
    watcher = Watch(patience)
    watch(watcher, past)
    for number, bad in enumerate(known, start=1):
        watcher.learn(f"{past.name} {number}", bad)
    since = DAY * (1 + int(past.rows[-1][0] // DAY))
    said = [(one, one.at - since) for one in watch(watcher, site, since)]
    inside = [one for one, at in said if site.began - STAMP <= at <= site.ended]
    outside = [at for _, at in said if not site.began - STAMP <= at <= site.ended]
    for one, at in said:
        print(
            f"    +{(at - site.began) / 60:.1f} min of {site.name}: {'; '.join(one.reasons)}; odds {one.score:.0f} nats"
        )
    first = inside[0] if inside else None
    if first is not None:
        print(f"    {past.name} -> {site.name}: {lead(first.at - since, site)}")
    else:
        print(f"    {past.name} -> {site.name}: missed")
    moved = None if first is None else msgspec.structs.replace(first, at=first.at - since)
    return Outcome(past=past.name, site=site, said=moved, false=len(outside))


def lead(at: float, site: Site) -> str:
    return (
        f"warned {(at - site.began) / 60:.1f} min after the first alert, {(site.worst - at) / 60:.0f} min before the worst"
        f" step, {(site.ended - at) / 60:.0f} min before the end"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learn", choices=("truth", "rooms"), default="truth")
    parser.add_argument("--sites", default=",".join(SITES))
    parser.add_argument("--odds", type=float, default=Patience().odds, help="nats against chance")
    options = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"nothing measured: there is no {DATA} (set MUSTER_EVAL_DATA)")
    patience = Patience(odds=options.odds)
    names = options.sites.split(",")
    sites = {name: read(name) for name in names}
    known = {name: rooms(site) if options.learn == "rooms" else [site.campaign()] for name, site in sites.items()}
    print(f"learned from the past site's {options.learn}; {patience}")
    outcomes = [pair(sites[a], known[a], sites[b], patience) for a, b in itertools.permutations(names, 2)]
    print(
        f"\n{'next site':<10} {'known again':>12} {'lead to worst, min':>19} {'lead to end, min':>17} {'false per site-day':>19}"
    )
    for name, site in sites.items():
        _row(name, [one for one in outcomes if one.site is site])
    _row("all pairs", outcomes)
    good = sum(
        all(one.said is not None and site.worst - one.said.at >= 1_200.0 for one in outcomes if one.site is site)
        for site in sites.values()
    )
    print(f"sites known again from every past site, 20 min or more before the worst step: {good} of {len(sites)}")
    _cost(sites[names[0]])
    print(
        "a warning up to a minute before the first labelled alert counts for it: the scan's own first alerts carry no label."
    )
    print("odds and window were chosen on fox and santos; harrison and shaw were seen while the way was explored.")


def _row(name: str, outcomes: list[Outcome]) -> None:
    if not outcomes:
        return
    hits = [one for one in outcomes if one.said is not None]
    worst = [(one.site.worst - one.said.at) / 60 for one in hits if one.said is not None]
    end = [(one.site.ended - one.said.at) / 60 for one in hits if one.said is not None]
    false = sum(one.false for one in outcomes) / sum(one.site.days for one in outcomes)
    told = [
        f"{min(some):.0f}..{statistics.median(some):.0f}..{max(some):.0f}" if some else "-" for some in (worst, end)
    ]
    print(f"{name:<10} {f'{len(hits)} of {len(outcomes)}':>12} {told[0]:>19} {told[1]:>17} {false:>19.2f}")


def _cost(site: Site) -> None:
    watcher = Watch()
    watcher.learn(site.name, site.campaign())
    began = time.thread_time()
    watch(watcher, site)
    spent = time.thread_time() - began
    print(
        f"cost: {spent / len(site.rows) * 1e6:.2f} us per alert over {len(site.rows):,}; {len(watcher.snapshot()):,} bytes"
    )


if __name__ == "__main__":
    main()
