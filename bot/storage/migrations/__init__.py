"""Alembic migrations, run at start; a database that a newer Muster wrote is refused with a clear word."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import ConfigError

__all__ = ["upgrade"]


async def upgrade(connection: AsyncConnection) -> None:
    """Bring the schema to this version's head. ConfigError when the database is newer than this program."""
    await connection.run_sync(_upgrade)
    await connection.commit()


def _upgrade(connection: Connection) -> None:
    scripts = _scripts()
    current = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise ConfigError(
            f"The database has schema {current}, which this version of Muster does not know: a newer Muster wrote it. "
            "Start that version, or restore the backup from before the upgrade."
        )
    if current != scripts.get_current_head():
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@cache
def _scripts() -> ScriptDirectory:
    """The migrations that there are; to read them takes longer than to see that there is nothing to do."""
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config
