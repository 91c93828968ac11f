"""One Muster for one database: two would each keep an engine, and every room would hear everything twice."""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.errors import ConfigError
from bot.storage.database import Database

__all__ = ["held"]

ADVISORY_LOCK = 0x4D55_5354_4552  # "MUSTER"


@asynccontextmanager
async def held(database: Database) -> AsyncIterator[None]:
    """The only one, for as long as the block runs; ConfigError when another process is. A killed process holds nothing."""
    file = database.file
    if file is None:
        async with _held_in_postgres(database):
            yield
    else:
        with (file.with_name(f"{file.name}.lock")).open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ConfigError(_refusal(str(file), Path(lock.name))) from error
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield


def _refusal(name: str, lock: Path) -> str:
    pid = lock.read_text().strip()
    return f"Another Muster{f' (process {pid})' if pid else ''} uses {name}. Stop it, or give this one its own MUSTER_DATABASE_URL."


@asynccontextmanager
async def _held_in_postgres(database: Database) -> AsyncIterator[None]:
    engine = create_async_engine(database.url, pool_size=1, max_overflow=0)
    try:
        async with engine.connect() as connection:
            answer = await connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
            if not answer.scalar_one():
                raise ConfigError(
                    f"Another Muster uses the database {database.url.database}. Stop it, or give this one its own."
                )
            await connection.commit()  # the lock is the session's, not the transaction's
            yield
    finally:
        await engine.dispose()
