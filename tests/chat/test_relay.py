"""The relay against a gateway that fails as real ones do: order, retries, coalescing, nothing twice, nothing lost."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select

from bot.chat.outbox import Effect, enqueue, room_lane
from bot.chat.relay import DROPPED, Relay, Settlement
from bot.clock import ManualClock
from bot.errors import Permanent, Retryable
from bot.storage import tables
from bot.storage.database import Database, Transaction
from bot.telemetry import Metrics

Script = Callable[[Effect], Awaitable[Any]]


class Stage:
    """A relay whose only executor does what the test says."""

    def __init__(self, database: Database) -> None:
        self.database, self.clock = database, ManualClock()
        self.sent: list[str] = []
        self.script: Script | None = None
        self.relay = self.fresh_relay()

    def fresh_relay(self) -> Relay:
        gateways: Any = {"console": object()}
        return Relay(
            self.database,
            self.clock,
            gateways=gateways,
            executors=dict.fromkeys(("post", "card"), self._execute),
            metrics=Metrics(),
        )

    async def _execute(self, effect: Effect, gateway: Any) -> Any:
        result = await self.script(effect) if self.script else None
        self.sent.append(effect.payload["text"])
        return result

    async def ask(self, text: str, *, incident: int = 1, kind: str = "post", subject: str | None = None) -> None:
        async with self.database.transaction() as work:
            await enqueue(
                work,
                platform="console",
                lane=room_lane("console", incident),
                kind=kind,
                payload={"text": text},
                at=self.clock.now(),
                subject=subject,
            )

    async def states(self) -> list[str]:
        async with self.database.reading() as connection:
            return list(
                (await connection.execute(select(tables.effects.c.state).order_by(tables.effects.c.id))).scalars()
            )


@pytest.fixture
def stage(database: Database) -> Stage:
    return Stage(database)


async def test_a_lane_keeps_its_order(stage: Stage) -> None:
    for n in range(50):
        await stage.ask(str(n))
    await stage.relay.drain()
    assert stage.sent == [str(n) for n in range(50)]
    assert set(await stage.states()) == {"done"}


async def test_a_lane_that_has_to_wait_holds_back_only_itself(stage: Stage) -> None:
    async def away(effect: Effect) -> None:
        if effect.lane.endswith("INC-1"):
            raise Retryable("away", retry_after=30)

    stage.script = away
    for n in range(3):
        await stage.ask(f"one {n}", incident=1)
        await stage.ask(f"two {n}", incident=2)
    await stage.relay.drain()
    assert stage.sent == ["two 0", "two 1", "two 2"]
    stage.script = None
    stage.clock.advance(29)
    await stage.relay.drain()
    assert len(stage.sent) == 3
    stage.clock.advance(2)
    await stage.relay.drain()
    assert stage.sent[3:] == ["one 0", "one 1", "one 2"]


async def test_what_can_never_arrive_is_buried_and_the_lane_goes_on(stage: Stage) -> None:
    async def refuse(effect: Effect) -> None:
        if effect.payload["text"] == "bad":
            raise Permanent("no such room")

    stage.script = refuse
    for text in ("a", "bad", "b"):
        await stage.ask(text)
    await stage.relay.drain()
    assert stage.sent == ["a", "b"]
    assert await stage.states() == ["done", "dead", "done"]


async def test_a_mistake_of_ours_costs_one_effect(stage: Stage) -> None:
    async def stumble(effect: Effect) -> None:
        if effect.payload["text"] == "bad":
            raise RuntimeError("a mistake")

    stage.script = stumble
    for text in ("a", "bad", "b"):
        await stage.ask(text)
    await stage.relay.drain()
    assert stage.sent == ["a", "b"]


async def test_two_hundred_changes_of_a_card_are_one_edit(stage: Stage) -> None:
    for n in range(200):
        await stage.ask(str(n), kind="card", subject="card")
    await stage.relay.drain()
    assert stage.sent == ["199"]


async def test_a_change_during_the_edit_is_drawn_afterwards(stage: Stage) -> None:
    async def change_meanwhile(effect: Effect) -> None:
        stage.script = None
        await stage.ask("after", kind="card", subject="card")

    stage.script = change_meanwhile
    await stage.ask("before", kind="card", subject="card")
    await stage.relay.drain()
    stage.clock.advance(2)
    await stage.relay.drain()
    assert stage.sent == ["before", "after"]
    assert await stage.states() == ["done"]


async def test_a_paced_card_does_not_hold_back_a_post(stage: Stage) -> None:
    await stage.ask("card 1", kind="card", subject="card")
    await stage.relay.drain()
    await stage.ask("card 2", kind="card", subject="card")
    await stage.ask("post")
    await stage.relay.drain()
    assert stage.sent == ["card 1", "post"]
    stage.clock.advance(2)
    await stage.relay.drain()
    assert stage.sent == ["card 1", "post", "card 2"]


async def test_what_the_state_no_longer_wants_is_dropped(stage: Stage) -> None:
    async def drop(effect: Effect) -> Any:
        return DROPPED

    stage.script = drop
    await stage.ask("page")
    await stage.relay.drain()
    assert await stage.states() == ["dropped"]


async def test_an_effect_that_was_not_settled_is_sent_again_with_the_same_nonce(stage: Stage) -> None:
    nonces: list[str] = []

    async def crash_after_sending(effect: Effect) -> None:
        nonces.append(effect.nonce)
        if len(nonces) == 1:
            raise KeyboardInterrupt

    stage.script = crash_after_sending
    await stage.ask("a")
    relay = stage.relay
    async with stage.database.reading() as connection:
        from bot.chat import outbox

        (effect,) = await outbox.pending(connection, room_lane("console", 1))
    with pytest.raises(KeyboardInterrupt):
        await stage._execute(effect, None)
    await stage.fresh_relay().drain()
    assert relay is not None
    assert nonces[0] == nonces[1]
    assert await stage.states() == ["done"]


async def test_what_was_sent_but_cannot_be_settled_costs_only_itself(stage: Stage) -> None:
    tries: list[str] = []

    async def unsettled(effect: Effect) -> Any:
        tries.append(effect.payload["text"])

        async def settled(_work: Any) -> None:
            raise RuntimeError("a mistake of ours")

        return settled if effect.payload["text"] == "bad" else None

    stage.script = unsettled
    for text in ("a", "bad", "b"):
        await stage.ask(text)
    await stage.relay.drain()
    assert tries == ["a", "bad", "b"]
    assert await stage.states() == ["done", "dead", "done"]


async def test_many_paced_edits_do_not_hold_back_what_people_wait_for(stage: Stage) -> None:
    for n in range(50):
        await stage.ask(f"card {n}", kind="card", subject=f"card {n}")
    await stage.ask("page")
    await stage.relay.drain()
    assert stage.sent == ["card 0", "page"]
    for _ in range(49):
        stage.clock.advance(1)
        await stage.relay.drain()
    assert stage.sent == ["card 0", "page", *(f"card {n}" for n in range(1, 50))]


async def test_a_clock_that_is_set_back_holds_nothing_back(stage: Stage) -> None:
    await stage.ask("card 1", kind="card", subject="card")
    await stage.relay.drain()
    await stage.ask("post")
    await stage.ask("card 2", kind="card", subject="card")
    stage.clock.advance(-3600)
    await stage.relay.drain()
    stage.clock.advance(1)
    await stage.relay.drain()
    assert stage.sent == ["card 1", "post", "card 2"]


async def test_what_people_wait_for_passes_a_card_that_has_to_wait(stage: Stage) -> None:
    async def busy(effect: Effect) -> None:
        if effect.kind == "card":
            raise Retryable("edits have to wait", retry_after=30)

    stage.script = busy
    await stage.ask("card", kind="card", subject="card")
    await stage.ask("a page")
    await stage.relay.drain()
    assert stage.sent == ["a page"]
    stage.script = None
    stage.clock.advance(31)
    await stage.relay.drain()
    assert stage.sent == ["a page", "card"]


async def test_a_platform_of_our_own_tables_is_written_and_settled_at_once(database: Database) -> None:
    stage, seen = Stage(database), list[Any]()

    class Tables:
        def within(self, work: Transaction) -> Any:
            seen.append(work)
            return self

    async def writes(effect: Effect, _gateway: Any) -> Settlement:
        async def settled(work: Transaction) -> None:
            seen.append(work)

        stage.sent.append(effect.payload["text"])
        return settled

    gateways: Any = {"console": Tables()}
    relay = Relay(database, stage.clock, gateways=gateways, executors={"post": writes}, metrics=Metrics())
    await stage.ask("hello")
    await relay.drain()
    assert len(seen) == 2
    assert seen[0] is seen[1]
    assert await stage.states() == ["done"]
