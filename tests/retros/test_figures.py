"""Figures: times between moments, never negative, each with what it measures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.retros.figures import Moments, figures

_MOMENT = st.none() | st.floats(0, 1e9)


@given(st.floats(0, 1e9), _MOMENT, _MOMENT, _MOMENT, _MOMENT, _MOMENT, st.integers(0, 3))
def test_a_figure_is_never_negative_and_always_says_what_it_measures(
    declared: float,
    first: float | None,
    acknowledged: float | None,
    mitigated: float | None,
    cleared: float | None,
    resolved: float | None,
    reopened: int,
) -> None:
    found = figures(
        Moments(
            declared_at=declared,
            first_alert_at=first,
            acknowledged_at=acknowledged,
            mitigated_at=mitigated,
            cleared_at=cleared,
            resolved_at=resolved,
            reopened=reopened,
        )
    )
    assert all(figure.seconds is None or figure.seconds >= 0 for figure in found)
    assert all(figure.definition.startswith("From the ") and figure.definition.endswith(".") for figure in found)
    by_key = {figure.key: figure.seconds for figure in found}
    assert len(by_key) == len(found)
    assert {"time_to_acknowledge", "time_to_resolve"} <= by_key.keys()
    assert (by_key["time_to_resolve"] is None) == (resolved is None)


def test_time_runs_from_the_first_alert_else_from_the_declaration() -> None:
    with_alert = figures(Moments(declared_at=160, first_alert_at=100, acknowledged_at=220, resolved_at=400))
    without = figures(Moments(declared_at=160, acknowledged_at=220, resolved_at=400))
    assert [figure.seconds for figure in with_alert] == [60, 120, 300]
    assert [figure.seconds for figure in without] == [60, 240]
