"""Where it began, asked as people would be told: streams of incidents over background, some at the same time, with their roots."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.catalog.loader import load
from bot.replay.command import rules
from bot.replay.reading import alerts
from correlation.engine import Engine
from tests.benchmarks.grouping import SCRIPTS, operations

__all__ = ["LOOKED_AT", "Asked", "asked"]

LOOKED_AT = 300.0  # seconds after people were called


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One incident that people were called for, and the parts that were named, the likeliest first, and had failed at all."""

    roots: frozenset[str]
    named: tuple[str, ...]
    failing: frozenset[str]

    @property
    def rank(self) -> int | None:
        """At which place the root was named, from 0."""
        return next((n for n, name in enumerate(self.named) if name in self.roots), None)


def asked(folder: Path, data: Path, kind: str, seed: int) -> Iterator[Asked]:
    """Every incident of a stream whose root the graph knows."""
    stream = operations(folder, kind, seed)
    assert stream.catalog is not None
    catalog = rules(load(stream.catalog))
    engine = Engine(topology=catalog.topology)
    roots = _itbench(data) if kind == "itbench" else {}
    called: set[str] = set()
    due: list[tuple[float, str]] = []
    told: dict[str, tuple[tuple[str, ...], frozenset[str]]] = {}
    where: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (_, alert), truth in zip(alerts([stream.alerts]), stream.truth.read_text().split("\n"), strict=False):
        while due and due[0][0] <= alert.at:
            group = engine.surviving(due.pop(0)[1])
            view = engine.group(group)
            failing = frozenset(name for name, _ in view.services) if view is not None else frozenset[str]()
            told[group] = tuple(cause.name for cause in engine.causes(group, limit=3)), failing
        (decision,) = engine.ingest([catalog.complete(alert) if catalog.complete else alert])
        if decision.group and truth not in {"", "?"}:
            where[truth][decision.group] += 1
        for group in (decision.group if decision.deserves else None, *decision.called):
            if group is not None and group not in called:
                called.add(group)
                due.append((alert.at + LOOKED_AT, group))
    for truth, groups in where.items():
        root = roots.get(truth, frozenset({truth.rsplit("/", 1)[-1]}))
        held: Counter[str] = Counter()
        for group, count in groups.items():
            held[engine.surviving(group)] += count
        known = next((told[group] for group in (held.most_common(1)[0][0], *groups) if group in told), None)
        if known is not None and any(name in catalog.topology for name in root):
            yield Asked(roots=root, named=known[0], failing=known[1])


def _itbench(data: Path) -> dict[str, frozenset[str]]:
    """Scenario -> the services that it names as root causes, called as the stream calls them."""
    spec = importlib.util.spec_from_file_location("itbench_stream", SCRIPTS / "itbench_stream.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(SCRIPTS))  # it imports its neighbours
    spec.loader.exec_module(script)
    found = {}
    for scenario, given in json.loads((data / "itbench" / "groundtruth_v1.json").read_text()).items():
        groups = [group for group in given.get("spec", given)["groups"] if group.get("root_cause")]
        names = ((group.get("filter") or [group.get("name") or group["id"]])[0] for group in groups)
        found[scenario] = frozenset(script.service(name) for name in names)
    return found
