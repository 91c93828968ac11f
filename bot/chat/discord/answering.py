"""One interaction and the ways to answer it: at once within 3 seconds, whole within 15 minutes, afterwards elsewhere.

What is answered is decided by others. Discord's own words for trouble end here: whoever asked is never left without an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

import aiohttp
import discord
from discord import app_commands, ui

from bot.chat.discord.drawing import Drawn
from bot.telemetry import get_logger

__all__ = ["TROUBLE", "Answering"]

log = get_logger(__name__)

AT_ONCE = 2.5  # seconds that the first response may take to reach Discord, which waits 3 (interactions, receiving and responding)
PATIENCE = 20.0  # seconds for the answer itself; discord.py repeats what Discord was too busy for
ACKNOWLEDGED = 40060  # the first response came before, and its answer was lost
TOLD = "Told everybody here."
CLOSED = "An answer for you came too late for Discord, and your direct messages are closed. Ask again, please."

_Trouble = discord.HTTPException | aiohttp.ClientError | OSError | TimeoutError
TROUBLE = (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError)


class Answering:
    """Answers the one who asked; `private` answers are seen by nobody else."""

    def __init__(self, interaction: discord.Interaction) -> None:
        self.interaction = interaction
        self._opened = False  # Discord waits for our answer
        self._updates = False  # the answer takes the place of the message whose button was pressed

    async def defer(self, *, update: bool = False) -> None:
        """Tell Discord that an answer comes; with `update` it will take the place of the message that was pressed."""
        respond = self.interaction.response
        waiting = respond.defer() if update else respond.defer(ephemeral=True, thinking=True)
        self._opened, self._updates = await self._first(waiting), update

    async def open(self, form: ui.Modal) -> bool:
        """Open a form; False where Discord would not: then there is still no answer."""
        try:
            async with asyncio.timeout(AT_ONCE):
                await self.interaction.response.send_modal(form)
        except TROUBLE as error:
            log.warning("discord_form_not_opened", reason=_words(error))
            return False
        return True

    async def say_at_once(self, drawn: Drawn) -> None:
        """Answer privately with what needs no thinking."""
        send = self.interaction.response.send_message(
            view=drawn.view, files=drawn.files, ephemeral=True, allowed_mentions=drawn.allowed_mentions
        )
        if not await self._first(send):
            await self._elsewhere(drawn, private=True)

    async def offer(self, choices: Sequence[app_commands.Choice[str]]) -> None:
        """Answer somebody who types."""
        await self._first(self.interaction.response.autocomplete(choices))

    async def dismiss(self) -> None:
        """Take the private message away whose button was pressed."""
        await self.defer(update=True)
        if self._opened:
            await self._try(self.interaction.delete_original_response())

    async def sorry(self, drawn: Drawn) -> None:
        """Answer privately, however far the answering had come."""
        await (self.say(drawn) if self.interaction.response.is_done() else self.say_at_once(drawn))

    async def say(self, drawn: Drawn, *, private: bool = True) -> None:
        """The answer to what was deferred, or elsewhere when Discord takes none any more."""
        if not (self._opened and await self._say(drawn, private=private)):
            await self._elsewhere(drawn, private=private)

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _say(self, drawn: Drawn, *, private: bool) -> bool:
        interaction = self.interaction
        if not private and not self._updates:  # what was deferred is private, and stays so: the next message is not
            if await self._try(interaction.edit_original_response(content=TOLD)) is not None:
                return False
            shown = interaction.followup.send(
                view=drawn.view, files=drawn.files, allowed_mentions=drawn.allowed_mentions, wait=True
            )
            return await self._try(shown) is None
        shown_here = interaction.edit_original_response(
            view=drawn.view, attachments=drawn.files, allowed_mentions=drawn.allowed_mentions
        )
        error = await self._try(shown_here)
        if isinstance(error, discord.HTTPException) and error.status == 400 and not self._updates:
            log.error("discord_answer_refused", reason=_words(error))
            error = await self._try(interaction.edit_original_response(content=drawn.text))
        return error is None

    async def _first(self, responding: Awaitable[object]) -> bool:
        """Whether Discord took the first response in time."""
        try:
            async with asyncio.timeout(AT_ONCE):
                await responding
        except TROUBLE as error:
            if isinstance(error, discord.HTTPException) and error.code == ACKNOWLEDGED:
                return True
            log.warning("discord_response_late", reason=_words(error), asked=self.interaction.id)
            return isinstance(error, TimeoutError)  # it may have arrived; the answer finds out
        return True

    async def _try(self, doing: Awaitable[object]) -> _Trouble | None:
        try:
            async with asyncio.timeout(PATIENCE):
                await doing
        except TROUBLE as error:
            log.info("discord_answer_not_taken", reason=_words(error), asked=self.interaction.id)
            return error
        return None

    async def _elsewhere(self, drawn: Drawn, *, private: bool) -> None:
        """In the room, or by direct message what is private; the room is told nothing of that."""
        user, room, mentions = self.interaction.user, self.interaction.channel, drawn.allowed_mentions
        nonce = f"{self.interaction.id}-{'d' if private else 'r'}"  # so that discord.py's repeats say it once
        if private:
            sending = user.send(view=drawn.view, files=drawn.files, allowed_mentions=mentions, nonce=nonce)
            if await self._try(sending) is None:
                return
        if not isinstance(room, discord.abc.Messageable):
            log.error("discord_not_answered", asked=self.interaction.id)
            return
        if private:
            them = discord.AllowedMentions(everyone=False, roles=False, users=[user], replied_user=False)
            told = room.send(f"<@{user.id}> {CLOSED}", allowed_mentions=them, nonce=f"{self.interaction.id}-c")
        else:
            told = room.send(view=drawn.view, files=drawn.files, allowed_mentions=mentions, nonce=nonce)
        if await self._try(told) is not None:
            log.error("discord_not_answered", asked=self.interaction.id)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:200]
