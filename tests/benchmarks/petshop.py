"""PetShop's 68 issues as the engine would hear of them: one alert per metric and statistic of a component that goes wrong.

The root cause of each is read for judging only. The alert on the issue's target is what the data set gives to every
method: something is wrong at PetSite, in this way, since then.
"""

from __future__ import annotations

import csv
import io
import json
import statistics
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from correlation.alert import Alert, Severity
from correlation.topology import Topology

__all__ = ["Issue", "issues", "topology"]

SCENARIOS = ("high_traffic", "low_traffic", "temporal_traffic1", "temporal_traffic2")
STEP = 300.0  # seconds of a sample; it is known at its end
LIMIT = 3.0  # robust deviations; a series that is wilder by itself has its own 99th percentile
METRICS = {  # class, sign of trouble, smallest scale, the same relative to the median
    "latency": ("latency", 1, 0.005, 0.1),
    "availability": ("errors", -1, 0.25, 0.0),
    "requests": ("traffic", -1, 3.0, 0.08),
}

Key = tuple[str, str, str]  # component, metric, statistic
Table = dict[Key, dict[int, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One injected fault."""

    scenario: str
    name: str
    alerts: list[Alert]
    root: str  # the component


def topology(path: Path) -> Topology:
    """What calls what, by component."""
    calls: dict[str, set[str]] = defaultdict(set)
    with tarfile.open(path / "petshop.tar.xz") as tar:
        for scenario in SCENARIOS:
            head, *body = _rows(tar, f"dataset/{scenario}/graph.csv")
            for row in body:
                calls[row[0]].update(
                    callee
                    for callee, edge in zip(head[1:], row[1:], strict=True)
                    if float(edge) == 1 and callee != row[0]
                )
    return Topology.of({name: sorted(callees) for name, callees in calls.items()})


def issues(path: Path) -> Iterator[Issue]:
    """All of them, by scenario."""
    with tarfile.open(path / "petshop.tar.xz") as tar:
        calm = {name: _read(tar, f"dataset/{name}/noissue/metrics.csv")[0] for name in SCENARIOS[:2]}
        for name in sorted(one for one in tar.getnames() if one.endswith("/target.json")):
            content = tar.extractfile(name)
            assert content is not None
            truth = json.load(content)
            _, scenario, split, issue, _ = name.split("/")
            table, times = _read(tar, name.replace("target.json", "metrics.csv"))
            yield Issue(
                scenario=scenario,
                name=f"{split}/{issue}",
                alerts=sorted(
                    _alerts(calm.get(scenario, calm["low_traffic"]), table, times, truth["target"]),
                    key=lambda one: (one.at, one.name, one.service),
                ),
                root=truth["root_cause"]["node"],
            )


def _alerts(calm: Table, table: Table, times: list[float], target: dict[str, Any]) -> Iterator[Alert]:
    fault = target["timestamp"] - STEP
    yield _alert(
        float(target["timestamp"]), "Objective", METRICS[target["metric"]][0], Severity.CRITICAL, target["node"]
    )
    for key, usual in calm.items():
        component, metric, statistic = key
        if len(usual) < 30 or metric not in METRICS:
            continue
        class_, sign, floor, share = METRICS[metric]
        middle = statistics.median(usual.values())
        if class_ == "errors" and middle < 99:
            continue  # always failing: no one would keep such a rule
        deviation = 1.4826 * statistics.median(abs(value - middle) for value in usual.values())
        scale = max(deviation, floor, share * abs(middle))
        limit = max(LIMIT, sorted(sign * (value - middle) / scale for value in usual.values())[int(0.99 * len(usual))])
        here = table.get(key, {})
        before = [here[n] for n, at in enumerate(times) if n in here and at < fault]
        if not before:
            continue
        level = statistics.mean(before)
        for n, at in enumerate(times):
            if n in here and at >= fault and (level or class_ == "errors"):
                value = min(100.0, here[n] + middle - level) if class_ == "errors" else here[n] * middle / level
                wrong = sign * (value - middle) / scale
                if wrong > limit:
                    ratio = wrong / limit
                    severity = Severity.CRITICAL if ratio > 8 else Severity.ERROR if ratio > 3 else Severity.WARNING
                    yield _alert(at + STEP, f"{metric} {statistic}", class_, severity, component)


def _alert(at: float, name: str, class_: str, severity: Severity, service: str) -> Alert:
    return Alert(at=at, name=name, class_=class_, severity=severity, service=service, location="us-west-2")


def _rows(tar: tarfile.TarFile, name: str) -> list[list[str]]:
    content = tar.extractfile(name)
    assert content is not None
    return list(csv.reader(io.TextIOWrapper(content)))


def _read(tar: tarfile.TarFile, name: str) -> tuple[Table, list[float]]:
    """{(component, metric, statistic): {row: value}} and the rows' times."""
    rows = _rows(tar, name)
    first = next(n for n, row in enumerate(rows) if row[0] == "unix_timestamp") + 1
    body = [row for row in rows[first:] if row[0]]
    table = {
        (key[0], key[1], key[2]): {n: float(row[i]) for n, row in enumerate(body) if row[i] not in ("", "nan")}
        for i, key in enumerate(zip(*rows[:3], strict=False))
        if i
    }
    return table, [float(row[0]) for row in body]
