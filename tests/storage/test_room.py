"""Room: sizes on /metrics, and what the disk has left."""

from __future__ import annotations

from bot.storage.database import Database
from bot.storage.room import Room, measure, room_on_disk
from bot.telemetry import Metrics


class Journal:
    async def size(self) -> int:
        return 12_345


async def test_the_sizes_are_on_the_metrics(database: Database) -> None:
    metrics = Metrics()
    await measure(database, Journal(), metrics)
    sizes = {
        part: metrics.registry.get_sample_value("muster_database_bytes", {"part": part})
        for part in ("database", "journal")
    }
    assert sizes["journal"] == 12_345
    assert (sizes["database"] or 0) > 4096


async def test_the_disk_of_an_embedded_database_has_room(database: Database) -> None:
    room = room_on_disk(database)
    if database.dialect == "postgresql":
        assert room is None
    else:
        assert room is not None
        assert 0 < room.free <= room.total


def test_little_room_is_told_in_words() -> None:
    assert Room(free=100_000_000, total=20_000_000_000).low
    assert not Room(free=1_000_000_000, total=20_000_000_000).low
    assert str(Room(free=1_250_000_000, total=20_000_000_000)) == "1.2 GB free of 20.0 GB"
