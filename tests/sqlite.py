"""SQLite files of the tests' own that have the schema already: migrated once for each worker, and copied.

The migrations are tested in tests/storage, and run by every Muster that is a process of its own; elsewhere they are only slow.
"""

from __future__ import annotations

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from bot.storage.database import Database

__all__ = ["bare_url", "url"]


def bare_url(folder: Path, name: str = "muster.db") -> str:
    """The address of a file in `folder`, whether it is there or not."""
    return f"sqlite+aiosqlite:///{folder / name}"


def url(folder: Path, name: str = "muster.db") -> str:
    """The address of a file in `folder`: as it is when it is there, else with this version's schema and nothing in it."""
    file = folder / name
    if not file.exists():
        file.write_bytes(_migrated())
    return bare_url(folder, name)


@cache
def _migrated() -> bytes:
    """What a database is before anything happened, as Muster itself makes it."""

    async def make(folder: Path) -> None:
        database = await Database.open(bare_url(folder))
        await database.close()

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as apart:  # our caller's loop may be running
        apart.submit(asyncio.run, make(Path(folder))).result()
        return (Path(folder) / "muster.db").read_bytes()
