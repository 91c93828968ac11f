"""Who is on call, and whom a policy means."""

from __future__ import annotations

import pytest

from bot.catalog.catalog import Catalog
from bot.catalog.loader import load
from bot.catalog.model import Who
from bot.chat.views import Person
from bot.errors import NotFound
from bot.incidents.model import Incident
from bot.responders.oncall import OnCall
from bot.responders.recipients import is_one_of, main_service, recipients, whom
from tests.responders.paged import CATALOG, MIKA, ROBIN, SAM

AT = 1_767_603_600.0  # Monday 2026-01-05 09:00 UTC, which is when the rotation begins
WEEK = 7 * 86_400.0


@pytest.fixture
def catalog(tmp_path) -> Catalog:
    more = """
  empty: {layers: [{rotation: daily, start: 2026-03-01, people: [sam]}]}
"""
    text = CATALOG.replace("escalations:", f"{more.strip(chr(10))}\nescalations:", 1)
    (tmp_path / "catalog.yaml").write_text(text)
    return load(tmp_path / "catalog.yaml")


def incident(*services: str, commander: str | None = None) -> Incident:
    counted = [(name, 10) for name in services]
    return Incident(
        number=1,
        title="x",
        severity="SEV2",
        status_since=AT,
        opened_at=AT,
        first_alert_at=AT,
        last_alert_at=AT,
        services=counted,
        commander=commander,
    )


def meant(catalog, *whos: str, services=("checkout",), commander=None, at=AT):
    found = recipients(catalog, [Who.parse(who) for who in whos], incident(*services, commander=commander), at)
    return [recipient.person for recipient in found.people], list(found.gaps)


def test_on_call_says_who_until_when_and_who_is_next(catalog):
    [now] = OnCall.describe(catalog, "checkout", AT + 60)
    assert (now.person, now.since, now.until) == (ROBIN, AT, AT + WEEK)
    assert (now.next_person, now.next_at) == (MIKA, AT + WEEK)
    assert (now.schedule, now.teams, now.services) == ("payments", ("payments",), ("checkout",))


def test_a_gap_says_why_and_who_comes(catalog):
    [now] = OnCall.describe(catalog, "empty", AT)
    assert now.person is None
    assert now.reason
    assert now.until is not None
    assert now.next_person == SAM


def test_without_a_name_all_schedules_are_told(catalog):
    assert [now.schedule for now in OnCall.describe(catalog, None, AT)] == ["payments", "empty"]
    assert OnCall.describe(Catalog.empty(), None, AT) == ()


def test_a_team_and_a_schedule_may_be_named_too(catalog):
    assert [OnCall.describe(catalog, name, AT)[0].person for name in ("payments", "checkout")] == [ROBIN, ROBIN]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cart", "Nobody is on call for cart: give team web a schedule in the catalogue."),
        ("web", "Team web has no schedule"),
        ("chekout", 'No service, team or schedule "chekout"; did you mean "checkout"'),
    ],
)
def test_a_name_without_a_schedule_is_answered_with_what_to_do(catalog, name, words):
    with pytest.raises(NotFound, match=words):
        OnCall.describe(catalog, name, AT)


def test_without_a_catalogue_nobody_is_on_call(catalog):
    with pytest.raises(NotFound, match="no schedules"):
        OnCall.describe(Catalog.empty(), "checkout", AT)


def test_policies_mean_people(catalog):
    assert meant(catalog, "on-call") == ([ROBIN], [])
    assert meant(catalog, "on-call", at=AT + WEEK) == ([MIKA], [])
    assert meant(catalog, "team") == ([ROBIN, MIKA], [])
    assert meant(catalog, "team:web", "sam", "@sam") == ([SAM], [])
    assert meant(catalog, "schedule:payments") == ([ROBIN], [])
    assert meant(catalog, "commander", commander="guest:Kim") == ([Person("guest:Kim", "Kim")], [])


@pytest.mark.parametrize(
    ("who", "services", "words"),
    [
        ("on-call", ["cart"], "give team web a schedule"),
        ("on-call", ["unknown"], "Nobody is on call for unknown: add a schedule"),
        ("on-call", [], "The incident names no service, so nobody is on call for it."),
        ("team", ["unknown"], "unknown has no team"),
        ("team:nobody", [], "There is no team nobody"),
        ("schedule:nothing", [], "There is no schedule nothing"),
        ("schedule:empty", [], "Nobody is on call in empty: "),
        ("kim", [], "Nobody in the catalogue is called kim."),
        ("commander", [], "Nobody leads INC-1 yet."),
    ],
)
def test_who_is_missing_is_said(catalog, who, services, words):
    people, [gap] = meant(catalog, who, services=services)
    assert people == []
    assert words in gap


def test_the_most_important_service_has_the_lowest_tier(catalog):
    assert main_service(catalog, incident("unknown", "cart", "checkout")) == "checkout"
    assert main_service(catalog, incident("unknown", "other")) == "unknown"
    assert main_service(catalog, incident()) == ""


def test_permission_is_membership(catalog):
    team = [Who.parse("team")]
    assert is_one_of(catalog, team, "mika", incident("checkout"), AT)
    assert not is_one_of(catalog, team, "sam", incident("checkout"), AT)
    assert is_one_of(catalog, [*team, Who.parse("anyone")], "guest:Kim", incident("checkout"), AT)
    assert not is_one_of(Catalog.empty(), team, "mika", incident("checkout"), AT)


def test_whom_is_said_as_people_say_it(catalog):
    whos = [Who.parse(who) for who in ("team", "on-call", "robin", "team:web", "commander", "anyone", "schedule:empty")]
    assert whom(catalog, whos, incident("checkout")) == (
        "payments or whoever is on call for payments or Robin Vos or web or whoever leads the incident or anyone "
        "or whoever is on call in empty"
    )
