"""The fields of forms: one argument of a verb, or one parameter of a runbook, as the element that suits its kind."""

from __future__ import annotations

from bot.catalog.model import Parameter
from bot.chat.slack.limits import HINT, INPUT_LABEL, INPUT_TEXT, OPTION_TEXT, OPTION_VALUE, OPTIONS, Block, clip, length
from bot.chat.slack.parts import plain_text
from bot.commands.completion import DURATIONS, SEVERITIES
from bot.commands.definition import Argument, Kind, Verb
from bot.retros.formats import format_names

__all__ = [
    "COMPLETED",
    "FIELD",
    "FLAGS",
    "INCIDENT",
    "PARAMETER",
    "field",
    "flag_fields",
    "incident_field",
    "option",
    "parameter_field",
]

COMPLETED = "complete"  # action_id of menus that ask the server while somebody types
PREVIEWED = {"yes"}  # flags that skip a look at what would happen: no box for them, the preview has a button
FIELD, PARAMETER, FLAGS, INCIDENT = "argument:", "parameter:", "flags", "incident"  # begin, or are, block ids
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


def incident_field() -> Block:
    """Which incident, where the room has none."""
    which = Argument(name=INCIDENT, kind=Kind.INCIDENT, help="which incident it is about", required=True)
    return {**field(which), "block_id": INCIDENT}


def field(argument: Argument, given: str = "") -> Block:
    """The field of an argument; `given` is its value to begin with."""
    label = _WORDS.get(argument.name, argument.name.replace("_", " ").capitalize())
    return {
        "type": "input",
        "block_id": FIELD + argument.name,
        "optional": not argument.required,
        "label": plain_text(label, INPUT_LABEL),
        "hint": plain_text(argument.help, HINT),
        "element": _element(argument, given),
    }


def _element(argument: Argument, given: str) -> Block:
    match argument.kind:
        case Kind.SEVERITY:
            return _menu([option(f"sev{value}", hint) for value, hint in SEVERITIES], given.lower())
        case Kind.DURATION:
            return _menu([option(value, f"{value}, {hint}") for value, hint in DURATIONS], given)
        case Kind.CHOICE:
            return _menu([option(choice, choice) for choice in argument.choices], given)
        case Kind.FORMAT:
            return _menu([option(name, name) for name in format_names()], given)
        case kind if kind in _COMPLETED:
            element: Block = {"type": "external_select", "action_id": COMPLETED, "min_query_length": 0}
            if given and length(given) <= OPTION_VALUE:
                element["initial_option"] = option(given, given)
            return element
        case Kind.INTEGER:
            number: Block = {"type": "number_input", "is_decimal_allowed": False, "min_value": "1"}
            return {**number, "action_id": "typed", **({"initial_value": given} if given.isdecimal() else {})}
        case Kind.TEXT if argument.name != "title":
            return _typing(given, multiline=True)
        case _:
            return _typing(given)


def parameter_field(parameter: Parameter) -> Block:
    """A field for a value that a runbook asks for; what is left blank takes its default."""
    default = "" if parameter.default is None else f"Left blank: {parameter.default}"
    shape = f"As {parameter.pattern}" if parameter.pattern else ""
    hint = ". ".join(part for part in (parameter.description.rstrip("."), shape, default) if part)
    choices = parameter.choices or (("true", "false") if parameter.type == "boolean" else ())
    if choices and len(choices) <= OPTIONS and all(0 < length(choice) <= OPTION_VALUE for choice in choices):
        element = _menu([option(choice, choice) for choice in choices], "")
    elif parameter.type in {"integer", "number"} and not choices:
        decimal = parameter.type == "number"
        element = {"type": "number_input", "is_decimal_allowed": decimal, "action_id": "typed"}
    else:
        element = _typing("")
    block: Block = {
        "type": "input",
        "block_id": PARAMETER + parameter.name,
        "optional": not parameter.required,
        "label": plain_text(parameter.name, INPUT_LABEL),
        "element": element,
    }
    return {**block, "hint": plain_text(hint, HINT)} if hint else block


def flag_fields(verb: Verb) -> list[Block]:
    """One block of boxes or none."""
    flags = [flag for flag in verb.flags if flag.name not in PREVIEWED]
    if not flags:
        return []
    options = [option(flag.name, f"{flag.name.capitalize()}: {flag.help}") for flag in flags[:10]]
    element = {"type": "checkboxes", "action_id": "typed", "options": options}
    return [{"type": "input", "block_id": FLAGS, "optional": True, "label": plain_text("Also", 75), "element": element}]


def _menu(options: list[Block], given: str) -> Block:
    element: Block = {"type": "static_select", "action_id": "typed", "options": options[:OPTIONS]}
    initial = next((option for option in options if option["value"] == given), None)
    return {**element, "initial_option": initial} if initial else element


def _typing(given: str, *, multiline: bool = False) -> Block:
    element: Block = {
        "type": "plain_text_input",
        "action_id": "typed",
        "multiline": multiline,
        "max_length": INPUT_TEXT,
    }
    return {**element, "initial_value": clip(given, INPUT_TEXT)} if given else element


def option(value: str, label: str) -> Block:
    """An entry of a menu."""
    return {"text": plain_text(label or value, OPTION_TEXT), "value": value}
