"""How a problem is worded for programs: RFC 9457."""

from __future__ import annotations

import json

from bot import problems
from bot.errors import MalformedPayload, NotFound


def test_a_problem_says_what_kind_it_is_what_is_wrong_and_where() -> None:
    error = MalformedPayload("alerts[0].name is missing.", path="alerts[0].name")
    assert json.loads(problems.body_of(error, 422, source="generic")) == {
        "type": "urn:muster:problem:malformed_payload",
        "title": "The body is not what this source sends.",
        "status": 422,
        "detail": "alerts[0].name is missing.",
        "code": "malformed_payload",
        "path": "alerts[0].name",
        "source": "generic",
    }


def test_what_has_no_place_names_none() -> None:
    assert {"path", "source", "reference"}.isdisjoint(json.loads(problems.body_of(NotFound("No INC-9."), 404)))


def test_what_a_sender_wrote_cannot_hide_or_reorder_what_is_said_about_it() -> None:
    told = json.loads(problems.body("no source pay\u202egro\nnow", 404, "unknown_source"))
    assert told["detail"] == "no source pay\ufffdgro now"
    assert told["title"] == "Not Found"
