"""The database: transactions that lose nothing and announce what is true, trouble that is told and passes."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from bot.errors import ConfigError, Conflict, StorageUnavailable
from bot.storage import database as module
from bot.storage import tables
from bot.storage.database import Announcement, Database, Transaction, upsert

_c = tables.cursors.c


async def set_position(work: Transaction, position: int) -> None:
    statement = upsert(work.connection, tables.cursors).values(reader="r", position=position)
    await work.connection.execute(
        statement.on_conflict_do_update(index_elements=["reader"], set_={"position": statement.excluded.position})
    )


async def position(database: Database) -> int | None:
    async with database.reading() as connection:
        return (await connection.execute(select(_c.position).where(_c.reader == "r"))).scalar()


async def test_twenty_concurrent_writers_lose_no_update(database: Database) -> None:
    async with database.transaction() as work:
        await set_position(work, 0)

    async def add_one() -> None:
        async with database.transaction() as work:
            before = (await work.connection.execute(select(_c.position))).scalar_one()
            await asyncio.sleep(0)
            await work.connection.execute(update(tables.cursors).values(position=before + 1))

    await asyncio.gather(*(add_one() for _ in range(20)))
    assert await position(database) == 20


async def test_another_process_on_the_same_file_loses_no_update_either(sqlite: Database, sqlite_url: str) -> None:
    other = await Database.open(sqlite_url)
    async with sqlite.transaction() as work:
        await set_position(work, 0)

    async def add_one(database: Database) -> None:
        async with database.transaction() as work:
            before = (await work.connection.execute(select(_c.position))).scalar_one()
            await work.connection.execute(update(tables.cursors).values(position=before + 1))

    await asyncio.gather(*(add_one(database) for database in (sqlite, other) for _ in range(10)))
    await other.close()
    assert await position(sqlite) == 20


async def test_what_fails_leaves_nothing_and_announces_nothing(database: Database) -> None:
    heard: list[Announcement] = []
    database.subscribe(heard.append)

    async def fail() -> None:
        async with database.transaction() as work:
            await set_position(work, 1)
            work.announce("incident", number=1)
            raise Conflict

    with pytest.raises(Conflict):
        await fail()
    assert await position(database) is None
    assert heard == []


async def test_listeners_hear_of_a_change_once_and_only_when_it_is_true(database: Database) -> None:
    heard: list[tuple[str, int | None]] = []
    reads: list[asyncio.Task[int | None]] = []

    def listen(announcement: Announcement) -> None:
        heard.append((announcement.topic, announcement.data.get("number")))
        reads.append(asyncio.ensure_future(position(database)))

    database.subscribe(listen)
    async with database.transaction() as work:
        await set_position(work, 7)
        work.announce("incident", number=1)
        work.announce("incident", number=1)
        work.announce("room", number=2)
        assert heard == []
    assert heard == [("incident", 1), ("room", 2)]
    assert await asyncio.gather(*reads) == [7, 7]


async def test_announcements_come_in_the_order_of_the_commits(database: Database) -> None:
    heard: list[int] = []
    committed: list[int] = []
    database.subscribe(lambda announcement: heard.append(announcement.data["n"]))

    async def write(n: int) -> None:
        async with database.transaction() as work:
            await set_position(work, n)
            work.announce("n", n=n)
            committed.append(n)

    await asyncio.gather(*(write(n) for n in range(20)))
    assert heard == committed
    assert sorted(heard) == list(range(20))


async def test_a_reader_does_not_wait_for_a_writer_and_sees_one_state(database: Database) -> None:
    async with database.transaction() as work:
        await set_position(work, 1)
    async with database.reading() as connection:
        before = (await connection.execute(select(_c.position))).scalar_one()
        async with database.transaction() as work:
            await set_position(work, 2)
        assert (await connection.execute(select(_c.position))).scalar_one() == before == 1
    assert await position(database) == 2


async def test_a_writer_that_is_cancelled_leaves_the_way_free(database: Database) -> None:
    entered = asyncio.Event()

    async def hang() -> None:
        async with database.transaction() as work:
            await set_position(work, 1)
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.transaction() as work:
        await set_position(work, 2)
    assert await position(database) == 2


async def test_what_was_committed_is_there_after_a_start(database_url: str) -> None:
    first = await Database.open(database_url)
    async with first.transaction() as work:
        await set_position(work, 3)
    await first.close()
    second = await Database.open(database_url)
    assert await position(second) == 3
    await second.close()


async def test_a_reference_to_no_incident_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        async with database.transaction() as work:
            await work.connection.execute(
                insert(tables.timeline).values(incident=99, at=0.0, kind="note", actor="mika", text="x")
            )


async def test_the_size_is_told_and_the_database_says_it_can_write(database: Database) -> None:
    assert await database.size() > 4096
    await database.check()


async def test_the_proof_of_writing_leaves_nothing_behind_that_would_hold_the_journal(database: Database) -> None:
    await database.check()
    await database.check()
    async with database.reading() as connection:
        assert (await connection.execute(select(tables.cursors))).all() == []


async def test_a_proof_is_believed_for_a_while_and_a_failure_never(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_TIMEOUT", 0.05)
    database = await Database.open(sqlite_url)
    assert database.file is not None
    with closing(sqlite3.connect(database.file, isolation_level=None)) as stranger:
        await database.check(believed_for=60.0)
        stranger.execute("BEGIN IMMEDIATE")
        await database.check(believed_for=60.0)
        for believed_for in (0.0, 60.0):
            with pytest.raises(StorageUnavailable):
                await database.check(believed_for=believed_for)
        stranger.execute("ROLLBACK")
    await database.check(believed_for=60.0)
    await database.close()


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs POSIX limits of a file's size")
async def test_a_disk_that_takes_no_more_bytes_is_noticed_by_the_check(sqlite_url: str, tmp_path: Path) -> None:
    await (await Database.open(sqlite_url)).close()  # the schema is there; what is left to write is the check's own
    program = tmp_path / "check.py"
    program.write_text(
        """
