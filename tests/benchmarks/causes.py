"""How well causes are found: what follows what (Huawei), the root of an outage (PetShop), the change to blame (ChangeRCA).

usage: python -m tests.benchmarks.causes [--data DIR] [--changerca PATH]

PATH is a clone of IntelligentDDS/ChangeRCA, with or without a work tree (or MUSTER_CHANGERCA names it). What is measured
are the functions that ship, with what ships as their numbers.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from correlation.alert import Alert
from correlation.engine import Engine
from correlation.lift import WINDOW, Lift
from tests.benchmarks import changerca, petshop
from tests.benchmarks.amid import LOOKED_AT, asked

DATA = Path(os.environ.get("MUSTER_EVAL_DATA") or Path(__file__).parents[3] / "shared" / "data")
CHECKED = ("high_traffic", "temporal_traffic2")  # PetShop's scenarios that no number was tuned on


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--changerca", type=Path, default=os.environ.get("MUSTER_CHANGERCA"))
    args = parser.parse_args()
    for measure, path, what in (
        (huawei, args.data / "huawei", "Huawei's alarms"),
        (pets, args.data / "petshop", "PetShop"),
        (streams, args.data, "PetShop's and ITBench's streams"),
        (releases, args.changerca, "ChangeRCA (--changerca PATH)"),
    ):
        if path is None or not Path(path).exists():
            print(f"NOT MEASURED: {what} is not there{f': {path}' if path else ''}", file=sys.stderr)
            continue
        began = time.perf_counter()
        measure(Path(path))
        print(f"  ({time.perf_counter() - began:.1f} s)")


# What follows what


def huawei(path: Path) -> None:
    """Causal edges between 59 kinds of alarms, learned in one pass over the week as it came."""
    print(
        "Huawei, causal edges among 59 kinds of alarms, one pass (TAU and USUAL were chosen here; F1 stays over .91 for"
    )
    print("TAU 15-120 s and USUAL .05-.12; a pair counts where correlation.lift says that it is usual)")
    with (path / "alarm.csv").open() as file:
        rows = sorted(
            (float(row["start_timestamp"]), row["alarm_id"], int(row["device_id"])) for row in csv.DictReader(file)
        )
    links, truth = np.load(path / "topology.npy"), np.load(path / "true_graph.npy")
    places = len(links)
    near = [{place, *np.nonzero(links[place])[0].tolist()} for place in range(places)]
    for name, days, known in (("with topology", 7, True), ("without", 7, False), ("with, half", 3.5, True)):
        lift = Lift()
        recent: deque[tuple[str, float, int]] = deque()
        for at, kind, place in rows:
            if at > days * 86_400:
                break
            while recent and at - recent[0][1] > WINDOW:
                recent.popleft()
            around = [(other, began) for other, began, there in recent if not known or there in near[place]]
            lift.observe(kind, at, around, share=len(near[place]) / places if known else 1.0)
            recent.append((kind, at, place))
        kinds = range(len(truth))
        found = {(a, b) for a, b in product(kinds, kinds) if a != b and lift.usual(str(a), str(b))}
        true = {(int(a), int(b)) for a, b in zip(*np.nonzero(truth), strict=True)}
        hit = len(found & true)
        print(
            f"  {name:14} F1 {2 * hit / (len(found) + len(true)):.3f}   precision {hit / max(1, len(found)):.3f}"
            f"   recall {hit / len(true):.3f}   edges {len(found)} of {len(true)}"
        )


# Where it began


def pets(path: Path) -> None:
    """The root component of each injected issue, among all that alert."""
    print(
        "PetShop, root cause among 41 components (weights tuned on low_traffic, temporal_traffic1 and ITBench seeds 1-2;"
    )
    print(f"checked on {' and '.join(CHECKED)}, which were seen again when the weights were rounded)")
    graph = petshop.topology(path)
    ranks: dict[bool, list[int | None]] = {True: [], False: []}
    for issue in petshop.issues(path):
        engine = Engine(topology=graph)
        group = _fed(engine, issue.alerts)
        named = [cause.name for cause in engine.causes(group, limit=3)] if group else []
        ranks[issue.scenario in CHECKED].append(named.index(issue.root) if issue.root in named else None)
    for name, some in (("tuned on", ranks[False]), ("checked", ranks[True]), ("all", ranks[False] + ranks[True])):
        print(f"  {name:14} {_hits(some, 'top-')}")


def streams(path: Path) -> None:
    """The root of each incident amid background and other incidents."""
    print(
        f"The root amid background, {LOOKED_AT / 60:.0f} min after people were called (SILENT and OLD_NEWS chosen on these)"
    )
    with tempfile.TemporaryDirectory() as scratch:
        for kind in ("petshop", "itbench"):
            found = [one for seed in range(1, 6) for one in asked(Path(scratch), path, kind, seed)]
            known = [one.rank for one in found if one.roots & one.failing]
            print(f"  {kind:14} {_hits([one.rank for one in found], 'top-')}")
            print(f"    where it fires itself {_hits(known, 'top-')}")


# Which change


def releases(path: Path) -> None:
    """The faulty release among those under way."""
    print(
        "ChangeRCA, 51 faulty releases, order shuffled with seeds 1-5 (no number of the engine tuned on it; our monitors are)"
    )
    for name, watched in (("at detection", 0.0), ("5 min later", changerca.WATCHED)):
        ranks: list[int | None] = []
        for seed in range(1, 6):
            for case in changerca.cases(path, seed, watched):
                engine = Engine(topology=case.topology)
                engine.observe(case.changes)
                group = _fed(engine, case.alerts)
                named = [suspect.change for suspect in engine.suspects(group, limit=5)] if group else []
                ranks.append(named.index(case.guilty) if case.guilty in named else None)
        print(f"  {name:14} {_hits(ranks, 'HR@')}")


def _fed(engine: Engine, alerts: Sequence[Alert]) -> str:
    """The group that most of the alerts went to; "" for none."""
    decisions = engine.ingest(alerts)
    groups = Counter(engine.surviving(one.group) for one in decisions if one.group)
    return max(groups, key=lambda name: groups[name], default="")


def _hits(ranks: Sequence[int | None], word: str) -> str:
    first = sum(rank == 0 for rank in ranks)
    third = sum(rank is not None and rank < 3 for rank in ranks)
    return f"{word}1 {first / len(ranks):.3f}   {word}3 {third / len(ranks):.3f}   of {len(ranks)}"


if __name__ == "__main__":
    main()
