from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from correlation import groups as groups_
from correlation import merging
from correlation.alert import Alert, Change, Severity, Status
from correlation.cookbook import Cookbook, Recipe
from correlation.engine import Engine, SnapshotError, UnknownGroup
from correlation.snapshot import OLDEST, VERSION
from correlation.tuning import Tuning
from tests.correlation.building import SHOP, alert, cleared


def groups(engine: Engine, stream: list[Alert]) -> list[str | None]:
    decisions = engine.ingest(stream)
    return [engine.surviving(d.group) if d.group else None for d in decisions]


def test_one_outage_over_four_services_in_fifteen_minutes_is_one_group() -> None:
    stream = [
        alert(0, "ConnectionsExhausted", "payments-db", class_="saturation", severity=Severity.CRITICAL),
        alert(150, "HighErrors", "payments-api", class_="errors", severity=Severity.CRITICAL),
        alert(420, "HighLatency", "checkout", class_="latency"),
        alert(840, "ErrorsOnPage", "web", class_="errors"),
    ]
    assert groups(Engine(topology=SHOP), stream) == ["G1"] * 4


def test_two_unrelated_outages_at_two_locations_in_one_minute_are_two_groups() -> None:
    stream = [
        alert(0, "HighLatency", "checkout", class_="latency"),
        alert(10, "DiskFull", "mail", class_="saturation", location="us-east-1"),
        alert(20, "HighErrors", "payments-api", class_="errors"),
        alert(30, "QueueStuck", "queue", class_="errors", location="us-east-1"),
    ]
    for engine in (Engine(topology=SHOP), Engine()):
        assert groups(engine, stream) == ["G1", "G2", "G1", "G2"]


def test_without_a_topology_the_same_place_and_moment_is_enough() -> None:
    stream = [alert(0), alert(30, "HighErrors", "cart"), alert(90, "QueueFull", "mail")]
    assert groups(Engine(), stream) == ["G1"] * 3


def test_with_a_topology_what_is_not_connected_stays_apart_at_the_same_place() -> None:
    stream = [alert(0), alert(30, "HighErrors", "payments-api"), alert(40, "QueueFull", "mail")]
    assert groups(Engine(topology=SHOP), stream) == ["G1", "G1", "G2"]


def test_environments_are_never_mixed() -> None:
    assert groups(Engine(), [alert(0), alert(1, environment="staging", host="x")]) == ["G1", "G2"]


def test_a_storm_of_five_hundred_alerts_over_ten_minutes_is_one_group() -> None:
    services = ["web", "checkout", "cart", "payments-api", "payments-db"]
    stream = [
        alert(n * 1.2, f"Rule{n % 7}", services[n % 5], host=f"{services[n % 5]}-{n}", summary=f"pod {n} is unwell")
        for n in range(500)
    ]
    for engine in (Engine(topology=SHOP), Engine()):
        assert set(groups(engine, stream)) == {"G1"}
        view = engine.group("G1")
        assert view is not None
        assert (view.size, view.active, len(view.episodes)) == (500, 500, 500)


def test_a_quiet_group_takes_no_more_members() -> None:
    assert groups(Engine(), [alert(0), cleared(60), alert(3 * 3600.0, "HighErrors")]) == ["G1", "G1", "G2"]


def test_a_resolved_alert_neither_opens_nor_prolongs_a_group() -> None:
    engine = Engine()
    engine.ingest([alert(0), alert(1, host="b"), cleared(1700), cleared(1750, host="b")])
    assert groups(engine, [alert(3000, "HighErrors")]) == ["G2"]


def test_an_alert_that_connects_two_groups_makes_them_one_and_the_older_id_stays() -> None:
    engine = Engine(topology=SHOP)
    one, other, bridge = engine.ingest(
        [
            alert(0, "IndexCorrupt", "search-index", location="", host="rack-7"),
            alert(5, "DiskFull", "payments-db", location="", host="rack-7", class_="saturation"),
            alert(10, "HighErrors", "web", location="", host="rack-7"),
        ]
    )
    assert (one.group, other.group) == ("G1", "G2")
    assert bridge.merged == (("G2", "G1"),)
    assert bridge.group == "G1"
    assert engine.surviving("G2") == "G1"
    assert "connects G2 with G1" in bridge.reason
    view = engine.group("G1")
    assert view is not None
    assert view.size == 3
    assert engine.group("G2") == view