import asyncio, resource, signal, sys
from bot.errors import StorageUnavailable
from bot.storage.database import Database

async def main():
    database = await Database.open(sys.argv[1])
    await database.check()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    wal = database.file.with_name(database.file.name + "-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal, resource.RLIM_INFINITY))
    try:
        await database.check()
    except StorageUnavailable as error:
        print("noticed:", error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await database.check()
    await database.close()
    print("writes again")

asyncio.run(main())
"""
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), sqlite_url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert b"noticed: The database cannot be written" in said, said.decode()
    assert said.endswith(b"writes again\n")


# --- trouble ----------------------------------------------------------------------------------------------------------


async def test_a_locked_file_is_unavailable_and_free_again_afterwards(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_TIMEOUT", 0.05)
    database = await Database.open(sqlite_url)
    assert database.file is not None
    with closing(sqlite3.connect(database.file, isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable, match="database is locked"):
            await database.check()
        assert await position(database) is None  # readers go on
        stranger.execute("ROLLBACK")
    await database.check()
    await database.close()


async def test_a_full_disk_is_unavailable_and_writable_again_when_there_is_room(sqlite: Database) -> None:
    async def limit(pages: int) -> None:
        async with sqlite.transaction() as work:
            await work.connection.execute(text(f"PRAGMA max_page_count = {pages}"))

    async def write() -> None:
        async with sqlite.transaction() as work:
            await set_position(work, 1)
            row = {"room": "r", "at": 0.0, "author": "a", "author_name": "A", "author_kind": "person", "pinned": False}
            await work.connection.execute(insert(tables.messages), [{**row, "text": "x" * 4000} for _ in range(50)])

    await limit(1)  # SQLite makes that: as many as there are
    with pytest.raises(StorageUnavailable, match="full"):
        await write()
    assert await position(sqlite) is None
    await limit(1_000_000)
    await write()
    assert await position(sqlite) == 1


@pytest.fixture
async def postgres_database(postgres_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(postgres_url)
    yield opened
    await opened.close()


async def _disconnect_all(url: str) -> None:
    parsed = make_url(url)
    host = parsed.query["host"]
    connection = await asyncpg.connect(host=host, user=parsed.username, database=parsed.database)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()


async def test_a_server_that_drops_us_amid_a_transaction_is_unavailable(
    postgres_database: Database, postgres_url: str
) -> None:
    async def write() -> None:
        async with postgres_database.transaction() as work:
            await set_position(work, 1)
            await _disconnect_all(postgres_url)
            await set_position(work, 2)

    with pytest.raises(StorageUnavailable):
        await write()
    assert await position(postgres_database) is None
    async with postgres_database.transaction() as work:
        await set_position(work, 3)
    assert await position(postgres_database) == 3


async def test_a_server_that_came_back_is_used_again_without_a_restart(
    postgres_database: Database, postgres_url: str
) -> None:
    assert await position(postgres_database) is None
    await _disconnect_all(postgres_url)
    async with postgres_database.transaction() as work:
        await set_position(work, 1)
    assert await position(postgres_database) == 1


async def test_a_full_disk_of_the_server_is_unavailable(postgres_database: Database) -> None:
    full = text("DO $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$")
    with pytest.raises(StorageUnavailable, match="No space left"):
        async with postgres_database.transaction() as work:
            await work.connection.execute(full)
    await postgres_database.check()


async def test_a_mistake_in_a_statement_is_no_trouble_with_the_disk(database: Database) -> None:
    with pytest.raises(Exception, match="no_such") as caught:
        async with database.reading() as connection:
            await connection.execute(text("SELECT no_such(1)"))
    assert not isinstance(caught.value, ConfigError)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite+aiosqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("mysql://host/muster", "use sqlite"),
        ("nonsense", "cannot be read"),
        ("sqlite:////nowhere/at/all/muster.db", "cannot be opened"),
    ],
)
async def test_a_url_that_cannot_be_used_is_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        await Database.open(url)


async def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "muster.db").write_text("these are my holiday notes, and there are many of them\n" * 100)
    with pytest.raises(ConfigError, match="not a database"):
        await Database.open(f"sqlite:///{tmp_path / 'muster.db'}")


async def test_an_address_with_a_password_is_not_repeated_in_an_error() -> None:
    with pytest.raises(ConfigError) as caught:
        await Database.open("postgresql://muster:hunter2@127.0.0.1:1/muster")
    assert "hunter2" not in str(caught.value)


async def test_a_mistake_in_a_statement_is_not_taken_for_trouble_with_the_disk(database):
    with pytest.raises(DBAPIError):
        async with database.transaction() as work:
            await work.connection.execute(text("SELECT nothing FROM nowhere"))


async def test_a_thousand_announcements_are_told_once_each_in_order(sqlite):
    heard = []
    sqlite.subscribe(heard.append)
    async with sqlite.transaction() as work:
        for _ in range(3):
            for number in range(1000):
                work.announce("incident", number=number)
    assert [announcement.data["number"] for announcement in heard] == list(range(1000))


async def test_who_is_cancelled_in_the_middle_of_a_statement_holds_no_lock(sqlite):
    reached, go_on = threading.Event(), threading.Event()

    def wait() -> int:
        reached.set()
        return int(go_on.wait(10))

    async def write() -> None:
        async with sqlite.transaction() as work:
            raw = await work.connection.get_raw_connection()
            await raw.driver_connection.create_function("wait", 0, wait)
            await work.connection.execute(text("DELETE FROM cursors"))
            await work.connection.execute(text("SELECT wait()"))

    cancelled = asyncio.create_task(write())
    await asyncio.to_thread(reached.wait, 10)
    cancelled.cancel()
    await asyncio.sleep(0)
    go_on.set()
    (outcome,) = await asyncio.gather(cancelled, return_exceptions=True)
    assert isinstance(outcome, asyncio.CancelledError)
    async with sqlite.transaction() as work:  # while somebody still holds the exception, and with it the cursor
        await work.connection.execute(text("DELETE FROM cursors"))


async def test_closing_waits_for_who_is_at_it_and_lets_nobody_else_in(sqlite_url: str) -> None:
    database = await Database.open(sqlite_url)
    there, go_on = asyncio.Event(), asyncio.Event()

    async def look() -> int:
        async with database.reading() as connection:
            there.set()
            await go_on.wait()
            return int((await connection.execute(text("SELECT 1"))).scalar_one())

    looking = asyncio.create_task(look())
    await there.wait()
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    with pytest.raises(StorageUnavailable):
        async with database.reading():
            pass
    assert not closing.done()
    go_on.set()
    assert await looking == 1
    await closing
