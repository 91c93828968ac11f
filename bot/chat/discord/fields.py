"""The fields of forms: one argument of a verb, or one parameter of a runbook, as the component that suits its kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import discord
from discord import ui

from bot.catalog.model import Parameter
from bot.chat.discord.limits import (
    FIELD_HINT,
    FIELD_LABEL,
    ID,
    INPUT_PLACEHOLDER,
    OPTION_HINT,
    OPTION_LABEL,
    OPTION_VALUE,
    OPTIONS,
    RADIOS,
)
from bot.chat.harmless import one_line
from bot.chat.lengths import clip, length
from bot.commands.completion import DURATIONS, SEVERITIES, Completion
from bot.commands.definition import Argument, Kind, Verb
from bot.commands.forms import COMPLETED, FIELD, FLAGS, INCIDENT, PARAMETER, WHICH, boxes, choices, hint, label
from bot.retros.formats import format_names

__all__ = [
    "KEPT",
    "OTHERS",
    "Field",
    "field",
    "flag_field",
    "incident_field",
    "other_fields",
    "parameter_field",
    "share",
]

Field = ui.Label[Any]
OTHERS = "others"  # the field of the parameters that have none of their own: name=value, one on each line
SEEN_AT_ONCE = 5  # options: up to here all of them are shown, beyond they are a menu
SHORT = 300  # characters of a value that stands on one line, where others need more
KEPT = 2_400  # characters of all typed values together: a message that says what is wrong with them repeats them whole
_ACCOUNT = re.compile(rf"<@!?({ID.pattern})>")


def incident_field(given: str, offered: Sequence[Completion]) -> Field:
    """Which incident, where the room has none."""
    return _labelled(label(WHICH), WHICH.help, _element(INCIDENT, WHICH, given, offered))


def field(argument: Argument, given: str, offered: Sequence[Completion]) -> Field:
    """The field of an argument; `given` is its value to begin with, `offered` are values to choose from."""
    return _labelled(label(argument), argument.help, _element(FIELD + argument.name, argument, given, offered))


def parameter_field(parameter: Parameter, given: str) -> Field:
    """A field for a value that a runbook asks for; what is left blank takes its default."""
    name, needed = PARAMETER + parameter.name, parameter.required
    values = [(value, value, "") for value in choices(parameter)]
    if _fit(values, OPTIONS):
        return _labelled(parameter.name, hint(parameter), _choice(name, values, given, needed))
    return _labelled(parameter.name, hint(parameter), _typing(name, given, needed))


def other_fields(parameters: Sequence[Parameter], given: str) -> Field:
    """One field for all parameters that have no place of their own."""
    blank = "\n".join(f"{one.name}=" for one in parameters)
    needed = any(one.required for one in parameters)
    return _labelled(
        f"{len(parameters)} more values",
        "name=value, one on each line",
        _typing(OTHERS, given or blank, needed, long=True),
    )


def flag_field(verb: Verb, given: str) -> Field | None:
    """Boxes to tick, or None."""
    flags = boxes(verb)[:RADIOS]
    if not flags:
        return None
    options = [
        discord.CheckboxGroupOption(
            label=clip(label(flag), OPTION_LABEL), value=flag.name, default=flag.name in given.split()
        )
        for flag in flags
    ]
    group: ui.CheckboxGroup[Any] = ui.CheckboxGroup(
        custom_id=FLAGS, options=options, required=False, min_values=0, max_values=len(options)
    )
    return ui.Label(text="Also", component=group)


def share(fields: Sequence[Field]) -> None:
    """Give each typed value its part of KEPT."""
    typed = [one.component for one in fields if isinstance(one.component, ui.TextInput)]
    long = [one for one in typed if one.style is discord.TextStyle.paragraph]
    short = SHORT if long else KEPT // max(1, len(typed))
    for one in typed:
        one.max_length = (KEPT - SHORT * (len(typed) - len(long))) // len(long) if one in long else short
        if one.default:
            one.default = clip(one.default, one.max_length)


def _sentence(words: str) -> str:
    """With a capital, unless it begins with something to type."""
    return f"{words[:1].upper()}{words[1:]}" if words.partition(" ")[0].rstrip(",:;").isalpha() else words


def _labelled(text: str, about: str, component: ui.Item[Any]) -> Field:
    said = one_line(about, 4 * FIELD_HINT)
    if said.lower().startswith(text.lower()):  # "For how long: 30m, 2h" beneath "For how long"
        said = said[len(text) :].lstrip(" ,:;.")
    said = clip(_sentence(said), FIELD_HINT)
    return ui.Label(
        text=clip(one_line(text, 4 * FIELD_LABEL), FIELD_LABEL) or "-", description=said or None, component=component
    )


def _element(name: str, argument: Argument, given: str, offered: Sequence[Completion]) -> ui.Item[Any]:
    needed = argument.required
    match argument.kind:
        case Kind.SEVERITY:
            levels = [(f"sev{value}", words, "") for value, words in SEVERITIES]
            return _choice(name, levels, f"sev{given[-1:]}", needed)
        case Kind.DURATION:
            return _choice(name, [(value, f"{value}, {words}", "") for value, words in DURATIONS], given, needed)
        case Kind.CHOICE:
            return _choice(name, [(choice, choice.capitalize(), "") for choice in argument.choices], given, needed)
        case Kind.FORMAT:
            return _choice(name, [(choice, choice, "") for choice in format_names()], given, needed)
        case Kind.PERSON:
            found = _ACCOUNT.fullmatch(given)
            chosen = [discord.Object(int(found[1]), type=discord.User)] if found else []
            return ui.UserSelect(
                custom_id=name,
                required=needed,
                min_values=1 if needed else 0,
                default_values=chosen or discord.utils.MISSING,
            )
        case kind if kind in COMPLETED:
            values = [(one.value, one.label, one.hint) for one in offered if not one.value.startswith("-")]
            if _fit(values, OPTIONS - 1) and (not given or given in {value for value, _, _ in values}):
                return _choice(name, values, given, needed)
            return _typing(name, given, needed, example=values[0][0] if values else "")
        case Kind.TEXT if argument.name != "title":
            return _typing(name, given, needed, long=True)
        case _:
            return _typing(name, given, needed)


def _fit(values: Sequence[tuple[str, str, str]], most: int) -> bool:
    """Whether all of them can be in a menu; completion ends at 25, so that 25 are the beginning of more."""
    named = [value for value, _, _ in values]
    return (
        0 < len(named) <= most
        and len(set(named)) == len(named)
        and all(value.strip() and length(value) <= OPTION_VALUE for value in named)
    )


def _choice(name: str, values: Sequence[tuple[str, str, str]], given: str, needed: bool) -> ui.Item[Any]:
    shown = [
        discord.SelectOption(
            value=value,
            label=clip(one_line(words, 4 * OPTION_LABEL), OPTION_LABEL) or value,
            description=clip(one_line(about, 4 * OPTION_HINT), OPTION_HINT) or None,
            default=value == given,
        )
        for value, words, about in values
    ]
    if not 2 <= len(shown) <= SEEN_AT_ONCE:
        return ui.Select(custom_id=name, required=needed, min_values=1 if needed else 0, options=shown)
    seen = [
        discord.RadioGroupOption(value=one.value, label=one.label, description=one.description, default=one.default)
        for one in shown
    ]
    return ui.RadioGroup(custom_id=name, required=needed, options=seen)


def _typing(name: str, given: str, needed: bool, *, long: bool = False, example: str = "") -> ui.Item[Any]:
    style = discord.TextStyle.paragraph if long else discord.TextStyle.short
    return ui.TextInput(
        custom_id=name,
        style=style,
        required=needed,
        default=(given if long else one_line(given, KEPT)) or None,
        placeholder=clip(f"For example {example}", INPUT_PLACEHOLDER) if example else None,
    )
