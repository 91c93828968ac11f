"""How long somebody in Slack waits under a storm: from slash command to ack, from ack to the private answer.

    python -m tests.benchmarks.slack [COMMANDS]

The real app and bolt over loopback sockets, while the alerts of 10,000 hosts arrive in one incident, as fast as they are taken.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.scenarios.slack_stage import alert, muster, workspace

ALERTS, AT_ONCE = 10_000, 100


def p(values: list[float], share: float) -> str:
    ordered = sorted(values)
    return f"{ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000:7.1f} ms"


async def measure(commands: int) -> None:
    acks: list[float] = []
    answers: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        async with workspace(limits=False) as slack, muster(Path(folder), slack) as stage:
            robin = slack.person("robin")
            await stage.alert()
            room = await stage.room()
            await stage.card(room)

            sent = 0

            async def storm() -> None:
                nonlocal sent
                while True:  # 10,000 of them, again and again
                    start = sent % ALERTS
                    await stage.alerts([alert(host=f"checkout-{start + n}") for n in range(AT_ONCE)])
                    sent += AT_ONCE

            raging = asyncio.create_task(storm())
            for number in range(commands):
                done = await robin.command("/incident", ("list", "why", f"note {number}")[number % 3], room)
                answer = await done.answer(seconds=30.0)
                acks.append(done.acked_after or 0.0)
                answers.append(answer.after - (done.acked_after or 0.0))
            raging.cancel()
            await asyncio.gather(raging, return_exceptions=True)
            edits = len(slack.calls_of("chat.update", ok=True))
    print(f"{commands} commands, one after the other, while {sent:,} alerts of {ALERTS:,} hosts arrived; {edits} edits")
    for name, values in (("command to ack", acks), ("ack to answer", answers)):
        print(f"  {name:16} p50 {p(values, 0.5)}   p99 {p(values, 0.99)}   most {max(values) * 1000:7.1f} ms")


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
