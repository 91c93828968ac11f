"""The port to what people say in the rooms that are Muster's own: values and a protocol. No storage and no HTTP enter here.

The console implements it; the situation room reads and speaks through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from bot.chat.views import Person, View

__all__ = ["LOBBY", "ConsoleRoom", "Conversation", "Message", "RoomKind"]

LOBBY = "lobby"
RoomKind = Literal["lobby", "incident", "private"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleRoom:
    """A room: `incident` is its number where it has one, `person` whose private room it is, `last_at` when something was said."""

    id: str
    kind: RoomKind
    title: str
    incident: int | None
    person: str | None
    archived: bool
    created_at: float
    last_at: float

    def open_to(self, person: str) -> bool:
        """Whether this person may look inside."""
        return self.kind != "private" or self.person == person


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something said. `view` is what Muster showed; `text` is the same in words, whole, for transcripts.

    `platform` is where it was said, and `answered` who and what it answers there, on a line; a message that was `taken_back` has no
    words any more.
    """

    id: int
    room: str
    at: float
    author: str
    author_name: str
    author_kind: Literal["person", "muster"]
    text: str
    view: View | None
    edited_at: float | None
    pinned: bool
    platform: str = "console"
    answered: str = ""
    taken_back: bool = False


class Conversation(Protocol):
    """What people say, and who may read it is the caller's to ask."""

    async def prepare(self) -> None:
        """Make sure that the lobby is there."""
        ...

    async def room(self, room: str) -> ConsoleRoom:
        """The room; NotFound when there is none."""
        ...

    async def rooms(
        self, *, person: str = "", before: tuple[float, str] | None = None, limit: int = 200
    ) -> Sequence[ConsoleRoom]:
        """Rooms, newest first, of which private ones only this person's; `before` is (created_at, id) of a room."""
        ...

    async def rooms_named(self, rooms: Sequence[str]) -> Sequence[ConsoleRoom]:
        """Those of these rooms that exist."""
        ...

    async def say(self, room: str, person: Person, text: str, *, nonce: str | None = None) -> int:
        """Say something, once for each nonce; returns the message's id. MalformedPayload, NotFound or InvalidTransition."""
        ...

    async def history(self, room: str, *, before: int | None = None, limit: int = 100) -> Sequence[Message]:
        """The newest messages older than `before`, oldest first; what was said in the incident's rooms elsewhere is among them."""
        ...

    async def pinned(self, room: str) -> Sequence[Message]:
        """The messages that are kept in sight, oldest first."""
        ...

    async def messages(self, ids: Sequence[int]) -> Sequence[Message]:
        """Those of these messages that exist, in the order of their ids."""
        ...
