"""What the engine costs per alert, and whether that grows: prints figures, asserts nothing.

python -m tests.benchmarks.engine_cost [alerts]        (default 200,000 distinct alerts)
"""

from __future__ import annotations

import gc
import resource
import sys
import time

from correlation.alert import Alert, Severity
from correlation.engine import Engine
from correlation.topology import Topology

SERVICES = 200
LOCATIONS = 8
STEP = 0.05  # seconds of event time between two new alerts


def topology() -> Topology:
    """A layered graph: every service depends on three of the next layer."""
    return Topology.of(
        {f"s{n}": [f"s{m}" for m in range(n * 3 + 1, n * 3 + 4) if m < SERVICES] for n in range(SERVICES)},
    )


def new_alert(n: int) -> Alert:
    service = f"s{n * 7 % SERVICES}"
    return Alert(
        at=n * STEP,
        name=f"Rule{n % 23}",
        class_=("latency", "errors", "saturation")[n % 3],
        severity=(Severity.CRITICAL, Severity.WARNING, Severity.ERROR)[n % 3],
        service=service,
        host=f"{service}-{n}",
        location=f"region-{n % LOCATIONS}",
        environment="production",
        summary=f"rule {n % 23} of {service}: {n * 0.37:.2f} % over the limit",
        labels=(("namespace", f"ns{n % 5}"), ("pod", f"{service}-{n}")),
        source="generic",
    )


def percentile(times: list[int], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))] / 1000


def measure(engine: Engine, alerts: list[Alert]) -> list[int]:
    # The thread's own time: what neighbours take from a shared machine is no cost of the engine.
    clock, times = time.thread_time_ns, []
    for alert in alerts:
        one = (alert,)
        began = clock()
        engine.ingest(one)
        times.append(clock() - began)
    return sorted(times)


def main(count: int) -> None:
    engine = Engine(topology=topology())
    print(
        f"{'seen':>10} {'new p50':>9} {'new p99':>9} {'new max':>10} {'repeat p50':>11} {'repeat p99':>11} {'open':>6} {'MB':>6}"
    )
    checkpoints = [n for n in (1_000, 10_000, 50_000, 100_000, 200_000, 500_000, 1_000_000) if n <= count]
    seen = 0
    gc.freeze()
    for checkpoint in checkpoints:
        ready = [new_alert(n) for n in range(max(seen, checkpoint - 5_000), checkpoint)]
        while seen < checkpoint - len(ready):
            chunk = [new_alert(n) for n in range(seen, min(seen + 5_000, checkpoint - len(ready)))]
            engine.ingest(chunk)
            seen += len(chunk)
        fresh = measure(engine, ready)
        repeats = measure(engine, ready[-200:] * 50)
        seen = checkpoint
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{seen:>10,} {percentile(fresh, 0.5):>8.1f}u {percentile(fresh, 0.99):>8.1f}u {fresh[-1] / 1000:>9.1f}u"
            f" {percentile(repeats, 0.5):>10.2f}u {percentile(repeats, 0.99):>10.2f}u"
            f" {len(engine._registry.open):>6} {memory:>6.0f}"
        )
    began = time.perf_counter()
    state = engine.snapshot()
    middle = time.perf_counter()
    Engine.restore(state)
    print(
        f"snapshot {len(state) / 2**20:.1f} MB in {middle - began:.2f} s, restored in {time.perf_counter() - middle:.2f} s"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
