"""What finding past incidents costs: 5,000 of them in SQLite, read once, then asked. Prints figures, asserts nothing.

python -m tests.benchmarks.precedents [incidents]        (default 5,000, of 2 to 14 kinds of alerts each, every kind thrice)
"""

from __future__ import annotations

import asyncio
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import insert

from bot.incidents import store
from bot.incidents.history import History
from bot.storage import tables
from bot.storage.database import Database
from tests.rows import alert_row, keep_incident

CLASSES = ("latency", "errors", "saturation", "traffic", "disk", "pod", "queue", "db")
SERVICES = 60
TEXTS = ("timeout", "replica", "lag", "refused", "memory", "certificate", "quota", "deadlock", "backlog", "leader")
ASKED = 50


async def fill(database: Database, count: int) -> None:
    rng, alert = random.Random(1), 0
    for start in range(0, count, 250):
        async with database.transaction() as work:
            rows = []
            for number in range(start, min(count, start + 250)):
                at, near = number * 3_600.0, rng.randrange(SERVICES)
                over = {"status": "resolved", "resolved_at": at + 1_800.0, "acknowledged_by": "robin"}
                incident = await keep_incident(work, at, title=f"{rng.choice(TEXTS)} of s{near}", **over)
                for _ in range(rng.randrange(2, 15)):
                    what, service = rng.choice(CLASSES), f"s{(near + rng.randrange(5)) % SERVICES}"
                    for host in range(3):
                        alert += 1
                        fields = {"class": what, "group_id": f"G{incident.number}", "service": service}
                        fields |= {"host": f"{service}-{host}", "summary": f"{rng.choice(TEXTS)} of {service}"}
                        rows.append(alert_row(alert, at + rng.random() * 900.0, name=f"High{what}", **fields))
            await work.connection.execute(insert(tables.alerts), rows)
    print(f"{count:,} incidents, {alert:,} alerts")


async def measure(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(f"sqlite+aiosqlite:///{Path(folder) / 'muster.db'}")
        try:
            await fill(database, count)
            history = History(database)
            stalls, before = asyncio.create_task(longest_stall()), memory()
            began = time.perf_counter()
            await history.refresh()
            print(f"read once: {time.perf_counter() - began:.2f} s, {memory() - before:.0f} MB more", end="; ")
            stalls.cancel()
            print(f"the longest that nobody else had a turn: {await stalls * 1e3:.0f} ms")
            async with database.reading() as connection:
                incidents = await store.numbered(connection, random.Random(2).sample(range(1, count + 1), ASKED))
            spent, used = [], time.thread_time()
            for incident in incidents:
                began = time.perf_counter()
                await history.similar(incident)
                spent.append((time.perf_counter() - began) * 1e3)
            spent.sort()
            used = (time.thread_time() - used) / ASKED * 1e3
            clock = f"p50 {spent[ASKED // 2]:.1f} ms, p99 {spent[-1]:.1f} ms"
            print(f"asked {ASKED} times: {used:.1f} ms of this thread each; on the clock {clock}")
        finally:
            await database.close()


async def longest_stall() -> float:
    longest, before = 0.0, time.perf_counter()
    try:
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, before = max(longest, now - before - 0.001), now
    except asyncio.CancelledError:
        return longest


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000))
