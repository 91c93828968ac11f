"""Trouble that is not Muster's: a full disk, a locked database, a bad catalogue, a second process. It says so and recovers."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.processes import EXAMPLE_CATALOG, Answer, Muster, client, eventually, launch, refused_start, running

SMALL_DISK = 12 * 1024 * 1024  # bytes
TINY_FILES = 4096  # bytes that a file may have when the process may not make larger ones


def alert(number: int, **more: Any) -> dict[str, Any]:
    return {"name": "DiskFull", "severity": "critical", "service": "search", "host": f"host-{number}"} | more


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of 12 MiB at `folder`; skipped, loudly, for who may not mount one."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk is for root only; the same is tried with a limit on the size of files")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def full_disk(muster: Muster) -> Iterator[None]:
    """While the block runs, nothing fits on the disk any more."""
    filler = muster.folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 512, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def tiny_files(muster: Muster) -> Iterator[None]:
    """While the block runs, the kernel refuses the process every write beyond the first page of a file."""
    before = resource.prlimit(muster.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(muster.process.pid, resource.RLIMIT_FSIZE, (TINY_FILES, before[1]))
    try:
        yield
    finally:
        resource.prlimit(muster.process.pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """While the block runs, another process writes to the file and does not stop."""
    with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def is_later(answer: Answer) -> bool:
    """503, with a time to come back and a word why."""
    return answer.status == 503 and int(answer.headers["retry-after"]) >= 1 and bool(answer.body["detail"])


async def story_of_no_room(folder: Path, no_room: Callable[[Muster], Any], log: Path) -> None:
    async with running(folder, log=log) as muster:
        kept = []
        assert (await muster.webhook("generic", alert(0))).status == 202
        await muster.settled()
        (incident,) = await muster.incidents()
        room = incident["rooms"]["console"]
        with no_room(muster):
            number = 0

            async def refused() -> bool:
                nonlocal number
                number += 1
                answer = await muster.webhook("generic", alert(number, summary="x" * 1500))
                assert answer.status == 202 or is_later(answer), answer
                if answer.ok:
                    kept.append(f"host-{number}")
                return not answer.ok

            await eventually(refused, "webhooks are told to come later")
            assert is_later(await muster.webhook("generic", alert(0)))

            async def loud() -> bool:
                ready = await muster.request("GET", "/readyz")
                failing = [check for check in ready.body["checks"].values() if not check["ok"]]
                return ready.status == 503 and ready.body["status"] == "unready" and bool(failing[0]["detail"])

            await eventually(loud, "/readyz says what is wrong")
            assert (await muster.get("/healthz")) == {"status": "alive"}, "a restart would not help"
            answer = await muster.say(room, "robin", "/incident ack")
            check_refused_command(answer)
            assert (await muster.incidents())[0]["status"] == "open", "what is known can be read"

        async def taken_again() -> bool:
            answer = await muster.webhook("generic", alert(1_000_000))
            assert answer.status == 202 or is_later(answer), answer
            return answer.ok

        await eventually(taken_again, "webhooks are taken in again, without a restart")
        await muster.command(room, "robin", "ack")
        await muster.settled()
        checks = (await muster.get("/readyz"))["checks"]
        assert all(check["ok"] for check in checks.values() if check["essential"]), checks
        hosts = {one["host"] for one in await muster.items("/api/v1/alerts", limit=200)}
        assert hosts >= {"host-0", "host-1000000", *kept}
        notices = await muster.notices(room)
        assert sum(text.startswith("Acknowledged by") for text in notices) == 1


def check_refused_command(answer: Answer) -> None:
    """A word about the database, and no internals."""
    if answer.status == 201:
        reply = answer.body["reply"]
        assert reply["failed"]
        words = reply["text"]
    else:
        assert is_later(answer), answer
        words = answer.body["detail"]
    assert any(word in words.lower() for word in ("database", "disk")), words
    assert "Traceback" not in words


async def test_a_full_disk_is_told_and_recovered_from_without_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disk(folder):
        await story_of_no_room(folder, full_disk, tmp_path / "muster.log")


async def test_files_that_may_not_grow_are_told_and_recovered_from_without_a_restart(tmp_path: Path) -> None:
    await story_of_no_room(tmp_path, tiny_files, tmp_path / "muster.log")


async def test_a_locked_database_costs_patience_and_nothing_else(tmp_path: Path) -> None:
    async with running(tmp_path) as muster:
        assert (await muster.webhook("generic", alert(0))).status == 202
        await muster.settled()
        (incident,) = await muster.incidents()
        with locked(muster.database):
            assert (await muster.webhook("generic", alert(1))).status == 202, "the journal is a file of its own"

            async def loud() -> bool:
                ready = await muster.request("GET", "/readyz")
                failing = [check["detail"] for check in ready.body["checks"].values() if not check["ok"]]
                return ready.status == 503 and any("locked" in words for words in failing)

            await eventually(loud, "/readyz says that the database is locked")
            check_refused_command(await muster.say(incident["rooms"]["console"], "robin", "/incident ack"))
        with locked(muster.journal):
            assert is_later(await muster.webhook("generic", alert(2)))

        async def ready_again() -> bool:
            return (await muster.request("GET", "/readyz")).body["status"] == "ready"

        assert (await muster.webhook("generic", alert(3))).status == 202
        await eventually(ready_again, "all is well again")
        await muster.settled()
        hosts = {one["host"] for one in await muster.items("/api/v1/alerts")}
        assert hosts == {"host-0", "host-1", "host-3"}
        await muster.command(incident["rooms"]["console"], "robin", "ack")


async def test_sighup_with_a_bad_catalogue_keeps_the_old_one_and_says_so(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text("services:\n  search: {tier: 2}\n")
    async with running(tmp_path, catalog=catalog) as muster:
        assert (await muster.get("/readyz"))["status"] == "ready"
        catalog.write_text("services:\n  search: {tier: 2, depnds_on: [mail]}\n")
        muster.hang_up()

        async def degraded() -> bool:
            return (await muster.request("GET", "/readyz")).body["status"] == "degraded"

        await eventually(degraded, "/readyz is not content")
        ready = await muster.request("GET", "/readyz")
        assert ready.status == 200, "the old catalogue still serves"
        words = ready.body["checks"]["catalog"]["detail"]
        assert all(part in words for part in ("catalog.yaml:2", "depnds_on", "depends_on")), words
        assert [record for record in muster.said() if record["event"] == "catalog_kept" and record["level"] == "error"]
        assert (await muster.get("/api/v1/session"))["services"] == ["search"]

        catalog.write_text("services:\n  search: {tier: 2, depends_on: [mail]}\n  mail: {}\n")
        muster.hang_up()

        async def reloaded() -> bool:
            session, ready = await muster.get("/api/v1/session"), await muster.get("/readyz")
            return sorted(session["services"]) == ["mail", "search"] and ready["status"] == "ready"

        await eventually(reloaded, "the good catalogue is in use")


async def test_who_asks_for_fewer_alerts_has_people_called_at_once_for_what_waited(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text("recipes:\n  - {name: disks, trigger: ['name=\"DiskFull\"'], min_alerts: 3}\n")
    async with running(tmp_path, catalog=catalog) as muster:
        assert (await muster.webhook("generic", alert(0))).status == 202
        await muster.settled()
        assert await muster.items("/api/v1/incidents") == []
        catalog.write_text(catalog.read_text().replace("min_alerts: 3", "min_alerts: 1"))
        muster.hang_up()

        async def called() -> bool:
            return [one["id"] for one in await muster.items("/api/v1/incidents")] == ["INC-1"]

        await eventually(called, "there is an incident, though no alert came")


async def test_a_catalogue_that_is_bad_at_the_start_is_refused_with_every_problem(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text("services:\n  search: {tier: 9}\n  mail: {team: nobody}\n")
    code, said = await asyncio.to_thread(refused_start, tmp_path, "run", "--catalog", str(catalog))
    assert code == 1
    assert "catalog.yaml:2" in said
    assert "catalog.yaml:3" in said
    assert "Traceback" not in said


async def test_a_database_of_a_newer_muster_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as muster:
        pass
    with closing(sqlite3.connect(muster.database)) as connection, connection:
        (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    code, said = await asyncio.to_thread(refused_start, tmp_path, "run")
    assert (code, "newer" in said, "Traceback" in said) == (1, True, False), said
    with closing(sqlite3.connect(muster.database)) as connection, connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    with closing(sqlite3.connect(muster.journal)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
    code, said = await asyncio.to_thread(refused_start, tmp_path, "run")
    assert (code, "newer" in said, "Traceback" in said) == (1, True, False), said


@pytest.mark.parametrize("what", ["garbage", "folder"])
async def test_a_database_that_is_none_is_refused_with_a_word(tmp_path: Path, what: str) -> None:
    if what == "garbage":
        (tmp_path / "muster.db").write_bytes(b"this is no database, whatever its name says" * 100)
    else:
        (tmp_path / "muster.db").mkdir()
    code, said = await asyncio.to_thread(refused_start, tmp_path, "run")
    assert (code, "muster.db" in said, "Traceback" in said) == (1, True, False), said


async def test_a_port_that_is_taken_is_told_with_the_way_out(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        code, said = await asyncio.to_thread(refused_start, tmp_path, "run", settings={"MUSTER_HTTP_PORT": port})
    assert code == 1
    assert f"127.0.0.1:{port}" in said
    assert "MUSTER_HTTP_PORT" in said
    assert "Traceback" not in said


async def test_a_second_muster_over_the_same_database_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, catalog=EXAMPLE_CATALOG) as muster:
        code, said = await asyncio.to_thread(refused_start, tmp_path, "run")
        assert (code, "nother Muster" in said, "Traceback" in said) == (1, True, False), said
        assert (await muster.webhook("generic", alert(0))).status == 202
        await muster.settled()
        assert len(await muster.incidents()) == 1


async def test_one_that_was_killed_does_not_keep_the_next_one_out(tmp_path: Path) -> None:
    async with client() as session:
        muster = await launch(tmp_path, session)
        muster.kill()
        muster = await launch(tmp_path, session)
        assert (await muster.get("/readyz"))["status"] == "ready"
        assert await muster.stop() == 0
