"""Plays the story: posts it to a Muster over HTTP, as the tools of the shop would, at the speed that is asked for."""

from __future__ import annotations

import asyncio

import aiohttp
import msgspec

from bot.clock import Clock
from bot.demo.story import LENGTH, Post, bound, story

__all__ = ["play"]


async def play(address: str, clock: Clock, *, speed: float = 1.0) -> int:
    """Post everything and return how many webhooks were accepted; `speed` 2 takes half the time, 0 waits for nothing.

    The story always ends now and never lies ahead of the clock: at any other speed than 1 its first part is in the past.
    """
    lasts = LENGTH / speed if speed else 0.0
    began = clock.now()
    start = began + lasts - LENGTH if speed != 1.0 else began
    accepted = 0
    async with aiohttp.ClientSession() as session:
        for post in story():
            if speed and post.at > 0:
                await asyncio.sleep(max(0.0, began + post.at / speed - clock.now()))
            accepted += await _send(session, address, post, start)
    return accepted


async def _send(session: aiohttp.ClientSession, address: str, post: Post, start: float) -> bool:
    body = msgspec.json.encode(bound(post.body, start))
    headers = {"Content-Type": "application/json", **post.headers}
    async with session.post(f"{address}/webhooks/{post.source}", data=body, headers=headers) as response:
        await response.read()
        return response.ok
