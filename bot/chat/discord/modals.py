"""Forms made from the verbs' one definition, and what was filled in read back as the command that one would have typed.

Nothing is opened or sent, and what becomes of a form that cannot be run is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import discord
from discord import ui

from bot.catalog.model import Parameter, Runbook
from bot.chat.discord.audience import Audience
from bot.chat.discord.drawing import Drawn, finished
from bot.chat.discord.fields import (
    OTHERS,
    Field,
    field,
    flag_field,
    incident_field,
    other_fields,
    parameter_field,
    share,
)
from bot.chat.discord.limits import (
    CUSTOM_ID,
    FIELDS,
    MODAL_TITLE,
    OPTION_HINT,
    OPTION_LABEL,
    OPTIONS,
)
from bot.chat.discord.markdown import code, escape
from bot.chat.discord.parts import custom_id
from bot.chat.harmless import one_line
from bot.chat.lengths import clip, length
from bot.chat.views import Button
from bot.commands import forms
from bot.commands.chosen import as_chosen
from bot.commands.completion import Completion
from bot.commands.definition import PREFIX, Kind, Scope, Verb
from bot.commands.forms import FIELD, FLAGS, INCIDENT, PARAMETER, RUN, Wanted, completion_line, filled, title
from bot.commands.lines import command_line
from bot.commands.values import Reader
from bot.incidents.reference import number_of, ref

__all__ = [
    "AGAIN",
    "FORM",
    "RUNBOOKS",
    "Form",
    "Origin",
    "command_of",
    "complaints",
    "form",
    "offers_wanted",
    "opening",
    "origin_in",
    "origin_of",
    "state_of",
]

FORM, AGAIN = "f", "a"  # begin the custom_id of a form; of the button that opens it again
RUNBOOKS = "s:runbook"  # the menu of runbooks, whose values are custom_ids of buttons
_OTHER = re.compile(r"^\s*([A-Za-z0-9_.\-]+)\s*=(.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which form it is: of which verb, for which incident (None: it is asked for), of which runbook. It travels as custom_id."""

    path: tuple[str, ...]
    incident: int | None = None
    runbook: str = ""

    @classmethod
    def of(cls, wanted: Wanted) -> Origin:
        """Where what is wanted begins."""
        return cls(path=wanted.path, incident=wanted.incident, runbook=wanted.runbook.id if wanted.runbook else "")

    def custom_id(self, kind: str = FORM) -> str:
        """`f:runbook run:42:restart-checkout`; "" where it is longer than Discord keeps: then the words are run."""
        made = f"{kind}:{' '.join(self.path)}:{'' if self.incident is None else self.incident}:{self.runbook}"
        return made if length(made) <= CUSTOM_ID else ""


class Form(ui.Modal):
    """A form that discord.py opens and forgets: what comes back says itself what it is."""

    def __init__(self, said: str, origin: Origin, items: Iterable[ui.Item[Any]]) -> None:
        super().__init__(title=clip(said, MODAL_TITLE), custom_id=origin.custom_id(), timeout=None)
        for item in items:
            self.add_item(item)

    def is_finished(self) -> bool:
        """discord.py keeps forms that are not finished."""
        return True


def origin_of(said: str) -> Origin | None:
    """What the custom_id of a form, or of the button that opens it again, means; None where it is neither.

    >>> origin_of("f:runbook run:42:restart-checkout")
    Origin(path=('runbook', 'run'), incident=42, runbook='restart-checkout')
    """
    parts = said.split(":", 3)
    if len(parts) != 4 or parts[0] not in {FORM, AGAIN}:
        return None
    number = int(parts[2]) if parts[2].isdecimal() else None
    return Origin(path=tuple(parts[1].split()), incident=number, runbook=parts[3])


def offers_wanted(verb: Verb, origin: Origin) -> dict[str, str]:
    """Fields that are better chosen than typed, and the line whose completion says from what."""
    fields = {FIELD + argument.name: argument for argument in verb.valued if argument.kind in forms.COMPLETED}
    names = [name for name, argument in fields.items() if argument.kind is not Kind.PERSON and not origin.runbook]
    names += [INCIDENT] if _asks_which(verb, origin) else []
    return {name: completion_line(origin.path, verb, origin.incident, name, "") for name in names}


def form(
    verb: Verb,
    origin: Origin,
    runbook: Runbook | None = None,
    *,
    given: Mapping[str, str] | None = None,
    offers: Mapping[str, Sequence[Completion]] | None = None,
) -> Form:
    """The form. `given` are values to begin with, by name of field (`argument:title`); `offers` answers `offers_wanted`."""
    values, offered = given or {}, offers or {}
    fields: list[Field] = []
    if _asks_which(verb, origin):
        fields.append(incident_field(values.get(INCIDENT, ""), offered.get(INCIDENT, ())))
    if runbook is not None:
        fields += _parameters(runbook, values, FIELDS - len(fields))
        about = runbook.description or runbook.title
    else:
        for argument in verb.valued:
            name = FIELD + argument.name
            fields.append(field(argument, values.get(name, ""), offered.get(name, ())))
        if (ticks := flag_field(verb, values.get(FLAGS, ""))) is not None:
            fields.append(ticks)
        about = verb.summary
    share(fields[:FIELDS])
    items: list[ui.Item[Any]] = [*fields[:FIELDS]]
    if len(items) < FIELDS and about.strip():
        words = f"{ref(origin.incident)}: {about}" if origin.incident is not None else about
        items.insert(0, ui.TextDisplay(escape(clip(one_line(words, 2_000), 300))))
    above = runbook.title or runbook.id if runbook else title(origin.path)
    return Form(one_line(above, 200) or title(origin.path), origin, items)


