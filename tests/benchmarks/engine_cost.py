"""What the engine costs per alert, and whether that grows: prints figures, asserts nothing.

    python -m tests.benchmarks.engine_cost [--seen 1000000] [--groups 10000] [--members 100000] [--rounds 20]

Each pair (few alerts seen and many, few groups open and many, a small group and a large one, few recipes and many) is measured
turn by turn in one run, in the thread's own time: what neighbours take from a shared machine is no cost of the engine. Of what is
left, interrupts are the machine's: work that is always the same shows how much they add. The engine is deterministic, so the least
that each alert costs in several replays of the same from a snapshot (`least`) is without them. It is also the interpreter's: one
built with optimisations (Debian's) needs a quarter less time than one that is not (pyenv's by default).
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice

import msgspec

from bot.garbage import collect_seldom
from correlation.alert import Alert, Severity, Status
from correlation.cookbook import DEFAULT_COOKBOOK, Cookbook, Recipe
from correlation.engine import Engine
from correlation.topology import Topology
from correlation.tuning import Tuning

SERVICES = 200
LOCATIONS = 8
STEP = 0.05  # seconds of event time between two new alerts
TURN = 250  # new alerts measured at a time
REPLAYS, REPLAYED = 7, 1_000
WATCHED, INTERRUPT = 2_000_000_000, 15_000  # nanoseconds that a thread is watched for, and that it must miss


def topology() -> Topology:
    """A layered graph: every service depends on three of the next layer."""
    return Topology.of(
        {f"s{n}": [f"s{m}" for m in range(n * 3 + 1, n * 3 + 4) if m < SERVICES] for n in range(SERVICES)},
    )


def past() -> Iterator[Alert]:
    """Years of something else: as many rules, services and places as in a storm, a host of its own for each alert."""
    n = 0
    while True:
        yield Alert(
            at=n * STEP,
            name=f"Old{n % 23}",
            class_="capacity",
            severity=Severity.WARNING,
            service=f"p{n % SERVICES}",
            host=f"p{n % SERVICES}-{n}",
            location=f"region-{n % LOCATIONS}",
            environment="production",
            summary=f"disk {n % 7} of the cluster holds {n * 0.37:.2f} GB",
            labels=(("namespace", f"ns{n % 5}"), ("pod", f"p{n}")),
            source="generic",
        )
        n += 1


def storm(begins: float = 0.0) -> Iterator[Alert]:
    """Everything at once: 23 rules on 200 services in 8 places, each from a host of its own."""
    n = 0
    while True:
        service = f"s{n * 7 % SERVICES}"
        yield Alert(
            at=begins + n * STEP,
            name=f"Rule{n % 23}",
            class_=("latency", "errors", "saturation")[n % 3],
            severity=(Severity.CRITICAL, Severity.WARNING, Severity.ERROR)[n % 3],
            service=service,
            host=f"{service}-{n}",
            location=f"region-{n % LOCATIONS}",
            environment="production",
            summary=f"rule {n % 23} of {service}: {n * 0.37:.2f} % over the limit",
            labels=(("namespace", f"ns{n % 5}"), ("pod", f"{service}-{n}")),
            source="generic",
        )
        n += 1


def islands(groups: int) -> Iterator[Alert]:
    """So many troubles that have nothing to do with each other, each getting one more alert in turn."""
    n = 0
    while True:
        place = n % groups
        yield Alert(
            at=n * 300.0 / groups,  # every trouble speaks each five minutes
            name=f"Trouble{place}",
            severity=Severity.CRITICAL,
            service=f"island{place}",
            host=f"island{place}-{n // groups}",
            location=f"place{place}",
            environment="production",
            summary=f"trouble {place} on machine {n // groups}",
            source="generic",
        )
        n += 1


def one_trouble() -> Iterator[Alert]:
    """One outage of one service, on ever more machines."""
    n = 0
    while True:
        yield Alert(
            at=n * 0.01,
            name="HighErrorRate",
            class_="errors",
            severity=Severity.CRITICAL,
            service="checkout",
            host=f"checkout-{n}",
            location="eu-west-1",
            environment="production",
            summary=f"error rate of checkout-{n} is {n % 97} %",
            source="generic",
        )
        n += 1


def reluctant() -> Iterator[Alert]:
    """Ever more members of a group that calls nobody, because its recipe asks for a great many; each will be told to end."""
    yield Alert(at=0.0, name="Rule0", status=Status.RESOLVED, source="prometheus")
    for n, alert in enumerate(storm()):
        yield msgspec.structs.replace(
            alert,
            at=n * 0.5,
            severity=(Severity.WARNING, Severity.ERROR)[n % 2],
            location="eu-west-1",
            source="prometheus",
        )


RELUCTANT = Cookbook([Recipe(name="many", min_alerts=10**9, cook_for=1e9, group_by=("location",))])


def of_others(recipes: int) -> Cookbook:
    """So many recipes that a storm has nothing to do with."""
    return Cookbook(
        [
            Recipe(
                name=f"team {n}",
                trigger=(f'service=~"team{n}-web|team{n}-db"', 'severity=~"critical|error"'),
                exclude=(f'host="team{n}-canary"',),
                group_by=("service", "environment"),
            )
            for n in range(recipes)
        ]
    )


class Subject:
    """An engine in some state, and the stream that goes on feeding it."""

    def __init__(
        self,
        name: str,
        stream: Iterator[Alert],
        told: int,
        tuning: Tuning | None = None,
        cookbook: Cookbook = DEFAULT_COOKBOOK,
    ) -> None:
        self.name, self.stream = name, stream
        self.engine = Engine(cookbook, topology(), tuning=tuning)
        while told:
            chunk = list(islice(stream, min(told, 5_000)))
            self.engine.ingest(chunk)
            told -= len(chunk)
        self.fresh: list[int] = []
        self.repeats: list[int] = []

    def turn(self) -> None:
        """Measure some new alerts, and the same again."""
        alerts = list(islice(self.stream, TURN))
        self.fresh += measure(self.engine, alerts)
        self.repeats += measure(self.engine, alerts * 2)

    def replayed(self) -> list[int]:
        """The least that each new alert costs, of several replays; the first ones fill a restored engine's caches."""
        state, alerts = self.engine.snapshot(), list(islice(self.stream, TURN + REPLAYED))
        least: list[int] = []
        for _ in range(REPLAYS):
            engine = Engine.restore(state)
            engine.ingest(alerts[:TURN])
            times = measure(engine, alerts[TURN:])
            least = [min(pair) for pair in zip(least, times, strict=True)] if least else times
        return least

    def row(self) -> str:
        least = self.replayed()
        groups = self.engine._registry.open.values()
        largest = max((group.size for group in groups), default=0)
        return (
            f"  {self.name:<22} {micro(self.fresh, 0.5):>8.1f} {micro(self.fresh, 0.99):>9.1f} {micro(least, 0.5):>6.1f}"
            f" {micro(least, 0.99):>6.1f} {micro(self.repeats, 0.5):>11.2f} {micro(self.repeats, 0.99):>11.2f}"
            f" {len(groups):>8,} {largest:>9,}"
        )


