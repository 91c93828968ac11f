"""Forms made from the verbs' one definition, and what was filled in read back as the command that one would have typed.

No verb has a form of its own here but `runbook run`, whose fields are the runbook's parameters. Nothing is opened or sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from bot.catalog.model import Runbook
from bot.chat.harmless import one_line
from bot.chat.slack.fields import (
    COMPLETED,
    FIELD,
    FLAGS,
    INCIDENT,
    PARAMETER,
    field,
    flag_fields,
    incident_field,
    option,
    parameter_field,
)
from bot.chat.slack.limits import (
    INPUT_LABEL,
    METADATA,
    OPTION_VALUE,
    OPTIONS,
    PLACEHOLDER,
    VIEW,
    VIEW_TITLE,
    Block,
    clip,
    length,
    size,
)
from bot.chat.slack.parts import plain_text
from bot.commands.completion import Completion
from bot.commands.definition import Kind, Scope, Verb
from bot.commands.lines import command_line, pairs
from bot.commands.parsing import cut, parse, take_scope
from bot.commands.tokens import Token
from bot.commands.values import Reader
from bot.errors import BadArguments, UnknownVerb
from bot.incidents.model import number_of, ref

__all__ = [
    "CALLBACK",
    "CHOSEN",
    "COMPLETED",
    "FORMS",
    "Origin",
    "command_of",
    "complaints",
    "completion_line",
    "form_for",
    "modal",
    "offered",
    "opening",
    "origin_of",
    "runbook_modal",
]

_RUN = ("runbook", "run")
CALLBACK = "command"  # callback_id of every form
CHOSEN = "runbook"  # action_id of the menu whose choice brings other fields
FORMS: tuple[tuple[str, ...], ...] = (  # typed without arguments, these open a form: typing is worse there
    ("declare",),
    ("note",),
    ("page",),
    ("rename",),
    ("retro", "action", "add"),
    ("retro", "mood"),
    _RUN,
    ("severity",),
    ("silence",),
)
FIELDS = 60  # parameters of a runbook that a form has room for
LARGE = VIEW // 5  # bytes of all fields: Slack counts them as JSON, perhaps with escapes of six for one of ours
_TITLES = {
    "declare": "Declare an incident",
    "note": "Add to timeline",
    "page": "Page somebody",
    "rename": "Rename it",
    "retro action add": "Add an action",
    "retro mood": "How it was",
    "severity": "Change the severity",
    "silence": "Silence alerts",
}
_SUBMITS = {"declare": "Declare", "page": "Page", "silence": "Look first", "severity": "Change", "rename": "Rename"}


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a form was opened; it travels in private_metadata. `incident` is the number of the room's incident."""

    path: tuple[str, ...] = ()
    incident: int | None = None
    room: str = ""
    runbook: str = ""


def form_for(text: str, verbs: Mapping[str, Verb]) -> tuple[str, ...] | None:
    """The path of the verb whose form should open for what was typed, None where the words are to be run.

    A form opens for a verb of FORMS without arguments. `opening` also knows incidents that are named, and runbooks.
    """
    try:
        words = cut(text, verbs)
    except UnknownVerb:
        return None
    return words.path if words.path in FORMS and not words.tokens else None


def opening(
    text: str,
    verbs: Mapping[str, Verb],
    runbooks: Mapping[str, Runbook],
    *,
    incident: int | None = None,
    room: str = "",
) -> Block | None:
    """The form that should open for what was typed or pressed in a room, None where the words are to be run.

    It opens for a verb of FORMS without arguments (the incident may be named), and for a runbook whose parameters are missing.
    """
    try:
        words = cut(text, verbs)
    except UnknownVerb:
        return None
    if words.path not in FORMS:
        return None
    named, tokens = take_scope(words.verb, words.tokens, incident)
    origin = Origin(path=words.path, incident=named, room=room)
    if words.path != _RUN:
        return None if tokens else modal(words.verb, origin)
    if not tokens:
        return runbook_modal(words.verb, origin)
    runbook = runbooks.get(tokens[0].value)
    given = {token.raw.partition("=")[0] for token in tokens[1:]}
    missing = runbook is not None and any(one.required and one.name not in given for one in runbook.parameters)
    return runbook_modal(words.verb, origin, runbook) if missing and len(tokens) == 1 else None


