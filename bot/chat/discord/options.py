"""The options of a command in Discord's menu, from the arguments of its verb, and what was chosen as the line one would have typed.

Nothing is asked or answered here, and no verb is known by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import discord
from discord import app_commands

from bot.catalog.catalog import Catalog
from bot.chat.discord.limits import CHOICE_NAME, CHOICE_VALUE, CHOICES
from bot.chat.harmless import one_line
from bot.chat.lengths import clip, length
from bot.commands.completion import SEVERITIES, Completion
from bot.commands.definition import PREFIX, Argument, Kind, Scope
from bot.commands.forms import FIELD, FORMS
from bot.commands.lines import command_line
from bot.commands.menu import WHICH, Entry, arguments
from bot.errors import BadArguments
from bot.incidents.reference import number_of
from bot.responders.identities import by_chat
from bot.retros.formats import format_names

__all__ = ["Chosen", "Option", "chosen", "offered", "options"]

_COMPLETED = frozenset(
    {
        Kind.DURATION,
        Kind.INCIDENT,
        Kind.MATCHERS,
        Kind.RUN,
        Kind.RUNBOOK,
        Kind.SERVICE,
        Kind.SILENCE,
        Kind.SUSPECT,
        Kind.TARGET,
        Kind.VERB,
    }
)
Value = str | int | bool | discord.User | discord.Member | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option: `annotation` is its type as discord.py reads it; `completed` ones are offered while somebody types."""

    argument: Argument
    annotation: Any
    required: bool
    choices: tuple[app_commands.Choice[str], ...] = ()
    completed: bool = False

    @property
    def name(self) -> str:
        """As the menu shows it."""
        return self.argument.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What was chosen: the line, the incident that it names, what a form would begin with, and whether it lacks something."""

    line: str
    incident: int | None
    given: Mapping[str, str]
    lacks: bool


def options(entry: Entry) -> tuple[Option, ...]:
    """The options of an entry. Where a form opens for what is missing, nothing is required."""
    form = entry.path in FORMS
    return tuple(_option(one, required=one.required and not form) for one in arguments(entry.verb))


def chosen(entry: Entry, values: Mapping[str, Value], catalog: Catalog) -> Chosen:
    """What the values mean. BadArguments where the incident that is named is none."""
    verb = entry.verb
    number = None
    if verb.scope is not Scope.NONE and (named := str(values.get(WHICH.name) or "").strip()):
        number = number_of(named)
        if number is None:
            said = one_line(named, 40)
            raise BadArguments(f'"{said}" is no incident. Write it as INC-42; open ones: {PREFIX} list')
    words = {
        argument.name: _word(value, catalog)
        for argument in verb.valued
        if (value := values.get(argument.name)) is not None
    }
    flags = [flag.name for flag in verb.flags if values.get(flag.name)]
    return Chosen(
        line=command_line(entry.path, verb, words, flags=flags, incident=number),
        incident=number,
        given={FIELD + name: word for name, word in words.items()},
        lacks=any(argument.required and not words.get(argument.name, "").strip() for argument in verb.positional),
    )


def offered(completions: Sequence[Completion], typed: str) -> list[app_commands.Choice[str]]:
    """As choices; one that has no place whole is left out, for half a name is none."""
    wanted = typed.strip().lower()
    fitting = [one for one in completions if not one.value.startswith("--") and 0 < length(one.value) <= CHOICE_VALUE]
    if " " in wanted:  # completion looks at one word
        fitting = [one for one in fitting if wanted in f"{one.value} {one.label} {one.hint}".lower()]
    return [_choice(one.value, f"{one.label}  {one.hint}") for one in fitting[:CHOICES]]


def _option(argument: Argument, *, required: bool) -> Option:
    choices = _choices(argument)
    completed = bool(argument.kind in _COMPLETED or argument.offers) and not choices
    return Option(
        argument=argument, annotation=_type(argument), required=required, choices=choices, completed=completed
    )


def _type(argument: Argument) -> Any:
    match argument.kind:
        case Kind.PERSON:
            return discord.User
        case Kind.INTEGER:
            return app_commands.Range[int, 1]
        case Kind.FLAG:
            return bool
        case _:
            return str


def _choices(argument: Argument) -> tuple[app_commands.Choice[str], ...]:
    match argument.kind:
        case Kind.SEVERITY:
            return tuple(_choice(f"sev{value}", hint) for value, hint in SEVERITIES)
        case Kind.CHOICE:
            return tuple(_choice(value, value) for value in argument.choices)[:CHOICES]
        case Kind.FORMAT:
            return tuple(_choice(name, name) for name in format_names())[:CHOICES]
        case _:
            return ()


def _choice(value: str, name: str) -> app_commands.Choice[str]:
    return app_commands.Choice(name=clip(one_line(name, 400).strip() or value, CHOICE_NAME), value=value)


def _word(value: Value, catalog: Catalog) -> str:
    """As one would type it."""
    if not isinstance(value, discord.User | discord.Member):
        return str(value)
    member = by_chat(catalog, "discord", str(value.id))
    if member is not None:
        return member.handle
    # Without people in the catalogue everybody goes by the name that Discord shows; else the refusal says how to map them.
    return f"@guest:{value.display_name}" if not catalog.people else f"<@{value.id}>"
