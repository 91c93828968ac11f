"""Discord as a chat platform: rooms, posts that stand once, direct messages, and people who are let into rooms.

What a room is is rooms', how messages stand once is posts'; what people do in Discord comes in elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import discord

from bot.catalog.model import DiscordRooms
from bot.chat.discord.accounts import PLATFORM, Accounts
from bot.chat.discord.channels import Channels
from bot.chat.discord.client import DiscordClient, Refused
from bot.chat.discord.lacking import MISSING_PERMISSIONS, Lacking
from bot.chat.discord.posts import MISSING_ACCESS, Posts
from bot.chat.discord.rooms import Rooms
from bot.chat.gateway import DoorClosed, Invitation, MessageLost, PostedMessage, RoomLost, RoomRequest
from bot.chat.views import Person, View
from bot.errors import Permanent, Retryable

__all__ = ["DiscordGateway"]

# docs.discord.com/developers/topics/opcodes-and-status-codes, JSON error codes
UNKNOWN_MEMBER, UNKNOWN_USER = 10007, 10013
NO_COMMON_SERVER, TOO_FAST = 50278, 40003
TOO_MANY_OVERWRITES, TOO_MANY_IN_THREAD = 30060, 30033

_GONE = frozenset({UNKNOWN_MEMBER, UNKNOWN_USER, NO_COMMON_SERVER})  # no mention reaches them either
LATER = 30.0  # seconds after which a direct message is tried again where Discord says that we open too many
_CLOSED = {
    50007: "{name} takes no direct messages from this Discord server's members or apps "
    "(they change it under the server's name, Privacy Settings)"
}
_WHY = {
    UNKNOWN_MEMBER: "they are no member of this Discord server",
    UNKNOWN_USER: "Discord does not know the account that the catalogue has",
    MISSING_ACCESS: "they do not see the channel that the thread is in",
    MISSING_PERMISSIONS: "Muster's role needs the permission Manage Roles to let somebody in",
    TOO_MANY_OVERWRITES: "a channel lets in a thousand people by name at most",
    TOO_MANY_IN_THREAD: "a thread has a thousand members at most",
}


class DiscordGateway:
    """Implements Gateway, Announcing, Archiving, Pinning and Withdrawing. A room's name and topic stay: its title is on the card.

    `link` is a room in the situation room, "" for none.
    """

    platform = PLATFORM

    def __init__(
        self,
        client: DiscordClient,
        accounts: Accounts,
        wish: Callable[[], DiscordRooms] = DiscordRooms,
        link: Callable[[str], str] = lambda _: "",
    ) -> None:
        self._client, self._accounts = client, accounts
        self._lacking = Lacking()
        self._posts = Posts(client, accounts.known, self._lacking)
        self._rooms = Rooms(client, self._posts, self._lacking, wish, link)
        self._channels = Channels(client)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What whoever looks after Muster should know, though it works."""
        pinless = f"The card could not be pinned: {self._posts.pinless}." if self._posts.pinless else ""
        return tuple(word for word in (*self._lacking.remarks, self._rooms.warning, pinless) if word)

    async def open_room(self, request: RoomRequest) -> str:
        """Make the room, or adopt the one that a crash left unrecorded; one that is archived is opened again."""
        return str(await self._rooms.open(request))

    async def post(
        self,
        room: str,
        view: View,
        *,
        nonce: str,
        since: float = 0.0,  # noqa: ARG002 - Discord knows a nonce itself, and the newest are looked at
    ) -> PostedMessage:
        """Say something in a room, once for each nonce."""
        return PostedMessage(room=room, message=str(await self._posts.say(_room(room), view, nonce)))

    async def direct(
        self,
        person: Person,
        view: View,
        *,
        nonce: str,
        since: float = 0.0,  # noqa: ARG002 - Discord knows a nonce itself, and the newest are looked at
    ) -> PostedMessage:
        """Say something to one person alone. DoorClosed where that cannot be, though they may be in the server."""
        account = self._accounts.known(person.id)
        if not account:
            raise Permanent(f"{person.name} has no Discord account that Muster knows: set discord in the catalogue")
        try:
            opened = await self._client.call(
                "open a direct message", lambda c: c.create_dm(discord.Object(int(account))), again=True
            )
            message = await self._posts.say(opened.id, view, nonce)
        except Refused as error:
            if error.number == TOO_FAST:
                raise Retryable(str(error), retry_after=LATER) from error
            if error.number in _GONE:
                raise Permanent(
                    f"{person.name} is not in this Discord server: let them in, or correct the catalogue"
                ) from error
            raise DoorClosed(_CLOSED.get(error.number, str(error)).format(name=person.name)) from error
        return PostedMessage(room=str(opened.id), message=str(message))

    async def edit(self, message: PostedMessage, view: View) -> None:
        """Replace what a message shows."""
        room, number = _room(message.room), message.message
        if not number.isdecimal():
            raise MessageLost(f"{number!r} is no message of Discord's")
        await self._posts.edit(room, int(number), view)

    async def withdraw(self, message: PostedMessage) -> None:
        """Take a message of ours away; one that is gone already is gone."""
        await self._posts.withdraw(_room(message.room), int(message.message))

    async def invite(self, room: str, people: Sequence[Person]) -> Invitation:
        """Let people in, who see the room then; who cannot come is named."""
        joined: list[Person] = []
        failed: list[tuple[Person, str]] = []
        for person in people:
            account = self._accounts.known(person.id)
            if not account:
                failed.append((person, "no Discord account that Muster knows"))
            elif why := await self._let_in(_room(room), int(account)):
                failed.append((person, why))
            else:
                joined.append(person)
        return Invitation(joined=tuple(joined), failed=tuple(failed))

    async def pin(self, message: PostedMessage) -> None:
        """Keep the message in sight."""
        await self._posts.pin(_room(message.room), int(message.message))

    async def archive(self, room: str) -> None:
        """Close the room; what was said stays readable."""
        await self._rooms.archive(_room(room))

    async def find_channel(self, named: str) -> str:
        """The id of a channel of the catalogue's, where we may speak."""
        return await self._channels.find(named)

    async def _let_in(self, room: int, account: int) -> str:
        """Why they cannot come; "" when they can. Whoever sees the room already is in it."""
        try:
            place = await self._place(room)
            if isinstance(place, discord.Thread):
                await self._client.call(
                    "add somebody to a thread", lambda c: c.http.add_user_to_thread(room, account), again=True
                )
                return ""
            guild = await self._client.guild()
            member = await self._client.call("look at a member", lambda _: guild.fetch_member(account), again=True)
            if place.permissions_for(member).view_channel:
                return ""
            allowed = place.overwrites_for(member)
            allowed.update(view_channel=True, send_messages=True, read_message_history=True)
            may, may_not = allowed.pair()
            overwrite = {
                "type": 1,
                "allow": may.value,
                "deny": may_not.value,
            }  # numbers, as Discord's description wants
            path = "/channels/{channel_id}/permissions/{user_id}"
            await self._client.raw("let somebody in", "PUT", path, json=overwrite, channel_id=room, user_id=account)
        except Refused as error:
            return _WHY.get(error.number, str(error))
        return ""

    async def _place(self, room: int) -> discord.abc.GuildChannel | discord.Thread:
        """The room as it is now. RoomLost."""
        guild = await self._client.guild()
        try:
            return await self._client.call("look at a room", lambda _: guild.fetch_channel(room), again=True)
        except Refused as error:
            raise self._posts.lost(error) from error


def _room(room: str) -> int:
    if not room.isdecimal():
        raise RoomLost(f"{room!r} is no channel of Discord's")
    return int(room)
