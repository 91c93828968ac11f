"""How much room there is: the size of what we keep, and what the disk has left. Making room is bot.storage.retention's."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.errors import StorageUnavailable
from bot.storage.database import Database
from bot.telemetry import Metrics

__all__ = ["Room", "Sized", "check_room", "measure", "room_on_disk"]

LOW = 256 * 1024 * 1024  # bytes; a storm of a million alerts takes about as much


class Sized(Protocol):
    """Something on disk that knows how large it is: the journal."""

    async def size(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Bytes that the disk has, and has left."""

    free: int
    total: int

    @property
    def low(self) -> bool:
        """Time to tell somebody, before there is none: less than 256 MiB."""
        return self.free < LOW

    def __str__(self) -> str:
        return f"{self.free / 1e9:.1f} GB free of {self.total / 1e9:.1f} GB"


def room_on_disk(database: Database) -> Room | None:
    """The room of the disk that the database lies on; None when it lies with somebody else."""
    file = database.file
    if file is None:
        return None
    try:
        usage = shutil.disk_usage(Path(file).absolute().parent)
    except OSError as error:
        raise StorageUnavailable(f"The disk of {file} cannot be read: {error}") from error
    return Room(free=usage.free, total=usage.total)


async def check_room(database: Database) -> str:
    """A word on the room that is left. StorageUnavailable, with what to do, while there is still some."""
    room = await asyncio.to_thread(room_on_disk, database)
    if room is None:
        return "the database server's"
    if room.low:
        raise StorageUnavailable(
            f"The disk of the database is nearly full: {room.free / 1e6:.0f} MB free of {room.total / 1e9:.1f} GB. "
            "When it is full, webhooks are refused. Make room, or keep less: `retention` in the catalogue."
        )
    return str(room)


async def measure(database: Database, journal: Sized, metrics: Metrics) -> None:
    """Bring the gauges of what we keep up to date."""
    metrics.database_bytes.labels(part="database").set(await database.size())
    metrics.database_bytes.labels(part="journal").set(await journal.size())
