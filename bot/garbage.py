"""How seldom garbage is looked for: Muster keeps much, makes much and leaves few cycles behind."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collect_seldom", "importing"]


@contextmanager
def importing() -> Iterator[None]:
    """Look for none meanwhile, nor ever in what is there then: it lives as long as the process.

    Modules make next to none, and measured, to look for it is a seventh of the time to start.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def collect_seldom() -> None:
    """From now on, and never in what is there already. Measured: by default it costs 7 % of an alert's way to the API."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