def opening(
    wanted: Wanted,
    runbooks: Mapping[str, Runbook],
    *,
    given: Mapping[str, str] | None = None,
    offers: Mapping[str, Sequence[Completion]] | None = None,
) -> Form | Drawn | None:
    """The form that is wanted; a private menu where a runbook is to be chosen first; None where the words are to be run."""
    if wanted.path == RUN and wanted.runbook is None:
        return _menu(wanted, runbooks)
    origin = Origin.of(wanted)
    return form(wanted.verb, origin, wanted.runbook, given=given, offers=offers) if origin.custom_id() else None


def _menu(wanted: Wanted, runbooks: Mapping[str, Runbook]) -> Drawn:
    """Choosing one opens its form, or runs it where it asks for nothing."""
    options: list[discord.SelectOption] = []
    for name, runbook in runbooks.items():
        command = command_line(wanted.path, wanted.verb, {"name": name}, incident=wanted.incident)
        value = custom_id(Button(label=name, command=command))
        if value and len(options) < OPTIONS:
            shown = clip(one_line(runbook.title, 400) or name, OPTION_LABEL)
            about = clip(one_line(runbook.description, 400), OPTION_HINT)
            options.append(discord.SelectOption(label=shown, value=value, description=about or None))
    left = len(runbooks) - len(options)
    asked = "Which runbook?" if options else "The catalogue has no runbooks."
    more = f"\n-# {left:,} more by their names: {code(as_chosen(f'{PREFIX} runbook run NAME'))}" if left else ""
    items: list[ui.Item[Any]] = [ui.TextDisplay(f"{asked}{more}")]
    if options:
        items.append(ui.ActionRow(ui.Select(custom_id=RUNBOOKS, placeholder="Runbook", options=options)))
    return finished(items, ((asked,),), Audience())


def state_of(data: Mapping[str, Any]) -> dict[str, str]:
    """What was filled in, by name of field; boxes as words. `data` is a modal submission's, as Discord sent it."""
    state: dict[str, str] = {}
    for component in data.get("components") or ():
        inner = component.get("component") or component
        name = str(inner.get("custom_id") or "")
        if not name:
            continue
        if "values" in inner:
            accounts = inner.get("type") == discord.ComponentType.user_select.value
            state[name] = " ".join(f"<@{value}>" if accounts else str(value) for value in inner["values"] or ())
        else:
            state[name] = str(inner.get("value") or "")
    return state


def command_of(data: Mapping[str, Any], verb: Verb) -> str:
    """The command that was filled in: `declare --private "checkout slow" sev2`."""
    return _line(state_of(data), verb, origin_in(data))


def complaints(data: Mapping[str, Any], verb: Verb, reader: Reader, verbs: Mapping[str, Verb]) -> dict[str, str]:
    """What is wrong, by name of field; empty where the command can be run. Asks nobody: quick."""
    state, origin = state_of(data), origin_in(data)
    wrong: dict[str, str] = {}
    if _asks_which(verb, origin) and number_of(state.get(INCIDENT, "")) is None:
        wrong[INCIDENT] = "Name the incident: INC-42."
    if bad := [line for line in state.get(OTHERS, "").splitlines() if line.strip() and not _OTHER.match(line)]:
        wrong[OTHERS] = f"{clip(one_line(bad[0], 200), 60)} is no name=value."
    if wrong:
        return wrong
    first = next(iter(state), FLAGS)
    return forms.complaints(_line(state, verb, origin), verb, origin.incident, state, reader, verbs, first=first)


def _parameters(runbook: Runbook, given: Mapping[str, str], room: int) -> list[Field]:
    """A field each, those that are needed first; what has no place is typed into one."""
    ordered = sorted(runbook.parameters, key=lambda one: not one.required)
    alone = [one for one in ordered if length(PARAMETER + one.name) <= CUSTOM_ID]
    alone = alone[:room] if len(alone) == len(ordered) <= room else alone[: room - 1]
    fields = [parameter_field(one, given.get(PARAMETER + one.name, "")) for one in alone]
    rest: list[Parameter] = [one for one in ordered if one not in alone]
    return [*fields, other_fields(rest, given.get(OTHERS, ""))] if rest else fields


def _line(state: Mapping[str, str], verb: Verb, origin: Origin) -> str:
    values = {**state, FIELD + "name": origin.runbook} if origin.runbook else {**state}
    for line in values.pop(OTHERS, "").splitlines():
        if (found := _OTHER.match(line)) and found[2].strip():
            values[PARAMETER + found[1]] = found[2].strip()
    return filled(origin.path, verb, origin.incident, values)


def origin_in(data: Mapping[str, Any]) -> Origin:
    """Which form was sent."""
    return origin_of(str(data.get("custom_id") or "")) or Origin(path=())


def _asks_which(verb: Verb, origin: Origin) -> bool:
    return verb.scope is Scope.INCIDENT and origin.incident is None
