"""How fast alerts go all the way: from a webhook over disk, engine and incidents to the API that shows them.

    python -m tests.benchmarks.drain [--alerts 200000] [--batch 100] [--connections 8]

Posts unique alerts in batches, with one last alert as a marker, and prints the rate at which they were accepted, the time until the
marker is visible in the API, the rate of the whole way, peak memory, and what each process takes. It asserts nothing about time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import uvloop

from tests.processes import Muster, eventually, running

PATIENCE = 900.0  # seconds for all of it
MARKER = "the-last-one"


def bodies(alerts: int, batch: int) -> Iterator[bytes]:
    """Alertmanager's webhooks, made beforehand so that making them is not measured."""
    for first in range(0, alerts, batch):
        found = [
            {
                "status": "firing",
                "labels": {
                    "alertname": ("HighLatency", "Http5xx", "DiskFull", "QueueGrows")[n % 4],
                    "severity": ("critical", "warning", "error")[n % 3],
                    "service": f"service-{n % 40}",
                    "instance": f"host-{n % 5000}:9100",
                    "cluster": ("eu-west-1", "us-east-1")[n % 2],
                    "number": str(n),
                },
                "annotations": {"summary": f"service-{n % 40} is in trouble on host-{n % 5000}"},
                "startsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://prometheus.example.org/graph?g0.expr=up",
                "fingerprint": f"{n:016x}",
            }
            for n in range(first, min(first + batch, alerts))
        ]
        yield json.dumps({"version": "4", "status": "firing", "receiver": "muster", "alerts": found}).encode()


async def pour(muster: Muster, waiting: list[bytes], connections: int) -> tuple[float, int]:
    """Post everything; the seconds it took, and how often Muster said "later"."""
    refused = 0

    async def sender() -> None:
        nonlocal refused
        while waiting:
            body = waiting.pop()
            while not (answer := await muster.webhook("alertmanager", body)).ok:
                assert answer.status == 503, answer
                refused += 1
                await asyncio.sleep(float(answer.headers["retry-after"]))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(sender())
    return time.perf_counter() - began, refused


def processes(muster: Muster) -> Iterator[tuple[str, psutil.Process]]:
    """Muster and what it started."""
    process = psutil.Process(muster.process.pid)
    yield "muster", process
    for child in process.children(recursive=True):
        yield child.cmdline()[-1], child


async def run(options: argparse.Namespace) -> None:
    print(f"{psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f} before the run")
    waiting = list(bodies(options.alerts, options.batch))
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder)) as muster:
            began = time.perf_counter()
            took, refused = await pour(muster, waiting, options.connections)
            marked = await muster.webhook("generic", {"name": MARKER, "dedup_key": MARKER})
            assert marked.status == 202, marked
            print(
                f"accepted {options.alerts:,} alerts in {took:.1f} s: {options.alerts / took:,.0f} alerts/s, {refused} times 503"
            )

            async def visible() -> bool:
                page = await muster.get("/api/v1/alerts", limit=20)
                return any(alert["dedup_key"] == MARKER for alert in page["items"])

            await eventually(visible, "the last alert is visible", PATIENCE, every=0.1)
            whole = time.perf_counter() - began
            print(
                f"visible {whole - took:.1f} s after the last 202: {options.alerts / whole:,.0f} alerts/s all the way"
            )
            print(f"{len(await muster.incidents())} incidents, peak memory {muster.peak_megabytes():.0f} MB")
            for name, process in processes(muster):
                cpu = process.cpu_times()
                held = process.memory_info().rss / 1e6
                each = (cpu.user + cpu.system) / options.alerts * 1e6
                print(f"{name}: {each:.1f} us of processor per alert, {held:.0f} MB now")
            sizes = (muster.database.stat().st_size / 1e6, muster.journal.stat().st_size / 1e6)
            print("database {:.0f} MB, journal {:.0f} MB".format(*sizes))
            began = time.perf_counter()
        print(f"stopped in {time.perf_counter() - began:.1f} s")
        async with running(Path(folder)) as muster:
            print(f"started again in {muster.started_in:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--alerts", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--connections", type=int, default=8)
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
