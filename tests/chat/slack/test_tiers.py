"""We are never faster than Slack allows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.chat.slack import tiers
from bot.chat.slack.tiers import Tiers
from tests.fakes.slack.limits import TIERS
from tests.fakes.slack.tables import RULES

SOURCES = Path(tiers.__file__).parent.glob("*.py")
CALLED = sorted(
    {name for path in SOURCES for name in re.findall(r'"(\w+\.\w+(?:\.\w+)?)"', path.read_text())} & set(RULES)
)


@pytest.mark.parametrize("method", CALLED)
def test_each_method_that_is_called_keeps_its_tier(method: str) -> None:
    pace, turns = Tiers(), 0
    while turns < 1_000 and pace.wait(method, f"C{turns}") == 0.0:
        pace.done(method)
        turns += 1
    most = 300 if method == "chat.postMessage" else TIERS[RULES[method].tier]
    assert 0 < turns < most


def test_a_call_that_is_not_answered_yet_counts() -> None:
    pace = Tiers()
    turns = sum(pace.wait("conversations.create") == 0.0 for _ in range(100))
    assert turns == 18
    assert pace.wait("conversations.create") > 0.0


def test_a_channel_has_a_short_burst_and_then_a_message_a_second() -> None:
    pace = Tiers()
    assert [pace.wait("chat.postMessage", "C1") == 0.0 for _ in range(4)] == [True, True, True, False]
    assert pace.wait("chat.postMessage", "C2") == 0.0


def test_what_slack_refused_waits_as_long_as_slack_says() -> None:
    pace = Tiers()
    pace.refused("chat.update", 30.0)
    assert 29.0 < pace.wait("chat.update") <= 30.0
