"""How often a session with Discord may begin: a few at once, then so that a day's thousand are never used up."""

from __future__ import annotations

import pytest

from bot.chat.discord import socket
from bot.chat.discord.socket import EVERY, FEW, SPACE, Identifies


class Clock:
    """Stands in for the machine's."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(socket, "time", type("Time", (), {"monotonic": staticmethod(made)}))
    return made


def day(clock: Clock, identifies: Identifies) -> int:
    """How many sessions a client that always wants another one begins in a day."""
    end, begun = clock.now + 86_400.0, 0
    while clock.now < end:
        clock.now += identifies.wait()
        identifies.take()
        begun += 1
    return begun


def test_a_client_that_fails_all_day_stays_within_a_days_sessions(clock: Clock) -> None:
    assert 0.8 * 86_400 / EVERY < day(clock, Identifies()) < 1_000


def test_a_few_may_follow_each_other_as_fast_as_discord_lets_them(clock: Clock) -> None:
    identifies = Identifies()
    waits = []
    for _ in range(FEW + 1):
        waits.append(identifies.wait())
        clock.now += waits[-1]
        identifies.take()
    assert waits[0] == 0.0
    assert all(wait == pytest.approx(SPACE) for wait in waits[1:FEW])
    assert waits[FEW] > EVERY / 2


def test_when_discord_says_that_few_are_left_the_rest_of_the_day_is_waited_for(clock: Clock) -> None:
    identifies = Identifies()
    identifies.told(900, 7_200.0)
    assert identifies.wait() == 0.0
    identifies.told(3, 7_200.0)
    assert identifies.wait() == pytest.approx(7_200.0)
    clock.now += 7_200.0
    assert identifies.wait() == 0.0
