"""`muster export`: a retrospective without chat and without a running Muster. Reads the database, writes a file or a stream."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TextIO

from bot.chat.views import MUSTER
from bot.clock import SystemClock
from bot.errors import MusterError, NotFound
from bot.incidents.reference import number_of, ref
from bot.retros.formats import discover, format_names
from bot.retros.gathering import gather
from bot.retros.model import Retro
from bot.retros.service import Rendered, kept, rendered
from bot.storage.database import Database
from bot.storage.files import absent_file
from correlation.alert import Change

__all__ = ["export"]


async def export(
    database_url: str, incident: str, form: str, output: Path | None, out: TextIO, err: TextIO | None = None
) -> int:
    """Write the retrospective of an incident to `output` (a folder: under its own name), or to `out`; returns the exit code.

    What was drafted is written as it was drafted; else it is gathered on the spot, and nothing is kept.
    """
    complain = err or sys.stderr
    number = number_of(incident)
    if number is None:
        print(f"{incident!r} names no incident. Write it as INC-42.", file=complain)
        return 2
    if form.strip().lower() not in discover():
        print(f"There is no format {form!r}. There are: {', '.join(format_names())}.", file=complain)
        return 2
    absent = absent_file(database_url)
    if absent is not None:
        print(f"There is no database at {absent}. MUSTER_DATABASE_URL says where it is.", file=complain)
        return 1
    try:
        retro = await _read(database_url, number)
        found = rendered(retro, form)
    except NotFound:  # its words are for a chat
        print(f"There is no {ref(number)} in this database. MUSTER_DATABASE_URL says which one is read.", file=complain)
        return 1
    except MusterError as error:
        print(error.public, file=complain)
        return 1
    if output is None:
        _write(out, found.body)
        return 0
    try:
        target = await asyncio.to_thread(_save, output, found)
    except OSError as error:
        print(f"{error.filename or output} cannot be written: {error.strerror}.", file=complain)
        return 1
    print(f"{retro.ref} written to {target} ({len(found.body):,} bytes).", file=complain)
    return 0


def _save(output: Path, found: Rendered) -> Path:
    target = output / found.filename if output.is_dir() else output
    target.write_bytes(found.body)
    return target


def _write(out: TextIO, body: bytes) -> None:
    """As bytes where the stream has a way for them: its own encoding may not know every character."""
    binary = getattr(out, "buffer", None)
    if binary is None:
        out.write(body.decode())
    else:
        binary.write(body)
    out.flush()


async def _read(database_url: str, number: int) -> Retro:
    database = await Database.open(database_url)
    try:
        async with database.reading() as connection:
            draft = await kept(connection, number)
            return draft or await gather(connection, number, SystemClock().now(), name=_name, author=_author)
    finally:
        await database.close()


def _name(person: str) -> str:
    """Without the catalogue people are called what the rows call them."""
    return MUSTER.name if person == MUSTER.id else person.removeprefix("guest:")


def _author(change: Change) -> str:
    return change.author_name or change.author_login or change.author_email
