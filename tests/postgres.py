"""A PostgreSQL server of the tests' own: the machine's binaries, or pgserver's, on a socket in a temporary folder.

Every worker of pytest-xdist has its own server, so that nothing has to be agreed between them.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path

import asyncpg
from alembic.script import ScriptDirectory

from bot.storage import migrations
from bot.storage.database import Database
from bot.storage.tables import metadata

DEBIAN = Path("/usr/lib/postgresql")
PATIENCE = 60.0  # seconds for a loaded machine to start a server
SUPERUSER = "muster"
# The server lives exactly as long as our end of its standard input, so that a killed test run leaves none behind.
_KEEPER = 'pg="$1"; shift; "$pg" "$@" </dev/null & child=$!; read -r _; kill -INT "$child"; wait "$child"'
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "max_wal_size": "128MB",
    "log_min_messages": "fatal",
    "timezone": "UTC",
}


_VERSION = "SELECT version_num FROM alembic_version"


class Unavailable(Exception):
    """There is no PostgreSQL that can be started here; the message says why."""


def binaries() -> Path | None:
    """The folder of `initdb` and `postgres`: on the PATH, Debian's newest, else PyPI's pgserver; None when there is none."""
    if found := shutil.which("initdb"):
        real = Path(found).resolve().parent
        if (real / "postgres").exists():
            return real
    debian = [folder for folder in DEBIAN.glob("*/bin") if (folder / "postgres").exists()]
    if debian:
        return max(debian, key=lambda folder: float(folder.parent.name))
    package = importlib.util.find_spec("pgserver")
    if package is not None and package.origin is not None:
        bundled = Path(package.origin).parent / "pginstall" / "bin"
        if (bundled / "postgres").exists():
            return bundled
    return None


@cache
def head() -> str | None:
    """The newest migration that there is."""
    return ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head()


class Server:
    """A running server; its databases are thrown away with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._emptied: list[str] = []  # databases that were used, as they were before

    def url(self, name: str) -> str:
        """What MUSTER_DATABASE_URL would be."""
        return f"postgresql+asyncpg://{SUPERUSER}@/{name}?host={self._folder}"

    async def create(self) -> str:
        """A new, empty database; returns its name."""
        name = f"test_{uuid.uuid4().hex}"
        await self._execute(f'CREATE DATABASE "{name}"')
        return name

    async def drop(self, name: str) -> None:
        """Throw a database away, whoever is still connected."""
        await self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    async def lend(self) -> str:
        """A database with this version's schema and nothing in it. To empty one is many times quicker than to make one."""
        if self._emptied:
            return self._emptied.pop()
        name = await self.create()
        database = await Database.open(self.url(name))
        await database.close()
        return name

    async def take_back(self, name: str) -> None:
        """Empty a database for the next test, or throw it away when its schema is no longer ours."""
        tables = sorted([*metadata.tables, "alembic_version"])
        async with self._connected(name) as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
                name,
            )
            found = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
            ours = [row["tablename"] for row in found] == tables and await connection.fetchval(_VERSION) == head()
            if ours:
                await _empty(connection)
        if ours:
            self._emptied.append(name)
        else:
            await self.drop(name)

    async def _execute(self, statement: str) -> None:
        async with self._connected("postgres") as connection:
            await connection.execute(statement)

    @asynccontextmanager
    async def _connected(self, name: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        connection = await asyncpg.connect(host=str(self._folder), user=SUPERUSER, database=name)
        try:
            yield connection
        finally:
            await connection.close()


async def _empty(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Leave a database as if nothing had ever been in it. TRUNCATE makes new files for every table, also where nothing is in it."""
    await connection.execute(";".join(f'DELETE FROM "{table.name}"' for table in reversed(metadata.sorted_tables)))
    for (name,) in await connection.fetch("SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL"):
        await connection.execute(f'ALTER SEQUENCE "{name}" RESTART')


@contextmanager
def running() -> Iterator[Server]:
    """Start a server, and stop it at the end. Unavailable when there is none to start."""
    folder = binaries()
    if folder is None:
        raise Unavailable("is not on this machine")
    home = Path(tempfile.mkdtemp(prefix="muster-pg-"))  # short: a socket's path has at most 107 characters
    user = _unprivileged()
    try:
        if user is not None:
            os.chown(home, user.pw_uid, user.pw_gid)
        data = home / "data"
        made = _run(
            [folder / "initdb", "-D", data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale"],
            user,
        )
        if made.returncode:
            raise Unavailable(f"could not be set up: {made.stderr.decode(errors='replace').strip()[-500:]}")
        yield from _serve(folder, data, home, user)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _serve(folder: Path, data: Path, home: Path, user: pwd.struct_passwd | None) -> Iterator[Server]:
    settings = [f"-c{name}={value}" for name, value in {**_SETTINGS, "unix_socket_directories": str(home)}.items()]
    log = home / "server.log"
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", _KEEPER, "keeper", folder / "postgres", "-D", data, *settings],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home,
            **_as(user),
        )
    assert keeper.stdin is not None
    try:
        deadline = time.monotonic() + PATIENCE
        ready = [folder / "pg_ctl", "status", "-D", data]
        while not ((home / ".s.PGSQL.5432").exists() and b"ready" in (data / "postmaster.pid").read_bytes()):
            if time.monotonic() > deadline:
                raise Unavailable(f"did not start: {log.read_text(errors='replace').strip()[-500:]}")
            time.sleep(0.05)
        assert _run(ready, user).returncode == 0
        yield Server(home)
    finally:
        keeper.stdin.close()
        keeper.wait(PATIENCE)


def _run(command: list[str | Path], user: pwd.struct_passwd | None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, capture_output=True, cwd="/", timeout=PATIENCE, check=False, **_as(user))


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as: it refuses to be root. None: as we are."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Unavailable("refuses to run as root, and there is neither a user postgres nor nobody")


def _as(user: pwd.struct_passwd | None) -> dict[str, object]:
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
