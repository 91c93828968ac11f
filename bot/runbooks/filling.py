"""Fills a runbook in: parameters are checked, templates rendered, secrets put in at the very last moment and never shown.

Whatever a parameter or an alert says stays ONE argument, ONE part of an address, ONE text: it is never read again as a
template, as a list, as an option or as a reference to a secret.
"""

from __future__ import annotations

import math
import re
import secrets as randomness
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from jinja2 import StrictUndefined, TemplateError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.catalog import secrets
from bot.catalog.model import Parameter, Runbook, Step
from bot.catalog.suggestions import did_you_mean
from bot.chat.harmless import one_line
from bot.errors import BadArguments

__all__ = ["FilledStep", "complaint", "fill", "parameter_values"]

LONGEST_VALUE = 500  # characters of a parameter
LONGEST_TEXT = 16_384  # characters of one filled text
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ONE_NAME = re.compile(r"\{\{-?\s*([A-Za-z_]\w*)\s*-?\}\}")
_REFERENCE = re.compile(r"\$\{env:[A-Za-z_][A-Za-z0-9_]*\}")
_YES, _NO = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledStep:
    """A step with everything in its place but secrets, which stand as marks that no text from outside can hold."""

    action: str
    timeout: float
    title: str
    _arguments: Any = field(repr=False)
    _marks: Mapping[str, str] = field(repr=False)  # mark -> `${env:NAME}`

    def shown(self) -> Any:
        """The arguments for people: secrets stand as `${env:NAME}`."""
        return _each_text(self._arguments, self._unmarked(lambda reference: reference))

    def for_running(self, environment: Mapping[str, str]) -> tuple[Any, list[str]]:
        """The arguments with their secrets, and the secrets. ConfigError when one is not set."""
        values = {reference: secrets.resolve(reference, environment) for reference in self._marks.values()}
        return _each_text(self._arguments, self._unmarked(values.__getitem__)), list(values.values())

    def missing(self, environment: Mapping[str, str]) -> list[str]:
        """The variables that the step asks for and that are not set."""
        return [name for name in secrets.names(list(self._marks.values())) if name not in environment]

    def _unmarked(self, value: Callable[[str], str]) -> Callable[[str, str], str]:
        def unmark(_key: str, text: str) -> str:
            for mark, reference in self._marks.items():
                if mark in text:
                    text = text.replace(mark, value(reference))
            return text

        return unmark


def parameter_values(runbook: Runbook, given: Mapping[str, str], context: Mapping[str, Any]) -> dict[str, str]:
    """The value of every parameter: given, or its default. BadArguments names what is missing, unknown or not allowed."""
    known = {parameter.name: parameter for parameter in runbook.parameters}
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known)
            ending = "" if hint.endswith("?") else "."
            raise BadArguments(f'{runbook.id} has no parameter "{one_line(name, 40)}"{hint}{ending}')
    return {name: _value(runbook, parameter, given.get(name), context) for name, parameter in known.items()}


def complaint(runbook: Runbook, parameter: Parameter, value: str) -> str:
    """What is wrong with a value that somebody gave, and how to give one; "" when it may be had."""
    if not (problem := _problem(parameter, value)):
        return ""
    return f'{parameter.name}="{one_line(value, 60)}" is not allowed: {problem}. {_how(runbook, parameter)}'


def fill(runbook: Runbook, values: Mapping[str, str], context: Mapping[str, Any]) -> list[FilledStep]:
    """The steps, filled in. BadArguments when a template asks for what is not there, or a value would do harm."""
    typed = {parameter.name: _typed(parameter, values[parameter.name]) for parameter in runbook.parameters}
    trusted = {p.name for p in runbook.parameters if p.pattern or p.choices or p.type != "string"}
    names = {**context, **typed}
    return [
        _fill_step(f"step {number} of {runbook.id}", step, names, trusted)
        for number, step in enumerate(runbook.steps, start=1)
    ]


# --- parameters -------------------------------------------------------------------------------------------------------


def _value(runbook: Runbook, parameter: Parameter, given: str | None, context: Mapping[str, Any]) -> str:
    value = given
    if value is None:
        if parameter.default is None:
            raise BadArguments(_wanted(runbook, parameter, "needs a value"))
        try:
            value = _render(_plain, parameter.default, context)
        except UndefinedError:
            value = ""
        except TemplateError as error:
            raise BadArguments(f"the default of {parameter.name} cannot be read: {error}") from None
        if not value and parameter.default:
            raise BadArguments(_wanted(runbook, parameter, "needs a value, since no alert says one"))
    if wrong := complaint(runbook, parameter, value):
        raise BadArguments(wrong)
    return _canonical(parameter, value)


