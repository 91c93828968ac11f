"""The progress bar."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.replay.progress import Progress
from tests.replay.streams import run, write


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_progress_bar_is_for_terminals_only(tmp_path: Path) -> None:
    many = [{"name": f"x{n % 9}", "at": f"2026-01-05T09:{n // 60 % 60:02}:{n % 60:02}Z"} for n in range(3000)]
    path = write(tmp_path / "s.jsonl", many)
    terminal, pipe = Terminal(), io.StringIO()
    run(path, err=terminal)
    run(path, err=pipe)
    assert "%" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert pipe.getvalue() == ""


def test_the_same_file_twice_does_not_throw_the_bar_back(tmp_path: Path) -> None:
    terminal = Terminal()
    path = tmp_path / "s.jsonl"
    path.write_bytes(b"x" * 1000)
    bar = Progress([path, path], terminal)
    for read in (400, 1000, 300, 900):
        bar._drawn = 0.0
        bar.at(path, read, 1)
    shares = [int(line.split("%")[0].split("]")[1]) for line in terminal.getvalue().split("\r\x1b[K")[1:]]
    assert shares == [20, 50, 65, 95]


def test_the_bar_is_gone_when_something_is_wrong(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", '{"name": "x"}\n' * 3000 + "oh\n")
    terminal = Terminal()
    with pytest.raises(ConfigError):
        run(path, err=terminal)
    assert terminal.getvalue().endswith("\r\x1b[K")
