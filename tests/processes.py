"""A real Muster as a process of its own, spoken to over loopback: for stories with kill -9, a full disk or a second process.

What the stories expect of it must not enter here.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

__all__ = [
    "EXAMPLE_CATALOG",
    "ROOT",
    "Answer",
    "Muster",
    "client",
    "eventually",
    "free_port",
    "launch",
    "refused_start",
    "running",
    "spawn",
]

ROOT = Path(__file__).parents[1]
EXAMPLE_CATALOG = ROOT / "manifests" / "catalog.example.yaml"
PATIENCE = 60.0  # seconds until we believe that something will never happen; other tests may keep the machine busy
TICK = 0.02  # seconds between two looks

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered: the status, the body as JSON where it is JSON, the headers."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(slots=True)
class Muster:
    """A running Muster and short words for what one asks of it."""

    folder: Path
    process: subprocess.Popen[bytes]
    log: Path
    session: aiohttp.ClientSession
    address: str = ""
    started_in: float = 0.0  # seconds from the process's start to the word that it has started

    # --- the process --------------------------------------------------------------------------------------------------

    @property
    def database(self) -> Path:
        return self.folder / "muster.db"

    @property
    def journal(self) -> Path:
        return self.folder / "muster.deliveries.db"

    def kill(self) -> None:
        """kill -9: nothing is said, nothing is closed."""
        self.process.kill()
        self.process.wait()

    async def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for its end; returns the exit code."""
        return (await eventually(lambda: _code(self.process), "the process ends"))[0]

    def hang_up(self) -> None:
        """SIGHUP: read the catalogue again."""
        self.process.send_signal(signal.SIGHUP)

    def said(self) -> list[dict[str, Any]]:
        """The log so far, of all starts over these files; a line that is no JSON is an event of its own."""
        return [_record(line) for line in self.log.read_text(errors="surrogateescape").split("\n") if line]

    def peak_megabytes(self) -> float:
        """The most memory that it held at once (Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    # --- HTTP ---------------------------------------------------------------------------------------------------------

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        """Ask; aiohttp.ClientError when there is no answer."""
        async with self.session.request(method, self.address + path, **options) as response:
            raw = await response.read()
            kind = response.content_type
            body = json.loads(raw) if kind.endswith("json") and raw else raw.decode(errors="replace")
            return Answer(response.status, body, {name.lower(): value for name, value in response.headers.items()})

    async def get(self, path: str, **query: Any) -> Any:
        """The body of an answer that must be 200."""
        answer = await self.request("GET", path, params=query)
        assert answer.status == 200, (path, answer)
        return answer.body

    async def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Everything of a list, page by page."""
        found: list[dict[str, Any]] = []
        following: str | None = None
        while True:
            page = await self.get(path, **query, **({"cursor": following} if following else {}))
            found += page["items"]
            following = page["next"]
            if not following:
                return found

    async def webhook(self, source: str, body: Any, headers: dict[str, str] | None = None) -> Answer:
        """Post a delivery: bytes as they are, anything else as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.request(
            "POST",
            f"/webhooks/{source}",
            data=io.BytesIO(data),
            headers={"Content-Type": "application/json"} | (headers or {}),
        )

    async def say(self, room: str, person: str, text: str, request_id: str | None = None) -> Answer:
        """Speak in a room; text that begins with /incident is a command."""
        body = {"as": person, "text": text} | ({"request_id": request_id} if request_id else {})
        return await self.request("POST", f"/api/v1/rooms/{room}/messages", json=body)

    async def command(self, room: str, person: str, text: str, *, fails: bool = False) -> dict[str, Any]:
        """Type `/incident TEXT` and return the reply, which must not have failed (or must, when it `fails`)."""
        answer = await self.say(room, person, f"/incident {text}".rstrip())
        assert answer.status == 201, (text, answer)
        reply: dict[str, Any] = answer.body["reply"]
        assert reply["failed"] is fails, (text, reply)
        return reply

    async def press(self, room: str, person: str, button: dict[str, Any], request_id: str = "") -> dict[str, Any]:
        """Press a button that a message or a reply showed; returns the reply."""
        body = {"as": person, "command": button["command"], "request_id": request_id or f"press-{time.monotonic_ns()}"}
        answer = await self.request("POST", f"/api/v1/rooms/{room}/actions", json=body)
        assert answer.status == 200, (button, answer)
        reply: dict[str, Any] = answer.body["reply"]
        return reply

    async def incidents(self, **query: Any) -> list[dict[str, Any]]:
        """All incidents, oldest first."""
        return (await self.items("/api/v1/incidents", **query))[::-1]

    async def messages(self, room: str, person: str = "") -> list[dict[str, Any]]:
        """The whole conversation of a room, oldest first."""
        found: list[dict[str, Any]] = []
        query: dict[str, Any] = {"as": person} if person else {}
        while True:
            page = await self.get(f"/api/v1/rooms/{room}/messages", **query)
            found = page["items"] + found
            if not page["next"]:
                return found
            query["before"] = page["next"]

    async def notices(self, room: str, person: str = "") -> list[str]:
        """What Muster said in a room, without its card, as plain text."""
        said = await self.messages(room, person)
        return [message["text"] for message in said if message["view"] and message["view"]["view"] != "card"]

    async def settled(self, seconds: float = PATIENCE) -> None:
        """Wait until everything that was accepted is in the incidents, and everything to be said is said."""

        async def look() -> bool:
            ready = (await self.request("GET", "/readyz")).body
            return bool(ready["lag"]["deliveries"] == 0 and ready["outbox"] and ready["outbox"]["pending"] == 0)

        async def twice() -> bool:
            return await look() and await look()  # a batch may have been between the two figures

        await eventually(twice, "all is processed and said", seconds)


# --- starting ---------------------------------------------------------------------------------------------------------


def _environment(folder: Path, settings: dict[str, str]) -> dict[str, str]:
    """This process's environment without any setting of Muster, and with those of the test.

    What is started a hundred times is compiled once, also where Python was told to keep nothing that it compiled.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MUSTER_", "SLACK_", "DISCORD_"))}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return kept | {
        "PYTHONPATH": path,
        "MUSTER_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'muster.db'}",
        "MUSTER_HTTP_PORT": "0",
        "MUSTER_LOG_FORMAT": "json",
        **settings,
    }


