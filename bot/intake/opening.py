"""Opens the journal that belongs to a database. What is written in it and who reads it does not enter here."""

from __future__ import annotations

from sqlalchemy import select

from bot.intake.journal import Journal
from bot.intake.journal_postgres import PostgresLog
from bot.intake.journal_sqlite import SqliteLog, beside
from bot.storage import tables
from bot.storage.database import Database

__all__ = ["open_journal"]


async def open_journal(database: Database, reader: str) -> Journal:
    """The journal, which keeps at least what this reader has not read: a file beside a SQLite database, else tables."""
    async with database.reading() as connection:
        query = select(tables.cursors.c.position).where(tables.cursors.c.reader == reader)
        position = (await connection.execute(query)).scalar() or 0
    file = database.file
    log = SqliteLog(beside(file)) if file is not None else PostgresLog(database.url)
    return await Journal(log).open(position)
