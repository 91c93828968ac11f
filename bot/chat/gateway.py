"""The port to chat platforms: a small interface each must have, and capabilities some have. No SDK enters here.

Every call may be repeated after a crash: rooms are found again by their marker, posts by their nonce.
Gateways raise `DeliveryError`s only: Retryable, Uncertain or Permanent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from bot.chat.views import Link, Person, View
from bot.errors import Permanent
from bot.storage.database import Transaction

__all__ = [
    "Announcing",
    "Archiving",
    "Bookmarking",
    "DoorClosed",
    "Filing",
    "Gateway",
    "Invitation",
    "Local",
    "MessageLost",
    "Pinning",
    "PostedMessage",
    "Renaming",
    "RoomLost",
    "RoomRequest",
    "Withdrawing",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomRequest:
    """A room that should exist. `marker` identifies it however often it is asked for; `name` is a wish.

    `known` is the platform's id of it where it had one before; `opened_at` is when the incident began to need it.
    """

    marker: str
    name: str
    incident: str
    title: str
    private: bool = False
    known: str = ""
    opened_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedMessage:
    """Where a message stands."""

    room: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """Who is in the room now, and who could not be invited, with the reason."""

    joined: tuple[Person, ...] = ()
    failed: tuple[tuple[Person, str], ...] = ()


class RoomLost(Permanent):
    """The room was archived or deleted by somebody else."""


class MessageLost(Permanent):
    """The message was deleted by somebody else, or stands in a room that is not this one."""


class DoorClosed(Permanent):
    """They take no direct messages from us; where they are in a room, a mention there reaches them."""


class Gateway(Protocol):
    """What every chat platform can do."""

    @property
    def platform(self) -> str:
        """The platform's name in addresses, tables and metrics: console, slack, discord."""
        ...

    async def open_room(self, request: RoomRequest) -> str:
        """Make the room, or adopt the one that bears the marker; returns the platform's id of it."""
        ...

    async def post(self, room: str, view: View, *, nonce: str, since: float = 0.0) -> PostedMessage:
        """Say something in a room, once for each nonce; what an uncertain try left there is made to show this view.

        It was not tried before `since`: what was said earlier need not be searched for such a try.
        """
        ...

    async def direct(self, person: Person, view: View, *, nonce: str, since: float = 0.0) -> PostedMessage:
        """Say something to one person alone, once for each nonce, as `post` does."""
        ...

    async def edit(self, message: PostedMessage, view: View) -> None:
        """Replace what a message shows."""
        ...

    async def invite(self, room: str, people: Sequence[Person]) -> Invitation:
        """Bring people into a room; those who cannot be invited are named, never fatal."""
        ...


@runtime_checkable
class Pinning(Protocol):
    """Platforms where a message can be pinned."""

    async def pin(self, message: PostedMessage) -> None:
        """Keep the message in sight."""
        ...


@runtime_checkable
class Renaming(Protocol):
    """Platforms where a room's title can follow the incident's."""

    async def retitle(self, room: str, title: str) -> None:
        """Show another title; the room's name stays."""
        ...


@runtime_checkable
class Archiving(Protocol):
    """Platforms where a room can be closed and kept."""

    async def archive(self, room: str) -> None:
        """Close the room; what was said stays readable."""
        ...


@runtime_checkable
class Bookmarking(Protocol):
    """Platforms where links can be kept in sight above a room's conversation."""

    async def bookmark(self, room: str, links: Sequence[Link], *, gone: Sequence[Link] = ()) -> None:
        """Keep `links` there, each once, and `gone` no more; what people keep there stays. A room without them is a room still."""
        ...


@runtime_checkable
class Announcing(Protocol):
    """Platforms with channels that are nobody's room, where incidents are announced by `post` and kept true by `edit`."""

    async def find_channel(self, named: str) -> str:
        """The id of the channel that the catalogue names so, ready to be posted to (a public one is joined).

        Permanent when there is none, or we may not speak there: in whole sentences, with the way out.
        """
        ...


@runtime_checkable
class Withdrawing(Protocol):
    """Platforms where a message can be taken away again."""

    async def withdraw(self, message: PostedMessage) -> None:
        """Take our message away; one that is gone already is gone."""
        ...


@runtime_checkable
class Filing(Protocol):
    """Platforms where a card's picture is a file of its own, which stays when the card shows another one."""

    def file_of(self, view: View) -> str:
        """The file that was made for this view, or what it showed in its place; "" for none."""
        ...

    async def discard(self, file: str) -> None:
        """Delete a file of ours that nothing shows any more; one that is gone already is gone."""
        ...


@runtime_checkable
class Local(Protocol):
    """Platforms that are tables of our own: what they are asked for is true when a transaction is committed."""

    def within(self, work: Transaction) -> Gateway:
        """The same platform, writing in that transaction."""
        ...
