"""A stretch of time in equal buckets, and what fired in them by service: values, read and drawn elsewhere.

Nothing heavy is imported here: the process that draws begins with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

__all__ = ["BUCKETS", "SEVERITIES", "Axis", "Lane", "Worst"]

BUCKETS = 90  # at most; a bucket is then a few pixels wide
BUCKET_SIZES = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)  # seconds

Worst = Literal["critical", "error", "warning", "info"]
SEVERITIES: tuple[Worst, ...] = ("critical", "error", "warning", "info")  # the worst first


class Lane(msgspec.Struct, kw_only=True):
    """One service: for each bucket how many alerts were firing and the worst of them; `firing` is how many are now."""

    service: str
    counts: list[int]
    worst: list[Worst | None]
    firing: int


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of time in equal buckets."""

    start: float
    bucket: int
    buckets: int

    @property
    def end(self) -> float:
        return self.start + self.bucket * self.buckets

    @classmethod
    def over(cls, start: float, end: float) -> Axis:
        """Buckets of a round size that cover the stretch."""
        span = max(end - start, 1.0)
        bucket = next((size for size in BUCKET_SIZES if span / size <= BUCKETS - 1), None)
        if bucket is None:
            bucket = BUCKET_SIZES[-1] * (int(span / BUCKET_SIZES[-1] / (BUCKETS - 1)) + 1)
        first = start // bucket * bucket
        return cls(first, bucket, int((end - first) // bucket) + 1)
