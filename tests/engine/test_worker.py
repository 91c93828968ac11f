"""What is asked of the engine is answered, also when it makes no sense."""

import pytest

from bot.engine.host import Here
from bot.engine.messages import (
    Apart,
    Configure,
    Done,
    Failed,
    Find,
    Found,
    Hear,
    Keep,
    Kept,
    Merge,
    NumberFrom,
    Reading,
    Refused,
    Restore,
    Restored,
    Rules,
    Skipped,
    Split,
    Tell,
    Told,
    Weigh,
    Weighed,
    expect,
)
from bot.engine.worker import Worker
from correlation.alert import Alert, Change
from correlation.cookbook import DEFAULT_COOKBOOK
from correlation.topology import Service
from correlation.weights import shipped

RULES = Rules(
    recipes=DEFAULT_COOKBOOK.recipes,
    with_default=True,
    services=(Service(name="checkout", depends_on=("payments",)), Service(name="payments")),
    weights=shipped(),
)


def alert(name: str = "HighLatency", service: str = "checkout", **fields: object) -> Alert:
    given = {"at": 1_000.0, "location": "eu", "severity": "critical", "class_": "latency"} | fields
    return Alert(name=name, service=service, **given)  # type: ignore[arg-type]


def reading(position: int, *alerts: Alert, **fields: object) -> Reading:
    return Reading(position=position, received_at=2_000.0, alerts=list(alerts), muted=[None] * len(alerts), **fields)  # type: ignore[arg-type]


async def told(host: Here, *readings: Reading, most_opened: int = 40) -> Told:
    return expect(await host.ask(Tell(list(readings), most_opened)), Told)


async def test_what_it_is_told_comes_back_as_rows_and_groups_to_look_at() -> None:
    host = Here()
    deploy = Change(id="d1", at=900.0, title="checkout 2.0", service="checkout")
    answer = await told(host, reading(7, alert(), alert()), reading(8, alert("Errors", "payments"), changes=[deploy]))
    assert (answer.taken, answer.batch.position, answer.batch.alerts) == (2, 8, 3)
    assert [row[3] for row in answer.batch.settled.values()] == ["HighLatency", "Errors"]
    assert answer.batch.decisions == {"opened": 1, "repeat": 1, "joined": 1}
    (view,) = answer.batch.views.values()
    assert (view.size, view.suspects[0].change) == (2, "d1")


async def test_it_stops_where_many_groups_were_opened() -> None:
    host = Here()
    apart = [
        reading(n, alert(f"T{n}", f"s{n}", location=f"l{n}", environment=f"e{n}", class_=f"c{n}")) for n in range(5)
    ]
    answer = await told(host, *apart, most_opened=2)
    assert (answer.taken, answer.batch.position) == (2, 1)


async def test_what_was_kept_goes_on_as_if_nothing_had_happened() -> None:
    one, other = Here(), Here()
    await told(one, reading(1, alert(), alert("Errors", "payments")))
    kept = expect(await one.ask(Keep()), Kept).state
    restored = expect(await other.ask(Restore([kept], RULES)), Restored)
    assert (restored.chosen, restored.problems) == (0, [])
    more = reading(2, alert("Timeouts"), alert())
    assert await told(other, more) == await told(one, more)
    assert one.waits_until == other.waits_until


async def test_a_state_that_cannot_be_read_is_named_and_the_next_one_is_taken() -> None:
    host = Here()
    await told(host, reading(1, alert()))
    kept = expect(await host.ask(Keep()), Kept).state
    damaged = type(kept)(engine=b"damaged", watch=None, lesson=0)
    restored = expect(await Here().ask(Restore([damaged, kept], RULES)), Restored)
    assert restored.chosen == 1
    assert len(restored.problems) == 1
    nothing = expect(await host.ask(Restore([damaged], RULES)), Restored)
    assert nothing.chosen is None
    assert not expect(await host.ask(Find(["G1"])), Found).remembered


async def test_what_was_heard_before_is_told_without_an_answer() -> None:
    one, other = Here(), Here()
    await told(one, reading(1, alert()))
    expect(await other.ask(Hear([reading(1, alert())])), Done)
    more = reading(2, alert(), alert("Errors", "payments"))
    assert await told(other, more) == await told(one, more)


async def test_people_merge_and_split_and_what_makes_no_sense_is_refused() -> None:
    host = Here()
    await host.ask(Configure(RULES))
    answer = await told(host, reading(1, alert(), alert("DiskFull", "reports", location="us", class_="disk")))
    first, second = answer.batch.views
    expect(await host.ask(Merge(first, second)), Done)
    found = expect(await host.ask(Find([first, second, "G99"])), Found)
    assert (found.surviving[second], found.remembered) == (first, {first})
    assert isinstance(await host.ask(Merge(first, second)), Refused)
    assert isinstance(await host.ask(Merge(first, "G99")), Refused)
    disk = next(row[0] for row in answer.batch.settled.values() if row[3] == "DiskFull")
    assert expect(await host.ask(Split(first, [disk])), Apart).view.services == (("reports", 1),)
    assert isinstance(await host.ask(Split(first, [999])), Refused)


async def test_what_people_ruled_out_stays_ruled_out_in_later_views() -> None:
    host = Here()
    await host.ask(Configure(RULES))
    answer = await told(host, reading(1, alert(), alert("Errors", "payments")))
    (group,) = answer.batch.views
    likeliest = answer.batch.views[group].causes[0].name
    rankings = expect(await host.ask(Weigh(group, (likeliest,))), Weighed).rankings
    assert rankings is not None
    assert rankings.causes[0].name != likeliest
    later = (await told(host, reading(2, alert("Timeouts")))).batch
    assert later.rankings[group].ruled_out == (likeliest,)
    assert later.rankings[group].causes[0].name != likeliest
    assert expect(await host.ask(Weigh("G99", ())), Weighed).rankings is None


async def test_no_number_is_given_twice() -> None:
    host = Here()
    assert expect(await host.ask(NumberFrom(50, 7)), Skipped).any
    batch = (await told(host, reading(1, alert()))).batch
    assert (list(batch.settled), list(batch.views)) == ([50], ["G7"])


async def test_a_mistake_of_ours_is_an_answer_that_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(*_: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(Worker, "_tell", mistaken)
    answer = await Here().ask(Tell([reading(1, alert())], 40))
    assert isinstance(answer, Failed)
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        expect(answer, Told)


async def test_a_clock_that_is_a_little_ahead_counts_as_of_the_receipt_told_and_heard_again() -> None:
    first, again = Here(), Here()
    ahead = [reading(1, alert(at=2_100.0)), reading(2, alert("Errors", at=2_050.0))]
    await told(first, *ahead)
    assert expect(await again.ask(Hear(ahead)), Done)
    assert first.worker._engine.watermark == 2_000.0
    assert again.worker._engine.snapshot() == first.worker._engine.snapshot()
