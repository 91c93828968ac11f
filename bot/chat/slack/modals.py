"""Forms made from the verbs' one definition, and what was filled in read back as the command that one would have typed.

No verb has a form of its own here but `runbook run`, whose fields are the runbook's parameters. Nothing is opened or sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bot.catalog.model import Parameter, Runbook
from bot.chat.harmless import one_line
from bot.chat.slack.limits import (
    HINT,
    INPUT_LABEL,
    INPUT_TEXT,
    METADATA,
    OPTION_TEXT,
    OPTION_VALUE,
    OPTIONS,
    PLACEHOLDER,
    VIEW_BLOCKS,
    VIEW_TITLE,
    Block,
    clip,
    length,
)
from bot.chat.slack.lines import command_line, pairs
from bot.chat.slack.parts import plain_text
from bot.commands.completion import DURATIONS, SEVERITIES, Completion
from bot.commands.definition import Argument, Kind, Scope, Verb
from bot.commands.parsing import cut, parse
from bot.commands.tokens import Token
from bot.commands.values import Reader
from bot.errors import BadArguments, UnknownVerb
from bot.incidents.model import ref
from bot.retros.formats import format_names

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
    "origin_of",
    "runbook_modal",
]

CALLBACK = "command"  # callback_id of every form
COMPLETED = "complete"  # action_id of menus that ask the server while somebody types
CHOSEN = "runbook"  # action_id of the menu whose choice brings other fields
FORMS: tuple[tuple[str, ...], ...] = (  # typed without arguments, these open a form: typing is worse there
    ("declare",),
    ("note",),
    ("page",),
    ("rename",),
    ("retro", "action", "add"),
    ("retro", "mood"),
    ("runbook", "run"),
    ("severity",),
    ("silence",),
)
PREVIEWED = {"yes"}  # flags that skip a look at what would happen: no box for them, the preview has a button
FIELD, PARAMETER, FLAGS = "argument:", "parameter:", "flags"  # begin, or are, block ids
FIELDS = VIEW_BLOCKS - 10  # parameters of a runbook that a form has room for
_WORDS = {  # labels where the name of the argument alone says too little
    "title": "What is broken, and where",
    "level": "Severity",
    "matcher": "Which alerts",
    "duration": "For how long",
    "who": "Whom",
    "name": "Runbook",
    "mood": "How was it for you",
}
_COMPLETED = {Kind.PERSON, Kind.TARGET, Kind.SERVICE, Kind.INCIDENT, Kind.RUNBOOK, Kind.SILENCE}


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a form was opened; it travels in private_metadata. `incident` is the number of the room's incident."""

    path: tuple[str, ...]
    incident: int | None = None
    room: str = ""
    runbook: str = ""


@dataclass(frozen=True, slots=True)
class _Field:
    """A block of a form and the argument it stands for."""

    argument: Argument
    given: str = ""


def form_for(text: str, verbs: Mapping[str, Verb]) -> tuple[str, ...] | None:
    """The path of the verb whose form should open for what was typed, None where the words are to be run.

    A form opens for a verb of FORMS without arguments, the incident's name aside.
    """
    try:
        words = cut(text, verbs)
    except UnknownVerb:
        return None
    known = [token for token in words.tokens if not _is_ref(token)]
    for path in FORMS:
        if words.path == path and not known:
            return path
    return None


def modal(verb: Verb, origin: Origin, *, given: Mapping[str, str] | None = None) -> Block:
    """The form of a verb. `given` are values to begin with, by argument."""
    values = given or {}
    fields = [_input(_Field(argument, values.get(argument.name, ""))) for argument in verb.positional]
    flags = _flags(verb)
    return _view(verb.summary, origin, [*fields, *flags], _verb_title(origin), _submit(origin))


def runbook_modal(verb: Verb, origin: Origin, runbook: Runbook | None = None) -> Block:
    """The form of `runbook run`: the menu of runbooks, and a chosen one's parameters; show it by views.update."""
    chosen = runbook.id if runbook else origin.runbook
    names = next(argument for argument in verb.positional if argument.kind is Kind.RUNBOOK)
    menu = _input(_Field(names, chosen))
    menu["dispatch_action"] = True
    menu["element"]["action_id"] = CHOSEN
    blocks = [menu]
    summary = verb.summary
    if runbook is not None:
        summary = runbook.description or runbook.title
        blocks += [_parameter(parameter) for parameter in runbook.parameters[:FIELDS]]
    where = msgspec.structs.replace(origin, runbook=chosen)
    return _view(summary, where, blocks, "Run a runbook", "Look first")


def origin_of(view: Mapping[str, Any]) -> Origin:
    """Where the form was opened."""
    return msgspec.json.decode(view.get("private_metadata") or "{}", type=Origin)


