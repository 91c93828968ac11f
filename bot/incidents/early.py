"""Early warnings: what begins like a bad incident of the past is kept, told where incidents are announced, and judged by what came.

How much may be told is bounded by what came of it before. The words are in `early_words`, the watch itself in `bot.engine.lookout`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, and_, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.catalog.catalog import Catalog
from bot.chat.conversation import LOBBY
from bot.chat.gateway import Announcing, Gateway, Local, MessageLost, PostedMessage
from bot.chat.outbox import Effect, enqueue
from bot.chat.relay import DROPPED, Dropped, Executor, Settlement
from bot.chat.views import MUSTER
from bot.clock import Clock, duration
from bot.engine.lookout import place_of
from bot.incidents import progress, store, timeline
from bot.incidents.announcements import Announcements
from bot.incidents.early_words import Warned, notice, place
from bot.incidents.forewarning import KIND as TOLD
from bot.incidents.history import BAD
from bot.incidents.lines import channels
from bot.incidents.model import Incident
from bot.incidents.reference import number_of, ref
from bot.storage import tables
from bot.storage.database import Database, Transaction
from bot.telemetry import get_logger
from correlation.beginnings import Kind, Step
from correlation.warning import EarlyWarning, Patience

__all__ = ["EVERY", "KIND", "EarlyWarnings", "listing"]

log = get_logger(__name__)

EVERY = 15.0  # seconds between two looks at what came of them
KIND = "warned"  # of the timeline's line
DAY = 86_400.0
BUDGET = 0.2  # false alarms a day in one place; what a watch is held to by tests/benchmarks/early_warning.py
OVER = 10.0  # days over which that is counted
WAITS = (3_600.0, 21_600.0)  # seconds until a warning is judged: at least, at most
SHARED = 2  # kinds of alerts that an incident and what was warned of have in common, at least
WINDOW = Patience().window
AT_ONCE = 50

_warnings = tables.warnings
_steps = msgspec.json.Decoder(tuple[Step, ...])
_words = msgspec.json.Decoder(tuple[str, ...])


class EarlyWarnings:
    """What the pipeline gives its warnings to; `look` is run from time to time."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        catalog: Callable[[], Catalog],
        announcements: Announcements,
        platforms: Sequence[str],
    ) -> None:
        self._database, self._clock, self._catalog = database, clock, catalog
        self._announcements, self._platforms = announcements, tuple(platforms)

    async def __call__(self, work: Transaction, warned: Sequence[EarlyWarning]) -> None:
        """Keep them, in the transaction of the alerts that they are about, and tell those that are worth it."""
        for warning in warned:
            past = await store.find(work.connection, number_of(warning.id) or 0)
            if past is not None and not past.private:
                await self._keep(work, warning, past)

    async def _keep(self, work: Transaction, warning: EarlyWarning, past: Incident) -> None:
        connection, now = work.connection, self._clock.now()
        environment, location = place_of(warning.scope)
        times, without = await _record(connection, past.number)
        running = await _running(connection, warning.at, environment, location, _kinds(warning.taken))
        kept = await self._against(connection, warning, environment, location, times, without)
        values = {
            "at": warning.at,
            "told_at": None if kept else now,
            "kept": kept,
            "environment": environment,
            "location": location,
            "past": past.number,
            "score": round(warning.score, 2),
            "matched": warning.matched,
            "expected": warning.expected,
            "taken_json": msgspec.json.encode(warning.taken).decode(),
            "ahead_json": msgspec.json.encode(warning.ahead).decode(),
            "lead": await _lead(connection, past, warning.reached),
            "remains": warning.left,
            "until": warning.at + min(WAITS[1], max(WAITS[0], warning.left)),
            "reasons_json": msgspec.json.encode(warning.reasons).decode(),
            "times": times,
            "without": without,
            "incident": running.number if running else None,
        }
        result = await connection.execute(insert(_warnings).values(values))
        number = int(result.inserted_primary_key[0])  # type: ignore[index]  # an autoincrement key is always there
        log.info("early_warning", warning=number, like=past.ref, odds=round(warning.score, 1), kept=kept)
        if not kept:
            await self._show(work, number, warning.taken, now)
            await self._tell_room(work, number, past, running, now)

    async def _against(
        self,
        connection: AsyncConnection,
        warning: EarlyWarning,
        environment: str,
        location: str,
        times: int,
        without: int,
    ) -> str:
        """Why people are not to be told; "" when they are."""
        services = self._catalog().services
        if any(step.service in services and services[step.service].private for step in warning.taken):
            return "it is about a service that not everybody may know of"
        late = self._clock.now() - warning.at
        if late > warning.left:
            return f"it was known only {duration(late)} later"
        if 2 * without > times:
            return f"nothing came of it {without} times of {times}"
        w = _warnings.c
        here = and_(w.environment == environment, w.location == location, w.told_at.is_not(None))
        query = select(_warnings).where(here, w.at > warning.at - OVER * DAY).order_by(w.id.desc()).limit(AT_ONCE)
        told = list(await connection.execute(query))
        mine = _kinds(warning.taken)
        for row in told:
            shared = mine & _kinds(_steps.decode(row.taken_json))
            if row.came is None and 2 * len(shared) >= len(mine) and warning.at - row.at <= WINDOW:
                return f"the same was told before: it begins like {ref(row.past)}"
        if sum(not row.came for row in told) >= BUDGET * OVER:
            where = place(environment, location)
            return f"the false alarms that {where} may have in {OVER:.0f} days ({BUDGET * OVER:.0f}) are used up"
        return ""

    async def _show(self, work: Transaction, number: int, taken: Sequence[Step], at: float) -> None:
        """Where incidents are announced, and in the lobby: said once, and kept true."""
        hit = list(dict.fromkeys(step.service for step in taken))
        for platform in self._platforms:
            named = [LOBBY] if platform == "console" else channels(self._catalog(), hit, platform)
            for channel in named:
                await _ask(work, platform, channel, number, at)

    async def _tell_room(
        self, work: Transaction, number: int, past: Incident, running: Incident | None, at: float
    ) -> None:
        """The room of what is open already, unless it has been told of a precedent."""
        if running is None or not running.open:
            return
        if await timeline.read(work.connection, running.number, TOLD, limit=1):
            return
        warned = await _load(work.connection, number)
        known = f"Begins like {past.ref} ({past.title})"
        await timeline.append(work, running.number, at, TOLD, MUSTER, known, like=past.number)
        await self._announcements.say(work, running.number, notice(warned, past, running), at)

    # --- what came of it ----------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Judge those whose incident has come, or whose time is over."""
        w = _warnings.c
        query = select(w.id).where(w.came.is_(None)).order_by(w.id).limit(AT_ONCE)
        async with self._database.reading() as connection:
            waiting = list((await connection.execute(query)).scalars())
        for number in waiting:
            async with self._database.reading() as connection:
                warned = await _load(connection, number)
                incident = await _came(connection, warned)
            if incident is not None or self._clock.now() > warned.until:
                await self._judge(warned, incident)

    async def _judge(self, warned: Warned, incident: Incident | None) -> None:
        at = self._clock.now()
        async with self._database.transaction() as work:
            mine = and_(_warnings.c.id == warned.id, _warnings.c.came.is_(None))
            values = {"came": incident is not None, "incident": incident.number if incident else None}
            if not (await work.connection.execute(update(_warnings).where(mine).values(values))).rowcount:
                return
            if warned.told_at is None:
                return
            await self._show(work, warned.id, warned.taken, at)
            if incident is not None and incident.opened_at > warned.told_at:
                ahead = duration(incident.opened_at - warned.told_at)
                words = f"An early warning came {ahead} before: it began like {ref(warned.past)}"
                await timeline.append(work, incident.number, at, KIND, MUSTER, words, like=warned.past)
        log.info("early_warning_judged", warning=warned.id, came=incident.ref if incident else "")

    # --- where it stands ----------------------------------------------------------------------------------------------

    def executors(self) -> Mapping[str, Executor]:
        """What the relay should know."""
        return {"warning": self._warning}

    async def _warning(self, effect: Effect, gateway: Gateway) -> Settlement | Dropped | None:
        number, channel = int(effect.payload["warning"]), str(effect.payload["channel"])
        key = f"{effect.lane}:warning:{number}"
        async with self._database.reading() as connection:
            warned = await _load(connection, number)
            past = await store.load(connection, warned.past)
            incident = await store.find(connection, warned.incident) if warned.incident is not None else None
            standing = await progress.standing(connection, key)
        if past.private:
            return DROPPED
        view = notice(warned, past, None if incident is None or incident.private else incident)
        if isinstance(gateway, Announcing):
            channel = await gateway.find_channel(channel)
        elif not isinstance(gateway, Local):
            return DROPPED
        if standing is not None:
            try:
                await gateway.edit(PostedMessage(room=channel, message=standing), view)
            except MessageLost:  # whoever took it away did not want it there
                return DROPPED
            return None
        posted = await gateway.post(channel, view, nonce=f"warning:{number}:{channel}", since=effect.created_at)
        return progress.kept(key, posted.message)


