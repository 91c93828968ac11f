"""What we say in Slack's channels: each nonce once, however often it is tried. A message may have arrived although nobody said so,
so what stands there is looked at before it is said again. How a message looks, and what a channel is for, does not enter here.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from contextlib import suppress
from typing import Any

from bot.chat.gateway import MessageLost, PostedMessage
from bot.chat.slack.client import Refused, SlackClient
from bot.chat.slack.drawing import Drawn
from bot.errors import Uncertain

__all__ = ["CLOCKS", "EVENT", "Posts"]

EVENT = "muster_message"  # the type of our messages' metadata
EDITED_TEXT = 4_000  # chat.update: msg_too_long; a post may have ten times as much
PAGE = 200  # messages of one look; Slack gives at most 999, and 15 to apps that it calls commercial
REMEMBERED = 5_000  # posts, in case one is asked for again although it arrived
CLOCKS = 300.0  # seconds that Slack's clock and ours may differ


class Posts:
    """Our messages, as far as they are known."""

    def __init__(self, client: SlackClient) -> None:
        self._client = client
        self._since: dict[str, float] = {}  # by channel: from when on all that we said there is known
        self._known: OrderedDict[tuple[str, str], PostedMessage] = OrderedDict()  # by channel and nonce

    def begin(self, channel: str) -> None:
        """It was made just now: we have said nothing there."""
        self._since[channel] = 0.0

    async def say(self, channel: str, drawn: Drawn, nonce: str, since: float) -> PostedMessage:
        """Post it. If it was tried before (not before `since`) and arrived, what stands there is made to say it."""
        if since < self._since.get(channel, math.inf):
            await self._look(channel, since)
        if known := self._known.get((channel, nonce)):  # it arrived; what came after it, or the word of it, did not
            with suppress(MessageLost):  # else it is said anew
                await self.edit(known, drawn)
                return known
        try:
            answer = await self._client.call_in(
                channel,
                "chat.postMessage",
                text=drawn.text,
                blocks=drawn.blocks,
                metadata={"event_type": EVENT, "event_payload": {"nonce": nonce}},
                unfurl_links=False,
                unfurl_media=False,
            )
        except Uncertain:
            self._since.pop(channel, None)  # the next try looks before it says it again
            raise
        return self._remember(PostedMessage(room=channel, message=str(answer["ts"])), nonce)

    async def edit(self, message: PostedMessage, drawn: Drawn) -> None:
        """Replace what a message shows. MessageLost when it is gone."""
        text = drawn.text[:EDITED_TEXT]
        try:
            await self._client.call_in(message.room, "chat.update", ts=message.message, text=text, blocks=drawn.blocks)
        except Refused as error:
            if error.error in {"message_not_found", "cant_update_message"}:
                self._forget(message)
                raise MessageLost(str(error)) from error
            raise

    async def withdraw(self, message: PostedMessage) -> None:
        """Take a message of ours away; one that is gone already is gone."""
        try:
            await self._client.call_in(message.room, "chat.delete", ts=message.message)
        except Refused as error:
            if error.error not in {"message_not_found", "cant_delete_message"}:
                raise
        self._forget(message)

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _look(self, channel: str, since: float) -> None:
        """What of ours was said there since then, whether or not somebody told us that it arrived."""
        oldest: dict[str, Any] = {"oldest": f"{since - CLOCKS:.6f}"} if since > CLOCKS else {}
        history = self._client.pages(
            "conversations.history", channel=channel, limit=PAGE, include_all_metadata=True, **oldest
        )
        ours: dict[str, PostedMessage] = {}
        async for page in history:
            for message in page["messages"]:
                metadata = message.get("metadata") or {}
                if metadata.get("event_type") == EVENT:
                    nonce = str(metadata.get("event_payload", {}).get("nonce", ""))
                    ours.setdefault(nonce, PostedMessage(room=channel, message=str(message["ts"])))
        for nonce, message in reversed(ours.items()):  # the newest are remembered for longest
            self._remember(message, nonce)
        self._since[channel] = since

    def _remember(self, posted: PostedMessage, nonce: str) -> PostedMessage:
        self._known[posted.room, nonce] = posted
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return posted

    def _forget(self, message: PostedMessage) -> None:
        for key in [key for key, posted in self._known.items() if posted == message]:
            del self._known[key]
