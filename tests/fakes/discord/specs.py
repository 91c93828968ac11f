"""The published OpenAPI description, where it is at hand: request bodies by route. Works without; says so."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

try:  # the same check in a tenth of the time; comes with schemathesis
    from jsonschema_rs import Draft202012Validator as QuickValidator
except ImportError:  # pragma: no cover
    QuickValidator = None  # type: ignore[assignment,misc]

__all__ = ["MISSING", "Specs", "path_of"]

MISSING = "Discord's OpenAPI description is not here (MUSTER_SPECS, or ../shared/specs beside the repository)"


def path_of() -> Path | None:
    """Where the description lies: MUSTER_SPECS, beside MUSTER_EVAL_DATA, or beside the repository."""
    root = Path(__file__).resolve().parents[3]
    data = os.environ.get("MUSTER_EVAL_DATA")
    places = [os.environ.get("MUSTER_SPECS"), data and Path(data).parent / "specs", root.parent / "shared" / "specs"]
    files = (Path(place) / "discord-openapi.json" for place in places if place)
    return next((file for file in files if file.is_file()), None)


class Specs:
    """The description, read once; a validator for each route is made when it is first asked for."""

    def __init__(self, path: Path) -> None:
        self._document: dict[str, Any] = json.loads(path.read_text())
        schemas = self._document["components"]["schemas"]
        # discord.py 2.7 sends whole numbers in two places, and Discord reads them
        schemas["SnowflakeType"] = {"anyOf": [schemas["SnowflakeType"], {"type": "integer", "minimum": 0}]}
        # permissions travel as text (docs: topics/permissions); of one route the description says whole numbers only
        put = self._document["paths"]["/channels/{channel_id}/permissions/{overwrite_id}"]["put"]
        overwrite = put["requestBody"]["content"]["application/json"]["schema"]["properties"]
        for key in ("allow", "deny"):
            overwrite[key] = {"anyOf": [overwrite[key], {"type": "string", "pattern": "^[0-9]+$"}]}
        self._templates = {self._bare(path): path for path in self._document["paths"]}
        self._validators: dict[str, tuple[Any, Draft202012Validator] | None] = {}

    @staticmethod
    @cache
    def load() -> Specs | None:
        """The description, or None where it is absent; read once a process."""
        path = path_of()
        return Specs(path) if path else None

    @staticmethod
    def _bare(template: str) -> str:
        return "/".join("{}" if part.startswith("{") else part for part in template.split("/"))

    def knows(self, method: str, template: str) -> bool:
        """Whether the description has this route."""
        path = self._templates.get(self._bare(template))
        return path is not None and method.lower() in self._document["paths"][path]

    def _validator(self, method: str, template: str) -> tuple[Any, Draft202012Validator] | None:
        key = f"{method} {template}"
        if key not in self._validators:
            path = self._templates.get(self._bare(template), "")
            operation = self._document["paths"].get(path, {}).get(method.lower(), {})
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            self._validators[key] = self._compiled(schema) if schema else None
        return self._validators[key]

    def _compiled(self, schema: dict[str, Any]) -> tuple[Any, Draft202012Validator]:
        whole = {**schema, "components": self._document["components"]}
        return (QuickValidator(whole) if QuickValidator is not None else None), Draft202012Validator(whole)

    def wrong(self, method: str, template: str, body: Any) -> list[str]:
        """What is wrong with a body, as `field/path: what`."""
        return self._judged(self._validator(method, template), body)

    def wrong_schema(self, name: str, value: Any) -> list[str]:
        """What is wrong with a value by a named schema."""
        key = f"#{name}"
        if key not in self._validators:
            self._validators[key] = self._compiled({"$ref": f"#/components/schemas/{name}"})
        return self._judged(self._validators[key], value)

    @staticmethod
    def _judged(pair: tuple[Any, Draft202012Validator] | None, value: Any) -> list[str]:
        if pair is None or (pair[0] is not None and pair[0].is_valid(value)):
            return []
        error = best_match(pair[1].iter_errors(value))
        if error is None:
            return []
        place = "/".join(str(part) for part in error.absolute_path)
        return [f"{place or 'body'}: {error.message[:300]}"]
