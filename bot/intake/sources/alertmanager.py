"""Prometheus Alertmanager's webhook, version 4 (and what sends the same shape). Other senders' words stay in their files.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from bot.errors import MalformedPayload
from bot.intake import fields
from bot.intake.signatures import Scheme
from bot.intake.source import Example, Parsed, Source
from correlation.alert import Alert, Severity, Status

__all__ = ["SOURCE"]

_SERVICE = ("service", "app", "job")
_HOST = ("instance", "node", "host", "pod")
_LOCATION = ("location", "region", "zone", "datacenter", "dc", "site", "cluster")
_ENVIRONMENT = ("environment", "env")
_CLASS = ("class", "category")
_TEXT = ("summary", "description", "message", "title")
_LINKS = ("runbook_url", "runbook", "dashboard", "dashboard_url", "link")

_Object = dict[str, Any]


class _Alert(msgspec.Struct, gc=False):
    labels: _Object
    annotations: _Object | None = None
    status: Any = None
    starts_at: Any = msgspec.field(name="startsAt", default=None)
    ends_at: Any = msgspec.field(name="endsAt", default=None)
    generator_url: Any = msgspec.field(name="generatorURL", default=None)
    fingerprint: Any = None


class _Group(msgspec.Struct, gc=False):
    alerts: list[_Alert] | None
    status: Any = None
    common_labels: _Object | None = msgspec.field(name="commonLabels", default=None)
    common_annotations: _Object | None = msgspec.field(name="commonAnnotations", default=None)
    truncated: Any = msgspec.field(name="truncatedAlerts", default=None)


_decode = msgspec.json.Decoder(_Group).decode


def count(body: bytes, _headers: Mapping[str, str]) -> int:
    """How many alerts the body holds; the same judgement as `parse`."""
    group = fields.decoded(_decode, body)
    alerts = group.alerts or ()
    for index, alert in enumerate(alerts):
        if not fields.word(alert.labels.get("alertname"), fields.NAME):
            _name(alert, group, index)
    return len(alerts)


def parse(body: bytes, _headers: Mapping[str, str], received_at: float) -> Parsed:
    """The alerts of a group. Each counts by its own status: the group's says only whether any fires."""
    group = fields.decoded(_decode, body)
    parsed = Parsed()
    for index, alert in enumerate(group.alerts or ()):
        parsed.alerts.append(_alert(alert, group, index, received_at, parsed.notes))
    if isinstance(group.truncated, int) and group.truncated > 0:
        parsed.notes.append(f"truncatedAlerts: the sender left out {fields.word(group.truncated)} alerts.")
    return parsed


def _alert(alert: _Alert, group: _Group, index: int, received_at: float, notes: list[str]) -> Alert:
    labels = alert.labels
    name = _name(alert, group, index)
    status = _status(alert.status, group.status)
    annotations = alert.annotations or {}
    severity = fields.first(labels, "severity", "priority", "level")
    return Alert(
        at=_at(alert, status, received_at),
        name=name,
        status=status,
        class_=fields.first(labels, *_CLASS) or fields.class_of(name),
        severity=fields.severity_of(severity) if severity else Severity.WARNING,
        service=fields.first(labels, *_SERVICE),
        host=fields.host_of(fields.first(labels, *_HOST)),
        location=fields.first(labels, *_LOCATION),
        environment=fields.first(labels, *_ENVIRONMENT),
        summary=_summary(annotations) or _summary(group.common_annotations or {}),
        labels=fields.labels_of(labels, notes, f"alerts[{index}].labels"),
        links=fields.links_of((alert.generator_url, *map(annotations.get, _LINKS))),
        dedup_key=fields.dedup_key(alert.fingerprint) or _identity(labels),
        source="alertmanager",
    )


def _name(alert: _Alert, group: _Group, index: int) -> str:
    """The alert's name. Labels need not hold one (Grafana, hand-made rules): then what the group or the summary says."""
    for value in (
        alert.labels.get("alertname"),
        (group.common_labels or {}).get("alertname"),
        (alert.annotations or {}).get("summary"),
    ):
        if name := fields.word(value, fields.NAME):
            return name
    path = f"alerts[{index}].labels.alertname"
    raise MalformedPayload(f"`{path}` is missing, and there is no summary to call the alert by.", path=path)


