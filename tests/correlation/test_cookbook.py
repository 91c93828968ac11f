from __future__ import annotations

from typing import Any, Literal

import pytest

from correlation.alert import Alert, Severity
from correlation.cookbook import Cookbook, CookbookError, OpensPolicy, Recipe
from correlation.engine import Engine
from correlation.topology import Topology
from tests.correlation.building import SHOP, alert, cleared, found

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
                Recipe(name="", match="best"),  # type: ignore[arg-type]
                Recipe(name="c", exclude='host="canary"'),  # type: ignore[arg-type]
            ]
        )
    told = {(name, key) for name, key, _ in caught.value.problems}
    assert told >= {
        ("a", "trigger"),
        ("a", "similar.colour"),
        ("a", "similar.text"),
        ("b", "min_alerts"),
        ("b", "cook_for"),
        ("", "name"),
        ("", "match"),
        ("c", "exclude"),
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


def test_a_group_that_takes_no_more_members_is_compared_with_nothing_until_it_takes_some_again() -> None:
    """People who were called twice for one trouble put the two together; and an operator gives a recipe more time."""
    short, long = (Cookbook([Recipe(name="r", cook_for=hours * 3600.0)]) for hours in (1, 9))

    def aged() -> Engine:
        engine = Engine(short, SHOP)
        engine.ingest([alert(0.0, "HighErrors", "cart", severity=Severity.CRITICAL)])
        engine.ingest([alert(3000.0 + 60.0 * n, "HighErrors", "cart", severity=Severity.CRITICAL) for n in range(40)])
        later = [
            alert(5000.0 + n, "HighErrors", service, severity=Severity.CRITICAL)
            for n, service in enumerate(("checkout", "redis"))
        ]
        assert [one.group for one in engine.ingest(later)] == ["G2", "G2"]
        assert found(engine) == {"checkout": [2], "redis": [2]}
        assert 1 in engine._registry.open
        return engine

    one = aged()
    one.reconfigure(long, SHOP)
    assert found(one) == {"cart": [1], "checkout": [2], "redis": [2]}

    other = aged()
    other.merge("G1", "G2")
    other.reconfigure(long, SHOP)
    assert found(other) == {"cart": [1], "checkout": [1], "redis": [1]}


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
        alert(0, "HighLatency", "web", class_="latency", location="us-east-1", host="rack-7"),
        alert(1, "QueueFull", "mail", class_="errors"),
        alert(2, "QueueSlow", "mail", host="rack-7"),  # of no class that is told: both would take it
    ]

    def groups(match: Literal["first", "closest"]) -> list[str | None]:
        recipe = Recipe(name="r", match=match, similar={"class": 1.0, "environment": 1.0})
        decisions = Engine(Cookbook([recipe], with_default=False)).ingest(stream)
        return [decision.group for decision in decisions]

    assert groups("closest") == ["G1", "G2", "G2"]
    assert groups("first") == ["G1", "G2", "G1"]


def test_what_an_alert_lacks_is_not_asked_for() -> None:
    recipe = Recipe(name="r", similar={"location": 1.0, "environment": 1.0, "host": 0.5})
    first, second, third = engine(recipe).ingest(
        [alert(0, host="h"), alert(1, "B", location=""), alert(2, "C", "mail", host="h", location="", environment="")]
    )
    assert first.group == second.group == third.group == "G1"


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


def test_all_triggers_must_hold_and_one_exclusion_is_enough() -> None:
    picky = Recipe(
        name="picky", trigger=('severity="critical"', 'service="web"'), exclude=('host="canary"', 'environment="dev"')
    )
    picky_too = Recipe(name="picky too", trigger=('severity="critical"',))
    kinds = [
        engine(picky).ingest([alert(0, **({"service": "web", "severity": Severity.CRITICAL} | fields))])[0].code
        for fields in (
            {},
            {"severity": Severity.ERROR},
            {"service": "mail"},
            {"host": "canary"},
            {"environment": "dev"},
        )
    ]
    assert kinds == ["severe", "below_trigger", "below_trigger", "excluded", "excluded"]
    many = engine(picky, Recipe(name="deploys", trigger=('name="Deploy"',)), picky_too, with_default=True)
    (held,) = many.ingest([alert(0, severity=Severity.INFO)])
    asks = 'Held: no recipe lets it open an incident: default asks for severity!="info"'
    assert held.reason == f"{asks}; 3 others for other things."
    assert engine(with_default=True).ingest([alert(0, severity=Severity.INFO)])[0].reason == f"{asks}."


