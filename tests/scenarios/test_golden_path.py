"""The product's golden path through HTTP alone, from the first alert of a bad day to the retrospective, a restart included."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bot.clock import SystemClock
from bot.demo.story import LENGTH, RECOVERY_AT, Post, bound, story
from tests.processes import EXAMPLE_CATALOG, Muster, client, eventually, launch, running, spawn

PEOPLE = ("robin", "mika", "amara", "jonas", "priya", "diego")


class Day:
    """The example organisation on its bad day, and who does what in it."""

    def __init__(self, muster: Muster) -> None:
        self.muster = muster
        self.start = SystemClock().now() - LENGTH
        self.room = ""
        self.incident = ""

    async def tell(self, posts: Iterable[Post]) -> None:
        """What the tools of the organisation post."""
        for post in posts:
            answer = await self.muster.webhook(post.source, bound(post.body, self.start), post.headers)
            assert answer.ok, answer
        await self.muster.settled()

    async def types(self, person: str, text: str, *, fails: bool = False) -> dict[str, Any]:
        return await self.muster.command(self.room, person, text, fails=fails)

    async def presses(self, person: str, label: str, buttons: list[dict[str, Any]], room: str = "") -> dict[str, Any]:
        button = next(button for button in buttons if button["label"] == label)
        return await self.muster.press(room or self.room, person, button)

    async def is_told(self, *words: str) -> dict[str, Any]:
        """The newest message of the room that says all of this, as soon as there is one."""

        async def look() -> dict[str, Any]:
            said = await self.muster.messages(self.room)
            return next((message for message in reversed(said) if all(word in message["text"] for word in words)), {})

        return await eventually(look, f"the room is told {words!r}")

    async def card(self) -> dict[str, Any]:
        await self.muster.settled()
        (card,) = [m for m in await self.muster.messages(self.room) if m["view"] and m["view"]["view"] == "card"]
        assert card["pinned"]
        view: dict[str, Any] = card["view"]
        return view

    async def about(self, incident: str = "") -> dict[str, Any]:
        found: dict[str, Any] = await self.muster.get(f"/api/v1/incidents/{incident or self.incident}")
        return found


async def test_the_golden_path(tmp_path: Path) -> None:
    async with running(tmp_path, catalog=EXAMPLE_CATALOG) as muster:
        day = Day(muster)
        outage, other = await it_breaks(day)
        await somebody_takes_it(day)
        await the_owner_is_brought_in(day)
        await runbooks_help(day)
        await noise_is_silenced(day)
        await the_grouping_is_corrected(day, other)
        await somebody_else_is_paged(day)

        before = await everything(muster)
        assert await muster.stop() == 0
        again = await launch(tmp_path, muster.session, catalog=EXAMPLE_CATALOG)
        muster.process, muster.address = again.process, again.address
        await muster.settled()
        assert await everything(muster) == before

        await it_is_over(day)
        await the_retrospective(day, outage)
        assert not [record for record in muster.said() if record.get("level") in {"raw", "error", "critical"}]


async def it_breaks(day: Day) -> tuple[str, str]:
    await day.tell(post for post in story() if post.at < RECOVERY_AT)
    incidents = await day.muster.incidents()
    assert len(incidents) == 2, [incident["title"] for incident in incidents]
    outage = next(incident for incident in incidents if "payments-api" in incident["services"])
    other = next(incident for incident in incidents if "analytics" in incident["services"])
    assert set(outage["services"]) == {"payments-api", "checkout", "cart", "web"}
    assert outage["cause"]["service"] == "payments-api"
    assert (outage["status"], outage["severity"]) == ("open", "SEV2")
    day.room, day.incident = outage["rooms"]["console"], outage["id"]
    assert day.room.startswith("inc-")
    card = await day.card()
    assert card["incident"] == outage["id"]
    assert {service["name"] for service in card["services"]} == set(outage["services"])
    assert "a1b2c3d4" in str(card["suspects"][0]), "the deploy of the outage is the first suspect"
    return outage["id"], other["id"]


async def somebody_takes_it(day: Day) -> None:
    """The page arrives as a direct message; its button takes the incident; a second one is told who was first."""
    paged, buttons = await the_page_of(day)
    assert (await day.muster.items("/api/v1/rooms", **{"as": "jonas"}))[0]["kind"] != "private", "nobody else is paged"
    reply = await day.presses(paged, "Acknowledge", buttons, room=f"dm-{paged}")
    assert reply["text"].startswith("Acknowledged by ")
    name = (await day.is_told("Acknowledged by "))["text"].removeprefix("Acknowledged by ").partition(",")[0]
    second = "robin" if paged != "robin" else "mika"
    reply = await day.types(second, "ack me too")
    assert f"{name} acknowledged this" in reply["text"]
    found = await day.about()
    assert (found["status"], found["acknowledged_by"], found["commander"]) == ("acknowledged", paged, paged)
    assert (await day.card())["lead"]["name"] == name
    (page,) = [m for m in await day.muster.messages(f"dm-{paged}", paged) if day.incident in m["text"]]
    assert "Acknowledge" not in [button["label"] for button in page["view"]["buttons"]], "an answered page asks no more"


async def the_page_of(day: Day) -> tuple[str, list[dict[str, Any]]]:
    """Who is paged about the outage, and the buttons of the page."""
    for person in PEOPLE:
        rooms = {room["id"] for room in await day.muster.items("/api/v1/rooms", **{"as": person})}
        if f"dm-{person}" in rooms:
            for message in await day.muster.messages(f"dm-{person}", person):
                if day.incident in message["text"]:
                    return person, message["view"]["buttons"]
    raise AssertionError("nobody is paged")


async def the_owner_is_brought_in(day: Day) -> None:
    reply = await day.types("mika", "owner")
    assert "Robin Vos" in reply["text"]
    told = await day.is_told("invited Robin Vos")
    assert "deployed payments-api a1b2c3d4" in told["text"]
    assert "Retry card charges three times" in told["text"]
    assert "a1b2c3d4" in str((await day.types("mika", "changes"))["details"][0])


async def runbooks_help(day: Day) -> None:
    listed = await day.types("mika", "runbook")
    assert "restart-payments-api" in str(listed["details"])

    dry = await day.types("mika", "runbook run recent-errors service=checkout")
    await day.muster.settled()
    assert not [text for text in await day.muster.notices(day.room) if "recent-errors" in text]
    ran = await day.presses("mika", "Run", dry["buttons"])
    assert not ran["failed"]
    await day.is_told("recent-errors", "succeeded", "checkout error 5: upstream timed out")

    asked = await day.types("mika", "runbook run restart-payments-api instances=2")
    assert not asked["failed"]
    question = await day.is_told("asks to run", "restart-payments-api")
    approve = next(button for button in question["view"]["buttons"] if button["command"].startswith("runbook approve"))
    refused = await day.muster.press(day.room, "mika", approve)
    assert refused["failed"]
    approved = await day.muster.press(day.room, "amara", approve)
    assert not approved["failed"]
    await day.is_told("restart-payments-api", "succeeded", "pay-2: drained, restarted, healthy")
    again = await day.types("mika", "runbook run restart-payments-api instances=2", fails=True)
    assert again["text"], "it cools down first"


async def noise_is_silenced(day: Day) -> None:
    preview = await day.types("mika", 'silence service="search" name="DiskWillFillSoon" 2h it is ordered')
    assert "would have muted" in preview["text"]
    assert not re.search(r"would have muted nothing", preview["text"])
    assert len([s for s in (await day.types("mika", "silences"))["details"] if "search" in str(s)]) == 0
    done = await day.presses("mika", "Silence", preview["buttons"])
    assert re.search(r"S\d+ mutes ", done["text"])
    muted = {"name": "DiskWillFillSoon", "service": "search", "host": "search-9", "severity": "critical"}
    assert (await day.muster.webhook("generic", muted)).ok
    await day.muster.settled()
    (alert,) = [a for a in await day.muster.items("/api/v1/alerts", limit=200) if a["host"] == "search-9"]
    assert "silence" in alert["held"]
    assert alert["incident"] is None


async def the_grouping_is_corrected(day: Day, other: str) -> None:
    before = await day.about()
    merged = await day.types("priya", f"merge {other}")
    assert f"{other} is merged into {day.incident}" in merged["text"]
    gone = await day.about(other)
    assert (gone["status"], gone["merged_into"]) == ("resolved", day.incident)
    assert (await day.about())["alert_count"] == before["alert_count"] + 3
    mine = await day.muster.items(f"/api/v1/incidents/{day.incident}/alerts", limit=200)
    strangers = [alert["id"] for alert in mine if alert["service"] in {"analytics", "reports"}]
    split = await day.types("priya", f"split {' '.join(strangers)}")
    assert "3 alerts split off into" in split["text"]
    after = await day.about()
    for same in ("alert_count", "services", "first_alert_at", "status", "acknowledged_by"):
        assert after[same] == before[same], same
    assert after["cause"]["service"] == "payments-api"
    (new,) = [i for i in await day.muster.incidents() if i["id"] not in {day.incident, other}]
    assert (new["alert_count"], sorted(new["services"]), new["status"]) == (3, ["analytics", "reports"], "open")
    await day.muster.settled()
    new = await day.about(new["id"])
    assert new["rooms"]["console"]


async def somebody_else_is_paged(day: Day) -> None:
    reply = await day.types("mika", "page @diego the database, please")
    assert "Paged Diego Salas" in reply["text"]
    await day.is_told("Paged Diego Salas")

    async def asked() -> list[dict[str, Any]]:
        answer = await day.muster.request("GET", "/api/v1/rooms/dm-diego/messages", params={"as": "diego"})
        items = answer.body.get("items", [])
        return [message for message in items if "the database, please" in message["text"]]

    (page,) = await eventually(asked, "Diego is asked")
    reply = await day.presses("diego", "I can't", page["view"]["buttons"], room="dm-diego")
    assert not reply["failed"]
    await day.is_told("cannot take it")
    refused = await day.muster.request("GET", "/api/v1/rooms/dm-diego/messages", params={"as": "mika"})
    assert refused.status == 404, "a private conversation is nobody else's"


async def everything(muster: Muster) -> dict[str, Any]:
    """What must outlive a restart."""
    incidents = await muster.incidents()
    rooms = [incident["rooms"]["console"] for incident in incidents]
    return {
        "incidents": incidents,
        "alerts": await muster.items("/api/v1/alerts", limit=200),
        "timelines": [await muster.items(f"/api/v1/incidents/{i['id']}/timeline") for i in incidents],
        "conversations": {room: [(m["id"], m["text"]) for m in await muster.messages(room)] for room in rooms},
        "changes": await muster.items("/api/v1/changes", limit=200),
        "silences": (await muster.command("lobby", "mika", "silences"))["text"],
    }


async def it_is_over(day: Day) -> None:
    await day.tell(post for post in story() if post.at >= RECOVERY_AT)
    cleared = await day.is_told("alerts cleared at ", "Resolve?")
    found = await day.about()
    assert (found["firing_count"], found["status"]) == (0, "acknowledged")
    assert "resolve" in str((await day.card())["next_step"])
    reply = await day.presses("mika", "Resolve", cleared["view"]["buttons"])
    assert reply["text"].startswith(f"Resolved {day.incident}")
    late = await day.types("robin", "ack", fails=True)
    assert late["text"].startswith("Resolved ")
    assert (await day.about())["status"] == "resolved"


async def the_retrospective(day: Day, incident: str) -> None:
    assert (await day.muster.say(day.room, "robin", "It was the retries. **Sorry**, @everyone.")).status == 201
    drafted = await day.types("mika", "retro")
    assert f"Retrospective of {incident}" in drafted["text"]
    await day.types("mika", "retro action add alert on the pool @robin")
    await day.types("robin", "retro mood mixed paged by a pool")
    await day.types("mika", "retro")
    written = (await day.types("mika", "retro export md"))["output"]
    for words in (
        f"# {incident}: ",
        "## Timeline",
        "Mika Laine",
        "Robin Vos",
        "payments-api",
        "a1b2c3d4",
        "restart-payments-api",
        "Approved by Amara Okafor",
        "pay-2: drained, restarted, healthy",
        "alert on the pool",
        "mixed",
        "It was the retries.",
    ):
        assert words in written, words
    assert "**Sorry**" not in written, "what people wrote is no markup of ours"
    assert "@everyone" not in written
    assert "| not yet" not in written, "MTTA and MTTR are known"


async def test_the_demo_plays_its_story_and_leaves_nothing_behind(tmp_path: Path) -> None:
    log = tmp_path / "log"
    settings = {"TMPDIR": str(tmp_path)}
    process = spawn(tmp_path, log, ["demo", "--speed", "0", "--port", "0"], settings)
    try:
        async with client() as session:
            muster = Muster(folder=tmp_path, process=process, log=log, session=session)

            async def address() -> str:
                assert process.poll() is None, log.read_text()
                found = re.search(r"Muster demo: (http://127\.0\.0\.1:\d+)\s", log.read_text())
                return found[1] if found else ""

            muster.address = await eventually(address, "the demo says where it is")

            async def told() -> bool:
                incidents = await muster.incidents()
                return len(incidents) == 2 and any(incident["cleared_at"] for incident in incidents)

            await eventually(told, "the story is told, and the outage is over")
            page = await muster.request("GET", "/")
            assert (page.status, "text/html" in page.headers["content-type"]) == (200, True)
            assert (await muster.get("/api/v1/session"))["demo"] is True
            await muster.command("lobby", "robin", "list")
            process.send_signal(signal.SIGINT)
            assert await muster.ended() == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    said = log.read_text()
    assert "Nothing was kept" in said
    assert "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


async def test_a_port_that_is_taken_ends_the_demo_with_a_word(tmp_path: Path) -> None:
    async with running(tmp_path) as muster:
        port = muster.address.rpartition(":")[2]
        process = await asyncio.to_thread(spawn, tmp_path, tmp_path / "demo.log", ["demo", "--port", port])
        try:
            code = await asyncio.to_thread(process.wait, 30)
        finally:
            process.kill()
            process.wait()
    said = (tmp_path / "demo.log").read_text()
    assert (code, f":{port}" in said, "Traceback" in said) == (1, True, False), said
