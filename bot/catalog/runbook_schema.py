"""Runbooks as operators write them. Which actions exist is told from outside; running them is not here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from bot.catalog.fields import Duration, Entry, MatcherText, Pattern, SomeTime, WebAddress, WhoList

__all__ = [
    "DEFAULT_ACTIONS",
    "Actions",
    "ParameterModel",
    "RunbookModel",
    "StepModel",
    "complete_step_schema",
    "step_keys",
]

Actions = Mapping[str, TypeAdapter[Any]]


def _address(value: str) -> str:
    if not re.match(r"(https?://|\$\{env:|\{\{)", value):
        raise PydanticCustomError("catalogue", "not an http or https address")
    return value


def _texts(value: Any) -> Any:
    # Parameters, choices and headers travel as text; true and 5 may be written as they are.
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


Text = Annotated[str, BeforeValidator(_texts), WithJsonSchema({"type": ["string", "number", "boolean"]})]


class HttpStep(Entry):
    """A request. The url and the headers may read secrets: ${env:NAME}."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: Annotated[str, AfterValidator(_address)] = Field(examples=["https://ci.example.org/jobs/warmup"])
    headers: dict[str, Text] = Field({}, examples=[{"Authorization": "Bearer ${env:CI_TOKEN}"}])
    body: str = Field("", description="Sent as it is.")
    json_: Any = Field(None, alias="json", description="Sent as JSON, instead of body.")
    expect: str = Field(
        "2xx", pattern=r"^[1-5]([0-9]{2}|xx)$", description="The status that means success: 2xx or 204."
    )


# What `command` and `http` hold; the runner's own actions replace these where the app hands them in.
DEFAULT_ACTIONS: Actions = {
    "command": TypeAdapter(
        Annotated[
            list[Text],
            Field(
                min_length=1,
                description="The program and its arguments, one by one; no shell reads them.",
                examples=[["systemctl", "restart", "checkout@{{ instance }}"]],
            ),
        ],
        config=ConfigDict(coerce_numbers_to_str=True),
    ),
    "http": TypeAdapter(HttpStep),
}


class ParameterModel(Entry):
    """A value that the runbook asks for."""

    type: Literal["string", "integer", "number", "boolean"] = "string"
    pattern: Pattern = Field("", description="A regular expression for the whole value.")
    default: Text | None = Field(
        None, description="A value, or a template: {{ alert.host }}.", examples=["{{ alert.host }}"]
    )
    choices: list[Text] = Field([], description="The only values allowed.")
    description: str = Field("", description="Shown where the value is asked for.")

    @model_validator(mode="after")
    def _default_is_allowed(self) -> ParameterModel:
        if self.default is None or "{{" in self.default:
            return self
        if self.choices and self.default not in self.choices:
            raise ValueError(f'the default "{self.default}" is none of the choices')
        if self.pattern and not re.fullmatch(self.pattern, self.default):
            raise ValueError(f'the default "{self.default}" does not match the pattern')
        return self


class StepModel(Entry):
    """One action, named by its key."""

    model_config = ConfigDict(extra="allow")  # the action's key; checked against the actions that exist by the loader

    timeout: SomeTime = Field(60.0, description="Then the step has failed.")
    title: str = Field("", description="Shown while it runs.")


class ApprovalModel(Entry):
    """Who must agree before the runbook runs; whoever asks never counts."""

    people: int = Field(1, ge=1, le=10, description="How many of them.")
    by: WhoList = Field(["team"], validate_default=True, description="Who may agree.")
    expires: SomeTime = Field(900.0, description="The question is off after this.")


class VerifyModel(Entry):
    """Did it help?"""

    clears_within: SomeTime = Field(description="The incident's alerts clear within this of the last step.")


class RunbookModel(Entry):
    """Steps that may be run from a room; every one shows what it will do before it does it."""

    title: str = Field(min_length=1, description="What it does, as one says it.")
    description: str = Field("", description="When to use it, and what it costs.")
    link: WebAddress = Field(
        "", description="Where it is written down for people; kept in sight in rooms that it fits."
    )
    match: list[MatcherText] = Field(
        [], description="Suggested for incidents with an alert that meets ALL of these; none: for any."
    )
    risk: Literal["low", "high"] = Field("high", description="high asks once more before it runs.")
    run_by: WhoList = Field(["team"], validate_default=True, description="Who may run it.")
    approve: ApprovalModel | None = None
    parameters: dict[str, ParameterModel] = Field({})
    steps: list[StepModel] = Field(min_length=1)
    verify: VerifyModel | None = None
    cooldown: Duration = Field(0.0, description="Not again within this.")


def step_keys(actions: Actions) -> tuple[str, ...]:
    """The keys that a step may have."""
    return (*actions, *StepModel.model_fields)


def complete_step_schema(document: dict[str, Any], actions: Actions | None = None) -> None:
    """Write into a JSON Schema of the catalogue what each action's key holds."""
    actions = DEFAULT_ACTIONS if actions is None else actions
    step = document["$defs"]["StepModel"]
    for name, adapter in actions.items():
        part = adapter.json_schema(by_alias=True, ref_template="#/$defs/{model}")
        document["$defs"].update(part.pop("$defs", {}))
        step["properties"][name] = part
    step["additionalProperties"] = False
    step["oneOf"] = [{"required": [name]} for name in actions]
