"""Draws an incident's sketch as a PNG that reads on a phone: a row for each service, numbered changes on the same axis.

Drawn by matplotlib without a display and without pyplot, whose figures are global; the same sketch gives the same bytes.
Only the process that draws imports it. Everything from an alert is text here, never markup or a formula.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

from bot.incidents.axis import Worst
from bot.incidents.drawing_process import Theme
from bot.incidents.sketch import Row, Sign, Sketch

__all__ = ["draw"]

WIDTH, DPI = 6.0, 200  # inches, dots per inch: 1,200 px wide, so that letters are 9 points on a phone
LEFT, RIGHT = 0.3, 0.56
HEAD, ROW, MARKS, AXIS, LINE, FOOT = 0.78, 0.46, 0.38, 0.36, 0.24, 0.06  # inches, from top to bottom
LEGEND = 0.3
MARGIN = 0.1  # inches, at the right of the longest line
TOP_ROW = 4.5  # inches for the name of the first row, which shares its line with what the figures are
POINTS = 72.0  # to an inch
NUMBER = 0.24  # from one number to the next
TALL = 10_000  # alerts: such a figure is told in thousands
SECONDS_A_DAY = 86_400.0
TICKS = ["%Y", "%b", "%b %d", "%H:%M", "%H:%M", "%H:%M:%S"]
ROUND_TICKS = ["", "%Y", "%b %d", "%b %d", "%H:%M", "%H:%M"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """Okabe and Ito's colours on a background of our own: contrast is at least 4.5:1 for words."""

    paper: str
    ink: str
    soft: str
    line: str
    band: str
    change: str
    edge: str
    shades: dict[Worst, str]


LOOKS: dict[Theme, _Look] = {
    "dark": _Look(
        paper="#16171a",
        ink="#ececed",
        soft="#b0b3bb",
        line="#3b3e45",
        band="#1f2125",
        change="#6bb8e8",
        edge="",
        shades={"critical": "#e2701c", "error": "#e69f00", "warning": "#f0e442", "info": "#9aa0a8"},
    ),
    "light": _Look(
        paper="#ffffff",
        ink="#1b1c1f",
        soft="#50535a",
        line="#c9c9c4",
        band="#f3f3f1",
        change="#0067a3",
        edge="#50535a",
        shades={"critical": "#d55e00", "error": "#e69f00", "warning": "#f0e442", "info": "#8b8e94"},
    ),
}


def draw(sketch: Sketch, zone: str = "UTC", theme: Theme = "dark") -> bytes:
    """The picture, with times in a zone that it names."""
    look = LOOKS[theme]
    style: Any = {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],  # comes with the library: the same everywhere
        "font.size": 10.5,
        "text.color": look.ink,
        "text.parse_math": False,
        "axes.facecolor": look.paper,
        "figure.facecolor": look.paper,
        "savefig.facecolor": look.paper,
    }
    sink = io.BytesIO()
    with mpl.rc_context(style):
        _figure(sketch, ZoneInfo(zone), look).savefig(sink, format="png", dpi=DPI, metadata={"Software": None})
    return sink.getvalue()


@cache
def _known() -> Mapping[int, int]:
    """The characters that the font has."""
    return get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap()


def _text(
    words: str, size: float = 10.0, weight: str = "normal", *, ending: str = "", left: float = WIDTH - LEFT - MARGIN
) -> str:
    """As much of the words as there is room for, in inches, and their ending. For what the font lacks stands a square."""
    known = _known()
    shown = "".join(letter if ord(letter) in known else "\N{WHITE SQUARE}" for letter in words)
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    if _width(f"{shown}{ending}", font) <= left:
        return f"{shown}{ending}"
    most = bisect_right(range(len(shown)), left, key=lambda length: _width(f"{shown[:length]}...{ending}", font)) - 1
    return f"{shown[: max(0, most)].rstrip()}...{ending}"


def _width(words: str, font: FontProperties) -> float:
    """Inches."""
    wide, _, _ = text_to_path.get_text_width_height_descent(words, font, ismath=False)
    return float(wide) / POINTS


