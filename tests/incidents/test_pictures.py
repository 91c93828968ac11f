"""Pictures of incidents: what they show, that they are drawn alike, and that a storm draws few of them."""

from __future__ import annotations

import asyncio
import io
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from matplotlib.image import imread

from bot.catalog.catalog import Catalog
from bot.changes import ledger
from bot.clock import ManualClock
from bot.errors import NotFound
from bot.incidents import pictures, store
from bot.incidents.axis import Axis, Lane, Worst
from bot.incidents.drawing import draw
from bot.incidents.drawing_process import NotDrawn, Wanted
from bot.incidents.model import Incident
from bot.incidents.parts import Cause, Suspect
from bot.incidents.pictures import AGAIN, BUDGET, FIRST, FRESH, WORTH, Pictures
from bot.incidents.sketch import ROWS, SIGNS, Sketch, sketch
from bot.storage.database import Database
from correlation.alert import Change
from tests import sqlite
from tests.drawn import drawn_here
from tests.rows import keep_alert, keep_incident

START = 1_767_603_600.0  # 2026-01-05 09:00 UTC
HOSTILE = "$x^2$ <script> \u202egnp.exe \x00 \u65e5\u672c \\frac{1}{0} " + "x" * 5_000


def lane(service: str, counts: list[int], worst: Worst = "error") -> Lane:
    return Lane(service=service, counts=counts, worst=[worst if count else None for count in counts], firing=counts[-1])


def sketched(
    *lanes: Lane, changes: list[tuple[Change, bool]] | None = None, title: str = "checkout latency", cause: str = ""
) -> Sketch:
    incident = Incident(
        number=42,
        title=title,
        severity="SEV2",
        status_since=START,
        opened_at=START,
        first_alert_at=START,
        last_alert_at=START,
        services=[(one.service, max(one.counts)) for one in lanes],
        alert_count=37,
        firing_count=30,
        cause=Cause(service=cause, words="first to fail", score=0.9) if cause else None,
    )
    return sketch(incident, Axis(START, 60, 4), lanes, changes or [])


def change(at: float, service: str = "payments-api", revision: str = "a1b2c3d4e5") -> Change:
    return Change(id=f"{service}:{at}", at=at, title="", service=service, revision=revision)


def test_the_cause_stands_first_and_what_has_no_room_shares_the_last_row() -> None:
    lanes = [lane(f"service-{n}", [0, n, 20 - n, 1]) for n in range(12)]
    made = sketched(*lanes, cause="service-7")
    assert len(made.rows) == ROWS
    assert [row.cause for row in made.rows] == [True] + [False] * (ROWS - 1)
    assert made.rows[0].name == "service-7"
    assert made.rows[-1].name == "5 more services"
    assert made.rows[-1].counts == (0, 44, 56, 5)  # of 6, 8, 9, 10 and 11


def test_the_words_say_what_the_picture_shows() -> None:
    made = sketched(
        lane("checkout", [0, 4, 21, 20]), lane("cart", [0, 0, 9, 9]), changes=[(change(START + 30), True)], cause="cart"
    )
    assert made.words == (
        "Alerts over time: 37 alerts on 2 services, 30 firing. Most at once: cart 9 at 09:02, checkout 21 at 09:02 UTC. "
        "Changes: deploy payments-api a1b2c3d4 at 09:00 UTC."
    )
    assert sketched(lane("cart", [0, 0, 0, 1])).words.endswith("No change nearby.")


def test_changes_are_named_in_their_order_and_the_others_are_counted() -> None:
    made = sketched(lane("cart", [1, 1, 1, 1]), changes=[(change(START + 200 - n * 10), n < 2) for n in range(9)])
    assert len(made.signs) == SIGNS
    assert [sign.at for sign in made.signs] == sorted(sign.at for sign in made.signs)
    assert made.more == 9 - SIGNS
    assert sum(sign.suspect for sign in made.signs) == 2


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_same_sketch_is_the_same_picture_as_wide_as_a_phone_needs(theme: str) -> None:
    made = sketched(lane("checkout", [0, 4, 21, 20], "critical"), changes=[(change(START + 30), True)])
    png = draw(made, "Europe/Berlin", "light" if theme == "light" else "dark")
    assert png == draw(made, "Europe/Berlin", "light" if theme == "light" else "dark")
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    assert width == 1200
    assert 500 < height < 1500
    assert draw(made, "UTC") != draw(made, "Asia/Tokyo")


