"""What people ask for in Discord: commands, buttons, menus, forms. Each becomes the one command that could be typed.

Discord is answered at once, before anything is looked up, but where a form may open: then what is looked up is bounded in time.
What a command means is its verb's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import discord
from discord import app_commands, ui

from bot.catalog.catalog import Catalog
from bot.chat.discord.accounts import PLATFORM, Accounts
from bot.chat.discord.answering import Answering
from bot.chat.discord.drawing import Drawn, draw, draw_question
from bot.chat.discord.modals import (
    AGAIN,
    RUNBOOKS,
    Origin,
    command_of,
    complaints,
    offers_wanted,
    opening,
    origin_of,
)
from bot.chat.discord.options import Option, Value, chosen, offered
from bot.chat.discord.parts import DISMISS, MORE, pressed
from bot.chat.discord.refusing import kept, refused
from bot.chat.discord.running import FORM_SOON, Running
from bot.chat.discord.tree import Choices, MenuTree, synchronise
from bot.chat.views import Code, Reply, Text, text
from bot.clock import Clock
from bot.commands.completion import Completion
from bot.commands.definition import PREFIX
from bot.commands.dispatch import Dispatcher
from bot.commands.forms import FIELD, FORMS, Wanted, completion_line, verb_at, wanted
from bot.commands.lines import quoted
from bot.commands.menu import Entry
from bot.commands.registry import by_name
from bot.commands.values import Reader
from bot.commands.words import typed
from bot.errors import BadArguments, MusterError
from bot.incidents.reference import number_of
from bot.storage.database import Database
from bot.telemetry import Metrics, get_logger

__all__ = ["Asking"]

log = get_logger(__name__)

OFFER_SOON = 2.0  # seconds for what may be offered while somebody types
TITLE = 150  # characters of a message that begin an incident's title


class Asking:
    """Runs what was asked, and answers the one who asked, privately unless the reply says otherwise."""

    def __init__(
        self,
        accounts: Accounts,
        database: Database,
        dispatcher: Dispatcher,
        catalog: Callable[[], Catalog],
        metrics: Metrics,
        clock: Clock,
        *,
        short: Collection[str] = (),
    ) -> None:
        self._accounts, self._database, self._catalog = accounts, database, catalog
        self._metrics, self._clock, self._short = metrics, clock, short
        self._running = Running(accounts, database, dispatcher, catalog, clock)
        self._verbs = by_name()

    def attach(self, client: discord.Client, guild: discord.abc.Snowflake) -> MenuTree:
        """Listen to what is asked through this client, in this server."""
        self._running.guild = guild
        tree = MenuTree(client, self, self._verbs, guild=guild, short=self._short)

        async def on_interaction(interaction: discord.Interaction) -> None:
            await self.interaction(interaction)

        client.event(on_interaction)
        return tree

    async def synchronise(self, tree: MenuTree) -> str:
        """Give Discord the menu where it changed; what is wrong, with the way out, or ""."""
        return await synchronise(tree, self._database, self._clock.now())

    # --- from the menu ------------------------------------------------------------------------------------------------

    async def command(self, interaction: discord.Interaction, entry: Entry, values: Mapping[str, Value]) -> None:
        """A command was chosen, with its options."""
        answer = Answering(interaction)
        await self._guarded(answer, self._command(answer, entry, values))

    async def suggest(self, interaction: discord.Interaction, entry: Entry, option: Option, typed: str) -> Choices:
        """What may stand in an option, for what was typed so far; nothing rather than too late."""
        try:
            async with asyncio.timeout(OFFER_SOON):
                incident = await self._running.incident(interaction)
                asked = FIELD + option.name if option.argument in entry.verb.arguments else option.name
                line = completion_line(entry.path, entry.verb, incident, asked, typed)
                within = incident if asked.startswith(FIELD) else None
                found = await self._running.complete(interaction, line, within)
                fitting = found if asked.startswith(FIELD) else [one for one in found if number_of(one.value)]
                return offered(fitting, typed)
        except (MusterError, TimeoutError) as error:
            log.info("discord_nothing_offered", reason=str(error))
            return []

    async def note_message(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """The command of messages "Add to timeline"."""
        answer = Answering(interaction)
        await self._guarded(answer, self._note(answer, message))

    async def declare_from_message(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """The command of messages "Declare incident": the form, with the message as its title."""
        answer, title = Answering(interaction), " ".join(message.clean_content.split())[:TITLE]
        form_of = Wanted(path=("declare",), verb=self._verbs["declare"])
        await self._guarded(answer, self._open_or_ask(answer, form_of, {FIELD + "title": title}))

    async def outdated(self, interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
        """Discord's menu is another than ours: somebody has it open since before an update."""
        log.warning("discord_menu_outdated", reason=f"{type(error).__name__}: {error}")
        if interaction.type is not discord.InteractionType.autocomplete and not interaction.response.is_done():
            await Answering(interaction).say_at_once(
                _words("This menu is older than Muster. Open it anew (Ctrl+R on a desktop) and choose again.")
            )

    # --- pressed and filled in ----------------------------------------------------------------------------------------

    async def interaction(self, interaction: discord.Interaction) -> None:
        """A button, a menu in a message, or a form that was sent. Commands come through the tree."""
        data: dict[str, Any] = {**(interaction.data or {})}
        answer = Answering(interaction)
        match interaction.type:
            case discord.InteractionType.component:
                await self._guarded(answer, self._press(answer, data))
            case discord.InteractionType.modal_submit:
                await self._guarded(answer, self._submit(answer, data))
            case _:
                return

    async def _command(self, answer: Answering, entry: Entry, values: Mapping[str, Value]) -> None:
        try:
            made = chosen(entry, values, self._catalog())
        except BadArguments as error:
            await answer.say_at_once(_words(*typed(error.public)))
            return
        if entry.path in FORMS:
            incident = made.incident if made.incident is not None else await self._running.soon(answer.interaction)
            form_of = wanted(made.line, self._verbs, self._catalog().runbooks, incident=incident)
            if form_of is None and made.lacks:
                form_of = Wanted(path=entry.path, verb=entry.verb, incident=incident)
            if form_of is not None and await self._open(answer, form_of, made.given):
                return
        await self._running.run(answer, made.line)

    async def _press(self, answer: Answering, data: Mapping[str, Any]) -> None:
        said = str(data.get("custom_id") or "")
        if said in {MORE, RUNBOOKS}:
            said = str(next(iter(data.get("values") or ()), ""))
        if said == DISMISS:
            await answer.dismiss()
            return
        if said.startswith(f"{AGAIN}:") and (origin := origin_of(said)) is not None:
            await self._again(answer, origin)
            return
        press = pressed(said)
        if press is None:
            log.warning("discord_unknown_button", custom_id=said[:100])
            await answer.say_at_once(_unknown())
            return
        message = answer.interaction.message
        if press.asks:
            await answer.say_at_once(draw_question(press, _label(message, str(data.get("custom_id") or ""))))
            return
        words = press.command.split(maxsplit=2)
        if any(tuple(words[: len(path)]) == path[: len(words)] for path in FORMS):
            incident = await self._running.soon(answer.interaction)
            form_of = wanted(press.command, self._verbs, self._catalog().runbooks, incident=incident)
            if form_of is not None and await self._open(answer, form_of, {}):
                return
        await self._running.run(answer, press.command, update=_is_question(message))

    async def _again(self, answer: Answering, origin: Origin) -> None:
        """A form that was refused is opened as it was left."""
        verb, message = verb_at(origin.path, self._verbs), answer.interaction.message
        if verb is None or message is None:
            await answer.say_at_once(_unknown())
            return
        runbook = self._catalog().runbooks.get(origin.runbook)
        shown = ui.LayoutView.from_message(message, timeout=None)
        form_of = Wanted(path=origin.path, verb=verb, incident=origin.incident, runbook=runbook)
        await self._open_or_ask(answer, form_of, kept(shown, verb, runbook))

    async def _submit(self, answer: Answering, data: Mapping[str, Any]) -> None:
        origin = origin_of(str(data.get("custom_id") or ""))
        verb = verb_at(origin.path, self._verbs) if origin is not None else None
        if verb is None:
            await answer.say_at_once(_unknown())
            return
        actor = self._accounts.person(answer.interaction.user)
        reader = Reader(catalog=self._catalog(), actor=actor, platform=PLATFORM, verbs=self._verbs)
        if wrong := complaints(data, verb, reader, self._verbs):
            await answer.say_at_once(refused(data, verb, wrong))
            return
        await self._running.run(answer, command_of(data, verb))

    async def _note(self, answer: Answering, message: discord.Message) -> None:
        author = self._accounts.person(message.author)
        words = f"{author.name}: {message.clean_content.strip() or '(a message without words)'}"
        if await self._running.soon(answer.interaction) is None:
            form_of = Wanted(path=("note",), verb=self._verbs["note"])
            if await self._open(answer, form_of, {FIELD + "text": words}):
                return
        await self._running.run(answer, f"note {quoted(words)}", request=f"note:{message.id}")

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _open(self, answer: Answering, form_of: Wanted, given: Mapping[str, str]) -> bool:
        """Open a form, or the menu of runbooks; False where Discord would not."""
        offers: dict[str, list[Completion]] = {}
        try:
            async with asyncio.timeout(FORM_SOON):
                for name, line in offers_wanted(form_of.verb, Origin.of(form_of)).items():
                    offers[name] = await self._running.complete(answer.interaction, line, form_of.incident)
        except (MusterError, TimeoutError) as error:  # then they are typed
            log.info("discord_nothing_offered", reason=str(error))
        match opening(form_of, self._catalog().runbooks, given=given, offers=offers):
            case None:
                return False
            case Drawn() as drawn:
                await answer.say_at_once(drawn)
                return True
            case opened:
                return await answer.open(opened)

    async def _open_or_ask(self, answer: Answering, form_of: Wanted, given: Mapping[str, str]) -> None:
        if not await self._open(answer, form_of, given):
            await answer.sorry(_words("Discord did not open the form. Try it once more."))

    async def _guarded(self, answer: Answering, doing: Awaitable[object]) -> None:
        try:
            await doing
        except Exception:  # named place: one request of Discord's costs only itself
            log.exception("discord_request_failed", asked=answer.interaction.id)
            self._metrics.failures.labels("discord").inc()
            ref = str(answer.interaction.id)[-6:]
            await answer.sorry(
                _words(f"Something went wrong here (ref {ref}). See what stands: ", Code(f"{PREFIX} list"))
            )


def _words(*said: Any) -> Drawn:
    words: Text = text(*said)
    return draw(Reply(text=words, failed=True))


def _unknown() -> Drawn:
    return _words(
        "This is from another version of Muster, and it does not know it any more. Type it: ", Code(f"{PREFIX} help")
    )


def _is_question(message: discord.Message | None) -> bool:
    """Whether the message is a private "Really?": the answer takes its place, so that no dead button stays."""
    return message is not None and message.flags.ephemeral and any(item == DISMISS for item in _custom_ids(message))


def _custom_ids(message: discord.Message) -> list[str]:
    shown = ui.LayoutView.from_message(message, timeout=None)
    return [str(getattr(item, "custom_id", "") or "") for item in shown.walk_children()]


def _label(message: discord.Message | None, said: str) -> str:
    """What stands on the button of that custom_id."""
    if message is None:
        return ""
    shown = ui.LayoutView.from_message(message, timeout=None)
    buttons = [item for item in shown.walk_children() if isinstance(item, ui.Button) and item.custom_id == said]
    return str(buttons[0].label or "") if buttons else ""
