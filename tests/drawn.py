"""Pictures drawn in the test's own process: the same drawing, without a second to start another one."""

from __future__ import annotations

import asyncio

from bot.incidents.drawing import draw
from bot.incidents.drawing_process import Wanted


async def drawn_here(wanted: Wanted) -> bytes:
    """The PNG."""
    return await asyncio.to_thread(draw, wanted.sketch, wanted.zone, wanted.theme)