def _status(own: object, group: object) -> Status:
    for status in (own, group):
        if isinstance(status, str) and status:
            return Status.RESOLVED if status.lower() in {"resolved", "ok"} else Status.FIRING
    return Status.FIRING


def _at(alert: _Alert, status: Status, received_at: float) -> float:
    """When it began, or ended. `endsAt` may be zero on a resolved alert, and lies in the future of a firing one."""
    at = _moment(alert.starts_at)
    if status is Status.RESOLVED:
        ended = _moment(alert.ends_at)
        at = received_at if ended is None or (at is not None and ended < at) else ended
    return fields.bounded(at, received_at)


def _moment(value: object) -> float | None:
    try:
        return fields.moment(value)
    except ValueError:
        return None  # a time that nobody can read costs the alert its time, not its life


def _summary(annotations: _Object) -> str:
    for name in _TEXT:
        if (value := annotations.get(name)) is not None and (text := fields.word(value, fields.SUMMARY)):
            return text
    return ""


def _identity(labels: _Object) -> str:
    """The labels, as Alertmanager before 0.15 and imitators send no fingerprint."""
    text = "\n".join(f"{name}={fields.word(labels[name], fields.SUMMARY)}" for name in sorted(labels))
    return "labels:" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _example(status: str, ends_at: str) -> dict[str, Any]:
    return {
        "version": "4",
        "groupKey": '{}:{alertname="CheckoutLatencyHigh"}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "muster",
        "groupLabels": {"alertname": "CheckoutLatencyHigh"},
        "commonLabels": {"alertname": "CheckoutLatencyHigh", "severity": "critical"},
        "commonAnnotations": {},
        "externalURL": "https://alertmanager.example.org",
        "alerts": [
            {
                "status": status,
                "labels": {
                    "alertname": "CheckoutLatencyHigh",
                    "app": "checkout",
                    "env": "production",
                    "instance": "checkout-1:9100",
                    "region": "eu-west-1",
                    "severity": "critical",
                },
                "annotations": {
                    "summary": "p99 of checkout is 2.4 s",
                    "runbook_url": "https://runbooks.example.org/checkout",
                },
                "startsAt": "2026-01-05T08:58:30.123456789Z",
                "endsAt": ends_at,
                "generatorURL": "https://prometheus.example.org/graph?g0.expr=up",
                "fingerprint": "a1bc48475b20e73d",
            }
        ],
    }


_FIRING = Alert(
    at=1_767_603_510.123456,
    name="CheckoutLatencyHigh",
    class_="latency",
    severity=Severity.CRITICAL,
    service="checkout",
    host="checkout-1",
    location="eu-west-1",
    environment="production",
    summary="p99 of checkout is 2.4 s",
    labels=(
        ("alertname", "CheckoutLatencyHigh"),
        ("app", "checkout"),
        ("env", "production"),
        ("instance", "checkout-1:9100"),
        ("region", "eu-west-1"),
        ("severity", "critical"),
    ),
    links=("https://prometheus.example.org/graph?g0.expr=up", "https://runbooks.example.org/checkout"),
    dedup_key="a1bc48475b20e73d",
    source="alertmanager",
)

SOURCE = Source(
    name="alertmanager",
    authentication=Scheme.TOKEN,
    parse=parse,
    count=count,
    examples=(
        Example(title="a firing alert", payload=_example("firing", "0001-01-01T00:00:00Z"), alerts=(_FIRING,)),
        Example(
            title="the same, resolved",
            payload=_example("resolved", "2026-01-05T08:59:30Z"),
            alerts=(msgspec.structs.replace(_FIRING, at=1_767_603_570.0, status=Status.RESOLVED),),
        ),
        Example(
            title="resolved, and the end is zero: then it is now",
            payload=_example("resolved", "0001-01-01T00:00:00Z"),
            alerts=(msgspec.structs.replace(_FIRING, at=1_767_603_600.0, status=Status.RESOLVED),),
        ),
        Example(title="a group without alerts", payload={"version": "4", "status": "firing", "alerts": []}),
    ),
)
