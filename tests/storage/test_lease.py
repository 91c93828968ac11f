"""Two Musters never work on one database."""

from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.storage.database import Database
from bot.storage.lease import held


async def test_a_second_muster_on_the_same_database_is_refused(database_url: str) -> None:
    first, second = await Database.open(database_url), await Database.open(database_url)
    try:
        async with held(first):
            with pytest.raises(ConfigError, match="Another Muster"):
                async with held(second):
                    pass
        async with held(second):  # the first has gone
            pass
    finally:
        await first.close()
        await second.close()


async def test_the_refusal_names_the_process_that_holds_it(tmp_path: Path) -> None:
    import os

    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'muster.db'}")
    try:
        async with held(database):
            with pytest.raises(ConfigError, match=str(os.getpid())):
                async with held(database):
                    pass
    finally:
        await database.close()
