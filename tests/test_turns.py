"""People first: bulk work waits for whoever waits for an answer, but not for ever."""

from __future__ import annotations

import asyncio

from bot.turns import STAYS, Turns


async def test_bulk_work_waits_until_people_have_their_answer() -> None:
    turns, order = Turns(longest=5.0), list[str]()

    async def person() -> None:
        with turns.of_a_person():
            for _ in range(5):  # as a command waits for its statements
                await asyncio.sleep(0)
            order.append("answered")

    async def bulk() -> None:
        await asyncio.sleep(0)
        await turns.give()
        order.append("a piece")

    await asyncio.gather(person(), bulk())
    assert order == ["answered", "a piece"]


async def test_nobody_is_waited_for_beyond_the_limit_until_it_is_renewed() -> None:
    turns = Turns(longest=0.01)
    loop = asyncio.get_running_loop()
    with turns.of_a_person():
        await turns.give()
        assert turns._left <= 0.0
        before = loop.time()
        for _ in range(100):
            await turns.give()
        assert turns._left <= 0.0
        assert loop.time() - before < 5.0
        turns.renew()
        assert turns._left > 0.0


async def test_without_people_everybody_else_has_a_turn() -> None:
    turns, others = Turns(), list[int]()
    task = asyncio.create_task(_note(others))
    await turns.give()
    assert others == [1]
    await task


async def _note(others: list[int]) -> None:
    others.append(1)


async def test_who_was_served_lately_is_expected_to_ask_again() -> None:
    turns = Turns()
    assert not turns.attended
    with turns.of_a_person():
        assert turns.attended
    assert turns.attended
    turns._served_at -= 2 * STAYS
    assert not turns.attended
