"""A process of our own beside Muster: started with nothing of ours but its pipes, asked one thing after the other, gone with us.

Both ends of the pipes stand here. What is asked, how long it may take and when there is a child at all is its owner's to know.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["Child", "module", "serve"]

LENGTH = 4  # bytes before each message that say how long it is, the most significant first
BUFFER = 8 * 1024 * 1024  # bytes of an answer that are read at once
KEPT = (  # of the environment: our settings hold secrets
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH"),
    *("MPLCONFIGDIR", "XDG_CACHE_HOME"),  # where fonts that were looked through are remembered
)


def module(name: str) -> tuple[str, ...]:
    """The command that runs a module of ours: found where ours are, not in whatever folder this happens to run in."""
    return (sys.executable, "-P", "-m", name)


class Child:
    """A running one. No handle of ours is inherited (PEP 446); it ends with its input, and so with us, however we end."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, command: Sequence[str], *, last_words: bool = False) -> Child:
        """Start it. What it complains of goes where ours does, or is kept for `last_words`. OSError when it cannot be started."""
        environment = {name: value for name in KEPT if (value := os.environ.get(name)) is not None}
        environment["PYTHONPATH"] = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        return cls(
            await asyncio.create_subprocess_exec(
                *command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE if last_words else None,
                limit=BUFFER,
                env=environment,
            )
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int | None:
        """How it ended, a signal as a negative number; None while it runs."""
        return self._process.returncode

    async def ask(self, message: bytes, *, most: int = 1 << 8 * LENGTH) -> bytes:
        """Its answer. OSError or EOFError when it has ended, or would say more than `most` bytes: end it then.

        One at a time: whoever gives up in the middle leaves half an answer for the next, and must end it.
        """
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None and answers is not None  # noqa: S101, PT018 - they are pipes
        if asked.is_closing():  # uvloop's writer would say so with a RuntimeError
            raise BrokenPipeError("nobody listens")
        asked.write(len(message).to_bytes(LENGTH, "big") + message)
        await asked.drain()
        length = int.from_bytes(await answers.readexactly(LENGTH), "big")
        if not 0 < length <= most:
            raise OSError(f"would send {length:,} bytes")
        return await answers.readexactly(length)

    async def last_words(self) -> str:
        """The last line that it complained with. It has ended, or this waits."""
        said = await self._process.stderr.read() if self._process.stderr is not None else b""
        await self._process.wait()
        return said.decode(errors="replace").strip().rpartition("\n")[2]

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def end(self, patience: float = 0.0) -> int | None:
        """The end of its input is the end of it; where it does not see that within so many seconds, it is killed. Its code."""
        if patience <= 0.0:
            self.kill()
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        self._process.stdin.close()
        try:
            async with asyncio.timeout(patience or None):
                await self._process.communicate()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        return self.code


def serve(answer: Callable[[bytes], bytes], *, deaf_to: Collection[signal.Signals] = (signal.SIGINT,)) -> None:
    """In the child: answer until there is nothing more to read, for then whoever asked has closed its end, or is dead.

    `deaf_to` are signals that are meant for Muster, which ends this: a terminal sends its Ctrl-C to both.
    """
    for name in deaf_to:
        signal.signal(name, signal.SIG_IGN)
    asked, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed by mistake is no answer
    try:
        while len(head := asked.read(LENGTH)) == LENGTH:
            said = answer(asked.read(int.from_bytes(head, "big")))
            answers.write(len(said).to_bytes(LENGTH, "big") + said)
            answers.flush()
    except BrokenPipeError:  # nobody is left to be told
        os._exit(0)
