"""What clears, fires again, flaps, gets worse, or is muted by a known cause: what the room is told of it."""

from dataclasses import replace
from typing import Any

from bot.catalog.catalog import Catalog
from bot.catalog.model import Service
from bot.incidents import store
from bot.incidents.lifecycle import SETTLE, settling
from bot.incidents.model import Incident
from bot.storage import tables, timers
from correlation.dedup import CALM
from tests.incidents.test_pipeline import alert
from tests.world import MIKA, World, world


def shop() -> Catalog:
    calls = {"web": ("checkout",), "checkout": ("payments-api",), "payments-api": ()}
    services = {name: Service(id=name, depends_on=others) for name, others in calls.items()}
    return replace(Catalog.empty(), services=services, digest="shop")


async def step(w: World, seconds: float, *alerts: dict[str, Any]) -> None:
    w.clock.advance(seconds)
    await w.post(*alerts)
    await w.settle()


async def flap(w: World, times: int, *, fires: bool = True) -> None:
    """So many changes, 40 s apart, of what fires now, or does not."""
    for n in range(times):
        await step(w, 40, alert(status="resolved" if (n % 2 == 0) is fires else "firing"))


async def settled(w: World) -> None:
    """The timer of what flaps comes due."""
    w.clock.advance(CALM + 1)
    handle = settling(w.incidents)[SETTLE]
    async with w.database.transaction() as work:
        (timer,) = [t for t in await timers.due(work.connection, w.clock.now(), limit=10) if t.kind == SETTLE]
        assert await timers.take(work, timer)
        await handle(work, timer, w.clock.now())
    await w.settle()
    w.clock.advance(5)  # the room's pace
    await w.settle()


async def told(w: World, words: str) -> list[str]:
    return [text for text in await w.said() if words in text]


async def buttons(w: World, words: str) -> list[str]:
    (row,) = [row for row in await w.rows(tables.messages) if words in row.text]
    return ["Resolve"] if '"resolve INC-' in row.view_json else []


async def test_what_fires_again_after_all_cleared_takes_the_question_back(database_url: str) -> None:
    async with world(database_url) as w:
        await step(w, 0, alert())
        await step(w, 60, alert(status="resolved"))
        assert await buttons(w, "cleared at") == ["Resolve"]
        await step(w, 60, alert())
        (notice,) = await told(w, "cleared at")
        assert "but since" in notice
        assert "checkout HighLatency fires again." in notice
        assert await buttons(w, "cleared at") == []
        (incident,) = await w.all_incidents()
        assert incident.cleared_at is None
        assert await w.story(1) == ["declared", "cleared", "fires_again"]


async def test_flapping_is_one_notice_kept_current_and_no_pairs_of_cleared_and_fires_again(database_url: str) -> None:
    async with world(database_url) as w:
        await step(w, 0, alert())
        await flap(w, 5)
        assert len(await told(w, "flapping: 5 changes in 3 min")) == 1
        before = len(await w.said())
        story = await w.story(1)
        await flap(w, 10, fires=False)
        assert len(await w.said()) == before
        assert len(await told(w, "flapping: 15 changes in 9 min")) == 1
        assert await w.story(1) == story
        assert story.count("flapping") == 1


async def test_what_flaps_is_not_over_until_it_stays_clear(database_url: str) -> None:
    async with world(database_url) as w:
        await step(w, 0, alert())
        await flap(w, 7)
        (incident,) = await w.all_incidents()
        assert incident.firing_count == 0
        assert incident.cleared_at is None
        await settled(w)
        (incident,) = await w.all_incidents()
        assert incident.cleared_at is not None
        assert await buttons(w, "cleared at") == ["Resolve"]
        assert len(await told(w, "made up its mind")) == 1


async def test_what_flaps_does_not_reopen_what_a_person_resolved_until_it_fires_on(database_url: str) -> None:
    async with world(database_url) as w:
        await step(w, 0, alert())
        await flap(w, 7)
        await w.incidents.resolve(1, MIKA)
        await flap(w, 3, fires=False)
        (incident,) = await w.all_incidents()
        assert incident.status == "resolved"
        await settled(w)
        (incident,) = await w.all_incidents()
        assert incident.status == "open"
        assert await told(w, "It fires on since.")


async def test_an_alert_that_gets_worse_raises_the_severity_and_says_why(database_url: str) -> None:
    async with world(database_url) as w:
        await step(w, 0, alert(severity="warning"))
        (incident,) = await w.all_incidents()
        assert incident.severity == "SEV4"
        await step(w, 30, alert(severity="critical"))
        (incident,) = await w.all_incidents()
        assert incident.severity == "SEV2"
        assert await told(w, "A1 checkout HighLatency is critical now, it was warning.")
        (row,) = await w.rows(tables.alerts)
        assert row.severity == "critical"


async def test_a_worse_alert_is_on_the_timeline_though_the_incident_is_as_bad(database_url: str) -> None:
    async with world(database_url) as w:
        await step(w, 0, alert(), alert("Errors", severity="warning"))
        await step(w, 30, alert("Errors", severity="error"))
        assert await w.story(1) == ["declared", "worse"]