def test_what_a_recipe_excludes_does_not_join_its_groups_either() -> None:
    books = engine(Recipe(name="own", exclude=('host="canary"',)), Recipe(name="canaries", trigger=('host="canary"',)))
    first, stranger, canary = books.ingest([alert(0), alert(1, host="h"), alert(2, host="canary")])
    assert first.group == stranger.group == "G1"
    assert (canary.kind, canary.recipe) == ("opened", "canaries")


def test_how_far_recipes_reach_in_the_graph_is_their_own_word() -> None:
    stream = [alert(0, "Slow", "payments-api"), alert(400, "Errors", "web", summary="pages fail")]

    def groups(hops: int) -> list[str | None]:
        recipe = Recipe(name="near", similar={"text": 0.9, "location": 1.0}, hops=hops)
        return [decision.group for decision in engine(recipe).ingest(stream)]

    assert groups(1) == ["G1", "G2"]
    assert groups(2) == ["G1", "G1"]


def test_a_recipe_takes_members_until_it_was_quiet_for_so_long() -> None:
    stream = [alert(0), cleared(10), alert(900, "HighErrors", host="b")]

    def groups(quiet_for: float) -> list[str | None]:
        recipe = Recipe(name="quiet", similar={"location": 1.0}, quiet_for=quiet_for)
        return [decision.group for decision in engine(recipe).ingest(stream)]

    assert groups(600.0) == ["G1", "G1", "G2"]
    assert groups(1200.0) == ["G1", "G1", "G1"]
    assert groups(60.0) == ["G1", "G1", "G2"]
    assert [d.group for d in engine(Recipe(name="q", similar={"location": 1.0}, quiet_for=60.0)).ingest(
        [alert(0), cleared(10), alert(300, "HighErrors", host="b")]
    )] == ["G1", "G1", "G2"]  # fmt: skip


def test_groups_of_two_values_stay_two_however_alike_they_become() -> None:
    def groups(*keys: str) -> set[str | None]:
        books = engine(Recipe(name="team", group_by=keys))
        stream = [alert(15.0 * n, f"Rule{n}", host="h", labels=(("team", str(n % 2)),)) for n in range(20)]
        decisions = books.ingest(stream)
        return {books.surviving(decision.group or "") for decision in decisions}

    assert groups("team") == {"G1", "G2"}
    assert groups("host") == {"G1"}


def test_a_group_lacks_what_all_its_members_lack_as_alertmanager_has_it() -> None:
    lines = engine(Recipe(name="team", group_by=("team",))).ingest(
        [alert(0, "A"), alert(1, "B"), alert(2, "C", labels=(("team", "x"),))]
    )
    assert [d.group for d in lines] == ["G1", "G1", "G2"]


def test_two_groups_that_are_merged_have_enough_alerts_together() -> None:
    books = engine(Recipe(name="three", min_alerts=3, group_by=("service",)))
    books.ingest([alert(0), alert(1, "B"), alert(2, "A", "mail")])
    assert not books.deserves("G1")
    books.merge("G1", "G2")
    assert books.deserves("G1")


def test_a_reload_gives_open_groups_the_new_rate_number_and_hops() -> None:
    one = engine(Recipe(name="r", rate=5, min_alerts=5, hops=1, similar={"location": 1.0}))
    one.ingest([alert(0, "A"), alert(1, "B")])
    assert not one.deserves("G1")
    one.reconfigure(Cookbook([Recipe(name="r", min_alerts=3, similar={"location": 1.0})], with_default=False), SHOP)
    assert one.ingest([alert(2, "C")])[0].deserves


def test_a_recipe_cannot_ask_for_more_hops_than_are_looked_at() -> None:
    far = Topology.of({f"s{n}": [f"s{n + 1}"] for n in range(5)})
    for hops, group in ((3, "G1"), (2, "G2")):
        engine = Engine(Cookbook([Recipe(name="r", hops=hops, similar={"location": 1.0})], with_default=False), far)
        assert [d.group for d in engine.ingest([alert(0, "A", "s0"), alert(1, "B", "s3")])] == ["G1", group]
    with pytest.raises(CookbookError, match="hops: must be at most 3"):
        Cookbook([Recipe(name="r", hops=4)])


def test_a_group_that_waited_for_more_calls_people_where_fewer_are_enough_now() -> None:
    one = Engine(Cookbook([Recipe(name="r", min_alerts=5)], with_default=False))
    one.ingest([alert(0, "A"), alert(1, "B")])
    assert not one.deserves("G1")
    one.reconfigure(Cookbook([Recipe(name="r", min_alerts=2)], with_default=False), SHOP)
    assert one.waits_until == one.watermark
    again = Engine.restore(one.snapshot())
    assert one.advance(2.0) == again.advance(2.0) == ("G1",)
    assert one.waits_until is None
    assert one.advance(3.0) == ()


