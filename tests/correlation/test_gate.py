from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlation.alert import Severity
from correlation.cookbook import Cookbook, Recipe
from correlation.engine import Engine
from correlation.gate import PRIORITY, Gate, Verdict, _urgent
from correlation.tuning import Tuning
from tests.correlation.building import alert, cleared

HOUR = 3600.0


def onset(gate: Gate, at: float, *, rank: int = 2, text: str = "", tier: int = 3, recovered: bool = False) -> Verdict:
    return gate.onset(("DiskFull", "db", "eu"), at, rank=rank, text=text, tier=tier, recovered=recovered)


_WORDS = (
    "Down",
    "OUTAGE",
    "data",
    "loss",
    "unreachable",
    "unavailable",
    "corrupted",
    "breach",
    "out of",
    "Disk",
    "split",
    "brain",
    "\u017fplit",
)


@given(st.lists(st.sampled_from(_WORDS) | st.text(max_size=3), max_size=6), st.sampled_from(["", " ", "-"]))
def test_a_priority_word_is_found_in_whatever_case_and_place(words: list[str], between: str) -> None:
    text = between.join(words)
    assert _urgent(text) == (PRIORITY.search(text) is not None)


def test_what_was_never_seen_opens_alone() -> None:
    assert onset(Gate(), 0).opening == 1.0


def test_what_fires_often_does_not_open_alone_until_it_was_away_for_long() -> None:
    gate = Gate()
    for n in range(8):
        verdict = onset(gate, n * n * 400.0)
    assert verdict.opening < 0.5
    assert verdict.code == "familiar"
    assert onset(gate, 40 * 86_400.0).opening > 0.9


def test_severity_and_priority_words_override_what_is_familiar() -> None:
    gates = [Gate() for _ in range(3)]
    for gate in gates:
        for n in range(4):
            onset(gate, n * n * 3000.0)
    plain, severe, words = (
        onset(gate, 60_000.0, rank=rank, text=text)
        for gate, rank, text in zip(gates, (2, 0, 1), ("", "", "database is down"), strict=True)
    )
    assert plain.opening < severe.opening
    assert words.opening == 1.0


def test_what_fires_like_a_clock_is_held() -> None:
    gate = Gate()
    verdicts = [onset(gate, n * HOUR) for n in range(12)]
    assert verdicts[-1].hold
    assert verdicts[-1].code == "periodic"
    assert "1 h" in verdicts[-1].words or "60 min" in verdicts[-1].words


def test_what_flaps_is_held() -> None:
    gate = Gate()
    verdicts = [onset(gate, n * 120.0, recovered=n > 0) for n in range(8)]
    assert verdicts[-1].hold
    assert verdicts[-1].code == "flapping"


def test_the_memory_of_series_is_bounded() -> None:
    gate = Gate(capacity=10)
    for n in range(100):
        gate.onset((f"a{n}", "", ""), n, rank=2, text="", tier=3, recovered=False)
    assert len(gate.series) == 10


def test_a_notice_may_join_but_not_open() -> None:
    engine = Engine()
    alone, opens, joins = engine.ingest(
        [
            alert(0, "CertificateSoon", "mail", severity=Severity.INFO, location="us-east-1"),
            alert(5),
            alert(9, "Restarted", severity=Severity.INFO),
        ]
    )
    assert (alone.kind, alone.code, alone.group) == ("noise", "below_trigger", None)
    assert opens.kind == "opened"
    assert (joins.kind, joins.group) == ("joined", "G1")


def test_repeats_of_a_held_alert_fold_and_a_worse_one_opens_with_the_same_episode() -> None:
    engine = Engine()
    decisions = engine.ingest(
        [
            alert(0, severity=Severity.INFO),
            alert(10, severity=Severity.INFO),
            alert(20, severity=Severity.INFO),
            alert(30, severity=Severity.CRITICAL),
        ]
    )
    assert [d.kind for d in decisions] == ["noise", "repeat", "repeat", "opened"]
    assert {d.episode for d in decisions} == {1}
    assert decisions[-1].count == 4


def test_a_held_alert_that_goes_on_joins_what_opens_beside_it() -> None:
    engine = Engine()
    engine.ingest([alert(0, "Restarted", severity=Severity.INFO), alert(30)])
    (decision,) = engine.ingest([alert(70, "Restarted", severity=Severity.INFO)])
    assert (decision.kind, decision.group, decision.episode) == ("joined", "G1", 1)


