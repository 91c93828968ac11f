"""Commands run as they are written, and nothing of them outlives their step. The programs are real."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import aclosing
from pathlib import Path

import pytest

from bot.errors import Permanent
from bot.runbooks.action import Context
from bot.runbooks.actions.command import ACTION

CONTEXT = Context(timeout=30)


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


async def run(arguments: list[str]) -> str:
    async with aclosing(ACTION.run(arguments, CONTEXT)) as chunks:
        return "".join([chunk async for chunk in chunks])


async def gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return  # ended; only its parent has not looked yet
        except ProcessLookupError:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"process {pid} still runs")


async def test_output_and_errors_come_merged_in_order():
    code = "import sys; print('one', flush=True); print('two', file=sys.stderr, flush=True); print('three')"
    assert await run(python(code)) == "one\ntwo\nthree\n"


async def test_output_comes_while_the_program_still_runs(tmp_path):
    flag = tmp_path / "go"
    code = """
import pathlib, sys, time
print("begun", flush=True)
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.01)
print("done")
"""
    async with aclosing(ACTION.run(python(code, str(flag)), CONTEXT)) as chunks:
        assert await anext(chunks) == "begun\n"
        flag.touch()
        assert "".join([chunk async for chunk in chunks]) == "done\n"


async def test_no_shell_reads_the_arguments():
    hostile = ["; touch /tmp/x", "$(id)", "`id`", "a b", "*", "|", "\"'", "${HOME}", "новый"]
    assert await run(python("import sys; print(sys.argv[1:])", *hostile)) == f"{hostile}\n"


async def test_the_environment_is_small_and_holds_no_secret(monkeypatch):
    monkeypatch.setenv("CI_TOKEN", "s3cret")
    seen = await run(python("import os; print(sorted(os.environ))"))
    assert set(eval(seen)) <= {"HOME", "LANG", "LC_CTYPE", "PATH"}


async def test_there_is_nothing_to_read_from():
    assert await run(python("import sys; print(repr(sys.stdin.read()))")) == "''\n"


async def test_an_exit_code_is_a_failure_that_names_it():
    with pytest.raises(Permanent, match="exit code 3"):
        await run(python("raise SystemExit(3)"))


async def test_an_end_by_a_signal_is_a_failure_that_names_it():
    with pytest.raises(Permanent, match="ended by SIGKILL"):
        await run(python("import os; os.kill(os.getpid(), 9)"))


@pytest.mark.parametrize(
    ("program", "words"),
    [("no-such-program", "there is no program"), ("/etc/passwd", "cannot be started"), ("a\0b", "cannot be started")],
)
async def test_what_is_no_program_is_said(program, words):
    with pytest.raises(Permanent, match=words):
        await run([program])


async def test_leaving_early_ends_the_whole_group_even_what_ignores_being_asked(tmp_path):
    code = '''
import os, signal, subprocess, sys, time
child = """import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('child', os.getpid(), flush=True)
time.sleep(60)
"""
subprocess.Popen([sys.executable, "-c", child])
print("parent", os.getpid(), flush=True)
time.sleep(60)
'''
    pids: dict[str, int] = {}
    async with aclosing(ACTION.run(python(code), CONTEXT)) as chunks:
        seen = ""
        async for chunk in chunks:
            seen += chunk
            if seen.count("\n") == 2:
                break
    for line in seen.splitlines():
        name, pid = line.split()
        pids[name] = int(pid)
    await gone(pids["parent"])
    await gone(pids["child"])


async def test_a_child_that_keeps_the_pipe_open_does_not_keep_the_step_open(tmp_path):
    code = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
print(child.pid)
"""
    begun = time.monotonic()
    pid = int(await run(python(code)))
    assert time.monotonic() - begun < 10
    os.kill(pid, 9)


async def test_output_that_is_no_text_does_not_stop_it():
    seen = await run(python("import sys; sys.stdout.buffer.write(b'a\\xff\\xe2\\x82\\xacb')"))
    assert seen == "a\ufffd€b"


def test_the_dry_run_shows_each_argument_for_itself():
    assert ACTION.describe(["systemctl", "restart", "checkout@a b; rm"]) == "systemctl restart 'checkout@a b; rm'"
    assert ACTION.risk(["true"]) == "high"
