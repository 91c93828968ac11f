"""The body of `muster demo`: a fresh database in a temporary folder, the example catalogue, the story, and a few words of help."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import TextIO

from bot.app import App
from bot.catalog.store import CatalogStore
from bot.demo.player import play
from bot.demo.story import LENGTH
from bot.errors import ConfigError
from bot.runbooks.actions import parameters
from bot.settings import Settings
from bot.telemetry import configure_logging

__all__ = ["demo", "example_catalog"]

DEFAULT_PORT = 8080  # as the example catalogue has it

TRY = """\
  Muster demo: {address}

  A web shop has a bad {minutes}. Watch it in the browser, then type there:
    /incident ack          I have it (or press Acknowledge)
    /incident owner        bring in who made the suspect change
    /incident why          why these alerts belong together
    /incident runbook      what could help
    /incident retro        file the conversation
    /incident help         everything else

  Post something yourself:
    curl -d '{{"name": "DiskFull", "severity": "critical", "service": "search"}}' {address}/webhooks/generic
  (Never seen here, it opens an incident or joins one, at once; what mostly clears by itself waits: /incident alerts held)

  Ctrl-C stops it; nothing is kept.
"""


def example_catalog() -> Path:
    """The example organisation: in the installed package, or in the checkout beside it."""
    packaged = Path(str(resources.files("bot"))) / "_manifests" / "catalog.example.yaml"
    beside = Path(__file__).parents[2] / "manifests" / "catalog.example.yaml"
    for path in (packaged, beside):
        if path.is_file():
            return path
    raise ConfigError("The example catalogue is missing from this installation; reinstall Muster.")


async def demo(*, host: str, port: int, speed: float, out: TextIO, verbose: bool = False) -> None:
    """Run until Ctrl-C. ConfigError when nothing can listen there."""
    configure_logging(level="INFO" if verbose else "WARNING")
    with tempfile.TemporaryDirectory(prefix="muster-demo-", ignore_cleanup_errors=True) as folder:
        settings = Settings(
            database_url=f"sqlite+aiosqlite:///{Path(folder) / 'muster.db'}", http_host=host, http_port=port
        )
        catalog = CatalogStore(_catalog_for(port, Path(folder)), actions=parameters())
        async with App(settings, catalog, environment={}, demo=True) as app:
            lasts = LENGTH / speed if speed else 0.0
            minutes = f"{lasts / 60:.0f} minutes" if lasts > 90 else "minute"
            print(TRY.format(address=app.address, minutes=minutes), file=out, flush=True)
            player = asyncio.create_task(play(app.address, app.clock, speed=speed), name="story")
            try:
                await app.run()
            finally:
                player.cancel()
                with suppress(asyncio.CancelledError):
                    await player
    print("\n  Stopped. Nothing was kept.", file=out)


def _catalog_for(port: int, folder: Path) -> Path:
    """The example catalogue, one of whose runbooks asks this Muster for its health; at the default port it is right as it is."""
    example = example_catalog()
    if port in (0, DEFAULT_PORT):  # which one is taken for 0 is known too late
        return example
    own = folder / "catalog.yaml"
    own.write_text(example.read_text().replace(f"127.0.0.1:{DEFAULT_PORT}/", f"127.0.0.1:{port}/"))
    return own
