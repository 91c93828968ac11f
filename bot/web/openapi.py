"""The OpenAPI 3.1 document, made of the descriptions beside the handlers and of the types that they take and return."""

from __future__ import annotations

import http
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from bot.problems import PROBLEM_JSON, Details
from bot.web.operations import Operation

__all__ = ["document"]

_REF = "#/components/schemas/{name}"


def document(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """The whole document."""
    shapes: list[Any] = [Details]
    for described in operations:
        shapes += [shape for shape in (described.returns, described.body, described.query) if shape is not None]
    unique = list(dict.fromkeys(shapes))
    references, components = msgspec.json.schema_components(unique, ref_template=_REF)
    schemas = dict(zip(unique, references, strict=True))
    queries = {described.query.__name__ for described in operations if described.query is not None}
    paths: dict[str, dict[str, Any]] = {}
    for described in operations:
        paths.setdefault(described.path, {})[described.method.lower()] = _operation(described, schemas, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Muster",
            "version": version,
            "description": "Incidents, their rooms and what is known about them. Moments are RFC 3339 in UTC.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in queries},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "MUSTER_HTTP_TOKEN; asked only of requests from other machines.",
                }
            },
        },
    }


def _operation(described: Operation, schemas: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "operationId": described.name,
        "summary": described.summary,
        "parameters": [*_path_parameters(described), *_query_parameters(described, components)],
        "responses": _responses(described, schemas),
        # Either way is right: nothing from this machine, the token from elsewhere.
        "security": [{}] if described.access == "probe" else [{}, {"token": []}],
    }
    if described.body is not None:
        content = {"application/json": {"schema": schemas[described.body]}}
        result["requestBody"] = {"required": True, "content": content}
    return result


def _path_parameters(described: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": described.path_words[name],
            "schema": {"type": "string", "minLength": 1},
        }
        for name in re.findall(r"\{(\w+)\}", described.path)
    ]


def _query_parameters(described: Operation, components: dict[str, Any]) -> list[dict[str, Any]]:
    if described.query is None:
        return []
    schema = components[described.query.__name__]
    required = schema.get("required", ())
    parameters = []
    for name, shape in schema["properties"].items():
        words = {"description": shape["description"]} if "description" in shape else {}
        kept = {key: value for key, value in shape.items() if key != "description"}
        parameters.append({"name": name, "in": "query", "required": name in required, **words, "schema": kept})
    return parameters


def _responses(described: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    shape = {"schema": schemas[described.returns]} if described.returns is not None else {}
    content = dict.fromkeys((described.media, *described.more_media), shape)
    responses: dict[str, Any] = {
        str(described.status): {"description": http.HTTPStatus(described.status).phrase, "content": content}
    }
    for status in sorted(_error_statuses(described)):
        problem = {PROBLEM_JSON: {"schema": schemas[Details]}}
        if described.access == "probe" and status == 503 and described.returns is not None:
            problem[described.media] = {"schema": schemas[described.returns]}
        responses[str(status)] = {"description": http.HTTPStatus(status).phrase, "content": problem}
    return responses


def _error_statuses(described: Operation) -> set[int]:
    statuses = {*described.errors, 422, 500}
    if described.access != "probe":
        statuses |= {401, 403, 421, 503}
    if described.method == "POST":
        statuses |= {400, 403, 409, 413, 415}
    return statuses
