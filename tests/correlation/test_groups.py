"""When a group deserves people, and what keeps it going."""

from __future__ import annotations

from correlation.alert import Alert, Severity
from correlation.decision import Decision
from correlation.engine import Engine
from correlation.groups import Group
from correlation.telling import Telling
from tests.correlation.building import SHOP, alert, cleared

CRITICAL = Severity.CRITICAL


def fleeting(engine: Engine, times: int = 12, lasts: float = 120.0) -> float:
    """A rule that clears by itself within minutes, on one service after the other; returns the moment when all is quiet."""
    at = 0.0
    for n in range(times):
        at = 3600.0 * n
        engine.ingest([alert(at, "HighErrors", f"s{n}", severity=CRITICAL), cleared(at + lasts, "HighErrors", f"s{n}")])
    return at + 7200.0


def test_on_a_site_not_known_yet_one_critical_alert_calls_people_at_once() -> None:
    (decision,) = Engine(topology=SHOP).ingest([alert(0.0, "HighErrors", severity=CRITICAL)])
    assert decision.deserves


def test_what_always_clears_by_itself_waits_alone_and_calls_people_when_it_has_not() -> None:
    engine = Engine(topology=SHOP)
    at = fleeting(engine)
    (decision,) = engine.ingest([alert(at, "HighErrors", severity=CRITICAL)])
    assert not decision.deserves
    assert engine.waits_until is not None
    assert engine.advance(at + 299.0) == ()
    assert engine.advance(at + 300.0) == (decision.group,)


def test_what_always_clears_by_itself_calls_nobody_when_it_does_so_again() -> None:
    engine = Engine(topology=SHOP)
    at = fleeting(engine)
    engine.ingest([alert(at, "HighErrors", severity=CRITICAL), cleared(at + 120.0, "HighErrors")])
    assert engine.advance(at + 3600.0) == ()


def test_company_calls_people_for_what_mostly_clears_by_itself() -> None:
    engine = Engine(topology=SHOP)
    at = fleeting(engine)
    decisions = engine.ingest(
        [
            alert(at, "HighErrors", severity=CRITICAL),
            alert(at + 20.0, "DatabaseGone", "payments-api", severity=CRITICAL),
        ]
    )
    assert len({decision.group for decision in decisions}) == 1
    assert decisions[1].deserves


def test_what_outlasts_minutes_as_a_rule_calls_people_at_once() -> None:
    engine = Engine(topology=SHOP)
    at = fleeting(engine, lasts=1800.0)
    (decision,) = engine.ingest([alert(at, "HighErrors", severity=CRITICAL)])
    assert decision.deserves


def test_familiar_noise_that_fires_on_does_not_keep_a_group_open_for_the_next_outage() -> None:
    engine = Engine(topology=SHOP)
    for n in range(40):
        engine.ingest([alert(1000.0 * n, "Throttled", "cart"), cleared(1000.0 * n + 400.0, "Throttled", "cart")])
    at = 50_000.0
    first = engine.ingest([alert(at, "HighErrors", severity=CRITICAL), alert(at + 60.0, "Throttled", "cart")])
    assert first[0].group == first[1].group
    engine.ingest([cleared(at + 900.0, "HighErrors")])
    (later,) = engine.ingest([alert(at + 3000.0, "HighLatency", "checkout", severity=CRITICAL)])
    assert later.group != first[0].group


