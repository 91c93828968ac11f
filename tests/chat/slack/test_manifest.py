"""The app manifest: what the file says is what the code writes, Slack takes it, and every scope is used."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
import yaml

from bot.chat.slack.manifest import COMMANDS, EVENTS, SCOPES, manifest_yaml, typed_as
from bot.commands.registry import by_name
from tests.chat.slack import specs

ROOT = Path(__file__).parents[3]
UNLISTED = {"channel_archive", "group_archive"}  # docs.slack.dev/reference/events


@pytest.mark.parametrize("public_url", ["", "https://muster.example.org/"], ids=["socket", "http"])
def test_slack_takes_the_manifest(public_url: str) -> None:
    folder = specs.spec("slack-manifest-schema", "manifest.schema.json").parent
    schema = json.loads((folder / "manifest.schema.json").read_text())
    parts = [json.loads(path.read_text()) for path in sorted((folder / "schemas").glob("*.json"))]
    base = "https://raw.githubusercontent.com/slackapi/manifest-schema/v0.5.0/schemas/"
    names = sorted(path.name for path in (folder / "schemas").glob("*.json"))
    registry: Any = referencing.Registry().with_resources(
        (base + name, referencing.Resource(contents=part, specification=referencing.jsonschema.DRAFT7))
        for name, part in zip(names, parts, strict=True)
    )
    manifest = yaml.safe_load(manifest_yaml(public_url))
    jsonschema.Draft7Validator(schema, registry=registry).validate(manifest)
    assert manifest["settings"]["socket_mode_enabled"] is (public_url == "")
    urls = set(re.findall(r"https://muster\S*", manifest_yaml(public_url)))
    assert urls == ({"https://muster.example.org/slack/events"} if public_url else set())


def test_the_file_is_what_the_code_writes() -> None:
    written = (ROOT / "manifests" / "slack-app.yaml").read_text()
    assert written == manifest_yaml(), "write it anew: python -m bot.chat.slack.manifest > manifests/slack-app.yaml"


def test_every_scope_has_a_reason_beside_it() -> None:
    for scope, reason in SCOPES:
        assert len(reason) > 10
        assert f"- {scope} # {reason}\n" in manifest_yaml()
    assert [scope for scope, _ in SCOPES] == sorted(scope for scope, _ in SCOPES)


def test_every_event_is_one_of_slacks_and_we_may_hear_it() -> None:
    known = {event["name"]: event for event in json.loads(specs.spec("slack-events", "events.json").read_text())}
    granted = {scope for scope, _ in SCOPES}
    for event in set(EVENTS) - UNLISTED:
        needed = {scope.replace("app_mentions.read", "app_mentions:read") for scope in known[event]["scopes"]}
        assert not needed or needed & granted, event


def test_every_method_that_is_called_is_granted() -> None:
    folder = specs.spec("slack-methods")
    granted = {scope for scope, _ in SCOPES}
    call = re.compile(r'(?:call|_unless)\(\s*(?:"\w+",\s*)?"([a-zA-Z.]+\.[a-zA-Z]+)"')
    called = {
        name for path in (ROOT / "bot" / "chat" / "slack").glob("*.py") for name in call.findall(path.read_text())
    }
    assert "chat.postMessage" in called
    for name in called:
        scopes = json.loads((folder / f"{name}.json").read_text())["scope"].get("bot", [])
        assert not scopes or granted & set(scopes), f"{name} needs one of {scopes}"


def test_short_forms_are_verbs() -> None:
    for command in COMMANDS:
        assert command.verb == "" or command.verb in by_name()
    assert typed_as("/incident", "ack INC-42") == "ack INC-42"
    assert typed_as("/ack", "INC-42") == "ack INC-42"
    assert typed_as("/ack", "") == "ack"
    assert typed_as("/unheard-of", "x") == "unheard-of x"
