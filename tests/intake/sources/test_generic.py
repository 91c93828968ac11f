from __future__ import annotations

import json
from typing import Any

import pytest

from bot.errors import MalformedPayload, UnreadablePayload
from bot.intake.sources.generic import SOURCE, read_line
from correlation.alert import Status

NOW = 1_767_603_600.0


def parse(body: Any) -> Any:
    return SOURCE.parse(json.dumps(body).encode(), {}, NOW).alerts


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": None}, "name"),
        ({"name": ["x"]}, "name"),
        ([{"name": "A"}, {"service": "x"}], "[1].name"),
        ([{"name": "A"}, 7], "[1]"),
        ({"name": "A", "status": "burning"}, "status"),
        ({"name": "A", "at": "yesterday"}, "at"),
        ([{"name": "A", "at": "yesterday"}], "[0].at"),
        ({"name": "A", "labels": [1]}, "labels"),
        ({"name": "A", "links": "https://x.example.org"}, "links"),
        ("A", ""),
        (7, ""),
    ],
)
def test_what_is_wrong_is_named_by_its_path(body: Any, path: str) -> None:
    with pytest.raises(MalformedPayload) as caught:
        parse(body)
    assert caught.value.path == path
    assert caught.value.status == 422


def test_a_byte_that_is_no_utf8_is_told_by_its_place_in_the_body() -> None:
    body = b'{"name": "Zo\xc3\xab", "summary": "disk \xff"}'
    with pytest.raises(UnreadablePayload, match=rf"not UTF-8 \(byte {body.index(0xFF)}\)"):
        SOURCE.parse(body, {}, 0.0)


@pytest.mark.parametrize("body", [b"", b"{", b"name=A", b"{'name': 'A'}", b'{"name": "\xff"}', b"\x1f\x8b\x00"])
def test_what_is_no_json_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(UnreadablePayload) as caught:
        SOURCE.parse(body, {}, NOW)
    assert caught.value.status == 400


def test_a_byte_order_mark_and_blanks_before_the_body_are_nothing() -> None:
    assert SOURCE.parse(b'\xef\xbb\xbf{"name": "A"}', {}, NOW).alerts[0].name == "A"
    assert len(SOURCE.parse(b' \n[{"name": "A"}]', {}, NOW).alerts) == 1


def test_an_empty_list_is_fine() -> None:
    assert parse([]) == []


def test_numbers_may_stand_where_text_is_meant() -> None:
    (alert,) = parse({"name": 500, "host": 12, "severity": 3, "dedup_key": 9007199254740993})
    assert (alert.name, alert.host, alert.dedup_key) == ("500", "12", "9007199254740993")


def test_the_status_may_be_in_any_case_and_firing_is_the_default() -> None:
    statuses = [alert.status for alert in parse([{"name": "A", "status": s} for s in ("RESOLVED", "Firing", "", None)])]
    assert statuses == [Status.RESOLVED, Status.FIRING, Status.FIRING, Status.FIRING]


def test_a_time_far_in_the_future_is_ours_when_posted_and_stands_when_replayed() -> None:
    assert parse({"name": "A", "at": "2030-01-01T00:00:00Z"})[0].at == NOW
    assert read_line(b'{"name": "A", "at": "2030-01-01T00:00:00Z"}', NOW).at == 1_893_456_000.0
    assert read_line(b'{"name": "A"}', 5.0).at == 5.0


def test_a_title_of_a_megabyte_is_cut() -> None:
    (alert,) = parse({"name": "x" * 1_000_000, "summary": "y" * 1_000_000})
    assert len(alert.name) == 200
    assert len(alert.summary) == 2000
