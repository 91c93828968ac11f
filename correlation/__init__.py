"""Correlation: which alerts belong together, and why.

A pure, deterministic library: no chat, no HTTP, no database, no clock, no logging, no asyncio. It is told what happened and
when (event time, seconds since the epoch), and answers with decisions that carry their evidence. What is listed here is its
public face; everything else may change, and Muster, which reaches further in, changes with it.

Alerts go in, one decision each comes out. Moments are seconds, scores lie between 0 and 1 unless said otherwise:

>>> from correlation import Alert, Change, Engine, Severity, Topology
>>> shop = Topology.of({"web": ["checkout"], "checkout": ["payments-api"]})  # who calls whom
>>> engine = Engine(topology=shop)
>>> engine.observe([Change(id="d1", at=820.0, title="payments-api a1b2c3d", service="payments-api")])
>>> decisions = engine.ingest([
...     Alert(at=1000.0, name="HighErrors", class_="errors", service="payments-api", severity=Severity.CRITICAL),
...     Alert(at=1020.0, name="HighLatency", class_="latency", service="checkout"),
...     Alert(at=1020.0, name="HighLatency", class_="latency", service="checkout"),
... ])
>>> [(d.kind, d.group) for d in decisions]
[('opened', 'G1'), ('joined', 'G1'), ('repeat', 'G1')]
>>> decisions[1].reason
'Joined: inhibited by A1 payments-api high errors; after the same change, 20 s after the last; 1 hop from payments-api.'

What is known of a group: how bad, how much, what probably caused it and which change is suspect, each with its reasons.

>>> view = engine.group("G1")
>>> view.title, str(view.severity), view.size, view.deserves
('payments-api errors', 'critical', 2, True)
>>> view.causes[0].name, view.suspects[0].change, view.suspects[0].reasons[0]
('payments-api', 'd1', 'deployed payments-api 3 min before the first alert')

People correct it, and it remembers; the state is plain data, and goes on from there as if nothing had happened.

>>> new = engine.split("G1", [decisions[1].episode])
>>> again = Engine.restore(engine.snapshot())
>>> again.group(new).services
(('checkout', 1),)

The way of one alert through the files, each of which says in its first line what it decides:

    engine          what time it is; what happened first
    stays           a repeat, a new stay, an end           dedup, beats, sources: which condition it is
    weighing        how much it speaks for calling people  gate, breadth, records, usual: whether it is news
    placing         join, open or hold                     candidates, places: where to look; features, similarity, thresholds,
                                                           inhibition: whether it fits; cookbook, matchers: what operators want
    groups          what a group holds                     tally, telling; registry, quiet: which are open;
                                                           merging, splitting, parts: two become one, and one two
    waiting         time calls people                      outbreaks, repair: what is one after all; feedback: what people said
    views           what others see                        cause, suspects, lift: what is likely, and why
    snapshot        all of it as bytes

Beside the engine: `Watch` warns when something begins like something bad, `Precedents` finds past incidents that were alike,
`Cookbook` compiles an operator's recipes. `correlation.evaluation` scores decisions against a truth, `correlation.fitting` learns
the weights of evidence (it needs scikit-learn; all else needs msgspec and nothing more).
"""

from __future__ import annotations

from correlation.alert import Alert, Change, Severity, Status
from correlation.beginnings import kind_of
from correlation.cookbook import DEFAULT_COOKBOOK, Cookbook, CookbookError, OpensPolicy, Recipe
from correlation.decision import Cause, Decision, Evidence, Flapping, GroupView, Suspect
from correlation.engine import Engine, SnapshotError, UnknownGroup
from correlation.precedents import Line, Precedent, Precedents, Sketch
from correlation.topology import Service, Topology
from correlation.tuning import Tuning
from correlation.warning import EarlyWarning, Patience, Watch
from correlation.weights import Weights, WeightsError

__all__ = [
    "DEFAULT_COOKBOOK",
    "Alert",
    "Cause",
    "Change",
    "Cookbook",
    "CookbookError",
    "Decision",
    "EarlyWarning",
    "Engine",
    "Evidence",
    "Flapping",
    "GroupView",
    "Line",
    "OpensPolicy",
    "Patience",
    "Precedent",
    "Precedents",
    "Recipe",
    "Service",
    "Severity",
    "Sketch",
    "SnapshotError",
    "Status",
    "Suspect",
    "Topology",
    "Tuning",
    "UnknownGroup",
    "Watch",
    "Weights",
    "WeightsError",
    "kind_of",
]
