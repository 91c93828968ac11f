"""The home tab: what waits for somebody, within Slack's limits."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.chat.slack.home import Entry, Home, home_view
from bot.chat.views import Button, Moment, Person, Strong
from tests.chat import hostile
from tests.chat.slack import specs

# What failed is said by the assertion; hostile arguments are too long to print.
pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")

entries = hostile.repeated(
    st.builds(Entry, said=hostile.said(), details=hostile.repeated(hostile.said(3)), buttons=hostile.buttons)
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.builds(
        Home,
        pages=entries,
        incidents=entries,
        others=st.integers(-1, 10**9),
        on_call=hostile.repeated(hostile.said()),
    )
)
def test_no_home_passes_a_limit(home: Home) -> None:
    specs.check_view("HomeView", home_view(home, now=1.77e9))


def test_what_waits_comes_first_then_what_is_mine_then_who_is_on_call() -> None:
    home = Home(
        pages=(
            Entry(
                said=(Strong("SEV2 INC-42"), " checkout latency"),
                details=(("37 alerts on 4 services",),),
                buttons=(Button(label="Acknowledge", command="ack INC-42", style="primary"),),
            ),
        ),
        incidents=(Entry(said=(Strong("SEV3 INC-40"), " cart slow: acknowledged for 2 h, you lead")),),
        others=2,
        on_call=(("payments: ", Person("mika", "Mika Laine"), " until ", Moment(1_767_603_600.0)),),
    )
    assert specs.shown(home_view(home, now=1_767_600_000.0)["blocks"]) == (
        "# Waiting for you\n"
        "SEV2 INC-42 checkout latency\n"
        "37 alerts on 4 services\n"
        "[Acknowledge]\n"
        "# Your incidents\n"
        "SEV3 INC-40 cart slow: acknowledged for 2 h, you lead\n"
        "2 other incidents are open: `/incident list`\n"
        "[Declare incident][Open incidents]\n"
        "# On call\n"
        "payments: Mika Laine until 09:00 UTC\n"
    )


def test_an_empty_home_says_what_will_stand_there() -> None:
    said = specs.shown(home_view(Home())["blocks"])
    assert "You are in no open incident." in said
    assert "Nobody: the catalogue has no schedules." in said
    assert "Waiting for you" not in said
