"""Does what is asked of the engine, one request after the other. No process, no pipe and no clock enter here."""

from __future__ import annotations

import traceback
import zlib
from collections.abc import Sequence

from bot.engine.batch import Batch, Rankings
from bot.engine.lookout import Lookout
from bot.engine.messages import (
    Answer,
    Apart,
    Chances,
    Configure,
    Done,
    Estimate,
    Failed,
    Find,
    Found,
    Hear,
    Keep,
    Kept,
    Merge,
    NumberFrom,
    Reading,
    Refused,
    Reply,
    Request,
    Restore,
    Restored,
    Rules,
    Skipped,
    Split,
    State,
    Teach,
    Tell,
    Told,
    Weigh,
    Weighed,
)
from correlation.cookbook import Cookbook
from correlation.engine import Engine, SnapshotError, UnknownGroup
from correlation.topology import Topology

__all__ = ["Worker"]

FAST = 1  # zlib's level: a snapshot is kept often and read seldom
LOOKED_AT = 5  # changes to suspect, and those that are ruled out
MOST_RULED_OUT = 10_000  # groups of which it is remembered; beyond, the oldest are asked about again


class Worker:
    """Holds the engine and the watch beside it, and answers for both."""

    def __init__(self) -> None:
        self._engine = Engine()
        self.lookout = Lookout()
        self._ruled_out: dict[str, tuple[str, ...]] = {}  # group -> services that people say it is not

    def do(self, request: Request) -> Reply:
        """Never raises: a mistake of ours is an answer, too."""
        try:
            answer = self._answer(request)
        except Exception:  # noqa: BLE001 - named place: whoever asked has the engine rebuilt
            answer = Failed(traceback.format_exc())
        return Reply(answer, self._engine.waits_until)

    def _answer(self, request: Request) -> Answer:
        engine = self._engine
        match request:
            case Tell(readings, most_opened):
                return self._tell(readings, most_opened)
            case Hear(readings):
                for reading in readings:
                    self._hear(reading)
                return Done()
            case Weigh(group, ruled_out):
                return self._weigh(group, ruled_out)
            case Find(groups):
                surviving = {group: engine.surviving(group) for group in groups}
                return Found(surviving, {one for one in surviving.values() if engine.remembers(one)})
            case Merge(into, other):
                try:
                    engine.merge(into, other)
                except (UnknownGroup, ValueError) as error:
                    return Refused(str(error))
                return Done()
            case Split(group, episodes):
                return self._split(group, episodes)
            case Keep():
                state = zlib.compress(engine.snapshot(), FAST)
                return Kept(State(engine=state, watch=self.lookout.watch.snapshot(), lesson=self.lookout.lesson))
            case Teach(lessons):
                self.lookout.teach(lessons)
                return Done()
            case Estimate(kinds):
                return Chances(self.lookout.chances(kinds))
            case Restore(states, rules):
                return self._restore(states, rules)
            case Configure(rules):
                engine.reconfigure(*_compiled(rules), rules.weights)
                return Done()
            case NumberFrom(episode, group):
                return Skipped(engine.number_from(episode=episode, group=group))

    def _tell(self, readings: Sequence[Reading], most_opened: int) -> Told:
        batch, taken = Batch(), 0
        for reading in readings:
            if batch.opened >= most_opened:
                break
            batch.position = reading.position
            if reading.tick is not None:
                batch.look_at(self._engine.advance(reading.tick))
            self._engine.observe(reading.changes)
            decisions = self._engine.ingest(reading.alerts, reading.received_at, muted=reading.muted)
            for alert, decision in zip(reading.alerts, decisions, strict=True):
                batch.add(alert, decision)
            batch.warned += self.lookout.hear(reading)
            taken += 1
        batch.surviving = {group: self._engine.surviving(group) for group in batch.groups}
        for group in batch.surviving.values():
            if group not in batch.views:
                view = self._engine.group(group)
                if view is not None:
                    batch.views[group] = view
        batch.rankings = {
            group: self._rankings(group, self._ruled_out[group]) for group in batch.views if group in self._ruled_out
        }
        return Told(batch, taken)

    def _hear(self, reading: Reading) -> None:
        if reading.tick is not None:
            self._engine.advance(reading.tick)
        self._engine.observe(reading.changes)
        self._engine.ingest(reading.alerts, reading.received_at, muted=reading.muted)
        self.lookout.hear(reading)

    def _weigh(self, group: str, ruled_out: tuple[str, ...]) -> Weighed:
        self._ruled_out.pop(group, None)
        if ruled_out:
            self._ruled_out[group] = ruled_out
            if len(self._ruled_out) > MOST_RULED_OUT:
                del self._ruled_out[next(iter(self._ruled_out))]
        return Weighed(self._rankings(group, ruled_out) if self._engine.remembers(group) else None)

    def _rankings(self, group: str, ruled_out: tuple[str, ...]) -> Rankings:
        return Rankings(
            ruled_out=ruled_out,
            causes=self._engine.causes(group, ruled_out=ruled_out),
            suspects=self._engine.suspects(group, ruled_out=ruled_out, limit=LOOKED_AT + len(ruled_out)),
            effects=self._engine.effects(group),
        )

    def _split(self, group: str, episodes: Sequence[int]) -> Apart | Refused | Failed:
        before, muted = self._engine.title(group), self._engine.muted(group)
        try:
            new = self._engine.split(group, episodes)
        except (UnknownGroup, ValueError) as error:
            return Refused(str(error))
        view = self._engine.group(new)
        if view is None:
            return Failed(f"{new} is not known, and was just made")
        left = self._engine.title(group) or ""
        loud = sorted(muted - self._engine.muted(group) - self._engine.muted(new))
        return Apart(view, loud, rest=left, retitled=left != before)

    def _restore(self, states: Sequence[State], rules: Rules) -> Restored:
        self._ruled_out.clear()
        problems: list[str] = []
        for number, state in enumerate(states):
            try:
                self._engine = Engine.restore(zlib.decompress(state.engine))
            except (SnapshotError, zlib.error) as error:
                problems.append(str(error))
            else:
                unread = self.lookout.restore(state.watch, state.lesson)
                weights = self._engine.weights
                return Restored(number, weights, problems, lesson=self.lookout.lesson, watch_problem=unread)
        self._engine = Engine(*_compiled(rules), weights=rules.weights)
        self.lookout.restore(None, 0)
        return Restored(None, rules.weights, problems)


def _compiled(rules: Rules) -> tuple[Cookbook, Topology]:
    return Cookbook(rules.recipes, with_default=rules.with_default), Topology(rules.services)
