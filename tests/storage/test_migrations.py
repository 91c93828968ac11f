"""Migrations: they make exactly the tables that the code knows, once, and a newer database is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from bot.errors import ConfigError
from bot.storage.database import Database
from bot.storage.tables import metadata


@pytest.fixture
async def database(bare_database_url: str) -> AsyncIterator[Database]:
    """A database whose schema was made just now."""
    opened = await Database.open(bare_database_url)
    yield opened
    await opened.close()


async def test_the_migrations_make_exactly_the_tables_of_the_metadata(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        # SQLite tells its defaults in its own quotes; PostgreSQL holds them against ours.
        defaults = connection.dialect.name == "postgresql"
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": defaults}
        )
        return list(compare_metadata(context, metadata))

    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []


async def test_names_of_constraints_and_indexes_are_those_of_the_metadata(database: Database) -> None:
    def names(connection: Connection) -> set[str]:
        found: set[str] = set()
        inspector = inspect(connection)
        for table in metadata.tables:
            found |= {str(index["name"]) for index in inspector.get_indexes(table)}
        return found

    wanted = {str(index.name) for table in metadata.tables.values() for index in table.indexes}
    async with database.reading() as connection:
        assert wanted <= await connection.run_sync(names)


async def test_opening_again_changes_nothing(bare_database_url: str) -> None:
    for _ in range(2):
        database = await Database.open(bare_database_url)
        async with database.reading() as connection:
            versions = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalars().all()
        assert len(versions) == 1
        await database.close()


async def test_a_database_of_a_newer_muster_is_refused_and_left_as_it_is(bare_database_url: str) -> None:
    database = await Database.open(bare_database_url)
    async with database.transaction() as work:
        await work.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"schema 9999.*newer Muster wrote it"):
            await Database.open(bare_database_url)
