"""Alerts and streams for the engine's tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from correlation.alert import Alert, Change, Severity, Status
from correlation.engine import Engine
from correlation.topology import Topology

SHOP = Topology.of(
    {
        "web": ["checkout", "search"],
        "checkout": ["payments-api", "cart"],
        "cart": ["redis"],
        "payments-api": ["payments-db"],
        "search": ["search-index"],
        "mail": ["queue"],
    },
    {"checkout": 1, "payments-api": 1},
)
OUTAGE = 24 * 1800.0  # when `amid_noise` has one


def alert(at: float, name: str = "HighLatency", service: str = "checkout", **fields: Any) -> Alert:
    """A firing alert in eu-west-1."""
    fields.setdefault("location", "eu-west-1")
    fields.setdefault("environment", "production")
    return Alert(at=at, name=name, service=service, **fields)


def cleared(at: float, name: str = "HighLatency", service: str = "checkout", **fields: Any) -> Alert:
    """The same, resolved."""
    return alert(at, name, service, status=Status.RESOLVED, **fields)


def found(engine: Engine) -> dict[str, list[int]]:
    """Services, and the groups that are found by them, wherever that is."""
    services: dict[str, list[int]] = {}
    for field, value, _, groups in engine._registry.index.dump():
        if field == "service":
            services.setdefault(value, []).extend(groups)
    return services


# Few values, so that they meet; times on a grid, so that they coincide.
alerts = st.builds(
    Alert,
    at=st.integers(0, 400).map(lambda n: n * 17.0),
    name=st.sampled_from(["HighLatency", "HighErrors", "DiskFull", "PodRestarted"]),
    status=st.sampled_from([Status.FIRING, Status.FIRING, Status.FIRING, Status.RESOLVED]),
    class_=st.sampled_from(["", "latency", "errors"]),
    severity=st.sampled_from(list(Severity)),
    service=st.sampled_from(["", "web", "checkout", "cart", "payments-api", "mail", "elsewhere"]),
    host=st.sampled_from(["", "a-1", "a-2", "fox/a-1", "a-1.example.org"]),
    location=st.sampled_from(["", "eu-west-1", "eu-west-1a", "us-east-1"]),
    environment=st.sampled_from(["", "production", "staging"]),
    summary=st.sampled_from(["", "p95 latency 0.8 s", "error rate 12 %"]),
    labels=st.sampled_from([(), (("zone", "a"),), (("zone", "b"), ("value", "0.3"))]),
    source=st.sampled_from(["", "alertmanager"]),
)
streams = st.lists(alerts, max_size=60)
timely = streams.map(lambda many: sorted(many, key=lambda one: one.at))


def amid_noise(*changes: Change) -> tuple[Engine, str]:
    """An outage of payments-api amid slow queries that come all day and always clear, and its group; `changes` are known before."""
    engine, slow, fine = Engine(topology=SHOP), ("SlowQueries", "payments-db"), Status.RESOLVED
    for n in range(24):
        engine.ingest([alert(1800.0 * n, *slow), alert(1800.0 * n + 90, *slow, status=fine)])
    engine.observe(changes)
    broken, again, _ = engine.ingest(
        [
            alert(OUTAGE, "PoolExhausted", "payments-api", severity=Severity.CRITICAL),
            alert(OUTAGE + 5, *slow),
            alert(OUTAGE + 20, "HighErrors", "checkout", severity=Severity.CRITICAL),
        ]
    )
    assert broken.group == again.group is not None
    engine.ingest([alert(OUTAGE + 30, *slow, status=fine)])
    return engine, broken.group
