"""Channels that are nobody's room, by the name that the catalogue gives them: found, and entered where anybody may enter.

What is said there does not enter here.
"""

from __future__ import annotations

import re
import time

from bot.chat.harmless import one_line
from bot.chat.slack.client import Refused, SlackClient
from bot.errors import Permanent

__all__ = ["Channels"]

_ID = re.compile(r"[CG][A-Z0-9]{6,20}")
KEPT = 12 * 3600.0  # seconds that a name is believed to mean the same channel
PAGE = 999  # specs: conversations.list, users.conversations: the most at once
NAME = 100  # characters of a name in our words

_CLOSED = (
    "Slack does not let Muster into {name} ({why}): invite @muster there, or name another channel in the catalogue."
)
_ARCHIVED = "{name} is archived in Slack: open it again, or name another channel in the catalogue."
_UNKNOWN = (
    "Slack has no channel {name} that Muster can see: correct the name in the catalogue, or, into a private channel, "
    "invite @muster."
)


class Channels:
    """Looks channels up and remembers which name is which."""

    def __init__(self, client: SlackClient) -> None:
        self._client = client
        self._ids: dict[str, tuple[float, str]] = {}  # by name: until, the id

    async def find(self, named: str, *, enter: bool = True) -> str:
        """The channel's id. Permanent with the way out, DeliveryErrors as calls have them. `enter` a public one, if need be."""
        name = _shown(named)
        channel = await self._id(named)
        try:
            known = (await self._client.call("conversations.info", channel=channel))["channel"] if channel else None
        except Refused as error:
            if error.error != "channel_not_found":
                raise Permanent(_CLOSED.format(name=name, why=error.error)) from error
            known = None
        if known is None:
            self._ids.pop(named, None)
            raise Permanent(_UNKNOWN.format(name=name))
        if known.get("is_archived"):
            self._ids.pop(named, None)
            raise Permanent(_ARCHIVED.format(name=name))
        if enter and not known.get("is_member"):
            try:
                await self._client.call("conversations.join", channel=channel)
            except Refused as error:
                raise Permanent(_CLOSED.format(name=name, why=error.error)) from error
        return channel

    async def _id(self, named: str) -> str:
        """What the catalogue's word means; "" when nothing is called so."""
        if _ID.fullmatch(named):
            return named
        until, channel = self._ids.get(named, (0.0, ""))
        if until > time.monotonic():
            return channel
        wanted = named.strip().removeprefix("#").lower()
        # First where we are already: few, and the only way to private ones.
        for method, types in (
            ("users.conversations", "public_channel,private_channel"),
            ("conversations.list", "public_channel"),
        ):
            async for page in self._client.pages(method, types=types, exclude_archived=True, limit=PAGE):
                for one in page["channels"]:
                    if wanted in (one.get("name"), one.get("name_normalized")):
                        self._ids[named] = (time.monotonic() + KEPT, str(one["id"]))
                        return str(one["id"])
        return ""


def _shown(named: str) -> str:
    return one_line(named if _ID.fullmatch(named) else f"#{named.strip().removeprefix('#')}", NAME)
