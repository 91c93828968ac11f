from __future__ import annotations

import json
from typing import Any

import pytest

from bot.errors import MalformedPayload
from bot.intake.sources.change import SOURCE
from correlation.alert import Change

NOW = 1_767_603_600.0


def parse(body: Any) -> list[Change]:
    return SOURCE.parse(json.dumps(body).encode(), {}, NOW).changes


def one(**fields: Any) -> Change:
    (change,) = parse({"title": "T"} | fields)
    return change


def test_the_states_of_one_deploy_are_one_change() -> None:
    deploy = {"service": "checkout", "revision": "4f2c9e1", "environment": "production"}
    started = one(**deploy, status="started", at="2026-01-05T08:50:00Z")
    failed = one(**deploy, status="failed", at="2026-01-05T08:55:00Z", title="another title")
    assert started.id == failed.id
    assert (started.status, failed.status) == ("started", "failed")
    assert started.id != one(**deploy | {"environment": "staging"}).id


def test_changes_without_a_revision_are_told_apart_by_title_and_time() -> None:
    assert one(at=1_767_600_000).id == one(at="2026-01-05T08:00:00Z").id
    assert one(at=1_767_600_000).id != one(at=1_767_600_001).id
    assert one(title="A", at=1_767_600_000).id != one(title="B", at=1_767_600_000).id


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "title"),
        ({"title": " "}, "title"),
        ([{"title": "A"}, {"kind": "flag"}], "[1].title"),
        ({"title": "A", "kind": "magic"}, "kind"),
        ({"title": "A", "status": "maybe"}, "status"),
        ({"title": "A", "at": "soon"}, "at"),
        ({"title": "A", "author": "robin"}, "author"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(body: Any, path: str) -> None:
    with pytest.raises(MalformedPayload) as caught:
        parse(body)
    assert caught.value.path == path


def test_a_link_that_is_none_is_left_out() -> None:
    assert one(url="javascript:alert(1)").url == ""


def test_the_instances_that_a_change_has_touched_are_taken_as_far_as_they_are_names() -> None:
    body = b'{"title": "checkout v2, canary", "service": "checkout", "hosts": ["checkout-v2-1", "", null, 7]}'
    (change,) = SOURCE.parse(body, {}, 1_000.0).changes
    assert change.hosts == ("checkout-v2-1", "7")
