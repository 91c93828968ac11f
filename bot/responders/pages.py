"""Pages as rows: one person asked once about one incident. Changes of state are by compare-and-set; when to page is not here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.gateway import PostedMessage
from bot.errors import NotFound
from bot.storage import tables
from bot.storage.database import Transaction, upsert

__all__ = [
    "MANUAL",
    "OPEN",
    "Delivery",
    "PageRecord",
    "PageState",
    "Round",
    "add",
    "address",
    "change",
    "delivered",
    "deliveries",
    "get",
    "of_incident",
    "open_of",
    "round_of",
]

PageState = Literal["pending", "sent", "acknowledged", "declined", "failed", "over"]
OPEN: tuple[PageState, ...] = ("pending", "sent")
MANUAL = 0  # the step of pages that a person asked for; a policy's steps count from 1

_pages, _messages = tables.pages, tables.page_messages


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRecord:
    """One page. `person` is an id; `why` and `note` are for the one who reads it."""

    id: int
    incident: int
    person: str
    why: str
    note: str
    step: int
    state: PageState
    created_at: float
    sent_at: float | None
    answered_at: float | None

    @property
    def ref(self) -> str:
        """P9."""
        return f"P{self.id}"

    @property
    def open(self) -> bool:
        """It may still be answered."""
        return self.state in OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Pages that the room hears of as one: those asked last, for the `turn`-th time, and the `first` of them all."""

    first: PageRecord
    pages: tuple[PageRecord, ...]
    turn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of a page on one platform; `error` is empty when it arrived."""

    platform: str
    error: str


async def add(
    work: Transaction, *, incident: int, person: str, why: str, note: str, step: int, at: float
) -> PageRecord:
    """A new page, not sent yet."""
    values = {
        "incident": incident,
        "person": person,
        "why": why,
        "note": note,
        "step": step,
        "state": "pending",
        "created_at": at,
    }
    result = await work.connection.execute(insert(_pages).values(values))
    return await get(work.connection, int(result.inserted_primary_key[0]))  # type: ignore[index]  # always there


async def change(
    work: Transaction, page: int, to: PageState, *, states: Sequence[PageState] = OPEN, **values: float
) -> bool:
    """Change the state if it is still one of `states`; False when somebody was faster."""
    statement = update(_pages).where(_pages.c.id == page, _pages.c.state.in_(states)).values(state=to, **values)
    return bool((await work.connection.execute(statement)).rowcount)


async def get(connection: AsyncConnection, page: int) -> PageRecord:
    """The page of that number; NotFound when there is none."""
    row = (await connection.execute(select(_pages).where(_pages.c.id == page))).first()
    if row is None:
        raise NotFound(f"There is no page P{page}.")
    return _record(row)


async def of_incident(
    connection: AsyncConnection, incident: int, *, states: Sequence[PageState] = (), since: float | None = None
) -> list[PageRecord]:
    """The incident's pages, oldest first."""
    query = select(_pages).where(_pages.c.incident == incident).order_by(_pages.c.id)
    if states:
        query = query.where(_pages.c.state.in_(states))
    if since is not None:
        query = query.where(_pages.c.created_at >= since)
    return [_record(row) for row in await connection.execute(query)]


async def newest_open(connection: AsyncConnection, person: str) -> PageRecord | None:
    """The newest page that waits for this person's answer."""
    query = select(_pages).where(_pages.c.person == person, _pages.c.state.in_(OPEN)).order_by(_pages.c.id.desc())
    row = (await connection.execute(query.limit(1))).first()
    return None if row is None else _record(row)


async def open_of(connection: AsyncConnection, person: str, limit: int = 50) -> list[PageRecord]:
    """The pages that wait for this person's answer, newest first."""
    query = select(_pages).where(_pages.c.person == person, _pages.c.state.in_(OPEN)).order_by(_pages.c.id.desc())
    return [_record(row) for row in await connection.execute(query.limit(limit))]


async def round_of(connection: AsyncConnection, page: PageRecord) -> Round:
    """The asking that the page belongs to; a step that a policy repeats without an answer is one asking."""
    kinds = _pages.c.step == MANUAL if page.step == MANUAL else _pages.c.step != MANUAL
    query = select(_pages).where(_pages.c.incident == page.incident, kinds).order_by(_pages.c.id)
    every = [_record(row) for row in await connection.execute(query)]
    rounds: list[list[list[PageRecord]]] = []
    for _, made in groupby(every, key=lambda one: (one.step, one.created_at)):
        together = list(made)
        if rounds and _repeats(together, rounds[-1][-1]):
            rounds[-1].append(together)
        else:
            rounds.append([together])
    turns = next(turns for turns in rounds if any(one.id == page.id for together in turns for one in together))
    return Round(first=turns[0][0], pages=tuple(turns[-1]), turn=len(turns))


def _repeats(later: Sequence[PageRecord], earlier: Sequence[PageRecord]) -> bool:
    """The same people are asked again, and none of them has answered."""
    unheard = all(page.answered_at is None for page in earlier)
    return (
        unheard
        and later[0].step == earlier[0].step != MANUAL
        and {page.person for page in later} <= {page.person for page in earlier}
    )


async def delivered(
    work: Transaction, page: int, platform: str, *, message: PostedMessage | None = None, error: str = ""
) -> None:
    """Keep where the page stands on a platform, or why it does not."""
    values = {"room": message.room if message else "", "message": message.message if message else "", "error": error}
    statement = upsert(work.connection, _messages).values(page=page, platform=platform, **values)
    await work.connection.execute(statement.on_conflict_do_update(index_elements=["page", "platform"], set_=values))


async def address(connection: AsyncConnection, page: int, platform: str) -> PostedMessage | None:
    """Where the page stands on a platform, or None."""
    query = select(_messages).where(_messages.c.page == page, _messages.c.platform == platform)
    row = (await connection.execute(query)).first()
    return PostedMessage(room=row.room, message=row.message) if row and row.message else None


async def deliveries(connection: AsyncConnection, page: int) -> list[Delivery]:
    """What became of the page on each platform so far."""
    query = select(_messages).where(_messages.c.page == page).order_by(_messages.c.platform)
    return [Delivery(platform=row.platform, error=row.error) for row in await connection.execute(query)]


def _record(row: Row[Any]) -> PageRecord:
    return PageRecord(**row._mapping)
