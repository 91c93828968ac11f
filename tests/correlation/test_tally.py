"""What a group counts of its members' voices is what they say, whatever came and went."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from correlation.dedup import Episode
from correlation.engine import Engine
from correlation.groups import Group
from correlation.merging import absorb
from correlation.tally import MAX_SAID, Tally, one_more
from tests.correlation.building import alert, cleared


def group(number: int) -> Group:
    """One that never calls people."""
    return Group(
        number=number,
        recipe="",
        key=(),
        cook_for=7200,
        quiet_for=600,
        min_alerts=1,
        hops=2,
        opened_at=0,
        last_at=0,
        grown_at=0,
        bar=float("inf"),
    )


def member(number: int, name: str, location: str, opening: float) -> Episode:
    return Episode(
        id=number,
        key=(name, str(number)),
        fingerprint="",
        source="",
        name=name,
        class_="",
        service="cart",
        host="",
        location=location,
        environment="",
        template="",
        rank=2,
        first_seen=0.0,
        last_seen=0.0,
        opening=opening,
    )


voices = st.sampled_from([0.0, 0.1, 0.3, 0.7])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("takes"), st.integers(0, 1), st.sampled_from("ab"), st.sampled_from(["", "eu"]), voices),
        st.tuples(st.sampled_from(["turns", "worsens"]), st.integers(0, 9), voices),
    ),
    max_size=30,
)


@given(steps, st.booleans())
def test_those_who_speak_are_counted_whatever_fires_clears_worsens_or_is_merged(
    chosen: list[tuple[object, ...]], merged: bool
) -> None:
    groups, members = [group(1), group(2)], [[], []]  # type: tuple[list[Group], list[list[Episode]]]
    for what, which, *rest in chosen:
        known = [(n, one) for n in (0, 1) for one in members[n]]
        if what == "takes":
            name, location, opening = rest
            one = member(len(known), name, location, opening)  # type: ignore[arg-type]
            groups[which].take(one, 0.0)  # type: ignore[call-overload]
            members[which].append(one)  # type: ignore[call-overload]
        elif known:
            n, one = known[which % len(known)]  # type: ignore[operator]
            if what == "worsens" and one.active and rest[0] > one.opening:  # type: ignore[operator]
                groups[n].says_more(one, rest[0], 0.0)  # type: ignore[arg-type]
            elif what == "turns":
                one.active = not one.active
                (groups[n].stirred if one.active else groups[n].cleared)(one)
    if merged:
        absorb(groups[0], groups.pop())
        members = [members[0] + members[1]]
    for one_group, of in zip(groups, members, strict=True):
        speak = [one for one in of if one.active and one.opening > 0.0]
        tally = one_group.services.get("cart", Tally(0, 0, 0.0, worst=3))
        assert {what: said.firing for what, said in tally.said.items()} == Counter(
            f"{one.name}\x1f{one.place}" for one in speak
        )
        for one in speak:
            said = tally.heard(one)
            assert said is not None
            assert said.loudest >= one.opening
            assert one_group.most(one) >= said.loudest * one_more(said.firing - 1)
            assert said.firing > 1 or one_group.most(one) == 1.0


def test_what_cleared_takes_nothing_from_the_next_that_says_the_same() -> None:
    def worth(*, clears: bool) -> float:
        engine, at = Engine(), 0.0
        for at in (0.0, 7000.0, 9100.0, 16_000.0, 25_000.0, 31_000.0):
            engine.ingest([alert(at, host="pod-0"), cleared(at + 1200, host="pod-0")])
        at += 79_000.0
        engine.ingest([alert(at, host="pod-1"), alert(at + 5, host="pod-2")])
        if clears:
            engine.ingest([cleared(at + 10, host=f"pod-{n}") for n in (1, 2)])
        (last,) = engine.ingest([alert(at + 15, host="pod-3")])
        episode = engine._dedup.episode(last.episode)
        assert episode is not None
        return episode.opening / episode.full

    assert worth(clears=True) == 1.0
    assert worth(clears=False) < 0.6


def test_so_much_that_is_said_is_counted_and_no_more() -> None:
    tally = Tally(0, 0, 0.0, worst=3)
    for n in range(1000):
        tally.says(member(n, f"Rule{n}", "", 0.5))
    assert len(tally.said) == MAX_SAID
