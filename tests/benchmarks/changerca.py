"""ChangeRCA's 51 faulty releases as the engine would hear of them: alerts per instance, changes, a service graph.

Read where it lives and never copied: it has no licence. The monitors are ours, but for the data's own detector, whose finding
(when, and at which service: the input of the published method) is one alert; who is guilty is read for judging only.
"""

from __future__ import annotations

import csv
import io
import json
import random
import statistics
import subprocess
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from correlation.alert import Alert, Change, Severity
from correlation.topology import Topology

__all__ = ["Case", "cases"]

WATCHED = 300.0  # seconds after the data's own detection that a responder would have looked on
SUCCESS = 90.0  # per cent of requests; below it an instance alerts
SLOW = 6.0  # robust deviations from what is usual for that call
STRANGE = {"loadgenerator"}  # is no part of the shop

Series = list[tuple[float, float, float]]  # moment, per cent of success, latency in milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One faulty release among others."""

    name: str
    topology: Topology
    alerts: list[Alert]
    changes: list[Change]
    guilty: str  # a service, each of which changes at most once


def cases(path: Path, seed: int, watched: float = WATCHED) -> Iterator[Case]:
    """All cases as of `watched` seconds after their detection, each with its changes in random order."""
    rng = random.Random(seed)
    for name, files in sorted(_files(path).items()):
        story = json.loads(files[f"gied/{name}.json"])
        until = story["detect_timestamp"] + watched
        changes = list(_changes(story["plan"], until))
        rng.shuffle(changes)
        yield Case(
            name=name,
            topology=_topology(files["dependency.csv"]),
            alerts=sorted(_alerts(files, story, until), key=lambda one: (one.at, one.service, one.host, one.name)),
            changes=changes,
            guilty=story["fault_release_service"],
        )


def _files(path: Path) -> dict[str, dict[str, str]]:
    """{case: {file: text}} from a folder, or from a git directory without a work tree."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for name, text in _folder(path) if (path / "data").is_dir() else _repository(path):
        parts = name.split("/", 3)
        if len(parts) == 4:
            found[parts[2]][parts[3]] = text.decode(errors="replace")
    return found


def _folder(path: Path) -> Iterator[tuple[str, bytes]]:
    for one in (path / "data").rglob("*"):
        if one.is_file():
            yield str(one.relative_to(path)), one.read_bytes()


def _repository(path: Path) -> Iterator[tuple[str, bytes]]:
    command = ["git", "-C", str(path), "archive", "HEAD", "data"]
    packed = subprocess.run(command, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for one in archive:
            if (content := archive.extractfile(one)) is not None:
                yield one.name, content.read()


def _topology(text: str) -> Topology:
    calls: dict[str, list[str]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        if row["Target"][:1].isalpha() and row["Source"][:1].isalpha():
            calls.setdefault(row["Source"], []).append(row["Target"])
    return Topology.of(calls)


def _changes(plan: dict[str, Any], until: float) -> Iterator[Change]:
    """A release as its tool tells of it: when it began, and which instances it has replaced by now."""
    for service, release in plan.items():
        if release["release_time"] <= until:
            pods = [
                pod
                for step in release["process"].values()
                if step.get("release_complete_timestamp", until + 1) <= until
                for pod in step["release_pod"]
            ]
            yield Change(
                id=service,
                at=float(release["release_time"]),
                title=f"release {service} v2",
                service=service,
                revision="v2",
                status="started",
                hosts=tuple(pods),
            )


def _alerts(files: dict[str, str], story: dict[str, Any], until: float) -> Iterator[Alert]:
    """Each instance's own view of a call, and its callers': both are about the service that is called."""
    yield _alert(float(story["detect_timestamp"]), "Anomaly", "errors", Severity.CRITICAL, story["GIED_result"], "")
    for file in ("source_success.csv", "destination_success.csv"):
        for row in csv.DictReader(io.StringIO(files[file])):
            for call, success in row.items():
                if "_" in call and success and float(success) < SUCCESS and float(row["timestamp"]) <= until:
                    yield _failing(float(row["timestamp"]), float(success), call.rsplit("_", 1)[1], "")
    begin = min(release["release_time"] for release in story["plan"].values())
    gone = {
        pod: int(at)
        for release in story["plan"].values()
        for at, step in sorted(release["process"].items())[:1]
        for pod in step["delete_pod"]
    }
    calls: dict[tuple[str, str, str], dict[str, Series]] = defaultdict(dict)
    for name, text in files.items():
        if "/" not in name and name.count("_") >= 2 and name.endswith(".csv"):
            pod, caller, callee = name[:-4].rsplit("_", 2)
            series = [one for one in _series(text) if one[0] <= until and one[0] < gone.get(pod, until + 1)]
            calls[pod.split("-")[0], caller, callee][pod] = series
    for (owner, _, callee), pods in calls.items():
        usual = [latency for series in pods.values() for at, _, latency in series if at < begin]
        if owner in STRANGE or len(usual) < 5:
            continue
        middle = statistics.median(usual)
        scale = max(1.4826 * statistics.median(abs(one - middle) for one in usual), 0.1 * middle, 0.5)
        for pod, series in pods.items():
            host = pod if owner == callee else ""  # a caller tells of the service that it calls
            before = 0.0
            for at, success, latency in series:
                slow, before = min(before, (latency - middle) / scale), (latency - middle) / scale  # two in a row
                if at < begin:
                    continue
                if success < SUCCESS:
                    yield _failing(at, success, callee, host)
                if slow > SLOW:
                    rank = (
                        Severity.CRITICAL
                        if slow > 8 * SLOW
                        else Severity.ERROR
                        if slow > 3 * SLOW
                        else Severity.WARNING
                    )
                    yield _alert(at, "HighLatency", "latency", rank, callee, host)


def _failing(at: float, success: float, service: str, host: str) -> Alert:
    rank = Severity.CRITICAL if success < 50 else Severity.ERROR if success < 75 else Severity.WARNING
    return _alert(at, "LowSuccess", "errors", rank, service, host)


def _alert(at: float, name: str, class_: str, severity: Severity, service: str, host: str) -> Alert:
    return Alert(
        at=at, name=name, class_=class_, severity=severity, service=service, host=host, environment="production"
    )


def _series(text: str) -> Series:
    return [
        (float(row["Timestamp"]), float(row["SuccessRate"]), float(row["Latency"]))
        for row in csv.DictReader(io.StringIO(text))
        if row["SuccessRate"] not in ("", "NaN") and row["Latency"] not in ("", "NaN")
    ]
