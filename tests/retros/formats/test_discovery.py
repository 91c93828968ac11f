"""Formats: whatever lies in the package is one, and every one of them can write the whole story."""

from __future__ import annotations

import re

import pytest

from bot.clock import ManualClock
from bot.retros.formats import discover
from bot.storage.database import Database
from tests.retros.story import MIKA, Story


@pytest.mark.parametrize("name", sorted(discover()))
async def test_every_format_writes_the_story_with_its_name_and_ending(
    sqlite: Database, clock: ManualClock, name: str
) -> None:
    story = Story(sqlite, clock)
    await story.tell()
    await story.retros.draft(story.number, MIKA)
    found = await story.retros.render(story.number, name)
    assert found.body
    assert re.fullmatch(r"INC-1-[a-z0-9-]+\.[a-z]+", found.filename)
    assert re.fullmatch(r"[a-z]+/[a-z.+-]+(; charset=utf-8)?", found.media_type)