def modal(verb: Verb, origin: Origin, *, given: Mapping[str, str] | None = None) -> Block:
    """The form of a verb. `given` are values to begin with, by argument."""
    values = given or {}
    fields = [field(argument, values.get(argument.name, "")) for argument in verb.positional]
    blocks = [*_which(verb, origin), *fields, *flag_fields(verb)]
    return _view(verb.summary, origin, blocks, _verb_title(origin), _submit(origin))


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
    return _view(summary, where, blocks, "Run a runbook", "Look first")


def origin_of(view: Mapping[str, Any]) -> Origin:
    """Where the form was opened."""
    return msgspec.json.decode(view.get("private_metadata") or "{}", type=Origin)


def command_of(view: Mapping[str, Any], verb: Verb) -> str:
    """The command that was filled in: `declare --private "checkout slow" sev2`. `view` is a view_submission's."""
    origin, state = origin_of(view), _state(view)
    values = {name: state.get(FIELD + name, "") for name in (argument.name for argument in verb.positional)}
    incident = origin.incident if origin.incident is not None else number_of(state.get(INCIDENT, ""))
    line = command_line(origin.path, verb, values, flags=state.get(FLAGS, "").split(), incident=incident)
    given = {key.removeprefix(PARAMETER): value for key, value in state.items() if key.startswith(PARAMETER) and value}
    return f"{line} {pairs(given)}" if given else line


def complaints(view: Mapping[str, Any], verb: Verb, reader: Reader, verbs: Mapping[str, Verb]) -> dict[str, str]:
    """What is wrong, by block id, for response_action "errors"; empty where the command can be run. Asks nobody: quick."""
    state, found = _state(view), {}
    for argument in verb.positional:
        value = state.get(FIELD + argument.name, "").strip()
        try:
            if argument.kind is Kind.MATCHERS and value:
                reader.matchers(value)
            elif value and argument.kind not in {Kind.ALERTS, Kind.KEY_VALUES}:
                reader.read(argument, Token(value, value, 0, len(value)))
        except BadArguments as error:
            found[FIELD + argument.name] = clip(error.public, INPUT_LABEL)
    if not found:
        try:
            parse(command_of(view, verb), verbs, reader, origin_of(view).incident)
        except BadArguments as error:
            blocks = [block["block_id"] for block in view.get("blocks", ()) if block.get("type") == "input"]
            first = FIELD + verb.positional[0].name if verb.positional else FLAGS
            found[blocks[0] if blocks else first] = clip(error.public, INPUT_LABEL)
    return found


def completion_line(payload: Mapping[str, Any], verb: Verb) -> str:
    """For a block_suggestion: the line to complete, as if everything before the field had been typed."""
    origin = origin_of(payload.get("view") or {})
    asked = str(payload.get("block_id", "")).removeprefix(FIELD)
    words = [*origin.path]
    typed = " ".join(one_line(str(payload.get("value", "")), 200).split()[:1])
    if asked == INCIDENT:
        return f"{' '.join(words)} {typed}"
    if verb.scope is not Scope.NONE:  # which one it is makes no difference to what fits a field
        words.append(ref(origin.incident if origin.incident is not None else 1))
    for argument in verb.positional:
        if argument.name == asked:
            break
        if argument.required:
            words.append("x")
    return f"{' '.join(words)} {typed}"


def offered(completions: Sequence[Completion]) -> Block:
    """The answer to a block_suggestion; flags are boxes in a form, so they are left out."""
    shown = [one for one in completions if not one.value.startswith("--") and 0 < length(one.value) <= OPTION_VALUE]
    return {"options": [option(one.value, f"{one.label}  {one.hint}".strip()) for one in shown[:OPTIONS]]}


def _view(summary: str, origin: Origin, fields: Sequence[Block], title: str, submit: str) -> Block:
    where = msgspec.json.encode(origin).decode()
    if len(where) > METADATA:
        raise ValueError("the origin of a form is longer than Slack keeps")
    about = f"{ref(origin.incident)}: {summary}" if origin.incident is not None else summary
    context = {"type": "context", "elements": [plain_text(about, PLACEHOLDER)]}
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": where,
        "title": plain_text(title, VIEW_TITLE),
        "submit": plain_text(submit, VIEW_TITLE),
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


def _verb_title(origin: Origin) -> str:
    words = " ".join(origin.path)
    return _TITLES.get(words, f"{words[:1].upper()}{words[1:]}")


def _submit(origin: Origin) -> str:
    return _SUBMITS.get(" ".join(origin.path), "Save")


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