def test_a_default_recipe_of_ones_own_leaves_no_times_to_the_engine() -> None:
    one = Engine()
    one.ingest([alert(0, "A")])
    assert one._registry.open[1].adaptive
    one.reconfigure(Cookbook([Recipe(name="default", cook_for=600.0, quiet_for=300.0)]), one.topology)
    assert not one._registry.open[1].adaptive


def test_one_of_many_recipes_that_group_by_the_same_finds_its_own_group() -> None:
    """Each team has a recipe to itself here, and all group by the service: its group is found among sixty of that service."""
    books = engine(*[Recipe(name=f"r{n}", exclude=(f'team!="{n}"',), group_by=("service",)) for n in range(60)])
    for at in (0.0, 9.0):
        placed = books.ingest([alert(at, host=f"h{at}", labels=(("team", str(n)),)) for n in range(60)])
        assert [one.group for one in placed] == [f"G{n + 1}" for n in range(60)]
    assert books.ingest([alert(18.0, labels=(("team", "of none"),))])[0].code == "excluded"


def team(at: float, name: str, of: str, **fields: Any) -> Alert:
    return alert(at, name, fields.pop("service", "cart"), labels=(("team", of),) if of else (), **fields)


@pytest.mark.parametrize("after", [("squad",), ("service",)])
def test_a_group_keeps_to_the_labels_by_which_it_was_opened(after: tuple[str, ...]) -> None:
    """The recipe groups by others since, or is gone: what an alert has of other labels is not what the group's members share."""
    for recipes in ([Recipe(name="r", group_by=after)], [Recipe(name="other", group_by=after)], []):
        one = Engine(Cookbook([Recipe(name="r", group_by=("team",))]), SHOP)
        one.ingest([team(0, "Slow", "mail", location="eu-1"), team(1, "Slow", "", service="db", location="eu-1")])
        one.reconfigure(Cookbook(recipes), SHOP)
        elsewhere = one.ingest([team(5, "QueueFull", "", service="mail", location="us-east-1")])[0]
        assert elsewhere.group == "G3"
        joined = one.ingest([team(6, "Slow", "mail", location="eu-1", host="b")])[0]
        assert joined.group == "G1"


def test_a_recipe_that_comes_to_group_by_a_label_leaves_its_open_groups_to_the_score() -> None:
    one = Engine(Cookbook([Recipe(name="r")]), SHOP)
    one.ingest([team(0, "Slow", "x")])
    one.reconfigure(Cookbook([Recipe(name="r", group_by=("team",))]), SHOP)
    stream = [team(500, "QueueFull", "y", service="mail"), team(501, "DiskFull", "z", service="db")]
    assert [one.group for one in one.ingest(stream)] == ["G2", "G3"]


def test_a_large_group_that_people_take_apart_and_put_back_is_found_by_what_its_members_share() -> None:
    one = Engine(Cookbook([Recipe(name="r", group_by=("team",))]), SHOP)
    one.ingest([team(float(n), "Slow", "x", host=f"h{n}") for n in range(300)])
    one.split("G1", [300])
    one.merge("G1", "G2")
    assert one.ingest([team(301, "QueueFull", "x", service="mail", location="us-east-1")])[0].group == "G1"


def test_the_first_of_many_recipes_opens_whatever_they_ask_for() -> None:
    books = [
        Recipe(name="later", trigger=('service="cart"', 'severity="critical"')),
        Recipe(name="any web", trigger=('service=~"web-.*|web"',)),
        Recipe(
            name="shop", trigger=('service=~"cart|web|mail"',), exclude=('host="canary"', 'environment=~"dev|test"')
        ),
        Recipe(name="cart", trigger=('service="cart"',)),
    ]
    asked = Cookbook(books)

    def opens(**fields: Any) -> str | None:
        compiled = asked.opening(alert(0.0, **fields))
        return compiled.recipe.name if compiled is not None else None

    assert opens(service="cart", severity=Severity.CRITICAL) == "later"
    assert [opens(service=one) for one in ("cart", "web", "web-2", "mail", "db")] == [
        "shop", "any web", "any web", "shop", "default",
    ]  # fmt: skip
    assert [opens(service=one, host="canary") for one in ("cart", "mail")] == ["cart", None]
    assert [opens(service=one, environment="test") for one in ("cart", "mail", "web")] == ["cart", None, "any web"]