def _problem(parameter: Parameter, value: str) -> str:
    """What is wrong with a value, or ""."""
    if len(value) > LONGEST_VALUE:
        return f"it is longer than {LONGEST_VALUE} characters"
    if _CONTROL.search(value):
        return "it holds control characters"
    if parameter.choices:
        return "" if value in parameter.choices else f"it is none of {', '.join(parameter.choices)}"
    match parameter.type:
        case "integer" if not re.fullmatch(r"-?[0-9]{1,18}", value, re.ASCII):
            return "it is not a whole number"
        case "number" if not _is_number(value):
            return "it is not a number"
        case "boolean" if value.lower() not in _YES | _NO:
            return "it is neither true nor false"
    if parameter.pattern:
        return "" if re.fullmatch(parameter.pattern, value) else f"it does not match {parameter.pattern}"
    if parameter.type == "string" and value.startswith("-"):
        return "it begins with a dash, so it would be read as an option"  # a pattern may allow it
    return ""


def _is_number(value: str) -> bool:
    try:
        return re.fullmatch(r"-?[0-9.]+([eE][+-]?[0-9]+)?", value, re.ASCII) is not None and math.isfinite(float(value))
    except ValueError:
        return False


def _canonical(parameter: Parameter, value: str) -> str:
    if parameter.type == "boolean" and not parameter.choices:
        return "true" if value.lower() in _YES else "false"
    return value


def _typed(parameter: Parameter, value: str) -> Any:
    match parameter.type:
        case "boolean":
            return _Boolean(value.lower() in _YES)
        case _:
            return value


class _Boolean:
    """A truth that templates can test, and that is written as the world outside Python writes it."""

    def __init__(self, value: bool) -> None:
        self._value = value

    def __bool__(self) -> bool:
        return self._value

    def __str__(self) -> str:
        return "true" if self._value else "false"


def _wanted(runbook: Runbook, parameter: Parameter, what: str) -> str:
    about = f" ({parameter.description})" if parameter.description else ""
    return f"{parameter.name}{about} {what}. {_how(runbook, parameter)}"


def _how(runbook: Runbook, parameter: Parameter) -> str:
    example = parameter.choices[0] if parameter.choices else "..."
    return f"Say it: /incident runbook run {runbook.id} {parameter.name}={example}"


# --- templates --------------------------------------------------------------------------------------------------------


def _environment(finalize: Callable[[Any], Any]) -> ImmutableSandboxedEnvironment:
    # Nothing here is HTML: what is filled in becomes an argument or a part of an address, and is checked for that.
    return ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,
        finalize=finalize,
        keep_trailing_newline=True,
    )


def _quoted(value: Any) -> str:
    text = str(value)
    if text in (".", ".."):
        raise BadArguments(f'"{text}" may not stand in an address: it would name another one.')
    return quote(text, safe="")


_plain, _of_address = _environment(str), _environment(_quoted)


def _render(environment: ImmutableSandboxedEnvironment, text: str, names: Mapping[str, Any]) -> str:
    return environment.from_string(text).render(names)


def _fill_step(where: str, step: Step, names: Mapping[str, Any], trusted: set[str]) -> FilledStep:
    marks: dict[str, str] = {}

    def mark(found: re.Match[str]) -> str:
        # Secrets are marked before parameters come in: a parameter that says ${env:NAME} stays a text.
        key = f"\ue000{randomness.token_hex(16)}\ue001"
        marks[key] = found[0]
        return key

    def fill_text(key: str, template: str) -> str:
        template = _REFERENCE.sub(mark, template)
        address = key == "url" and _ONE_NAME.fullmatch(template.strip()) is None
        try:
            text = _render(_of_address if address else _plain, template, names)
        except UndefinedError as error:
            raise BadArguments(f"{where} asks for something that is not there: {error.message}.") from None
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            raise BadArguments(f"{where} cannot be filled in: {one_line(str(error), 200)}") from None
        if len(text) > LONGEST_TEXT:
            raise BadArguments(f"{where} would become longer than {LONGEST_TEXT:,} characters.")
        if step.action == "command":
            return _argument(where, template, text, trusted)
        return text

    filled = _each_text(step.arguments, fill_text)
    return FilledStep(action=step.action, timeout=step.timeout, title=step.title, _arguments=filled, _marks=marks)


def _argument(where: str, template: str, text: str, trusted: set[str]) -> str:
    """One argument of a program. What is filled in may not make it an option, unless its parameter was checked for that."""
    if template == text:
        return text
    if "\x00" in text:
        raise BadArguments(f"{where} would get an argument with a NUL character.")
    first = _ONE_NAME.match(template)
    if text.startswith("-") and not template.startswith("-") and not (first and first[1] in trusted):
        raise BadArguments(
            f'{where} would get "{one_line(text, 60)}", which begins with a dash: an option, not a value.'
        )
    return text


def _each_text(value: Any, change: Callable[[str, str], str], key: str = "") -> Any:
    """The same structure with every text changed; keys stay."""
    if isinstance(value, str):
        return change(key, value)
    if isinstance(value, Mapping):
        return {name: _each_text(item, change, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(item, change, key) for item in value]
    return value
