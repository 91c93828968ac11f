from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from correlation.alert import Alert
from correlation.lookup import Lookup
from correlation.matchers import Matcher, Matchers
from tests.correlation.building import alert, alerts

_FIELDS = st.sampled_from(["name", "service", "host", "location", "severity", "status", "zone", "absent"])
_VALUES = st.sampled_from(
    [
        "",
        "DiskFull",
        "cart",
        "mail",
        "a-1",
        "eu-west-1",
        "critical",
        "firing",
        "a",
        "cart|mail",
        "|a",
        "a-.",
        ".*",
        "a|a",
    ]
)
_MATCHERS = st.builds(Matcher, _FIELDS, st.sampled_from(["=", "=", "!=", "=~", "!~"]), _VALUES)


@given(st.lists(st.lists(_MATCHERS, max_size=3), max_size=8), alerts)
def test_it_finds_whom_asking_each_in_turn_would_find(many: list[list[Matcher]], one: Alert) -> None:
    lookup = Lookup((matchers, number) for number, matchers in enumerate(many))
    expected = [number for number, matchers in enumerate(many) if Matchers(tuple(matchers)).matches(one)]
    assert lookup.meeting(one) == expected
    assert [lookup.first(one), lookup.first(one, {0, 2})] == [
        next(iter(expected), None), next((number for number in expected if number not in {0, 2}), None),
    ]  # fmt: skip


def test_what_tells_them_apart_is_looked_up_not_what_they_share() -> None:
    asked = 0

    class Counted(Matcher):
        def matches(self, alert: Alert) -> bool:
            nonlocal asked
            asked += 1
            return super().matches(alert)

    production = Counted("environment", "=", "production")
    lookup = Lookup(([production, Counted("service", "=~", f"s{n}|t{n}")], n) for n in range(1_000))
    assert lookup.meeting(alert(0.0, service="t7")) == [7]
    assert asked == 2
