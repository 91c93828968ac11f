"""Discord on stage, in one process: simcord plays the server and the people; our menu, commands and answers are the real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import discord
import simcord
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle, GuildHandle, RoleHandle
from simcord.env import Env
from simcord.results import InteractionResult, ResponseMessage
from sqlalchemy import insert

from bot.catalog.loader import load
from bot.chat.discord.accounts import Accounts
from bot.chat.discord.asking import Asking
from bot.chat.discord.tree import MenuTree
from bot.commands.registry import paths
from bot.storage import tables
from tests.chat.discord.specs import contents, nodes
from tests.commands.world import CATALOG, World, world

__all__ = ["Stage", "buttons", "shown", "stage"]


class Bot(discord.Client):
    """A client as the bot has one; simcord finds the menu as `tree`."""

    tree: MenuTree

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.default())


@dataclass(kw_only=True)
class Stage:
    """`people` are mika, robin and sam of the catalogue, and alex, whom it does not know."""

    here: World
    env: Env
    asking: Asking
    guild: GuildHandle
    lobby: ChannelHandle
    folder: Path
    bot: Bot
    people: dict[str, MemberActor] = field(default_factory=dict)

    @property
    def mika(self) -> MemberActor:
        return self.people["mika"]

    def join(self, *names: str, roles: tuple[RoleHandle, ...] = ()) -> None:
        """New members of the server."""
        for name in names:
            user = self.env.create_user(name, global_name=name.capitalize())
            self.people[name] = self.guild.add_member(user, roles=roles)

    def learn(self, more: str = "") -> None:
        """A catalogue that knows the accounts of its people."""
        text = CATALOG
        for name, member in self.people.items():
            text = text.replace(f"  {name}: {{name", f'  {name}: {{discord: "{member.id}", name', 1)
        self.relearn(text + more)

    def relearn(self, text: str) -> None:
        """Another catalogue."""
        (self.folder / "catalog.yaml").write_text(text)
        self.here.catalogs.append(load(self.folder / "catalog.yaml", verbs=paths()))

    async def opened(self, **fields: Any) -> tuple[int, ChannelHandle]:
        """An incident, and its room here."""
        number = await self.here.opened(**fields)
        channel = self.guild.create_text_channel(f"inc-{number}")
        row = {
            "incident": number,
            "platform": "discord",
            "name": channel.name,
            "external": str(channel.id),
            "state": "open",
        }
        async with self.here.database.transaction() as work:
            await work.connection.execute(insert(tables.rooms).values(row))
        return number, channel

    async def ask(self, verb: str, channel: ChannelHandle | None = None, /, by: str = "mika", **options: Any) -> str:
        """Choose `/incident verb` with options; the private answer in words."""
        return shown(await self.people[by].slash(channel or self.lobby, f"incident {verb}", **options))

    async def restart(self) -> None:
        """The process ends and another begins: nothing is remembered but the database."""
        self.bot = Bot()
        self.bot.tree = self.asking.attach(self.bot, discord.Object(self.guild.id))
        await self.env.restart_bot(self.bot)


def shown(result: InteractionResult | ResponseMessage | None) -> str:
    """All that is written in the private answer."""
    message = result.response if isinstance(result, InteractionResult) else result
    assert message is not None, "no answer"
    assert message.ephemeral
    return "\n".join(contents(message.components)) or message.content


def buttons(message: ResponseMessage | None) -> dict[str, str]:
    """What can be pressed: label to custom_id."""
    assert message is not None
    return {node["label"]: node["custom_id"] for node in nodes(message.components) if node.get("type") == 2}


@asynccontextmanager
async def stage(folder: Path, *, short: tuple[str, ...] = ()) -> AsyncIterator[Stage]:
    async with world(folder) as here:
        bot = Bot()
        guild = discord.Object(900_000_000_000_000_001)
        services = here.services
        asking = Asking(
            Accounts(services.catalog),
            here.database,
            here.dispatcher,
            services.catalog,
            services.metrics,
            here.clock,
            short=short,
        )
        bot.tree = asking.attach(bot, guild)
        async with simcord.run(bot) as env:
            server = env.create_guild(id=guild.id)
            lobby = server.create_text_channel("general")
            made = Stage(here=here, env=env, asking=asking, guild=server, lobby=lobby, folder=folder, bot=bot)
            made.join("mika", "robin", "sam", "alex")
            made.learn()
            assert await asking.synchronise(bot.tree) == ""
            yield made
