"""Who came into an incident's room and who left it, as lines of the timeline: each once, however often and late it is told.

Platforms repeat themselves, and after a downtime their history is read: what is known already, or older than what is known, is
no news. That Muster itself comes and goes is nobody's business.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.views import Person
from bot.incidents import store, timeline
from bot.storage.database import Transaction

__all__ = ["ROOM", "came", "left"]

ROOM = "room"  # the kind of these lines


async def came(work: Transaction, number: int, person: Person, room: str, at: float) -> bool:
    """They are in `room` (`Slack room`) since `at`; False when that is known.

    Who takes part already (acknowledged, leads, made the change) has a line that says why, and gets none for coming.
    """
    last = await _last(work.connection, number, person, room)
    if last is not None and (last.data["here"] or at <= last.data["since"]):
        return False
    fresh = await store.add_participant(work, number, person, f"joined the {room}", at)
    if last is None and not fresh:
        return False
    await _write(work, number, person, room, at, here=True)
    return True


async def left(work: Transaction, number: int, person: Person, room: str, at: float) -> bool:
    """They are out of `room` since `at`; False when that is known."""
    last = await _last(work.connection, number, person, room)
    if last is not None and (not last.data["here"] or at <= last.data["since"]):
        return False
    await _write(work, number, person, room, at, here=False)
    return True


async def _last(connection: AsyncConnection, number: int, person: Person, room: str) -> timeline.Entry | None:
    lines = await timeline.read(connection, number, ROOM)
    mine = (one for one in reversed(lines) if one.actor == person.id and one.data.get("room") == room)
    return next(mine, None)


async def _write(work: Transaction, number: int, person: Person, room: str, at: float, *, here: bool) -> None:
    words = f"{person.name} {'joined' if here else 'left'} the {room}"
    await timeline.append(work, number, at, ROOM, person, words, room=room, here=here, since=at)
