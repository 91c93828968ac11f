"""People in Slack: who is called, who comes and goes, and who cannot be reached."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.fakes.slack import FakeSlack
from tests.scenarios.slack_stage import CATALOG, Stage, commands, muster


def rings(slack: FakeSlack, room: str, account: str) -> list[str]:
    """The messages of a room that mention somebody, who is in it, so that their phone rings; names alone ring nobody."""
    members = slack.world.named(room).members
    told = {"type": "user", "user_id": account}
    return [m.text for m in slack.posts(room) if json.dumps(told) in json.dumps(m.blocks) and account in members]


async def change(stage: Stage, **author: str) -> None:
    at = datetime.fromtimestamp(time.time() - 120, tz=UTC).isoformat()
    body = {
        "at": at,
        "service": "checkout",
        "kind": "deploy",
        "title": "faster",
        "revision": "a1b2c3d",
        "author": author,
    }
    async with stage.session.post(f"{stage.app.address}/webhooks/change", json=body) as answer:
        assert answer.status == 202, await answer.text()


async def test_the_owner_of_a_suspect_change_is_called_into_the_room_and_nobody_else_is(
    tmp_path: Path, slack: FakeSlack
) -> None:
    robin, mika = slack.person("robin"), slack.person("mika")
    async with muster(tmp_path, slack) as stage:
        await change(stage, login="rvos")
        await stage.alert()
        room = await stage.room()
        await stage.card(room)
        await (await mika.command("/incident", "ack", room)).answer(seconds=60.0)
        await (await mika.command("/incident", "owner", room)).answer(seconds=60.0)
        await stage.shown(room, "deployed checkout a1b2c3d")
        await slack.until(lambda: rings(slack, room, robin.id), 60.0)
        await (await robin.command("/incident", "note looking", room)).answer(seconds=60.0)
        await stage.shown(room, "looking")
        assert len(rings(slack, room, robin.id)) == 1
        assert rings(slack, room, mika.id) == []
        await slack.until(lambda: [m for m in robin.dm.messages if "You deployed" in m.shown], 60.0)


async def test_who_cannot_be_reached_by_a_direct_message_is_called_in_the_room(
    tmp_path: Path, slack: FakeSlack
) -> None:
    robin = slack.person("robin")
    slack.faults.plan("conversations.open", "error", error="cannot_dm_bot", times=None)
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        called = await stage.shown(room, "a direct message does not reach you")
        assert rings(slack, room, robin.id) == [called.text]
        assert not (await robin.press(called, "ack INC-1")).failed
        await stage.shown(room, "Acknowledged by Robin Vos")


async def test_who_has_no_account_is_told_once_and_not_called(tmp_path: Path, slack: FakeSlack) -> None:
    async with muster(tmp_path, slack) as stage:  # nobody has the addresses of the catalogue
        await stage.alert()
        room = await stage.room()
        told: Any = await stage.shown(room, "no Slack account that Muster knows")
        assert "Robin Vos" in told.shown
        assert stage.said(room, "does not reach you") == 0


async def test_who_cannot_come_says_so_in_the_page_and_the_next_one_is_called(tmp_path: Path, slack: FakeSlack) -> None:
    robin, mika = slack.person("robin"), slack.person("mika")
    written = (
        f"{CATALOG}\nescalations: {{default: {{steps: [{{page: on-call, wait: 10m}}, {{page: team, wait: 10m}}]}}}}\n"
    )
    async with muster(
        tmp_path, slack, written=written.replace("{team: sre}", "{team: sre, escalation: default}")
    ) as stage:
        await stage.alert()
        room = await stage.room()
        await stage.card(room)
        page = (await slack.until(lambda: robin.dm.messages, 60.0))[0]
        assert {"ack INC-1", "page decline P1"} <= set(commands(page.blocks))
        await (await robin.press(page, "page decline P1")).answer(seconds=60.0)
        theirs = (await slack.until(lambda: mika.dm.messages, 60.0))[0]
        await slack.until(lambda: "page decline P1" not in commands(page.blocks), 60.0)  # it asks no more
        await (await mika.press(theirs, "ack INC-1")).answer(seconds=60.0)
        await stage.shown(room, "Acknowledged by Mika Laine")
