"""Runbooks from the dry run to the end, in a small world with real processes and a clock moved by hand."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import update

from bot.chat.gateway import Gateway
from bot.chat.views import Notice, Person, plain
from bot.clock import ManualClock
from bot.errors import BadArguments, InvalidTransition, NotAllowed, NotFound
from bot.responders import recipients
from bot.runbooks.actions import discover
from bot.runbooks.model import Run
from bot.runbooks.service import Runbooks
from bot.scheduler import Scheduler
from bot.storage import tables
from tests.responders import paged
from tests.responders.paged import MIKA, ROBIN, SAM, Recording, person
from tests.rows import keep_alert

MINUTE = 60.0
KIM = Person("guest:Kim", "Kim")

RUNBOOKS = """
runbooks:
  restart-checkout:
    title: Restart one checkout instance
    description: Restarts one instance, about 20 s.
    match: ['service="checkout"']
    risk: low
    run_by: [team:payments, sam]
    approve: {people: 1, by: [team:payments], expires: 15m}
    parameters: {instance: {pattern: "checkout-[0-9]+", default: "{{ alert.host }}"}}
    steps: [{command: [PYTHON, -c, "import sys; print('restarted', sys.argv[1])", "{{ instance }}"]}]
    verify: {clears_within: 5m}
    cooldown: 10m
  say:
    title: Say something
    risk: low
    run_by: anyone
    parameters: {words: {default: hello}}
    steps:
      - {command: [PYTHON, -c, "import sys; print(sys.argv[1])", "{{ words }}"], title: Speak}
      - {command: [PYTHON, -c, "print('second')"]}
  drop-cache:
    title: Drop the cache
    match: ['service="cart"']
    run_by: anyone
    steps: [{command: [PYTHON, -c, "print('dropped')"]}]
  fail:
    title: Fail
    risk: low
    run_by: anyone
    steps: [{command: [PYTHON, -c, "print('so far'); raise SystemExit(4)"]}, {command: [PYTHON, -c, "print('never')"]}]
  wait:
    title: Wait
    risk: low
    run_by: [team]
    steps: [{command: [PYTHON, -c, "import time; print('waiting', flush=True); time.sleep(60)"], timeout: 50s}]
  slow:
    title: Too slow
    risk: low
    run_by: anyone
    steps: [{command: [PYTHON, -c, "import os,time; print(os.getpid(), flush=True); time.sleep(60)"], timeout: 500ms}]
  two:
    title: Two must agree
    run_by: anyone
    approve: {people: 2, by: anyone}
    steps: [{command: [PYTHON, -c, "print('both agreed')"]}]
  warm-up:
    title: Warm up
    risk: low
    run_by: anyone
    steps: [{http: {method: POST, url: "URL/jobs/warmup", headers: {Authorization: "Bearer ${env:CI_TOKEN}"}}}]
  script:
    title: Count
    risk: low
    run_by: anyone
    steps:
      - command:
          - PYTHON
          - -c
          - |-
            for n in range(40):
              print('line', n)
  hook:
    title: Call the hook
    risk: low
    run_by: anyone
    steps: [{http: {url: "${env:HOOK}"}}]
