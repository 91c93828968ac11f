"""Forms made from the verbs' one definition, and what was filled in read back as the command that one would have typed.

No verb has a form of its own here but `runbook run`, whose fields are the runbook's parameters. Nothing is opened or sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from bot.catalog.model import Runbook
from bot.chat.harmless import one_line
from bot.chat.lengths import clip, length
from bot.chat.slack.fields import COMPLETED, field, flag_fields, incident_field, option, parameter_field
from bot.chat.slack.limits import (
    INPUT_LABEL,
    METADATA,
    OPTION_VALUE,
    OPTIONS,
    PLACEHOLDER,
    VIEW,
    VIEW_TITLE,
    Block,
    size,
)
from bot.chat.slack.parts import plain_text
from bot.commands import forms
from bot.commands.completion import Completion
from bot.commands.definition import Kind, Scope, Verb
from bot.commands.forms import FIELD, FLAGS, RUN, filled, sends, title, wanted
from bot.commands.values import Reader
from bot.incidents.reference import ref

__all__ = [
    "CALLBACK",
    "CHOSEN",
    "COMPLETED",
    "Origin",
    "command_of",
    "complaints",
    "completion_line",
    "modal",
    "offered",
    "opening",
    "origin_of",
    "runbook_modal",
]

CALLBACK = "command"  # callback_id of every form
CHOSEN = "runbook"  # action_id of the menu whose choice brings other fields
FIELDS = 60  # parameters of a runbook that a form has room for
LARGE = VIEW // 5  # bytes of all fields: Slack counts them as JSON, perhaps with escapes of six for one of ours


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a form was opened; it travels in private_metadata. `incident` is the number of the room's incident."""

    path: tuple[str, ...] = ()
    incident: int | None = None
    room: str = ""
    runbook: str = ""


def opening(
    text: str,
    verbs: Mapping[str, Verb],
    runbooks: Mapping[str, Runbook],
    *,
    incident: int | None = None,
    room: str = "",
) -> Block | None:
    """The form that should open for what was typed or pressed in a room, None where the words are to be run."""
    form = wanted(text, verbs, runbooks, incident=incident)
    if form is None:
        return None
    origin = Origin(path=form.path, incident=form.incident, room=room)
    return modal(form.verb, origin) if form.path != RUN else runbook_modal(form.verb, origin, form.runbook)


def modal(verb: Verb, origin: Origin, *, given: Mapping[str, str] | None = None) -> Block:
    """The form of a verb. `given` are values to begin with, by argument."""
    values = given or {}
    fields = [field(argument, values.get(argument.name, "")) for argument in verb.valued]
    blocks = [*_which(verb, origin), *fields, *flag_fields(verb)]
    return _view(verb.summary, origin, blocks)


def runbook_modal(verb: Verb, origin: Origin, runbook: Runbook | None = None) -> Block:
    """The form of `runbook run`: the menu of runbooks, and a chosen one's parameters; show it by views.update."""
    chosen = runbook.id if runbook else origin.runbook
    names = next(argument for argument in verb.positional if argument.kind is Kind.RUNBOOK)
    menu = field(names, chosen)
    menu["dispatch_action"] = True
    menu["element"]["action_id"] = CHOSEN
    blocks = [*_which(verb, origin), menu]
    summary = verb.summary
    if runbook is not None:
        summary = runbook.description or runbook.title
        blocks += _parameters(runbook)
    where = msgspec.structs.replace(origin, runbook=chosen)
    return _view(summary, where, blocks)


def origin_of(view: Mapping[str, Any]) -> Origin:
    """Where the form was opened."""
    return msgspec.json.decode(view.get("private_metadata") or "{}", type=Origin)


def command_of(view: Mapping[str, Any], verb: Verb) -> str:
    """The command that was filled in: `declare --private "checkout slow" sev2`. `view` is a view_submission's."""
    origin = origin_of(view)
    return filled(origin.path, verb, origin.incident, _state(view))


def complaints(view: Mapping[str, Any], verb: Verb, reader: Reader, verbs: Mapping[str, Verb]) -> dict[str, str]:
    """What is wrong, by block id, for response_action "errors"; empty where the command can be run. Asks nobody: quick."""
    origin = origin_of(view)
    inputs = [block["block_id"] for block in view.get("blocks", ()) if block.get("type") == "input"]
    first = inputs[0] if inputs else FIELD + verb.positional[0].name if verb.positional else FLAGS
    line = command_of(view, verb)
    found = forms.complaints(line, verb, origin.incident, _state(view), reader, verbs, first=first)
    return {name: clip(said, INPUT_LABEL) for name, said in found.items()}


def completion_line(payload: Mapping[str, Any], verb: Verb) -> str:
    """For a block_suggestion: the line to complete, as if everything before the field had been typed."""
    origin = origin_of(payload.get("view") or {})
    typed = one_line(str(payload.get("value", "")), 200)
    return forms.completion_line(origin.path, verb, origin.incident, str(payload.get("block_id", "")), typed)


def offered(completions: Sequence[Completion]) -> Block:
    """The answer to a block_suggestion; flags are boxes in a form, so they are left out."""
    shown = [one for one in completions if not one.value.startswith("--") and 0 < length(one.value) <= OPTION_VALUE]
    return {"options": [option(one.value, f"{one.label}  {one.hint}".strip()) for one in shown[:OPTIONS]]}


def _view(summary: str, origin: Origin, fields: Sequence[Block]) -> Block:
    where = msgspec.json.encode(origin).decode()
    if len(where) > METADATA:
        raise ValueError("the origin of a form is longer than Slack keeps")
    about = f"{ref(origin.incident)}: {summary}" if origin.incident is not None else summary
    context = {"type": "context", "elements": [plain_text(about, PLACEHOLDER)]}
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": where,
        "title": plain_text(title(origin.path), VIEW_TITLE),
        "submit": plain_text(sends(origin.path), VIEW_TITLE),
        "close": plain_text("Cancel", VIEW_TITLE),
        "blocks": [context, *fields],
    }


def _parameters(runbook: Runbook) -> list[Block]:
    """The fields of its parameters, as many as have room, and what to type for the others."""
    fields: list[Block] = []
    left = LARGE
    for parameter in runbook.parameters[:FIELDS]:
        made = parameter_field(parameter)
        left -= size(made)
        if left < 0:
            break
        fields.append(made)
    rest = len(runbook.parameters) - len(fields)
    if rest:
        typed = f"{rest} more are typed: /incident runbook run {runbook.id} key=value ..."
        fields.append({"type": "context", "elements": [plain_text(typed, PLACEHOLDER)]})
    return fields


def _which(verb: Verb, origin: Origin) -> list[Block]:
    return [incident_field()] if verb.scope is Scope.INCIDENT and origin.incident is None else []


def _state(view: Mapping[str, Any]) -> dict[str, str]:
    """What was filled in, by block id; boxes as words."""
    filled: dict[str, str] = {}
    for block, elements in ((view.get("state") or {}).get("values") or {}).items():
        for element in elements.values():
            if chosen := element.get("selected_option"):
                filled[block] = str(chosen.get("value", ""))
            elif "selected_options" in element:
                filled[block] = " ".join(str(option.get("value", "")) for option in element["selected_options"])
            else:
                filled[block] = str(element.get("value") or "")
    return filled
