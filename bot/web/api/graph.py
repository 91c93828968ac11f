"""The service graph with the blast radius: what is the cause, what is affected, what depends on it and may follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec
from sqlalchemy import func, select

from bot.catalog.catalog import Catalog
from bot.incidents import store
from bot.storage.tables import alerts, groups, incidents
from bot.web.api.shapes import INCIDENT_WORDS, incident_number
from bot.web.operations import Call, Operation, operation

__all__ = ["OPERATIONS"]

NEIGHBOURS = 40  # services drawn for one incident
EVERYTHING = 400  # services drawn for all
REACH = 2  # hops from an affected service that are still its neighbourhood


class Node(msgspec.Struct, kw_only=True):
    """A service; `hops` is its distance from the nearest affected one, null when there is no way."""

    service: str
    tier: int | None
    state: Literal["cause", "affected", "exposed", "healthy"]
    alerts: int
    hops: int | None


class Edge(msgspec.Struct, kw_only=True, rename={"source": "from", "target": "to"}):
    """`from` depends on `to`."""

    source: str
    target: str


class Graph(msgspec.Struct, kw_only=True):
    """Services and what depends on what."""

    nodes: list[Node]
    edges: list[Edge]


@operation(
    "GET",
    "/api/v1/incidents/{incident}/graph",
    summary="The incident's neighbourhood in the service graph",
    returns=Graph,
    errors=(404,),
    path_words=INCIDENT_WORDS,
)
async def show_incident_graph(call: Call[None, None]) -> Graph:
    async with call.web.parts.database.reading() as connection:
        incident = await store.load(connection, incident_number(call.path["incident"]))
    causes = {incident.cause.service} if incident.cause else set()
    return drawn(call.web.parts.catalog(), dict(incident.services), causes, reach=REACH, most=NEIGHBOURS)


@operation("GET", "/api/v1/graph", summary="All services, and what is wrong with them now", returns=Graph)
async def show_graph(call: Call[None, None]) -> Graph:
    a, i = alerts.c, incidents.c
    firing = (
        select(a.service, func.count().label("alerts"))
        .join(groups, a.group_id == groups.c.id)
        .join(incidents, groups.c.incident == i.number)
        .where(i.status != "resolved", a.status == "firing", a.service != "")
        .group_by(a.service)
    )
    async with call.web.parts.database.reading() as connection:
        affected = {row.service: row.alerts for row in await connection.execute(firing)}
        active = await store.listing(connection, statuses=("open", "acknowledged", "mitigated"), limit=100)
    causes = {incident.cause.service for incident in active if incident.cause}
    return drawn(call.web.parts.catalog(), affected, causes & set(affected), reach=None, most=EVERYTHING)


def drawn(
    catalog: Catalog, affected: Mapping[str, int], causes: Iterable[str], *, reach: int | None, most: int
) -> Graph:
    """The graph around the affected services, as far as `reach` hops (None: all), at most `most` services.

    Too many are cut from the far end; among equally far ones the important tiers stay.
    """
    depends = {name: service.depends_on for name, service in catalog.services.items()}
    needed_by: dict[str, list[str]] = {}
    for name, targets in depends.items():
        for target in targets:
            needed_by.setdefault(target, []).append(name)
    causes = {cause for cause in causes if cause}
    touched = {name for name in affected if name} | causes
    both_ways = {name: (*depends.get(name, ()), *needed_by.get(name, ())) for name in {*depends, *needed_by, *touched}}
    hops = _distances(touched, both_ways)
    exposed = set(_distances(touched, needed_by)) - touched
    names = hops if reach is not None else {**dict.fromkeys(both_ways), **hops}

    def tier(name: str) -> int | None:
        return catalog.services[name].tier if name in catalog.services else None

    def place(name: str) -> tuple[int, int, int, int, str]:
        distance = hops.get(name)
        return (
            0 if name in causes else 1,
            EVERYTHING if distance is None else distance,
            -affected.get(name, 0),
            tier(name) or 9,
            name,
        )

    near = (name for name in names if reach is None or hops[name] <= reach)
    shown = sorted(near, key=place)[:most]
    nodes = [
        Node(
            service=name,
            tier=tier(name),
            state="cause"
            if name in causes
            else "affected"
            if name in touched
            else "exposed"
            if name in exposed
            else "healthy",
            alerts=affected.get(name, 0),
            hops=hops.get(name),
        )
        for name in shown
    ]
    drawn_ones = set(shown)
    edges = [
        Edge(source=name, target=target)
        for name in shown
        for target in dict.fromkeys(depends.get(name, ()))
        if target in drawn_ones
    ]
    return Graph(nodes=nodes, edges=edges)


def _distances(starts: Iterable[str], edges: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Hops from the nearest start to everything that can be reached."""
    distances = dict.fromkeys(starts, 0)
    frontier, distance = list(distances), 0
    while frontier:
        distance += 1
        following = []
        for name in frontier:
            for neighbour in edges.get(name, ()):
                if neighbour not in distances:
                    distances[neighbour] = distance
                    following.append(neighbour)
        frontier = following
    return distances


OPERATIONS: tuple[Operation, ...] = (show_incident_graph, show_graph)
