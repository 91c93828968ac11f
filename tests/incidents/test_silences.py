"""Silences: what they refuse, preview, mute, and how a replay of the journal mutes the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from bot.catalog.model import Silence as SilenceSpec
from bot.chat.views import Person
from bot.clock import ManualClock
from bot.errors import BadArguments, InvalidTransition, NotFound
from bot.incidents.muting import Muting, _Rule
from bot.incidents.silences import Silences, silence_number
from bot.storage import tables
from bot.storage.database import Announcement, Database
from correlation.alert import Alert
from correlation.matchers import Matchers
from tests.rows import alert_row, keep_alert, keep_incident

MIKA = Person("mika", "Mika Laine")
HOUR = 3600.0


class Position:
    """Up to where the pipeline has come."""

    def __init__(self) -> None:
        self.at = 0

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def position() -> Position:
    return Position()


@pytest.fixture
def silences(database: Database, clock: ManualClock, position: Position) -> Silences:
    return Silences(database, clock, position)


async def muting(database: Database, after: int = 0) -> Muting:
    async with database.reading() as connection:
        return await Muting.load(connection, after=after)


def alert(**fields: object) -> Alert:
    return msgspec.convert({"at": 0.0, "name": "DiskFull", "service": "cart", "host": "cart-1", **fields}, Alert)


def spec(clock: ManualClock, *, service: str = "cart", until: float = HOUR, **more: object) -> SilenceSpec:
    match = Matchers.parse([f'service="{service}"', 'name="DiskFull"'])
    return SilenceSpec(id=f"{service}-disk", match=match, until=clock.now() + until, **more)  # type: ignore[arg-type]


async def test_a_silence_mutes_what_meets_all_its_matchers_until_it_ends(
    silences: Silences, database: Database, clock: ManualClock
) -> None:
    made = await silences.create(["service=cart", "name=DiskFull"], 2 * HOUR, "disk  replacement", MIKA)
    asked = await muting(database)
    assert made.ref == "S1"
    assert asked.muted(alert(), 1, clock.now()) == "silenced by S1: disk replacement, until 11:00 UTC"
    assert asked.muted(alert(name="DiskSlow"), 1, clock.now()) is None
    assert asked.muted(alert(service="web"), 1, clock.now()) is None
    assert asked.muted(alert(), 1, clock.now() + 2 * HOUR) is None
    assert asked.muted(alert(), 1, clock.now() - 1) is None


async def test_an_end_on_another_day_is_told_with_its_date(
    silences: Silences, database: Database, clock: ManualClock
) -> None:
    await silences.create(["service=cart"], 24 * HOUR, "", MIKA)
    assert (await muting(database)).muted(alert(), 1, clock.now()) == "silenced by S1, until 2026-01-06 09:00 UTC"


async def test_without_any_silence_nothing_is_asked(database: Database, clock: ManualClock) -> None:
    asked = await muting(database)
    assert not asked
    assert asked.muted(alert(), 1, clock.now()) is None


async def test_a_replay_mutes_what_was_muted_and_nothing_else(
    silences: Silences, database: Database, clock: ManualClock, position: Position
) -> None:
    position.at = 10
    made = await silences.create(["service=cart"], HOUR, "", MIKA)
    position.at = 20
    await silences.end(made.id)
    asked = await muting(database)
    muted = [place for place in range(1, 30) if asked.muted(alert(), place, clock.now())]
    assert muted == list(range(11, 21))
    assert not await muting(database, after=20)


async def test_a_silence_waits_for_what_is_being_decided_and_counts_from_the_next_delivery(
    sqlite: Database, clock: ManualClock, position: Position
) -> None:
    deciding = asyncio.Lock()

    @asynccontextmanager
    async def still() -> AsyncIterator[None]:
        async with deciding:
            yield

    silences = Silences(sqlite, clock, position, still=still)
    async with deciding:
        making = asyncio.create_task(silences.create(["service=cart"], HOUR, "", MIKA))
        await asyncio.sleep(0.01)
        assert await silences.active() == []
        position.at = 12
    await making
    asked = await muting(sqlite)
    assert [place for place in range(10, 15) if asked.muted(alert(), place, clock.now())] == [13, 14]


async def test_the_pipeline_is_told_of_every_change(silences: Silences, database: Database, clock: ManualClock) -> None:
    heard: list[Announcement] = []
    database.subscribe(heard.append)
    made = await silences.create(["service=cart"], HOUR, "", MIKA)
    await silences.end(made.id)
    await silences.sync(SimpleNamespace(silences=(spec(clock),)))
    assert [(a.topic, a.data["id"]) for a in heard] == [("silence", 1), ("silence", 1), ("silence", 2)]


@pytest.mark.parametrize(
    "matchers",
    [
        [],
        ['name=~".*"'],
        ['service=~".+"'],
        ["service!=cart"],
        ['severity=~"critical|error|warning|info"'],
        ["status=firing"],
        ["status=firing", 'host!~"web-.*"', 'name=~"(?s).+"'],
        ['team=""'],
    ],
)
async def test_a_silence_of_everything_is_refused(sqlite: Database, clock: ManualClock, matchers: list[str]) -> None:
    with pytest.raises(BadArguments, match=r"nearly everything|at least one matcher"):
        await Silences(sqlite, clock, lambda: 0).create(matchers, HOUR, "", MIKA)


@pytest.mark.parametrize(
    "matchers",
    [["severity=info"], ['host=~"web-.*"'], ['environment="dev"', 'name=~".*"'], ["team=db"], ["name=DiskFull"]],
)
async def test_a_silence_of_something_is_taken(sqlite: Database, clock: ManualClock, matchers: list[str]) -> None:
    silences = Silences(sqlite, clock, lambda: 0)
    made = await silences.create(matchers, HOUR, "", MIKA)
    assert await silences.active() == [made]


async def test_what_cannot_be_read_is_refused_with_an_example(sqlite: Database, clock: ManualClock) -> None:
    silences = Silences(sqlite, clock, lambda: 0)
    with pytest.raises(BadArguments, match=r"cart is down.*For example: /incident silence"):
        await silences.create(["cart is down"], HOUR, "", MIKA)
    with pytest.raises(BadArguments, match="may take for ever"):
        await silences.preview(['host=~"(a+)+b"'], 0.0)


async def test_a_silence_lasts_ninety_days_at_most(sqlite: Database, clock: ManualClock) -> None:
    silences = Silences(sqlite, clock, lambda: 0)
    with pytest.raises(BadArguments, match="at most 90 d"):
        await silences.create(["service=cart"], 90 * 86_400 + 1, "", MIKA)
    with pytest.raises(BadArguments, match="needs a duration"):
        await silences.create(["service=cart"], 0, "", MIKA)


async def test_what_is_over_cannot_be_ended(silences: Silences, clock: ManualClock) -> None:
    made = await silences.create(["service=cart"], HOUR, "", MIKA)
    await silences.end(made.id)
    with pytest.raises(InvalidTransition, match="S1 is over already"):
        await silences.end(made.id)
    other = await silences.create(["service=cart"], HOUR, "", MIKA)
    clock.advance(HOUR)
    with pytest.raises(InvalidTransition, match="S2 is over already"):
        await silences.end(other.id)
    with pytest.raises(NotFound, match="no silence S9"):
        await silences.end(9)
    assert await silences.active() == []


async def test_the_catalogue_s_silences_come_stay_and_go(
    silences: Silences, database: Database, clock: ManualClock, position: Position
) -> None:
    disk, window = (
        spec(clock, reason="disk", by="mika"),
        spec(clock, service="web", until=9 * HOUR, since=clock.now() + HOUR),
    )
    await silences.sync(SimpleNamespace(silences=(disk, window)))
    first = await silences.active()
    assert [(s.ref, s.by, s.from_catalog, s.begun(clock.now())) for s in first] == [
        ("S1", "mika", True, True),
        ("S2", "muster", True, False),
    ]
    await silences.sync(SimpleNamespace(silences=(window, disk)))
    assert await silences.active() == first
    with pytest.raises(InvalidTransition, match="catalogue"):
        await silences.end(1)
    asked = await muting(database)
    assert asked.muted(alert(service="web"), 1, clock.now()) is None
    assert asked.muted(alert(service="web"), 1, clock.now() + 2 * HOUR)
    position.at = 5
    await silences.sync(SimpleNamespace(silences=(window,)))
    assert [s.ref for s in await silences.active()] == ["S2"]
    asked = await muting(database)
    assert asked.muted(alert(), 5, clock.now())
    assert not asked.muted(alert(), 6, clock.now())
    await silences.sync(SimpleNamespace(silences=(disk, window)))
    assert [s.ref for s in await silences.active()] == ["S3", "S2"]


async def test_a_silence_that_was_over_before_the_start_is_no_silence(silences: Silences, clock: ManualClock) -> None:
    await silences.sync(SimpleNamespace(silences=(spec(clock, until=-1.0),)))
    assert await silences.active() == []


async def test_a_reason_corrected_in_the_catalogue_keeps_the_silence(silences: Silences, clock: ManualClock) -> None:
    await silences.sync(SimpleNamespace(silences=(spec(clock, reason="disc"),)))
    await silences.sync(SimpleNamespace(silences=(spec(clock, reason="disk"),)))
    assert [(s.ref, s.reason) for s in await silences.active()] == [("S1", "disk")]


async def test_a_preview_tells_what_would_have_been_muted(
    silences: Silences, database: Database, clock: ManualClock
) -> None:
    now = clock.now()
    async with database.transaction() as work:
        incident = await keep_incident(work, now)
        await keep_alert(work, 1, now - 2 * 86_400)
        await keep_alert(work, 2, now - 60, group_id="G1")
        await keep_alert(work, 3, now - 50, held="rare")
        await keep_alert(work, 4, now - 40, name="DiskSlow")
        await keep_alert(work, 5, now - 30, service="", labels_json='[["service","cart"],["team","db"]]')
        await keep_alert(work, 6, now - 20, service="web")
    found = await silences.preview(["service=cart"], now - 86_400)
    assert (found.alerts, found.of, found.share, found.complete) == (4, 5, 0.8, True)
    assert found.by_name[0] == ("cart", "DiskFull", 2)
    assert found.incidents == (incident.number,)
    assert [e.alert for e in found.examples] == [5, 4, 3, 2]
    assert (await silences.preview(["service=cart", 'team=~"d."'], now - 86_400)).alerts == 1
    nothing = await silences.preview(["service=nothing"], now - 86_400)
    assert (nothing.alerts, nothing.share, nothing.examples) == (0, 0.0, ())


async def test_a_preview_of_many_alerts_counts_each_once(sqlite: Database, clock: ManualClock) -> None:
    now = clock.now()
    async with sqlite.transaction() as work:
        await work.connection.execute(insert(tables.alerts), [alert_row(n, now - n % 7) for n in range(1, 2502)])
    assert (await Silences(sqlite, clock, lambda: 0).preview(["service=cart"], 0.0)).alerts == 2501


_FIELDS = st.fixed_dictionaries(
    {
        "name": st.sampled_from("ab"),
        "service": st.sampled_from(["", "x", "y"]),
        "host": st.sampled_from(["", "h1", "h2"]),
    }
)
_TEXTS = st.lists(
    st.sampled_from(["name=a", "name!=b", "service=x", 'service=""', 'host=~"h."', 'host!~"h1"', 'service=~"x|"']),
    min_size=1, max_size=3, unique=True,
)  # fmt: skip


@given(
    st.lists(st.tuples(_TEXTS, st.integers(0, 4), st.none() | st.integers(0, 4)), max_size=5),
    _FIELDS,
    st.integers(1, 5),
)
def test_looking_rules_up_finds_what_asking_each_would(
    rules: list[tuple[list[str], int, int | None]], fields: dict[str, str], position: int
) -> None:
    built = [
        _Rule(n, Matchers.parse(texts).items, 0.0, 10.0, after, up_to, "")
        for n, (texts, after, up_to) in enumerate(rules)
    ]
    subject = Alert(at=1.0, **fields)
    expected = any(rule.counts(position, 1.0) and Matchers(rule.matchers).matches(subject) for rule in built)
    assert (Muting(built).muted(subject, position, 1.0) is not None) == expected


def test_a_silence_is_written_s3() -> None:
    assert [silence_number(text) for text in ("S3", " s12 ", "3", "x3", "INC-3", "", "S")] == [
        3,
        12,
        3,
        None,
        None,
        None,
        None,
    ]
