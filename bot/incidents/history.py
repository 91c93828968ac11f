"""What past incidents were made of, for finding those like this one. Sketches are computed from the alerts and kept in memory.

Who may know of an incident is the caller's question; `hidden_from` answers it for private ones. Nothing is written here.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.views import MUSTER
from bot.incidents import store
from bot.incidents.model import Incident
from bot.incidents.reference import number_of, ref
from bot.storage import tables
from bot.storage.database import Announcement, Database
from correlation.features import Features
from correlation.precedents import Line, Precedent, Precedents, Sketch

__all__ = ["History", "Past", "Ran", "ran"]

MOST = 5_000  # past incidents, the newest
AT_ONCE = 20  # incidents of one query; the event loop has its turn between two
LINES = 200  # kinds of alerts of one incident that are read, the first to fire; a sketch keeps 48
BAD = ("SEV1", "SEV2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is known of an incident that is over. `bad`: severe, and a person took it."""

    number: int
    title: str
    began_at: float
    resolved_at: float
    private: bool
    bad: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A runbook that succeeded; `helped`: the alerts cleared in time, None where nobody asked."""

    runbook: str
    helped: bool | None


class History:
    """Past incidents by likeness. The first question reads the newest 5,000, later ones what changed since."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._precedents = Precedents(MOST)
        self._features = Features()
        self._past: dict[int, Past] = {}
        self._changed: set[int] = set()
        self._read = False
        self._turn = asyncio.Lock()
        database.subscribe(self._hear)

    def _hear(self, announcement: Announcement) -> None:
        if announcement.topic == "incident":
            self._changed.add(announcement.data["number"])

    @property
    def precedents(self) -> Precedents:
        """The sketches, by INC-n; as fresh as the last `refresh`."""
        return self._precedents

    def past(self, incident: str) -> Past | None:
        """What is known of INC-n, if it is over."""
        return self._past.get(number_of(incident) or 0)

    async def similar(
        self, incident: Incident, *, hidden: Collection[int] = (), limit: int = 5, least: float | None = None
    ) -> tuple[Precedent, ...]:
        """Past incidents like this one, the most alike first; those in `hidden` are not looked at."""
        await self.refresh()
        (sketch,) = await self.sketches([incident])
        past = self._precedents
        kept_out = {ref(number) for number in hidden}

        def among(one: str) -> bool:
            return one not in kept_out

        if least is None:
            return past.similar(sketch, limit=limit, among=among)
        return past.similar(sketch, limit=limit, least=least, among=among)

    def count(self, hidden: Collection[int] = ()) -> int:
        """How many past incidents there are besides the hidden ones."""
        return len(self._past) - sum(number in self._past for number in hidden)

    async def hidden_from(self, person: str) -> set[int]:
        """Private incidents that this person takes no part in, and was not paged for."""
        i, p, asked = tables.incidents.c, tables.participants.c, tables.pages.c
        part = select(p.incident).where(p.person == person)
        paged = select(asked.incident).where(asked.person == person)
        query = select(i.number).where(i.private, i.number.not_in(part), i.number.not_in(paged))
        async with self._database.reading() as connection:
            return set((await connection.execute(query)).scalars())

    async def refresh(self) -> None:
        """Take in what ended, began again or was renamed since the last time."""
        async with self._turn:
            if not self._read:
                await self._begin()
            waiting, self._changed = self._changed, set()
            try:
                await self._take(waiting)
            finally:
                self._changed |= waiting  # what could not be read

    async def _begin(self) -> None:
        """All that is over is to be read; what changes meanwhile is heard of."""
        i = tables.incidents.c
        query = select(i.number).where(i.status == "resolved", i.merged_into.is_(None)).order_by(i.number.desc())
        async with self._database.reading() as connection:
            self._changed |= set((await connection.execute(query.limit(MOST))).scalars())
        self._read = True

    async def _take(self, waiting: set[int]) -> None:
        """Read these, and take out of `waiting` what has been read."""
        numbers = sorted(waiting)
        for start in range(0, len(numbers), AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            async with self._database.reading() as connection:
                over = await store.numbered(connection, await _over(connection, some))
                lines = await _lines(connection, over)
            for number in some:
                self._forget(number)
            for incident in sorted(over, key=lambda one: one.number):
                self._past[incident.number] = Past(
                    number=incident.number,
                    title=incident.title,
                    began_at=incident.first_alert_at,
                    resolved_at=incident.resolved_at or incident.status_since,
                    private=incident.private,
                    bad=incident.severity in BAD and incident.acknowledged_by not in {None, MUSTER.id},
                )
                self._precedents.add(self._sketch(incident, lines[incident.number], incident.resolved_at))
            waiting.difference_update(some)
            while len(self._past) > MOST:
                self._forget(next(iter(self._past)))

    def _forget(self, number: int) -> None:
        self._past.pop(number, None)
        self._precedents.forget(ref(number))

    async def sketches(self, incidents: Sequence[Incident]) -> list[Sketch]:
        """What these incidents are made of so far."""
        async with self._database.reading() as connection:
            lines = await _lines(connection, incidents)
        return [self._sketch(one, lines[one.number], None) for one in incidents]

    def _sketch(self, incident: Incident, lines: list[Line], until: float | None) -> Sketch:
        if not lines:  # its alerts were forgotten, as the retention says; the incident still knows where they were
            lines = [Line(incident.first_alert_at, "", name) for name, _ in incident.services]
        return Sketch.of(ref(incident.number), lines, title=incident.title, until=until, features=self._features)


async def _over(connection: AsyncConnection, numbers: Sequence[int]) -> list[int]:
    """Which of them are over: in a storm, most of what changed is not."""
    i = tables.incidents.c
    query = select(i.number).where(i.number.in_(numbers), i.status == "resolved", i.merged_into.is_(None))
    return list((await connection.execute(query)).scalars())


async def _lines(connection: AsyncConnection, incidents: Sequence[Incident]) -> dict[int, list[Line]]:
    """For each incident its kinds of alerts, the first to fire first; what fired before it began counts from there."""
    a, g = tables.alerts.c, tables.groups.c
    what = store.WHAT
    first = func.min(a.settled_at)
    kinds = (
        select(
            g.incident,
            what,
            a.service,
            func.min(a.name).label("name"),
            func.min(a.summary).label("summary"),
            first.label("first"),
            func.row_number().over(partition_by=g.incident, order_by=first).label("place"),
        )
        .join(tables.groups, a.group_id == g.id)
        .where(g.incident.in_([one.number for one in incidents]))
        .group_by(g.incident, what, a.service)
        .subquery()
    )
    found: dict[int, list[Line]] = defaultdict(list)
    if incidents:
        began = {one.number: one.first_alert_at for one in incidents}
        for row in await connection.execute(select(kinds).where(kinds.c.place <= LINES)):
            at = max(row.first, began[row.incident])
            found[row.incident].append(Line(at, row.what, row.service, row.name, row.summary))
    return found


async def ran(connection: AsyncConnection, numbers: Collection[int]) -> dict[int, list[Ran]]:
    """The runbooks that succeeded in these incidents, those that helped first."""
    r = tables.runs.c
    query = (
        select(r.incident, r.runbook, r.helped).where(r.incident.in_(numbers), r.state == "succeeded").order_by(r.id)
    )
    best: dict[int, dict[str, bool | None]] = defaultdict(dict)
    for row in await connection.execute(query):
        before = best[row.incident].get(row.runbook)
        best[row.incident][row.runbook] = before or (row.helped if row.helped is not None else before)
    return {
        number: sorted(
            (Ran(runbook=name, helped=helped) for name, helped in some.items()), key=lambda one: not one.helped
        )
        for number, some in best.items()
    }
