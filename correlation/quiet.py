"""Which open group has been quiet for longest: a heap that is put right when it is asked. What becomes of it is not said here."""

from __future__ import annotations

import heapq

from correlation.groups import Group

__all__ = ["Quiet"]

SPARE = 64  # entries out of date that are borne


class Quiet:
    """Every open group has an entry that is not later than its last firing; until somebody asks there are none at all.

    >>> def group(number, last):
    ...     return Group(number=number, recipe="", key=(), cook_for=1, quiet_for=1, min_alerts=1, hops=2, opened_at=0,
    ...                  last_at=last, grown_at=0)
    >>> open = {number: group(number, last) for number, last in ((1, 30.0), (2, 10.0), (3, 20.0))}
    >>> quiet = Quiet()
    >>> quiet.longest(open).number
    2
    >>> open[2].last_at = 40.0  # it speaks again
    >>> quiet.longest(open).number
    3
    """

    __slots__ = ("_heap",)

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []

    def add(self, group: Group, of: int) -> None:
        """A group is open from now on, one of so many, or is another one under its old number."""
        if len(self._heap) > SPARE + 4 * of:
            self._heap.clear()  # nobody has asked for long
        elif self._heap:
            heapq.heappush(self._heap, (group.last_at, group.number))

    def longest(self, groups: dict[int, Group]) -> Group:
        """The one of these open groups that fired last before all others did; of equals the oldest. ValueError for none."""
        if not groups:
            raise ValueError("no group is open")
        heap = self._heap
        if not heap or len(heap) > SPARE + 4 * len(groups):
            heap[:] = [(group.last_at, number) for number, group in groups.items()]
            heapq.heapify(heap)
        while True:
            at, number = heap[0]
            group = groups.get(number)
            if group is None:
                heapq.heappop(heap)
            elif group.last_at > at:
                heapq.heapreplace(heap, (group.last_at, number))
            else:
                return group
