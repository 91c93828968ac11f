"""The picture: what it shows, that hostile text stays text, and that it leaves no trace in the process."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bot.replay.command import Rules, replay
from bot.replay.drawing import COLOURS, harmless
from bot.replay.reading import alerts
from bot.replay.sketch import Picture, Rows, Sketch
from bot.replay.tally import Run
from tests.replay.streams import SHOP, STREAM, run, write

HOSTILE = "<script>alert(1)</script> $\\frac{1}{2}$ ]]> &amp; \x00\x1b[31m\u202e _x \ufffe 停電"


def sketched(path: Path, rows: Rows | None = None) -> Picture:
    rules = Rules(topology=SHOP)
    done, sketch = Run(rules.engine(), None), Sketch()
    for _, alert in alerts([path]):
        number, _ = done.feed(alert)
        sketch.add(alert, number)
    return sketch.finish(done, done.calls.roots(done.engine), rows)


def texts(path: Path) -> list[str]:
    return ["".join(node.itertext()) for node in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")]


def test_a_png_is_a_picture_of_a_sensible_size(tmp_path: Path) -> None:
    picture = tmp_path / "p.png"
    run(write(tmp_path / "s.jsonl"), plot=picture)
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG")
    wide, high = struct.unpack(">II", data[16:24])
    assert wide == 1800
    assert 300 < high < 2000


def test_an_svg_tells_the_figures_the_rows_and_the_rooms_in_text(tmp_path: Path) -> None:
    picture = tmp_path / "p.svg"
    run(write(tmp_path / "s.jsonl"), plot=picture)
    said = " | ".join(texts(picture))
    for words in (
        "6 alerts, 2 rooms",
        "1 held as noise",
        "payments-api",
        "checkout",
        "mail",
        "search",
        "G1 ",
        "firing",
    ):
        assert words in said
    assert picture.read_bytes().lower().count(COLOURS[0].lower().encode()) >= 2
    assert b"<image" not in picture.read_bytes()  # few dots stay dots


def test_the_same_stream_gives_the_same_picture(tmp_path: Path) -> None:
    path, one, other = write(tmp_path / "s.jsonl"), tmp_path / "1.svg", tmp_path / "2.svg"
    run(path, plot=one)
    run(path, plot=other)
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_hostile_text_is_text(tmp_path: Path, kind: str) -> None:
    lines = [
        line | {"service": f"{HOSTILE}{n % 3}", "name": HOSTILE, "location": HOSTILE} for n, line in enumerate(STREAM)
    ]
    path = tmp_path / "s.jsonl"
    write(path, lines)
    picture = tmp_path / f"p.{kind}"
    run(path, plot=picture)
    if kind == "svg":
        root = ET.parse(picture).getroot()  # well-formed, whatever the names were
        assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
        assert any("<script>" in text for text in texts(picture))
        assert b"\x1b" not in picture.read_bytes()


def test_what_xml_cannot_carry_is_left_out() -> None:
    assert harmless("a\x00b\ufffec\U0001ffffd\ud800e") == "abcd?e"


def test_a_picture_without_a_room_says_so(tmp_path: Path) -> None:
    picture = tmp_path / "p.svg"
    run(write(tmp_path / "s.jsonl", [STREAM[4]]), plot=picture)
    assert "1 alert, 0 rooms" in texts(picture)
    assert "nobody was called" in texts(picture)


def test_many_dots_become_an_image_inside_the_svg(tmp_path: Path) -> None:
    lines = [{"at": 1_767_603_600 + n, "name": f"R{n % 5}", "service": f"s{n % 60}"} for n in range(4000)]
    picture = tmp_path / "p.svg"
    run(write(tmp_path / "s.jsonl", lines), plot=picture)
    assert b"<image" in picture.read_bytes()
    assert picture.stat().st_size < 2_000_000
    assert "everything else (21)" in texts(picture)


def test_rows_are_what_tells_most_or_what_was_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl")
    assert sketched(path).field == "service"
    assert sketched(path, "location").rows == ("eu-west-1", "us-east-1", "mars")
    nameless: list[dict[str, Any]] = [
        {key: value for key, value in line.items() if key != "service"} | {"host": f"h{n % 2}"}
        for n, line in enumerate(STREAM)
    ]
    assert sketched(write(tmp_path / "h.jsonl", nameless)).field == "host"
    assert sketched(write(tmp_path / "n.jsonl", [{"name": "a"}, {"name": "b"}])).field == "name"


def test_rooms_begin_when_people_were_called_and_end_with_the_last_alert_that_fires(tmp_path: Path) -> None:
    picture = sketched(write(tmp_path / "s.jsonl"))
    first, second = picture.rooms
    assert (first.number, first.alerts, first.ended - first.opened) == (1, 4, 40.0)
    assert (second.number, second.alerts, second.ended - second.opened) == (2, 1, 0.0)
    assert "payments-api" in first.title


def test_drawing_leaves_no_figure_and_no_setting_behind(tmp_path: Path) -> None:
    import sys

    import matplotlib as mpl

    pyplot, before = "matplotlib.pyplot" in sys.modules, mpl.rcParams.copy()
    run(write(tmp_path / "s.jsonl"), plot=tmp_path / "p.png")
    assert mpl.rcParams.copy() == before
    assert ("matplotlib.pyplot" in sys.modules) == pyplot


def test_an_empty_stream_leaves_no_picture(tmp_path: Path) -> None:
    import io

    code = replay([write(tmp_path / "s.jsonl", "\n")], plot=tmp_path / "p.png", out=io.StringIO())
    assert code == 1
    assert not (tmp_path / "p.png").exists()


@pytest.mark.parametrize(
    "moments", [["9999-12-31T23:59:59Z", 5], [0, -5], [1e300], [-1e300], [-7e10, "0001-01-01"], [5]]
)
def test_moments_at_the_ends_of_time_are_drawn(tmp_path: Path, moments: list[Any]) -> None:
    lines = [{"name": f"a{n}", "at": at, "severity": "critical"} for n, at in enumerate(moments)]
    picture = tmp_path / "p.png"
    run(write(tmp_path / "s.jsonl", lines), plot=picture)
    assert picture.stat().st_size > 0


def test_a_stray_alert_years_away_does_not_squeeze_the_others(tmp_path: Path) -> None:
    usual = [{"at": 1_767_603_600 + 9 * n, "name": f"a{n % 5}", "service": f"s{n % 9}"} for n in range(500)]
    strays = [{"at": at, "name": "stray", "severity": "critical", "service": "clock"} for at in (86_400, 2_500_000_000)]
    picture = tmp_path / "p.svg"
    run(write(tmp_path / "s.jsonl", [strays[0], *usual, strays[1]]), plot=picture)
    assert any(text.endswith(":30") for text in texts(picture))  # hours on the axis, not years
    assert any("2 outside the time shown" in text for text in texts(picture))
