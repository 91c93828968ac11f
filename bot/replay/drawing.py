"""The picture of a replay: alerts as dots over time, a row for each service or host, coloured by room; the rooms above them.

Drawn by matplotlib without a display and without pyplot, whose figures are global. Everything from an alert is text here,
never markup or a formula. Nothing is counted here.
"""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from itertools import islice
from typing import IO, Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from bot.replay.lanes import Label, lay_out
from bot.replay.sketch import Picture, Room
from correlation.words import clean, span

__all__ = ["draw"]

# Okabe and Ito's colours, told apart by the colour-blind; without yellow, which white paper swallows.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
SHAPES = ("o", "s", "^", "D", "v", "P")  # the largest rooms are circles, each of its own colour
INK, SOFT, FAINT, NOISE = "#1a1a1a", "#555555", "#e6e6e6", "#9a9a9a"

WIDTH = 15.0  # inches
RIGHT = 0.35
ROW, LANE = 0.235, 0.2
MOST_LANES = 10
DPI = {"png": 120, "svg": 150}
CRISP = 3_000  # dots; an SVG keeps more than these as an image inside, or no browser would open it
LETTER, NAME = 0.0625, 0.078  # inches: a letter of a room's and of a row's name, about
SECONDS_A_DAY = 86_400.0
YEAR_1, YEAR_9999 = -62_135_596_800.0, 253_402_300_000.0  # what a calendar knows
# By year, month, day, hour, minute, second; and what stands where the smaller one begins anew.
_TICKS = ["%Y", "%b %Y", "%b %d", "%H:%M", "%H:%M", "%H:%M:%S"]
_ROUND_TICKS = ["", "%Y", "%b %d", "%b %d", "%H:%M", "%H:%M"]


def draw(picture: Picture, sink: IO[bytes], kind: str) -> None:
    """Write the picture as "png" or "svg"."""
    with warnings.catch_warnings(), mpl.rc_context(_STYLE):
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a name in a script that the font lacks
        figure = _figure(picture)
        about = {"Title": _headline(picture), "Date": None} if kind == "svg" else {"Title": _headline(picture)}
        figure.savefig(sink, format=kind, dpi=DPI[kind], metadata=about)


_STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": "#bbbbbb",
    "xtick.color": SOFT,
    "ytick.color": INK,
    "svg.fonttype": "none",  # text stays text: small, and found by a search
    "svg.hashsalt": "muster",
    "figure.facecolor": "white",
    "timezone": "UTC",
}


