"""The published specification, where it is at hand: arguments of methods, schemas of blocks and views. Works
without; says so.
"""

from __future__ import annotations

import copy
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

try:  # the same check in a tenth of the time; comes with schemathesis
    from jsonschema_rs import Draft7Validator as QuickValidator
except ImportError:  # pragma: no cover
    QuickValidator = None  # type: ignore[assignment,misc]

__all__ = ["MISSING", "Specs", "folder"]

MISSING = "Slack's specification is not here (MUSTER_SPECS, or ../shared/specs beside the repository)"


def folder() -> Path | None:
    """Where the specification lies: MUSTER_SPECS, beside MUSTER_EVAL_DATA, or beside the repository."""
    root = Path(__file__).resolve().parents[3]
    data = os.environ.get("MUSTER_EVAL_DATA")
    places = [os.environ.get("MUSTER_SPECS"), data and Path(data).parent / "specs", root.parent / "shared" / "specs"]
    return next((Path(place) for place in places if place and (Path(place) / "slack-methods").is_dir()), None)


def _sealed(schema: Any) -> Any:
    """The schema with unknown properties refused, as Slack refuses them in blocks and views."""
    if isinstance(schema, list):
        return [_sealed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {
        key: {name: _sealed(value) for name, value in inner.items()}
        if key in ("properties", "definitions")
        else _sealed(inner)
        for key, inner in schema.items()
        if key != "description" or not isinstance(inner, str)
    }
    if "properties" in schema and "additionalProperties" not in schema:
        closed["additionalProperties"] = False
    return closed


class _Checker:
    def __init__(self, schema: dict[str, Any]) -> None:
        self._quick = QuickValidator(schema) if QuickValidator is not None else None
        self._slow = Draft7Validator(schema)

    def errors(self, instance: Any, pointer: str) -> list[str]:
        if self._quick is not None and self._quick.is_valid(instance):
            return []
        found = []
        for error in self._slow.iter_errors(instance):
            path = "".join(f"/{part}" for part in error.absolute_path)
            found.append(f"[ERROR] {error.message[:300]} [json-pointer:{pointer}{path}]")
        return found


class Specs:
    """The specification, read once and only as far as it is asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._methods: dict[str, dict[str, Any] | None] = {}
        schema = self._schema("KnownBlock")
        self._blocks: dict[str, _Checker] = {}
        self._block_schemas = {
            kind: {"definitions": schema["definitions"], "$ref": reference}
            for reference in (choice["$ref"] for choice in schema["definitions"]["KnownBlock"]["anyOf"])
            for kind in self._kinds(schema["definitions"][reference.rpartition("/")[2]])
        }
        self._views = {"modal": _Checker(self._schema("ModalView")), "home": _Checker(self._schema("HomeView"))}

    @staticmethod
    @cache
    def load() -> Specs | None:
        """The specification, or None where it is absent; read once a process."""
        root = folder()
        return Specs(root) if root else None

    def _schema(self, name: str) -> dict[str, Any]:
        schema: dict[str, Any] = _sealed(json.loads((self._root / "slack-json-schema" / f"{name}.json").read_text()))
        return schema

    @staticmethod
    def _kinds(definition: dict[str, Any]) -> set[str]:
        choices = definition.get("anyOf", [definition])
        return {choice["properties"]["type"]["const"] for choice in choices}

    def method(self, name: str) -> dict[str, Any] | None:
        """What the reference says of a method."""
        if name not in self._methods:
            path = self._root / "slack-methods" / f"{name}.json"
            self._methods[name] = json.loads(path.read_text()) if path.is_file() else None
        return self._methods[name]

    def errors_of(self, name: str) -> set[str]:
        """The errors that the reference lists for a method."""
        return set((self.method(name) or {}).get("errors", {}))

    def envelopes(self) -> list[dict[str, Any]]:
        """Sample envelopes of Socket Mode."""
        samples: list[dict[str, Any]] = json.loads((self._root / "slack-socket-mode-envelopes.json").read_text())
        return samples

    def arguments(self, name: str, args: dict[str, Any]) -> tuple[list[str], list[str]]:
        """What is wrong with a method's arguments, and which names it does not know."""
        spec = (self.method(name) or {}).get("args")
        if not spec:
            return [], []
        properties = spec.get("properties", {})
        wrong = [
            f"[ERROR] missing required field: {required}"
            for required in spec.get("required", [])
            if required != "token" and args.get(required) in (None, "")
        ]
        for key, value in args.items():
            kinds = _kinds_of(properties.get(key, {}))
            if value is not None and kinds and not any(_is_a(kind, value) for kind in kinds):
                wrong.append(f"[ERROR] must be {' or '.join(sorted(kinds))} [json-pointer:/{key}]")
        return wrong, [key for key in args if key not in properties]

    def blocks(self, blocks: list[Any], pointer: str = "/blocks") -> list[str]:
        """What the schema says of blocks."""
        found = []
        for index, block in enumerate(blocks):
            kind = block.get("type") if isinstance(block, dict) else None
            if kind not in self._block_schemas:
                found.append(f"[ERROR] unsupported type: {kind} [json-pointer:{pointer}/{index}/type]")
                continue
            if kind not in self._blocks:
                self._blocks[kind] = _Checker(self._block_schemas[kind])
            found += self._blocks[kind].errors(block, f"{pointer}/{index}")
        return found

    def view(self, view: dict[str, Any]) -> list[str]:
        """What the schema says of a view, its blocks included."""
        checker = self._views.get(str(view.get("type")))
        if checker is None or not isinstance(view.get("blocks"), list):
            return []
        shell = {**copy.copy(view), "blocks": []}
        return checker.errors(shell, "/view") + self.blocks(view["blocks"], "/view/blocks")


def _kinds_of(schema: dict[str, Any]) -> set[str]:
    if isinstance(schema.get("type"), str):
        return {schema["type"]}
    choices = [choice.get("type") for choice in schema.get("anyOf", [])]
    return {choice for choice in choices if choice and choice != "null"} if all(choices) else set()


def _is_a(kind: str, value: Any) -> bool:
    text = value if isinstance(value, str) else None
    if kind == "boolean":
        return isinstance(value, bool) or value in (0, 1) or (text or "").lower() in ("true", "false", "1", "0")
    if kind in ("integer", "number"):
        digits = (text or "").removeprefix("-").replace(".", "", 1 if kind == "number" else 0)
        return (isinstance(value, int | float) and not isinstance(value, bool)) or digits.isdigit()
    if kind in ("array", "object"):
        expected = list if kind == "array" else dict
        if text is not None:
            try:
                return isinstance(json.loads(text), expected)
            except ValueError:
                return False
        return isinstance(value, expected)
    return kind != "string" or isinstance(
        value, str | int | float | list | dict
    )  # a JSON body may carry the value itself
