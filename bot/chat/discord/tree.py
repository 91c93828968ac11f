"""Discord's menu of commands, made from the registry: `/incident` with a subcommand for every verb, two commands of messages.

What is chosen is handed on (`Asked`), never judged here; given to Discord only when it changed, for it takes 200 new ones a day.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import discord
from discord import app_commands
from sqlalchemy import select

from bot.chat.discord.options import Option, Value, options
from bot.chat.lengths import clip
from bot.commands import menu
from bot.commands.definition import PREFIX, Verb
from bot.commands.menu import Entry
from bot.errors import Unavailable
from bot.storage.database import Database, upsert
from bot.storage.tables import menus
from bot.telemetry import get_logger

__all__ = ["DECLARE_FROM_MESSAGE", "NOTE_MESSAGE", "SHORT", "Asked", "MenuTree", "payload", "synchronise"]

log = get_logger(__name__)

NAME = PREFIX.removeprefix("/")
ABOUT = "Incidents: take one, look, call people, fix, write it up"
SHORT = ("ack", "owner", "runbook", "retro")  # verbs and groups that may have a command of their own
NOTE_MESSAGE, DECLARE_FROM_MESSAGE = "Add to timeline", "Declare incident"
DESCRIPTION = 100  # characters; discord-api-docs, application commands
PATIENCE = 30.0  # seconds for Discord to take the menu

Choices = list[app_commands.Choice[str]]


class Asked(Protocol):
    """Who is told what was chosen."""

    async def command(self, interaction: discord.Interaction, entry: Entry, values: Mapping[str, Value]) -> None: ...

    async def suggest(self, interaction: discord.Interaction, entry: Entry, option: Option, typed: str) -> Choices: ...

    async def note_message(self, interaction: discord.Interaction, message: discord.Message) -> None: ...

    async def declare_from_message(self, interaction: discord.Interaction, message: discord.Message) -> None: ...

    async def outdated(self, interaction: discord.Interaction, error: app_commands.AppCommandError) -> None: ...


class MenuTree(app_commands.CommandTree[discord.Client]):
    """The commands of one client, for one server: there they change at once. `short` are the verbs with a command of their own."""

    def __init__(
        self,
        client: discord.Client,
        asked: Asked,
        verbs: Mapping[str, Verb],
        *,
        guild: discord.abc.Snowflake,
        short: Iterable[str] = (),
    ) -> None:
        super().__init__(client)
        self.guild, self._asked = guild, asked
        entries = menu.entries(verbs.values())
        whole = app_commands.Group(name=NAME, description=ABOUT)
        for entry in entries:
            if not entry.group:
                whole.add_command(_command(entry, asked))
        for group in dict.fromkeys(entry.group for entry in entries if entry.group):
            whole.add_command(_group(group, entries, verbs, asked))
        self.add_command(whole, guild=guild)
        for name in short:
            direct = next((entry for entry in entries if not entry.group and entry.name == name), None)
            made = _command(direct, asked) if direct else _group(name, entries, verbs, asked)
            self.add_command(made, guild=guild)
        self._add_messages(guild)

    async def on_error(
        self, interaction: discord.Interaction[discord.Client], error: app_commands.AppCommandError, /
    ) -> None:
        """What Discord sent does not fit the menu that we have."""
        await self._asked.outdated(interaction, error)

    def _add_messages(self, guild: discord.abc.Snowflake) -> None:
        asked = self._asked

        async def note(interaction: discord.Interaction, message: discord.Message) -> None:
            await asked.note_message(interaction, message)

        async def declare(interaction: discord.Interaction, message: discord.Message) -> None:
            await asked.declare_from_message(interaction, message)

        self.add_command(app_commands.ContextMenu(name=NOTE_MESSAGE, callback=note), guild=guild)
        self.add_command(app_commands.ContextMenu(name=DECLARE_FROM_MESSAGE, callback=declare), guild=guild)


def payload(tree: MenuTree) -> list[dict[str, Any]]:
    """What Discord is told."""
    return [command.to_dict(tree) for command in tree.get_commands(guild=tree.guild)]


async def synchronise(tree: MenuTree, database: Database, at: float) -> str:
    """Give Discord the menu when it changed, or when Discord has lost it. What is wrong, with the way out; "" for nothing."""
    told = json.dumps(payload(tree), sort_keys=True, default=str)
    digest, key = hashlib.sha256(told.encode()).hexdigest(), f"discord:{tree.client.application_id}:{tree.guild.id}"
    try:
        async with asyncio.timeout(PATIENCE):
            if await _kept(database, key) == digest and await _there(tree):
                return ""
            await tree.sync(guild=tree.guild)  # one request for all: what did not change is not counted
            await _keep(database, key, digest, at)
    except discord.Forbidden as error:
        log.warning("discord_menu_refused", reason=str(error))
        return (
            "Discord does not let Muster set up its commands in this server. Invite it again with the scope "
            "applications.commands: muster manifest discord"
        )
    except (discord.HTTPException, app_commands.AppCommandError, OSError, TimeoutError, Unavailable) as error:
        log.warning("discord_menu_not_set", reason=f"{type(error).__name__}: {error}")
        return (
            f"Discord did not take the menu of commands ({type(error).__name__}); Muster tries again when it connects."
        )
    log.info("discord_menu_set", guild=tree.guild.id, size=len(told))
    return ""


async def _there(tree: MenuTree) -> bool:
    """Whether Discord has our commands still: it forgets them when the bot is thrown out of the server."""
    known = {command.name for command in await tree.fetch_commands(guild=tree.guild)}
    return known == {command.name for command in tree.get_commands(guild=tree.guild)}


async def _kept(database: Database, key: str) -> str | None:
    async with database.reading() as connection:
        found: str | None = (await connection.execute(select(menus.c.digest).where(menus.c.place == key))).scalar()
    return found


async def _keep(database: Database, key: str, digest: str, at: float) -> None:
    async with database.transaction() as work:
        statement = upsert(work.connection, menus).values(place=key, digest=digest, at=at)
        changed = {"digest": digest, "at": at}
        await work.connection.execute(statement.on_conflict_do_update(index_elements=["place"], set_=changed))


def _group(name: str, entries: Iterable[Entry], verbs: Mapping[str, Verb], asked: Asked) -> app_commands.Group:
    group = app_commands.Group(name=name, description=clip(menu.group_summary(name, verbs), DESCRIPTION))
    for entry in entries:
        if entry.group == name:
            group.add_command(_command(entry, asked))
    return group


def _command(entry: Entry, asked: Asked) -> app_commands.Command[Any, ..., None]:
    """A command with the options of the verb: discord.py reads them from a callback's signature."""
    given = {f"o{index}": option for index, option in enumerate(options(entry))}

    async def run(interaction: discord.Interaction, **values: Value) -> None:
        await asked.command(interaction, entry, {given[name].name: value for name, value in values.items()})

    first = inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=discord.Interaction)
    vars(run)["__signature__"] = inspect.Signature([first, *(_parameter(*item) for item in given.items())])
    if given:
        app_commands.describe(**{name: clip(one.argument.help, DESCRIPTION) for name, one in given.items()})(run)
        app_commands.rename(**{name: option.name for name, option in given.items()})(run)
        app_commands.choices(**{name: list(one.choices) for name, one in given.items() if one.choices})(run)
        completed = {name: _completion(entry, one, asked) for name, one in given.items() if one.completed}
        app_commands.autocomplete(**completed)(run)
    return app_commands.Command(name=entry.name, description=clip(entry.verb.summary, DESCRIPTION), callback=run)


def _parameter(name: str, option: Option) -> inspect.Parameter:
    missing = inspect.Parameter.empty if option.required else None
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=missing, annotation=option.annotation)


def _completion(entry: Entry, option: Option, asked: Asked) -> Any:
    async def complete(interaction: discord.Interaction, current: str) -> Choices:
        return await asked.suggest(interaction, entry, option, current)

    return complete
