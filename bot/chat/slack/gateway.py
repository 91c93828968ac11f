"""Slack as a chat platform: rooms are channels, made once and found again by their marker.

What is said there is bot.chat.slack.posts', how it looks drawing's; what people do in Slack comes in elsewhere.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any
from weakref import WeakValueDictionary

from bot.chat.gateway import DoorClosed, Invitation, PostedMessage, RoomRequest
from bot.chat.harmless import one_line
from bot.chat.slack.accounts import Accounts
from bot.chat.slack.channels import Channels
from bot.chat.slack.client import Refused, SlackClient
from bot.chat.slack.pictures import Pictures
from bot.chat.slack.posts import CLOCKS, Posts
from bot.chat.slack.richtext import is_web
from bot.chat.views import Link, Person, Text, View
from bot.errors import Permanent
from bot.telemetry import get_logger

__all__ = ["SlackGateway"]

log = get_logger(__name__)

TOPIC_LENGTH = 250  # specs: conversations.setTopic, conversations.setPurpose: too_long
NAME_LENGTH = 80  # conversations.create: invalid_name_maxlength
NAMES = 20  # tried before we give up
BOOKMARK = 80  # characters of a title; Slack takes 256 (specs: bookmarks.add) and shows few
AT_ONCE = 100  # people of one conversations.invite
LISTED = 999  # channels of one look; specs: conversations.list: the most at once

_UNNAMED = re.compile(r"[^a-z0-9_]+")  # what no channel's name may hold
_GONE = frozenset({"user_disabled", "user_not_found", "account_inactive"})  # no mention reaches them either
_WHY = {
    "cant_invite": "Slack does not let us invite them",
    "user_is_ultra_restricted": "a guest of one channel cannot be invited",
    "user_is_restricted": "a guest cannot be invited",
    "user_not_found": "Slack does not know them any more",
    "user_disabled": "the account is deactivated",
    "cant_invite_self": "that is Muster itself",
    "ura_max_channels": "a guest cannot be in more channels",
}


class SlackGateway:
    """Implements Gateway and every capability. `address` is where people reach the situation room, "" where nobody said."""

    platform = "slack"

    def __init__(self, client: SlackClient, accounts: Accounts, address: str = "") -> None:
        self._client, self._accounts, self._address = client, accounts, address
        self._channels, self._posts = Channels(client), Posts(client)
        whole: Text = (Link("the situation room", address),) if address else ("the situation room",)
        self.pictures = Pictures(client, accounts, whole)
        self._made: dict[str, str] = {}  # rooms that are not described yet, by marker
        self._opening: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by marker

    async def open_room(self, request: RoomRequest) -> str:
        """Make the channel, or adopt the one that a crash left unrecorded; one that is archived is opened again or replaced."""
        async with self._opening.setdefault(request.marker, asyncio.Lock()):
            if request.known and (again := await self._open_again(request.known)):
                return again
            channel = self._made.get(request.marker) or await self._make(request)
            self._made[request.marker] = channel  # what follows may have to wait, and is then begun again
            await self._describe(channel, request)
            del self._made[request.marker]
            return channel

    async def _make(self, request: RoomRequest) -> str:
        wish = _UNNAMED.sub("-", request.name.lower()).strip("-") or "room"
        for number in range(1, NAMES + 1):
            suffix = "" if number == 1 else f"-{number}"
            name = f"{wish[: NAME_LENGTH - len(suffix)].strip('-')}{suffix}"
            try:
                made = await self._client.call("conversations.create", name=name, is_private=request.private)
            except Refused as error:
                if error.error != "name_taken":
                    raise
                if channel := await self._left_behind(name, request):
                    return channel
                continue
            channel = str(made["channel"]["id"])
            self._posts.begin(channel)
            return channel
        raise Permanent(f"Slack has {NAMES} channels called {wish} already")

    async def post(self, room: str, view: View, *, nonce: str, since: float = 0.0) -> PostedMessage:
        """Say something in a channel, once for each nonce; what stands there already is made to say it."""
        return await self.pictures.sent(view, lambda drawn: self._posts.say(room, drawn, nonce, since))

    async def direct(self, person: Person, view: View, *, nonce: str, since: float = 0.0) -> PostedMessage:
        """Say something to one person alone."""
        account = await self._accounts.account(person.id)
        if not account:
            raise Permanent(
                f"{person.name} has no Slack account that Muster knows: set slack or email in the catalogue"
            )
        try:
            opened = await self._client.call("conversations.open", users=account)
            channel = str(opened["channel"]["id"])
            return await self.post(channel, view, nonce=nonce, since=since)
        except Refused as error:
            if error.error in _GONE:
                raise
            raise DoorClosed(str(error)) from error

    async def edit(self, message: PostedMessage, view: View) -> None:
        """Replace what a message shows."""
        await self.pictures.sent(view, lambda drawn: self._posts.edit(message, drawn))

    def file_of(self, view: View) -> str:
        """The file of Slack's that was made for the view's picture, "" for none."""
        return self.pictures.file_of(view)

    async def discard(self, file: str) -> None:
        """Delete a picture of ours that nothing shows any more."""
        await self.pictures.discard(file)

    async def withdraw(self, message: PostedMessage) -> None:
        """Take a message of ours away; one that is gone already is gone."""
        await self._posts.withdraw(message)

    async def invite(self, room: str, people: Sequence[Person]) -> Invitation:
        """Bring people in, a hundred at a time; who cannot come is named."""
        found: dict[str, Person] = {}
        failed: list[tuple[Person, str]] = []
        for person in people:
            account = await self._accounts.account(person.id)
            if account:
                found[account] = person
            else:
                failed.append((person, "no Slack account that Muster knows"))
        accounts = list(found)
        for start in range(0, len(accounts), AT_ONCE):
            some = accounts[start : start + AT_ONCE]
            for account, why in (await self._invite(room, some)).items():
                failed.append((found.pop(account), _WHY.get(why, why)))
        return Invitation(joined=tuple(found.values()), failed=tuple(failed))

    async def pin(self, message: PostedMessage) -> None:
        """Keep the message in sight. A card that cannot be pinned is a card still."""
        try:
            await self._client.call_in(message.room, "pins.add", timestamp=message.message)
        except Refused as error:
            if error.error != "already_pinned":
                log.warning("not_pinned", room=message.room, reason=error.error)

    async def retitle(self, room: str, title: str) -> None:
        """Show another title; the channel's name stays."""
        await self._client.call_in(room, "conversations.setTopic", topic=one_line(title, TOPIC_LENGTH))

    async def archive(self, room: str) -> None:
        """Close the channel; what was said stays readable."""
        try:
            await self._client.call("conversations.archive", channel=room)
        except Refused as error:
            if error.error not in {"already_archived", "is_archived", "channel_not_found"}:
                raise

    async def bookmark(self, room: str, links: Sequence[Link], *, gone: Sequence[Link] = ()) -> None:
        """Keep links in sight, each once, and those that are `gone` no more; a room without them is a room still."""
        try:
            known = (await self._client.call("bookmarks.list", channel_id=room))["bookmarks"]
            ours = {(_bookmarked(link), link.url) for link in gone}
            for one in known:
                if (one.get("title"), one.get("link")) in ours:
                    await self._client.call("bookmarks.remove", channel_id=room, bookmark_id=one["id"])
            there = {one.get("link") for one in known}
            for link in links:
                if link.url not in there and is_web(link.url):
                    title = _bookmarked(link)
                    await self._client.call("bookmarks.add", channel_id=room, title=title, type="link", link=link.url)
        except Refused as error:
            log.warning("not_bookmarked", room=room, reason=error.error)

    async def find_channel(self, named: str) -> str:
        """The id of a channel of the catalogue's, where we are now."""
        return await self._channels.find(named)

    # --- rooms --------------------------------------------------------------------------------------------------------

    async def _open_again(self, channel: str) -> str:
        """The channel itself, if it can be used again; else "": Slack lets bots unarchive some channels only."""
        try:
            known = (await self._client.call("conversations.info", channel=channel))["channel"]
            if known.get("is_archived"):
                await self._unarchive(channel)
            if not known.get("is_member") and not known.get("is_private"):
                await self._client.call("conversations.join", channel=channel)
        except Refused:
            return ""
        return channel

    async def _unarchive(self, channel: str) -> None:
        try:
            await self._client.call("conversations.unarchive", channel=channel)
        except Refused as error:
            if error.error != "not_archived":
                raise

    async def _left_behind(self, name: str, request: RoomRequest) -> str:
        """A channel of this name that we made for this incident and did not write down, open again where it was archived;
        "" when it is somebody else's, or cannot be used again."""
        async for page in self._client.pages(
            "conversations.list", types="public_channel,private_channel", limit=LISTED
        ):
            for channel in page["channels"]:
                if channel["name"] == name:
                    ours = channel.get("creator") == await self._client.myself()
                    purpose = str((channel.get("purpose") or {}).get("value", ""))
                    fresh = float(channel.get("created", 0.0)) >= request.opened_at - CLOCKS
                    mine = ours and fresh and (not purpose or f"({request.marker})" in purpose)
                    return await self._open_again(str(channel["id"])) if mine else ""
        return ""

    async def _describe(self, channel: str, request: RoomRequest) -> None:
        """The marker, by which the channel is known for ours, and the title."""
        purpose = f"{request.incident} ({request.marker})"
        await self._client.call("conversations.setPurpose", channel=channel, purpose=purpose)
        await self.retitle(channel, request.title)
        if self._address:
            there = Link(f"{request.incident} in the situation room", f"{self._address}/#/rooms/{request.name}")
            await self.bookmark(channel, [there])

    async def _invite(self, room: str, accounts: Sequence[str]) -> dict[str, str]:
        """Invite; returns who could not be, and why."""
        arguments: dict[str, Any] = {"users": ",".join(accounts)}
        if len(accounts) > 1:
            arguments["force"] = True
        try:
            answer = await self._client.call_in(room, "conversations.invite", **arguments)
        except Refused as error:
            if error.error == "already_in_channel":
                return {}
            if len(accounts) == 1:
                return {accounts[0]: error.error}
            each = [await self._invite(room, [account]) for account in accounts]
            return {account: why for one in each for account, why in one.items()}
        errors = answer.get("errors") or ()
        return {
            str(one["user"]): str(one.get("error", "cant_invite"))
            for one in errors
            if one.get("user") in accounts and one.get("error") != "already_in_channel"
        }


def _bookmarked(link: Link) -> str:
    """What a bookmark is called."""
    return one_line(link.label, BOOKMARK) or link.url[:BOOKMARK]
