from __future__ import annotations

import pytest

from correlation.alert import Severity
from correlation.cookbook import Cookbook, CookbookError, OpensPolicy, Recipe
from correlation.engine import Engine
from tests.correlation.building import SHOP, alert

CASCADE = Recipe(
    name="cascade",
    trigger=('severity=~"critical|error"',),
    exclude=('environment="dev"',),
    similar={"text": 0.6, "location": 1.0},
    hops=2,
    cook_for=900.0,
    quiet_for=600.0,
    opens=OpensPolicy(severity="SEV2", auto_resolve=900.0),
)


def engine(*recipes: Recipe, with_default: bool = False) -> Engine:
    return Engine(Cookbook(recipes, with_default=with_default), SHOP)


def test_every_problem_of_all_recipes_is_told_at_once() -> None:
    with pytest.raises(CookbookError) as caught:
        Cookbook(
            [
                Recipe(name="a", trigger=("severity", 'host=~"("'), similar={"colour": 0.5, "text": 2.0}),
                Recipe(name="b", min_alerts=0, cook_for=0),
                Recipe(name="b"),
            ]
        )
    told = {(name, key) for name, key, _ in caught.value.problems}
    assert told >= {
        ("a", "trigger"),
        ("a", "similar.colour"),
        ("a", "similar.text"),
        ("b", "min_alerts"),
        ("b", "cook_for"),
    }
    assert sum(key == "trigger" for _, key, _ in caught.value.problems) == 2


def test_thresholds_decide_and_topology_stands_in_for_likeness_in_what_but_not_in_where() -> None:
    lines = engine(CASCADE).ingest(
        [
            alert(0, "HighLatency", severity=Severity.ERROR, summary="checkout is slow"),
            alert(400, "ConnectionsRefused", "payments-api", severity=Severity.ERROR),
            alert(500, "QueueFull", "mail", severity=Severity.ERROR),
            alert(510, "HighLatency", severity=Severity.ERROR, location="us-east-1"),
        ]
    )
    assert [d.kind for d in lines] == ["opened", "joined", "opened", "opened"]
    assert lines[1].code == "by_recipe"


def test_a_recipe_takes_members_for_as_long_as_it_cooks() -> None:
    lines = engine(CASCADE).ingest(
        [alert(at, "HighLatency", severity=Severity.ERROR, host=f"h{at}") for at in (0, 500, 890, 910)]
    )
    assert [d.group for d in lines] == ["G1", "G1", "G1", "G2"]


def test_what_an_own_recipe_excludes_the_default_one_leaves_alone() -> None:
    dev, info, warning = engine(CASCADE, with_default=True).ingest(
        [
            alert(0, environment="dev", severity=Severity.CRITICAL),
            alert(1, severity=Severity.INFO),
            alert(2, "Other", "mail", severity=Severity.WARNING),
        ]
    )
    assert (dev.kind, dev.code) == ("noise", "excluded")
    assert info.kind == "noise"
    assert (warning.kind, warning.recipe) == ("opened", "default")


def test_a_group_below_its_number_of_alerts_is_open_but_deserves_nobody() -> None:
    books = engine(Recipe(name="three", min_alerts=3))
    lines = books.ingest([alert(n, host=f"h{n}") for n in range(3)])
    assert [d.deserves for d in lines] == [False, False, True]
    assert lines[0].code == "waiting"
    assert "3 alerts" in lines[0].reason
    view = books.group("G1")
    assert view is not None
    assert view.deserves


def test_group_by_separates_exactly_and_joins_without_asking_more() -> None:
    lines = engine(Recipe(name="by-team", group_by=("team",))).ingest(
        [
            alert(0, "A", "web", labels=(("team", "x"),)),
            alert(300, "B", "mail", labels=(("team", "x"),), location="us-east-1"),
            alert(301, "A", "web", labels=(("team", "y"),)),
        ]
    )
    assert [d.group for d in lines] == ["G1", "G1", "G2"]


def test_first_takes_the_oldest_group_and_closest_the_most_alike() -> None:
    stream = [
        alert(0, "HighLatency", "web", summary="web is slow"),
        alert(1, "QueueFull", "mail", summary="queue is full"),
        alert(2, "QueueFull", "queue", summary="queue is full", host="q"),
    ]
    rule = {"similar": {"environment": 1.0}, "hops": 3}
    closest = engine(Recipe(name="r", match="closest", group_by=("team",), similar={"location": 1.0, "text": 0.9}))
    assert closest.ingest(stream)[2].group == "G2"
    del rule
    oldest = Engine(Cookbook([Recipe(name="r", match="first", similar={"location": 1.0})], with_default=False))
    assert [d.group for d in oldest.ingest(stream)] == ["G1", "G1", "G1"]


def test_a_reload_keeps_open_groups_and_gives_them_the_new_times() -> None:
    one = engine(CASCADE)
    one.ingest([alert(0, severity=Severity.ERROR)])
    one.reconfigure(Cookbook([Recipe(name="cascade", quiet_for=5000.0, cook_for=9000.0)]), SHOP)
    (late,) = one.ingest([alert(1500, host="h2", severity=Severity.ERROR)])
    assert late.group == "G1"
    one.reconfigure(Cookbook(), SHOP)
    (still,) = one.ingest([alert(1550, host="h3", severity=Severity.ERROR)])
    assert still.group == "G1"
    assert one.opens("cascade") == OpensPolicy()


def test_the_policy_of_a_recipe_is_told() -> None:
    assert engine(CASCADE).opens("cascade").severity == "SEV2"


def test_a_recipe_may_ask_for_a_rate() -> None:
    burst = Recipe(name="burst", rate=3)
    slow = engine(burst).ingest([alert(100.0 * n, f"Rule{n}") for n in range(5)])
    fast = engine(burst).ingest([alert(20.0 * n, f"Rule{n}") for n in range(5)])
    assert [d.deserves for d in slow] == [False] * 5
    assert [d.deserves for d in fast] == [False, False, True, True, True]
    assert "asks for 3 within a minute" in fast[0].reason
    with pytest.raises(CookbookError):
        Cookbook([Recipe(name="x", rate=101)])
