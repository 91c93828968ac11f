"""JSON: everything the draft holds, moments as RFC 3339."""

from __future__ import annotations

import json

from bot.clock import ManualClock
from bot.storage.database import Database
from tests.retros.story import MIKA, Story


async def test_the_json_holds_the_whole_draft(sqlite: Database, clock: ManualClock) -> None:
    story = Story(sqlite, clock)
    await story.tell()
    retro = await story.retros.draft(story.number, MIKA)
    found = await story.retros.render(story.number, "json")
    assert found.media_type == "application/json"
    document = json.loads(found.body)
    assert document["incident"] == "INC-1"
    assert document["first_alert_at"] == "2026-01-05T09:00:00.000Z"
    assert document["timeline"][0]["at"] == "2026-01-05T09:01:00.000Z"
    assert document["figures"][0] == {
        "key": "time_to_declare",
        "name": "Time to declare",
        "seconds": 60,
        "definition": retro.figures[0].definition,
    }
    assert document["ruled_out"][0] == {"service": "cart", "by": "Robin Vos", "reason": "its graphs are flat"}
    assert [one["role"] for one in document["people"]] == ["incident commander", "scribe"]
    assert "update" in [line["kind"] for line in document["timeline"]]
    assert len(document["transcript"]) == len(retro.transcript)
