"""Runs a program with its arguments as they are: no shell, a small environment, a process group that never outlives its step."""

from __future__ import annotations

import asyncio
import codecs
import os
import shlex
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from bot.catalog.runbook_schema import DEFAULT_ACTIONS
from bot.errors import Permanent
from bot.runbooks.action import Action, Context, Risk

__all__ = ["ACTION"]

CHUNK = 16_384  # bytes read at once
GRACE = 2.0  # seconds between asking the group to end and ending it
DRAIN = 0.5  # seconds that output may still come after the program has ended: its children may hold the pipe open
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def describe(arguments: Sequence[str]) -> str:
    """The command as one would type it."""
    return shlex.join(arguments)


def risk(_arguments: Sequence[str]) -> Risk:
    """Nobody can tell from outside what a program changes."""
    return "high"


async def run(arguments: Sequence[str], _context: Context) -> AsyncGenerator[str, None]:
    """The program's standard output and error, merged, as they come."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    async with _started(arguments) as (process, output):
        ended = asyncio.ensure_future(process.wait())
        try:
            while chunk := await _next(output, ended):
                yield decoder.decode(chunk)
        finally:
            ended.cancel()
        code = await process.wait()
    if code < 0:
        raise Permanent(f"ended by {_signal_name(-code)}")
    if code > 0:
        raise Permanent(f"exit code {code}")


async def _next(output: asyncio.StreamReader, ended: asyncio.Future[int]) -> bytes:
    """The next output; empty at its end, or when the program has ended and only its children keep the pipe open."""
    reading = asyncio.ensure_future(output.read(CHUNK))
    try:
        await asyncio.wait((reading, ended), return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            await asyncio.wait((reading,), timeout=DRAIN)
        return reading.result() if reading.done() else b""
    finally:
        reading.cancel()


@asynccontextmanager
async def _started(arguments: Sequence[str]) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.StreamReader]]:
    """The program in a session of its own; leaving before its end ends the whole group."""
    loop = asyncio.get_running_loop()
    read_end, write_end = os.pipe()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", buffering=0)
    )
    try:
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                env=_environment(),
                start_new_session=True,
            )
        except FileNotFoundError:
            raise Permanent(f"there is no program {arguments[0]!r} on this machine") from None
        except (OSError, ValueError) as error:
            raise Permanent(f"{arguments[0]!r} cannot be started: {_reason(error)}") from None
        finally:
            os.close(write_end)
        try:
            yield process, reader
        finally:
            if process.returncode is None:
                await _end(process)
    finally:
        transport.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask the group to end, then end it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE):
            await process.wait()
    with suppress(ProcessLookupError, PermissionError):  # children that did not listen, though their parent did
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _environment() -> dict[str, str]:
    """Nothing of ours reaches the program but where programs are and where home is: our settings hold secrets."""
    return {
        "PATH": os.environ.get("PATH", DEFAULT_PATH),
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
    }


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or str(error)


ACTION = Action(name="command", parameters=DEFAULT_ACTIONS["command"], risk=risk, describe=describe, run=run)