def command_of(view: Mapping[str, Any], verb: Verb) -> str:
    """The command that was filled in: `declare --private "checkout slow" sev2`. `view` is a view_submission's."""
    origin, state = origin_of(view), _state(view)
    values = {name: state.get(FIELD + name, "") for name in (argument.name for argument in verb.positional)}
    line = command_line(origin.path, verb, values, flags=state.get(FLAGS, "").split(), incident=origin.incident)
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
    if origin.incident is not None and verb.scope is not Scope.NONE:
        words.append(ref(origin.incident))
    for argument in verb.positional:
        if argument.name == asked:
            break
        if argument.required:
            words.append("x")
    typed = "".join(one_line(str(payload.get("value", "")), 200).split(" ")[:1])
    return f"{' '.join(words)} {typed}"


def offered(completions: Sequence[Completion]) -> Block:
    """The answer to a block_suggestion; flags are boxes in a form, so they are left out."""
    shown = [one for one in completions if not one.value.startswith("--") and 0 < length(one.value) <= OPTION_VALUE]
    return {"options": [_option(one.value, f"{one.label}  {one.hint}".strip()) for one in shown[:OPTIONS]]}


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


def _verb_title(origin: Origin) -> str:
    words = " ".join(origin.path)
    return _TITLES.get(words, f"{words[:1].upper()}{words[1:]}")


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


def _submit(origin: Origin) -> str:
    return _SUBMITS.get(" ".join(origin.path), "Save")


def _input(field: _Field) -> Block:
    argument = field.argument
    label = _WORDS.get(argument.name, argument.name.replace("_", " ").capitalize())
    return {
        "type": "input",
        "block_id": FIELD + argument.name,
        "optional": not argument.required,
        "label": plain_text(label, INPUT_LABEL),
        "hint": plain_text(argument.help, HINT),
        "element": _element(field),
    }


def _element(field: _Field) -> Block:
    argument, given = field.argument, field.given
    match argument.kind:
        case Kind.SEVERITY:
            return _menu([_option(f"sev{value}", hint) for value, hint in SEVERITIES], given.lower())
        case Kind.DURATION:
            return _menu([_option(value, f"{value}, {hint}") for value, hint in DURATIONS], given)
        case Kind.CHOICE:
            return _menu([_option(choice, choice) for choice in argument.choices], given)
        case Kind.FORMAT:
            return _menu([_option(name, name) for name in format_names()], given)
        case kind if kind in _COMPLETED:
            element: Block = {"type": "external_select", "action_id": COMPLETED, "min_query_length": 0}
            if given and length(given) <= OPTION_VALUE:
                element["initial_option"] = _option(given, given)
            return element
        case Kind.INTEGER:
            number: Block = {"type": "number_input", "is_decimal_allowed": False, "min_value": "1"}
            return {**number, "action_id": "typed", **({"initial_value": given} if given.isdecimal() else {})}
        case Kind.TEXT if argument.name != "title":
            return _typed(given, multiline=True)
        case _:
            return _typed(given)


def _parameter(parameter: Parameter) -> Block:
    """A field for a value that a runbook asks for; what is left blank takes its default."""
    default = "" if parameter.default is None else f"Left blank: {parameter.default}"
    shape = f"As {parameter.pattern}" if parameter.pattern else ""
    hint = ". ".join(part for part in (parameter.description.rstrip("."), shape, default) if part)
    choices = parameter.choices or (("true", "false") if parameter.type == "boolean" else ())
    if choices and len(choices) <= OPTIONS and all(0 < length(choice) <= OPTION_VALUE for choice in choices):
        element = _menu([_option(choice, choice) for choice in choices], "")
    elif parameter.type in {"integer", "number"} and not choices:
        decimal = parameter.type == "number"
        element = {"type": "number_input", "is_decimal_allowed": decimal, "action_id": "typed"}
    else:
        element = _typed("")
    block: Block = {
        "type": "input",
        "block_id": PARAMETER + parameter.name,
        "optional": not parameter.required,
        "label": plain_text(parameter.name, INPUT_LABEL),
        "element": element,
    }
    return {**block, "hint": plain_text(hint, HINT)} if hint else block


def _flags(verb: Verb) -> list[Block]:
    """One block of boxes or none."""
    flags = [flag for flag in verb.flags if flag.name not in PREVIEWED]
    if not flags:
        return []
    options = [_option(flag.name, f"{flag.name.capitalize()}: {flag.help}") for flag in flags[:10]]
    element = {"type": "checkboxes", "action_id": "typed", "options": options}
    return [{"type": "input", "block_id": FLAGS, "optional": True, "label": plain_text("Also", 75), "element": element}]


def _menu(options: list[Block], given: str) -> Block:
    element: Block = {"type": "static_select", "action_id": "typed", "options": options[:OPTIONS]}
    initial = next((option for option in options if option["value"] == given), None)
    return {**element, "initial_option": initial} if initial else element


def _typed(given: str, *, multiline: bool = False) -> Block:
    element: Block = {
        "type": "plain_text_input",
        "action_id": "typed",
        "multiline": multiline,
        "max_length": INPUT_TEXT,
    }
    return {**element, "initial_value": clip(given, INPUT_TEXT)} if given else element


def _option(value: str, label: str) -> Block:
    return {"text": plain_text(label or value, OPTION_TEXT), "value": value}


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


def _is_ref(token: Token) -> bool:
    return token.value.lower().startswith(("inc-", "#")) and token.value.lstrip("incINC-#").isdecimal()
