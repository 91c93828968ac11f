"""Where the names of rooms go above a picture, so that none covers another: the largest rooms choose first."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.replay.sketch import Room

__all__ = ["Label", "lay_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A room's bar in a lane (0 is the top one) and its text, "" for none, which begins at a moment, or ends there."""

    room: Room
    lane: int
    text: str
    at: float
    ends: bool = False


def lay_out(
    rooms: Sequence[Room],
    texts: Mapping[int, tuple[str, ...]],
    *,
    first: float,
    last: float,
    letter: float,
    most: int,
) -> tuple[list[Label], int]:
    """Labels and how many lanes they take. `rooms` come largest first, `texts` from long to short, a `letter` is seconds wide.

    A room for whose shortest text there is no place gets a bar without one, in a lane below the others.
    """
    taken: list[list[tuple[float, float]]] = []
    labels: list[Label] = []
    bare: list[Room] = []
    for room in rooms:
        label = _place(room, texts[room.number], taken, first, last, letter, most)
        if label is None:
            bare.append(room)
        else:
            labels.append(label)
    labels += [Label(room=room, lane=len(taken), text="", at=room.opened) for room in bare]
    return labels, len(taken) + bool(bare)


def _place(
    room: Room,
    texts: Sequence[str],
    taken: list[list[tuple[float, float]]],
    first: float,
    last: float,
    letter: float,
    most: int,
) -> Label | None:
    for text in texts:
        wide = letter * (len(text) + 2)
        # A name that would run out at the right ends there with its bar instead.
        ends = room.opened + wide > last
        at = min(last, room.ended) if ends else max(first, room.opened)
        wanted = (min(at - wide if ends else at, room.opened), max(at if ends else at + wide, room.ended) + letter)
        for lane, spans in enumerate(taken):
            if _fits(spans, wanted):
                insort(spans, wanted)
                return Label(room=room, lane=lane, text=text, at=at, ends=ends)
        if len(taken) < most:
            taken.append([wanted])
            return Label(room=room, lane=len(taken) - 1, text=text, at=at, ends=ends)
    return None


def _fits(spans: Sequence[tuple[float, float]], wanted: tuple[float, float]) -> bool:
    index = bisect_left(spans, wanted)
    before = index == 0 or spans[index - 1][1] <= wanted[0]
    return before and (index == len(spans) or spans[index][0] >= wanted[1])