def test_people_merge_and_split_and_later_alerts_follow() -> None:
    engine = Engine()
    engine.ingest([alert(0), alert(1, "QueueFull", "mail", location="us-east-1"), alert(2, "HighErrors")])
    engine.merge("G1", "G2")
    view = engine.group("G2")
    assert view is not None
    assert (view.id, view.episodes) == ("G1", (1, 2, 3))
    assert groups(engine, [alert(9, "QueueFull", "mail", location="us-east-1")]) == ["G1"]
    new = engine.split("G1", [2])
    assert new == "G3"
    rest, moved = engine.group("G1"), engine.group(new)
    assert rest is not None
    assert moved is not None
    assert (rest.episodes, moved.episodes) == ((1, 3), (2,))
    assert moved.deserves
    assert (rest.services, moved.services) == ((("checkout", 2),), (("mail", 1),))
    assert groups(engine, [alert(20, "QueueFull", "mail", location="us-east-1")]) == ["G3"]


def test_what_people_said_is_remembered_for_the_next_time() -> None:
    taught, naive = Engine(topology=SHOP), Engine(topology=SHOP)
    for engine in (taught, naive):
        engine.ingest([alert(0), cleared(60), alert(5, "QueueFull", "mail"), cleared(60, "QueueFull", "mail")])
    taught.merge("G1", "G2")
    day = 86_400.0
    near = [alert(day), alert(day + 5, "QueueFull", "mail")]
    assert len(set(groups(naive, near))) == 2
    assert len(set(groups(taught, near))) == 1


def test_after_a_split_an_alert_does_not_bring_the_two_together_again() -> None:
    engine = Engine()
    engine.ingest([alert(0), alert(5, "QueueFull", "mail"), alert(6, "HighErrors")])
    new = engine.split("G1", [2])
    engine.ingest([alert(10, "SomethingElse", "cart"), alert(11, "Another", "web")])
    assert engine.surviving(new) == new


def test_what_is_split_off_is_a_group_like_the_one_it_was_in() -> None:
    engine = Engine(Cookbook([Recipe(name="team", group_by=("team",), min_alerts=9)], with_default=False))
    engine.observe([Change(id="c", at=0.0, title="", service="checkout")])
    ours, others = ((("team", name),) for name in ("x", "y"))
    engine.ingest([alert(1, labels=ours), alert(2, "HighErrors", labels=ours)])
    new = engine.split("G1", [2])
    assert (engine.deserves("G1"), engine.deserves(new)) == (False, True)  # a person wants to see it
    joined, stranger = engine.ingest([alert(3, "Slow", labels=ours), alert(4, "Slow", labels=others)])
    assert (joined.group in {"G1", new}, stranger.group) == (True, "G3")
    taught = Engine()
    taught.observe([Change(id="c", at=0.0, title="", service="checkout")])
    taught.ingest([alert(1), alert(2, "QueueFull", "mail")])
    taught.split("G1", [2])
    assert "after the same change" in taught.ingest([alert(9, "HighErrors")])[0].reason


def test_members_that_a_large_group_does_not_list_stay_in_a_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups_, "MAX_MEMBERS", 5)
    monkeypatch.setattr(merging, "MAX_MEMBERS", 5)
    engine = Engine()
    engine.ingest([alert(float(n), host=f"h{n}") for n in range(8)])
    new = engine.split("G1", [2])
    rest, moved = engine.group("G1"), engine.group(new)
    assert rest is not None
    assert moved is not None
    assert (rest.size, len(rest.episodes), moved.size) == (7, 4, 1)
    engine.ingest([alert(float(n), "Slow", "mail", host=f"h{n}", location="us-east-1") for n in range(20, 28)])
    engine.merge("G1", "G3")
    both = engine.group("G1")
    assert both is not None
    assert (both.size, len(both.episodes)) == (15, 5)


def test_a_group_closes_soon_after_its_last_member_cleared_though_it_was_to_stay_open_for_a_day() -> None:
    """While it fires it is looked at again a day later; when nothing fires any more, that would be late."""
    engine = Engine(topology=SHOP)
    engine.ingest([alert(0, severity=Severity.CRITICAL), alert(9, "HighErrors", severity=Severity.CRITICAL)])
    engine.advance(3_600)
    for end, opened in ((cleared(3_660), True), (cleared(3_670, "HighErrors"), False)):
        engine.ingest([end])
        engine.advance(3_680)
        assert engine.group("G1").open is opened  # type: ignore[union-attr]