""".replace("PYTHON", sys.executable)


@dataclass(kw_only=True)
class World:
    story: paged.World
    runbooks: Runbooks
    scheduler: Scheduler

    @property
    def clock(self) -> ManualClock:
        return self.story.clock

    async def declare(self, *services: str, **fields) -> int:
        """An incident with one firing alert for each service, on host `<service>-3`."""
        number = await self.story.declare(*services, page=False, alert_count=len(services), **fields)
        at = self.clock.now()
        async with self.story.database.transaction() as work:
            for index, service in enumerate(services):
                alert = {"service": service, "host": f"{service}-3", "group_id": f"G{number}"}
                await keep_alert(work, 100 * number + index, at, **alert)
            query = update(tables.incidents).where(tables.incidents.c.number == number)
            await work.connection.execute(query.values(firing_count=len(services)))
        return number

    async def change(self, table, **values) -> None:
        async with self.story.database.transaction() as work:
            await work.connection.execute(update(table).values(values))

    async def run(self, number: int, name: str, by: Person = ROBIN, **values: str) -> Run:
        """Ask, and wait for the end."""
        run = await self.runbooks.request(number, name, values, by, confirmed=True)
        return await self.runbooks.wait(run.id)

    async def pass_time(self, seconds: float = 0.0) -> None:
        self.clock.advance(seconds)
        await self.scheduler.tick()
        for _ in range(5):  # edits are held back for pacing
            self.clock.advance(0.5)
            await self.story.relay.drain()

    def notices(self) -> list[str]:
        return self.story.gateway.notices()

    def views(self) -> list[Notice]:
        return [
            v for at, v in self.story.gateway.shown.items() if not at.room.startswith("@") and isinstance(v, Notice)
        ]

    async def until(self, run: Run, words: str) -> None:
        """Wait until the room has been told these words about a run; the clock stands, real time passes."""
        deadline = time.monotonic() + 10
        while not any(words in view.output for view in self.views()):
            assert time.monotonic() < deadline, self.views()
            await asyncio.sleep(0.01)
            self.clock.advance(0.5)
            await self.story.relay.drain()


@asynccontextmanager
async def world(
    folder: Path,
    *,
    clock: ManualClock | None = None,
    gateways: Sequence[Gateway] = (),
    url: str = "http://127.0.0.1:1",
    environment: dict[str, str] | None = None,
) -> AsyncIterator[World]:
    catalog = paged.CATALOG + RUNBOOKS.replace("URL", url)
    async with paged.world(folder, catalog=catalog, clock=clock, gateways=gateways) as story:
        runbooks = Runbooks(
            story.database,
            story.clock,
            catalog=lambda: story.catalog[0],
            announcements=story.announcements,
            person=person,
            policies=recipients,
            actions=discover(),
            environment=environment if environment is not None else {"CI_TOKEN": "s3cret-token"},
            metrics=story.metrics,
            interval=0.01,
        )
        await runbooks.start()
        try:
            yield World(
                story=story,
                runbooks=runbooks,
                scheduler=Scheduler(story.database, story.clock, runbooks.handlers(), metrics=story.metrics),
            )
        finally:
            await runbooks.stop()


# --- looking ----------------------------------------------------------------------------------------------------------


async def test_runbooks_that_fit_come_first_and_those_for_other_services_not_at_all(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        names = [runbook.id for runbook in await w.runbooks.fitting(number)]
        assert names[0] == "restart-checkout"
        assert "say" in names
        assert "drop-cache" not in names
        nothing = await w.declare()
        assert "restart-checkout" not in [runbook.id for runbook in await w.runbooks.fitting(nothing)]


async def test_the_dry_run_shows_the_steps_and_what_stands_before_them_and_does_nothing(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        plan = await w.runbooks.plan(number, "restart-checkout", {}, ROBIN)
        assert plan.parameters == {"instance": "checkout-3"}
        assert plan.steps == (
            f"command: {sys.executable} -c 'import sys; print('\"'\"'restarted'\"'\"', sys.argv[1])' checkout-3",
        )
        assert plan.needs_approval
        assert (plan.reason, plan.obstacle) == ("Someone else of payments must approve.", "")
        assert await w.runbooks.runs(number) == []
        guest = await w.runbooks.plan(number, "restart-checkout", {}, KIM)
        assert guest.obstacle == "Only payments or Sam Okafor may run restart-checkout."


async def test_the_dry_run_shows_secrets_by_name(tmp_path):
    async with world(tmp_path) as w:
        plan = await w.runbooks.plan(await w.declare("checkout"), "warm-up", {}, ROBIN)
        assert "Authorization: Bearer ${env:CI_TOKEN}" in plan.steps[0]


async def test_a_command_of_several_lines_is_shown_as_it_is_and_its_output_from_the_end(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        plan = await w.runbooks.plan(number, "script", {}, ROBIN)
        assert plan.steps[0].endswith("-c 'for n in range(40):\n  print('\"'\"'line'\"'\"', n)'")
        run = await w.runbooks.request(number, "script", {}, ROBIN)
        run = await w.runbooks.wait(run.id)
        await w.story.calm()
        [view] = [view for view in w.views() if view.output]
        shown = view.output.splitlines()
        assert shown[0] == "… 30 lines more", "39 lines and the command are 41"
        assert shown[-1] == "line 39"
        assert len(run.output.splitlines()) == 41
        assert plain(view.details[0]) == "All of its output goes into the retrospective."
        assert run.output.splitlines()[0].endswith("range(40):…")


async def test_an_unknown_runbook_is_named_with_a_suggestion(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        with pytest.raises(NotFound, match='did you mean "restart-checkout"'):
            await w.runbooks.plan(number, "restart-chekout", {}, ROBIN)
        with pytest.raises(NotFound, match="INC-99"):
            await w.runbooks.plan(99, "say", {}, ROBIN)


# --- running ----------------------------------------------------------------------------------------------------------


async def test_a_run_streams_into_one_message_and_ends_in_it(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        run = await w.run(number, "say", words="hello; $(id)")
        assert run.state == "succeeded"
        assert "hello; $(id)\n" in run.output
        assert run.output.endswith("second")
        await w.pass_time()
        [view] = [view for view in w.views() if "R1" in plain(view.text)]
        assert plain(view.text) == "R1 say on hello; $(id) succeeded in less than 1 s."
        assert view.output == run.output
        assert (view.tone, view.buttons) == ("good", ())
        assert "Robin Vos ran say on hello; $(id)" in await w.story.story(number)
        assert w.story.metrics.registry.get_sample_value("muster_runbook_runs_total", {"outcome": "succeeded"}) == 1


async def test_output_is_seen_while_it_runs_with_a_way_to_stop_it(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        run = await w.runbooks.request(number, "wait", {}, ROBIN)
        await w.until(run, "waiting")
        [view] = [view for view in w.views() if "R1" in plain(view.text)]
        assert plain(view.text).startswith("R1 wait: running, step 1 of 1: command: ")
        assert [button.command for button in view.buttons] == ["runbook cancel R1"]
        with pytest.raises(NotAllowed):
            await w.runbooks.cancel(run.id, KIM)
        ended = await w.runbooks.cancel(run.id, MIKA)
        assert (ended.state, ended.outcome) == ("cancelled", "cancelled by Mika Laine")
        assert "waiting" in ended.output
        with pytest.raises(InvalidTransition, match="Nothing to cancel"):
            await w.runbooks.cancel(run.id, MIKA)


async def test_a_step_that_fails_stops_the_run_and_the_room_is_told(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        run = await w.run(number, "fail")
        assert (run.state, run.outcome) == ("failed", "step 1 failed: exit code 4")
        assert "so far" in run.output
        assert "never" not in run.output.replace("print('never')", "")
        await w.pass_time()
        assert sum("R1 fail failed after less than 1 s: step 1 failed: exit code 4." in n for n in w.notices()) == 2


async def test_a_step_that_takes_too_long_is_ended_with_everything_it_started(tmp_path):
    async with world(tmp_path) as w:
        run = await w.run(await w.declare("checkout"), "slow")
        assert (run.state, run.outcome) == ("failed", "step 1 took longer than 0.5 s and was stopped")
        with pytest.raises(ProcessLookupError):
            os.kill(int(run.output.splitlines()[-1]), 0)


async def test_a_secret_is_used_and_nowhere_seen(tmp_path):
    heard = []

    async def echo(request: web.Request) -> web.Response:
        heard.append(request.headers["Authorization"])
        return web.Response(text=f"you said {request.headers['Authorization']}")

    app = web.Application()
    app.router.add_post("/jobs/warmup", echo)
    async with TestServer(app) as server, world(tmp_path, url=str(server.make_url("")).rstrip("/")) as w:
        number = await w.declare("checkout")
        run = await w.run(number, "warm-up")
        await w.pass_time()
        assert run.state == "succeeded"
        assert heard == ["Bearer s3cret-token"]
        assert "you said Bearer [redacted]" in run.output
    for file in tmp_path.iterdir():
        assert b"s3cret-token" not in file.read_bytes(), file


async def test_a_secret_that_is_no_address_ends_the_run_and_is_nowhere_seen(tmp_path, capsys, caplog):
    async with world(tmp_path, environment={"HOOK": "ftp://s3cret-hook"}) as w:
        run = await w.run(await w.declare("checkout"), "hook")
        await w.pass_time()
        assert (run.state, run.outcome) == (
            "failed",
            "step 1 cannot run: with its secrets filled in it is nothing that http takes",
        )
        assert "s3cret" not in f"{run.output} {w.notices()} {caplog.text} {capsys.readouterr()}"


async def test_a_secret_that_is_not_set_is_said_before_anything_runs(tmp_path):
    async with world(tmp_path, environment={}) as w:
        number = await w.declare("checkout")
        with pytest.raises(InvalidTransition, match="CI_TOKEN is not set"):
            await w.runbooks.request(number, "warm-up", {}, ROBIN)
        assert await w.runbooks.runs(number) == []


async def test_high_risk_wants_to_be_confirmed(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("cart")
        assert "high risk" in (await w.runbooks.plan(number, "drop-cache", {}, ROBIN)).reason
        with pytest.raises(BadArguments, match="--yes"):
            await w.runbooks.request(number, "drop-cache", {}, ROBIN)
        assert (await w.run(number, "drop-cache")).state == "succeeded"


async def test_who_may_not_run_it_does_not(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        with pytest.raises(NotAllowed, match="Only payments or Sam Okafor may run"):
            await w.runbooks.request(number, "restart-checkout", {}, KIM)
        with pytest.raises(NotAllowed):
            await w.runbooks.request(number, "wait", {}, SAM)
        await w.story.incidents.resolve(number, ROBIN)
        with pytest.raises(InvalidTransition, match="is resolved"):
            await w.runbooks.request(number, "say", {}, ROBIN)


# --- agreeing ---------------------------------------------------------------------------------------------------------


async def test_somebody_else_must_agree_and_then_it_runs(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        run = await w.runbooks.request(number, "restart-checkout", {}, ROBIN)
        assert run.state == "waiting"
        await w.pass_time()
        [question] = [view for view in w.views() if "asks to run" in plain(view.text)]
        assert plain(question.text) == (
            "Robin Vos asks to run restart-checkout on checkout-3 (restarts one instance, about 20 s). "
            "Someone else of payments must approve. Expires 09:15 UTC."
        )
        assert [(b.label, b.command) for b in question.buttons] == [
            ("Show steps", "runbook status R1"),
            ("Approve", "runbook approve R1"),
            ("Decline", "runbook decline R1"),
        ]
        with pytest.raises(NotAllowed, match="someone else must approve"):
            await w.runbooks.approve(run.id, ROBIN)
        with pytest.raises(NotAllowed, match="approved by payments"):
            await w.runbooks.approve(run.id, SAM)
        assert (await w.runbooks.approve(run.id, MIKA)).state == "running"
        ended = await w.runbooks.wait(run.id)
        assert ended.state == "succeeded"
        assert ended.output.endswith("restarted checkout-3")
        await w.pass_time()
        assert "Robin Vos asked to run restart-checkout on checkout-3. Approved by Mika Laine." in w.notices()
        with pytest.raises(InvalidTransition, match="nothing to decide"):
            await w.runbooks.approve(run.id, MIKA)
        await w.pass_time(20 * MINUTE)
        assert not any("expired" in notice for notice in w.notices())


async def test_two_must_agree_where_the_runbook_says_two(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        run = await w.runbooks.request(number, "two", {}, ROBIN)
        assert (await w.runbooks.approve(run.id, MIKA)).state == "waiting"
        with pytest.raises(InvalidTransition, match="approved R1 already"):
            await w.runbooks.approve(run.id, MIKA)
        await w.pass_time()
        assert any("One more must approve. Approved by Mika Laine." in notice for notice in w.notices())
        assert (await w.runbooks.approve(run.id, SAM)).state == "running"
        assert (await w.runbooks.wait(run.id)).state == "succeeded"


async def test_of_many_agreements_at_once_one_starts_it_once(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        run = await w.runbooks.request(number, "two", {}, ROBIN)
        people = [Person(f"guest:{n}", str(n)) for n in range(8)]
        answers = await asyncio.gather(*(w.runbooks.approve(run.id, p) for p in people), return_exceptions=True)
        assert [a.state for a in answers if isinstance(a, Run)] == ["waiting", "running"]
        assert sum(isinstance(answer, InvalidTransition) for answer in answers) == 6
        ended = await w.runbooks.wait(run.id)
        assert ended.output.splitlines()[1:] == ["both agreed"]


async def test_declining_and_withdrawing_end_the_question(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        run = await w.runbooks.request(number, "restart-checkout", {}, ROBIN)
        with pytest.raises(NotAllowed):
            await w.runbooks.decline(run.id, KIM)
        assert (await w.runbooks.decline(run.id, MIKA)).state == "declined"
        await w.pass_time()
        assert "Robin Vos asked to run restart-checkout on checkout-3. Declined by Mika Laine." in w.notices()
        again = await w.runbooks.request(number, "restart-checkout", {}, ROBIN)
        assert (await w.runbooks.cancel(again.id, ROBIN)).state == "cancelled"
        await w.pass_time()
        assert "Robin Vos asked to run restart-checkout on checkout-3. Withdrawn by Robin Vos." in w.notices()


async def test_a_question_that_nobody_answers_expires_even_over_a_restart(tmp_path):
    clock, gateway = ManualClock(), Recording()
    async with world(tmp_path, clock=clock, gateways=(gateway,)) as w:
        number = await w.declare("checkout")
        run = await w.runbooks.request(number, "restart-checkout", {}, ROBIN)
    clock.advance(15 * MINUTE)
    async with world(tmp_path, clock=clock, gateways=(gateway,)) as w:
        await w.pass_time()
        assert (await w.runbooks.run(run.id)).state == "expired"
        assert (
            "R1 expired: nobody approved restart-checkout on checkout-3 within 15 min. It did not run." in w.notices()
        )
        with pytest.raises(InvalidTransition, match="R1 is expired"):
            await w.runbooks.approve(run.id, MIKA)


async def test_what_was_approved_is_what_runs_or_nothing_runs(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        run = await w.runbooks.request(number, "restart-checkout", {}, ROBIN)
        changed = (tmp_path / "catalog.yaml").read_text().replace("'restarted'", "'destroyed'")
        (tmp_path / "catalog.yaml").write_text(changed)
        w.story.catalog[0] = paged.load(tmp_path / "catalog.yaml")
        with pytest.raises(InvalidTransition, match="has changed since it was asked for"):
            await w.runbooks.approve(run.id, MIKA)
        assert (await w.runbooks.run(run.id)).state == "cancelled"


# --- cooldown, interruption, verdict ----------------------------------------------------------------------------------


async def test_a_runbook_cools_down_and_never_runs_twice_at_once(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        first = await w.runbooks.request(number, "restart-checkout", {}, ROBIN)
        with pytest.raises(InvalidTransition, match="R1 restart-checkout on checkout-3 waits for approval already"):
            await w.runbooks.request(number, "restart-checkout", {}, SAM)
        await w.runbooks.approve(first.id, MIKA)
        await w.runbooks.wait(first.id)
        w.clock.advance(4 * MINUTE)
        other = await w.declare("checkout")
        with pytest.raises(InvalidTransition, match="ran 4 min ago; it may run again in 6 min"):
            await w.runbooks.request(other, "restart-checkout", {"instance": "checkout-9"}, ROBIN)
        assert (await w.runbooks.plan(other, "restart-checkout", {}, ROBIN)).obstacle.startswith("restart-checkout ran")
        w.clock.advance(6 * MINUTE)
        assert (await w.runbooks.request(other, "restart-checkout", {}, ROBIN)).state == "waiting"


async def test_a_run_that_was_under_way_when_the_process_died_is_interrupted_and_not_run_again(tmp_path):
    clock, gateway = ManualClock(), Recording()
    async with world(tmp_path, clock=clock, gateways=(gateway,)) as w:
        number = await w.declare("checkout")
        run = await w.run(number, "say")
        await w.change(tables.runs, state="running", finished_at=None)  # as a kill would have left it
    async with world(tmp_path, clock=clock, gateways=(gateway,)) as w:
        again = await w.runbooks.run(run.id)
        assert again.state == "interrupted"
        await w.pass_time()
        told = "R1 say on hello interrupted: Muster stopped while it ran; how far it came is not known."
        assert told in w.notices()
        assert len(await w.runbooks.runs(number)) == 1


async def test_stopping_muster_ends_what_runs_and_says_so(tmp_path):
    clock, gateway = ManualClock(), Recording()
    async with world(tmp_path, clock=clock, gateways=(gateway,)) as w:
        run = await w.runbooks.request(await w.declare("checkout"), "wait", {}, ROBIN)
        await w.until(run, "waiting")
        begun = time.monotonic()
        await w.runbooks.stop()
        assert time.monotonic() - begun < 5
        assert (await w.runbooks.run(run.id)).state == "interrupted"
    async with world(tmp_path, clock=clock, gateways=(gateway,)) as w:
        await w.pass_time()
        assert any("wait interrupted: Muster was stopped while it ran." in notice for notice in w.notices())


@pytest.mark.parametrize("helped", [True, False])
async def test_some_minutes_later_the_room_is_told_whether_it_helped(tmp_path, helped):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        run = await w.runbooks.request(number, "restart-checkout", {}, ROBIN)
        await w.runbooks.approve(run.id, MIKA)
        await w.runbooks.wait(run.id)
        if helped:
            await w.change(tables.incidents, firing_count=0, cleared_at=w.clock.now() + 60)
        await w.pass_time(4 * MINUTE)
        assert (await w.runbooks.run(run.id)).helped is None
        await w.pass_time(1 * MINUTE)
        assert (await w.runbooks.run(run.id)).helped is helped
        told = (
            "R1 restart-checkout on checkout-3 helped: all alerts cleared."
            if helped
            else "R1 restart-checkout on checkout-3 did not help within 5 min: 1 alert still fires. / What else fits: "
            "/incident runbook"
        )
        assert told in w.notices()


async def test_everything_about_a_run_is_on_the_timeline(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        run = await w.runbooks.request(number, "restart-checkout", {}, ROBIN)
        await w.runbooks.approve(run.id, MIKA)
        await w.runbooks.wait(run.id)
        assert (await w.story.story(number))[-3:] == [
            "Robin Vos asked to run restart-checkout on checkout-3",
            "Mika Laine approved restart-checkout on checkout-3",
            "R1 restart-checkout on checkout-3 succeeded in less than 1 s",
        ]
        async with w.story.database.reading() as connection:
            rows = (await connection.execute(tables.timeline.select())).all()
        assert msgspec.json.decode(rows[-1].data_json) == {"run": 1, "state": "succeeded"}