def _figure(picture: Picture) -> Figure:
    times = np.frombuffer(picture.at, dtype=np.float64)
    first, last = _ends(times)
    left = 0.5 + NAME * max(12, *map(len, picture.rows))
    inches = WIDTH - left - RIGHT
    labels, lanes = _labels(picture, first, last, inches)
    legend = list(islice(picture.rooms, len(COLOURS)))
    heights = {
        "title": 0.75,
        "rooms": LANE * max(1, lanes) + 0.1,
        "dots": ROW * max(3, len(picture.rows)) + 0.1,
        "axis": 0.45,
        "legend": 0.3 + 0.22 * ((len(legend) + 1) // 2) + 0.1,
    }
    height = sum(heights.values())
    figure = Figure(figsize=(WIDTH, height))
    edge = height

    def panel(name: str) -> Axes:
        nonlocal edge
        edge -= heights[name]
        return figure.add_axes((left / WIDTH, edge / height, inches / WIDTH, heights[name] / height))

    _title(figure, picture, int(((times < first) | (times > last)).sum()), height)
    edge -= heights["title"]
    looks = _looks(picture.rooms)
    top = panel("rooms")
    dots = panel("dots")
    for axes in (top, dots):
        axes.set_xlim(_day(first), _day(last))
    _rooms(top, labels, lanes, looks)
    _dots(dots, picture, times, looks)
    edge -= heights["axis"]
    _legend(panel("legend"), picture, legend, looks)
    return figure


def _ends(times: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[float, float]:
    """The time that is shown: all of it, with a little air. A stray alert years away does not squeeze the others."""
    low, high = float(times.min()), float(times.max())
    if len(times) >= 200:
        inner_low, inner_high = (float(v) for v in np.quantile(times, (0.002, 0.998)))
        wide = 0.25 * max(inner_high - inner_low, 240.0)
        low, high = max(low, inner_low - wide), min(high, inner_high + wide)
    air = max(0.015 * (high - low), 5.0)
    return max(YEAR_1, low - air), min(YEAR_9999, high + air)


def _day(moment: float) -> float:
    """Matplotlib's moments are days."""
    return moment / SECONDS_A_DAY


def _headline(picture: Picture) -> str:
    return f"{_counted(len(picture.at), 'alert')}, {_counted(picture.opened, 'room')}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _title(figure: Figure, picture: Picture, outside: int, height: float) -> None:
    kinds, count = picture.kinds, len(picture.at)
    figures = [
        f"1 room per {count / max(1, picture.opened):,.0f} alerts" if picture.opened else "",
        f"{kinds['repeat']:,} repeats" if kinds["repeat"] else "",
        f"{kinds['noise']:,} held as noise" if kinds["noise"] else "",
        f"{kinds['resolved']:,} cleared" if kinds["resolved"] else "",
    ]
    times = np.frombuffer(picture.at, dtype=np.float64)
    low, high = float(times.min()), float(times.max())
    when = f"{_stamp(low)} to {_stamp(high)} UTC ({span(high - low)})"
    left = 0.3 / WIDTH
    figure.text(left, 1 - 0.36 / height, _headline(picture), fontsize=15, fontweight="bold", color=INK)
    beyond = f"{outside:,} outside the time shown" if outside else ""
    words = "   ·   ".join(filter(None, [*figures, when, beyond]))
    figure.text(left, 1 - 0.6 / height, words, fontsize=9.5, color=SOFT)


def _stamp(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M}"


# --- rooms ------------------------------------------------------------------------------------------------------------


def _looks(rooms: tuple[Room, ...]) -> dict[int, tuple[str, str]]:
    """Colour and shape by room: circles of one colour each for the largest, other shapes in turn for the rest."""
    looks = {room.number: (colour, SHAPES[0]) for room, colour in zip(rooms, COLOURS, strict=False)}
    rest = sorted(rooms[len(COLOURS) :], key=lambda room: (room.opened, room.number))
    for index, room in enumerate(rest):
        looks[room.number] = (COLOURS[index % len(COLOURS)], SHAPES[1 + index // len(COLOURS) % (len(SHAPES) - 1)])
    return looks


def _labels(picture: Picture, first: float, last: float, inches: float) -> tuple[list[Label], int]:
    """Where each room's bar and name go: left to right in seconds, and in which lane."""
    scale = (last - first) / inches  # seconds in an inch
    texts = {
        room.number: (f"G{room.number} {clean(room.title, 44)} ({room.alerts:,})", f"G{room.number}")
        for room in picture.rooms
    }
    return lay_out(picture.rooms, texts, first=first, last=last, letter=LETTER * scale, most=MOST_LANES)


def _rooms(axes: Axes, labels: list[Label], lanes: int, looks: dict[int, tuple[str, str]]) -> None:
    axes.set_ylim(max(1, lanes), 0)
    axes.set_axis_off()
    if not labels:
        _text(axes, 0.0, 0.5, "nobody was called", SOFT, transform=axes.transAxes)
    for label in labels:
        colour, _ = looks[label.room.number]
        low, high = axes.get_xlim()
        began, ended = (min(high, max(low, _day(moment))) for moment in (label.room.opened, label.room.ended))
        line = label.lane + 0.9
        axes.plot([began, ended], [line, line], color=colour, linewidth=2.6, solid_capstyle="butt", clip_on=False)
        axes.plot([began], [line], marker="|", color=colour, markersize=6, markeredgewidth=1.6, clip_on=False)
        if label.text:
            _text(
                axes, _day(label.at), label.lane + 0.72, label.text, INK, size=7.5, ha="right" if label.ends else "left"
            )


def _text(axes: Axes, x: float, y: float, text: str, colour: str, size: float = 9, **options: Any) -> Text:
    return axes.text(x, y, harmless(text), color=colour, fontsize=size, parse_math=False, **options)


def harmless(text: str) -> str:
    """Text without what XML cannot carry."""
    return "".join(c for c in text.encode("utf-8", "replace").decode() if c.isprintable() and ord(c) & 0xFFFE != 0xFFFE)


# --- dots -------------------------------------------------------------------------------------------------------------


def _dots(axes: Axes, picture: Picture, times: np.ndarray[Any, Any], looks: dict[int, tuple[str, str]]) -> None:
    rows = len(picture.rows)
    axes.set_ylim(max(3, rows) - 0.45, -0.55)
    axes.set_yticks(range(rows), [harmless(name) for name in picture.rows], fontsize=8.5)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.tick_params(axis="both", length=0, pad=6)
    locator = AutoDateLocator(minticks=5, maxticks=12)
    axes.xaxis.set_major_locator(locator)
    formats = {"formats": _TICKS, "zero_formats": _ROUND_TICKS, "show_offset": False}
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, **formats))
    axes.grid(axis="x", color=FAINT, linewidth=0.8)
    axes.hlines(np.arange(rows + 1) - 0.5, *axes.get_xlim(), colors=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)

    count = len(times)
    room, resolved = np.frombuffer(picture.room, np.int32), np.frombuffer(picture.resolved, np.int8).astype(bool)
    # Alerts of one row and moment lie beside each other; where, is the same every time.
    spread = (np.arange(count) * 0.6180339887498949) % 1.0 - 0.5
    x, y = times / SECONDS_A_DAY, np.frombuffer(picture.row, np.int32) + 0.72 * spread
    size = float(np.clip(110_000 / (count + 3_400), 3.0, 24.0))
    alpha = 0.9 if count < 20_000 else 0.7
    image = count > CRISP

    def scatter(
        chosen: np.ndarray[Any, Any], colour: str, shape: str, area: float, *, hollow: bool, above: int
    ) -> None:
        if not chosen.any():
            return
        width = max(0.4, 0.18 * area**0.5) if hollow else 0.0
        axes.scatter(
            x[chosen],
            y[chosen],
            s=area,
            marker=shape,
            linewidths=width,
            alpha=alpha,
            rasterized=image,
            zorder=above,
            facecolors="none" if hollow else colour,
            edgecolors=colour if hollow else "none",
        )

    noise = room == 0
    for hollow in (True, False):
        scatter(noise & (resolved == hollow), NOISE, "o", 0.35 * size, hollow=hollow, above=2)
    keys = np.zeros(max(looks, default=0) + 1, np.int32)
    styles = sorted(set(looks.values()))
    for number, look in looks.items():
        keys[number] = 1 + styles.index(look)
    style = keys[room]
    for hollow in (True, False):
        for key, (colour, shape) in enumerate(styles, 1):
            scatter((style == key) & (resolved == hollow), colour, shape, size, hollow=hollow, above=3 + (not hollow))


def _legend(axes: Axes, picture: Picture, rooms: list[Room], looks: dict[int, tuple[str, str]]) -> None:
    lines = (len(rooms) + 1) // 2
    axes.set_xlim(0, 1)
    axes.set_ylim(lines + 1.4, -0.1)
    axes.set_axis_off()
    for index, room in enumerate(rooms):
        column, line = divmod(index, lines)
        x = 0.5 * column
        colour, shape = looks[room.number]
        _mark(axes, x + 0.006, line + 0.5, colour, shape, 6)
        when = f"{datetime.fromtimestamp(room.opened, UTC):%b %d %H:%M}"
        lasted = span(room.ended - room.opened)
        text = f"G{room.number}  {clean(room.title, 42)} · {_counted(room.alerts, 'alert')}, from {when} for {lasted}"
        _text(axes, x + 0.018, line + 0.5, text, INK, size=8.5, va="center")
    below = lines + 0.8
    rest = len(picture.rooms) - len(rooms)
    marks = (
        (0.0, INK, "full", 5, "firing"),
        (0.06, INK, "none", 5, "cleared"),
        (0.13, NOISE, "full", 3, "held as noise"),
    )
    for x, colour, fill, size, words in marks:
        _mark(axes, x + 0.006, below, colour, "o", size, hollow=fill == "none")
        _text(axes, x + 0.018, below, words, SOFT, size=8.5, va="center")
    others = f"{rest:,} smaller rooms share the colours, in other shapes; " if rest else ""
    words = f"{others}rows: {picture.field}; a bar above is a room, from the call to its last alert"
    _text(axes, 0.24, below, words, SOFT, size=8.5, va="center")


def _mark(axes: Axes, x: float, y: float, colour: str, shape: str, size: float, *, hollow: bool = False) -> None:
    face = "none" if hollow else colour
    axes.add_line(
        Line2D([x], [y], marker=shape, markersize=size, markerfacecolor=face, markeredgecolor=colour, linestyle="none")
    )
