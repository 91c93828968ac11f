"""What goes wrong on demand, on either platform: errors, resets and silence, before or after the effect. Decides only; a platform's
server carries it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

__all__ = ["Fault", "Faults", "Kind"]

Kind = Literal["http", "error", "reset", "reset_after", "http_after", "timeout_after", "slow", "ratelimited"]
"""http: `status` at once. error: the platform's own, by its name or number. reset: the connection breaks before the effect.
reset_after, http_after, timeout_after: the effect happens, and then the connection breaks, `status` is answered, or nothing.
slow: `seconds` pass before anything happens. ratelimited: 429, to come back after `seconds`."""


@dataclass(kw_only=True)
class Fault:
    """One planned trouble; `hits` counts how often it struck."""

    pattern: str
    kind: Kind
    times: int | None = 1
    status: int = 500
    error: str | int = "internal_error"
    seconds: float = 30.0
    when: Callable[[dict[str, Any]], bool] = field(default=lambda _: True)
    hits: int = 0

    @property
    def after(self) -> bool:
        """Whether the effect happens first."""
        return self.kind.endswith("_after")


class Faults:
    """The troubles planned, and whether everything is away."""

    def __init__(self) -> None:
        self.planned: list[Fault] = []
        self.absent: Literal["", "reset", "503"] = ""

    def plan(
        self,
        pattern: str,
        kind: Kind,
        *,
        times: int | None = 1,
        status: int = 500,
        error: str | int = "internal_error",
        seconds: float = 30.0,
        when: Callable[[dict[str, Any]], bool] | None = None,
    ) -> Fault:
        """Plan trouble for `chat.*` or `POST /channels/*/messages`: `times` None is for ever; `when` looks at the arguments."""
        fault = Fault(pattern=pattern, kind=kind, times=times, status=status, error=error, seconds=seconds)
        if when is not None:
            fault.when = when
        self.planned.append(fault)
        return fault

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.planned.clear()
        self.absent = ""

    def take(self, names: Iterable[str], args: dict[str, Any]) -> Fault | None:
        """The trouble that strikes a call, by any of its names."""
        for fault in self.planned:
            fits = any(fnmatchcase(name, fault.pattern) for name in names)
            if fits and (fault.times is None or fault.hits < fault.times) and fault.when(args):
                fault.hits += 1
                return fault
        return None

    @contextmanager
    def holding(
        self, pattern: str, kind: Kind, *, status: int = 500, error: str | int = "internal_error", seconds: float = 30.0
    ) -> Iterator[Fault]:
        """The same trouble for every call within the block."""
        fault = self.plan(pattern, kind, times=None, status=status, error=error, seconds=seconds)
        try:
            yield fault
        finally:
            self.planned.remove(fault)