def spawn(
    folder: Path, log: Path, arguments: Sequence[str], settings: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """`muster ARGUMENTS` in `folder`, everything it says appended to `log`."""
    with log.open("ab") as sink:
        return subprocess.Popen(
            [sys.executable, "-m", "bot", *arguments],
            cwd=folder,
            env=_environment(folder, settings or {}),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
        )


async def launch(
    folder: Path,
    session: aiohttp.ClientSession,
    *,
    catalog: Path | None = None,
    settings: dict[str, str] | None = None,
    log: Path | None = None,
    wait: bool = True,
) -> Muster:
    """Start `muster run` over the files in `folder`; without `wait` it may not answer yet, and has no address."""
    log = log or folder / "muster.log"
    said = log.stat().st_size if log.exists() else 0
    began = time.monotonic()
    arguments = ["run", *(["--catalog", str(catalog)] if catalog else [])]
    process = spawn(folder, log, arguments, settings)
    muster = Muster(folder=folder, process=process, log=log, session=session)
    if not wait:
        return muster
    try:
        muster.address = await eventually(lambda: _address(log, said, process), "Muster starts", every=0.01)
    except BaseException:
        muster.kill()
        raise
    muster.started_in = time.monotonic() - began
    return muster


@asynccontextmanager
async def running(folder: Path, **options: Any) -> AsyncIterator[Muster]:
    """A Muster for the length of the block, stopped cleanly, or killed when it was killed or the block fails."""
    async with client() as session:
        muster = await launch(folder, session, **options)
        try:
            yield muster
        except BaseException:
            muster.kill()
            raise
        code = await muster.stop()
        assert code in {0, -signal.SIGKILL}, muster.said()[-20:]


@asynccontextmanager
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """A session that opens as many connections as it is asked for."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session:
        yield session


def refused_start(folder: Path, *arguments: str, settings: dict[str, str] | None = None) -> tuple[int, str]:
    """Run a `muster` that is expected to end by itself; its exit code and everything it said."""
    result = subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=folder,
        env=_environment(folder, settings or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE,
        check=False,
    )
    return result.returncode, result.stdout.decode(errors="replace")


def free_port() -> int:
    """A port that nobody listens on now, for programs that cannot tell which one they took."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _code(process: subprocess.Popen[bytes]) -> tuple[int, ...]:
    code = process.poll()
    return () if code is None else (code,)


async def _address(log: Path, said: int, process: subprocess.Popen[bytes]) -> str:
    with log.open("rb") as source:
        source.seek(said)
        words = source.read()
    for record in _records(words):
        if record.get("event") == "muster_started":
            return str(record["address"])
    assert process.poll() is None, f"it ended with {process.poll()}: {words.decode(errors='replace')[-3000:]}"
    return ""


def _records(words: bytes) -> Iterator[dict[str, Any]]:
    for line in words.split(b"\n"):
        if line:
            yield _record(line.decode(errors="surrogateescape"))


def _record(line: str) -> dict[str, Any]:
    with suppress(ValueError):
        record = json.loads(line)
        if isinstance(record, dict):
            return record
    return {"event": line, "level": "raw"}


# --- waiting ----------------------------------------------------------------------------------------------------------


async def eventually(look: Callable[[], Awaitable[T]], what: str, seconds: float = PATIENCE, every: float = TICK) -> T:
    """Look until what is seen is true, and return it; AssertionError with `what` when it never is."""
    deadline = time.monotonic() + seconds
    while True:
        seen = await look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"within {seconds:g} s it never held that {what}; last seen: {seen!r}"
        await asyncio.sleep(every)