def test_whatever_an_alert_is_called_it_can_be_drawn() -> None:
    made = sketched(
        lane(HOSTILE, [0, 10**9, 0, 1]),
        lane("", [0, 0, 0, 0]),
        changes=[(change(START - 10**6, HOSTILE, HOSTILE), True), (change(START + 10**6), False)],
        title=HOSTILE,
    )
    assert len(draw(made)) < 200_000
    assert "\u202e" not in made.words
    assert len(draw(sketched())) > 1_000  # of nothing


def right_edge(png: bytes) -> set[tuple[int, ...]]:
    """The colours of the last pixels of every line."""
    pixels = imread(io.BytesIO(png))
    return {tuple(int(value * 255) for value in pixel) for pixel in pixels[:, -8:].reshape(-1, pixels.shape[2])}


@pytest.mark.parametrize("letter", ["W", "\u05e9", "$", "\U0001f525", "\u505c"])
def test_however_wide_its_letters_are_nothing_runs_over_the_edge(letter: str) -> None:
    wide = letter * 500
    made = sketched(
        lane(wide, [1, 2, 3, 4]),
        lane(f"{wide}2", [0, 0, 1, 1]),
        changes=[(change(START, wide), True)],
        title=wide,
        cause=wide,
    )
    assert len(right_edge(draw(made))) == 1


# --- how often --------------------------------------------------------------------------------------------------------


class Easel:
    """Draws here; it can be made to wait, and to fail."""

    def __init__(self) -> None:
        self.free, self.broken, self.asked = asyncio.Event(), False, 0
        self.free.set()

    async def draw(self, wanted: Wanted) -> bytes:
        self.asked += 1
        await self.free.wait()
        if self.broken:
            raise NotDrawn("The drawing process ended by signal 9.")
        return await drawn_here(wanted)


class Scene:
    def __init__(self, database: Database) -> None:
        self.database, self.clock = database, ManualClock(START)
        self.easel = Easel()
        self.pictures = Pictures(database, self.clock, Catalog.empty, self.easel.draw)

    async def incident(self, alerts: int = WORTH) -> Incident:
        async with self.database.transaction() as work:
            return await keep_incident(
                work, START - 60, alert_count=alerts, firing_count=alerts, services=[("cart", 1)]
            )

    async def more(self, incident: Incident) -> Incident:
        incident.alert_count += 1
        async with self.database.transaction() as work:
            await store.save(work, incident)
        return incident


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    database = await Database.open(sqlite.url(tmp_path))
    try:
        yield Scene(database)
    finally:
        await database.close()


async def test_a_new_card_waits_for_no_picture(scene: Scene) -> None:
    incident = await scene.incident()
    assert await scene.pictures.for_card(incident, first=True) == (None, START + FIRST)
    scene.clock.advance(FIRST)
    picture, again = await scene.pictures.for_card(incident, first=False)
    assert picture is not None
    assert (picture.incident, picture.name, again) == (incident.ref, f"{incident.ref}-alerts.png", None)


async def test_a_few_alerts_are_said_in_words(scene: Scene) -> None:
    assert await scene.pictures.for_card(await scene.incident(WORTH - 1), first=False) == (None, None)


async def test_a_card_keeps_its_picture_a_minute_and_is_drawn_again_then(scene: Scene) -> None:
    incident = await scene.incident()
    first, _ = await scene.pictures.for_card(incident, first=False)
    for _ in range(50):
        scene.clock.advance(1)
        kept, again = await scene.pictures.for_card(await scene.more(incident), first=False)
        assert kept is first
        assert again == START + AGAIN
    scene.clock.advance(AGAIN)
    later, again = await scene.pictures.for_card(incident, first=False)
    assert later is not None
    assert first is not None
    assert later.digest != first.digest
    assert again is None


async def test_what_did_not_change_is_not_drawn_again(scene: Scene) -> None:
    incident = await scene.incident()
    first, _ = await scene.pictures.for_card(incident, first=False)
    scene.clock.advance(3600)
    assert await scene.pictures.for_card(incident, first=False) == (first, None)


async def test_a_storm_of_incidents_draws_a_bounded_number_in_a_minute(scene: Scene) -> None:
    incidents = [await scene.incident() for _ in range(BUDGET + 3)]
    looked = [await scene.pictures.for_card(incident, first=False) for incident in incidents]
    assert sum(picture is not None for picture, _ in looked) == BUDGET
    assert {again for picture, again in looked if picture is None} == {START + AGAIN}
    scene.clock.advance(AGAIN)
    assert (await scene.pictures.for_card(incidents[-1], first=False)).picture is not None


