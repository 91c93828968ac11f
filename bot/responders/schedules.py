"""Who is on call at a moment, from the catalogue's rotations and overrides. Pure: no clock, no pages, no calendar is fetched.

Handovers and hours are local wall time. A handover that a clock change skips happens at the change; one that it repeats
happens the first time, so that turns neither overlap nor leave a gap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.catalog.model import DAY, Layer, Schedule

__all__ = ["Nobody", "Shift", "next_shift", "on_call", "shifts"]

LOOK_AROUND = 60 * DAY  # how far an end is looked for: longer than the turns that people take
_FIRST_STEP = 8 * DAY  # most turns end within a week
_EPOCH = date(1970, 1, 5)  # a Monday: the start of layers that name none


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """`person` is on call from `since` up to, not including, `until`; None where no change is in sight.

    `why` names the layer or override that says so, for people.
    """

    schedule: str
    person: str
    since: float | None
    until: float | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Nobody:
    """Nobody is on call, and why; `until` is when that ends, None where no end is in sight."""

    schedule: str
    reason: str
    until: float | None = None


def on_call(schedule: Schedule, at: float) -> Shift | Nobody:
    """Who is on call at this moment, since when and until when."""
    if not schedule.layers and schedule.ical:
        return Nobody(
            schedule=schedule.id, reason="its calendar (iCal) is not read yet; give the schedule layers until it is"
        )
    person, why = _who(schedule, at)
    since, until = _last_change(schedule, at), _next_change(schedule, at)
    if person is None:
        return Nobody(schedule=schedule.id, reason="no layer and no override covers this time", until=until)
    return Shift(schedule=schedule.id, person=person, since=since, until=until, why=why)


def next_shift(schedule: Schedule, at: float) -> Shift | Nobody:
    """The next shift to begin after this moment: of another person, or after a gap."""
    now = on_call(schedule, at)
    after = on_call(schedule, now.until) if now.until is not None else now
    if isinstance(after, Nobody) and after is not now and after.until is not None:
        after = on_call(schedule, after.until)
    if after is now:
        return Nobody(schedule=schedule.id, reason="nobody else takes over" if isinstance(now, Shift) else now.reason)
    return after


def shifts(schedule: Schedule, begin: float, end: float) -> Iterator[Shift | Nobody]:
    """All shifts and gaps that touch the time from `begin` to `end`, in order."""
    at: float | None = begin
    while at is not None and at < end:
        shift = on_call(schedule, at)
        yield shift
        at = shift.until


def _who(schedule: Schedule, at: float) -> tuple[str | None, str]:
    for override in reversed(schedule.overrides):
        if override.since <= at < override.until:
            return override.person, "override"
    for number in range(len(schedule.layers), 0, -1):
        person = _turn(schedule.layers[number - 1], ZoneInfo(schedule.timezone), at)
        if person is not None:
            return person, f"layer {number}" if len(schedule.layers) > 1 else "rotation"
    return None, ""


def _next_change(schedule: Schedule, at: float) -> float | None:
    """The first moment after `at` at which it is somebody else's turn."""
    person, _ = _who(schedule, at)
    begin, reach = at, _FIRST_STEP
    while begin < at + LOOK_AROUND:
        end = begin + reach
        for moment in _edges(schedule, begin, end):
            if moment > at and _who(schedule, moment)[0] != person:
                return moment
        begin, reach = end, reach * 2
    return None


def _last_change(schedule: Schedule, at: float) -> float | None:
    """The moment since which it has been the same person's turn."""
    person, _ = _who(schedule, at)
    end, reach = at, _FIRST_STEP
    first: float | None = None  # the earliest edge known to begin the same person's time
    while end > at - LOOK_AROUND:
        begin = end - reach
        for moment in reversed(_edges(schedule, begin, end)):
            if moment > at:
                continue
            if _who(schedule, moment)[0] != person:
                return first
            first = moment
        if _who(schedule, begin)[0] != person:  # no edge lies between: that one's time ended at `first`
            return first
        end, reach = begin, reach * 2
    return None


def _edges(schedule: Schedule, begin: float, end: float) -> list[float]:
    """Every moment after `begin`, up to `end`, at which a turn, a window of hours or an override begins or ends, in order."""
    zone = ZoneInfo(schedule.timezone)
    found: set[float] = set()
    for override in schedule.overrides:
        found.update((override.since, override.until))
    for layer in schedule.layers:
        found.update(_layer_edges(layer, zone, begin, end))
    return sorted(edge for edge in found if begin < edge <= end)


def _layer_edges(layer: Layer, zone: ZoneInfo, begin: float, end: float) -> Iterator[float]:
    if layer.start is not None:
        yield _instant(_at(layer.start, layer.handover), zone)
    if len(layer.people) > 1:
        index = _index(layer, zone, begin)
        while (edge := _handover(layer, zone, index)) <= end:
            yield edge
            index += 1
    if layer.hours is not None:
        day = _local(begin, zone).date() - timedelta(days=1)
        while day <= _local(end, zone).date():
            yield from _window(layer.hours, day, zone)
            day += timedelta(days=1)


def _turn(layer: Layer, zone: ZoneInfo, at: float) -> str | None:
    """Whose turn it is in this layer, or None where the layer does not cover the moment."""
    if layer.start is not None and at < _instant(_at(layer.start, layer.handover), zone):
        return None
    if layer.hours is not None:
        today = _local(at, zone).date()
        windows = (_window(layer.hours, day, zone) for day in (today - timedelta(days=1), today))
        if not any(begin <= at < end for begin, end in windows):
            return None
    return layer.people[_index(layer, zone, at) % len(layer.people)]


def _index(layer: Layer, zone: ZoneInfo, at: float) -> int:
    """How many handovers there have been; 0 in the first person's first turn."""
    index = (_local(at, zone).replace(tzinfo=None) - _anchor(layer)) // timedelta(seconds=layer.period)
    # Wall time runs twice, or not at all, around a clock change: the instants decide.
    while _handover(layer, zone, index) > at:
        index -= 1
    while _handover(layer, zone, index + 1) <= at:
        index += 1
    return index


def _handover(layer: Layer, zone: ZoneInfo, index: int) -> float:
    return _instant(_anchor(layer) + index * timedelta(seconds=layer.period), zone)


def _anchor(layer: Layer) -> datetime:
    """The local time of the first handover: in rotations of weeks the one on, or last before, the first day."""
    day = layer.start or _EPOCH
    if layer.weekday is not None:
        day -= timedelta(days=(day.weekday() - layer.weekday) % 7)
    return _at(day, layer.handover)


def _window(hours: tuple[int, int], day: date, zone: ZoneInfo) -> tuple[float, float]:
    """The hours that begin on this day; they end on the next where they cross midnight."""
    begin, end = hours
    last = day if end > begin else day + timedelta(days=1)
    return _instant(_at(day, begin), zone), _instant(_at(last, end), zone)


def _at(day: date, minutes: int) -> datetime:
    return datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001 - local wall time


def _local(at: float, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at, zone)


def _instant(wall: datetime, zone: ZoneInfo) -> float:
    """The moment of a local wall time: the first of two, and the clock change itself where the time is skipped."""
    moment = wall.replace(tzinfo=zone)
    early, late = moment.astimezone(UTC), moment.replace(fold=1).astimezone(UTC)
    if late >= early:  # an ordinary time, or one that happens twice
        return early.timestamp()
    # Skipped: read with the offset after the change it lies before the change, and the other way round.
    low, high = late, early
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return float(round(high.timestamp()))
