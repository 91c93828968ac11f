"""The service graph: hops, direction, importance. Immutable, so what it computes is cached for its lifetime.

Upstream of a service is what it depends on: failures flow downstream. Finding an alert's service is not done here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["EMPTY", "MAX_HOPS", "Reach", "Service", "Topology"]

MAX_HOPS = 3  # along which what fails has to do with each other
MAX_REACH = 256  # services that one service is compared with, nearest first: a hub must not cost more than a leaf
DEFAULT_TIER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service as the graph knows it. `tier` 1 is the most important."""

    name: str
    depends_on: tuple[str, ...] = ()
    tier: int = DEFAULT_TIER


@dataclass(frozen=True, slots=True)
class Reach:
    """How one service lies to another: `direction` is "same", "up" (the other is depended on), "down", or "side"."""

    hops: int
    direction: str


_SAME = Reach(0, "same")


@dataclass(frozen=True, slots=True)
class Topology:
    """Who depends on whom. Names that are not in it are no error: nothing is known of them.

    >>> graph = Topology.of({"web": ["checkout"], "checkout": ["payments", "cart"]})
    >>> graph.reach("payments")["cart"], graph.reach("nowhere")
    (Reach(hops=2, direction='side'), {})
    >>> graph.upstream("web"), graph.downstream("payments")
    ({'checkout': 1, 'payments': 2, 'cart': 2}, {'checkout': 1, 'web': 2})
    """

    services: tuple[Service, ...] = ()
    _up: dict[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    _down: dict[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    _tier: dict[str, int] = field(init=False, repr=False, compare=False)
    _reach: dict[str, dict[str, Reach]] = field(init=False, repr=False, compare=False)
    _upward: dict[str, dict[str, Reach]] = field(init=False, repr=False, compare=False)
    _walks: dict[tuple[str, str], dict[str, int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        up: dict[str, dict[str, None]] = {}
        down: dict[str, dict[str, None]] = {}
        for service in sorted(self.services, key=lambda s: s.name):
            mine = up.setdefault(service.name, {})
            down.setdefault(service.name, {})
            for other in service.depends_on:
                if other != service.name:
                    mine[other] = None
                    up.setdefault(other, {})
                    down.setdefault(other, {})[service.name] = None
        for name, value in (
            ("_up", {name: tuple(others) for name, others in up.items()}),
            ("_down", {name: tuple(others) for name, others in down.items()}),
            ("_tier", {service.name: service.tier for service in self.services}),
            ("_reach", {}),
            ("_upward", {}),
            ("_walks", {}),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, depends_on: Mapping[str, Iterable[str]], tiers: Mapping[str, int] | None = None) -> Topology:
        """From {service: what it depends on}, and tiers where they are known."""
        tiers = tiers or {}
        return cls(
            tuple(
                Service(name=name, depends_on=tuple(others), tier=tiers.get(name, DEFAULT_TIER))
                for name, others in depends_on.items()
            )
        )

    def __contains__(self, service: object) -> bool:
        return service in self._up

    def __len__(self) -> int:
        return len(self._up)

    def depends_on(self, service: str) -> tuple[str, ...]:
        """What it calls, one hop up."""
        return self._up.get(service, ())

    def tier(self, service: str) -> int:
        return self._tier.get(service, DEFAULT_TIER)

    def reach(self, service: str) -> dict[str, Reach]:
        """The services within MAX_HOPS, nearest first, itself included; {} for a service that is not in the graph."""
        if service not in self._up:
            return {}  # and not remembered: there is no end of such names
        found = self._reach.get(service)
        if found is None:
            found = self._reach[service] = self._find_reach(service)
        return found

    def upward(self, service: str) -> dict[str, Reach]:
        """Those of `reach` that the service depends on."""
        if service not in self._up:
            return {}
        found = self._upward.get(service)
        if found is None:
            found = {name: one for name, one in self.reach(service).items() if one.direction == "up"}
            self._upward[service] = found
        return found

    def upstream(self, service: str) -> dict[str, int]:
        """All that it depends on, directly or not: {service: hops}, nearest first."""
        return self._walk(service, "up")

    def downstream(self, service: str) -> dict[str, int]:
        """All that depends on it, directly or not: {service: hops}, nearest first."""
        return self._walk(service, "down")

    def importance(self, service: str) -> float:
        """0..1: its tier, and how much depends on it.

        >>> graph = Topology.of({"web": ["db"], "shop": ["db"]}, {"db": 1})
        >>> graph.importance("db") > graph.importance("web")
        True
        """
        tier = {1: 1.0, 2: 0.7, 3: 0.4}.get(self.tier(service), 0.2)
        share = min(1.0, len(self.downstream(service)) / max(1, len(self._up) - 1))
        return 0.6 * tier + 0.4 * share

    def _walk(self, service: str, direction: str) -> dict[str, int]:
        found = self._walks.get((service, direction))
        if found is None:
            edges = self._up if direction == "up" else self._down
            found = {service: 0}
            for one in (queue := [service]):  # the queue grows while it is walked
                for other in edges.get(one, ()):
                    if other not in found and len(found) <= MAX_REACH:
                        found[other] = found[one] + 1
                        queue.append(other)
            del found[service]
            self._walks[service, direction] = found
        return found

    def _find_reach(self, service: str) -> dict[str, Reach]:
        up, down = self._walk(service, "up"), self._walk(service, "down")
        found = {service: _SAME}
        for one in (queue := [service]):
            hops = found[one].hops + 1
            if hops > MAX_HOPS:
                break
            for other in self._up[one] + self._down[one]:
                if len(found) > MAX_REACH:
                    return found
                if other not in found:
                    way = "up" if up.get(other) == hops else "down" if down.get(other) == hops else "side"
                    found[other] = Reach(hops, way)
                    queue.append(other)
        return found


EMPTY = Topology()
