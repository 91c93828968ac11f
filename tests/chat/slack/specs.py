"""What Slack publishes about its blocks, and the lengths that no schema states. Skips, saying so, where the schemas are absent."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

FOLDER = Path(os.environ.get("MUSTER_SPECS") or Path(__file__).parents[4] / "shared" / "specs")
PLAIN = {  # where a plain text stands -> characters
    ("header", "text"): 150,
    ("button", "text"): 75,
    ("option", "text"): 75,
    ("input", "label"): 2_000,
    ("input", "hint"): 2_000,
    ("modal", "title"): 24,
    ("modal", "submit"): 24,
    ("modal", "close"): 24,
    ("confirm", "title"): 100,
    ("confirm", "text"): 300,
    ("confirm", "confirm"): 30,
    ("confirm", "deny"): 30,
}


def units(text: str) -> int:
    """Characters as Slack counts them."""
    return len(text.encode("utf-16-le")) // 2


def spec(*parts: str) -> Path:
    path = FOLDER.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"Slack's published schemas are absent: {path}; set MUSTER_SPECS to their folder")
    return path


@cache
def schemas(name: str) -> dict[str, Any]:
    """The definitions of KnownBlock, ModalView or HomeView."""
    return dict(json.loads(spec("slack-json-schema", f"{name}.json").read_text())["definitions"])


@cache
def validator(name: str, definition: str) -> jsonschema.protocols.Validator:
    return jsonschema.Draft7Validator({"$ref": f"#/definitions/{definition}", "definitions": schemas(name)})


def check(name: str, value: dict[str, Any]) -> None:
    """A block, or a view without its blocks, against the definition of the type that it says it is: quick, and clear."""
    definition = next(
        known
        for known, schema in schemas(name).items()
        if known.endswith(("Block", "View"))
        and any(
            form.get("properties", {}).get("type", {}).get("const") == value["type"]
            for form in schema.get("anyOf", [schema])
        )
    )
    error = next(iter(validator(name, definition).iter_errors(value)), None)
    assert error is None, f"{error.json_path}: {error.message[:500]}"


def check_message(blocks: list[dict[str, Any]], text: str) -> None:
    """By schema and by length, as Slack would."""
    assert 1 <= len(blocks) <= 50
    assert 1 <= units(text) <= 4_000
    assert len(escaped(json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))).encode()) <= 12_000
    assert sum(len(escaped(said)) for said in texts(blocks)) <= 13_200
    for block in blocks:
        check("KnownBlock", block)
    check_lengths(blocks)


def check_view(name: str, view: dict[str, Any]) -> None:
    check(name, {**view, "blocks": []})
    for block in view["blocks"]:
        check(name, block)
    assert len(view["blocks"]) <= 100
    assert units(view.get("private_metadata", "")) <= 3_000
    assert len(json.dumps(view).encode()) <= 250_000
    check_lengths(view)


def check_lengths(value: Any) -> None:
    for kind, node in nodes(value):
        for field, limit in ((field, limit) for (owner, field), limit in PLAIN.items() if owner == kind):
            if field in node:
                assert 1 <= units(node[field]["text"]) <= limit, (kind, field)
                assert node[field]["text"].strip()
        match kind:
            case "plain_text":
                assert node["emoji"] is False
            case "text" | "link":
                assert node.get("text") != ""
                assert units(node.get("text", "")) <= 3_000
                assert units(node.get("url", "")) <= 3_000
            case "button":
                assert 1 <= units(node["action_id"]) <= 255
                assert units(node.get("value", "")) <= 2_000
                assert units(node.get("url", "")) <= 3_000
                assert ("value" in node) != ("url" in node)
            case "actions":
                assert 1 <= len(node["elements"]) <= 25
                assert len({element["action_id"] for element in node["elements"]}) == len(node["elements"])
            case "option":
                assert 1 <= units(node["value"]) <= 150
            case "static_select":
                assert 1 <= len(node["options"]) <= 100
            case "checkboxes":
                assert 1 <= len(node["options"]) <= 10
            case "rich_text" | "rich_text_section" | "rich_text_list" | "rich_text_preformatted":
                assert node["elements"]
            case "user":
                assert node["user_id"][0] in "UW"
            case "input":
                assert 1 <= units(node["block_id"]) <= 255
    blocks = value["blocks"] if isinstance(value, dict) else value
    named = [block["block_id"] for block in blocks if "block_id" in block]
    assert len(set(named)) == len(named)


def nodes(value: Any, kind: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object with what it is: its type, or the place where it stands."""
    if isinstance(value, list):
        for item in value:
            yield from nodes(item, "option" if kind == "options" else "")
    elif isinstance(value, dict):
        yield value.get("type") or ("option" if kind == "initial_option" else kind), value
        for name, item in value.items():
            yield from nodes(item, name)


def texts(value: Any) -> Iterator[str]:
    """All that is shown."""
    for kind, node in nodes(value):
        if kind in {"text", "link", "plain_text"} and "text" in node:
            yield node["text"]


def shown(value: Any) -> str:
    """What somebody reads, dates as their fallback and paragraphs as lines."""
    if isinstance(value, list):
        return "".join(shown(item) for item in value)
    match value.get("type"):
        case "header":
            return f"# {value['text']['text']}\n"
        case "rich_text_section":
            return shown(value["elements"]) + "\n"
        case "rich_text_preformatted":
            return f"```\n{shown(value['elements'])}\n```\n"
        case "rich_text_list":
            return "".join(f"- {shown(element)}" for element in value["elements"])
        case "actions":
            return "".join(f"[{element['text']['text']}]" for element in value["elements"]) + "\n"
        case "date":
            ago = " (ago)" if "{ago}" in value["format"] else ""
            return f"{value['fallback']}{ago}"
        case "user":
            return f"<@{value['user_id']}>"
        case "link":
            return value.get("text", value["url"])
        case "text":
            return f"`{value['text']}`" if value.get("style", {}).get("code") else value["text"]
        case _:
            return shown(value.get("elements", []))


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