def test_a_familiar_alert_waits_in_a_group_that_does_not_deserve_people_until_it_has_company() -> None:
    engine = Engine(tuning=Tuning(trust=0))
    stream = []
    for at in (0, 7000, 9100, 16_000, 25_000, 31_000, 33_300):
        stream += [alert(at), cleared(at + 60)]
    last = engine.ingest(stream)[-2]
    assert (last.kind, last.code, last.deserves) == ("opened", "waiting", False)
    assert last.group is not None
    (company,) = engine.ingest([alert(33_320, "HighErrors")])
    assert (company.kind, company.group, company.deserves) == ("joined", last.group, True)


def test_a_muted_alert_is_held_with_its_reason_and_speaks_up_when_the_silence_ends() -> None:
    engine = Engine()
    held, again, after = (
        engine.ingest([alert(at)], muted=[why])[0]
        for at, why in ((0, "silenced by S1"), (5, "silenced by S1"), (9, None))
    )
    assert (held.kind, held.code, held.reason) == ("noise", "silenced", "Held: silenced by S1.")
    assert (again.kind, again.group) == ("repeat", None)
    assert (after.kind, after.episode, after.count) == ("opened", held.episode, 3)


def test_a_silence_does_not_take_a_firing_alert_out_of_its_group_nor_hides_its_end() -> None:
    engine = Engine()
    engine.ingest([alert(0)])
    repeat, end = engine.ingest([alert(10), cleared(20)], muted=["silenced", "silenced"])
    assert (repeat.kind, repeat.group) == ("repeat", "G1")
    assert (end.kind, end.active) == ("resolved", False)


def familiar(engine: Engine, severity: Severity = Severity.WARNING) -> float:
    """An alert that came and went within minutes, again and again; returns the moment after."""
    for at in (0.0, 7000.0, 9100.0, 16_000.0, 25_000.0, 31_000.0):
        engine.ingest([alert(at, severity=severity), cleared(at + 60, severity=severity)])
    return 40_000.0


def test_a_familiar_alert_that_fires_on_all_alone_is_called_when_time_has_gone_by() -> None:
    engine = Engine()
    at = familiar(engine)
    (alone,) = engine.ingest([alert(at)])
    assert (alone.code, alone.deserves) == ("waiting", False)
    early, late = engine.ingest(
        [alert(at + n, "Elsewhere", "mail", location=f"place {n}", severity=Severity.INFO) for n in (600, 901)]
    )
    assert early.called == ()
    assert late.called == (alone.group,)
    assert engine.deserves(alone.group or "")


def test_a_familiar_alert_that_clears_calls_nobody() -> None:
    engine = Engine()
    at = familiar(engine)
    alone, _, later = engine.ingest([alert(at), cleared(at + 120), alert(at + 1000, "Elsewhere", "mail", location="x")])
    assert later.called == ()
    assert not engine.deserves(alone.group or "")


def test_what_always_clears_within_minutes_is_not_novel_on_another_host() -> None:
    engine = Engine()
    for n in range(8):
        at = n * n * 4000.0
        engine.ingest([alert(at, "PodRestarted", f"s{n}"), cleared(at + 30, "PodRestarted", f"s{n}")])
    (last,) = engine.ingest([alert(250_000.0, "PodRestarted", "s99")])
    assert (last.code, last.deserves) == ("waiting", False)


def test_a_critical_alert_is_never_made_to_wait_for_being_familiar() -> None:
    engine = Engine()
    at = 0.0
    for n in range(6):
        at = n * n * 3000.0
        engine.ingest([alert(at, severity=Severity.CRITICAL), cleared(at + 1200, severity=Severity.CRITICAL)])
    (last,) = engine.ingest([alert(at + 40_000.0, severity=Severity.CRITICAL)])
    assert last.deserves


def test_a_new_name_of_usual_words_says_less_than_one_of_new_words() -> None:
    verdicts = []
    for words in (("throttling", "container"), ("corruption", "ledger")):
        gate = Gate()
        for n in range(200):
            said = ("throttling", "container") if n % 4 else (f"word{n}", f"more{n}")
            gate.onset((f"N{n % 20}", f"s{n}", "eu"), n * 3600.0, rank=2, text="", tier=3, recovered=False, words=said)
        at = 201 * 3600.0
        verdicts.append(gate.onset(("New", "x", "eu"), at, rank=2, text="", tier=3, recovered=False, words=words))
    usual_words, new_words = verdicts
    assert new_words.opening == 1.0
    assert usual_words.opening < 1.0
    assert usual_words.words == "alerts that say this are frequent lately"