def _figure(sketch: Sketch, zone: tzinfo, look: _Look) -> Figure:
    named = len(sketch.signs) + bool(sketch.more)
    rows = max(1, len(sketch.rows))
    marks = MARKS if sketch.signs else 0.1
    height = HEAD + rows * ROW + marks + AXIS + LEGEND + named * LINE + FOOT
    figure = Figure(figsize=(WIDTH, height))
    figure.text(
        LEFT / WIDTH, 1 - 0.34 / height, _text(sketch.title, 13, "bold"), fontsize=13, fontweight="bold", color=look.ink
    )
    figure.text(LEFT / WIDTH, 1 - 0.6 / height, _text(sketch.summary, 10.5), fontsize=10.5, color=look.soft)
    inner = WIDTH - LEFT - RIGHT
    bottom = AXIS + LEGEND + named * LINE + FOOT
    axes = figure.add_axes((LEFT / WIDTH, bottom / height, inner / WIDTH, (rows * ROW + marks) / height))
    _plot(axes, sketch, zone, look, marks / ROW)
    _foot(figure, sketch, zone, look, height, bottom - AXIS)
    return figure


def _plot(axes: Axes, sketch: Sketch, zone: tzinfo, look: _Look, marks: float) -> None:
    start, end, rows = _day(sketch.axis.start), _day(sketch.axis.end), max(1, len(sketch.rows))
    axes.set_xlim(start, end)
    axes.set_ylim(rows + marks, 0)
    axes.set_yticks([])
    locator = AutoDateLocator(tz=zone, minticks=3, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    formats: Any = {"formats": TICKS, "zero_formats": ROUND_TICKS, "show_offset": False}
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone, **formats))
    axes.tick_params(axis="x", length=0, pad=5, colors=look.soft, labelsize=10)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    for place, row in enumerate(sketch.rows):
        axes.add_patch(Rectangle((start, place + 0.4), end - start, 0.54, color=look.band, linewidth=0, zorder=1))
        _bars(axes, sketch, row, place, look)
        weight, why = ("bold", " (probable cause)") if row.cause else ("normal", "")
        told = _text(row.name, 10, weight, ending=why, left=TOP_ROW if place == 0 else WIDTH - LEFT - MARGIN)
        axes.text(start, place + 0.34, told, fontsize=10, fontweight=weight, color=look.ink)
        most = f"{row.peak:,}" if row.peak < TALL else f"{row.peak // 1000:,}k"
        axes.annotate(
            most,
            (1.0, place + 0.67),
            xycoords=("axes fraction", "data"),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=10,
            color=look.soft,
            annotation_clip=False,
        )
    _signs(axes, sketch.signs, rows, marks, look)
    axes.text(
        *(1.0 + (RIGHT - MARGIN) / (WIDTH - LEFT - RIGHT), 0.3),
        "most at once",
        ha="right",
        transform=axes.get_yaxis_transform(),
        fontsize=9,
        color=look.soft,
    )
    if sketch.resolved_at is not None and sketch.axis.start < sketch.resolved_at < sketch.axis.end:
        axes.axvline(_day(sketch.resolved_at), color=look.soft, linewidth=1, zorder=4)


def _bars(axes: Axes, sketch: Sketch, row: Row, place: int, look: _Look) -> None:
    """One step for each bucket, as high as the root of its count: one alert is seen beside a thousand."""
    width = sketch.axis.bucket / SECONDS_A_DAY
    top = max(1, sketch.top) ** 0.5
    tops = [max(0.1, 0.54 * count**0.5 / top) if count else 0.0 for count in row.counts]
    columns = [(index, count, row.worst[index]) for index, count in enumerate(row.counts)]
    for (count, worst), same in groupby(columns, key=lambda one: (one[1], one[2])):
        found = list(same)
        if not count:
            continue
        tall = tops[found[0][0]]
        severity: Worst = worst or "info"
        axes.add_patch(
            Rectangle(
                (_day(sketch.axis.start) + found[0][0] * width, place + 0.94 - tall),
                len(found) * width,
                tall,
                facecolor=look.shades[severity],
                edgecolor=look.shades[severity],
                linewidth=0.4,
                zorder=3,
            )
        )
    if look.edge:  # a pale bar on white is told by its outline
        edges = [_day(sketch.axis.start) + index * width for index in range(len(tops) + 1)]
        heights = [place + 0.94 - tall for tall in tops]
        axes.stairs(heights, edges, baseline=place + 0.94, color=look.edge, linewidth=0.7, zorder=3)


