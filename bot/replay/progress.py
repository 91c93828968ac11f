"""A bar that says how far a long reading is: on a terminal only, and gone when it is done."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

__all__ = ["Progress"]

BAR = 30  # characters
OFTEN = 0.1  # seconds between two drawings


class Progress:
    """By bytes read of all files. Nothing is written where `err` is no terminal."""

    def __init__(self, files: Sequence[Path], err: TextIO | None) -> None:
        self._err = err if err is not None and err.isatty() else None
        self._sizes = [(path, path.stat().st_size) for path in files if path.is_file()]
        self._total = sum(size for _, size in self._sizes) or 1
        self._left = self._sizes  # the file that is read now, and those after it
        self._read = 0
        self._began = time.monotonic()
        self._drawn = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._err is not None and self._drawn:
            self._err.write("\r\x1b[K")
            self._err.flush()

    def at(self, path: Path, read: int, count: int) -> None:
        """Draw, unless that was done a moment ago."""
        if read < self._read:  # the next file, which may be the same once more
            self._left = self._left[1:]
        self._read = read
        while self._left and self._left[0][0] != path:
            self._left = self._left[1:]
        now = time.monotonic()
        if self._err is None or now - self._drawn < OFTEN:
            return
        self._drawn = now
        before = self._total - sum(size for _, size in self._left)
        share = min(1.0, (before + read) / self._total)
        filled = round(BAR * share)
        left = (now - self._began) * (1 / share - 1) if share > 0.02 else None
        words = "" if left is None else f"  {_clock(left)} left"
        self._err.write(f"\r\x1b[K[{'#' * filled}{'.' * (BAR - filled)}] {100 * share:3.0f} %  {count:,} alerts{words}")
        self._err.flush()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
