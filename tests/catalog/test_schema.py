"""The JSON Schema says to editors what the loader says to people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import TypeAdapter

from bot.catalog.reading import read_text
from bot.catalog.runbook_schema import DEFAULT_ACTIONS
from bot.catalog.schema import schema
from correlation.cookbook import SIMILAR_FIELDS
from tests.catalog.test_loader import CONTRACT

EXAMPLE = Path(__file__).parents[2] / "manifests" / "catalog.example.yaml"


def is_valid(text: str, **kwargs: Any) -> bool:
    (document,) = read_text(text, "c.yaml")
    return jsonschema.Draft202012Validator(schema(**kwargs)).is_valid(document.data)


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(schema())


def test_the_example_and_the_contract_fit():
    assert is_valid(EXAMPLE.read_text())
    assert is_valid(CONTRACT)


@pytest.mark.parametrize(
    "text",
    [
        "defualts: {}",
        "services: {web: {teem: x}}",
        "services: {web: {tier: 9}}",
        "services: {web: {match: ['no matcher']}}",
        "escalations: {e: {steps: [{page: team, wait: 5}]}}",
        "schedules: {s: {layers: [{people: [], rotation: weekly}]}}",
        "runbooks: {r: {title: x, steps: [{comand: [a]}]}}",
        "runbooks: {r: {title: x, steps: [{command: [a], http: {url: 'http://x/'}}]}}",
        "recipes: [{name: a, similar: {txt: 1}}]",
    ],
)
def test_it_refuses_what_the_loader_refuses(text):
    assert not is_valid(text)


def test_actions_of_others_are_in_it():
    actions = {**DEFAULT_ACTIONS, "scale": TypeAdapter(dict[str, int])}
    assert is_valid("runbooks: {r: {title: x, steps: [{scale: {replicas: 3}}]}}", actions=actions)
    assert not is_valid("runbooks: {r: {title: x, steps: [{scale: {replicas: many}}]}}", actions=actions)


def test_every_key_is_described_or_refers_to_something_that_is():
    document = schema()
    bare = [
        f"{name}.{key}"
        for name, definition in document["$defs"].items()
        for key, value in definition["properties"].items()
        if not {"description", "$ref", "enum", "examples"} & value.keys()
        and "anyOf" not in value
        and "$ref" not in str(value)
    ]
    assert bare == []


def test_defaults_stand_as_people_write_them():
    definitions = schema()["$defs"]
    assert definitions["EscalationStepModel"]["properties"]["wait"]["default"] == "5m"
    assert definitions["QuietHoursModel"]["properties"]["from"]["default"] == "22:00"
    assert definitions["RetentionModel"]["properties"]["deliveries"]["default"] == "30d"


def test_likeness_can_be_asked_of_every_field_that_the_engine_compares():
    names = schema()["$defs"]["RecipeModel"]["properties"]["similar"]["propertyNames"]["enum"]
    assert names == list(SIMILAR_FIELDS)