async def listing(
    connection: AsyncConnection, *, incident: int | None = None, before: int | None = None, limit: int = 50
) -> list[Warned]:
    """Warnings, newest first; of what became an incident only, and `before` a number for the next page."""
    w = _warnings.c
    query = select(_warnings).order_by(w.id.desc()).limit(limit)
    if incident is not None:
        query = query.where(w.incident == incident)
    if before is not None:
        query = query.where(w.id < before)
    return [_warned(row) for row in await connection.execute(query)]


async def _ask(work: Transaction, platform: str, channel: str, number: int, at: float) -> None:
    await enqueue(
        work,
        platform=platform,
        lane=f"{platform}:#{channel.removeprefix('#')}",
        kind="warning",
        payload={"warning": number, "channel": channel},
        at=at,
        subject=f"warning:{number}",
    )


async def _load(connection: AsyncConnection, number: int) -> Warned:
    return _warned((await connection.execute(select(_warnings).where(_warnings.c.id == number))).one())


def _warned(row: Row[Any]) -> Warned:
    values = dict(row._mapping)
    for name, decoder in (("taken", _steps), ("ahead", _steps), ("reasons", _words)):
        values[name] = decoder.decode(values.pop(f"{name}_json"))
    return Warned(**values)


def _kinds(steps: Sequence[Step]) -> set[Kind]:
    return {step.kind for step in steps}


