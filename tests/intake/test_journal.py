"""The journal on both its logs: what was acknowledged is there, in order, once; trouble is told and passes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.errors import ConfigError, StorageUnavailable
from bot.intake import journal as module
from bot.intake.journal import Delivery, Journal, Log
from bot.intake.journal_postgres import PostgresLog
from bot.intake.journal_sqlite import SCHEMA_VERSION, SqliteLog, beside
from bot.storage.database import Database

NOW = 1_767_603_600.0
NewLog = Callable[[], Log]


@pytest.fixture
async def migrated_postgres_url(postgres_url: str) -> str:
    await (await Database.open(postgres_url)).close()  # the migrations make the table
    return postgres_url


@pytest.fixture(params=["sqlite", "postgresql"])
def new_log(request: pytest.FixtureRequest, tmp_path: Path) -> NewLog:
    """Opens the same log again and again."""
    if request.param == "sqlite":
        return lambda: SqliteLog(tmp_path / "muster.deliveries.db")
    url = request.getfixturevalue("migrated_postgres_url")
    return lambda: PostgresLog(url)


@pytest.fixture
async def journal(new_log: NewLog) -> AsyncIterator[Journal]:
    journal = await Journal(new_log()).open()
    yield journal
    await journal.close()


@pytest.fixture
async def sqlite_journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = await Journal(SqliteLog(tmp_path / "muster.deliveries.db")).open()
    yield journal
    await journal.close()


async def everything(journal: Journal) -> list[Delivery]:
    return await journal.read(0, 100_000)


async def test_what_was_appended_is_read_as_it_came(journal: Journal) -> None:
    receipt = await journal.append("github", {"x-github-event": "push"}, b'{"a":1}\x00\xff', NOW, "key", 3)
    (delivery,) = await everything(journal)
    assert delivery == Delivery(receipt.id, "github", NOW, {"x-github-event": "push"}, b'{"a":1}\x00\xff', 3)
    assert (receipt.accepted, receipt.duplicate, journal.head) == (3, False, receipt.id)


async def test_concurrent_appends_get_positions_in_order_and_none_is_lost(journal: Journal) -> None:
    receipts = await asyncio.gather(*(journal.append("generic", {}, b"%d" % n, NOW + n) for n in range(500)))
    found = await everything(journal)
    assert [r.id for r in receipts] == sorted({r.id for r in receipts})
    assert [(d.id, d.body) for d in found] == [(r.id, b"%d" % n) for n, r in enumerate(receipts)]
    assert journal.head == found[-1].id


async def test_concurrent_appends_share_transactions(sqlite_journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    log = sqlite_journal._log
    batches: list[int] = []
    write = log.write

    async def counted(entries: list[module.Entry]) -> list[module.Receipt]:
        batches.append(len(entries))
        return await write(entries)

    monkeypatch.setattr(log, "write", counted)
    await asyncio.gather(*(sqlite_journal.append("generic", {}, b"x", NOW) for _ in range(300)))
    assert sum(batches) == 300
    assert len(batches) <= 3


async def test_a_repeated_key_gets_the_first_receipt_and_is_kept_once(journal: Journal) -> None:
    first = await journal.append("github", {}, b"first", NOW, "key", 2)
    again = await journal.append("github", {}, b"second", NOW, "key", 5)
    other = await journal.append("generic", {}, b"third", NOW, "key", 1)
    assert (again.id, again.accepted, again.duplicate) == (first.id, 2, True)
    assert not other.duplicate
    assert [d.body for d in await everything(journal)] == [b"first", b"third"]


async def test_a_key_repeated_at_the_same_moment_is_kept_once(journal: Journal) -> None:
    receipts = await asyncio.gather(
        *(journal.append("generic", {}, b"%d" % n, NOW, f"key-{n % 7}", n) for n in range(40)),
        *(journal.append("generic", {}, b"no key", NOW) for _ in range(40)),
    )
    keyed = receipts[:40]
    assert sum(not r.duplicate for r in keyed) == 7
    assert len({r.id for r in keyed}) == 7
    assert {r.id: r.accepted for r in keyed} == {keyed[n].id: n for n in range(7)}
    assert len(await everything(journal)) == 47


async def test_a_key_is_known_after_a_restart(new_log: NewLog) -> None:
    journal = await Journal(new_log()).open()
    first = await journal.append("github", {}, b"x", NOW, "key", 1)
    await journal.close()
    journal = await Journal(new_log()).open()
    assert journal.head == first.id
    assert (await journal.append("github", {}, b"x", NOW, "key", 1)).duplicate
    assert (await journal.append("github", {}, b"x", NOW, "other", 1)).id > first.id
    await journal.close()


async def test_reading_goes_on_where_it_stopped_and_respects_the_size_of_bodies(journal: Journal) -> None:
    for n in range(10):
        await journal.append("generic", {}, b"x" * 1000, NOW + n)
    seen: list[int] = []
    while page := await journal.read(seen[-1] if seen else 0, limit=4, max_bytes=2500):
        assert len(page) <= 2
        seen += [d.id for d in page]
    assert len(seen) == 10
    assert seen == sorted(seen)
    assert len(await journal.read(0, limit=4, max_bytes=1)) == 1, "one body at least, however large"


async def test_a_reader_is_woken_by_an_append_and_not_by_a_rejected_body(journal: Journal) -> None:
    waiting = asyncio.create_task(journal.wait_for(journal.head))
    await journal.reject("generic", {}, b"{", NOW, "no JSON")
    assert not waiting.done()
    await journal.append("generic", {}, b"{}", NOW)
    await asyncio.wait_for(waiting, 5)
    await journal.wait_for(0)


async def test_rejected_bodies_are_listed_newest_first_with_reason_and_path(journal: Journal) -> None:
    await journal.append("generic", {}, b"fine", NOW)
    for n in range(5):
        await journal.reject("generic", {"content-type": "x"}, b"bad %d" % n, NOW + n, "missing", f"[{n}].name")
    newest = await journal.rejected(limit=2)
    assert [(r.body, r.reason, r.path, r.source) for r in newest] == [
        (b"bad 4", "missing", "[4].name", "generic"),
        (b"bad 3", "missing", "[3].name", "generic"),
    ]
    assert [r.body for r in await journal.rejected(before=newest[-1].id)] == [b"bad 2", b"bad 1", b"bad 0"]
    assert [d.body for d in await everything(journal)] == [b"fine"]


async def test_only_the_newest_rejected_bodies_stay_and_each_is_cut(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(0, 1200, 100):
        await asyncio.gather(*(journal.reject("generic", {}, b"%d" % m, NOW, "r") for m in range(n, n + 100)))
    await journal.reject("generic", {}, b"x" * 1_000_000, NOW, "r\x00\u202e", "p" * 5000)
    kept = await journal.rejected(limit=5000)
    assert len(kept) == 1000
    assert len(kept[0].body) == 65536
    assert len(kept[0].path) == 500
    assert kept[0].reason == "r\ufffd\ufffd"
    assert kept[-1].body == b"201"


async def test_hostile_headers_and_keys_are_kept_harmless(journal: Journal) -> None:
    headers = {"x-github-event": "\x00\ud800\u202e" + "x" * 5000}
    await journal.append("github", headers, b"", NOW)
    (delivery,) = await everything(journal)
    assert len(delivery.headers["x-github-event"]) == 1000


async def test_pruning_forgets_what_is_old_and_read_but_nothing_else(journal: Journal) -> None:
    receipts = [await journal.append("generic", {}, b"%d" % n, NOW + n, f"key-{n}") for n in range(10)]
    assert await journal.prune(NOW + 8, up_to=receipts[4].id) == 5
    assert [d.body for d in await everything(journal)] == [b"%d" % n for n in range(5, 10)]
    assert await journal.prune(NOW + 7, up_to=receipts[9].id) == 2
    assert [d.body for d in await everything(journal)] == [b"7", b"8", b"9"]
    assert not (await journal.append("generic", {}, b"again", NOW, "key-0")).duplicate


async def test_positions_are_never_given_twice_even_when_all_is_pruned(new_log: NewLog) -> None:
    journal = await Journal(new_log()).open()
    last = [await journal.append("generic", {}, b"x", NOW) for _ in range(3)][-1]
    await journal.prune(NOW + 1, up_to=last.id)
    await journal.close()
    journal = await Journal(new_log()).open()
    assert (await journal.append("generic", {}, b"x", NOW)).id > last.id
    await journal.close()


async def test_the_size_is_known(journal: Journal) -> None:
    before = await journal.size()
    for n in range(20):
        await journal.append("generic", {}, os.urandom(50_000), NOW + n)
    assert await journal.size() >= before + 900_000


async def test_closing_writes_what_is_waiting(new_log: NewLog) -> None:
    journal = await Journal(new_log()).open()
    waiting = [asyncio.create_task(journal.append("generic", {}, b"%d" % n, NOW)) for n in range(20)]
    await asyncio.sleep(0)
    await journal.close()
    assert len({(await each).id for each in waiting}) == 20
    journal = await Journal(new_log()).open()
    assert len(await everything(journal)) == 20
    await journal.close()


async def test_a_caller_that_goes_away_does_not_disturb_the_others(journal: Journal) -> None:
    tasks = [asyncio.create_task(journal.append("generic", {}, b"%d" % n, NOW)) for n in range(30)]
    await asyncio.sleep(0)
    for task in tasks[::3]:
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(each, asyncio.CancelledError) for each in done) == 10
    assert len(await everything(journal)) == 30


async def test_too_much_waiting_is_said_at_once(sqlite_journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 10)
    results = await asyncio.gather(
        *(sqlite_journal.append("generic", {}, b"x", NOW) for _ in range(30)), return_exceptions=True
    )
    assert sum(isinstance(r, StorageUnavailable) for r in results) == 20
    assert sqlite_journal.waiting == 0
    await sqlite_journal.append("generic", {}, b"x", NOW)


async def test_much_to_write_is_written_in_several_transactions(
    sqlite_journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_BYTES", 1000)
    bodies = [b"%03d" % n + b"x" * 400 for n in range(30)] + [b"y" * 5000]
    await asyncio.gather(*(sqlite_journal.append("generic", {}, body, NOW) for body in bodies))
    assert [d.body for d in await everything(sqlite_journal)] == bodies


# --- trouble, on SQLite -----------------------------------------------------------------------------------------------


async def test_a_full_database_is_told_and_recovers_without_a_restart(sqlite_journal: Journal) -> None:
    log = sqlite_journal._log
    assert isinstance(log, SqliteLog)
    await sqlite_journal.append("generic", {}, b"before", NOW)

    def fill() -> None:
        assert log._writer is not None
        pages = log._writer.execute("PRAGMA page_count").fetchone()[0]
        log._writer.execute(f"PRAGMA max_page_count={pages}")

    await log._write_thread.run(fill)
    results = await asyncio.gather(
        *(sqlite_journal.append("generic", {}, b"x" * 100_000, NOW) for _ in range(5)), return_exceptions=True
    )
    assert all(isinstance(r, StorageUnavailable) for r in results)
    assert "full" in sqlite_journal.trouble
    after = await sqlite_journal.append("generic", {}, b"x" * 100_000, NOW)
    assert sqlite_journal.trouble == ""
    assert [d.body[:6] for d in await everything(sqlite_journal)] == [b"before", b"xxxxxx"]
    assert sqlite_journal.head == after.id


async def test_a_locked_file_is_told_and_recovers_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.intake.journal_sqlite.BUSY_TIMEOUT", 0.1)
    path = tmp_path / "muster.deliveries.db"
    journal = await Journal(SqliteLog(path)).open()
    other = sqlite3.connect(path, isolation_level=None)
    try:
        for key in (None, "key"):
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageUnavailable, match="locked"):
                await journal.append("generic", {}, b"x", NOW, key)
            other.execute("ROLLBACK")
            assert not (await journal.append("generic", {}, b"x", NOW, key)).duplicate
    finally:
        other.close()
    assert len(await everything(journal)) == 2
    await journal.close()


async def fill(journal: Journal) -> list[int]:
    kept: list[int] = []
    with contextlib.suppress(StorageUnavailable):
        for _ in range(100):
            kept.append((await journal.append("generic", {}, b"x" * 20_000, NOW)).id)
    assert 0 < len(kept) < 100
    return kept


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small disk")
async def test_a_really_full_disk_is_told_and_recovers_without_a_restart(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"needs to mount a small disk: {mounted.stderr.decode()}")
    async with AsyncExitStack() as stack:
        stack.callback(subprocess.run, ["umount", "-l", str(disk)], check=True)
        journal = await Journal(SqliteLog(disk / "muster.deliveries.db")).open()
        stack.push_async_callback(journal.close)
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * 600_000)
        kept = await fill(journal)
        with pytest.raises(StorageUnavailable):
            await journal.append("generic", {}, b"x" * 300_000, NOW)
        assert [d.id for d in await everything(journal)] == kept, "reading goes on"
        ballast.unlink()
        kept.append((await journal.append("generic", {}, b"x" * 20_000, NOW)).id)
        assert [d.id for d in await everything(journal)] == kept


async def test_a_journal_of_a_newer_version_is_refused_with_a_clear_word(tmp_path: Path) -> None:
    path = tmp_path / "muster.deliveries.db"
    await (await Journal(SqliteLog(path)).open()).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()
    log = SqliteLog(path)
    with pytest.raises(ConfigError, match="newer Muster"):
        await Journal(log).open()
    await log.close()


@pytest.mark.parametrize("content", [b"this is no database, but a text that somebody left here" * 100, None])
async def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "muster.deliveries.db"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    log = SqliteLog(path)
    with pytest.raises(ConfigError, match="cannot be opened"):
        await Journal(log).open()
    await log.close()
    assert content is None or path.read_bytes() == content


async def test_where_the_file_was_lost_positions_go_on_after_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "muster.deliveries.db"
    journal = await Journal(SqliteLog(path)).open(at_least=500)
    assert (await journal.append("generic", {}, b"x", NOW)).id == 501
    await journal.close()
    journal = await Journal(SqliteLog(path)).open(at_least=300)
    assert (await journal.append("generic", {}, b"x", NOW)).id == 502
    await journal.close()


def test_the_journal_lies_beside_the_database() -> None:
    assert beside(Path("/srv/muster.db")) == Path("/srv/muster.deliveries.db")
    assert beside(Path("muster")) == Path("muster.deliveries.db")


APPENDER = """
import asyncio, sys
from pathlib import Path
from bot.intake.journal import Journal
from bot.intake.journal_sqlite import SqliteLog
from bot.telemetry import configure_logging

