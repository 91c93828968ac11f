"""The engine gets the catalogue's recipes and service graph."""

from __future__ import annotations

from bot.catalog.catalog import Catalog
from bot.catalog.cookbook import cookbook, topology
from correlation.alert import Alert, Severity
from correlation.cookbook import DEFAULT_RECIPE


def test_recipes_keep_their_order_and_the_default_one_follows(catalog_of):
    book = cookbook(
        catalog_of("recipes: [{name: a, trigger: ['service=\"web\"']}, {name: b, trigger: ['severity=\"critical\"']}]")
    )
    names = [
        compiled.recipe.name if (compiled := book.opening(Alert(at=0, name="x", **fields))) else None
        for fields in ({"service": "web"}, {"severity": Severity.CRITICAL}, {})
    ]
    assert names == ["a", "b", "default"]


def test_what_a_recipe_does_not_say_is_the_engines_default(catalog_of):
    (recipe,) = cookbook(catalog_of("recipes: [{name: a, cook_for: 15m, topology: {hops: 1}}]")).recipes
    assert (recipe.cook_for, recipe.hops) == (900, 1)
    assert (recipe.quiet_for, recipe.min_alerts, recipe.match) == (
        DEFAULT_RECIPE.quiet_for,
        DEFAULT_RECIPE.min_alerts,
        "closest",
    )


def test_a_recipe_may_ask_for_a_rate(catalog_of):
    (recipe,) = cookbook(catalog_of("recipes: [{name: a, rate: 5}]")).recipes
    assert recipe.rate == 5
    assert DEFAULT_RECIPE.rate == 0


def test_matchers_of_a_recipe_survive_the_way(catalog_of):
    text = r"""
        teams: {x: }
        recipes:
          - name: a
            trigger: ['host=~"web-\d+", app="a\"b"']
            opens: {invite: [on-call, "team:x"], severity: SEV1}
        """
    (recipe,) = cookbook(catalog_of(text)).recipes
    (compiled,) = cookbook(catalog_of(text)).compiled[:1]
    assert compiled.unmet(Alert(at=0, name="x", host="web-12", labels=(("app", 'a"b'),))) is None
    assert compiled.unmet(Alert(at=0, name="x", host="web-x", labels=(("app", 'a"b'),))) is not None
    assert (recipe.opens.invite, recipe.opens.severity) == (("on-call", "team:x"), "SEV1")


def test_services_become_the_graph(catalog_of):
    graph = topology(catalog_of("services: {web: {tier: 1, depends_on: [cart, web]}, cart: {depends_on: [db]}, db: }"))
    assert graph.upstream("web") == {"cart": 1, "db": 2}
    assert tuple(graph.downstream("db")) == ("cart", "web")
    assert graph.tier("web") == 1


def test_the_empty_catalogue_gives_the_engines_own_cookbook():
    assert cookbook(Catalog.empty()).recipes == ()
    assert len(topology(Catalog.empty())) == 0
