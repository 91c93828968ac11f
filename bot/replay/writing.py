"""Files that are there whole or not at all: an interrupted command leaves what was there before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bot.errors import ConfigError, Problem

__all__ = ["created"]


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
