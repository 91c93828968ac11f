"""Run the fake by itself, for a bot of another process: prints the settings such a bot needs, and what it then calls."""

from __future__ import annotations

import argparse
import asyncio
import contextlib

from tests.fakes.discord.server import FakeDiscord


async def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.discord")
    parser.add_argument("--port", type=int, default=0)
    port = parser.parse_args().port
    async with FakeDiscord(port=port) as server:
        robin = server.person("robin")
        server.channel("general")
        print(f"DISCORD_API_URL={server.api_url}\nDISCORD_BOT_TOKEN={server.app.token}")
        print(f"DISCORD_GUILD_ID={server.world.guild.id}\n# a member: robin {robin.id}", flush=True)
        while True:
            await server.until(lambda: server.calls, seconds=float("inf"))
            for record in server.calls:
                print(record.status, record.code or "", record.method, record.path, *record.wrong, flush=True)
            server.calls.clear()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
