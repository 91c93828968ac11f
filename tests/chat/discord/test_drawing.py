"""Views drawn for Discord: nothing an alert wrote does anything, no limit is ever passed, and the words are the ones we chose."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.chat.discord.drawing import Drawn, draw
from bot.chat.views import Card, Reply, View
from tests.chat import hostile
from tests.chat.discord import specs

# What failed is said by the assertion; hostile arguments are too long to print.
pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
NOW = 1_767_603_600.0  # 2026-01-05 09:00 UTC
quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def known(person: str) -> str:
    return {"robin": "80351110224678912", "mika": "80351110224678913"}.get(person, "")


def drawn(view: View | Reply, **arguments: Any) -> Drawn:
    made = draw(view, known, now=NOW, **arguments)
    specs.check_components(made.view.to_components())
    assert 1 <= specs.units(made.text) <= 2_000
    assert made.view.is_finished()
    return made


@quick
@given(hostile.cards)
def test_no_card_passes_a_limit(view: Card) -> None:
    drawn(view)


@quick
@given(st.one_of(hostile.notices, hostile.pages, hostile.replies))
def test_no_message_passes_a_limit(view: View | Reply) -> None:
    drawn(view)
