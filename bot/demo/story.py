"""The story of the demo, as data: what the monitoring and the forge of an invented web shop post, and when.

Seconds are story time: 0 is when the demo starts, what lies before is history. It fits manifests/catalog.example.yaml.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.clock import to_iso

__all__ = ["LENGTH", "Post", "story"]

HISTORY = 12 * 3600.0  # seconds of background before the demo starts
EVERY = 1500.0  # seconds between two of the same background alert, about
LENGTH = 240.0
NOISE_LASTS = 8.0
SEED = 42  # the same story every time

DEPLOY_AT, OUTAGE_AT, OTHER_AT, ROLLBACK_AT, RECOVERY_AT = 12.0, 42.0, 105.0, 165.0, 195.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One webhook: `body` is made when its moment in real time is known, by replacing moments (`At`)."""

    at: float
    source: str
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class At:
    """A moment of the story inside a body."""

    seconds: float


def bound(value: Any, start: float) -> Any:
    """The body with every moment as RFC 3339 text; `start` is the real moment of story time 0."""
    match value:
        case At(seconds=seconds):
            return to_iso(start + seconds)
        case dict():
            return {key: bound(inner, start) for key, inner in value.items()}
        case list():
            return [bound(inner, start) for inner in value]
        case _:
            return value


def story() -> list[Post]:
    """Everything that is posted, in order."""
    posts = [*_history(), *_noise(), *_deploy(), *_outage(), *_other(), *_recovery()]
    return sorted(posts, key=lambda post: post.at)


def _alertmanager(at: float, alerts: list[dict[str, Any]]) -> Post:
    status = "firing" if any(alert["status"] == "firing" for alert in alerts) else "resolved"
    body = {
        "version": "4",
        "groupKey": "{}:{}",
        "status": status,
        "receiver": "muster",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.org",
        "alerts": alerts,
    }
    return Post(at=at, source="alertmanager", body=body)


def _alert(
    name: str,
    service: str,
    host: str,
    at: float,
    *,
    severity: str = "critical",
    summary: str = "",
    ended: float | None = None,
) -> dict[str, Any]:
    labels = {"alertname": name, "app": service, "instance": host, "severity": severity}
    return {
        "status": "firing" if ended is None else "resolved",
        "labels": labels,
        "annotations": {"summary": summary} if summary else {},
        "startsAt": At(at),
        "endsAt": "0001-01-01T00:00:00Z" if ended is None else At(ended),
        "generatorURL": f"http://prometheus.example.org/graph?g0.expr={name}",
    }


# What always goes on and nobody wants to be woken by.
_BACKGROUND = [
    ("DiskWillFillSoon", "search", "search-2", "warning", "Disk of search-2 is full in 9 days"),
    ("SlowQueries", "catalogue", "catalogue-1", "warning", "12 queries over 500 ms in 5 min"),
    ("BackupLate", "shipping", "ship-1", "info", "Backup 20 min later than usual"),
    ("PodRestarted", "search", "search-1", "info", "search-1 restarted once"),
    ("CacheHitsLow", "cart", "cart-2", "warning", "Cache hits 71 %"),
]


def _history() -> Iterator[Post]:
    """Half a day of background, and two deploys that did no harm."""
    rng = random.Random(SEED)
    for name, service, host, severity, summary in _BACKGROUND:
        at = -HISTORY + rng.uniform(0, EVERY)
        while at < -300:
            yield _alertmanager(at, [_alert(name, service, host, at, severity=severity, summary=summary)])
            ended = _alert(name, service, host, at, severity=severity, summary=summary, ended=at + 90)
            yield _alertmanager(at + 90, [ended])
            at += EVERY * rng.uniform(0.9, 1.1)
    yield _change(-2700, "web", "New footer links", "5d2e91c", "Amara Okafor", "amara@example.org")
    yield _change(-1500, "search", "Synonyms for winter coats", "90ab3fe", "Jonas Brandt", "jb@jonasbrandt.example")


def _noise() -> Iterator[Post]:
    """The background goes on, but leaves the outage's services alone when they recover: what cleared shall stay clear."""
    rng = random.Random(SEED + 1)
    at = 3.0
    while at < LENGTH - NOISE_LASTS:
        name, service, host, severity, summary = rng.choice(_BACKGROUND)
        over = at + NOISE_LASTS
        if at < ROLLBACK_AT or service != "cart":
            yield _alertmanager(at, [_alert(name, service, host, at, severity=severity, summary=summary)])
            ended = _alert(name, service, host, at, severity=severity, summary=summary, ended=over)
            yield _alertmanager(over, [ended])
        at += rng.uniform(9, 21)


def _change(at: float, service: str, title: str, revision: str, name: str, email: str, **more: Any) -> Post:
    body = {
        "at": At(at),
        "service": service,
        "kind": "deploy",
        "title": title,
        "revision": revision,
        "url": f"https://github.example.org/example/{service}/commit/{revision}",
        "environment": "production",
        "status": "succeeded",
        "author": {"name": name, "email": email},
    }
    return Post(at=at, source="change", body=body | more)


