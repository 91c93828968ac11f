"""The ledger of changes: one row for each deploy, flag, configuration or migration, whose status moves as reports come in.

Which change is to blame is not decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import tables
from bot.storage.database import Transaction, upsert
from correlation.alert import Change

__all__ = ["between", "change_key", "get", "many", "merged", "record"]

LIMIT = 500  # rows that one look at the ledger brings; a busy organisation deploys some hundred times a day
_IDS_AT_ONCE = 500  # below SQLite's limit on bound parameters, https://sqlite.org/limits.html#max_variable_number

_PROGRESS = {"started": 0, "succeeded": 1, "failed": 1, "rolled_back": 2}
_AUTHOR = ("author_name", "author_email", "author_login")
_PLAIN = ("title", "service", "revision", "url", "environment", "repository", "source")


def change_key(change: str) -> str:
    """What the rows of one change have in common: a repository of several services has a row for each, `id#service`."""
    return change.partition("#")[0]


def merged(known: Change, later: Change) -> Change:
    """What two reports of one change say together; `later` arrived after `known`.

    The status only moves forward, unless the change starts again. `at` is when it began: that is what an onset is held
    against. An author is one person: the fields of two reports are mixed only where they agree.

    >>> begun = Change(id="d1", at=100.0, title="checkout a1b2c3d", status="started", author_login="rvos")
    >>> done = Change(id="d1", at=160.0, title="checkout a1b2c3d", status="succeeded", author_login="ci-bot")
    >>> both = merged(begun, done)
    >>> both.at, both.status, both.author_login
    (100.0, 'succeeded', 'rvos')
    >>> late = merged(done, begun)
    >>> late.at, late.status
    (100.0, 'succeeded')
    """
    again = later.status == "started" and known.status != "started" and later.at > known.at
    forward = _PROGRESS[later.status] >= _PROGRESS[known.status]
    values: dict[str, Any] = {name: getattr(later, name) or getattr(known, name) for name in _PLAIN}
    values |= _author(later, known) if again else _author(known, later)
    return Change(
        id=known.id,
        at=later.at if again else min(known.at, later.at),
        status=later.status if again or forward else known.status,
        kind=later.kind,
        **values,
    )


def _author(first: Change, second: Change) -> dict[str, str]:
    mine = {name: getattr(first, name) for name in _AUTHOR}
    other = {name: getattr(second, name) for name in _AUTHOR}
    if not any(mine.values()):
        return other
    same = any(mine[name] and mine[name].lower() == other[name].lower() for name in _AUTHOR)
    return {name: mine[name] or (other[name] if same else "") for name in _AUTHOR}


async def record(work: Transaction, changes: Sequence[Change]) -> None:
    """Keep what was reported; several reports of one change become one row. Tells the listeners of topic `change`."""
    if not changes:
        return
    known = {change.id: change for change in await many(work.connection, list({change.id for change in changes}))}
    result: dict[str, Change] = {}
    for change in changes:
        before = result.get(change.id) or known.get(change.id)
        result[change.id] = merged(before, change) if before else change
    for change in result.values():
        if known.get(change.id) == change:
            continue
        values = msgspec.structs.asdict(change)
        del values["hosts"]  # evidence for the engine, which keeps it
        statement = upsert(work.connection, tables.changes).values(values)
        await work.connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
        work.announce("change", id=change.id)


async def between(
    connection: AsyncConnection, since: float, until: float, services: Sequence[str] = (), *, limit: int = LIMIT
) -> list[Change]:
    """Changes that began from `since` to `until`, latest first; only those of `services` when some are named."""
    c = tables.changes.c
    query = select(tables.changes).where(c.at >= since, c.at <= until).order_by(c.at.desc(), c.id.desc()).limit(limit)
    if services:
        query = query.where(c.service.in_(services))
    return [_from_row(row) for row in await connection.execute(query)]


async def get(connection: AsyncConnection, change: str) -> Change | None:
    """The change of that id, or None."""
    found = await many(connection, [change])
    return found[0] if found else None


async def many(connection: AsyncConnection, ids: Sequence[str]) -> list[Change]:
    """The changes of these ids, in their order; unknown ids are left out."""
    found: dict[str, Change] = {}
    for start in range(0, len(ids), _IDS_AT_ONCE):
        query = select(tables.changes).where(tables.changes.c.id.in_(ids[start : start + _IDS_AT_ONCE]))
        found |= {row.id: _from_row(row) for row in await connection.execute(query)}
    return [found[one] for one in ids if one in found]


def _from_row(row: Row[Any]) -> Change:
    return Change(**dict(row._mapping))
