"""The story, not yet told, on both databases and on SQLite."""

from __future__ import annotations

import pytest

from bot.clock import ManualClock
from bot.storage.database import Database
from tests.retros.story import Story


@pytest.fixture
def story(database: Database, clock: ManualClock) -> Story:
    return Story(database, clock)


@pytest.fixture
def told(sqlite: Database, clock: ManualClock) -> Story:
    return Story(sqlite, clock)
