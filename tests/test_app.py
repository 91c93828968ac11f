"""The application as a whole: its parts know of each other what they must."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import App
from bot.catalog.store import CatalogStore
from bot.runbooks.actions import parameters
from bot.settings import Settings
from tests import sqlite


def app(tmp_path: Path, **settings: Any) -> App:
    url = sqlite.url(tmp_path)
    return App(
        Settings(database_url=url, http_port=0, **settings), CatalogStore(None, actions=parameters()), environment={}
    )


async def command(session: aiohttp.ClientSession, address: str, text: str) -> dict[str, Any]:
    body = {"as": "robin", "text": f"/incident {text}"}
    async with session.post(f"{address}/api/v1/rooms/lobby/messages", json=body) as response:
        assert response.status == 201, await response.text()
        reply: dict[str, Any] = (await response.json())["reply"]
        return reply


def links(reply: dict[str, Any]) -> dict[str, str]:
    return {
        span["label"]: span["url"]
        for line in reply["details"]
        for span in line
        if isinstance(span, dict) and span["span"] == "link"
    }


async def test_a_responder_downloads_the_retrospective_by_the_link_in_the_answer(tmp_path: Path) -> None:
    async with app(tmp_path) as muster, aiohttp.ClientSession() as session:
        await command(session, muster.address, "declare checkout is slow")
        for typed in ("retro INC-1", "retro export md INC-1"):
            found = links(await command(session, muster.address, typed))
            async with session.get(found["Download Markdown"]) as response:
                assert response.status == 200
                assert response.headers["Content-Disposition"].startswith('attachment; filename="INC-1-')
                assert "checkout is slow" in await response.text()
        assert set(found) == {"Download Markdown"}
        room = f"{muster.address}/api/v1/rooms/inc-1-checkout-is-slow/messages"
        async with asyncio.timeout(20):
            while True:  # until the room is told
                async with session.get(room) as response:
                    said = (await response.json()).get("items", ())
                notices = [one["view"] for one in said if "Retrospective drafted" in one["text"]]
                if notices:
                    break
                await asyncio.sleep(0.02)
        assert set(links(notices[0])) == {"Download JSON", "Download Markdown"}


@pytest.mark.parametrize("public_url", ["", "https://muster.example.org/ops"])
def test_chat_platforms_are_given_links_only_where_their_readers_reach_them(tmp_path: Path, public_url: str) -> None:
    muster = app(tmp_path, **({"public_url": public_url} if public_url else {}))
    both = ("console", "slack")
    path = "/api/v1/incidents/INC-1/retro.md"
    for platforms, platform, here in (
        (("console",), "", True),
        (both, "", False),
        (both, "slack", False),
        (both, "console", True),
    ):
        expected = f"{public_url}{path}" if public_url else f"{muster.address}{path}" if here else ""
        assert muster._download(platforms, "INC-1", "md", platform) == expected


async def test_ready_looks_at_the_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with app(tmp_path) as muster, aiohttp.ClientSession() as session:
        async with session.get(f"{muster.address}/readyz") as response:
            checks = (await response.json())["checks"]
        assert {"database", "journal", "pipeline", "catalog", "disk"} <= set(checks)
        assert "GB free of" in checks["disk"]["detail"] or not checks["disk"]["ok"]
        monkeypatch.setattr("bot.storage.room.LOW", 2**62)
        async with session.get(f"{muster.address}/readyz") as response:
            ready = await response.json()
        assert (response.status, ready["status"], ready["checks"]["disk"]["essential"]) == (200, "degraded", False)
        assert "nearly full" in ready["checks"]["disk"]["detail"]


HOSTILE = (
    {"Origin": "null", "Content-Type": "text/plain"},
    {"Origin": "https://evil.example.org", "Content-Type": "text/plain"},
    {"Origin": "https://evil.example.org", "Content-Type": "application/x-www-form-urlencoded"},
    {"Origin": "http://evil.example.org:8080", "Host": "evil.example.org:8080"},  # DNS rebinding
    {"Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"},
)


@pytest.mark.parametrize("way", [{}, {"Connection": "close"}], ids=["by the door", "handed on to aiohttp"])
async def test_a_hostile_page_gets_no_alert_in(tmp_path: Path, way: dict[str, str]) -> None:
    body = b'{"name": "Injected", "severity": "critical"}'
    async with app(tmp_path) as muster, aiohttp.ClientSession() as session:
        for headers in HOSTILE:
            for source in ("generic", "github", "change"):
                url = f"{muster.address}/webhooks/{source}"
                async with session.post(url, data=body, headers=headers | way) as response:
                    assert response.status == 401, await response.text()
        assert muster.journal.head == 0
        async with session.post(f"{muster.address}/webhooks/generic", data=body, headers=way) as response:
            assert response.status == 202
        assert muster.journal.head == 1
