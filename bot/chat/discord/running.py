"""What somebody in Discord asks for, run or completed for them: who they are, which roles they have there, whose room it is.

How they asked (chosen, pressed, filled in) does not enter here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import discord

from bot.catalog.catalog import Catalog
from bot.chat import heard
from bot.chat.discord.accounts import PLATFORM, Accounts
from bot.chat.discord.answering import TROUBLE, Answering
from bot.chat.discord.drawing import draw
from bot.clock import Clock
from bot.commands.completion import Completion
from bot.commands.dispatch import Dispatcher, Invocation
from bot.errors import StorageUnavailable
from bot.storage.database import Database
from bot.telemetry import get_logger

__all__ = ["FORM_SOON", "Running"]

log = get_logger(__name__)

FORM_SOON = 1.0  # seconds for what a form would like to know; Discord waits 3 for the form
ROLES_SOON = 5.0  # seconds for the roles of somebody who asks in a direct message


class Running:
    """Runs and completes; `guild` is the server whose roles count, once it is known."""

    def __init__(
        self,
        accounts: Accounts,
        database: Database,
        dispatcher: Dispatcher,
        catalog: Callable[[], Catalog],
        clock: Clock,
    ) -> None:
        self._accounts, self._database, self._dispatcher = accounts, database, dispatcher
        self._catalog, self._clock = catalog, clock
        self.guild: discord.abc.Snowflake | None = None

    async def run(self, answer: Answering, line: str, *, request: str = "", update: bool = False) -> None:
        """Run it and answer. `request` is what it is known by where one thing may be asked for twice; `update`: see Answering."""
        # discord.py gives the first response back only when its limits let it send the next: nobody waits for that.
        deferring = asyncio.create_task(answer.defer(update=update))
        await asyncio.sleep(0)  # it is on its way
        interaction = answer.interaction
        try:
            reply = await self._dispatcher.run(
                Invocation(
                    text=line,
                    actor=self._accounts.person(interaction.user),
                    platform=PLATFORM,
                    room=str(interaction.channel_id or ""),
                    incident=await self._known(interaction),
                    request_id=request or str(interaction.id),
                    roles=await self._roles(interaction),
                    menu=True,
                )
            )
        finally:
            await deferring
        await answer.say(draw(reply, self._accounts.known, now=self._clock.now()), private=reply.private)

    async def complete(self, interaction: discord.Interaction, line: str, incident: int | None) -> list[Completion]:
        """What may stand where the line ends."""
        person = self._accounts.person(interaction.user)
        roles = await self._roles(interaction)
        _, found = await self._dispatcher.complete(line, person, incident, platform=PLATFORM, roles=roles)
        return found

    async def incident(self, interaction: discord.Interaction) -> int | None:
        """The incident whose room this is, or a thread of it."""
        parent = interaction.channel.parent_id if isinstance(interaction.channel, discord.Thread) else None
        async with self._database.reading() as connection:
            for place in (interaction.channel_id, parent):
                if (
                    place is not None
                    and (found := await heard.incident_of(connection, PLATFORM, str(place))) is not None
                ):
                    return found
        return None

    async def soon(self, interaction: discord.Interaction) -> int | None:
        """The incident of the room, for a form that cannot wait: without, the form asks."""
        try:
            async with asyncio.timeout(FORM_SOON):
                return await self._known(interaction)
        except TimeoutError:
            return None

    async def _known(self, interaction: discord.Interaction) -> int | None:
        try:
            return await self.incident(interaction)
        except StorageUnavailable:  # the command will say so
            return None

    async def _roles(self, interaction: discord.Interaction) -> tuple[str, ...]:
        """The roles of whoever asks; in a direct message Discord is asked for them, where a team counts on one."""
        user: discord.User | discord.Member | None = interaction.user
        if not isinstance(user, discord.Member):
            guild = interaction.client.get_guild(self.guild.id) if self.guild is not None else None
            if guild is None or not any(team.roles.get(PLATFORM) for team in self._catalog().teams.values()):
                return ()
            try:
                async with asyncio.timeout(ROLES_SOON):
                    user = guild.get_member(interaction.user.id) or await guild.fetch_member(interaction.user.id)
            except TROUBLE as error:  # then only what the catalogue says of the person counts
                log.info("discord_roles_unknown", reason=str(error))
                return ()
        return tuple(str(role.id) for role in user.roles)
