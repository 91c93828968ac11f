"""What is wrong with single entries, in plain words: pydantic's findings turned into problems with file, line and path."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from bot.catalog import secrets
from bot.catalog.reading import Document, Where, texts
from bot.catalog.runbook_schema import Actions, StepModel, step_keys
from bot.catalog.schema import CatalogModel
from bot.catalog.suggestions import did_you_mean, nearest
from bot.errors import Problem

__all__ = ["validate"]

_WORDS = {
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    "dict_type": "should be a mapping, key: value",
    "float_parsing": "should be a number",
    "float_type": "should be a number",
    "int_from_float": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_type": "should be a whole number",
    "list_type": "should be a list",
    "model_type": "should be a mapping, key: value",
    "model_attributes_type": "should be a mapping, key: value",
    "string_type": "should be a text",
}
_PLAIN = re.compile(r"[\w.-]{1,40}")  # what YAML takes without quotes


def validate(document: Document, actions: Actions) -> tuple[CatalogModel | None, list[Problem]]:
    """The document as models, or None and everything that is wrong with it; secrets in the wrong place are wrong too."""
    problems = [*_step_problems(document, actions), *_secret_problems(document)]
    try:
        return CatalogModel.model_validate(document.data), problems
    except ValidationError as error:
        return None, [_problem(document, found, ()) for found in _findings(error)] + problems


def _findings(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False)


def _problem(document: Document, found: ErrorDetails, prefix: Where, model: Any = CatalogModel) -> Problem:
    where: Where = (*prefix, *(part for part in found["loc"] if part != "[key]"))
    kind = found["type"]
    if kind == "extra_forbidden":
        key, entry = str(where[-1]), _fields_at(model, found["loc"][:-1])
        way_out = (len(where) > 1 and _one_deeper(key, found["input"], entry)) or did_you_mean(key, entry)
        return document.problem(where, f'unknown key "{key}"{way_out}')
    if kind == "missing":
        return document.problem(where[:-1], f'"{where[-1]}" is missing')
    while where and where not in document.places and isinstance(where[-1], int):
        where = where[:-1]  # one value where a list may stand: it has no index of its own
    return document.problem(where, _words(found))


def _words(found: ErrorDetails) -> str:
    kind, context = found["type"], found.get("ctx", {})
    match kind:
        case "value_error":
            return str(context["error"])
        case "catalogue":
            return found["msg"]
        case "literal_error":
            options = re.findall(r"'([^']*)'", str(context["expected"]))
            return f"should be {str(context['expected']).replace(chr(39), chr(34))}{_written(found['input'], options)}"
        case "string_type" if isinstance(found["input"], bool):
            return f'should be a text; to mean the word, quote it: "{str(found["input"]).lower()}"'
        case "too_short":
            return "should not be empty"
        case "string_too_short":
            return "should not be empty"
        case "greater_than_equal":
            return f"should be at least {context['ge']:g}"
        case "less_than_equal":
            return f"should be at most {context['le']:g}"
    if kind in _WORDS:
        return f"{_WORDS[kind]}{_written(found['input'])}"
    return found["msg"][:1].lower() + found["msg"][1:]


def _written(value: Any, options: list[str] | None = None) -> str:
    """What stands there instead, short; nothing for what is long or may be a secret."""
    if isinstance(value, list):
        return ", not a list"
    if isinstance(value, Mapping):
        return ", not a mapping"
    if not isinstance(value, str | int | float) or len(str(value)) > 40 or any(secrets.names(value)):
        return ""
    meant = nearest(str(value), options) if options and len(options) > 4 else None  # all of them stand there already
    guess = f'; did you mean "{meant}"?' if meant else ""
    return f', not "{value}"{guess}' if isinstance(value, str) else f", not {value}"


def _one_deeper(key: str, value: Any, entry: Mapping[str, Any]) -> str:
    """What to write where one of the entry's own keys is the one that takes this key: `; write topology: {hops: 2}`."""
    homes = [name for name, annotation in entry.items() if key in _fields_at(annotation, ())]
    if len(homes) != 1:
        return ""
    written = str(value).lower() if isinstance(value, bool) else str(value)
    return f"; write {homes[0]}: {{{key}: {written if _PLAIN.fullmatch(written) else '...'}}}"


def _fields_at(model: Any, where: tuple[int | str, ...]) -> dict[str, Any]:
    """The keys that the model allows at this path, and what each takes."""
    annotation: Any = model
    for part in where:
        annotation = _step_into(annotation, part)
    annotation = _bare(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {field.alias or name: field.annotation for name, field in annotation.model_fields.items()}
    return {}


def _step_into(annotation: Any, part: int | str) -> Any:
    annotation = _bare(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            if part in (name, field.alias):
                return field.annotation
        return None
    arguments = get_args(annotation)
    return arguments[-1] if arguments else None


def _bare(annotation: Any) -> Any:
    """The annotation without `Annotated` and `| None`."""
    while True:
        if hasattr(annotation, "__metadata__"):
            annotation = annotation.__origin__
        elif get_origin(annotation) in (Union, types.UnionType):
            annotation = next((item for item in get_args(annotation) if item is not type(None)), None)
        else:
            return annotation


def _step_problems(document: Document, actions: Actions) -> Iterator[Problem]:
    """Each step names exactly one action that exists, and gives it what it takes."""
    for where, step in _steps(document.data):
        keys = [key for key in step if key not in StepModel.model_fields]
        known = [key for key in keys if key in actions]
        for key in keys:
            if key not in actions:
                yield document.problem(
                    (*where, key), f'unknown key or action "{key}"{did_you_mean(key, step_keys(actions))}'
                )
        if len(known) > 1:
            yield document.problem(
                where, f"a step is one action, and here are {' and '.join(known)}; make them steps of their own"
            )
        elif not keys:
            yield document.problem(where, f"a step needs an action: {', '.join(actions)}")
        for key in known:
            yield from _argument_problems(document, (*where, key), actions[key], step[key])


def _argument_problems(
    document: Document, where: Where, adapter: TypeAdapter[Any], arguments: Any
) -> Iterator[Problem]:
    try:
        adapter.validate_python(arguments)
    except ValidationError as error:
        for found in _findings(error):
            yield _problem(document, found, where, adapter._type)  # noqa: SLF001 - the adapter has no public name for it


def _steps(data: Any) -> Iterator[tuple[Where, Mapping[str, Any]]]:
    runbooks = data.get("runbooks") if isinstance(data, Mapping) else None
    for name, runbook in runbooks.items() if isinstance(runbooks, Mapping) else ():
        steps = runbook.get("steps") if isinstance(runbook, Mapping) else None
        for index, step in enumerate(steps if isinstance(steps, list) else ()):
            if isinstance(step, Mapping):
                yield ("runbooks", name, "steps", index), step


def _secret_problems(document: Document) -> Iterator[Problem]:
    for where, text in texts(document.data):
        for name in dict.fromkeys(secrets.names(text)):
            if not secrets.may_stand(where):
                yield document.problem(
                    where,
                    f"${{env:{name}}} is read only in the url and headers of http steps and in calendar addresses, not here",
                )
