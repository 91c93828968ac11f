"""How fast alerts are taken in: Muster (on disk before each 202) and Alertmanager (in memory), in turn, in one run.

    python -m tests.benchmarks.intake_rate [--seconds 5] [--rounds 3]

Posts unique alerts, singly over 8 and 64 connections and in batches of 100, from a process of its own, and prints both rates,
p50/p99 of an answer, peak memory, the ratio, and how many alerts a second are visible in Muster's API, from the first post to
the last alert. It asserts nothing: figures depend on the machine and on what else it does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import uvloop

ALERTMANAGER = "prometheus-alertmanager"
SHAPES = ((8, 1), (64, 1), (8, 100))  # connections, alerts in a body


# --- what is posted ---------------------------------------------------------------------------------------------------


def alert(run: str, n: int) -> dict[str, object]:
    """One of many alerts that differ in a label."""
    return {
        "labels": {
            "alertname": "HighRequestLatency",
            "severity": "critical",
            "service": f"service-{n % 40}",
            "instance": f"host-{n % 500}:9100",
            "cluster": "eu-west-1",
            "run": run,
            "number": str(n),
        },
        "annotations": {"summary": f"p99 of service-{n % 40} is over 2 s", "description": "for 5 minutes"},
        "startsAt": "2026-01-05T08:58:30.123Z",
        "endsAt": "2036-01-05T08:58:30.123Z",
        "generatorURL": "http://prometheus.example.org/graph?g0.expr=up",
    }


def request(target: str, run: str, first: int, size: int) -> bytes:
    """One whole POST: an array for Alertmanager's API, the same alerts as its webhook sends them for Muster."""
    alerts = [alert(run, first + i) for i in range(size)]
    if target == "alertmanager":
        path, body = "/api/v2/alerts", json.dumps(alerts).encode()
    else:
        for i, each in enumerate(alerts):
            each |= {"status": "firing", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": f"{run}{first + i:010x}"}
        path = "/webhooks/alertmanager"
        body = json.dumps({"version": "4", "status": "firing", "receiver": "muster", "alerts": alerts}).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


# --- the load, in its own process -------------------------------------------------------------------------------------


class Sender(asyncio.Protocol):
    """One connection: the next request goes out when the last one is answered."""

    def __init__(
        self, requests: Iterator[bytes], seconds: list[float], failures: list[str], done: asyncio.Event
    ) -> None:
        self.requests, self.seconds, self.failures, self.done = requests, seconds, failures, done
        self.answer = b""
        self.sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        following = next(self.requests, None)
        if following is None:
            self.transport.close()
            self.done.set()
            return
        self.sent = time.perf_counter()
        self.transport.write(following)

    def data_received(self, data: bytes) -> None:
        self.answer += data
        end = self.answer.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self.answer.lower().find(b"content-length:", 0, end)
        length = int(self.answer[at + 15 : self.answer.find(b"\r\n", at)]) if at >= 0 else 0
        if len(self.answer) < end + 4 + length:
            return
        self.seconds.append(time.perf_counter() - self.sent)
        if self.answer[9:10] != b"2":
            self.failures.append(self.answer.decode()[:200])
        self.answer = b""
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        self.done.set()


async def load(port: int, target: str, connections: int, size: int, count: int, run: str) -> dict[str, float]:
    """Post `count` requests; how many alerts a second went in, and how long an answer took."""
    bodies = [request(target, run, n * size, size) for n in range(count)]
    requests = iter(bodies)
    seconds: list[float] = []
    failures: list[str] = []
    loop = asyncio.get_running_loop()
    done = [asyncio.Event() for _ in range(connections)]
    started = time.perf_counter()
    for event in done:
        await loop.create_connection(lambda e=event: Sender(requests, seconds, failures, e), "127.0.0.1", port)
    for event in done:
        await event.wait()
    took = time.perf_counter() - started
    if failures or len(seconds) != count:
        raise SystemExit(f"{target}: {count - len(seconds)} unanswered, {len(failures)} refused, e.g. {failures[:1]}")
    cuts = statistics.quantiles(seconds, n=100)
    return {
        "alerts": count * size,
        "took": took,
        "rate": count * size / took,
        "p50": cuts[49] * 1e3,
        "p99": cuts[98] * 1e3,
    }


# --- the servers ------------------------------------------------------------------------------------------------------


@dataclass
class Server:
    """A running server: where it listens, and the process that may be asked for its memory."""

    port: int
    process: subprocess.Popen[bytes]

    def peak_megabytes(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int, folder: Path, settings: dict[str, str] | None = None) -> Iterator[Server]:
    """Start, wait until it listens, stop."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=os.environ | (settings or {}))
        try:
            deadline = time.monotonic() + 20
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{command[0]} did not start:\n{(folder / 'log').read_text()[-2000:]}")
                time.sleep(0.05)
            yield Server(port, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


@contextlib.contextmanager
def muster(folder: Path) -> Iterator[Server]:
    """The whole product: while it takes alerts in, its pipeline groups them, and both share the interpreter."""
    port = free_port()
    settings = {
        "MUSTER_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'muster.db'}",
        "MUSTER_HTTP_PORT": str(port),
        "MUSTER_LOG_LEVEL": "warning",
    }
    with running([sys.executable, "-m", "bot", "run"], port, folder, settings) as server:
        yield server


def drained(server: Server) -> float:
    """Seconds until everything that was posted is visible in the API."""
    began = time.monotonic()
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/readyz") as answer:
            if json.load(answer)["lag"]["deliveries"] == 0:
                return time.monotonic() - began
        time.sleep(0.05)


@contextlib.contextmanager
def alertmanager(folder: Path) -> Iterator[Server]:
    port = free_port()
    (folder / "config.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    command = [
        shutil.which(ALERTMANAGER) or ALERTMANAGER,
        f"--config.file={folder / 'config.yml'}",
        f"--storage.path={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=error",
    ]
    with running(command, port, folder) as server:
        yield server


# --- the run ----------------------------------------------------------------------------------------------------------


def measure(server: Server, target: str, connections: int, size: int, seconds: float, run: str) -> dict[str, float]:
    """A short run to learn the rate, then one of about `seconds`."""

    def post(count: int, part: str) -> dict[str, float]:
        options = [server.port, target, connections, size, count, run + part]
        command = [sys.executable, "-m", __spec__.name, "--load", *map(str, options)]
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]).stdout
        return dict(json.loads(out))

    warm = post(max(connections * 4, 2000 // size), "a")
    if target == "muster":
        drained(server)
    return post(max(connections * 4, int(min(warm["rate"], 400_000) * seconds / size)), "b")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", choices=("muster", "alertmanager"))
    parser.add_argument("--load", nargs=6, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        port, target, connections, size, count, run = options.load
        print(json.dumps(uvloop.run(load(int(port), target, int(connections), int(size), int(count), run))))
        return
    targets = ["muster", "alertmanager"]
    if not shutil.which(ALERTMANAGER):
        print(f"{ALERTMANAGER} is not installed: there is nothing to compare with")
        targets.remove("alertmanager")
    targets = [options.only] if options.only else targets
    print(f"{os.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f} before the run")
    columns = ("connections", "batch", "target       ", "alerts/s", "p50 ms", "p99 ms", "peak MB", "ratio", "visible/s")
    print(" ".join(f"{name:>{width}}" for name, width in zip(columns, (11, 5, 13, 9, 8, 8, 8, 6, 10), strict=True)))
    for number in range(options.rounds):
        for connections, size in SHAPES:
            rates: dict[str, float] = {}
            for target in targets:
                with tempfile.TemporaryDirectory() as name:
                    folder = Path(name)
                    start = muster(folder) if target == "muster" else alertmanager(folder)
                    with start as server:
                        figures = measure(server, target, connections, size, options.seconds, f"r{number}")
                        rates[target] = figures["rate"]
                        rest = drained(server) if target == "muster" else 0.0
                        peak = server.peak_megabytes()
                visible = f"{figures['alerts'] / (figures['took'] + rest):,.0f}" if target == "muster" else ""
                ratio = f"{rates['muster'] / rates['alertmanager']:.2f}" if len(rates) == 2 else ""
                print(
                    f"{connections:>11} {size:>5} {target:<13} {figures['rate']:>9,.0f} {figures['p50']:>8.2f} "
                    f"{figures['p99']:>8.2f} {peak:>8.0f}  {ratio:<5}  {visible}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