async def test_an_end_does_not_change_how_bad_an_alert_was(database_url: str) -> None:
    async with world(database_url) as w:
        await step(w, 0, alert())
        await step(w, 30, {**alert(status="resolved"), "severity": "info"})
        (row,) = await w.rows(tables.alerts)
        assert (row.severity, row.status) == ("critical", "resolved")


async def test_effects_of_a_known_cause_join_in_silence_and_are_counted(database_url: str) -> None:
    async with world(database_url, catalog=shop()) as w:
        await step(w, 0, alert("PoolExhausted", service="payments-api"))
        await step(w, 20, alert("HighErrors"), alert("ErrorsOnPage", service="web", severity="error"))
        (incident,) = await w.all_incidents()
        assert dict(incident.services) == {"payments-api": 1, "checkout": 1, "web": 1}
        assert await told(w, "Spread to") == []
        assert incident.cause is not None
        assert incident.cause.effects == 2
        rows = {row.service: row for row in await w.rows(tables.alerts)}
        assert "inhibited by A1 payments-api pool exhausted" in rows["web"].reason
        assert "inhibition" in rows["web"].evidence_json
        assert any("2 alerts muted as effects" in text for text in await w.said())


async def test_an_effect_that_becomes_worse_than_its_cause_is_not_said_to_be_muted_any_more(database_url: str) -> None:
    async with world(database_url, catalog=shop()) as w:
        await step(w, 0, alert("PoolExhausted", service="payments-api", severity="error"))
        await step(w, 20, alert("HighErrors", severity="error"))
        (cause, effect) = await w.rows(tables.alerts)
        assert (cause.muted, effect.muted) == (False, True)
        assert store.told_reason(effect.reason, effect.muted) == effect.reason
        await step(w, 20, alert("HighErrors", severity="critical"))
        (_, effect) = await w.rows(tables.alerts)
        assert not effect.muted
        assert store.told_reason(effect.reason, effect.muted).endswith("No longer inhibited: it speaks for itself.")


async def test_an_effect_that_people_split_from_its_cause_speaks_for_itself(database_url: str) -> None:
    async with world(database_url, catalog=shop()) as w:
        await step(w, 0, alert("PoolExhausted", service="payments-api"))
        await step(w, 20, alert("HighErrors"), alert("ErrorsOnPage", service="web", severity="error"))
        await w.incidents.split(1, [2], MIKA)
        rows = {row.service: row for row in await w.rows(tables.alerts)}
        assert (rows["checkout"].muted, rows["web"].muted) == (False, True)


async def test_what_is_likely_is_told_anew_when_people_merge_and_split(database_url: str) -> None:
    def likely(incident: Incident) -> tuple[str, int, str]:
        assert incident.cause is not None
        return incident.cause.service, incident.cause.effects, incident.location

    async with world(database_url, catalog=shop()) as w:
        await step(w, 0, alert("PoolExhausted", service="payments-api"))
        await step(w, 20, alert("HighErrors"), alert("ErrorsOnPage", service="web", severity="error"))
        await step(w, 20, alert("Slow", service="checkout", location="us-east-1"))
        await step(w, 20, alert("Slow", service="web", location="us-east-1", severity="error"))
        one, other = sorted(await w.all_incidents(), key=lambda incident: incident.number)
        assert (likely(one), likely(other)) == (("payments-api", 2, "eu-west-1"), ("checkout", 1, "us-east-1"))
        whole = await w.incidents.merge(1, 2, MIKA)
        assert likely(whole) == ("payments-api", 3, "")
        new = await w.incidents.split(1, [4, 5], MIKA)
        assert likely(new) == ("checkout", 1, "us-east-1")
        await w.incidents.split(1, [2], MIKA)
        rest = {incident.number: incident for incident in await w.all_incidents()}[1]
        assert likely(rest) == ("payments-api", 1, "eu-west-1")
        assert rest.cause is not None
        assert not any(other.startswith("checkout") for other in rest.cause.others)


async def test_what_is_worse_than_the_cause_or_elsewhere_is_told(database_url: str) -> None:
    async with world(database_url, catalog=shop()) as w:
        await step(w, 0, alert("PoolExhausted", service="payments-api", severity="error"))
        await step(w, 20, alert("HighErrors"))
        assert len(await told(w, "Spread to checkout")) == 1
        await step(w, 20, alert("HighErrors", location="us-east-1"))
        assert len(await w.all_incidents()) == 2


async def test_how_often_a_held_alert_flaps_is_kept_current(database_url: str) -> None:
    async with world(database_url) as w:
        for n in range(13):
            await step(w, 40, alert("Notice", severity="info", status="resolved" if n % 2 else "firing"))
        (row,) = await w.rows(tables.alerts)
        assert row.held == "Held: flapping: 12 changes in 7 min."
        assert await w.all_incidents() == []