def _signs(axes: Axes, signs: Sequence[Sign], rows: int, marks: float, look: _Look) -> None:
    """A line through every row, and beneath it a number that keeps clear of the others."""
    low, high = axes.get_xlim()
    apart = NUMBER * (high - low) / (WIDTH - LEFT - RIGHT)
    moments = [min(high, max(low, _day(sign.at))) for sign in signs]
    places: list[float] = []
    for moment in moments:
        places.append(max(moment, places[-1] + apart) if places else moment)
    for index in range(len(places) - 1, -1, -1):  # what would stand outside moves back
        places[index] = min(places[index], high - apart * (len(places) - 1 - index))
    for number, (sign, at, place) in enumerate(zip(signs, moments, places, strict=True), 1):
        style: Any = "-" if sign.suspect else (0, (2, 2))
        for row in range(rows):
            axes.plot([at, at], [row + 0.4, row + 0.94], color=look.change, linewidth=1.4, linestyle=style, zorder=4)
        foot = [rows - 0.02, rows + marks * 0.6]
        axes.plot([at, place], foot, color=look.change, linewidth=1, zorder=4, clip_on=False)
        axes.text(
            place,
            rows + marks * 0.62,
            str(number),
            ha="center",
            va="center",
            fontsize=9,
            fontweight="bold",
            color=look.paper,
            zorder=6,
            clip_on=False,
            bbox={"boxstyle": "circle,pad=0.25", "facecolor": look.change, "edgecolor": look.paper, "linewidth": 0.8},
        )


def _foot(figure: Figure, sketch: Sketch, zone: tzinfo, look: _Look, height: float, top: float) -> None:
    """Which colour is which, in which zone the times are, and what the numbered changes are."""
    shown = {worst for row in sketch.rows for worst in row.worst if worst}
    x, y = LEFT, top - 0.12
    for severity, shade in look.shades.items():
        if severity in shown:
            patch = Rectangle(
                (x / WIDTH, (y - 0.01) / height), 0.11 / WIDTH, 0.11 / height, color=shade, transform=figure.transFigure
            )
            figure.add_artist(patch)
            figure.text((x + 0.16) / WIDTH, y / height, severity, fontsize=9, color=look.soft)
            x += 0.32 + 0.066 * len(severity)
    day = datetime.fromtimestamp(sketch.axis.end, UTC).astimezone(zone)
    name = f"{day:%Z}" if f"{day:%Z}".isalpha() else f"UTC{day:%z}"
    told = f"{day:%Y-%m-%d}, times in {name}"
    figure.text(1 - MARGIN / WIDTH, y / height, told, ha="right", fontsize=9, color=look.soft)
    for number, sign in enumerate(sketch.signs, 1):
        y -= LINE
        at = datetime.fromtimestamp(sign.at, UTC).astimezone(zone)
        suspect = ", suspect" if sign.suspect else ""
        words = _text(f"{number}  {at:%H:%M}  {sign.words}", ending=suspect)
        figure.text(LEFT / WIDTH, y / height, words, fontsize=10, color=look.ink if sign.suspect else look.soft)
    if sketch.more:
        y -= LINE
        figure.text(
            LEFT / WIDTH,
            y / height,
            f"and {sketch.more} more {'change' if sketch.more == 1 else 'changes'}",
            fontsize=10,
            color=look.soft,
        )


def _day(moment: float) -> float:
    """Matplotlib's moments are days."""
    return moment / SECONDS_A_DAY
