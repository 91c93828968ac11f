"""What many tests share: databases of both kinds, a clock that stands still, and what happens without a program."""

from __future__ import annotations

import gc
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from bot.clock import ManualClock
from bot.storage.database import Database
from tests import postgres, programs
from tests import sqlite as sqlite_files

# Properties say what holds, never how fast: a busy machine must not fail them.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for program in mark.args:
            if programs.find(program) is None:
                programs.missing(program)


def pytest_collection_finish() -> None:
    """What is there by now lives to the end: no collection of garbage needs to look at it again."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = Counter(
        re.sub(r"^Skipped: ", "", report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        for report in terminalreporter.stats.get("skipped", [])
    )
    needs = {reason: count for reason, count in reasons.items() if reason.startswith(programs.SKIP)}
    if not reasons:
        return
    terminalreporter.section(f"NOT TESTED HERE: {reasons.total()} skipped", sep="!", yellow=True, bold=True)
    for reason, count in sorted(reasons.items(), key=lambda item: (item[0] not in needs, -item[1], item[0])):
        terminalreporter.line(f"{count:5} x {reason}", yellow=True)


@pytest.fixture
def clock() -> ManualClock:
    """2026-01-05 09:00 UTC, a Monday, until it is moved."""
    return ManualClock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """One server for all tests of this worker; skipped loudly where there is none to start."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgres.running())
        except postgres.Unavailable as error:
            programs.missing("postgresql", str(error))
        yield server


@pytest.fixture
async def postgres_url(postgres_server: postgres.Server) -> AsyncIterator[str]:
    """The address of a PostgreSQL database with this version's schema, and nothing in it."""
    name = await postgres_server.lend()
    yield postgres_server.url(name)
    await postgres_server.take_back(name)


@pytest.fixture
async def bare_postgres_url(postgres_server: postgres.Server) -> AsyncIterator[str]:
    """The address of a new PostgreSQL database without any schema."""
    name = await postgres_server.create()
    yield postgres_server.url(name)
    await postgres_server.drop(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of an SQLite database with this version's schema, and nothing in it."""
    return sqlite_files.url(tmp_path)


@pytest.fixture
def bare_sqlite_url(tmp_path: Path) -> str:
    """The address of an SQLite database that does not exist yet."""
    return sqlite_files.bare_url(tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a database with nothing in it: the test runs once on SQLite, once on PostgreSQL."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_database_url(request: pytest.FixtureRequest) -> str:
    """The same without any schema: for tests of what makes it."""
    url: str = request.getfixturevalue("bare_sqlite_url" if request.param == "sqlite" else "bare_postgres_url")
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database with this version's schema, on SQLite and on PostgreSQL."""
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite(sqlite_url: str) -> AsyncIterator[Database]:
    """An open SQLite database: for tests of what does not depend on the kind of database."""
    opened = await Database.open(sqlite_url)
    yield opened
    await opened.close()
