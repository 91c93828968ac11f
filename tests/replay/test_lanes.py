"""Names above the picture."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.replay.lanes import lay_out
from bot.replay.sketch import Room

LETTER = 4.0
spans = st.lists(st.tuples(st.floats(0, 900), st.floats(0, 300)), max_size=60)


def place(many: list[tuple[float, float]]):
    rooms = [
        Room(number=n, title="", opened=at, ended=min(1000.0, at + lasts), alerts=1)
        for n, (at, lasts) in enumerate(many)
    ]
    texts = {room.number: (f"G{room.number} a long name of a room", f"G{room.number}") for room in rooms}
    return lay_out(rooms, texts, first=0.0, last=1000.0, letter=LETTER, most=5)


@given(spans)
def test_every_room_has_a_bar_and_no_name_covers_another(many: list[tuple[float, float]]) -> None:
    labels, lanes = place(many)
    assert sorted(label.room.number for label in labels) == list(range(len(many)))
    assert lanes <= 6
    for lane in range(lanes):
        covered = []
        for label in labels:
            if label.lane == lane and label.text:
                wide = LETTER * len(label.text)
                left, right = (label.at - wide, label.at) if label.ends else (label.at, label.at + wide)
                assert right <= 1000.0
                covered.append((min(left, label.room.opened), max(right, label.room.ended)))
        covered.sort()
        assert all(one[1] <= other[0] for one, other in pairwise(covered))


def test_the_largest_room_is_named_in_full_and_the_last_ones_have_no_name() -> None:
    labels, lanes = place([(500.0, 10.0)] * 12)
    assert labels[0].text.startswith("G0 a long name")
    assert [label.text for label in labels[5:]] == [""] * 7
    assert lanes == 6
