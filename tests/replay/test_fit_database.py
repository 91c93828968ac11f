"""`muster fit --database`: what people corrected in a Muster is what it learns from, and too little is said to be too little."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest

from bot import cli
from bot.catalog.catalog import Catalog
from bot.clock import to_iso
from bot.errors import ConfigError
from bot.incidents.silences import Silences
from bot.intake.journal_sqlite import beside
from bot.replay.command import Rules, replay
from bot.replay.fit import fit_database
from bot.replay.weighing import load_weights
from bot.storage import tables
from tests.replay.streams import decisions
from tests.replay.streams import write as write_stream
from tests.world import MIKA, World, world

DAY = 86_400.0
PARTS = (("DiskTrouble", "db"), ("Jam", "mail"))


def trouble(number: int, **fields: Any) -> list[dict[str, Any]]:
    """A database and a mail server of the same place fail in the same minute: three alerts each, in turn."""
    where = {"severity": "critical", "location": "eu"}
    return [
        {"name": f"{name}{step}", "service": f"{service}{number}"} | where | fields
        for step in range(3)
        for name, service in PARTS
    ]


async def told(w: World, alerts: list[dict[str, Any]]) -> None:
    for alert in alerts:
        w.clock.advance(10.0)
        await w.post(alert)
        await w.settle()


async def happens(w: World, days: int, *, corrected: bool = True) -> None:
    """Each day the same trouble elsewhere, and Mika says that the mail server is another story."""
    for number in range(days):
        w.clock.advance(DAY)
        await told(w, trouble(number))
        (incident,) = [one for one in await w.all_incidents() if one.open]
        await told(w, trouble(number, status="resolved"))
        if corrected:
            mail = [row.id for row in await w.rows(tables.alerts) if row.service == f"mail{number}"]
            await w.incidents.split(incident.number, mail, MIKA)
        for one in await w.all_incidents():
            if one.open:
                await w.incidents.resolve(one.number, MIKA)


def rooms(file: Path, folder: Path, rules: Rules) -> set[frozenset[str]]:
    """Which services a replay puts together."""
    output = folder / "decisions"
    replay([file], catalog=rules, output=output, out=io.StringIO())
    groups: dict[str, set[str]] = {}
    for alert, decision in zip(trouble(99), decisions(output), strict=True):
        groups.setdefault(decision["group"], set()).add(alert["service"])
    return {frozenset(services) for services in groups.values()}


async def test_what_people_split_is_kept_apart_by_the_weights_that_are_learned(
    database_url: str, tmp_path: Path
) -> None:
    async with world(database_url) as w:
        await happens(w, 6)
    weights, out = tmp_path / "weights.json", io.StringIO()
    assert await fit_database(database_url, catalog=Catalog.empty(), output=weights, out=out) == 0
    assert out.getvalue().startswith(
        "learned from 6 merges and splits by people, 12 incidents that they took, ended or corrected,"
        " and 72 of 72 alerts of the last 5 d"
    )
    learned = load_weights(weights)
    assert learned.origin["corrections"] == 6
    file = write_stream(
        tmp_path / "next.jsonl",
        [alert | {"at": to_iso(1e9 + 10.0 * place)} for place, alert in enumerate(trouble(99))],
    )
    together, apart = frozenset({"db99", "mail99"}), {frozenset({"db99"}), frozenset({"mail99"})}
    assert rooms(file, tmp_path, Rules()) == {together}
    assert rooms(file, tmp_path, Rules(weights=learned)) == apart


async def test_without_corrections_there_is_nothing_to_learn(sqlite_url: str, tmp_path: Path) -> None:
    async with world(sqlite_url) as w:
        await happens(w, 6, corrected=False)
    with pytest.raises(
        ConfigError, match=r"people corrected the grouping here never, and at least 4 merges and splits"
    ):
        await fit_database(sqlite_url, catalog=Catalog.empty(), output=tmp_path / "w.json", out=io.StringIO())
    assert not (tmp_path / "w.json").exists()


async def test_corrections_of_what_the_journal_has_forgotten_are_too_little(sqlite_url: str) -> None:
    async with world(sqlite_url) as w:
        await happens(w, 4)
        assert await w.journal.prune(w.clock.now() + DAY, up_to=w.grouping.position) > 0
    with pytest.raises(ConfigError, match="too little to learn from in the journal: 0 incidents"):
        await fit_database(sqlite_url, catalog=Catalog.empty(), out=io.StringIO())


async def test_what_nobody_looked_at_or_a_silence_held_says_nothing(sqlite_url: str) -> None:
    async with world(sqlite_url) as w:
        silences = Silences(w.database, w.clock, lambda: w.grouping.position)
        await silences.create(["service=wiki"], 30 * DAY, "", MIKA)
        await happens(w, 4)
        await told(w, [{"name": "Down", "service": "wiki", "severity": "critical"}])
        await told(w, [{"name": "Down", "service": "shop", "severity": "critical", "location": "us"}])
    out = io.StringIO()
    await fit_database(sqlite_url, catalog=Catalog.empty(), output=Path("/dev/null"), out=out)
    assert "48 of 49 alerts" in out.getvalue()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "learn from what?"),
        (["s.jsonl", "--database", "sqlite:///x.db"], "give one or the other"),
        (["--database", "sqlite+aiosqlite:///absent.db", "--truth", "t"], "--truth is for recorded FILES"),
    ],
)
def test_a_call_that_cannot_be_meant_is_answered_with_the_way_out(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.main(["fit", *arguments])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_settings_say_which_database_and_a_lost_journal_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str
) -> None:
    async def made() -> None:
        async with world(sqlite_url):
            pass

    asyncio.run(made())
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MUSTER_TESTS_COMPLETE", raising=False)  # no setting of Muster's
    assert cli.main(["fit", "--database", "sqlite+aiosqlite:///absent.db"]) == 1
    assert f"There is no database at {tmp_path}/absent.db." in capsys.readouterr().err
    monkeypatch.setenv("MUSTER_DATABASE_URL", sqlite_url)
    assert cli.main(["fit", "--database"]) == 1
    assert "corrected the grouping here never" in capsys.readouterr().err
    beside(Path(sqlite_url.partition("///")[2])).unlink()
    assert cli.main(["fit", "--database"]) == 1
    assert "There is no journal at" in capsys.readouterr().err