async def test_who_asks_gets_the_present_picture_with_the_suspect_change(scene: Scene) -> None:
    incident = await scene.incident()
    suspect = change(START - 120, "cart")
    async with scene.database.transaction() as work:
        await keep_alert(work, 1, START - 30, group_id=f"G{incident.number}")
        await ledger.record(work, [suspect])
        incident.suspects = [Suspect(change=suspect.id, score=0.9, reasons=())]
        await store.save(work, incident)
    picture = await scene.pictures.of(incident.number)
    assert picture is not None
    assert "cart 1 at 08:59" in picture.alt
    assert "deploy cart a1b2c3d4 at 08:58" in picture.alt
    assert await scene.pictures.of(incident.number) is picture
    light = await scene.pictures.of(incident.number, light=True)
    assert light is not None
    assert light.digest != picture.digest
    scene.clock.advance(FRESH)
    assert await scene.pictures.of(incident.number) is not picture


async def test_without_alerts_there_is_nothing_to_draw(scene: Scene) -> None:
    assert await scene.pictures.of((await scene.incident(0)).number) is None
    with pytest.raises(NotFound):
        await scene.pictures.of(99)


# --- when drawing is slow, or fails -----------------------------------------------------------------------------------


async def test_a_card_waits_a_moment_for_its_picture_and_shows_it_the_next_time(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "CARD_PATIENCE", 0.01)
    incident = await scene.incident()
    scene.easel.free.clear()
    for _ in range(3):
        assert await scene.pictures.for_card(incident, first=False) == (None, scene.clock.now() + FIRST)
        scene.clock.advance(FIRST)
    assert scene.easel.asked == 1  # it is still being drawn
    scene.easel.free.set()
    monkeypatch.setattr(pictures, "CARD_PATIENCE", 60.0)
    drawn = await scene.pictures.for_card(incident, first=False)
    assert drawn.picture is not None
    assert drawn.again is None
    assert await scene.pictures.for_card(incident, first=False) == drawn
    assert scene.easel.asked == 1


async def test_who_waits_for_the_picture_before_looks_again_for_what_came_since(scene: Scene) -> None:
    incident = await scene.incident()
    scene.easel.free.clear()
    first = asyncio.create_task(scene.pictures.for_card(incident, first=False))
    while not scene.easel.asked:
        await asyncio.sleep(0)
    second = asyncio.create_task(scene.pictures.for_card(await scene.more(incident), first=False))
    await asyncio.sleep(0)
    scene.easel.free.set()
    shown = await first
    assert await second == (shown.picture, START + AGAIN)


async def test_many_who_ask_at_once_are_shown_the_same_drawing(scene: Scene) -> None:
    incident = await scene.incident()
    shown = await asyncio.gather(*[scene.pictures.of(incident.number) for _ in range(20)])
    assert scene.easel.asked == 1
    assert len({picture.digest for picture in shown if picture is not None}) == 1


@pytest.mark.parametrize("slow", [True, False])
async def test_where_it_cannot_be_drawn_people_are_told_in_words(
    scene: Scene, slow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await scene.incident()
    scene.easel.broken = True
    if slow:
        scene.easel.free.clear()
        monkeypatch.setattr(pictures, "PATIENCE", 0.01)
    told = await scene.pictures.of(incident.number)
    assert told is not None
    assert (told.png, told.digest) == (b"", "")
    assert told.alt.startswith("Alerts over time: 10 alerts on cart")
    await scene.pictures.close()


async def test_a_card_keeps_its_picture_where_the_next_cannot_be_drawn_and_tries_again_when_something_happens(
    scene: Scene,
) -> None:
    incident = await scene.incident()
    before, _ = await scene.pictures.for_card(incident, first=False)
    scene.clock.advance(AGAIN)
    incident = await scene.more(incident)
    scene.easel.broken = True
    for _ in range(3):
        assert await scene.pictures.for_card(incident, first=False) == (before, None)
    assert scene.easel.asked == 2
    incident = await scene.more(incident)
    assert await scene.pictures.for_card(incident, first=False) == (before, START + 2 * AGAIN)
    scene.clock.advance(AGAIN)
    scene.easel.broken = False
    after, _ = await scene.pictures.for_card(incident, first=False)
    assert after is not None
    assert after is not before


async def test_what_is_being_drawn_when_muster_stops_is_not_waited_for(scene: Scene) -> None:
    incident = await scene.incident()
    scene.easel.free.clear()
    asked = asyncio.create_task(scene.pictures.of(incident.number))
    while not scene.easel.asked:
        await asyncio.sleep(0)
    await scene.pictures.close()
    with pytest.raises(asyncio.CancelledError):
        await asked
