"""An incident's alerts as the verbs show them. Only reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Row, Select, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.commands.words import cut_text
from bot.incidents.store import held_words, told_reason
from bot.storage import tables
from correlation.decision import Evidence
from correlation.inhibition import TERM

__all__ = ["AlertRow", "counts", "held", "read", "reasons", "strongest", "terms", "what"]

_decode = msgspec.json.Decoder(list[Evidence]).decode
_a, _g = tables.alerts.c, tables.groups.c
_SEVERITY = case({"critical": 0, "error": 1, "warning": 2}, value=_a.severity, else_=3)
_STATUS = case((_a.status == "firing", 0), else_=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One alert: `reason` is what the engine said when it came, `evidence` the terms of it."""

    id: int
    name: str
    service: str
    host: str
    severity: str
    firing: bool
    count: int
    first_seen: float
    last_seen: float
    began_at: float
    settled_at: float
    resolved_at: float | None
    reason: str
    evidence: tuple[Evidence, ...]
    held: str
    inhibited: bool

    @property
    def why_held(self) -> str:
        """Why no incident has it."""
        return held_words(self.held, self.reason, over=not self.firing)

    @property
    def why(self) -> str:
        """Why it is in its incident."""
        return told_reason(self.reason, self.inhibited) or strongest(self.evidence)

    @property
    def muted(self) -> str:
        """What inhibits it, in words; "" when it speaks for itself."""
        return next((one.words for one in self.evidence if one.term == TERM), "") if self.inhibited else ""

    @property
    def ref(self) -> str:
        """A17."""
        return f"A{self.id}"


async def read(connection: AsyncConnection, incident: int, *, limit: int, everything: bool) -> list[AlertRow]:
    """The alerts that fire, worst first; with `everything` also those that are over."""
    query = _of(incident).order_by(_STATUS, _SEVERITY, _a.began_at, _a.id).limit(limit)
    if not everything:
        query = query.where(_a.status == "firing")
    return [_row(row) for row in await connection.execute(query)]


async def counts(connection: AsyncConnection, incident: int) -> tuple[int, int]:
    """How many alerts there are, and how many of them fire."""
    query = (
        select(func.count(), func.sum(case((_a.status == "firing", 1), else_=0)))
        .join(tables.groups, _a.group_id == _g.id)
        .where(_g.incident == incident)
    )
    total, firing = (await connection.execute(query)).one()
    return total, firing or 0


async def held(connection: AsyncConnection, since: float, limit: int) -> tuple[int, list[AlertRow]]:
    """How many alerts heard of since then no incident has, and the newest: those that fire before those that are over."""
    everything = tables.alerts.outerjoin(tables.groups, _a.group_id == _g.id)
    wanted = and_(_g.incident.is_(None), _a.last_seen >= since)
    total = (await connection.execute(select(func.count()).select_from(everything).where(wanted))).scalar_one()
    query = select(tables.alerts).select_from(everything).where(wanted)
    newest = query.order_by(_STATUS, _a.last_seen.desc(), _a.id.desc()).limit(limit)
    return total, [_row(row) for row in await connection.execute(newest)]


async def reasons(connection: AsyncConnection, incident: int, limit: int) -> list[AlertRow]:
    """The first alerts, in the order in which they came: the one that opened it, then those that joined."""
    opened = case((_a.reason.startswith("Opened") | _a.reason.startswith("Held"), 0), else_=1)
    query = _of(incident).order_by(opened, _a.settled_at, _a.id).limit(limit)
    return [_row(row) for row in await connection.execute(query)]


async def terms(connection: AsyncConnection, incident: int, limit: int = 2_000) -> tuple[Counter[str], int]:
    """What spoke for the joins: for each term how many alerts it was strong for, and how many alerts were looked at."""
    query = (
        select(_a.evidence_json)
        .join(tables.groups, _a.group_id == _g.id)
        .where(_g.incident == incident, _a.evidence_json != "[]")
        .order_by(_a.first_seen, _a.id)
        .limit(limit)
    )
    found: Counter[str] = Counter()
    joined = 0
    for (evidence,) in await connection.execute(query):
        joined += 1
        found.update({term.term for term in _decode(evidence) if term.score > 0.5})
    return found, joined


def strongest(evidence: Sequence[Evidence], limit: int = 3) -> str:
    """The terms that spoke for it most, in words."""
    for_it = sorted((one for one in evidence if one.score > 0.5), key=lambda one: -one.score)
    return ", ".join(one.words for one in for_it[:limit])


def what(row: AlertRow) -> str:
    """Its service and name, and the host where there is one."""
    where = f" on {cut_text(row.host, 40)}" if row.host else ""
    return cut_text(f"{row.service} {row.name}".strip(), 80) + where


def _of(incident: int) -> Select[Any]:
    return select(tables.alerts).join(tables.groups, _a.group_id == _g.id).where(_g.incident == incident)


def _row(row: Row[Any]) -> AlertRow:
    values = row._mapping
    return AlertRow(
        id=values["id"],
        name=values["name"],
        service=values["service"],
        host=values["host"],
        severity=values["severity"],
        firing=values["status"] == "firing",
        count=values["count"],
        first_seen=values["first_seen"],
        last_seen=values["last_seen"],
        began_at=values["began_at"],
        settled_at=values["settled_at"],
        resolved_at=values["resolved_at"],
        reason=values["reason"],
        evidence=tuple(_decode(values["evidence_json"])),
        held=values["held"],
        inhibited=values["muted"],
    )
