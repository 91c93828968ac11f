"""Silences and maintenance windows: what people and the catalogue mute. The check of each alert is bot.incidents.muting's.

How silences are shown does not enter here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Row, func, insert, literal, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.catalog.model import Silence as SilenceSpec
from bot.chat.views import MUSTER, Person
from bot.clock import Clock, duration
from bot.errors import BadArguments, InvalidTransition, NotFound
from bot.incidents import store
from bot.incidents.muting import matchers_json, matchers_of
from bot.storage import tables
from bot.storage.database import Database
from correlation.alert import Alert, Severity
from correlation.matchers import Matcher, MatcherError, Matchers

__all__ = ["Example", "Preview", "Silence", "Silences", "silence_number"]

LONGEST = 90 * 86_400.0  # seconds; what is muted for longer belongs out of the monitoring, not out of sight
REASON_LENGTH = 500  # characters
EXAMPLES = 5
PREVIEWED = 50_000  # the newest alerts that a preview looks at: about a second's work in a storm
CHUNK = 1000  # rows matched between two looks at the event loop

_s = tables.silences.c
_a = tables.alerts.c
_COLUMNS = {
    "name",
    "severity",
    "service",
    "host",
    "location",
    "environment",
}  # fields that are columns of the same name


class Silencing(Protocol):
    """The part of the catalogue that mutes."""

    @property
    def silences(self) -> Sequence[SilenceSpec]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Alerts that meet all `matchers` are muted from `starts_at` to `ends_at`; `by` is a person's id or MUSTER's."""

    id: int
    matchers: Matchers
    starts_at: float
    ends_at: float
    reason: str
    by: str
    created_at: float
    from_catalog: bool = False

    @property
    def ref(self) -> str:
        """How people write it: S3."""
        return f"S{self.id}"

    def begun(self, now: float) -> bool:
        """It mutes already; a maintenance window may still be to come."""
        return self.starts_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One alert that would have been muted; `incident` is the number it belongs to, if any."""

    alert: int
    at: float
    service: str
    name: str
    summary: str
    incident: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a silence would have muted since a moment: `alerts` of `of`, most frequent first in `by_name`.

    `complete` is False when there were more than the newest 50,000, which is all that was looked at.
    """

    matchers: Matchers
    since: float
    alerts: int
    of: int
    by_name: tuple[tuple[str, str, int], ...]  # (service, name, alerts)
    examples: tuple[Example, ...]  # the newest
    incidents: tuple[int, ...]
    complete: bool

    @property
    def share(self) -> float:
        """0..1: how much of everything it would have muted."""
        return self.alerts / self.of if self.of else 0.0


class Silences:
    """The use cases of silences.

    `position` answers up to which delivery the pipeline has decided. While `still` is entered, it decides nothing: so a silence
    counts from exactly the next delivery on, now and whenever the journal is replayed.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        position: Callable[[], int],
        *,
        still: Callable[[], AbstractAsyncContextManager[object]] = nullcontext,
    ) -> None:
        self._database, self._clock, self._position, self._still = database, clock, position, still

    async def create(self, matchers: Sequence[str], seconds: float, reason: str, by: Person) -> Silence:
        """Mute from now on for `seconds`. BadArguments when that would mute everything, or for longer than 90 days."""
        wanted = read_matchers(matchers)
        if not 0 < seconds <= LONGEST:
            raise BadArguments(
                f"A silence lasts at most {duration(LONGEST)}: {duration(seconds)} is too long. What should never alert again "
                "belongs out of the monitoring."
                if seconds > 0
                else "A silence needs a duration: 30m, 2h, 1d."
            )
        at = self._clock.now()
        async with self._still(), self._database.transaction() as work:
            values = {
                "matchers_json": matchers_json(wanted),
                "starts_at": at,
                "ends_at": at + seconds,
                "reason": " ".join(reason.split())[:REASON_LENGTH],
                "created_by": by.id,
                "created_at": at,
                "from_position": self._position(),
            }
            result = await work.connection.execute(insert(tables.silences).values(values).returning(*tables.silences.c))
            silence = _from_row(result.one())
            work.announce("silence", id=silence.id)
        return silence

    async def end(self, number: int) -> Silence:
        """Let alerts through again. NotFound, or InvalidTransition when it is over or only the catalogue can end it."""
        at = self._clock.now()
        async with self._still(), self._database.transaction() as work:
            row = (await work.connection.execute(select(tables.silences).where(_s.id == number))).first()
            if row is None:
                raise NotFound(f"There is no silence S{number}. Those in force: /incident silences")
            silence = _from_row(row)
            if row.until_position is not None or silence.ends_at <= at:
                raise InvalidTransition(f"{silence.ref} is over already.")
            if silence.from_catalog:
                raise InvalidTransition(f"{silence.ref} stands in the catalogue. Remove it there and reload.")
            await work.connection.execute(
                update(tables.silences).where(_s.id == number).values(until_position=self._position())
            )
            work.announce("silence", id=number)
        return silence

    async def active(self) -> list[Silence]:
        """Silences that mute now, and maintenance windows to come; the one that ends first is first."""
        query = (
            select(tables.silences)
            .where(_s.until_position.is_(None), _s.ends_at > self._clock.now())
            .order_by(_s.ends_at, _s.id)
        )
        async with self._database.reading() as connection:
            return [_from_row(row) for row in await connection.execute(query)]

    async def preview(self, matchers: Sequence[str], since: float) -> Preview:
        """What a silence of these matchers would have muted since a moment. BadArguments as `create` has them."""
        wanted = read_matchers(matchers)
        names: Counter[tuple[str, str]] = Counter()
        incidents: set[int] = set()
        examples: list[Example] = []
        async with self._database.reading() as connection:
            of = int((await connection.execute(select(func.count()).where(_a.last_seen >= since))).scalar_one())
            seen = 0
            async for row in _newest(connection, wanted, since):
                seen += 1
                if not wanted.matches(store.alert_of(row)):
                    continue
                names[row.service, row.name] += 1
                if row.incident is not None:
                    incidents.add(row.incident)
                if len(examples) < EXAMPLES:
                    examples.append(
                        Example(
                            alert=row.id,
                            at=row.last_seen,
                            service=row.service,
                            name=row.name,
                            summary=row.summary,
                            incident=row.incident,
                        )
                    )
        return Preview(
            matchers=wanted,
            since=since,
            alerts=names.total(),
            of=of,
            by_name=tuple((service, name, count) for (service, name), count in names.most_common()),
            examples=tuple(examples),
            incidents=tuple(sorted(incidents)),
            complete=seen < PREVIEWED,
        )

    async def sync(self, catalog: Silencing) -> None:
        """Let the rows follow the catalogue's silences: new ones begin, changed ones begin anew, removed ones end."""
        at = self._clock.now()
        specs = {_key(spec): spec for spec in catalog.silences}
        async with self._still(), self._database.transaction() as work:
            query = select(tables.silences).where(_s.catalog_key.is_not(None))
            known = {row.catalog_key: row for row in await work.connection.execute(query)}
            for key, row in known.items():
                spec = specs.get(key)
                if spec is None:
                    values: dict[str, Any] = {"catalog_key": None, "until_position": self._position()}
                elif (spec.reason, spec.by or MUSTER.id) != (row.reason, row.created_by):
                    values = {"reason": spec.reason, "created_by": spec.by or MUSTER.id}
                else:
                    continue
                await work.connection.execute(update(tables.silences).where(_s.id == row.id).values(values))
                work.announce("silence", id=row.id)
            for key, spec in specs.items():
                if key in known or spec.until <= at:
                    continue
                result = await work.connection.execute(
                    insert(tables.silences)
                    .values(
                        matchers_json=matchers_json(spec.match),
                        starts_at=spec.since or 0.0,
                        ends_at=spec.until,
                        reason=spec.reason,
                        created_by=spec.by or MUSTER.id,
                        created_at=at,
                        from_position=self._position(),
                        catalog_key=key,
                    )
                    .returning(_s.id)
                )
                work.announce("silence", id=result.scalar_one())


