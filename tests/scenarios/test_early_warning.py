"""Early warning, through webhooks and the API alone: a bad day teaches, kill -9 in between, and the next one is told in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot.clock import SystemClock, to_iso
from tests.incidents.test_early import MILD, OUTAGE, Line, fired
from tests.processes import Muster, eventually, launch, running

DAY = 86_400.0


def told(start: float, lines: tuple[Line, ...], after: float = 0.0, **fields: Any) -> list[dict[str, Any]]:
    return [fired(line, at=to_iso(start + after + line[0]), **fields) for line in lines]


async def a_bad_day(muster: Muster, start: float) -> None:
    """The outage, which Mika takes and ends."""
    for alert in told(start, OUTAGE):
        assert (await muster.webhook("generic", [alert])).ok
    await muster.settled()
    bad = [one["id"] for one in await muster.incidents() if one["severity"] in {"SEV1", "SEV2"}]
    assert bad
    assert (await muster.webhook("generic", told(start, OUTAGE, 3_600.0, status="resolved"))).ok
    await muster.settled()
    for number in bad:
        await muster.command("lobby", "mika", f"ack {number}")
        await muster.command("lobby", "mika", f"resolve {number} disk extended")


async def test_a_bad_day_warns_of_the_next_one_in_time_also_after_a_crash(tmp_path: Path) -> None:
    now = SystemClock().now()
    async with running(tmp_path) as muster:
        quiet = {"name": "BackupRan", "service": "payments-db", "severity": "info", "location": "eu"}
        days = [quiet | {"at": to_iso(now - day * DAY)} for day in range(20, 3, -1)]
        assert (await muster.webhook("generic", days)).ok
        await a_bad_day(muster, now - 2.0 * DAY)

        async def learned() -> bool:
            return any(record["event"] == "incident_learned" for record in muster.said())

        await eventually(learned, "the incident is learned from")
        muster.kill()
        again = await launch(tmp_path, muster.session)
        muster.process, muster.address = again.process, again.address

        for alert in told(now - 970.0, MILD):
            assert (await muster.webhook("generic", [alert])).ok
        await muster.settled()
        (warned,) = await muster.items("/api/v1/warnings")
        assert (warned["like"], warned["matched"], warned["came"]) == ("INC-2", 4, None)
        assert warned["told_at"] is not None
        (said,) = [text for text in await muster.notices("lobby") if "Early warning" in text]
        assert "begins like INC-2 (SEV2 " in said
        assert "The first 4 kinds of alerts that came before INC-2 are here, in the same order" in said

        for alert in told(now - 2_400.0, OUTAGE[4:]):
            assert (await muster.webhook("generic", [alert])).ok
        await muster.settled()

        async def came() -> str:
            (one,) = await muster.items("/api/v1/warnings")
            return str(one["incident"]) if one["came"] else ""

        incident = await eventually(came, "what was warned of has come")
        await muster.settled()
        notices = [text for text in await muster.notices("lobby") if "Warned at" in text]
        assert len(notices) == 1
        assert notices[0].startswith(incident)
        why = await muster.command("lobby", "mika", f"why {incident}")
        assert "(W1): the first 4 kinds of alerts that came before INC-2 are here" in why["text"]
