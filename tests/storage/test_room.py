"""Room: sizes on /metrics, and what the disk has left."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bot.errors import StorageUnavailable
from bot.storage import room as room_module
from bot.storage.database import Database
from bot.storage.room import Room, check_room, measure, room_on_disk
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


async def test_a_disk_that_is_nearly_full_is_told_while_there_is_room(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.dialect == "postgresql":
        assert await check_room(database) == "the database server's"
        return
    assert "GB free of" in await check_room(database)
    monkeypatch.setattr(room_module.shutil, "disk_usage", lambda _: SimpleNamespace(free=120_000_000, total=2 * 10**10))
    with pytest.raises(StorageUnavailable, match=r"nearly full: 120 MB free of 20\.0 GB.*`retention`"):
        await check_room(database)


def test_little_room_is_told_in_words() -> None:
    assert Room(free=100_000_000, total=20_000_000_000).low
    assert not Room(free=1_000_000_000, total=20_000_000_000).low
    assert str(Room(free=1_250_000_000, total=20_000_000_000)) == "1.2 GB free of 20.0 GB"
