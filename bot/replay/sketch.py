"""What a picture of a replay needs of each alert, in 25 bytes, and what is made of it in the end: rows, rooms, dots.

Nothing is drawn here, and no library for drawing is known.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from bot.replay.tally import KINDS, Run
from correlation.alert import Alert, Status
from correlation.decision import Kind
from correlation.words import clean

__all__ = ["FIELDS", "Picture", "Room", "Rows", "Sketch"]

Rows = Literal["service", "host", "location", "name"]
FIELDS: tuple[Rows, ...] = get_args(Rows)

MOST_ROWS = 40
MAX_VALUES = 20_000  # of a field that are told apart
REST = "everything else"
NAMELESS = "(none)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One group for which people were called. Moments are event time; `opened` is when they were."""

    number: int
    title: str
    opened: float
    ended: float
    alerts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All that is drawn. `at`, `row`, `room`, `resolved` are parallel; a room of 0 is held noise; rows are top to bottom."""

    field: Rows
    rows: tuple[str, ...]
    at: array[float]
    row: array[int]
    room: array[int]
    resolved: array[int]
    rooms: tuple[Room, ...]  # largest first
    opened: int
    kinds: Mapping[Kind, int]


class Sketch:
    """Grows by 25 bytes with each alert."""

    def __init__(self) -> None:
        self._at = array("d")
        self._groups = array("i")
        self._resolved = array("b")
        self._values: dict[Rows, array[int]] = {field: array("i") for field in FIELDS}
        self._numbers: dict[Rows, dict[str, int]] = {field: {"": 0} for field in FIELDS}

    def add(self, alert: Alert, group: int) -> None:
        """The next alert and its group as decided."""
        self._at.append(alert.at)
        self._groups.append(group)
        self._resolved.append(alert.status is Status.RESOLVED)
        for field, value in zip(FIELDS, (alert.service, alert.host, alert.location, alert.name), strict=True):
            known = self._numbers[field]
            number = known.get(value)
            if number is None:
                number = known[value] = min(MAX_VALUES, len(known))
            self._values[field].append(number)

    def finish(self, run: Run, roots: Mapping[int, int], rows: Rows | None) -> Picture:
        """The picture, with rows by the field that was asked for or that tells most."""
        room = array("i", (roots[number] for number in self._groups))
        field = rows or self._telling()
        kinds = run.kinds(roots)
        names, row = self._rows(field, room)
        return Picture(
            field=field,
            rows=names,
            at=self._at,
            row=row,
            room=room,
            resolved=self._resolved,
            rooms=self._rooms(run, room, names, row),
            opened=len(run.calls.rows),
            kinds={kind: kinds[kind] for kind in KINDS},
        )

    def _telling(self) -> Rows:
        """The first field that most alerts have and that tells them apart."""
        for field in FIELDS[:-1]:
            counts = Counter(self._values[field])
            if len(counts.keys() - {0}) > 1 and counts[0] < 0.5 * len(self._at):
                return field
        return "name"

    def _rows(self, field: Rows, room: array[int]) -> tuple[tuple[str, ...], array[int]]:
        """Names from top to bottom, and each alert's row. Rows that share rooms stand beside each other."""
        values = self._values[field]
        names = {number: name for name, number in reversed(self._numbers[field].items())}
        # A row counts for as much as its rooms show: a storm of one rule should not push out the quiet ones.
        rooms: dict[int, Counter[int]] = {}
        for value, one in zip(values, room, strict=True):
            rooms.setdefault(value, Counter())[one] += 1
        weight = {value: sum(min(n, 50) for n in found.values()) for value, found in rooms.items()}
        kept = sorted(weight, key=lambda value: (-weight[value], value))[
            : MOST_ROWS - 1 if len(weight) > MOST_ROWS else None
        ]
        order = _side_by_side(kept, rooms)
        place = {value: index for index, value in enumerate(order)}
        shown = [clean(names[value], 34) or NAMELESS for value in order]
        if len(kept) < len(weight):
            shown.append(f"{REST} ({len(weight) - len(kept):,})")
        return tuple(shown), array("i", (place.get(value, len(order)) for value in values))

    def _rooms(self, run: Run, room: array[int], names: tuple[str, ...], row: array[int]) -> tuple[Room, ...]:
        counts: Counter[int] = Counter(room)
        del counts[0]
        opened: dict[int, float] = {}
        ended: dict[int, float] = {}
        main: dict[int, Counter[int]] = {}
        for index in sorted(run.calls.rows):
            opened.setdefault(room[index], self._at[index])
        for at, number, one, resolved in zip(self._at, room, row, self._resolved, strict=True):
            if number:
                if not resolved:
                    ended[number] = max(at, ended.get(number, at))
                main.setdefault(number, Counter())[one] += 1
        rooms = []
        for number, alerts in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            title = run.title(number) or names[main[number].most_common(1)[0][0]]
            began = opened.get(number, self._at[0])
            rooms.append(
                Room(
                    number=number, title=title, opened=began, ended=max(began, ended.get(number, began)), alerts=alerts
                )
            )
        return tuple(rooms)


def _side_by_side(values: list[int], rooms: Mapping[int, Counter[int]]) -> list[int]:
    """A chain from the weightiest: next comes whichever shares most rooms with the last few, or else the weightiest left."""
    left = list(values)
    order: list[int] = []
    while left:
        recent = Counter[int]()
        for value in order[-3:]:
            recent.update(rooms[value].keys() - {0})
        best = max(left, key=lambda value: len(recent.keys() & rooms[value].keys()) / (1 + len(rooms[value])))
        left.remove(best)
        order.append(best)
    return order
