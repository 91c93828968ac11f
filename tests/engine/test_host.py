"""The engine in a process of its own: the same answers, and what happens when that process or whoever asks is gone."""

import asyncio
from collections.abc import AsyncIterator

import psutil
import pytest

from bot.engine.host import EngineLost, EngineProcess, Here
from bot.engine.messages import Find, Found, Hear, Keep, Kept, Restore, Tell, Told, expect
from tests.engine.test_worker import RULES, alert, reading
from tests.processes import eventually


@pytest.fixture
async def host() -> AsyncIterator[EngineProcess]:
    host = EngineProcess()
    await host.start()
    yield host
    await host.close()


def process_of(host: EngineProcess) -> psutil.Process:
    assert host.pid is not None
    return psutil.Process(host.pid)


async def test_its_answers_are_those_of_an_engine_here(host: EngineProcess) -> None:
    here = Here()
    for position in range(5):
        alerts = [alert(f"T{n}", f"service-{n % 3}", host=f"h{n}") for n in range(position * 100)]
        request = Tell([reading(position, *alerts)], 40)
        assert await host.ask(request) == await here.ask(request)
        assert host.waits_until == here.waits_until
    kept = expect(await host.ask(Keep()), Kept).state
    assert expect(await here.ask(Keep()), Kept).state == kept


async def test_what_is_asked_at_once_is_answered_one_after_the_other(host: EngineProcess) -> None:
    requests = [Tell([reading(n, alert(f"T{n}"))], 40) for n in range(20)]
    answers = await asyncio.gather(*(host.ask(request) for request in requests))
    assert [expect(answer, Told).batch.position for answer in answers] == list(range(20))


async def test_who_is_cancelled_leaves_the_next_answer_as_it_is(host: EngineProcess) -> None:
    many = Tell([reading(1, *[alert(f"T{n}", host=f"h{n}") for n in range(3_000)])], 40)
    asking = asyncio.create_task(host.ask(many))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert expect(await host.ask(Find(["G1"])), Found).remembered == {"G1"}


async def test_when_it_was_killed_it_is_started_again_and_knows_nothing(host: EngineProcess) -> None:
    await host.ask(Hear([reading(1, alert())]))
    kept = expect(await host.ask(Keep()), Kept).state
    process_of(host).kill()
    with pytest.raises(EngineLost, match="started again"):
        await host.ask(Keep())
    assert expect(await host.ask(Find(["G1"])), Found).remembered == set()
    await host.ask(Restore([kept], RULES))
    assert expect(await host.ask(Find(["G1"])), Found).remembered == {"G1"}


async def test_it_is_killed_while_it_answers(host: EngineProcess) -> None:
    many = Tell([reading(1, *[alert(f"T{n}", host=f"h{n}") for n in range(20_000)])], 40)
    asking = asyncio.create_task(host.ask(many))
    await asyncio.sleep(0)
    process_of(host).kill()
    with pytest.raises(EngineLost):
        await asking
    assert expect(await host.ask(Find([])), Found).remembered == set()


async def test_signals_that_stop_muster_do_not_stop_it(host: EngineProcess) -> None:
    process = process_of(host)
    await host.ask(Find([]))  # it runs
    process.terminate()
    assert expect(await host.ask(Find([])), Found)
    assert process.is_running()


async def test_closing_ends_it_and_nothing_is_started_after() -> None:
    host = EngineProcess()
    await host.start()
    process = process_of(host)
    await host.close()
    assert not process.is_running()
    with pytest.raises(EngineLost, match="stops"):
        await host.ask(Find([]))
    await host.close()


async def test_secrets_of_the_environment_do_not_go_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-of-nobody")
    host = EngineProcess()
    await host.start()
    try:

        async def known() -> dict[str, str]:
            return process_of(host).environ()

        assert "SLACK_BOT_TOKEN" not in await eventually(known, "its environment can be read")
    finally:
        await host.close()
