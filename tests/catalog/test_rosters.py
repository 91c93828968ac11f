"""Teams whose people a platform knows."""

from __future__ import annotations

import pytest

from bot.catalog.catalog import Catalog
from bot.catalog.model import Person
from bot.catalog.rosters import Rosters

SHOP = """
    people: {robin: , mika: }
    teams:
      payments: {members: [mika], slack_group: "@payments"}
      web: {members: [robin]}
    services: {checkout: {team: payments, match: ['app="checkout"']}}
"""
ZOE = Person(id="zoe", name="Zoe Lind", chat={"slack": "U0ZOE"})


@pytest.fixture
def shop(catalog_of) -> Catalog:
    return catalog_of(SHOP)


def names(catalog: Catalog, team: str) -> list[str]:
    return [person.id for person in catalog.members_of(team)]


def test_a_groups_people_are_the_team_also_those_whom_the_catalogue_does_not_know(shop):
    rosters = Rosters(lambda: shop)
    assert rosters() is shop
    assert rosters.tell({"@payments": (shop.people["robin"], ZOE)})
    now = rosters()
    assert names(now, "payments") == ["robin", "zoe"]
    assert names(now, "web") == ["robin"]
    assert now.people["zoe"] == ZOE
    assert [team.id for team in now.teams_of("zoe")] == ["payments"]
    assert now.digest == shop.digest
    assert rosters() is now


@pytest.mark.parametrize("groups", [{}, {"@payments": ()}, {"@others": (ZOE,)}])
def test_where_nobody_is_known_the_members_hold(shop, groups):
    rosters = Rosters(lambda: shop)
    rosters.tell({"@payments": (ZOE,)})
    rosters.tell(groups)
    assert names(rosters(), "payments") == ["mika"]


def test_the_same_again_is_no_news_and_another_catalogue_has_its_own_teams(shop, catalog_of):
    current = [shop]
    rosters = Rosters(lambda: current[0])
    assert rosters.tell({"@payments": (ZOE,)})
    assert not rosters.tell({"@payments": (ZOE,)})
    current[0] = catalog_of("people: {robin: }\nteams: {payments: {members: [robin]}, db: {slack_group: '@payments'}}")
    assert names(rosters(), "payments") == ["robin"]
    assert names(rosters(), "db") == ["zoe"]
