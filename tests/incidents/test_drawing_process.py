"""The process that draws: what comes of it when it ends, hangs, is not there or is not needed, and what it costs Muster."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.incidents.axis import Axis
from bot.incidents.drawing import draw
from bot.incidents.drawing_process import DrawingProcess, NotDrawn, Wanted
from bot.incidents.sketch import Row, Sketch
from tests.processes import eventually, running

SKETCH = Sketch(
    title="INC-42 checkout latency",
    summary="37 alerts on checkout, 30 firing",
    axis=Axis(1_767_603_600.0, 60, 4),
    rows=(Row(name="checkout", counts=(0, 4, 21, 20), worst=(None, "error", "critical", "warning"), cause=True),),
    signs=(),
    more=0,
    resolved_at=None,
)
WANTED = Wanted(sketch=SKETCH, zone="Europe/Berlin", theme="light")


@asynccontextmanager
async def drawing(
    command: Sequence[str] = (), *, limit: float = 60.0, rest: float = 0.0
) -> AsyncIterator[DrawingProcess]:
    process = DrawingProcess(command, limit=limit, rest=rest) if command else DrawingProcess(limit=limit, rest=rest)
    try:
        yield process
    finally:
        await process.close()


async def gone(pid: int | None) -> None:
    async def look() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    await eventually(look, f"process {pid} ends")


def handles(pid: int | None) -> list[str]:
    return [str(handle.readlink()) for handle in Path(f"/proc/{pid}/fd").iterdir()]


async def test_it_draws_what_would_be_drawn_here_and_stays_for_the_next() -> None:
    async with drawing() as process:
        assert process.pid is None  # until a picture is wanted
        first = await process.draw(WANTED)
        assert first == draw(SKETCH, "Europe/Berlin", "light")
        pid = process.pid
        both = await asyncio.gather(process.draw(WANTED), process.draw(Wanted(sketch=SKETCH)))
        assert both == [first, draw(SKETCH)]
        assert process.pid == pid
    await gone(pid)
    with pytest.raises(NotDrawn, match="stopping"):
        await process.draw(WANTED)


async def test_it_ends_when_nobody_wanted_a_picture_for_a_while_and_begins_again() -> None:
    process = DrawingProcess(limit=60.0, idle=0.05)
    await process.draw(WANTED)
    await gone(process.pid)
    assert await process.draw(WANTED)
    await process.close()


async def test_it_is_at_the_back_of_the_queue_and_has_nothing_of_ours_but_three_pipes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    with (tmp_path / "muster.db").open("w"):
        async with server, drawing() as process:
            await process.draw(WANTED)
            found = handles(process.pid)
            assert not [name for name in found if not name.startswith(("pipe:", "/")) or name.endswith(".db")]
            assert b"xoxb" not in Path(f"/proc/{process.pid}/environ").read_bytes()
            assert os.getpriority(os.PRIO_PROCESS, process.pid or 0) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10)


async def test_when_it_is_killed_the_picture_is_told_missing_and_the_next_is_drawn() -> None:
    async with drawing() as process:
        await process.draw(WANTED)
        wanted = asyncio.create_task(process.draw(WANTED))
        await asyncio.sleep(0)
        os.kill(process.pid or 0, signal.SIGKILL)
        with pytest.raises(NotDrawn, match="ended by signal 9"):
            await wanted
        assert await process.draw(WANTED)


async def test_when_it_was_killed_meanwhile_nobody_notices() -> None:
    async with drawing() as process:
        await process.draw(WANTED)
        assert process._child is not None
        os.kill(process._child.pid, signal.SIGKILL)
        await process._child._process.wait()
        assert await process.draw(WANTED)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (("/nowhere/python",), "cannot be started"),
        (
            (sys.executable, "-c", "import nosuchlibrary"),
            "exit code 1: ModuleNotFoundError: No module named 'nosuchlibrary'",
        ),
        ((sys.executable, "-c", "import time; time.sleep(600)"), r"took more than 0\.5 s"),
        ((sys.executable, "-c", "import time; print('warning: a font', flush=True); time.sleep(600)"), "would send"),
        (
            (sys.executable, "-c", "import sys; sys.stdin.buffer.read(9); sys.stdout.buffer.write(bytes(3))"),
            "exit code 0",
        ),
    ],
)
async def test_whatever_becomes_of_it_is_told_within_its_limit(command: Sequence[str], why: str) -> None:
    async with drawing(command, limit=0.5 if "0\\.5" in why else 60.0) as process:
        with pytest.raises(NotDrawn, match=why):
            await process.draw(WANTED)
        assert process.pid is None


async def test_after_it_failed_it_is_left_alone_for_a_moment() -> None:
    async with drawing(("/nowhere/python",), rest=600.0) as process:
        with pytest.raises(NotDrawn):
            await process.draw(WANTED)
        with pytest.raises(NotDrawn, match="a moment ago") as told:
            await process.draw(WANTED)
        assert 500.0 < told.value.retry_after <= 600.0


async def test_who_gives_up_waiting_leaves_nothing_half_said() -> None:
    async with drawing() as process:
        first = await process.draw(WANTED)
        wanted = asyncio.create_task(process.draw(Wanted(sketch=SKETCH)))
        await asyncio.sleep(0)
        wanted.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wanted
        assert await process.draw(WANTED) == first


async def test_it_ends_with_muster_even_by_kill_9_and_muster_never_imports_what_draws(tmp_path: Path) -> None:
    async with running(tmp_path) as muster:
        assert children(muster.process.pid) == []
        await muster.webhook(
            "generic", {"name": "latency", "class": "latency", "severity": "critical", "service": "checkout"}
        )
        await eventually(lambda: muster.items("/api/v1/incidents"), "the incident is declared")

        async def drawn() -> bool:
            answer = await muster.request("GET", "/api/v1/incidents/INC-1/picture.png")
            assert answer.status in {200, 503}  # the machine may be too busy to draw it in time
            return (answer.status, answer.headers["content-type"]) == (200, "image/png")

        await eventually(drawn, "the picture is drawn")
        [pid] = children(muster.process.pid)
        assert b"bot.incidents.drawing_child" in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert "matplotlib" in Path(f"/proc/{pid}/maps").read_text()
        assert "matplotlib" not in Path(f"/proc/{muster.process.pid}/maps").read_text()
        ours = {name for name in handles(muster.process.pid) if name.startswith("socket:") or ".db" in name}
        assert ours
        assert not ours & set(handles(pid))
        muster.kill()
        await gone(pid)


def children(pid: int) -> list[int]:
    """What it has started, without the engine, which is always there."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return [child for child in found if b"bot.engine" not in Path(f"/proc/{child}/cmdline").read_bytes()]
