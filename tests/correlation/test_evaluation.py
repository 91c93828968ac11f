from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlation.engine import Engine
from correlation.evaluation import adjusted_rand, grade, replay, score
from tests.correlation.building import SHOP, alert, cleared

parts = st.lists(st.tuples(st.sampled_from(["", "a", "b", "c"]), st.integers(0, 3)), min_size=1, max_size=30)


@given(parts)
def test_scores_lie_between_nothing_and_one(rows: list[tuple[str, int]]) -> None:
    scores = grade([label for label, _ in rows], [group for _, group in rows])
    for value in (scores.found, scores.pair_f1, scores.b_cubed_f1, scores.best_f1, scores.held):
        assert 0.0 <= value <= 1.0
    assert -1.0 <= scores.adjusted_rand <= 1.0


def test_a_perfect_grouping_scores_one_everywhere() -> None:
    scores = grade(["a", "a", "b", ""], [1, 1, 2, ("held", 3)])
    assert (scores.found, scores.pair_f1, scores.b_cubed_f1, scores.best_f1, scores.adjusted_rand) == (1, 1, 1, 1, 1)


def test_everything_in_one_room_is_found_out() -> None:
    scores = grade(["a", "a", "b", "b", "", "", "", ""], [1] * 8)
    assert scores.found == 0
    assert scores.pair_recall == 1
    assert scores.pair_precision < 0.3


def test_the_rand_index_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import adjusted_rand_score

    labels, groups = list("aabbccab"), [1, 1, 2, 3, 3, 3, 2, 1]
    assert adjusted_rand(labels, groups) == pytest.approx(adjusted_rand_score(labels, groups))


def test_a_replay_is_scored_by_its_final_state() -> None:
    stream = [
        alert(0),
        alert(10, "HighErrors", "payments-api"),
        alert(12, "QueueFull", "mail", location="us-east-1"),
        cleared(20),
        alert(90_000, "Forgotten", "search", location="mars"),
    ]
    engine = Engine(topology=SHOP)
    outcome = replay(engine, stream)
    scores = score(stream, ["a", "a", "b", "a", "?"], outcome, engine)
    assert (scores.incidents, scores.opened, scores.found, scores.pair_f1) == (2, 3, 1.0, 1.0)
    assert scores.latency == 0.0


def test_lists_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match="parallel"):
        score([alert(0)], [], replay(Engine(), [alert(0)]), Engine())
