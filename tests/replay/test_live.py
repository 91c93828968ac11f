"""A replay is what `muster run` would have done: the same stream, told by webhooks, leaves the engine in the same state."""

from __future__ import annotations

import json
from pathlib import Path

from bot.catalog.catalog import Catalog
from bot.clock import ManualClock
from bot.replay.command import rules
from bot.replay.reading import alerts
from bot.storage import tables
from correlation.engine import Engine
from tests.world import world

RECORDING = Path(__file__).parents[2] / "docs" / "recording.jsonl"
AT_ONCE = 25  # deliveries of one batch
LINES = 300


async def test_a_replay_and_the_live_pipeline_end_in_the_same_state_byte_for_byte(database_url: str) -> None:
    stream = list(alerts([RECORDING]))[:LINES]
    engine: Engine = rules(Catalog.empty()).engine()
    decisions = [engine.ingest([alert])[0] for _, alert in stream]
    clock = ManualClock(stream[0][1].at)
    async with world(database_url, clock=clock) as w:
        for place, (line, alert) in enumerate(stream, start=1):
            clock.advance(max(0.0, alert.at - clock.now()))
            await w.post(json.loads(line.text))
            if place % AT_ONCE == 0:
                await w.pipeline.drain()
        await w.pipeline.drain()
        rows = {row.id: row for row in await w.rows(tables.alerts)}
        assert w.host.worker._engine.snapshot() == engine.snapshot()
        last = {decision.episode: decision for decision in decisions}
        assert rows.keys() == last.keys()
        for episode, decision in last.items():
            assert rows[episode].fingerprint == decision.fingerprint
            assert rows[episode].count == decision.count