# --- matchers and rows ------------------------------------------------------------------------------------------------


def silence_number(text: str) -> int | None:
    """The number in S3 or 3; None when it is neither.

    >>> silence_number("s3"), silence_number("3"), silence_number("INC-3")
    (3, 3, None)
    """
    digits = text.strip().upper().removeprefix("S")
    return int(digits) if digits.isdecimal() and len(digits) < 10 else None


def read_matchers(texts: Sequence[str]) -> Matchers:
    """The matchers that people wrote. BadArguments when one is none, or when together they would mute everything."""
    try:
        wanted = Matchers.parse(texts)
    except MatcherError as error:
        raise BadArguments(f"{error}. For example: /incident silence service=cart name=DiskFull 2h") from error
    if not wanted:
        raise BadArguments("A silence needs at least one matcher: /incident silence service=cart name=DiskFull 2h")
    if all(map(_is_broad, wanted)):
        raise BadArguments(
            f"{wanted} would mute nearly everything. Name what to mute: service=cart, host=~web-.*, name=DiskFull"
        )
    return wanted


# Values that have nothing in common: a matcher that takes all of them says nothing about what it mutes.
_PROBES = ("a", "Zq-93 \N{GREEK SMALL LETTER OMEGA}/7", "0")


def _is_broad(matcher: Matcher) -> bool:
    if matcher.label == "status" or matcher.op in {"!=", "!~"}:
        return True  # every alert fires at some time; and to name what stays is not to name what is muted
    if matcher.label == "severity":
        return all(matcher.matches(Alert(at=0.0, name="", severity=severity)) for severity in Severity)
    hits = [matcher.matches(Alert(at=0.0, name="", labels=((matcher.label, value),))) for value in ("", *_PROBES)]
    return hits[0] or all(hits[1:])


async def _newest(connection: AsyncConnection, wanted: Matchers, since: float) -> AsyncIterator[Row[Any]]:
    """The newest alerts that may meet the matchers, some at a time; exact matchers on columns are the database's to check."""
    likely = [
        tables.alerts.c[m.label].in_((m.value, ""))  # an empty field may be spoken for by a label
        for m in wanted
        if m.op == "=" and m.label in _COLUMNS
    ]
    query = (
        select(tables.alerts, tables.groups.c.incident)
        .outerjoin(tables.groups, _a.group_id == tables.groups.c.id)
        .where(_a.last_seen >= since, *likely)
        .order_by(_a.last_seen.desc(), _a.id.desc())
        .limit(CHUNK)
    )
    page = query
    for _ in range(PREVIEWED // CHUNK):
        rows = (await connection.execute(page)).all()
        for row in rows:
            yield row
        if len(rows) < CHUNK:
            return
        page = query.where(tuple_(_a.last_seen, _a.id) < tuple_(literal(rows[-1].last_seen), literal(rows[-1].id)))


def _key(spec: SilenceSpec) -> str:
    """What makes a silence of the catalogue another one: its place in the file does not."""
    return f"{spec.match} from {spec.since or 0.0:.0f} until {spec.until:.0f}"


def _from_row(row: Row[Any]) -> Silence:
    return Silence(
        id=row.id,
        matchers=matchers_of(row.matchers_json),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        reason=row.reason,
        by=row.created_by,
        created_at=row.created_at,
        from_catalog=row.catalog_key is not None,
    )
