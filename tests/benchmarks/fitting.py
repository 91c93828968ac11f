"""Whether weights that were learned group better than those that ship: fitted on some streams, compared on others. Prints only.

python -m tests.benchmarks.fitting [--cache FOLDER] [--output WEIGHTS.json] [--no-ait]
Fitted on AIT fox and santos, PetShop and ITBench seeds 1 and 2, each also without location and environment; the comparison
is on AIT harrison and shaw and on seeds 3 to 5, which the fit has not seen.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bot.catalog.loader import load
from bot.replay.command import Rules, rules
from bot.replay.reading import alerts
from correlation.alert import Alert
from correlation.fitting import Examples, collect, fit
from correlation.weights import shipped, write
from tests.benchmarks.grouping import (
    CHECKED_SEEDS,
    CHECKED_SITES,
    HEADER,
    SCRIPTS,
    TUNED_SEEDS,
    TUNED_SITES,
    Stream,
    _folder,
    _mean,
    ait,
    measure,
    operations,
)

HIDDEN = ("location", "environment")


def labelled(stream: Stream, fed: Path, complete: Rules) -> Iterator[tuple[Alert, str]]:
    with stream.truth.open() as truth:
        for (_, alert), label in zip(alerts([fed]), truth, strict=True):
            yield (complete.complete(alert) if complete.complete else alert), label.rstrip("\n")


def learn(examples: Examples, stream: Stream, name: str) -> None:
    own = rules(load(stream.catalog)) if stream.catalog else Rules()
    for fed in (stream.alerts, stream.without(*HIDDEN)):
        collect(
            labelled(stream, fed, own), cookbook=own.cookbook, topology=own.topology, into=examples, prefix=f"{name}/"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, help="keep the streams here")
    parser.add_argument("--output", type=Path, help="write the weights here")
    parser.add_argument("--no-ait", action="store_true", help="without the attacks, which are most of the time")
    options = parser.parse_args()
    if not SCRIPTS.is_dir():
        sys.exit(f"nothing measured: there is no {SCRIPTS} (set MUSTER_EVAL_DATA to the evaluation's data folder)")
    with _folder(options.cache) as folder:
        kinds = ("petshop", "itbench")
        began = time.perf_counter()
        examples = Examples()
        for kind in kinds:
            for seed in TUNED_SEEDS:
                learn(examples, operations(folder, kind, seed), f"{kind}-{seed}")
        if not options.no_ait:
            learn(examples, ait(folder, TUNED_SITES), "ait")
        found = fit(examples, origin={"streams": "AIT fox, santos; PetShop 1, 2; ITBench 1, 2"})
        print(f"{found.pairs:,} pairs, {found.together:,} together, {found.incidents:,} incidents")
        print(f"AUC {found.before.auc:.4f} shipped, {found.checked.auc:.4f} fitted (cross-validated by incident)")
        print(f"log loss {found.before.log_loss:.4f} shipped, {found.checked.log_loss:.4f} fitted")
        print(write(found.weights).decode(), end="")
        weights = options.output or folder / "weights.json"
        weights.write_bytes(write(found.weights))
        before = folder / "shipped.json"
        before.write_bytes(write(shipped()))
        print(f"learned in {time.perf_counter() - began:.0f} s\n\non streams that the fit has not seen\n{HEADER}")
        for name, path in (("shipped", before), ("fitted", weights)):
            for kind in kinds:
                streams = [operations(folder, kind, seed) for seed in CHECKED_SEEDS]
                _mean(f"  {name}: {kind}", [measure(one, None, ("--weights", path)) for one in streams])
                bare = [measure(one, one.without(*HIDDEN), ("--weights", path)) for one in streams]
                _mean(f"  {name}: {kind}, location hidden", bare)
            if not options.no_ait:
                _mean(f"  {name}: ait", [measure(ait(folder, CHECKED_SITES), None, ("--weights", path))])


if __name__ == "__main__":
    main()
