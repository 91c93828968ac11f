"""How good the groups are: the evaluation's streams, replayed with shipped defaults, scored by its scorer. Prints only.

python -m tests.benchmarks.grouping [--quick] [--only ait|petshop|itbench] [--seeds 1,2] [--cache FOLDER]
A catalogue gives topology and nothing else. Looks for ../shared, or the folder above MUSTER_EVAL_DATA.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("MUSTER_EVAL_DATA", ROOT.parent / "shared" / "data"))
SCRIPTS = DATA.parent / "evaluate"
TUNED_SITES, CHECKED_SITES = ("fox", "santos"), ("harrison", "shaw")
TUNED_SEEDS, CHECKED_SEEDS = (1, 2), (3, 4, 5)
HEADER = f"{'stream':<44} {'rooms':>6} {'per true':>9} {'found':>6} {'best-F1':>8} {'b3-F':>6} {'delay':>8} {'wall':>7}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A stream with its truth; `catalog` is its topology where it has one."""

    alerts: Path
    truth: Path
    catalog: Path | None = None

    def without(self, *fields: str) -> Path:
        """The same alerts lacking some fields, for the engine; the scorer goes on seeing them."""
        hidden = self.alerts.with_suffix(f".no-{'-'.join(fields)}.jsonl")
        if not hidden.exists():
            with self.alerts.open() as lines, hidden.open("w") as out:
                for line in lines:
                    alert = json.loads(line)
                    out.write(json.dumps({key: value for key, value in alert.items() if key not in fields}) + "\n")
        return hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the scorer said of one stream, on dedup rows; `rooms` counts calls for people."""

    rooms: int
    per_site_day: float
    incidents: int
    found: float
    best_f1: float
    b_cubed: float
    delay: float
    seconds: float


def ait(folder: Path, sites: Sequence[str]) -> Stream:
    """The alerts of some sites, interleaved; an incident is the campaign against one."""
    alerts = folder / f"ait-{'-'.join(sites)}.jsonl"
    truth = alerts.with_suffix(".truth")
    if not alerts.exists():
        _run(SCRIPTS / "ait_stream.py", DATA / "ait", alerts, truth, *sites)
    return Stream(alerts=alerts, truth=truth.with_name(truth.name + ".campaign"))


def operations(folder: Path, kind: str, seed: int) -> Stream:
    """PetShop's or ITBench's incidents over background, with the topology."""
    alerts = folder / f"{kind}-{seed}.jsonl"
    truth, catalog = alerts.with_suffix(".truth"), alerts.with_suffix(".yaml")
    if not alerts.exists():
        _run(SCRIPTS / f"{kind}_stream.py", DATA / kind, alerts, truth, "--seed", seed, "--topology", catalog)
    return Stream(alerts=alerts, truth=truth, catalog=catalog)


def measure(stream: Stream, fed: Path | None = None, options: Sequence[object] = ()) -> Result:
    """Replay and score; `fed` is what the engine gets where that is less than the stream, `options` are the replay's."""
    with tempfile.TemporaryDirectory() as scratch:
        decisions = Path(scratch) / "decisions.jsonl"
        catalog = ["--catalog", stream.catalog] if stream.catalog else []
        began = time.perf_counter()
        _run("-m", "bot", "replay", fed or stream.alerts, *catalog, *options, "--output", decisions)
        seconds = time.perf_counter() - began
        told = json.loads(_run(SCRIPTS / "score_groups.py", stream.alerts, stream.truth, decisions))
    rows = told["dedup"]
    delays = [float("inf") if one is None else one for one in told["delay_s"].values()]
    return Result(
        rooms=told["opened"],
        per_site_day=told["per_site_day"],
        incidents=rows["incidents"],
        found=rows["found"],
        best_f1=rows["macro_best_f1"],
        b_cubed=rows["b3_f"],
        delay=statistics.median(delays),
        seconds=seconds,
    )


