"""How late Muster is: from a webhook to the room's message, and from a command to its answer while a storm comes in.

    python -m tests.benchmarks.latency [--seconds 20] [--rate 100] [--storm 5000]

First part: `--rate` alerts a second, singly; every 20th is an outage of its own whose message in the room is waited for, as a
browser does, on the event stream. Second part: a storm in batches of 100, and a command every 50 ms; first at ten times `--rate`,
then at `--storm` alerts a second, then as fast as they are accepted, which leaves no processor idle. It asserts nothing: figures
depend on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import uvloop

from tests.processes import EXAMPLE_CATALOG, Muster, eventually, running

SENDERS = 2
LAST_ONES = 5.0  # seconds to wait for messages after the last alert


def alert(number: int, **more: str) -> dict[str, str]:
    return {
        "name": f"HighLatency{number % 7}",
        "severity": "critical",
        "service": ("web", "checkout", "cart", "payments-api")[number % 4],
        "host": f"host-{number}",
        "location": "eu-west-1",
        "summary": f"p99 is {number} ms",
        "dedup_key": f"key-{number}",
    } | more


def alone(number: int) -> dict[str, str]:
    """Something that has nothing to do with anything: an incident of its own."""
    place = f"island-{number}"
    return alert(
        number, name=f"Flood{number}", service=place, host=place, location=place, summary=f"{number} m of water"
    )


def figures(what: str, seconds: Sequence[float]) -> str:
    if len(seconds) < 2:
        return f"{what}: {len(seconds)} measured"
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return (
        f"{what}: n {len(seconds)}, p50 {cuts[49] * 1e3:.1f} ms, p95 {cuts[94] * 1e3:.1f} ms, "
        f"p99 {cuts[98] * 1e3:.1f} ms, max {max(seconds) * 1e3:.1f} ms"
    )


async def listen(muster: Muster, arrived: dict[str, float]) -> None:
    """Note when the first message of each incident's room arrives on the event stream."""
    async with muster.session.get(f"{muster.address}/api/v1/events", timeout=None) as stream:
        event = ""
        async for raw in stream.content:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data: ") and event == "message":
                arrived.setdefault(json.loads(line[6:])["text"].partition("\n")[0], time.perf_counter())


async def to_the_room(muster: Muster, rate: float, length: float) -> None:
    arrived: dict[str, float] = {}
    sent: dict[int, float] = {}
    answers: list[float] = []
    listener = asyncio.create_task(listen(muster, arrived))
    await asyncio.sleep(0.3)

    async def post(number: int) -> None:
        body = alone(number) if number % 20 == 7 else alert(number)
        began = time.perf_counter()
        if number % 20 == 7:
            sent[number] = began
        answer = await muster.webhook("generic", body)
        assert answer.status == 202, answer
        answers.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(rate * length)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            tasks.create_task(post(number))
    await asyncio.sleep(LAST_ONES)
    listener.cancel()
    with suppress(asyncio.CancelledError):
        await listener
    told = {text.lower(): at for text, at in arrived.items()}
    late = [
        min(at for text, at in told.items() if f"flood{number}" in text and "declared" in text) - when
        for number, when in sent.items()
        if any(f"flood{number}" in text and "declared" in text for text in told)
    ]
    print(figures(f"webhook answered at {rate:.0f} alerts/s", answers))
    print(figures(f"webhook to room message at {rate:.0f} alerts/s", late), f"({len(sent) - len(late)} missing)")


async def during_a_storm(muster: Muster, length: float, rate: float | None, *, first: int) -> None:
    room = next(i["rooms"]["console"] for i in await muster.incidents() if "checkout" in i["services"])
    storm_over = asyncio.Event()
    posted = 0
    begun = time.perf_counter()

    async def storm(first: int) -> None:
        nonlocal posted
        number = first
        while not storm_over.is_set():
            if rate is not None:
                await asyncio.sleep(max(0.0, begun + (number - first) / (rate / SENDERS) - time.perf_counter()))
            answer = await muster.webhook("generic", [alert(number + n) for n in range(100)])
            assert answer.status in {202, 503}, answer
            posted += 100 if answer.ok else 0
            number += 100

    async def ask(text: str, seconds: list[float]) -> None:
        began = time.perf_counter()
        answer = await muster.say(room, "robin", text)
        assert answer.status == 201, answer
        seconds.append(time.perf_counter() - began)

    reads: list[float] = []
    writes: list[float] = []
    storms = [asyncio.create_task(storm(first + 5_000_000 * n)) for n in range(SENDERS)]
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        while time.perf_counter() - began < length:
            tasks.create_task(ask("/incident show", reads))
            await asyncio.sleep(0.05)
            tasks.create_task(ask(f"/incident note at {time.perf_counter() - began:.2f}", writes))
            await asyncio.sleep(0.05)
        storm_over.set()
    took = time.perf_counter() - began
    await asyncio.gather(*storms)
    behind = (await muster.get("/readyz"))["lag"]
    print(f"storm: {posted / took:,.0f} alerts/s taken in, {behind['deliveries']:,} deliveries behind at its end")
    print(figures("    command that reads, meanwhile", reads))
    print(figures("    command that writes, meanwhile", writes))

    async def caught_up() -> bool:
        return bool((await muster.request("GET", "/readyz")).body["lag"]["deliveries"] == 0)

    began = time.perf_counter()
    await eventually(caught_up, "the storm is over", 600)
    print(f"    caught up {time.perf_counter() - began:.1f} s later")


async def run(options: argparse.Namespace) -> None:
    print(f"{psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f} before the run")
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), catalog=EXAMPLE_CATALOG) as muster:
            print(f"started in {muster.started_in:.2f} s")
            await to_the_room(muster, options.rate, options.seconds)
            for number, rate in enumerate((10 * options.rate, options.storm, None)):
                await during_a_storm(muster, options.seconds, rate, first=(number + 1) * 10_000_000)
            print(f"peak memory {muster.peak_megabytes():.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--storm", type=float, default=5000.0)
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
