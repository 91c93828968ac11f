"""Recorded streams: what is read, and that whatever is wrong is named with its file and line."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.replay.reading import LONGEST, alerts, lines
from tests.replay.streams import STREAM, run, write


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("not json\n", ""),
        ('{"at": "2026-01-05T09:00:00Z"}\n', "name"),
        ('{"name": "x", "at": "yesterday"}\n', "at"),
        ("[]\n", ""),
    ],
)
def test_a_bad_line_is_named_with_its_file_and_number(tmp_path: Path, bad: str, says: str) -> None:
    path = write(tmp_path / "s.jsonl", "".join(json.dumps(line) + "\n" for line in STREAM[:2]) + "\n" + bad)
    with pytest.raises(ConfigError) as caught:
        run(path)
    assert f"{path}:4" in str(caught.value)
    assert says in str(caught.value)


def test_a_file_that_is_not_there_or_not_packed_as_it_says_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="absent"):
        run(tmp_path / "absent.jsonl")
    for name in ("a.gz", "a.xz"):
        broken = tmp_path / name
        broken.write_bytes(b"this is not packed")
        with pytest.raises(ConfigError, match=name):
            run(broken)
    with pytest.raises(ConfigError, match="cannot be written"):
        run(write(tmp_path / "s.jsonl"), output=tmp_path / "no" / "folder")


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bytes])
def test_what_is_packed_is_known_by_how_it_begins_too(tmp_path: Path, pack) -> None:
    path = tmp_path / "recorded"
    path.write_bytes(pack("".join(json.dumps(line) + "\n" for line in STREAM).encode()))
    assert [alert.name for _, alert in alerts([path])] == [line["name"] for line in STREAM]


@pytest.mark.parametrize(
    ("begins", "kind"),
    [(bz2.compress(b"{}"), "bzip2"), (b"\x28\xb5\x2f\xfd\x04\x00", "Zstandard"), (b"PK\x03\x04\x14\x00", "zip")],
)
def test_what_is_packed_otherwise_says_what_is_read(tmp_path: Path, begins: bytes, kind: str) -> None:
    path = tmp_path / "recorded"
    path.write_bytes(begins)
    with pytest.raises(ConfigError, match=rf"{path}: is packed by {kind}; plain, \.gz and \.xz are read"):
        list(alerts([path]))


@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_a_dash_is_the_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack) -> None:
    text = "".join(json.dumps(line) + "\n" for line in STREAM).encode()
    for given, names in ((text, [line["name"] for line in STREAM]), (text + b"oh\n", None)):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(pack(given)))))
        if names:
            assert [alert.name for _, alert in alerts([Path("-")])] == names
            continue
        with pytest.raises(ConfigError, match="standard input:7: The body is not JSON"):
            list(alerts([Path("-")]))
    with pytest.raises(ConfigError, match="standard input: cannot be read: it is closed, or was read already"):
        list(alerts([Path("-")]))


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_file_that_was_cut_or_damaged_is_named_with_the_line_where_it_ends(tmp_path: Path, pack) -> None:
    text = "".join(json.dumps(STREAM[0] | {"summary": str(n * 7919)}) + "\n" for n in range(6_000)).encode()
    packed = bytearray(pack(text))
    path = tmp_path / "cut"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(ConfigError, match=rf"{path}:\d+: cannot be read"):
        list(lines([path]))
    packed[len(packed) // 2] ^= 0xFF
    path.write_bytes(packed)
    with pytest.raises(ConfigError, match=rf"{path}:\d+: "):
        list(alerts([path]))


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb") as file:
        file.write(b'{"name": "x"}\n')
        file.writelines(b"x" * 65_536 for _ in range(LONGEST // 65_536 + 1))
    with pytest.raises(ConfigError, match=rf"{path}:2: longer than"):
        list(alerts([path]))


def test_a_byte_order_mark_blank_lines_and_a_missing_last_newline_are_no_alerts(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"name": "a", "at": 5}\n\n  \r\n{"name": "b"}')
    assert [(line.number, alert.name, alert.at) for line, alert in alerts([path])] == [(1, "a", 5.0), (4, "b", 5.0)]