async def _record(connection: AsyncConnection, past: int) -> tuple[int, int]:
    """How often such a beginning was seen, that incident's own included, and how often nothing came of it."""
    w = _warnings.c
    query = select(w.came, func.count()).where(w.past == past, w.came.is_not(None)).group_by(w.came)
    judged = {bool(came): count for came, count in await connection.execute(query)}
    return 1 + sum(judged.values()), judged.get(False, 0)


async def _lead(connection: AsyncConnection, past: Incident, reached: float) -> float | None:
    """Seconds from that point until that incident had its room; None when it had one already."""
    table = tables.lessons
    query = select(table.c.began_at).where(table.c.incident == past.number, table.c.resolved_at.is_not(None))
    began = (await connection.execute(query.order_by(table.c.id.desc()).limit(1))).scalar()
    ahead = past.opened_at - (began if began is not None else past.first_alert_at) - reached
    return ahead if ahead > 0.0 else None


async def _sharing(
    connection: AsyncConnection, at: float, environment: str, location: str, kinds: Collection[Kind]
) -> list[tuple[Incident, set[Kind]]]:
    """Incidents, open at that moment or since, and which of these kinds of alerts they have there; the most first."""
    a, g, i = tables.alerts.c, tables.groups.c, tables.incidents.c
    what = store.WHAT
    query = (
        select(g.incident, what, a.service)
        .join(tables.groups, a.group_id == g.id)
        .join(tables.incidents, g.incident == i.number)
        .where(a.last_seen >= at - WINDOW, a.environment == environment, a.location == location)
        .where(a.service.in_(sorted({service for _, service in kinds})), i.merged_into.is_(None))
        .where(or_(i.status != "resolved", i.resolved_at >= at))
        .distinct()
    )
    found: dict[int, set[Kind]] = defaultdict(set)
    for row in await connection.execute(query):
        if (row.what, row.service) in kinds:
            found[row.incident].add((row.what, row.service))
    incidents = await store.numbered(connection, sorted(found))
    return sorted(((one, found[one.number]) for one in incidents), key=lambda one: (-len(one[1]), -one[0].number))


async def _running(
    connection: AsyncConnection, at: float, environment: str, location: str, kinds: Collection[Kind]
) -> Incident | None:
    """The incident that is open already and has half of this, or more."""
    for incident, shared in await _sharing(connection, at, environment, location, kinds):
        if incident.open and 2 * len(shared) >= len(kinds):
            return incident
    return None


async def _came(connection: AsyncConnection, warned: Warned) -> Incident | None:
    """What was warned of, once people have it: an incident that was declared since, or that has become a bad one."""
    ahead = _kinds(warned.ahead)
    kinds = _kinds(warned.taken) | ahead
    for incident, shared in await _sharing(connection, warned.at, warned.environment, warned.location, kinds):
        new = incident.opened_at > (warned.told_at or warned.at)
        if (new or incident.severity in BAD) and (shared & ahead or len(shared) >= SHARED):
            return incident
    return None
