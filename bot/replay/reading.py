"""Recorded streams as alerts: JSON lines, plain or packed, several files as one stream. How an alert is decoded is the source's.

Whatever a file holds, no more than one line of it is in memory.
"""

from __future__ import annotations

import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, cast

from bot.errors import ConfigError, MalformedPayload, Problem
from bot.intake.sources.generic import read_line
from correlation.alert import Alert

__all__ = ["LONGEST", "STANDARD_INPUT", "Line", "Watcher", "alerts", "lines", "unpacked"]

LONGEST = 1 << 20  # bytes of a line; the webhooks take no larger body either
BUFFER = 1 << 17
EVERY = 1_000  # lines between two words to the watcher
STANDARD_INPUT = Path("-")  # as a FILE on the command line
_BOM = b"\xef\xbb\xbf"
_FOREIGN = {
    b"BZh": ("bzip2", "bzip2 -dc"),
    b"\x28\xb5\x2f\xfd": ("Zstandard", "zstd -dc"),
    b"PK\x03\x04": ("zip", "unzip -p"),
}


class Watcher(Protocol):
    """Hears how far the reading is."""

    def at(self, path: Path, read: int, count: int) -> None:
        """`read` bytes of the file as it lies on the disk, `count` lines in all."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file, counted from 1."""

    path: Path
    number: int
    text: bytes


def alerts(files: Sequence[Path], watcher: Watcher | None = None) -> Iterator[tuple[Line, Alert]]:
    """Every line with its alert; one without a time has its predecessor's. ConfigError with file and line."""
    last_at = 0.0
    for line in lines(files, watcher):
        try:
            alert = read_line(line.text, last_at)
        except MalformedPayload as error:
            raise ConfigError([Problem(str(error), file=str(line.path), line=line.number, path=error.path)]) from error
        last_at = alert.at
        yield line, alert


def lines(files: Sequence[Path], watcher: Watcher | None = None, *, blank: bool = False) -> Iterator[Line]:
    """The lines, blank ones only if asked for. ConfigError for what cannot be read, with the line where it ended."""
    count = 0
    for file in files:
        number, path = 0, Path("standard input") if file == STANDARD_INPUT else file
        try:
            with _opened(file) as raw, unpacked(path, raw) as packed:
                while text := packed.readline(LONGEST + 1):
                    number += 1
                    if len(text) > LONGEST:
                        raise ConfigError([Problem(f"longer than {LONGEST:,} bytes", file=str(path), line=number)])
                    if number == 1:
                        text = text.removeprefix(_BOM)
                    if blank or not text.isspace():
                        count += 1
                        yield Line(path, number, text)
                    if watcher is not None and number % EVERY == 0 and path is file and raw.seekable():
                        watcher.at(path, raw.tell(), count)
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
            why = getattr(error, "strerror", None) or error
            raise ConfigError([Problem(f"cannot be read: {why}", file=str(path), line=number)]) from error


def _opened(file: Path) -> IO[bytes]:
    if file != STANDARD_INPUT:
        return file.open("rb")
    if sys.stdin is None or sys.stdin.closed:  # None: Muster was started without one
        raise OSError("it is closed, or was read already")
    return sys.stdin.buffer


def unpacked(path: Path, raw: IO[bytes]) -> IO[bytes]:
    """The file's text; what is packed is known by its name, or by how it begins. ConfigError where it is packed otherwise."""
    buffered = cast("io.BufferedReader", raw)
    begins = buffered.peek(6)[:6]
    if path.suffix == ".gz" or begins.startswith(b"\x1f\x8b"):
        return _buffered(gzip.GzipFile(fileobj=raw))
    if path.suffix == ".xz" or begins == b"\xfd7zXZ\x00":
        return _buffered(lzma.LZMAFile(raw))
    for magic, (kind, command) in _FOREIGN.items():
        if begins.startswith(magic):
            what = f"is packed by {kind}; plain, .gz and .xz are read: unpack it first, as {command} does"
            raise ConfigError([Problem(what, file=str(path))])
    return raw


def _buffered(packed: io.BufferedIOBase) -> IO[bytes]:
    # A reader over a reader: its lines are found in C.
    return cast("IO[bytes]", io.BufferedReader(cast("io.RawIOBase", packed), BUFFER))