def _deploy() -> Iterator[Post]:
    """The deploy that will be to blame, as GitHub tells it; a flag somewhere else, which is not."""
    sha = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"
    deployment = {
        "id": 900100200,
        "sha": sha,
        "ref": "main",
        "task": "deploy",
        "environment": "production",
        "description": "Retry card charges three times",
        "created_at": At(DEPLOY_AT),
        "updated_at": At(DEPLOY_AT),
        "creator": {"login": "rvos", "type": "User"},
        "payload": {},
    }
    repository = {
        "full_name": "example/payments",
        "name": "payments",
        "html_url": "https://github.example.org/example/payments",
        "default_branch": "main",
    }
    common = {"deployment": deployment, "repository": repository, "sender": {"login": "rvos", "type": "User"}}
    yield Post(
        at=DEPLOY_AT,
        source="github",
        headers={"X-GitHub-Event": "deployment", "X-GitHub-Delivery": "d3a00000-0000-4000-8000-000000000001"},
        body={"action": "created"} | common,
    )
    status = {
        "id": 1,
        "state": "success",
        "environment": "production",
        "description": "3 of 3 instances",
        "created_at": At(DEPLOY_AT + 14),
        "updated_at": At(DEPLOY_AT + 14),
        "creator": {"login": "rvos", "type": "User"},
        "target_url": f"https://github.example.org/example/payments/commit/{sha}",
    }
    yield Post(
        at=DEPLOY_AT + 14,
        source="github",
        headers={"X-GitHub-Event": "deployment_status", "X-GitHub-Delivery": "d3a00000-0000-4000-8000-000000000002"},
        body={"action": "created", "deployment_status": status} | common,
    )
    yield _change(
        24, "catalogue", "Show stock per shop", "flag-77", "Jonas Brandt", "jonas@example.org", kind="flag", url=""
    )


# (seconds after the outage began, name, service, host, severity, summary)
_OUTAGE = [
    (0, "HighLatency", "payments-api", "pay-1", "critical", "p99 of /charge is 8.2 s (limit 1 s)"),
    (3, "HighLatency", "payments-api", "pay-3", "critical", "p99 of /charge is 7.9 s (limit 1 s)"),
    (6, "ConnectionPoolExhausted", "payments-api", "pay-1", "critical", "200 of 200 connections to payments-db in use"),
    (8, "HighLatency", "payments-api", "pay-2", "critical", "p99 of /charge is 9.4 s (limit 1 s)"),
    *[
        (
            15 + 2 * n,
            "CheckoutErrors",
            "checkout",
            f"checkout-{n % 6 + 1}",
            "critical",
            f"{18 + n} % of orders fail: upstream timeout",
        )
        for n in range(12)
    ],
    (20, "HighLatency", "checkout", "checkout-1", "error", "p99 of /order is 12 s (limit 2 s)"),
    *[
        (27 + 3 * n, "QueueGrows", "cart", f"cart-{n % 3 + 1}", "error", f"{400 + 90 * n} unpaid carts wait")
        for n in range(6)
    ],
    *[
        (33 + 2 * n, "Http5xx", "web", f"web-{n % 5 + 1}", "critical", f"{6 + n} % of requests answer 502")
        for n in range(11)
    ],
]


def _outage() -> Iterator[Post]:
    """payments-api, then what depends on it: checkout, cart, web."""
    for after, name, service, host, severity, summary in _OUTAGE:
        at = OUTAGE_AT + after
        yield _alertmanager(at, [_alert(name, service, host, at, severity=severity, summary=summary)])


def _other() -> Iterator[Post]:
    """Meanwhile, in another location, something that has nothing to do with it; told by a tool without labels."""
    troubles = [
        ("ReplicationLag", "analytics", "analytics-1", "critical", "Replica is 40 min behind"),
        ("JobFailed", "analytics", "analytics-2", "error", "Nightly sums failed twice"),
        ("ReportsLate", "reports", "reports-1", "error", "14 reports wait for their figures"),
    ]
    for n, (name, service, host, severity, summary) in enumerate(troubles):
        at = OTHER_AT + 8 * n
        body = {
            "at": At(at),
            "name": name,
            "class": "data",
            "severity": severity,
            "service": service,
            "host": host,
            "summary": summary,
        }
        yield Post(at=at, source="generic", body=body)


def _recovery() -> Iterator[Post]:
    """The deploy is rolled back, and what it broke clears in the order in which it failed."""
    yield _change(
        ROLLBACK_AT,
        "payments-api",
        "Roll back: Retry card charges three times",
        "77e1f02",
        "Mika Laine",
        "mika@example.org",
    )
    last: dict[tuple[str, str, str], tuple[float, str, str]] = {}
    for after, name, service, host, severity, summary in _OUTAGE:
        last[name, service, host] = (OUTAGE_AT + after, severity, summary)
    for n, ((name, service, host), (began, severity, summary)) in enumerate(last.items()):
        at = RECOVERY_AT + 1.1 * n
        ended = _alert(name, service, host, began, severity=severity, summary=summary, ended=at)
        yield _alertmanager(at, [ended])
