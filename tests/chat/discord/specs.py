"""What Discord publishes about its messages and modals, and what it does not state. Skips, saying so, without it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

FILE = Path(os.environ.get("MUSTER_SPECS") or Path(__file__).parents[4] / "shared" / "specs") / "discord-openapi.json"


def units(text: str) -> int:
    """Characters as a browser counts them."""
    return len(text.encode("utf-16-le")) // 2


@cache
def validator(name: str) -> jsonschema.protocols.Validator:
    if not FILE.exists():
        pytest.skip(f"Discord's published document is absent: {FILE}; set MUSTER_SPECS to its folder")
    document = json.loads(FILE.read_text())
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": document["components"]["schemas"]}}
    return jsonschema.Draft202012Validator(schema)


def check(name: str, value: Any) -> None:
    error = jsonschema.exceptions.best_match(validator(name).iter_errors(value))
    assert error is None, f"{error.json_path}: {error.message[:500]}"


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every component."""
    if isinstance(value, list):
        for item in value:
            yield from nodes(item)
    elif isinstance(value, dict):
        if "type" in value:
            yield value
        for item in value.values():
            yield from nodes(item)


def contents(components: list[dict[str, Any]]) -> list[str]:
    """All texts, from above."""
    return [node["content"] for node in nodes(components) if node["type"] == 10]


def shown(components: list[dict[str, Any]]) -> str:
    """What somebody sees, from above; texts as they are sent."""
    lines = []
    for one in components:
        match one["type"]:
            case 17:
                lines.append(shown(one["components"]))
            case 10:
                lines.append(one["content"])
            case 14:
                lines.append("---")
            case 12:
                lines += [f"(picture: {item['description']})" for item in one["items"]]
            case 13:
                lines.append(f"(file: {one['file']['url']})")
            case 1:
                lines.append("".join(f"[{part.get('label') or part.get('placeholder')}]" for part in one["components"]))
    return "\n".join(lines)


def check_components(components: list[dict[str, Any]]) -> None:
    """By schema and by length, as Discord would."""
    for one in components:
        check({17: "ContainerComponentForMessageRequest"}.get(one["type"], "MessageCreateRequest"), _alone(one))
    everything = list(nodes(components))
    assert 1 <= len(everything) <= 40
    texts = contents(components)
    assert all(text.strip() for text in texts)
    assert sum(map(units, texts)) <= 4_000
    # https://github.com/discord/discord-api-docs/issues/8554; labels and addresses are counted too, to be sure.
    labels = [str(one.get(key, "")) for one in everything for key in ("label", "custom_id", "url", "placeholder")]
    labels += [option[key] for one in everything for option in one.get("options", ()) for key in ("label", "value")]
    labels += [item.get("description") or "" for one in everything for item in one.get("items", ())]
    assert sum(len(text.encode()) for text in (*texts, *labels)) + 12 * len(everything) <= 10_170
    named = [one["custom_id"] for one in everything if "custom_id" in one]
    assert len(set(named)) == len(named)
    for one in everything:
        assert units(one.get("custom_id") or "x") <= 100
        match one["type"]:
            case 1:
                kinds = {child["type"] for child in one["components"]}
                assert kinds == {2} or len(one["components"]) == 1
            case 2:
                assert 1 <= units(one["label"]) <= 80
                assert one["label"].strip()
                assert ("url" in one) == (one["style"] == 5)
                assert ("custom_id" in one) != ("url" in one)
                assert one.get("url", "https://").startswith(("https://", "http://"))
            case 3:
                values = [option["value"] for option in one["options"]]
                assert len(set(values)) == len(values)
                for option in one["options"]:
                    assert 1 <= units(option["label"]) <= 100
                    assert 1 <= units(option["value"]) <= 100


def _alone(one: dict[str, Any]) -> dict[str, Any]:
    return one if one["type"] == 17 else {"components": [one]}


def check_modal(modal: dict[str, Any]) -> None:
    """By schema and by length, as Discord would."""
    check("ModalInteractionCallbackRequest", {"type": 9, "data": _strings(modal)})
    assert 1 <= len(modal["components"]) <= 5
    assert units(modal["title"]) <= 45
    assert units(modal["custom_id"]) <= 100
    names = [one["custom_id"] for one in nodes(modal["components"]) if "custom_id" in one]
    assert len(set(names)) == len(names)
    for one in nodes(modal["components"]):
        assert units(one.get("custom_id") or "x") <= 100
        for option in one.get("options", ()):
            assert option["label"].strip()
            assert all(1 <= units(option[key]) <= 100 for key in ("label", "value", "description") if option.get(key))
        match one["type"]:
            case 18:
                assert 1 <= units(one["label"]) <= 45
                assert one["label"].strip()
                assert units(one.get("description") or "x") <= 100
            case 4:
                assert 1 <= one["max_length"] <= 4_000
                assert units(one.get("value") or "") <= one["max_length"]
                assert units(one.get("placeholder") or "") <= 100
            case 10:
                assert 1 <= units(one["content"]) <= 4_000
                assert one["content"].strip()


def _strings(value: Any) -> Any:
    """discord.py writes the accounts that a field begins with as numbers; Discord takes both, its document one."""
    if isinstance(value, list):
        return [_strings(item) for item in value]
    if isinstance(value, dict):
        return {
            name: str(item) if name == "id" and value.get("type") == "user" else _strings(item)
            for name, item in value.items()
        }
    return value
