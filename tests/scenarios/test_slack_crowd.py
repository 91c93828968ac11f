"""Much at once, at Slack's own pace (a minute of which is five seconds here): nobody is refused, people come before looks."""

from __future__ import annotations

import statistics
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.slack import FakeSlack
from tests.scenarios.slack_stage import alert, careless, muster, workspace

INCIDENTS = 20
SPEED = 12.0  # Muster's own timers tick once a second: were Slack's minute any shorter, they would be what takes long


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with workspace(speed=SPEED) as fake:
        yield fake


async def test_twenty_incidents_at_once_have_their_rooms_cards_and_pages_and_slack_never_says_no(
    tmp_path: Path, slack: FakeSlack
) -> None:
    robin, mika = slack.person("robin"), slack.person("mika")
    general = slack.channel("general", mika)
    async with muster(tmp_path, slack) as stage:
        for number in range(INCIDENTS):
            mika.command("/declare", f"part {number} is down sev2 --page", general)
        await slack.until(lambda: len(stage.rooms()) == INCIDENTS, 60.0)
        await slack.until(lambda: len(robin.dm.messages) == INCIDENTS, 60.0)
        await slack.until(lambda: all(slack.world.named(room).pins for room in stage.rooms()), 60.0)
        for room in stage.rooms():
            assert stage.said(room, "declared by") == 1
            assert len(slack.world.named(room).pins) == 1
        assert not slack.rates.refused
        assert (await stage.ready())["outbox"]["dead"] == 0
    assert careless(slack) == []


async def test_in_a_storm_a_command_is_acknowledged_and_answered_at_once(tmp_path: Path, slack: FakeSlack) -> None:
    robin = slack.person("robin")
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        card = await stage.card(room)
        await robin.join(room)
        acks: list[float] = []
        answers: list[float] = []
        for start in range(0, 10_000, 500):
            await stage.alerts([alert(host=f"checkout-{start + n}") for n in range(500)])
            done = await robin.command("/incident", "show", room)
            assert done.acked_after is not None
            acks.append(done.acked_after)
            answers.append((await done.answer(seconds=60.0)).after)
        await slack.until(lambda: "10,000 alerts" in card.shown, 60.0)
        assert max(acks) < 3.0  # Slack gives up then; what is usual is for a machine that does nothing else to measure
        assert statistics.median(answers) < 3.0
        assert not slack.rates.refused
    assert careless(slack) == []
