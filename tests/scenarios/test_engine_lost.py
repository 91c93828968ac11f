"""The engine's process is killed, or Muster is: nothing is lost or doubled, and no process stays behind."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import psutil

from tests.processes import Muster, eventually, running


def engine_of(muster: Muster) -> psutil.Process | None:
    """The process in which its engine works, while there is one."""
    children = psutil.Process(muster.process.pid).children()
    return next((child for child in children if "bot.engine" in child.cmdline()), None)


async def working(muster: Muster) -> psutil.Process:
    async def look() -> psutil.Process | None:
        return engine_of(muster)

    return await eventually(look, "the engine has a process")  # type: ignore[return-value]  # true only when there is one


def trouble(number: int) -> dict[str, str]:
    return {
        "name": "HighErrors",
        "severity": "critical",
        "service": ("checkout", "payments")[number % 2],
        "host": f"host-{number}",
        "dedup_key": f"key-{number}",
    }


async def test_killing_the_engine_in_the_middle_of_a_storm_loses_and_doubles_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as muster:
        number = 0
        for _ in range(5):
            for _ in range(20):
                assert (await muster.webhook("generic", [trouble(number + n) for n in range(50)])).ok
                number += 50
            engine = await working(muster)
            engine.kill()
            engine.wait()
        await muster.settled()
        alerts = Counter(alert["dedup_key"] for alert in await muster.items("/api/v1/alerts"))
        assert alerts == {f"key-{n}": 1 for n in range(number)}
        (incident,) = await muster.incidents()
        assert incident["alert_count"] == number
        assert sum("declared" in words for words in await muster.notices(incident["rooms"]["console"])) == 1
        assert (await muster.request("GET", "/readyz")).status == 200
        reply = await muster.command(incident["rooms"]["console"], "robin", "ack")
        assert not reply["failed"]


async def test_what_waits_when_the_engine_is_killed_between_alerts_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path) as muster:
        await muster.webhook("generic", trouble(0))
        await muster.settled()
        (await working(muster)).kill()
        await muster.webhook("generic", trouble(1))
        await muster.settled()
        (incident,) = await muster.incidents()
        assert incident["alert_count"] == 2
        reply = await muster.command(incident["rooms"]["console"], "robin", "split A2")
        assert not reply["failed"]


async def test_a_command_that_needs_the_engine_has_it_again_when_it_was_killed(tmp_path: Path) -> None:
    async with running(tmp_path) as muster:
        await muster.webhook("generic", [trouble(0), trouble(1), trouble(2)])
        await muster.settled()
        (incident,) = await muster.incidents()
        engine = await working(muster)
        engine.kill()
        engine.wait()

        async def split() -> bool:
            answer = await muster.say(incident["rooms"]["console"], "robin", "/incident split A2")
            return (
                answer.ok and not answer.body["reply"]["failed"]
            )  # until Muster knows, it says that it starts it again

        await eventually(split, "the alert is split off")
        await muster.webhook("generic", trouble(4))
        await muster.settled()
        counts = {one["number"]: one["alert_count"] for one in await muster.incidents()}
        assert counts == {1: 3, 2: 1}


async def test_no_engine_outlives_muster_however_it_ends(tmp_path: Path) -> None:
    async with running(tmp_path) as muster:
        killed = await working(muster)
        muster.kill()

        async def gone() -> bool:
            return not killed.is_running() or killed.status() == psutil.STATUS_ZOMBIE

        await eventually(gone, "the engine ends when nobody asks any more")
    async with running(tmp_path) as muster:
        stopped = await working(muster)
        assert await muster.stop() == 0
        assert not stopped.is_running()