def test_words_are_forgotten_by_half_in_a_week_and_their_number_is_bounded() -> None:
    gate = Gate(capacity=5)
    for n in range(50):
        words = (f"w{n}", "often")
        gate.onset(("A", "", ""), n * 60.0, rank=2, text="", tier=3, recovered=False, words=words)
    assert len(gate.words) == 5
    often = gate.words["often"][1]
    gate.onset(("A", "", ""), 49 * 60.0 + 7 * 86_400.0, rank=2, text="", tier=3, recovered=False, words=("often",))
    assert gate.words["often"][1] == pytest.approx(often / 2 + 1)


def test_a_burst_at_one_place_speaks_louder_than_the_same_alerts_one_by_one() -> None:
    def last(gap: float) -> Verdict:
        gate = Gate()
        for n in range(5):
            gate.onset(("Slow", "db", "eu"), n * 5000.0, rank=2, text="", tier=3, recovered=False)
        for n in range(6):
            verdict = gate.onset((f"A{n}", "db", "eu"), 60_000 + n * gap, rank=2, text="", tier=3, recovered=False)
        return gate.onset(("Slow", "db", "eu"), 60_000 + 6 * gap, rank=2, text="", tier=3, recovered=False) or verdict

    assert last(1.0).opening > last(600.0).opening


def test_every_held_alert_says_why_in_words_and_by_a_named_code() -> None:
    gate = Gate()
    for n in range(12):
        periodic = onset(gate, n * HOUR)
    flapping = [onset(Gate(), 0)]
    restless = Gate()
    for n in range(9):
        flapping = [onset(restless, n * 90.0, recovered=n > 0)]
    assert (periodic.code, periodic.words) == ("periodic", "it fires every 60 min")
    assert flapping[0].code == "flapping"
    assert flapping[0].words.startswith("flapping: it clears and fires again")


def test_what_another_place_hears_says_nothing_of_what_is_news_here_where_nobody_tells_ends() -> None:
    def opening(*, ends: bool) -> float:
        gate = Gate()
        for n in range(60):
            place, rule = ("owl", "Scan") if n % 3 else ("fox", f"R{n % 5}")
            key, words = (rule, f"h{n}", place), (rule.lower(),)
            gate.onset(key, 600.0 * n, rank=2, text="", tier=3, recovered=False, ends=ends, words=words)
        key = ("Scan", "web", "fox")
        return gate.onset(key, 40_000.0, rank=2, text="", tier=3, recovered=False, ends=ends, words=("scan",)).opening

    assert opening(ends=False) == 1.0
    assert opening(ends=True) < 0.5


def test_places_whose_sources_tell_no_ends_are_bounded() -> None:
    gate = Gate()
    for n in range(1100):
        gate.onset(("Scan", "web", f"p{n}"), float(n), rank=2, text="", tier=3, recovered=False, ends=False)
    assert len(gate.sites) == 1024


def test_what_is_critical_is_never_held_for_being_regular() -> None:
    gate = Gate()
    verdicts = [onset(gate, n * HOUR, rank=0) for n in range(12)]
    assert not any(verdict.hold for verdict in verdicts)


def test_a_word_of_priority_opens_for_an_error_and_nearly_for_a_warning() -> None:
    def opening(rank: int, text: str) -> float:
        gate = Gate()
        for n in range(6):
            onset(gate, n * n * 3000.0)
        return onset(gate, 100_000.0, rank=rank, text=text).opening

    assert opening(1, "database is unreachable") == 1.0
    assert opening(2, "database is unreachable") == 0.8
    assert opening(2, "database is slow") < 0.8
    assert opening(2, "breakdown of figures") < 0.8


def test_a_most_important_service_speaks_louder() -> None:
    def opening(tier: int) -> float:
        gate = Gate()
        for n in range(4):
            onset(gate, n * n * 3000.0)
        return onset(gate, 60_000.0, tier=tier).opening

    assert opening(1) == pytest.approx(1.3 * opening(3))


def test_what_is_usual_at_a_place_is_no_burst() -> None:
    def bursting(usual: int) -> bool:
        gate = Gate()
        for bucket in range(100):
            for _ in range(usual):
                gate._bursting("eu", bucket * 10.0)
        return [gate._bursting("eu", 1000.0) for _ in range(6)][-1]

    assert bursting(0)
    assert not bursting(4)


def test_counts_fade_by_half_in_half_a_day_and_in_a_week() -> None:
    gate = Gate()
    key = ("DiskFull", "db", "eu")
    onset(gate, 0.0)
    onset(gate, 12 * HOUR)
    assert gate.series[key].half_day == pytest.approx(1.5)
    onset(gate, 12 * HOUR + 7 * 24 * HOUR)
    assert gate.series[key].week == pytest.approx((1.0 + 2.0 ** (-12 / 168)) / 2 + 1.0)