def word(n: int) -> str:
    """A name that shares no word with another's."""
    return "".join(chr(97 + (n // 26**k + 5 * k) % 26) for k in range(4))


def heard(engine: Engine, news: int = 60, gap: float = 120.0) -> float:
    """A source that never tells ends, with something new every other minute; returns the moment of the last."""
    for n in range(news):
        engine.ingest([alert(gap * n, word(n), "", host=f"h{n % 7}", source="siem")])
    return gap * (news - 1)


def test_where_something_is_new_all_the_time_one_more_calls_nobody() -> None:
    engine = Engine()
    at = heard(engine)
    (decision,) = engine.ingest([alert(at + 5000.0, "Odd", "", host="web", source="siem")])
    assert decision.kind == "opened"
    assert not decision.deserves


def test_much_more_that_is_new_than_usual_calls_people() -> None:
    engine = Engine()
    at = heard(engine, gap=1800.0) + 5000.0
    decisions = engine.ingest([alert(at + n, f"Odd{n}", "", host="web", source="siem") for n in range(12)])
    assert len({decision.group for decision in decisions}) == 1
    assert decisions[-1].deserves


def test_an_attack_that_paused_for_half_an_hour_goes_on_in_its_room() -> None:
    engine = Engine()
    at = heard(engine, gap=1800.0) + 5000.0
    first = engine.ingest([alert(at + 9.0 * n, f"Scan{n}", "", host="web", source="siem") for n in range(24)])
    (later,) = engine.ingest([alert(at + 1800.0, "RootShell", "", host="web", source="siem")])
    assert first[-1].deserves
    assert later.group == first[-1].group


def test_familiar_noise_keeps_no_room_open_where_nobody_tells_ends() -> None:
    engine = Engine()

    def attack(at: float, step: str) -> Decision:
        stream = [alert(at + n, f"{step}{n}", "", host="web", class_="ids", source="siem") for n in range(12)]
        return engine.ingest(stream)[-1]

    at = heard(engine, gap=1800.0) + 5000.0
    first = attack(at, "Scan")
    for n in range(70):  # what was heard before is heard on, in the room and beside it
        engine.ingest([alert(at + 60.0 * n, "Scan1", "", host="web", class_="ids", source="siem")])
        engine.ingest([alert(at + 60.0 * n + 30.0, word(7), "", host=f"h{n % 7}", source="siem")])
    later = attack(at + 70 * 60.0, "Theft")
    assert first.deserves
    assert later.deserves
    assert later.group != first.group


def test_two_places_known_by_their_hosts_names_alone_are_as_far_apart_as_two_that_are_told() -> None:
    def rooms(told: bool) -> list[list[bool]]:
        """Which of the alerts at two sites at once, each with a pause, are in one room."""
        engine = Engine()
        stream: list[Alert] = []
        for n in range(60):
            at = 1800.0 * n
            stream += [
                alert(at + k, word(n), "", host=f"{site}/h{n % 7}", location=site if told else "", source="siem")
                for k, site in enumerate(("fox", "owl"))
            ]
        at = 1800.0 * 60 + 5000.0
        attack = [
            alert(
                at + pause + 9.0 * n,
                f"{step}{n}",
                "",
                host=f"{site}/{host}",
                location=site if told else "",
                source="siem",
            )
            for step, pause, host in (("Scan", 0.0, "web"), ("Shell", 1500.0, "db"))
            for n in range(16)
            for site in ("fox", "owl")
        ]
        engine.ingest(stream)
        groups = [decision.group for decision in engine.ingest(attack)]
        return [[one == other for other in groups] for one in groups]

    by_location, by_name = rooms(told=True), rooms(told=False)
    assert by_name == by_location
    assert by_name[0] == [n % 2 == 0 for n in range(64)]


def test_what_is_told_late_counts_in_the_group_too() -> None:
    engine = Engine()
    *_, late = engine.ingest([alert(0), alert(60), cleared(90), alert(80)])
    assert (late.code, late.count) == ("late", 3)
    assert engine.group("G1").alerts == 3


def test_a_member_that_gets_worse_weighs_more_in_what_fails() -> None:
    engine, told_once = Engine(), Engine()
    engine.ingest([alert(0, severity=Severity.WARNING), alert(60, severity=Severity.CRITICAL)])
    told_once.ingest([alert(0, severity=Severity.CRITICAL)])
    weights = [one._registry.known("G1").services["checkout"].classes for one in (engine, told_once)]
    assert weights[0] == weights[1]


def test_a_title_without_a_place_of_its_own_names_where_most_is() -> None:
    group = Group(
        number=1, recipe="", key=(), cook_for=1, quiet_for=1, min_alerts=1, hops=2, opened_at=0, last_at=0, grown_at=0
    )
    group.telling = Telling(service="till", name="TillDown")
    group.locations = {"us": 1, "eu": 2}
    assert group.title() == "till down, eu and 1 more"
