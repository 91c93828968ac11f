"""Who is on call: rotations, hours, layers, overrides, and the days on which clocks change."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.catalog.model import DAY, HOUR, Layer, Override, Schedule
from bot.responders.schedules import Nobody, Shift, next_shift, on_call, shifts

AMSTERDAM = "Europe/Amsterdam"
MONDAY = date(2026, 1, 5)


def local(text: str, zone: str = AMSTERDAM) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def schedule(
    *layers: Layer, overrides: tuple[Override, ...] = (), timezone: str = AMSTERDAM, ical: str = ""
) -> Schedule:
    return Schedule(id="s", timezone=timezone, layers=layers, overrides=overrides, ical=ical)


def weekly(*people: str, **fields) -> Layer:
    return Layer(people=people, **{"period": 7 * DAY, "weekday": 0, "handover": 540, "start": MONDAY} | fields)


def daily(*people: str, **fields) -> Layer:
    return Layer(people=people, **{"period": DAY, "handover": 540, "start": MONDAY} | fields)


def person_at(who: Schedule, text: str) -> str | None:
    found = on_call(who, local(text, who.timezone))
    return found.person if isinstance(found, Shift) else None


WEEKS = schedule(weekly("robin", "mika"))


@pytest.mark.parametrize(
    ("at", "person"),
    [
        ("2026-01-05T08:59", None),
        ("2026-01-05T09:00", "robin"),
        ("2026-01-12T08:59:59", "robin"),
        ("2026-01-12T09:00", "mika"),
        ("2026-01-19T09:00", "robin"),
    ],
)
def test_a_week_belongs_to_one_person_from_handover_to_handover(at, person):
    assert person_at(WEEKS, at) == person


def test_a_shift_says_since_when_and_until_when():
    shift = on_call(WEEKS, local("2026-01-14T12:00"))
    assert shift == Shift(
        schedule="s", person="mika", since=local("2026-01-12T09:00"), until=local("2026-01-19T09:00"), why="rotation"
    )


def test_a_rotation_that_starts_in_mid_week_gives_the_first_person_the_rest_of_it():
    who = schedule(weekly("robin", "mika", start=date(2026, 1, 7)))
    assert person_at(who, "2026-01-07T08:00") is None
    assert person_at(who, "2026-01-07T09:00") == "robin"
    assert person_at(who, "2026-01-12T09:00") == "mika"


def test_a_rotation_without_a_start_has_always_run():
    assert person_at(schedule(daily("robin", start=None)), "1999-06-01T00:00") == "robin"


def test_turns_may_last_half_a_day_or_two_weeks():
    halves = schedule(daily("robin", "mika", period=12 * HOUR))
    assert [person_at(halves, f"2026-03-0{day}T{hour}") for day in (2, 3) for hour in ("09:00", "21:00")] == [
        "robin",
        "mika",
        "robin",
        "mika",
    ]
    fortnights = schedule(weekly("robin", "mika", period=14 * DAY))
    assert [person_at(fortnights, f"2026-01-{day}T09:00") for day in ("05", "12", "19", "26")] == [
        "robin",
        "robin",
        "mika",
        "mika",
    ]


NIGHTS = schedule(weekly("robin"), daily("mika", "ada", handover=1080, hours=(1080, 480)))


@pytest.mark.parametrize(
    ("at", "person"),
    [
        ("2026-01-06T17:59", "robin"),
        ("2026-01-06T18:00", "ada"),
        ("2026-01-06T23:59", "ada"),
        ("2026-01-07T07:59", "ada"),
        ("2026-01-07T08:00", "robin"),
        ("2026-01-07T18:00", "mika"),
    ],
)
def test_a_later_layer_wins_in_its_hours_across_midnight(at, person):
    assert person_at(NIGHTS, at) == person


def test_the_shift_of_a_night_ends_in_the_morning():
    night = on_call(NIGHTS, local("2026-01-07T03:00"))
    assert isinstance(night, Shift)
    assert (night.since, night.until, night.why) == (local("2026-01-06T18:00"), local("2026-01-07T08:00"), "layer 2")


def test_hours_alone_leave_the_rest_to_nobody():
    days = schedule(daily("robin", hours=(540, 1020)))
    nobody = on_call(days, local("2026-01-06T18:00"))
    assert nobody == Nobody(
        schedule="s", reason="no layer and no override covers this time", until=local("2026-01-07T09:00")
    )


def test_an_override_wins_and_ends():
    who = schedule(
        weekly("robin"),
        overrides=(Override(person="mika", since=local("2026-01-06T10:00"), until=local("2026-01-06T12:00")),),
    )
    shift = on_call(who, local("2026-01-06T11:00"))
    assert isinstance(shift, Shift)
    assert (shift.person, shift.until, shift.why) == ("mika", local("2026-01-06T12:00"), "override")
    assert person_at(who, "2026-01-06T12:00") == "robin"


def test_turns_of_one_person_that_follow_each_other_are_one_shift():
    who = schedule(weekly("robin", "robin", "mika"))
    shift = on_call(who, local("2026-01-08T00:00"))
    assert isinstance(shift, Shift)
    assert (shift.since, shift.until) == (local("2026-01-05T09:00"), local("2026-01-19T09:00"))


def test_one_person_alone_is_on_call_with_no_end_in_sight():
    shift = on_call(schedule(daily("robin", start=None)), local("2026-01-08T00:00"))
    assert isinstance(shift, Shift)
    assert (shift.since, shift.until) == (None, None)
    nobody = next_shift(schedule(daily("robin", start=None)), local("2026-01-08T00:00"))
    assert nobody == Nobody(schedule="s", reason="nobody else takes over")


def test_the_next_shift_is_another_persons():
    following = next_shift(WEEKS, local("2026-01-14T12:00"))
    assert isinstance(following, Shift)
    assert (following.person, following.since) == ("robin", local("2026-01-19T09:00"))


def test_the_next_shift_lies_behind_a_gap():
    following = next_shift(schedule(daily("robin", hours=(540, 1020))), local("2026-01-06T10:00"))
    assert isinstance(following, Shift)
    assert (following.person, following.since) == ("robin", local("2026-01-07T09:00"))


def test_a_calendar_is_not_read_yet_and_says_so():
    nobody = on_call(schedule(ical="https://calendar.example.org/x.ics"), 0.0)
    assert isinstance(nobody, Nobody)
    assert "not read yet" in nobody.reason
    assert next_shift(schedule(ical="https://calendar.example.org/x.ics"), 0.0) == Nobody(
        schedule="s", reason=nobody.reason
    )


# 29 March 2026: 02:00 becomes 03:00. 25 October 2026: 03:00 becomes 02:00.


def test_handovers_keep_their_local_time_across_clock_changes():
    shift = on_call(WEEKS, local("2026-03-26T00:00"))
    assert isinstance(shift, Shift)
    assert shift.since is not None
    assert shift.until is not None
    assert (shift.since, shift.until) == (local("2026-03-23T09:00"), local("2026-03-30T09:00"))
    assert shift.until - shift.since == 7 * DAY - HOUR


def test_a_handover_in_the_skipped_hour_happens_at_the_change():
    who = schedule(daily("robin", "mika", handover=150))
    before, after = on_call(who, local("2026-03-29T01:59")), on_call(who, local("2026-03-29T03:00"))
    assert isinstance(before, Shift)
    assert isinstance(after, Shift)
    assert before.person != after.person
    assert before.until == after.since == local("2026-03-29T03:00")


def test_a_handover_in_the_repeated_hour_happens_once_the_first_time():
    who = schedule(daily("robin", "mika", handover=150))
    begin = local("2026-10-25T00:00")
    changes = [s.since for s in shifts(who, begin, begin + 8 * HOUR) if isinstance(s, Shift) and (s.since or 0) > begin]
    assert changes == [local("2026-10-25T02:30")]


def test_a_window_within_the_skipped_hour_is_empty_and_leaves_no_trace():
    who = schedule(weekly("robin"), daily("mika", hours=(135, 165)))
    begin = local("2026-03-29T00:00")
    assert [s.person for s in shifts(who, begin, begin + 10 * HOUR) if isinstance(s, Shift)] == ["robin"]


def test_the_night_of_the_change_is_covered_without_a_gap():
    for day in ("2026-03-28", "2026-10-24"):
        night = on_call(NIGHTS, local(f"{day}T22:00"))
        assert isinstance(night, Shift)
        assert night.until == local(f"{day[:-2]}{int(day[-2:]) + 1}T08:00")


_zones = st.sampled_from(
    ["UTC", AMSTERDAM, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo"]
)
_people = st.lists(st.sampled_from(["robin", "mika", "ada", "diego"]), min_size=1, max_size=4).map(tuple)
_minutes = st.integers(0, 1439)
_starts = st.dates(date(2025, 1, 1), date(2026, 12, 31))


@st.composite
def _layers(draw, **fixed):
    in_weeks = draw(st.booleans())
    fields = {
        "people": draw(_people),
        "period": draw(st.sampled_from([7 * DAY, 14 * DAY] if in_weeks else [DAY, 12 * HOUR, 8 * HOUR, 3 * DAY])),
        "weekday": draw(st.integers(0, 6)) if in_weeks else None,
        "handover": draw(_minutes),
        "start": draw(st.none() | _starts),
        "hours": draw(st.none() | st.tuples(_minutes, _minutes)),
    }
    return Layer(**fields | fixed)


_moments = st.floats(local("2026-01-01T00:00"), local("2027-01-01T00:00"), allow_nan=False).map(round).map(float)
_overrides = st.lists(
    st.builds(
        lambda person, since, hours: Override(person=person, since=since, until=since + hours * HOUR),
        st.sampled_from(["robin", "mika", "zoe"]),
        _moments,
        st.integers(1, 200),
    ),
    max_size=3,
).map(tuple)


@given(_zones, _layers(start=None, hours=None), st.lists(_layers(), max_size=2), _overrides, _moments)
def test_there_is_no_gap_where_the_first_layer_always_covers(zone, base, others, overrides, at):
    assert isinstance(on_call(schedule(base, *others, overrides=overrides, timezone=zone), at), Shift)


@given(_zones, st.lists(_layers(), min_size=1, max_size=3), _overrides, _moments)
def test_the_last_override_that_covers_a_moment_wins(zone, layers, overrides, at):
    covering = [override.person for override in overrides if override.since <= at < override.until]
    found = on_call(schedule(*layers, overrides=overrides, timezone=zone), at)
    if covering:
        assert isinstance(found, Shift)
        assert found.person == covering[-1]


@settings(max_examples=40)
@given(_zones, st.lists(_layers(), min_size=1, max_size=3), _overrides, _moments)
def test_shifts_follow_each_other_without_gap_or_overlap_and_agree_with_every_moment(zone, layers, overrides, at):
    who = schedule(*layers, overrides=overrides, timezone=zone)
    found = list(shifts(who, at, at + 5 * DAY))
    assert all(one.until is not None for one in found[:-1])
    for one, other in pairwise(found):
        assert one.until is not None
        assert isinstance(one, Nobody) or one.since is None or one.since < one.until
        if isinstance(other, Shift):
            assert other.since == one.until
        assert getattr(one, "person", None) != getattr(other, "person", None)
    for one in found:
        if isinstance(one, Shift) and one.since is not None and one.until is not None:
            for moment in (one.since, (one.since + one.until) / 2, one.until - 1):
                again = on_call(who, moment)
                assert isinstance(again, Shift)
                assert again.person == one.person


@given(_zones, _people.filter(lambda people: len(set(people)) == len(people)), _minutes, _moments)
def test_everybody_gets_their_turn_in_order(zone, people, handover, at):
    who = schedule(Layer(people=people, period=DAY, handover=handover), timezone=zone)
    turns = [s.person for s in shifts(who, at, at + len(people) * DAY) if isinstance(s, Shift)]
    for one, other in pairwise(turns):
        assert people[(people.index(one) + 1) % len(people)] == other