def test_what_is_heard_again_is_remembered_for_longer_than_what_is_not() -> None:
    gate = Gate(capacity=3)

    def hear(name: str, at: float) -> None:
        gate.onset((name, "db", "eu"), at, rank=2, text="", tier=3, recovered=False)

    for at, name in enumerate(("a", "b", "c", "a", "d")):
        hear(name, 400.0 * at)
    assert [key[0] for key in gate.series] == ["c", "a", "d"]
    assert list(gate.rules) == ["c", "a", "d"]


def test_places_that_are_watched_for_bursts_are_bounded() -> None:
    gate = Gate()
    for n in range(1100):
        gate._bursting(f"p{n}", float(n))
    assert len(gate.bursts) == 1024


def test_what_is_familiar_says_how_often_it_fired_or_that_it_clears_by_itself() -> None:
    often = Gate()
    verdicts = [onset(often, n * n * 400.0) for n in range(8)]
    assert verdicts[-1].words == "it fired 7 times lately"
    harmless = Gate()
    for n in range(8):
        verdict = harmless.onset(("Slow", f"s{n}", "eu"), 3600.0 * n, rank=2, text="", tier=3, recovered=False)
        harmless.ended("Slow", 3600.0 * n + 60.0, 60.0)
    assert verdict.words == "what says so nearly always clears by itself within minutes"


def fleeting_site(engine: Engine, *, rule: str = "HighErrors") -> float:
    """A site where most clears by itself within minutes, a critical alert of one service as well; returns the moment after."""
    for n in range(12):
        at = n * 5000.0
        engine.ingest([alert(at, "PodRestarted", f"s{n}"), cleared(at + 30, "PodRestarted", f"s{n}")])
        at += 2000.0
        engine.ingest(
            [
                alert(at, rule, "cart", severity=Severity.CRITICAL),
                cleared(at + 90, rule, "cart", severity=Severity.CRITICAL),
            ]
        )
    return 80_000.0


def test_a_critical_alert_of_an_unknown_rule_calls_people_at_once_where_most_clears_by_itself() -> None:
    engine = Engine()
    at = fleeting_site(engine)
    (alone,) = engine.ingest([alert(at, "LedgerCorrupted", "mail", severity=Severity.CRITICAL, location="us-east-1")])
    assert (alone.code, alone.deserves) == ("severe", True)
    assert alone.reason == "Opened: not seen here before."


def test_a_critical_alert_of_a_known_rule_calls_people_at_once_on_a_service_where_it_never_fired() -> None:
    engine = Engine()
    at = fleeting_site(engine)
    (known,) = engine.ingest([alert(at, "HighErrors", "cart", severity=Severity.CRITICAL)])
    assert (known.code, known.deserves) == ("waiting", False)
    at += 4000.0
    (new,) = engine.ingest([alert(at, "HighErrors", "mail", severity=Severity.CRITICAL, location="us-east-1")])
    assert (new.code, new.deserves) == ("severe", True)
    engine.ingest([cleared(at + 60, "HighErrors", "mail", severity=Severity.CRITICAL, location="us-east-1")])
    (again,) = engine.ingest([alert(at + 9000, "HighErrors", "mail", severity=Severity.CRITICAL, location="us-east-1")])
    assert (again.code, again.deserves) == ("waiting", False)


def test_that_one_of_a_rule_cleared_at_once_holds_no_critical_alert_of_it_elsewhere() -> None:
    """Nor do two: what became of so few says nothing yet."""
    engine = Engine()
    places = ("eu-west-1", "us-east-1", "ap-south-1", "sa-east-1")
    told = []
    for n, place in enumerate(places):
        at, what = n * 4000.0, ("CertExpired", f"s{n}")
        told += engine.ingest([alert(at, *what, severity=Severity.CRITICAL, location=place)])
        engine.ingest([cleared(at + 35, *what, severity=Severity.CRITICAL, location=place)])
    assert [one.deserves for one in told] == [True, True, True, False]
    assert told[3].reason.startswith("Held: such alerts mostly clear within minutes;")


def test_on_a_sites_first_day_to_be_the_first_of_its_kind_is_no_news() -> None:
    engine = Engine()
    decisions = []
    for n in range(40):
        at = n * 1800.0
        place = f"region-{n % 4}"
        decisions += engine.ingest(
            [
                alert(at, "HighErrors", f"s{n}", severity=Severity.CRITICAL, location=place),
                cleared(at + 90, "HighErrors", f"s{n}", severity=Severity.CRITICAL, location=place),
            ]
        )[:1]
    assert decisions[0].deserves
    assert not any(decision.deserves for decision in decisions[-20:])


