"""What `muster check --live` asks Discord: whether the token is right and may what Muster needs. It changes nothing there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import discord

from bot.catalog.catalog import Catalog
from bot.catalog.model import DiscordRooms
from bot.chat.discord.accounts import PLATFORM
from bot.chat.discord.channels import Channels
from bot.chat.discord.client import DiscordClient, Refused
from bot.chat.discord.manifest import PERMISSIONS, PORTAL, app_of, invite_url
from bot.chat.discord.posts import MISSING_ACCESS
from bot.errors import DeliveryError, Permanent
from bot.settings import Settings

__all__ = ["NOTE", "look"]

NOTE = "note: "  # begins what works nevertheless


async def look(settings: Settings, catalog: Catalog) -> AsyncIterator[str]:
    """What is wrong, a sentence each with the way out; nothing when Discord would let Muster work, or is not configured."""
    if settings.discord_bot_token is None:
        return
    token = settings.discord_bot_token.get_secret_value()
    client = DiscordClient(token, settings.discord_api_url, settings.discord_guild_id)
    try:
        async for problem in _look(client, catalog, settings.discord_guild_id):
            yield problem
    except DeliveryError as error:
        if client.trouble:
            shape = (
                "" if app_of(token) else ", and it does not look like a bot's: those have three parts with dots between"
            )
            yield f"DISCORD_BOT_TOKEN: Discord does not accept it{shape}. Reset it at {PORTAL}, Bot, and copy the new one."
        else:
            yield f"Discord could not be asked: {error}"
    finally:
        await client.close()


async def _look(client: DiscordClient, catalog: Catalog, wanted: int | None) -> AsyncIterator[str]:
    info = await client.call("look at the app", lambda c: c.application_info(), again=True)
    app = str(info.id)
    if info.interactions_endpoint_url:
        yield (
            f"Discord sends commands to {info.interactions_endpoint_url}, not to Muster: "
            f"clear the Interactions Endpoint URL at {PORTAL}, General Information."
        )
    if not (info.flags.gateway_message_content or info.flags.gateway_message_content_limited):
        yield (
            f"{NOTE}the Message Content Intent is off ({PORTAL}, Bot): all works, "
            "but what people say is not kept, so a retrospective has no transcript"
        )
    try:
        guild = await client.guild()
    except Refused:
        yield f"DISCORD_GUILD_ID: Muster is no member of the server {wanted}. Let it in: {invite_url(app, wanted)}"
        return
    async for problem in _permissions(client, guild, app):
        yield problem
    if catalog.rooms.discord.kind != "channel":
        async for problem in _place(client, guild, catalog.rooms.discord):
            yield problem
    channels = Channels(client)
    named = {"rooms.announce.discord": catalog.rooms.announce.get(PLATFORM, "")}
    named |= {f"teams.{name}.channels.discord": team.channels.get(PLATFORM, "") for name, team in catalog.teams.items()}
    for where, channel in named.items():
        try:
            if channel:
                await channels.find(channel)
        except Permanent as error:
            yield f"{where}: {error}"


async def _permissions(client: DiscordClient, guild: discord.Guild, app: str) -> AsyncIterator[str]:
    me = await client.myself()
    member = await client.call("look at our own roles", lambda _: guild.fetch_member(me), again=True)
    granted = member.guild_permissions
    for label, name, reason in PERMISSIONS:
        if not getattr(granted, name):
            yield (
                f"{guild.name}: Muster's role lacks the permission {label} ({reason}). "
                f"Give it to the role (Server Settings, Roles), or let Muster in again: {invite_url(app, guild.id)}"
            )
    try:
        path = "/applications/{app_id}/guilds/{guild_id}/commands"
        await client.raw("look at the commands", "GET", path, app_id=app, guild_id=guild.id)
    except Refused as error:
        if error.number != MISSING_ACCESS:
            raise
        yield f"{guild.name}: slash commands may not be made. Let Muster in again: {invite_url(app, guild.id)}"


async def _place(client: DiscordClient, guild: discord.Guild, wish: DiscordRooms) -> AsyncIterator[str]:
    """The forum or channel that the catalogue names."""
    kind = discord.ForumChannel if wish.kind == "forum" else discord.TextChannel
    where = f"rooms.discord.channel: {wish.channel}"
    try:
        found = await client.call("look at a channel", lambda _: guild.fetch_channel(int(wish.channel)), again=True)
    except Refused:
        yield f"{where} is no channel of {guild.name} that Muster sees. Copy the id of one (Developer Mode), or let Muster see it."
        return
    if not isinstance(found, kind):
        yield f"{where} ({found.name}) is no {'forum' if wish.kind == 'forum' else 'text channel'}, which kind: {wish.kind} needs."