configure_logging()

async def main():
    journal = await Journal(SqliteLog(Path(sys.argv[1]))).open()
    async def one(n):
        for m in range(100_000):
            body = b"%d/%d" % (n, m)
            await journal.append("generic", {}, body, 1.0, None if n % 2 else body.decode())
            print(body.decode(), flush=True)
    await asyncio.gather(*(one(n) for n in range(20)))

asyncio.run(main())
"""


async def test_what_was_acknowledged_survives_a_kill_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "muster.deliveries.db"
    acknowledged: list[str] = []
    for seed in range(4):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", APPENDER, str(path), stdout=asyncio.subprocess.PIPE, limit=2**24
        )
        assert process.stdout is not None
        for _ in range(random.Random(seed).randrange(50, 600)):
            acknowledged.append((await process.stdout.readline()).decode().strip())
        process.kill()
        rest = (await process.stdout.read()).decode()
        acknowledged += rest[: rest.rfind("\n") + 1].split()
        await process.wait()
        journal = await Journal(SqliteLog(path)).open()
        kept = [d.body.decode() for d in await everything(journal)]
        await journal.close()
        assert set(acknowledged) <= set(kept)
        path.unlink()
        acknowledged.clear()


async def test_what_is_written_together_is_one_line_of_the_log(new_log: NewLog) -> None:
    journal = await Journal(new_log()).open()
    with capture_logs() as lines:
        for n in range(20):
            journal.submit(module.Entry("generic", NOW, None, "{}", b"[]", n))
        await journal.append("generic", {}, b"[]", NOW, accepted=5)
    await journal.close()
    kept = [line for line in lines if line["event"] == "deliveries_kept"]
    assert len(kept) < 5
    assert sum(line["deliveries"] for line in kept) == 21
    assert sum(line["alerts"] for line in kept) == sum(range(20)) + 5
