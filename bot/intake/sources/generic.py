"""Muster's own format: one alert or a list, in the fields of the contract. Nothing of any vendor enters here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from bot.errors import MalformedPayload
from bot.intake import fields
from bot.intake.signatures import Scheme
from bot.intake.source import Example, Parsed, Source
from correlation.alert import Alert, Severity, Status

__all__ = ["SOURCE", "read_line"]

Text = str | int | float | None  # numbers arrive where texts are meant, and the other way round


class _Item(msgspec.Struct, gc=False):
    name: Text
    at: str | int | float | None = None
    status: str | None = None
    class_: Text = msgspec.field(name="class", default=None)
    severity: Text = None
    service: Text = None
    host: Text = None
    location: Text = None
    environment: Text = None
    summary: Text = None
    labels: dict[str, Any] | None = None
    links: list[Any] | None = None
    dedup_key: Text = None


_decode_one = msgspec.json.Decoder(_Item).decode
_decode_list = msgspec.json.Decoder(list[_Item]).decode


def count(body: bytes, _headers: Mapping[str, str]) -> int:
    """How many alerts the body holds; the same judgement as `parse`."""
    items, is_list = _items(body)
    for index, item in enumerate(items):
        _judge(item, f"[{index}]." if is_list else "")
    return len(items)


def parse(body: bytes, _headers: Mapping[str, str], received_at: float) -> Parsed:
    """One alert, or each of a list. Only `name` is required; `at` is the time of arrival where it is missing."""
    parsed = Parsed()
    items, is_list = _items(body)
    for index, item in enumerate(items):
        path = f"[{index}]." if is_list else ""
        name, at, status = _judge(item, path)
        parsed.alerts.append(_alert(item, name, fields.bounded(at, received_at), status, parsed.notes, path))
    return parsed


def read_line(line: bytes, fallback_at: float) -> Alert:
    """One alert of a recorded stream, whenever it was: its own time stands however far it lies from any clock."""
    item = fields.decoded(_decode_one, line)
    name, at, status = _judge(item, "")
    return _alert(item, name, fallback_at if at is None else at, status, [], "")


def _items(body: bytes) -> tuple[list[_Item], bool]:
    if body.lstrip()[:1] == b"[":
        return fields.decoded(_decode_list, body), True
    return [fields.decoded(_decode_one, body)], False


def _judge(item: _Item, path: str) -> tuple[str, float | None, Status]:
    """What can be wrong with an item: no name, a time that is none, a status that is neither."""
    name = fields.text_field(item.name, path + "name")
    try:
        at = fields.moment(item.at)
    except ValueError:
        raise MalformedPayload(f"`{path}at` is no RFC 3339 time.", path=path + "at") from None
    status = item.status
    if status is None or status == "firing":
        return name, at, Status.FIRING
    if status == "resolved":
        return name, at, Status.RESOLVED
    status = status.strip().lower()
    if status not in {"", "firing", "resolved"}:
        raise MalformedPayload(f"`{path}status` must be firing or resolved.", path=path + "status")
    return name, at, Status(status or "firing")


def _alert(item: _Item, name: str, at: float, status: Status, notes: list[str], path: str) -> Alert:
    word = fields.word
    return Alert(
        at=at,
        name=name,
        status=status,
        class_=word(item.class_) if item.class_ is not None else fields.class_of(name),
        severity=Severity.WARNING if item.severity is None else fields.severity_of(word(item.severity)),
        service=word(item.service) if item.service is not None else "",
        host=word(item.host) if item.host is not None else "",
        location=word(item.location) if item.location is not None else "",
        environment=word(item.environment) if item.environment is not None else "",
        summary=word(item.summary, fields.SUMMARY) if item.summary is not None else "",
        labels=fields.labels_of(item.labels, notes, f"{path}labels"),
        links=fields.links_of(item.links) if item.links else (),
        dedup_key=fields.dedup_key(item.dedup_key) if item.dedup_key is not None else "",
        source="generic",
    )


SOURCE = Source(
    name="generic",
    authentication=Scheme.TOKEN,
    parse=parse,
    count=count,
    delivery_header="idempotency-key",
    examples=(
        Example(
            title="everything there is",
            payload={
                "at": "2026-01-05T09:59:00+01:00",
                "status": "firing",
                "name": "DiskFull",
                "class": "saturation",
                "severity": "Critical",
                "service": "cart",
                "host": "cart-2",
                "location": "eu-west-1",
                "environment": "production",
                "summary": "/var is 98 % full",
                "labels": {"mount": "/var", "percent": 98},
                "links": ["https://grafana.example.org/d/cart", "javascript:alert(1)"],
                "dedup_key": "cart-2:/var",
            },
            alerts=(
                Alert(
                    at=1_767_603_540.0,
                    name="DiskFull",
                    class_="saturation",
                    severity=Severity.CRITICAL,
                    service="cart",
                    host="cart-2",
                    location="eu-west-1",
                    environment="production",
                    summary="/var is 98 % full",
                    labels=(("mount", "/var"), ("percent", "98")),
                    links=("https://grafana.example.org/d/cart",),
                    dedup_key="cart-2:/var",
                    source="generic",
                ),
            ),
        ),
        Example(
            title="only the name",
            payload={"name": "BackupMissing"},
            alerts=(Alert(at=1_767_603_600.0, name="BackupMissing", class_="availability", source="generic"),),
        ),
        Example(
            title="a list, one of them resolved, its time in milliseconds",
            payload=[{"name": "A", "severity": "P3"}, {"name": "B", "status": "resolved", "at": 1_767_603_500_000}],
            alerts=(
                Alert(at=1_767_603_600.0, name="A", source="generic"),
                Alert(at=1_767_603_500.0, name="B", status=Status.RESOLVED, source="generic"),
            ),
        ),
    ),
)
