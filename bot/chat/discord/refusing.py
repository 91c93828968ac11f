"""A form that could not be run: what is wrong with it, all that was typed, and a button that opens it again as it was left.

Discord can refuse no field of a form. All of it stands in the message itself, and is read out of it again: nothing is kept here.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Any

import discord
from discord import ui

from bot.catalog.model import Runbook
from bot.chat.discord.audience import Audience
from bot.chat.discord.drawing import Drawn, finished
from bot.chat.discord.fields import OTHERS
from bot.chat.discord.limits import TEXT, fit, weight
from bot.chat.discord.markdown import escape, fence, markdown
from bot.chat.discord.modals import AGAIN, origin_in, state_of
from bot.chat.discord.parts import DISMISS
from bot.chat.discord.shades import WARNING
from bot.chat.harmless import harmless, one_line
from bot.chat.lengths import clip
from bot.chat.views import Strong, Text
from bot.commands.definition import Verb
from bot.commands.forms import FIELD, FLAGS, INCIDENT, PARAMETER, label
from bot.commands.words import typed

__all__ = ["kept", "refused"]

REST = 700  # weight: of a message that repeats what was typed, for what is wrong with it
SLACK = 100  # weight that escapes may add to a value
_ESCAPED = re.compile(r"\\([^0-9A-Za-z\s])")
_ACCOUNT = re.compile(r"<@[0-9]+>")


def refused(data: Mapping[str, Any], verb: Verb, wrong: Mapping[str, str]) -> Drawn:
    """What is wrong with a form that was sent, what was typed into it, and the button that opens it again as it was left."""
    state, origin = state_of(data), origin_in(data)
    names = {one: _label(one, verb) for one in (*wrong, *state)}
    count = "One field needs" if len(wrong) == 1 else f"{len(wrong)} fields need"
    items: list[ui.Item[Any]] = [
        ui.TextDisplay(f"\N{LARGE ORANGE DIAMOND} **Nothing was done yet.** {count} another look:")
    ]
    values = {name: _repeated(harmless(state.get(name, ""), 4_000).strip()) for name in names}
    room = (TEXT - REST) // max(1, len(values))
    if sum(map(weight, values.values())) > TEXT - REST:  # only where Discord let more be typed than the form allows
        values = {name: fence(fit(state.get(name, ""), room - 20)) for name in names}
    for name, shown in names.items():
        said = one_line(wrong.get(name, ""), 2_000)
        if not (values[name] or said):
            continue
        head: Text = (Strong(shown), ": ", *typed(said)) if said else (Strong(shown),)
        words, _ = markdown(head, Audience(), REST // len(names) - 40)
        items.append(ui.TextDisplay(f"{words}\n{values[name]}".strip(), id=_mark(name)))
    again: ui.Button[Any] = ui.Button(
        label="Open the form again", custom_id=origin.custom_id(AGAIN), style=discord.ButtonStyle.primary
    )
    items.append(ui.ActionRow(again, ui.Button(label="Not now", custom_id=DISMISS)))
    said_words: Text = ("Nothing was done yet. ", *(f"{names[name]}: {said} " for name, said in wrong.items()))
    return finished([ui.Container(*items, accent_colour=WARNING)], (said_words,), Audience())


def kept(shown: ui.LayoutView, verb: Verb, runbook: Runbook | None = None) -> dict[str, str]:
    """What was typed, out of the message that `refused` drew: `LayoutView.from_message(interaction.message)`."""
    names = [INCIDENT, OTHERS, FLAGS, *(FIELD + argument.name for argument in verb.valued)]
    names += [PARAMETER + one.name for one in (runbook.parameters if runbook else ())]
    marks = {_mark(name): name for name in names}
    found: dict[str, str] = {}
    for item in shown.walk_children():
        if isinstance(item, ui.TextDisplay) and item.id in marks:
            _, _, value = item.content.partition("\n")
            found[marks[item.id]] = _read(value)
    return found


def _repeated(value: str) -> str:
    """A value so that `_read` gives it back: as a program's output, but where that would change it."""
    if not value or _ACCOUNT.fullmatch(value):
        return value
    exact = escape(value)
    return exact if "```" in value and weight(exact) <= weight(value) + SLACK else fence(value)


def _read(shown: str) -> str:
    if shown.startswith("```\n") and shown.endswith("\n```"):
        return shown[4:-4]
    return _ESCAPED.sub(r"\1", shown)


def _mark(name: str) -> int:
    """The component that repeats a field: Discord keeps its number, and a name always has the same."""
    return zlib.crc32(name.encode()) % 0x7FFFFFFF + 1


def _label(name: str, verb: Verb) -> str:
    fixed = {INCIDENT: "Incident", FLAGS: "Also", OTHERS: "More values"}
    arguments = {FIELD + argument.name: label(argument) for argument in verb.valued}
    return fixed.get(name) or arguments.get(name) or clip(one_line(name.removeprefix(PARAMETER), 200), 45)