def measure(engine: Engine, alerts: Sequence[Alert]) -> list[int]:
    """Nanoseconds of each."""
    clock, times = time.thread_time_ns, []
    for alert in alerts:
        one = (alert,)
        began = clock()
        engine.ingest(one)
        times.append(clock() - began)
    return times


def micro(times: Sequence[int], share: float) -> float:
    """A quantile, in microseconds."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] / 1000


def compare(title: str, small: Subject, large: Subject, rounds: int) -> None:
    for _ in range(rounds):
        small.turn()
        large.turn()
    print(title)
    print(small.row())
    print(large.row())
    print(
        f"  ratio                  {micro(large.fresh, 0.5) / micro(small.fresh, 0.5):>8.2f} "
        f"{micro(large.fresh, 0.99) / micro(small.fresh, 0.99):>9.2f} {'':>13} "
        f"{micro(large.repeats, 0.5) / micro(small.repeats, 0.5):>11.2f}"
    )


def unsteadiness() -> None:
    """What the machine adds to work that is always the same."""
    clock, times, numbers = time.thread_time_ns, [], range(1_500)
    for _ in range(20_000):
        began = clock()
        sum([number * number for number in numbers])
        times.append(clock() - began)
    print(f"the same sum again and again: p50 {micro(times, 0.5):.1f}, p99 {micro(times, 0.99):.1f} us")


def interrupts() -> None:
    """What the machine takes from a thread that does nothing but look at its clock."""
    clock, gaps = time.thread_time_ns, [0]
    last = begins = clock()
    while last - begins < WATCHED:
        now = clock()
        if now - last > INTERRUPT:
            gaps.append(now - last)
        last = now
    rate = (len(gaps) - 1) * 1e9 / WATCHED
    print(
        f"a thread that only reads its clock is interrupted {rate:.0f} times a second, for {micro(gaps, 0.5):.0f} us"
        f" (p90 {micro(gaps, 0.9):.0f}): {rate * 50e-6:.1%} of what takes 50 us meets that"
    )


def decoding(repeat_ns: float, fresh_ns: float) -> None:
    """The engine beside the reading of the same alert from JSON."""
    body = msgspec.json.encode(next(storm()))
    ways: dict[str, Callable[[bytes], object]] = {"msgspec (typed)": msgspec.json.Decoder(Alert).decode}
    try:
        import orjson
    except ImportError:
        print("orjson is not installed: pip install orjson, to compare with its decode")
    else:
        ways["orjson"] = orjson.loads
    for name, decode in ways.items():
        times = []
        for _ in range(200):
            began = time.thread_time_ns()
            for _ in range(100):
                decode(body)
            times.append((time.thread_time_ns() - began) / 100)
        one = statistics.median(times)
        print(
            f"decoding the same alert ({len(body)} bytes) with {name}: {one / 1000:.2f} us; "
            f"a repeat costs {repeat_ns / one:.1f} x that, a new alert {fresh_ns / one:.0f} x"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seen", type=int, default=1_000_000)
    parser.add_argument("--groups", type=int, default=10_000)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    print(f"Python {sys.version}")
    collect_seldom()  # as `run` and the engine's own process have it
    print(
        f"{'':<24} {'new p50':>8} {'new p99':>9} {'least':>6} {'p99':>6} {'repeat p50':>11} {'repeat p99':>11}"
        f" {'groups':>8} {'largest':>9}   (us)"
    )
    unsteadiness()
    interrupts()
    few = Subject("1,000 seen", storm(), 1_000)
    tenth = Subject(f"{options.seen // 10:,} seen", storm(), options.seen // 10)
    many = Subject(f"{options.seen:,} seen", storm(), options.seen)
    compare("alerts seen", few, tenth, options.rounds)
    compare("alerts seen of one storm (its groups are old by then, and call nobody)", few, many, options.rounds)
    before = islice(past(), options.seen - 1_000)
    after = Subject(f"{options.seen:,} seen", chain(before, storm(options.seen * STEP + 90_000.0)), options.seen)
    compare(
        "alerts seen, the last thousand of them of the storm",
        Subject("1,000 seen", storm(), 1_000),
        after,
        options.rounds,
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.perf_counter()
    state = many.engine.snapshot()
    middle = time.perf_counter()
    Engine.restore(state)
    print(
        f"  snapshot {len(state) / 2**20:.1f} MB in {middle - began:.2f} s, restored in {time.perf_counter() - middle:.2f} s; "
        f"{memory:.0f} MB in all"
    )
    roomy = Tuning(open_groups=options.groups + 100)
    # As many alerts seen as by the other: what those cost is told above.
    small = Subject("10 groups open", islands(10), 2 * options.groups, roomy)
    large = Subject(f"{options.groups:,} groups open", islands(options.groups), 2 * options.groups, roomy)
    compare("groups open", small, large, options.rounds)
    few_members = Subject("a group of 10", one_trouble(), 10)
    many_members = Subject(f"a group of {options.members:,}", one_trouble(), options.members)
    compare("members", few_members, many_members, 1)
    few_waiting = Subject("10 that call nobody", reluctant(), 10, cookbook=RELUCTANT)
    half = options.members // 2  # before it is seen that the same 4,600 come again and again
    many_waiting = Subject(f"{half:,} of them", reluctant(), half, cookbook=RELUCTANT)
    compare("members of a group that asks for more", few_waiting, many_waiting, 1)
    few_recipes = Subject("10 recipes", storm(), 1_000, cookbook=of_others(10))
    many_recipes = Subject("1,000 recipes", storm(), 1_000, cookbook=of_others(1_000))
    compare("recipes", few_recipes, many_recipes, options.rounds)
    decoding(statistics.median(few.repeats), statistics.median(few.fresh))


if __name__ == "__main__":
    main()
