"""What everybody knows from one host is news on many: people are called within seconds, and told why."""

from __future__ import annotations

from correlation.alert import Alert, Status
from correlation.breadth import MANY, Breadths
from correlation.engine import Engine

HOUR = 3_600.0


def slow(at: float, host: str, *, end: bool = False, service: str = "db", source: str = "") -> Alert:
    return Alert(
        at=at,
        name="DiskSlow",
        service=service,
        host=host,
        location="eu",
        summary=f"disk of {host} is slow",
        status=Status.RESOLVED if end else Status.FIRING,
        source=source,
    )


def familiar(hosts: int = 1, times: int = 30) -> Engine:
    """An engine that knows this warning from so many hosts at once, now and then, always over after ten minutes."""
    engine = Engine()
    for n in range(times):
        at = HOUR * (n + n % 3 / 3.0)
        engine.ingest([slow(at + host, f"db-{host}") for host in range(hosts)])
        engine.ingest([slow(at + 600.0 + host, f"db-{host}", end=True) for host in range(hosts)])
    return engine


def test_a_familiar_warning_on_many_hosts_at_once_is_one_incident_and_calls_people() -> None:
    engine = familiar()
    told = engine.ingest([slow(40.0 * HOUR + n / 10.0, f"db-{n}") for n in range(300)])
    assert len({one.group for one in told if one.group}) == 1
    assert next(n for n, one in enumerate(told) if one.deserves) <= MANY
    assert told[-1].deserves


def test_so_does_one_that_every_service_knows_when_all_have_it() -> None:
    engine = Engine()
    for n in range(480):
        at, service = 0.4 * HOUR * n, f"s{n * 7 % 40}"
        engine.ingest([slow(at, service, service=service), slow(at + 600.0, service, service=service, end=True)])
    told = engine.ingest([slow(200.0 * HOUR + n, f"s{n}", service=f"s{n}") for n in range(40)])
    assert next(n for n, one in enumerate(told) if one.deserves) <= MANY
    assert len({one.group for one in told if one.deserves}) == 1


def test_one_host_more_of_it_calls_nobody() -> None:
    engine = familiar()
    told = engine.ingest([slow(40.0 * HOUR + n, f"db-{n}") for n in range(MANY - 1)])
    assert not any(one.deserves for one in told)


def test_what_is_usual_every_night_is_usual_however_many_it_hits() -> None:
    engine = familiar(hosts=20)
    told = engine.ingest([slow(40.0 * HOUR + n, f"db-{n}") for n in range(20)])
    assert not any(one.deserves for one in told)


def test_one_host_that_cannot_decide_is_not_many() -> None:
    engine = familiar()
    at = 40.0 * HOUR
    for n in range(12):
        told = engine.ingest([slow(at + 20.0 * n, "db-1"), slow(at + 20.0 * n + 10.0, "db-1", end=True)])
        assert not any(one.deserves for one in told)


def test_why_people_are_called_is_said() -> None:
    engine = Engine()
    for n in range(40):  # rules of this site mostly clear within minutes: one alert alone waits
        engine.ingest(
            [
                slow(HOUR * n * 1.3, f"h{n}", service=f"s{n}"),
                slow(HOUR * n * 1.3 + 60.0, f"h{n}", service=f"s{n}", end=True),
            ]
        )
    told = engine.ingest([slow(60.0 * HOUR + n, f"db-{n}") for n in range(MANY)])
    assert told[-1].deserves
    breadths = Breadths()
    said = [breadths.begins("DiskSlow", "eu", float(n)) for n in range(MANY)]
    assert said == [*[""] * (MANY - 1), "6 began within minutes, never so many before"]


def test_the_most_before_fades_and_other_places_say_nothing_of_it() -> None:
    breadths = Breadths()
    for n in range(12):
        breadths.begins("DiskSlow", "eu", float(n))
    assert not any(breadths.begins("DiskSlow", "eu", HOUR + n) for n in range(12))
    assert any(breadths.begins("DiskSlow", "us", HOUR + n) for n in range(MANY))
    later = 120.0 * 86_400.0
    assert any(breadths.begins("DiskSlow", "eu", later + n) for n in range(MANY))


def test_rules_that_are_remembered_are_bounded() -> None:
    breadths = Breadths(capacity=10)
    for n in range(100):
        breadths.begins(f"Rule{n}", "eu", float(n))
    assert len(breadths.rules) == 10
