"""How long people in Discord wait under a storm: from slash command to first response, and to the answer.

    python -m tests.benchmarks.discord [ROUNDS]

In each round 50 commands at once, by the real app and discord.py over loopback sockets, while the alerts of 10,000 hosts arrive in
one incident, as fast as they are taken. The fake is a part of the same process, and what it costs is in the figures.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.slack import p
from tests.fakes.discord import Happening
from tests.scenarios.discord_stage import alert, muster, server

ALERTS, AT_ONCE, COMMANDS = 10_000, 100, 50
ASKED = ("list", "why", "alerts", "note")


async def measure(rounds: int) -> None:
    done: list[Happening] = []
    async with server(limits=False) as discord:
        robin, mika = (discord.person(name) for name in ("robin", "mika"))
        with tempfile.TemporaryDirectory() as folder:
            async with muster(Path(folder), discord, robin, mika) as stage:
                await stage.alerts()
                room = await stage.room()
                await stage.card(room)
                sent = 0

                async def storm() -> None:
                    nonlocal sent
                    while True:  # 10,000 of them, again and again
                        await stage.alerts(*(alert(host=f"checkout-{sent % ALERTS + n}") for n in range(AT_ONCE)))
                        sent += AT_ONCE

                async def ask(number: int) -> Happening:
                    verb = ASKED[number % len(ASKED)]
                    options = {"text": f"note {number}"} if verb == "note" else {}
                    asked = (robin, mika)[number % 2].command(f"incident {verb}", room, **options)
                    try:
                        await asked.answer(seconds=60.0)
                    except TimeoutError:
                        print(f"  unanswered: {asked}")
                    return asked

                raging = asyncio.create_task(storm())
                for _ in range(rounds):
                    done += await asyncio.gather(*(ask(number) for number in range(COMMANDS)))
                raging.cancel()
                await asyncio.gather(raging, return_exceptions=True)
    first = [one.acked_after for one in done if one.acked_after is not None]
    answers = [one.answers[0].after for one in done if one.answers]
    print(f"{rounds} x {COMMANDS} commands at once while {sent:,} alerts of {ALERTS:,} hosts arrived")
    print(f"  load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"  without a first response in time {len(done) - len(first)}, unanswered {len(done) - len(answers)}")
    for name, values in (("first response", first), ("answer", answers)):
        print(f"  {name:16} p50 {p(values, 0.5)}   p99 {p(values, 0.99)}   most {max(values) * 1000:7.1f} ms")


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 6))
