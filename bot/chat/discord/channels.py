"""Channels that are nobody's room, as the catalogue names them: by id or by name. Nothing is made and nothing is said here."""

from __future__ import annotations

from typing import Any

import discord

from bot.chat.discord.client import DiscordClient
from bot.chat.harmless import one_line
from bot.errors import Permanent

__all__ = ["Channels"]

SPOKEN_IN = frozenset({0, 5})  # types of channels: text, announcements
SHOWN = 100  # characters of a name that somebody wrote


class Channels:
    """Finds channels."""

    def __init__(self, client: DiscordClient) -> None:
        self._client = client

    async def find(self, named: str) -> str:
        """The id of `#incidents`, `incidents` or an id. Permanent, with the way out, when we cannot speak there."""
        wanted, guild = named.strip().removeprefix("#").lower(), await self._client.guild()
        listed: list[dict[str, Any]] = await self._client.raw(
            "list the channels", "GET", "/guilds/{guild_id}/channels", guild_id=guild.id
        )
        found = [
            int(one["id"])
            for one in listed
            if one["type"] in SPOKEN_IN and wanted in {str(one["id"]), str(one.get("name", "")).lower()}
        ]
        shown = one_line(named, SHOWN)
        if not found:
            raise Permanent(
                f"There is no channel {shown} in the Discord server {one_line(guild.name, SHOWN)}. "
                "Correct its name in the catalogue, or write its id there (Developer Mode, Copy Channel ID)."
            )
        if len(found) > 1:
            raise Permanent(
                f"{len(found)} channels are called {shown} on Discord. Write the id of one in the catalogue."
            )
        me = await self._client.myself()
        channel = await self._client.call("look at a channel", lambda _: guild.fetch_channel(found[0]), again=True)
        member = await self._client.call("look at our own roles", lambda _: guild.fetch_member(me), again=True)
        may = (
            channel.permissions_for(member) if isinstance(channel, discord.abc.GuildChannel) else discord.Permissions()
        )
        if not (may.view_channel and may.send_messages):
            raise Permanent(
                f"Muster may not speak in {shown} on Discord: let its role see the channel and send messages there, "
                "or name another channel in the catalogue."
            )
        return str(found[0])
