"""The fields of forms: one argument of a verb, or one parameter of a runbook, as the element that suits its kind."""

from __future__ import annotations

from bot.catalog.model import Parameter
from bot.chat.lengths import clip, length
from bot.chat.slack.limits import HINT, INPUT_LABEL, INPUT_TEXT, OPTION_TEXT, OPTION_VALUE, OPTIONS, Block
from bot.chat.slack.parts import plain_text
from bot.commands import forms
from bot.commands.completion import DURATIONS, SEVERITIES
from bot.commands.definition import Argument, Kind, Verb
from bot.commands.forms import FIELD, FLAGS, INCIDENT, PARAMETER, WHICH, boxes, choices, hint, label
from bot.retros.formats import format_names

__all__ = ["COMPLETED", "field", "flag_fields", "incident_field", "option", "parameter_field"]

COMPLETED = "complete"  # action_id of menus that ask the server while somebody types


def incident_field() -> Block:
    """Which incident, where the room has none."""
    return {**field(WHICH), "block_id": INCIDENT}


def field(argument: Argument, given: str = "") -> Block:
    """The field of an argument; `given` is its value to begin with."""
    return {
        "type": "input",
        "block_id": FIELD + argument.name,
        "optional": not argument.required,
        "label": plain_text(label(argument), INPUT_LABEL),
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
        case kind if kind in forms.COMPLETED:
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
    about, values = hint(parameter), choices(parameter)
    if values and len(values) <= OPTIONS and all(0 < length(value) <= OPTION_VALUE for value in values):
        element = _menu([option(value, value) for value in values], "")
    elif parameter.type in {"integer", "number"} and not values:
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
    return {**block, "hint": plain_text(about, HINT)} if about else block


def flag_fields(verb: Verb) -> list[Block]:
    """One block of boxes or none."""
    flags = boxes(verb)
    if not flags:
        return []
    options = [option(flag.name, label(flag)) for flag in flags[:10]]
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