def _run(*command: object) -> str:
    return subprocess.run(
        [sys.executable, *map(str, command)], check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ).stdout


def _row(name: str, result: Result, per: float) -> None:
    print(
        f"{name:<44} {result.rooms:>6} {per:>9.2f} {result.found:>6.3f} {result.best_f1:>8.3f} {result.b_cubed:>6.3f}"
        f" {result.delay:>6.0f} s {result.seconds:>5.0f} s",
        flush=True,
    )


def _mean(name: str, results: Sequence[Result]) -> None:
    mean = statistics.fmean
    print(
        f"{name:<44} {mean(r.rooms for r in results):>6.0f} {mean(r.rooms / r.incidents for r in results):>9.2f}"
        f" {mean(r.found for r in results):>6.3f} {mean(r.best_f1 for r in results):>8.3f}"
        f" {mean(r.b_cubed for r in results):>6.3f} {mean(r.delay for r in results):>6.0f} s"
        f" {sum(r.seconds for r in results):>5.0f} s",
        flush=True,
    )


def campaigns(folder: Path) -> None:
    print("AIT, campaigns on dedup rows; the third column is rooms per site-day; goal <= 2 / 1.0 / >= .85 / <= 60 s")
    everything = sorted(TUNED_SITES + CHECKED_SITES)
    for word, sites in (("tuned on", TUNED_SITES), ("checked on", CHECKED_SITES), ("all:", everything)):
        result = measure(ait(folder, sites))
        _row(f"  {word} {', '.join(sites)}", result, result.per_site_day)
    together = ait(folder, everything)
    result = measure(together, together.without("location"))
    _row("  all, location hidden (goal 3/.75/.75)", result, result.per_site_day)


def cascades(folder: Path, kind: str, goal: str, seeds: Sequence[int]) -> None:
    print(f"{kind}, dedup rows, mean over seeds; the third column is rooms per true incident; {goal}")
    for word, part in (("tuned on", TUNED_SEEDS), ("checked on", CHECKED_SEEDS)):
        chosen = [seed for seed in part if seed in seeds]
        if not chosen:
            continue
        streams = [operations(folder, kind, seed) for seed in chosen]
        numbers = ", ".join(map(str, chosen))
        _mean(f"  {word} seeds {numbers}", [measure(one) for one in streams])
        bare = [measure(one, one.without("location", "environment")) for one in streams]
        _mean("    location, environment hidden (2/.85/.80)", bare)


@contextmanager
def _folder(cache: Path | None) -> Iterator[Path]:
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
        yield cache.resolve()
    else:
        with tempfile.TemporaryDirectory() as scratch:
            yield Path(scratch)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one tuned and one checked seed; no AIT")
    parser.add_argument("--only", choices=("ait", "petshop", "itbench"))
    parser.add_argument("--seeds", default="", help="comma-separated; 1-5 by default, of which 1 and 2 were tuned on")
    parser.add_argument("--cache", type=Path, help="keep the streams here")
    options = parser.parse_args()
    if not SCRIPTS.is_dir():
        sys.exit(f"nothing measured: there is no {SCRIPTS} (set MUSTER_EVAL_DATA to the evaluation's data folder)")
    seeds = [int(text) for text in options.seeds.split(",") if text] or ([1, 3] if options.quick else [1, 2, 3, 4, 5])
    began = time.perf_counter()
    print(HEADER)
    with _folder(options.cache) as folder:
        if options.only in (None, "petshop"):
            cascades(folder, "petshop", "goal 1.4/.95/.93", seeds)
        if options.only in (None, "itbench"):
            cascades(folder, "itbench", "goal 1.4/.93/.88", seeds)
        if options.only == "ait" or (options.only is None and not options.quick):
            campaigns(folder)
    print(f"One set of shipped defaults everywhere. {time.perf_counter() - began:.0f} s in all.")


if __name__ == "__main__":
    main()
