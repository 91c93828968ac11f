"""Many at once, over real sockets: repeats fold into one alert, nobody gets a 5xx, exactly one acknowledges."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.processes import EXAMPLE_CATALOG, Muster, running


def outage(**more: Any) -> dict[str, Any]:
    return {"name": "DiskFull", "severity": "critical", "service": "search", "host": "search-1"} | more


async def test_forty_identical_alerts_at_once_are_one_alert_with_count_40(tmp_path: Path) -> None:
    async with running(tmp_path) as muster:
        answers = await asyncio.gather(*(muster.webhook("generic", outage()) for _ in range(40)))
        assert {answer.status for answer in answers} == {202}
        await muster.settled()
        alerts = await muster.items("/api/v1/alerts")
        assert [(alert["name"], alert["count"]) for alert in alerts] == [("DiskFull", 40)]
        (incident,) = await muster.incidents()
        assert incident["alert_count"] == 1
        said = await muster.messages(incident["rooms"]["console"])
        assert sum("declared" in message["text"] for message in said) == 1


async def test_two_hundred_webhooks_at_once_are_all_taken_in(tmp_path: Path) -> None:
    async with running(tmp_path, catalog=EXAMPLE_CATALOG) as muster:
        bodies = [outage(host=f"search-{n}", dedup_key=f"key-{n}") for n in range(200)]
        answers = await asyncio.gather(*(muster.webhook("generic", body) for body in bodies))
        assert {answer.status for answer in answers} == {202}
        assert len({answer.body["delivery"] for answer in answers}) == 200
        await muster.settled()
        alerts = await muster.items("/api/v1/alerts", limit=200)
        assert {alert["dedup_key"] for alert in alerts} == {f"key-{n}" for n in range(200)}
        assert {alert["count"] for alert in alerts} == {1}
        assert len(await muster.incidents()) == 1


async def test_of_fifty_acks_at_once_one_wins_and_the_others_are_told_who(tmp_path: Path) -> None:
    async with running(tmp_path) as muster:
        room = await room_of_an_incident(muster)
        people = [f"Guest {n}" for n in range(50)]
        answers = await asyncio.gather(*(muster.say(room, person, "/incident ack") for person in people))
        assert {answer.status for answer in answers} == {201}
        replies = {person: answer.body["reply"] for person, answer in zip(people, answers, strict=True)}
        assert not [reply for reply in replies.values() if reply["failed"]]
        winners = [person for person, reply in replies.items() if reply["text"].startswith("Acknowledged by")]
        assert len(winners) == 1
        (winner,) = winners
        told = [reply for person, reply in replies.items() if reply["text"].startswith(f"{winner} acknowledged this")]
        assert len(told) == 49
        await muster.settled()
        (incident,) = await muster.incidents()
        assert incident["acknowledged_by"] == f"guest:{winner}"
        said = [message["text"] for message in await muster.messages(room)]
        assert sum(text.startswith("Acknowledged by") for text in said) == 1
        kinds = [entry["kind"] for entry in await muster.items(f"/api/v1/incidents/{incident['id']}/timeline")]
        assert kinds.count("acknowledged") == 1


async def test_the_same_press_of_a_button_sent_twenty_times_is_done_once(tmp_path: Path) -> None:
    async with running(tmp_path) as muster:
        room = await room_of_an_incident(muster)
        presses = [muster.say(room, "Mika", "/incident note seen", request_id="the-same") for _ in range(20)]
        answers = await asyncio.gather(*presses)
        assert {answer.status for answer in answers} == {201}
        await muster.settled()
        said = [message["text"] for message in await muster.messages(room)]
        assert sum(text.startswith("Note by Mika: seen") for text in said) == 1


async def room_of_an_incident(muster: Muster) -> str:
    answer = await muster.webhook("generic", outage())
    assert answer.status == 202
    await muster.settled()
    (incident,) = await muster.incidents()
    room: str = incident["rooms"]["console"]
    return room
