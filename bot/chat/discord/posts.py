"""Messages of ours on Discord: each stands once for its nonce, however often it is sent and whatever Discord says of it.

Discord keeps no nonce, but it keeps the number of a component: the first one of a message of ours bears the nonce's, and so the
message is found again after an uncertain send or a crash. What is said is drawn elsewhere.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import suppress

import discord

from bot.chat.discord.client import DiscordClient, Refused
from bot.chat.discord.drawing import Drawn, draw
from bot.chat.discord.lacking import MISSING_PERMISSIONS, Lacking
from bot.chat.gateway import MessageLost, RoomLost
from bot.chat.views import Notice, View
from bot.errors import Permanent, Uncertain
from bot.telemetry import get_logger

__all__ = ["NOT_THERE", "Posts", "component_number"]

log = get_logger(__name__)

LOOKED_AT = 100  # messages that are searched for one that may have arrived; GET messages: limit
REMEMBERED = 5_000  # posts, in case one is asked for again although it arrived

# docs.discord.com/developers/topics/opcodes-and-status-codes, JSON error codes
UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, MISSING_ACCESS, NOT_OURS, ARCHIVED = 10003, 10008, 50001, 50005, 50083
TOO_MANY_PINS = 30003
NOT_THERE = frozenset({UNKNOWN_CHANNEL, MISSING_ACCESS, ARCHIVED})


def component_number(channel: int, nonce: str) -> int:
    """What stands for the nonce in a message: 1 to 2^31 - 1, what a component's number may be. Far above what Discord counts up."""
    digest = hashlib.blake2b(f"{channel}:{nonce}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % (2**31 - 2_000) + 1_000


class Posts:
    """Says, edits and pins. `pinless` is a word on why a card could not be pinned, "" when the last one was."""

    def __init__(self, client: DiscordClient, known: Callable[[str], str], lacking: Lacking) -> None:
        self._client, self._known, self._lacking = client, known, lacking
        self._certain: set[int] = set()  # channels where nothing of ours may stand unnoticed
        self._posts: OrderedDict[tuple[int, int], int] = OrderedDict()  # messages by channel and number
        self._deleted: Counter[int] = Counter()  # how many messages of a number are gone; Discord refuses a nonce twice
        self.pinless = ""

    def made(self, channel: int) -> None:
        """The channel is new: nobody has to look what stands there."""
        self._certain.add(channel)

    async def say(self, channel: int, view: View, nonce: str) -> int:
        """Say it, unless it stands there already; returns the message's id."""
        number = component_number(channel, nonce)
        if channel not in self._certain:
            await self._look(channel)
        if known := self._posts.get((channel, number)):  # it arrived; what came after it, or the word of it, did not
            with suppress(MessageLost):  # else it is said anew
                await self.edit(channel, known, view)  # its words may be older
                return known
        drawn = self._draw(view)
        drawn.view.children[0].id = number
        try:
            with self._lacking.trying("post in a room", channel):
                message = await self._send(channel, drawn, number)
        except Uncertain:
            self._certain.discard(channel)  # the next try looks before it says it again
            raise
        return self._remember(channel, number, message)

    async def edit(self, channel: int, message: int, view: View) -> None:
        """Replace what a message shows. MessageLost or RoomLost."""
        drawn = self._draw(view)

        async def ask(client: discord.Client) -> None:
            place = client.get_partial_messageable(channel).get_partial_message(message)
            mentions = drawn.allowed_mentions
            await place.edit(view=drawn.view, attachments=drawn.files, allowed_mentions=mentions)

        try:
            await self._client.call("edit a message", ask, again=True)
        except Refused as error:
            if error.number in {UNKNOWN_MESSAGE, NOT_OURS}:
                self._forget(channel, message)
                raise MessageLost(str(error)) from error
            raise self.lost(error) from error

    async def withdraw(self, channel: int, message: int) -> None:
        """Take a message of ours away; one that is gone already is gone."""
        try:
            await self._client.call(
                "take a message away",
                lambda c: c.get_partial_messageable(channel).get_partial_message(message).delete(),
                again=True,
            )
        except Refused as error:
            if error.number != UNKNOWN_MESSAGE:
                raise self.lost(error) from error
        self._forget(channel, message)

    async def pin(self, channel: int, message: int) -> None:
        """Keep it in sight. A card that cannot be pinned is a card still: why is remembered for whoever looks after Muster."""
        try:
            await self._client.call(
                "pin the card",
                lambda c: c.get_partial_messageable(channel).get_partial_message(message).pin(),
                again=True,
            )
        except Refused as error:
            if error.number in {UNKNOWN_CHANNEL, UNKNOWN_MESSAGE}:
                raise self.lost(error) from error
            why = {
                TOO_MANY_PINS: "a room has 250 pinned messages already",
                MISSING_PERMISSIONS: "Muster's role needs the permission Pin Messages",
            }
            self.pinless = why.get(error.number, str(error))
            log.warning("not_pinned", room=channel, reason=self.pinless)
        else:
            self.pinless = ""

    def lost(self, error: Refused) -> Permanent:
        """RoomLost where that is what Discord says, with the channel forgotten; else the refusal itself."""
        return RoomLost(str(error)) if error.number in NOT_THERE else error

    # --- inside -------------------------------------------------------------------------------------------------------

    def _draw(self, view: View) -> Drawn:
        return draw(view, self._known, called=view.called if isinstance(view, Notice) else ())

    async def _send(self, channel: int, drawn: Drawn, number: int) -> int:
        """One message; a nonce whose message somebody deleted is another nonce the next time."""
        for _ in range(2):
            nonce = f"{number}-{self._deleted[number]}"  # at most 25 characters
            try:
                sent = await self._client.call(
                    "post a message",
                    lambda c, nonce=nonce: c.get_partial_messageable(channel).send(  # type: ignore[misc]
                        view=drawn.view, files=drawn.files, nonce=nonce, allowed_mentions=drawn.allowed_mentions
                    ),
                )
            except Refused as error:
                if error.number != UNKNOWN_MESSAGE:
                    raise self.lost(error) from error
                self._deleted[number] += 1
            else:
                return int(sent.id)
        raise Permanent("Discord takes the message for one that was deleted")

    def _remember(self, channel: int, number: int, message: int) -> int:
        self._posts[channel, number] = message
        while len(self._posts) > REMEMBERED:
            self._posts.popitem(last=False)
        return message

    def _forget(self, channel: int, message: int) -> None:
        for key in [key for key, known in self._posts.items() if key[0] == channel and known == message]:
            del self._posts[key]
            self._deleted[key[1]] += 1

    async def _look(self, channel: int) -> None:
        """What of ours stands there, whether or not somebody told us that it arrived."""
        me = str(await self._client.myself())
        try:
            found = await self._client.call(
                "look at the newest messages", lambda c: c.http.logs_from(channel, LOOKED_AT), again=True
            )
        except Refused as error:
            raise self.lost(error) from error
        for message in reversed(found):
            components = message.get("components") or []
            if str(message["author"]["id"]) == me and components and components[0].get("id"):
                self._remember(channel, int(components[0]["id"]), int(message["id"]))
        self._certain.add(channel)
