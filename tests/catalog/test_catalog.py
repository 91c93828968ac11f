"""Look-ups over the organisation: whose alert, whose repository, which team and policy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog import ownership
from bot.catalog.catalog import Catalog, repository_name
from bot.catalog.model import Service
from bot.catalog.ownership import Ownership
from correlation.alert import Alert
from correlation.matchers import Matchers

SHOP = """
    defaults: {environment: production, location: eu-west-1, team: platform, escalation: standard}
    people: {robin: , mika: , ada: }
    teams:
      payments: {members: [robin, mika], schedule: nights, escalation: urgent}
      platform: {members: [ada]}
    services:
      checkout:
        team: payments
        environment: staging
        location: us-east-1
        match: ['app="checkout"', 'app="till", cluster="eu"']
        hosts: ["till-*", "10.0.0.7"]
        repositories: [Example/Checkout, "https://gitlab.example.org/shop/till.git"]
      till-audit: {match: ['host="till-9"'], repositories: [example/checkout], escalation: standard}
      orphan:
    schedules: {nights: {layers: [{people: [robin]}]}}
    escalations:
      standard: {steps: [{page: on-call}]}
      urgent: {steps: [{page: team}]}
"""


@pytest.fixture
def shop(catalog_of) -> Catalog:
    return catalog_of(SHOP)


def alert(**fields) -> Alert:
    labels = tuple(sorted(fields.pop("labels", {}).items()))
    return Alert(at=0.0, name="Down", labels=labels, **fields)


def service_name(catalog: Catalog, **fields) -> str | None:
    service = catalog.service_of(alert(**fields))
    return service.id if service else None


def test_an_alert_belongs_to_the_service_it_names(shop):
    assert service_name(shop, service="orphan", labels={"app": "checkout"}) == "orphan"


def test_any_of_a_services_matchers_makes_an_alert_its_own(shop):
    assert service_name(shop, labels={"app": "checkout"}) == "checkout"
    assert service_name(shop, host="till-3") == "checkout"
    assert service_name(shop, host="10.0.0.7") == "checkout"
    assert service_name(shop, host="10x0x0x7") is None


def test_conditions_within_one_matcher_hold_together(shop):
    assert service_name(shop, labels={"app": "till"}) is None
    assert service_name(shop, labels={"app": "till", "cluster": "eu"}) == "checkout"


def test_the_first_service_of_the_catalogue_wins(shop):
    assert service_name(shop, host="till-9") == "checkout"


def test_an_alert_of_nobody_has_no_service(shop):
    assert service_name(shop, host="elsewhere", service="unknown") is None


def test_what_an_alert_lacks_is_filled_in_from_its_service(shop):
    filled = shop.complete(alert(labels={"app": "checkout"}))
    assert (filled.service, filled.environment, filled.location) == ("checkout", "staging", "us-east-1")


def test_what_an_alert_says_itself_stays(shop):
    filled = shop.complete(alert(labels={"app": "checkout"}, environment="dev", location="mars"))
    assert (filled.environment, filled.location) == ("dev", "mars")


def test_an_alias_becomes_the_services_name(shop):
    assert shop.complete(alert(service="checkout-svc", labels={"app": "checkout"})).service == "checkout"


def test_an_alert_of_nobody_gets_the_defaults_and_keeps_its_service(shop):
    filled = shop.complete(alert(service="unknown"))
    assert (filled.service, filled.environment, filled.location) == ("unknown", "production", "eu-west-1")


def test_without_a_catalogue_alerts_pass_through_as_they_are():
    given = alert(service="web")
    assert Catalog.empty().complete(given) is given
    assert Catalog.empty().service_of(given) is None
    assert Catalog.empty().escalation_of("web") is None
    assert Catalog.empty().services_of_repository("a/b") == ()


@pytest.mark.parametrize(
    "repository",
    [
        "example/checkout",
        "Example/Checkout",
        "https://github.com/example/checkout",
        "https://github.com/example/checkout.git",
        "git@github.com:example/checkout.git",
        "ssh://git@github.com/example/checkout",
    ],
)
def test_a_repository_is_known_by_any_of_its_addresses(shop, repository):
    assert [service.id for service in shop.services_of_repository(repository)] == ["checkout", "till-audit"]


def test_the_catalogue_may_hold_addresses_itself(shop):
    assert [service.id for service in shop.services_of_repository("shop/till")] == ["checkout"]
    assert repository_name("https://gitlab.example.org/group/sub/till/") == "group/sub/till"


def test_policies_come_from_the_service_then_its_team_then_the_defaults(shop):
    assert [
        getattr(shop.escalation_of(name), "id", None) for name in ("till-audit", "checkout", "orphan", "unknown")
    ] == [
        "standard",
        "urgent",
        "standard",
        "standard",
    ]


def test_teams_schedules_and_members_are_found_from_the_service(shop):
    team, fallback, schedule = shop.team_of("checkout"), shop.team_of("orphan"), shop.schedule_of("checkout")
    assert team is not None
    assert fallback is not None
    assert schedule is not None
    assert (team.id, fallback.id, schedule.id) == ("payments", "platform", "nights")
    assert shop.schedule_of("orphan") is None
    assert [person.id for person in shop.members_of("payments")] == ["robin", "mika"]
    assert [team.id for team in shop.teams_of("ada")] == ["platform"]


def test_the_memory_of_answers_is_bounded(shop, monkeypatch):
    monkeypatch.setattr(ownership, "CACHED_ANSWERS", 10)
    for number in range(100):
        assert service_name(shop, host=f"till-{number}") == "checkout"
    assert len(shop._ownership._answers) <= 10


_values = st.sampled_from(["", "a", "b", "c"])
_matchers = st.builds(
    lambda parts: Matchers.parse(", ".join(f'{label}{op}"{value}"' for label, op, value in parts)),
    st.lists(
        st.tuples(st.sampled_from(["x", "host"]), st.sampled_from(["=", "!=", "=~"]), _values), min_size=1, max_size=2
    ),
)


@given(st.lists(st.lists(_matchers, max_size=3), max_size=5), st.lists(st.tuples(_values, _values), max_size=5))
def test_the_quick_way_finds_what_trying_each_service_in_turn_would(services, alerts):
    catalogue = {f"s{n}": Service(id=f"s{n}", match=tuple(match)) for n, match in enumerate(services)}
    quick = Ownership(catalogue)
    for host, x in alerts:
        given_alert = alert(host=host, labels={"x": x})
        slow = next((s for s in catalogue.values() if any(m.matches(given_alert) for m in s.match)), None)
        assert quick.service_of(given_alert) == slow
        assert quick.service_of(given_alert) == slow  # remembered


@pytest.mark.parametrize(
    ("services", "severity", "private"),
    [
        (["checkout"], "SEV2", False),
        (["checkout", "vault"], "SEV4", True),
        ([], "SEV1", True),
        (["unheard of"], "SEV3", False),
    ],
)
def test_an_incident_is_private_by_its_services_or_its_severity(catalog_of, services, severity, private):
    catalog = catalog_of("""
        services: {checkout: , vault: {private: true}}
        rooms: {private: {severities: [SEV1]}}
        """)
    assert catalog.is_private(services, severity) is private


def test_without_a_word_about_it_nothing_is_private(shop):
    assert not shop.is_private(shop.services, "SEV1")
