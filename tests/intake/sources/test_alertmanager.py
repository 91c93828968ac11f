from __future__ import annotations

import json
from typing import Any

import pytest

from bot.errors import MalformedPayload
from bot.intake.source import Parsed
from bot.intake.sources.alertmanager import SOURCE
from correlation.alert import Alert, Severity, Status
from tests.intake import payloads

NOW = 1_767_603_600.0  # 2026-01-05 09:00 UTC


def parse(body: Any, at: float = NOW) -> Parsed:
    return SOURCE.parse(body if isinstance(body, bytes) else json.dumps(body).encode(), {}, at)


def one(**alert: Any) -> Alert:
    alert.setdefault("labels", {"alertname": "A"})
    (parsed,) = parse({"alerts": [alert]}).alerts
    return parsed


def test_every_recorded_body_is_understood() -> None:
    for name, body in payloads.bodies("alertmanager").items():
        parsed = parse(body)
        assert len(parsed.alerts) == len(json.loads(body)["alerts"]), name


def test_other_senders_of_the_same_shape_are_understood() -> None:
    bodies = payloads.bodies("grafana")
    unified = {name: body for name, body in bodies.items() if isinstance(json.loads(body).get("alerts"), list)}
    assert unified
    for name, body in unified.items():
        assert len(parse(body).alerts) == len(json.loads(body)["alerts"]), name


def test_a_recorded_sequence_fires_repeats_and_resolves_with_the_same_keys() -> None:
    bodies = payloads.bodies("alertmanager")
    steps = [
        parse(bodies[f"kaval_seq{n}.json"]) for n in ("1_firing_group", "2_firing_group_later", "3_resolved_group")
    ]
    keys = [{alert.dedup_key for alert in step.alerts} for step in steps]
    assert keys[2] <= keys[0] | keys[1]
    assert {alert.status for alert in steps[0].alerts} == {Status.FIRING}
    assert {alert.status for alert in steps[2].alerts} == {Status.RESOLVED}


def test_each_alert_counts_by_its_own_status_not_by_the_groups() -> None:
    labels = {"alertname": "A"}
    alerts = [{"status": "firing", "labels": labels}, {"status": "resolved", "labels": labels}, {"labels": labels}]
    statuses = [alert.status for alert in parse({"status": "resolved", "alerts": alerts}).alerts]
    assert statuses == [Status.FIRING, Status.RESOLVED, Status.RESOLVED]


def test_a_resolved_alert_ends_at_its_end_or_now_when_that_is_zero_or_nonsense() -> None:
    start = "2026-01-05T08:00:00Z"
    assert one(status="resolved", startsAt=start, endsAt="2026-01-05T08:30:00Z").at == NOW - 1800
    for end in ("0001-01-01T00:00:00Z", None, "", "2025-01-01T00:00:00Z", "soon", "2030-01-01T00:00:00Z"):
        assert one(status="resolved", startsAt=start, endsAt=end).at == NOW


def test_a_firing_alert_began_at_its_start_or_now() -> None:
    assert one(startsAt="2026-01-05T08:00:00.123456789Z", endsAt="2030-01-01T00:00:00Z").at == NOW - 3600 + 0.123456
    for start in ("0001-01-01T00:00:00Z", None, 12, "2030-01-01T00:00:00Z", []):
        assert one(startsAt=start).at in {NOW, 12.0}


def test_a_missing_name_is_refused_with_its_path() -> None:
    body = {"alerts": [{"labels": {"alertname": "A"}}] * 3 + [{"labels": {"severity": "page"}}]}
    with pytest.raises(MalformedPayload) as caught:
        parse(body)
    assert caught.value.path == "alerts[3].labels.alertname"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "alerts"),
        ({"alerts": {}}, "alerts"),
        ({"alerts": [{}]}, "alerts[0].labels"),
        ({"alerts": [1]}, "alerts[0]"),
        ({"alerts": [{"labels": [1]}]}, "alerts[0].labels"),
        ({"alerts": [{"labels": {"alertname": "<no value>"}}]}, "alerts[0].labels.alertname"),
        ([], ""),
    ],
)
def test_what_is_missing_is_named_by_its_path(body: Any, path: str) -> None:
    with pytest.raises(MalformedPayload) as caught:
        parse(body)
    assert caught.value.path == path


def test_an_alert_without_a_name_is_called_by_its_group_or_its_summary() -> None:
    alerts = [{"labels": {"severity": "page"}, "annotations": {"summary": "Disk is full"}}]
    assert parse({"alerts": alerts}).alerts[0].name == "Disk is full"
    assert parse({"alerts": alerts, "commonLabels": {"alertname": "DiskFull"}}).alerts[0].name == "DiskFull"


def test_no_alerts_at_all_is_fine() -> None:
    assert parse({"alerts": []}).alerts == []
    assert parse({"alerts": None}).alerts == []


def test_the_fingerprint_is_the_key_and_else_the_labels_in_any_order() -> None:
    assert one(fingerprint="f00").dedup_key == "f00"
    a = one(labels={"alertname": "A", "x": "1", "y": "2"}).dedup_key
    assert a == one(labels={"y": "2", "x": "1", "alertname": "A"}).dedup_key
    assert a != one(labels={"y": "2", "x": "2", "alertname": "A"}).dedup_key


def test_labels_beyond_the_limit_still_tell_alerts_apart() -> None:
    many = {f"label{n:03}": "x" for n in range(100)} | {"alertname": "A"}
    assert one(labels=many).dedup_key != one(labels=many | {"label099": "y"}).dedup_key


def test_the_usual_labels_say_where_it_is() -> None:
    alert = one(labels={"alertname": "DiskFull", "job": "node", "service": "cart", "instance": "cart-1:9100", "cluster": "blue",
                        "env": "production", "severity": "P1"})  # fmt: skip
    assert (alert.service, alert.host, alert.location, alert.environment) == ("cart", "cart-1", "blue", "production")
    assert (alert.severity, alert.class_) == (Severity.CRITICAL, "saturation")


def test_links_are_the_generators_and_the_runbooks_when_they_are_absolute() -> None:
    alert = one(
        generatorURL="/graph?x", annotations={"runbook_url": "https://r.example.org", "dashboard": "javascript:x()"}
    )
    assert alert.links == ("https://r.example.org",)


def test_left_out_alerts_are_noted() -> None:
    assert parse({"alerts": [], "truncatedAlerts": 7}).notes == ["truncatedAlerts: the sender left out 7 alerts."]
