"""Past incidents that are alike: found, ranked, explained, bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlation import precedents
from correlation.precedents import LEAST, Line, Precedents, Sketch

OUTAGE = [
    Line(0.0, "disk", "payments-db", "DiskFull", "disk of payments-db is 97 % full"),
    Line(200.0, "latency", "payments-api", "HighLatency", "payments-api answers in 3 s"),
    Line(500.0, "errors", "checkout", "HighErrors", "checkout fails: timeout of the replica"),
    Line(700.0, "errors", "web", "HighErrors", "web fails"),
]
MAIL = [Line(0.0, "queue", "mail", "QueueGrows", "letters wait"), Line(60.0, "errors", "mail", "HighErrors", "bounces")]
LOST = [Line(0.0, "certificate", "search", "CertificateExpired", "the certificate of search ends")]


def kept(*incidents: list[Line], capacity: int = 100) -> Precedents:
    past = Precedents(capacity)
    for number, lines in enumerate(incidents, start=1):
        past.add(Sketch.of(f"INC-{number}", lines))
    return past


def now(*lines: Line) -> Sketch:
    return Sketch.of("INC-99", lines)


def test_the_same_again_comes_first_and_says_why() -> None:
    found = kept(MAIL, OUTAGE, LOST).similar(now(*OUTAGE))
    assert found[0].id == "INC-2"
    assert found[0].score > 0.999
    assert found[0].reasons[:2] == ("the same 3 classes, in the same order", "the same 4 services")
    assert found[0].reasons[2].startswith("the same words (")


def test_the_beginning_of_a_known_one_is_very_much_like_it() -> None:
    found = kept(MAIL, OUTAGE, LOST).similar(now(*OUTAGE[:2]))
    assert found[0].id == "INC-2"
    assert found[0].score > 0.7
    assert found[0].reasons[0] == "2 of its 3 classes (disk, latency), in the same order"
    assert found[0].reasons[1] == "2 of its 4 services (payments-db, payments-api)"


def test_another_order_is_less_alike_and_is_not_called_the_same() -> None:
    turned = [
        Line(at, one.what, one.service, one.name, one.summary)
        for at, one in zip((3_000.0, 2_000.0, 1_000.0, 0.0), OUTAGE, strict=True)
    ]
    (same,), (other,) = kept(OUTAGE).similar(now(*OUTAGE)), kept(OUTAGE).similar(now(*turned))
    assert other.score < same.score
    assert not any("order" in reason for reason in other.reasons)


def test_what_is_rare_counts_for_more_than_what_everybody_has() -> None:
    common = [Line(0.0, "errors", "web", "HighErrors", "web fails")]
    rare = Line(10.0, "certificate", "search", "CertificateExpired", "")
    found = kept(*[common] * 8, LOST).similar(now(*common, rare), least=0.0)
    assert dict(found[0].terms)["class"] < 0.8
    assert "INC-9" in [one.id for one in found[:5]]


def test_what_is_hardly_alike_is_not_told() -> None:
    past = kept(OUTAGE, MAIL)
    both = past.similar(now(*OUTAGE), least=0.0)
    assert [one.id for one in both] == ["INC-1", "INC-2"]
    assert both[1].score < LEAST
    assert [one.id for one in past.similar(now(*OUTAGE))] == ["INC-1"]


def test_one_question_looks_at_a_bounded_part_of_the_past_what_is_rare_first(monkeypatch: pytest.MonkeyPatch) -> None:
    past = kept(*[MAIL] * 30, LOST)
    asked = now(*MAIL, *LOST)
    assert len(past.similar(asked, least=0.0, limit=99)) == 31
    monkeypatch.setattr(precedents, "VISITS", 10)
    assert [one.id for one in past.similar(asked, least=0.0, limit=99)] == ["INC-31"]


def test_nothing_alike_is_nothing() -> None:
    assert kept(MAIL, LOST).similar(now(Line(0.0, "traffic", "cdn", "NoTraffic", "silence"))) == ()
    assert kept().similar(now(*OUTAGE)) == ()
    assert kept(OUTAGE).similar(now()) == ()


def test_an_incident_is_no_precedent_of_itself() -> None:
    past = kept(OUTAGE, OUTAGE)
    assert [one.id for one in past.similar(Sketch.of("INC-1", OUTAGE))] == ["INC-2"]


def test_of_equals_the_newest_comes_first() -> None:
    assert [one.id for one in kept(OUTAGE, OUTAGE, OUTAGE).similar(now(*OUTAGE), limit=2)] == ["INC-3", "INC-2"]


def test_what_the_asker_may_not_see_takes_nobodys_place() -> None:
    past = kept(*[OUTAGE] * 80, MAIL)
    found = past.similar(now(*OUTAGE), among=lambda one: one == "INC-4")
    assert [one.id for one in found] == ["INC-4"]


def test_what_lacks_alerts_is_compared_by_its_title() -> None:
    past = Precedents()
    past.add(Sketch.of("INC-1", [], title="customers cannot pay by voucher"))
    found = past.similar(Sketch.of("INC-2", [], title="voucher payments refused for customers"), least=0.1)
    assert [one.id for one in found] == ["INC-1"]
    assert "alike in text" in found[0].reasons[0]


def test_it_forgets_the_oldest_and_what_it_is_told_to() -> None:
    past = kept(OUTAGE, MAIL, LOST, capacity=2)
    assert len(past) == 2
    assert past.get("INC-1") is None
    past.forget("INC-3")
    past.forget("INC-3")
    assert [one.id for one in past.similar(now(*LOST, *MAIL), least=0.0)] == ["INC-2"]
    assert not any("INC-3" in ids for ids in past._index.values())


def test_a_newer_sketch_takes_the_place_of_the_older() -> None:
    past = kept(OUTAGE)
    past.add(Sketch.of("INC-1", MAIL))
    assert past.similar(now(*LOST)) == ()
    assert len(past) == 1


def test_how_usual_a_kind_is_leaves_out_whom_it_is_about() -> None:
    past = kept(OUTAGE, MAIL, LOST)
    assert past.share(("disk", "payments-db")) == 1.5 / 4
    assert past.share(("disk", "payments-db"), but=["INC-1"]) == 0.5 / 3
    assert past.with_kinds([("errors", "mail"), ("queue", "mail"), ("disk", "payments-db")]) == ("INC-2", "INC-1")


lines = st.lists(
    st.builds(
        Line,
        st.integers(0, 30).map(lambda n: n * 45.0),
        st.sampled_from(["", "latency", "errors", "disk"]),
        st.sampled_from(["", "web", "cart", "db"]),
        st.sampled_from(["", "HighLatency", "DiskFull"]),
        st.sampled_from(["", "answers late", "disk is full", "\u202e" * 5 + "x" * 900]),
    ),
    max_size=12,
)


@given(st.lists(lines, max_size=6), lines)
def test_a_score_is_a_share_and_the_order_of_lines_does_not_matter(
    incidents: list[list[Line]], asked: list[Line]
) -> None:
    found = kept(*incidents).similar(now(*asked), least=0.0)
    assert found == kept(*(list(reversed(one)) for one in incidents)).similar(now(*reversed(asked)), least=0.0)
    assert all(0.0 <= one.score <= 1.0 + 1e-9 for one in found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert all("\u202e" not in reason and len(reason) < 300 for one in found for reason in one.reasons)