def test_a_rule_that_always_clears_by_itself_calls_at_once_on_a_service_where_it_was_never_critical() -> None:
    gate = Gate()
    for n in range(20):
        gate.onset(("HighErrors", "cart", "eu"), n * 9000.0, rank=0, text="", tier=3, recovered=False)
        gate.ended("HighErrors", n * 9000.0 + 60, 60.0)
    known, new = (
        gate.onset(("HighErrors", part, "eu"), 200_000.0, rank=0, text="", tier=3, recovered=False)
        for part in ("cart", "ledger")
    )
    assert not known.news
    assert known.opening < 1.0
    assert new.news
    assert new.opening == 1.0


def test_the_memory_of_what_was_critical_is_bounded() -> None:
    gate = Gate(capacity=10)
    for n in range(100):
        gate.onset(("HighErrors", f"s{n}", "eu"), n, rank=0, text="", tier=3, recovered=False)
    assert list(gate.critical) == [("HighErrors", f"s{n}") for n in range(90, 100)]


def half_known(engine: Engine) -> float:
    """Two rules of one service that fired and cleared a few times, hours apart; returns a moment when either says a half."""
    for at in (0.0, 7000.0, 9100.0, 16_000.0, 25_000.0, 31_000.0):
        for name, begins in (("HighLatency", at), ("HighErrors", at + 1000)):
            engine.ingest([alert(begins, name, host="pod-0"), cleared(begins + 1200, name, host="pod-0")])
    return 110_000.0


def test_another_rule_of_a_service_calls_people_where_the_same_rule_on_another_host_does_not() -> None:
    engine, other = Engine(), Engine()
    at = half_known(engine), half_known(other)
    _, again = engine.ingest([alert(at[0], host="pod-1"), alert(at[0] + 5, host="pod-2")])
    _, besides = other.ingest([alert(at[1], host="pod-1"), alert(at[1] + 5, "HighErrors", host="pod-1")])
    assert (again.kind, again.deserves) == ("joined", False)
    assert (besides.kind, besides.deserves) == ("joined", True)


@pytest.mark.parametrize(("times", "at_most"), [(5, 8), (10, 20)])
def test_the_same_rule_on_many_hosts_calls_people_the_more_familiar_it_is_the_later(times: int, at_most: int) -> None:
    engine = Engine()
    for n in range(times):
        at = 1000.0 * n + 37 * (n % 7) ** 2
        engine.ingest([alert(at, host="pod-0"), cleared(at + 400, host="pod-0")])
    decisions = engine.ingest([alert(1000.0 * times + 20_000.0 + n, host=f"pod-{n}") for n in range(300)])
    first = next(n for n, decision in enumerate(decisions) if decision.deserves)
    assert 1 < first < at_most
    assert {decision.group for decision in decisions} == {decisions[0].group}


def test_the_same_rule_on_another_host_goes_on_saying_less_when_both_fire_on() -> None:
    engine = Engine()
    at = half_known(engine)
    first, _ = engine.ingest([alert(at, host="pod-1"), alert(at + 5, host="pod-2")])
    assert engine.advance(at + 400) == ()
    assert engine.advance(at + 4000) == (first.group,)


def test_two_critical_alerts_of_one_rule_and_service_call_people_however_fleeting_they_are() -> None:
    engine = Engine()
    at = fleeting_site(engine)
    one, two = engine.ingest(
        [alert(at + n, "HighErrors", "cart", severity=Severity.CRITICAL, host=f"pod-{n}") for n in range(2)]
    )
    assert not one.deserves
    assert two.deserves


def test_what_calls_people_by_itself_does_not_wait_in_a_group_whose_recipe_asks_for_company() -> None:
    cookbook = Cookbook(
        [
            Recipe(name="shop", trigger=('severity="critical"',)),
            Recipe(name="background", min_alerts=8, quiet_for=3600.0),
        ]
    )
    engine = Engine(cookbook)
    mild, severe, late = engine.ingest(
        [
            alert(0, "DiskWillFillSoon", "search", host="search-2"),
            alert(60, "DiskFull", "search", host="search-2", severity=Severity.CRITICAL),
            alert(90, "IndexingFails", "search", host="search-2"),
        ]
    )
    assert (mild.recipe, mild.deserves) == ("background", False)
    assert (severe.kind, severe.recipe, severe.deserves) == ("opened", "shop", True)
    assert late.group == severe.group