def test_an_open_group_that_goes_into_a_closed_one_opens_it_again() -> None:
    engine = Engine()
    engine.ingest([alert(0), cleared(60), alert(86_400, "QueueFull", "mail", location="us-east-1")])
    before = engine.group("G1")
    assert before is not None
    assert not before.open
    engine.merge("G1", "G2")
    after = engine.group("G1")
    assert after is not None
    assert after.open
    late = alert(86_460, "MailSlow", "mail", location="us-east-1")
    assert groups(engine, [late]) == ["G1"]


def test_what_is_merged_from_a_closed_group_draws_its_like_into_the_open_one() -> None:
    engine = Engine(topology=SHOP)
    away = {"service": "mail", "location": "us-east-1"}
    engine.ingest([alert(0, "QueueFull", **away), cleared(60, "QueueFull", **away), alert(86_400)])
    assert engine.group("G1").open is False  # type: ignore[union-attr]
    engine.merge("G2", "G1")
    assert groups(engine, [alert(86_430, "MailLost", **away)]) == ["G2"]


def test_corrections_that_make_no_sense_are_refused() -> None:
    engine = Engine()
    engine.ingest([alert(0), alert(1, host="b")])
    with pytest.raises(UnknownGroup):
        engine.merge("G1", "G9")
    with pytest.raises(UnknownGroup):
        engine.split("nonsense", [1])
    with pytest.raises(ValueError, match="already"):
        engine.merge("G1", "G1")
    for episodes in ([], [1, 2], [77]):
        with pytest.raises(ValueError, match="neither none nor all"):
            engine.split("G1", episodes)
    assert engine.group("G9") is None
    assert engine.surviving("G9") == "G9"


def test_a_view_says_what_is_broken_and_where() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest(
        [
            alert(0, "HighRequestLatency", "checkout", class_="latency", severity=Severity.CRITICAL),
            alert(4, "HighErrors", "cart", class_="errors"),
            cleared(9, "HighErrors", "cart", class_="errors"),
        ]
    )
    view = engine.group("G1")
    assert view is not None
    assert view.title == "checkout latency, eu-west-1"
    assert (view.severity, view.active, view.size, view.deserves) == (Severity.CRITICAL, 1, 2, True)
    assert view.locations == (("eu-west-1", 2),)
    assert view.causes[0].name in {"checkout", "cart"}


def test_a_clock_that_runs_ahead_does_not_close_everything() -> None:
    engine = Engine()
    engine.ingest([alert(1000)], now=1000)
    engine.ingest([alert(9e9, "FromTheFuture", "mail", location="mars")], now=1001)
    assert engine.watermark == 1001
    assert engine.ingest([alert(1010, "HighErrors")], now=1010)[0].group == "G1"


def test_an_alert_that_comes_late_is_placed_where_it_belongs() -> None:
    engine = Engine()
    assert groups(engine, [alert(1000), alert(940, "HighErrors")]) == ["G1", "G1"]
    assert engine.watermark == 1000


def test_a_source_that_never_tells_ends_does_not_keep_its_groups_open() -> None:
    engine = Engine(tuning=Tuning(trust=3))
    for n in range(5):
        engine.ingest([alert(n * 10_000.0, f"N{n}", source="siem")])
    (again,) = engine.ingest([alert(6 * 10_000.0, "N4", source="siem")])
    assert again.kind in {"opened", "noise"}
    assert again.episode == 6


def test_numbers_go_on_above_what_was_given_before() -> None:
    engine = Engine()
    assert engine.number_from(episode=1, group=1) is False
    assert engine.number_from(episode=100, group=20) is True
    (decision,) = engine.ingest([alert(0)])
    assert (decision.episode, decision.group) == (100, "G20")


def test_a_snapshot_of_another_version_or_a_damaged_one_is_refused() -> None:
    for bad in (b"", b"nonsense", Engine().snapshot()[:-5]):
        with pytest.raises(SnapshotError):
            Engine.restore(bad)
    for other in (OLDEST - 1, VERSION + 1):
        state = msgspec.msgpack.decode(Engine().snapshot()[5:]) | {"version": other}
        with pytest.raises(SnapshotError, match=f"is of version {other}, this engine reads {OLDEST} to {VERSION}"):
            Engine.restore(msgspec.msgpack.encode(state))


