"""The figures of a replay in words, and what another catalogue would have done differently. Nothing is measured here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TextIO

from bot.replay.tally import KINDS, Order, Run
from correlation.words import plural, span

__all__ = ["Comparison", "peak", "report"]

SHOWN = 10  # groups of each kind that a comparison names


def report(run: Run, roots: Mapping[int, int], seconds: float, order: Order, out: TextIO) -> None:
    """The contract's figures, for people."""
    count, opened, times, kinds = run.calls.count, len(run.calls.rows), run.times, run.kinds(roots)
    p50, p99, most = times.share(0.5) / 1000, times.share(0.99) / 1000, times.most / 1000
    engine_rate = count / max(times.total / 1e9, 1e-9)
    out.write(
        f"alerts       {count:>12,}   {', '.join(f'{kinds[kind]:,} {kind}' for kind in KINDS)}\n"
        f"groups       {opened:>12,}   opened\n"
        f"compression  {_saved(opened, count):>11.2f}%   1 group per {count / max(1, opened):,.0f} alerts\n"
        f"rate         {count / max(seconds, 1e-9):>12,.0f}   alerts/s with reading; {engine_rate:,.0f} in the engine\n"
        f"per alert    {p50:>9.1f} us   p50; {p99:.1f} us p99; {most:,.1f} us max\n"
        f"memory       {peak() / 2**20:>9,.0f} MB   peak of the process\n"
    )
    if order.ahead is not None:
        where = f"{order.ahead.path.name}:{order.ahead.number}"
        out.write(
            f"late         {order.late:>12,}   more than {span(order.patience)} older than {where}, which comes before\n"
            "                            Sort the lines by `at`, or leave out the clock that runs ahead.\n"
        )


def _saved(opened: int, count: int) -> float:
    """The share of alerts that opened nothing, in per cent, rounded down: 100 is all of them.

    >>> _saved(9, 473_104), _saved(0, 7)
    (99.99, 100.0)
    """
    return (count - opened) * 10_000 // count / 100


class Comparison:
    """How the groups of two runs lie over each other: counted by pair of groups, without the alerts that resolve.

    Both number their groups from G1, so each is told with its owner: `our G1` is this run's, `its G1` the other's.
    """

    def __init__(self, ours: Run, theirs: Run) -> None:
        self._ours, self._theirs = ours, theirs
        self._pairs: Counter[tuple[int, int]] = Counter()

    def add(self, mine: int, other: int) -> None:
        """One alert's groups, as decided."""
        self._pairs[mine, other] += 1

    def report(self, our_roots: Mapping[int, int], their_roots: Mapping[int, int], out: TextIO) -> None:
        """What the other rules would have opened, merged into one, kept apart, lost and added."""
        into: dict[int, set[int]] = {}
        back: dict[int, set[int]] = {}
        for mine, other in self._pairs:
            ours, theirs = our_roots[mine], their_roots[other]
            if ours:
                into.setdefault(ours, set()).add(theirs)
            if theirs:
                back.setdefault(theirs, set()).add(ours)
        lost = sorted(group for group, found in into.items() if found == {0})
        fresh = sorted(other for other, found in back.items() if found == {0})
        merged = {other: rest for other, found in sorted(back.items()) if len(rest := sorted(found - {0})) > 1}
        parted = {group: rest for group, found in sorted(into.items()) if len(rest := sorted(found - {0})) > 1}
        of_these, into_one = len({one for rest in merged.values() for one in rest}), len(merged)
        into_several = len({other for rest in parted.values() for other in rest})
        opened, before = len(self._theirs.calls.rows), len(self._ours.calls.rows)
        out.write(
            f"\ncompared with the other catalogue: `our` groups are those above, `its` are the other's\n"
            f"opened       {opened:>12,}   ({opened - before:+,})\n"
            f"merged       {of_these:>12,}   of our groups with others of ours, in {into_one:,} of its\n"
            f"parted       {len(parted):>12,}   of our groups, over {into_several:,} of its\n"
            f"lost         {len(lost):>12,}   of our groups, which it would not have opened\n"
            f"new          {len(fresh):>12,}   of its groups, which we did not open\n"
        )
        for label, shown in (
            ("merged", [f"{_names('our', groups)} -> its G{other}" for other, groups in merged.items()]),
            ("parted", [f"our G{group} -> {_names('its', others)}" for group, others in parted.items()]),
            ("lost", [f"our {_title(self._ours, group)}" for group in lost]),
            ("new", [f"its {_title(self._theirs, group)}" for group in fresh]),
        ):
            out.writelines(f"  {label}: {text}\n" for text in shown[:SHOWN])
            if len(shown) > SHOWN:
                out.write(f"  {label}: {len(shown) - SHOWN:,} more\n")


def _names(whose: str, groups: list[int]) -> str:
    more = f" and {len(groups) - 6:,} more" if len(groups) > 6 else ""
    return ", ".join(f"{whose} G{group}" for group in groups[:6]) + more


def _title(run: Run, group: int) -> str:
    title = run.title(group)
    view = run.engine.group(f"G{group}")  # of closed ones the engine remembers the latest
    return " ".join([f"G{group}", *([title] if title else []), *([f"({plural(view.size, 'alert')})"] if view else [])])


def peak() -> int:
    """The most memory that the process had, in bytes; 0 where the platform does not tell."""
    try:
        import resource  # noqa: PLC0415 - absent on Windows
        import sys  # noqa: PLC0415
    except ImportError:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
