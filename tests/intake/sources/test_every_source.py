"""What holds of every source, also of one that is added tomorrow: it only has to be in the folder."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import MalformedPayload
from bot.intake import fields
from bot.intake.journal import headers_of, headers_text
from bot.intake.source import Example, Parsed, Source
from bot.intake.sources import discover
from correlation.alert import Severity, Status

T = TypeVar("T")
SOURCES = discover()
EXAMPLES = [
    pytest.param(source, example, id=f"{source.name}: {example.title}")
    for source in SOURCES.values()
    for example in source.examples
]
every_source = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
every_example = pytest.mark.parametrize(("source", "example"), EXAMPLES)
quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

HOSTILE: list[Any] = [
    None, True, False, 0, -1, 10**400, 2**63, 1e308, -0.0, "", " ", "\u202e\x00\x1b[31m", "null", "<no value>", "${a.b}", "{A.B}",
    "<!channel> @everyone <script>alert(1)</script>", "9" * 5000, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00",
    "x" * 100_000, [], [[]], [None], {}, {"a": {"b": [1, {"c": None}]}}, ["x"] * 500, {str(n): n for n in range(500)},
    "javascript:alert(1)",
]  # fmt: skip


def judge(source: Source, body: bytes, headers: dict[str, str], at: float = 1_767_603_600.0) -> Parsed | None:
    """Parse; only MalformedPayload may be raised, with a reason; and the cheap judgement says the same."""
    parsed, error = outcome(source.parse, body, headers, at)
    accepted, same = outcome(source.accepts, body, headers, at)
    if parsed is None:
        assert error is not None
        assert same is not None
        assert str(error)
        assert (str(same), same.path) == (str(error), error.path)
        return None
    assert accepted == parsed.accepted
    for alert in parsed.alerts:
        assert alert.name
        assert isinstance(alert.status, Status)
        assert isinstance(alert.severity, Severity)
        assert math.isfinite(alert.at)
        assert alert.source == source.name
        assert list(alert.labels) == sorted(alert.labels)
        assert len(alert.labels) <= fields.LABELS
    for change in parsed.changes:
        assert change.title
        assert change.id.startswith(f"{source.name}:")
        assert math.isfinite(change.at)
        assert change.source == source.name
    for text in texts(parsed):
        assert len(text) <= 2200
        assert text.replace("\u200c", "").replace("\u200d", "").isprintable() or private(text)
        text.encode()
    return parsed


def outcome(judgement: Callable[..., T], *arguments: Any) -> tuple[T | None, MalformedPayload | None]:
    try:
        return judgement(*arguments), None
    except MalformedPayload as error:
        return None, error


def texts(parsed: Parsed) -> list[str]:
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, list | tuple):
            for each in value:
                walk(each)

    for thing in (*parsed.alerts, *parsed.changes):
        walk(list(msgspec.structs.asdict(thing).values()))
    return found


def private(text: str) -> bool:
    """Unassigned and private characters, and odd spaces, are not printable to Python, and harm nobody."""
    return not {unicodedata.category(c) for c in text} & {"Cc", "Cs", "Zl", "Zp"}


@every_source
def test_a_source_shows_examples_of_what_it_reads(source: Source) -> None:
    assert source.examples
    assert any(example.alerts or example.changes for example in source.examples)
    if any(example.alerts for example in source.examples):
        statuses = {alert.status for example in source.examples for alert in example.alerts}
        assert statuses == set(Status), "an alert source also shows how its alerts resolve"


@every_source
def test_a_source_names_the_headers_that_it_reads_in_lower_case(source: Source) -> None:
    for name in (*source.headers, source.delivery_header):
        assert name == name.lower()
    assert not {"authorization", "cookie", "x-hub-signature-256"} & set(source.headers), "a secret must not be kept"


@every_example
def test_an_example_becomes_what_it_says(source: Source, example: Example) -> None:
    parsed = judge(source, example.body, dict(example.headers), example.received_at)
    assert parsed is not None
    assert tuple(parsed.alerts) == example.alerts
    assert tuple(parsed.changes) == example.changes


@every_example
def test_the_kept_headers_are_all_that_a_replay_needs(source: Source, example: Example) -> None:
    kept = headers_of(headers_text({name: value for name, value in example.headers.items() if name in source.headers}))
    parsed = source.parse(example.body, kept, example.received_at)
    assert (tuple(parsed.alerts), tuple(parsed.changes)) == (example.alerts, example.changes)


@every_example
def test_unknown_fields_are_fine(source: Source, example: Example) -> None:
    def more(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: more(each) for key, each in value.items()} | {"neverSeenBefore": {"a": [1, None]}}
        return [more(each) for each in value] if isinstance(value, list) else value

    parsed = judge(source, json.dumps(more(example.payload)).encode(), dict(example.headers), example.received_at)
    assert parsed is not None
    assert [alert.dedup_key for alert in parsed.alerts] == [alert.dedup_key for alert in example.alerts]
    assert tuple(parsed.changes) == example.changes


@every_example
def test_a_body_cut_anywhere_is_malformed_and_nothing_worse(source: Source, example: Example) -> None:
    for end in range(len(example.body)):
        assert judge(source, example.body[:end], dict(example.headers)) is None


@every_example
def test_one_changed_byte_is_no_accident(source: Source, example: Example) -> None:
    for place in range(0, len(example.body), 3):
        for byte in (b"\x00", b"\xff", b'"', b"{"):
            judge(source, example.body[:place] + byte + example.body[place + 1 :], dict(example.headers))


@every_example
def test_a_hostile_value_in_any_place_is_read_or_refused_with_a_reason(source: Source, example: Example) -> None:
    for payload in replaced(example.payload):
        judge(source, json.dumps(payload).encode(), dict(example.headers))


def replaced(value: Any) -> list[Any]:
    """The payload once for each place and each hostile value; also without the place."""
    found: list[Any] = list(HOSTILE)
    if isinstance(value, dict):
        for key, each in value.items():
            found.append({k: v for k, v in value.items() if k != key})
            found += [value | {key: other} for other in replaced(each)]
    elif isinstance(value, list):
        for index, each in enumerate(value):
            found += [[*value[:index], other, *value[index + 1 :]] for other in replaced(each)]
    return found


@every_source
@quick
@given(
    body=st.binary(max_size=200),
    headers=st.dictionaries(st.sampled_from(["x-github-event", "content-type"]), st.text(max_size=20)),
)
def test_any_bytes_are_read_or_refused(source: Source, body: bytes, headers: dict[str, str]) -> None:
    judge(source, body, headers)


@every_source
@quick
@given(
    data=st.data(),
    junk=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    ),
)
def test_any_json_in_any_place_is_read_or_refused(source: Source, data: st.DataObject, junk: Any) -> None:
    example = data.draw(st.sampled_from(source.examples))
    payload = example.payload
    if isinstance(payload, dict):
        payload = payload | {data.draw(st.sampled_from(sorted(payload))): junk}
    judge(source, json.dumps(payload).encode(), dict(example.headers))


@every_source
def test_deep_nesting_is_refused(source: Source) -> None:
    for opening in (b"[", b'{"a":', b'[{"labels":'):
        for headers in ({}, {"x-github-event": "ping"}, {"x-github-event": "push"}):
            assert judge(source, opening * 100_000, headers) is None


def test_what_belongs_to_every_source_is_found_by_its_module_name() -> None:
    assert {"alertmanager", "change", "generic", "github"} <= set(SOURCES)
    assert all(source.name == name for name, source in SOURCES.items())