def test_a_snapshot_in_which_a_single_bit_is_another_is_refused() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest([alert(0.0), alert(5.0, "HighErrors")])
    kept = bytearray(engine.snapshot())
    for place in range(0, len(kept), 7):
        kept[place] ^= 1 << place % 8
        with pytest.raises(SnapshotError):
            Engine.restore(bytes(kept))
        kept[place] ^= 1 << place % 8
    assert Engine.restore(bytes(kept)).snapshot() == engine.snapshot()


def test_severity_and_status_may_be_given_by_their_names() -> None:
    named = alert(0.0, severity="critical", status="resolved")
    assert (named.severity, named.status) == (Severity.CRITICAL, Status.RESOLVED)
    assert Engine().ingest([named])[0].code == "cleared_unknown"
    for wrong in ({"severity": "crit"}, {"status": "up"}):
        with pytest.raises(ValueError, match=r"is not a valid S(everity|tatus)"):
            alert(0.0, **wrong)


@pytest.mark.parametrize("version", range(OLDEST, VERSION))
def test_an_engine_goes_on_in_the_groups_that_an_older_one_kept(version: int) -> None:
    """Each was written by the engine of its version: an outage of payments at eu-west-1, and a full disk merged into it."""
    engine = Engine.restore((Path(__file__).parent / "snapshots" / f"{version}.msgpack").read_bytes())
    view = engine.group("G1")
    assert (view.title, view.size, view.active) == ("payments-api errors, eu-west-1 and 1 more", 3, 2)
    assert (view.deserves, view.suspects[0].change) == (True, "d1")
    again, joins = engine.ingest(
        [
            alert(1_060.0, "HighErrors", "payments-api", environment="", class_="errors", severity=Severity.CRITICAL),
            alert(1_070.0, "SlowQueries", "payments-db", environment="", class_="latency"),
        ]
    )
    assert (again.kind, again.episode, joins.kind, joins.group) == ("repeat", 1, "joined", "G1")
    assert joins.episode == (4 if version == 21 else 5)
    new = engine.split("G1", [3])
    assert (engine.group(new).title, engine.group("G1").size) == ("mail disk full, us-east-1", 3)
    kept = engine.snapshot()
    assert msgspec.msgpack.decode(kept[5:])["version"] == VERSION
    assert Engine.restore(kept).snapshot() == kept


def test_what_an_older_engines_groups_share_by_a_recipe_is_found() -> None:
    """Beside the outage there is a full queue in it, by a recipe that groups by teams."""
    engine = Engine.restore((Path(__file__).parent / "snapshots" / "22.msgpack").read_bytes())
    other, own = engine.ingest(
        [
            alert(1_600.0, "Idle", "db", location="us-west-3", labels=(("team", "x"),), severity=Severity.INFO),
            alert(1_601.0, "Slow", "mail", location="us-west-2", labels=(("team", "x"),)),
        ]
    )
    assert (other.group, own.group) == ("G3", "G3")
    assert (
        engine.ingest([alert(1_602.0, "Slow", "mail", location="us-west-2", labels=(("team", "y"),))])[0].group == "G4"
    )


def test_open_groups_are_bounded() -> None:
    engine = Engine(tuning=Tuning(open_groups=20, closed_groups=5))
    engine.ingest([alert(float(n), f"Alert{chr(97 + n % 26)}", f"s{n}", location=f"place{n}") for n in range(200)])
    assert len(engine._registry.open) == 20
    assert len(engine._registry.closed) == 5
    assert engine.group("G200") is not None
    assert engine.group("G1") is None


def test_what_is_rescheduled_again_and_again_leaves_no_heap_behind() -> None:
    engine = Engine()
    for n in range(2_000):
        engine.ingest([(cleared if n % 2 else alert)(float(n))])
    assert len(engine._registry.open) == 1
    assert len(engine._registry.due) <= 64 + 8
    assert len(engine._waiting.dump()) <= 8


def test_where_no_location_is_told_two_sites_are_known_by_their_hosts_names() -> None:
    def trouble(at: float, name: str, host: str) -> Alert:
        return Alert(at=at, name=name, host=host, severity=Severity.CRITICAL, class_="intrusion")

    engine = Engine()
    one, two, elsewhere = engine.ingest(
        [
            trouble(0.0, "PortScan", "fox/intranet"),
            trouble(20.0, "BruteForce", "fox/mail"),
            trouble(25.0, "PortScan", "santos/intranet"),
        ]
    )
    assert one.group == two.group != elsewhere.group
    assert "elsewhere" not in two.reason
