"""Files that are there whole or not at all: an interrupted command leaves what was there before. And what is printed."""

from __future__ import annotations

import errno
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO

from bot.errors import ConfigError, Problem

__all__ = ["created", "ending_cleanly", "printing"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # what writing fails with where there is no room


@contextmanager
def created(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which takes its name when the block ends well and wrote something.

    ConfigError when it cannot be written.
    """
    try:
        whole = path.exists() and not path.is_file()  # a pipe or a device: nothing to put in its place
        part = path if whole else path.resolve().with_name(f"{path.name}.part")
        with part.open("wb") as file:
            try:
                yield file
            except BaseException:
                if not whole:
                    part.unlink(missing_ok=True)
                raise
        if not whole and part.stat().st_size:
            part.replace(path.resolve())
        elif not whole:
            part.unlink()
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise ConfigError([Problem(f"cannot be written: {error.strerror or error}", file=str(path))]) from error


@contextmanager
def printing(out: TextIO) -> Iterator[None]:
    """What the block prints is out when it ends. ConfigError where there is no room: it is no fault of a file being written."""
    try:
        yield
        out.flush()
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:  # what has a name is no output
            raise
        raise ConfigError([Problem(f"cannot be written: {error.strerror or error}", file="standard output")]) from error


@contextmanager
def ending_cleanly() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does: what was begun is cleared away. Only where nobody heeds or ignores it yet."""
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
