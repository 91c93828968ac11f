"""A real Alertmanager posts a storm of 500 alerts of one outage, and noise: a few incidents, a room each, and no nagging."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.clock import SystemClock, to_iso
from tests import programs
from tests.processes import Muster, eventually, free_port, running

CATALOG = """
people:
  robin: {name: Robin Vos}
services:
  web: {tier: 1, depends_on: [checkout, cart], match: ['app="web"']}
  checkout: {tier: 1, depends_on: [payments, cart], match: ['app="checkout"']}
  cart: {tier: 2, depends_on: [payments], match: ['app="cart"']}
  payments: {tier: 1, match: ['app="payments"']}
  search: {tier: 3, match: ['app="search"']}
recipes:
  - name: outages
    trigger: ['severity=~"critical|error"']
    topology: {hops: 3}
    opens: {auto_resolve: 1s}
"""

# Short, so that repeats can be waited for: a production would say 30s, 5m, 4h.
CONFIG = """
route:
  receiver: muster
  group_by: [alertname, app]
  group_wait: 200ms
  group_interval: 500ms
  repeat_interval: 1s
receivers:
  - name: muster
    webhook_configs:
      - url: {address}/webhooks/alertmanager
        send_resolved: true
"""

STORM = (
    ("payments", "HighLatency", 60),
    ("payments", "ConnectionPoolExhausted", 40),
    ("checkout", "CheckoutErrors", 170),
    ("cart", "QueueGrows", 80),
    ("web", "Http5xx", 150),
)
NOISE = (("search", "DiskWillFillSoon", 20), ("search", "SlowQueries", 10), ("mail", "BouncesRise", 10))


class Alertmanager:
    """One that listens, and its API."""

    def __init__(self, address: str, session: aiohttp.ClientSession) -> None:
        self.address, self.session = address, session

    async def fire(self, alerts: list[dict[str, Any]]) -> None:
        async with self.session.post(f"{self.address}/api/v2/alerts", json=alerts) as response:
            assert response.status == 200, await response.text()

    async def posted(self) -> int:
        """How many webhooks it has posted and got a good answer to."""
        async with self.session.get(f"{self.address}/metrics") as response:
            text = await response.text()

        def count(name: str) -> int:
            found = re.search(rf'^{name}\{{[^}}]*integration="webhook"[^}}]*\}} (\S+)$', text, re.MULTILINE)
            return int(float(found[1])) if found else 0

        failed = count("alertmanager_notifications_failed_total")
        assert failed == 0, f"{failed} webhooks failed"
        return count("alertmanager_notifications_total")


@asynccontextmanager
async def alertmanager(folder: Path, muster: Muster) -> AsyncIterator[Alertmanager]:
    """Debian's Alertmanager with Muster as its only receiver."""
    program = programs.find("prometheus-alertmanager")
    assert program is not None
    folder.mkdir()
    port = free_port()
    (folder / "config.yml").write_text(CONFIG.format(address=muster.address))
    command = [
        str(program),
        f"--config.file={folder / 'config.yml'}",
        f"--storage.path={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    one = Alertmanager(f"http://127.0.0.1:{port}", muster.session)

    async def answers() -> bool:
        assert process.poll() is None, (folder / "log").read_text()
        try:
            async with muster.session.get(f"{one.address}/-/ready") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    try:
        await eventually(answers, "Alertmanager is ready")
        yield one
    finally:
        process.kill()
        process.wait()


def alerts(kinds: tuple[tuple[str, str, int], ...], severity: str, **times: str) -> list[dict[str, Any]]:
    return [
        {
            "labels": {"alertname": name, "app": app, "instance": f"{app}-{n}:9100", "severity": severity},
            "annotations": {"summary": f"{name} on {app}-{n}"},
            "generatorURL": "http://prometheus.example.org/graph",
            **times,
        }
        for app, name, count in kinds
        for n in range(count)
    ]


@pytest.mark.needs("prometheus-alertmanager")
async def test_a_storm_is_a_few_incidents_told_once_and_over_when_it_clears(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(CATALOG)
    clock = SystemClock()
    async with (
        running(tmp_path, catalog=catalog) as muster,
        alertmanager(tmp_path / "alertmanager", muster) as sender,
    ):
        began = to_iso(clock.now())
        firing = {"startsAt": began, "endsAt": to_iso(clock.now() + 3600)}
        await sender.fire(alerts(NOISE, "warning", **firing))
        for kind in STORM:  # it spreads
            await sender.fire(alerts((kind,), "critical", **firing))
            await asyncio.sleep(0.1)

        async def all_taken_in() -> bool:
            return len(await muster.items("/api/v1/alerts", status="firing", limit=200)) == 540

        await eventually(all_taken_in, "all 540 alerts fire in Muster", every=0.2)
        await muster.settled()
        incidents = await muster.incidents()
        assert 1 <= len(incidents) <= 3, [incident["title"] for incident in incidents]
        assert sum(incident["alert_count"] for incident in incidents) >= 500
        assert {"payments", "checkout", "cart", "web"} <= {name for i in incidents for name in i["services"]}
        rooms = [room for room in await muster.items("/api/v1/rooms") if room["kind"] == "incident"]
        assert sorted(room["incident"]["id"] for room in rooms) == sorted(incident["id"] for incident in incidents)

        # repeat_interval: the same webhooks come again and again, and nobody is told again.
        before = {room["id"]: [m["id"] for m in await muster.messages(room["id"])] for room in rooms}
        posted = await sender.posted()

        async def repeated() -> bool:
            return await sender.posted() >= posted + 3 * (len(STORM) + len(NOISE))

        await eventually(repeated, "every group was posted three more times", every=0.2)
        await muster.settled()
        assert {room["id"]: [m["id"] for m in await muster.messages(room["id"])] for room in rooms} == before
        assert len(await muster.incidents()) == len(incidents)
        assert {alert["status"] for alert in await muster.items("/api/v1/alerts", limit=200)} == {"firing"}

        over = {"startsAt": began, "endsAt": to_iso(clock.now() - 1)}
        await sender.fire(alerts(STORM, "critical", **over) + alerts(NOISE, "warning", **over))

        async def cleared() -> bool:
            return all(incident["cleared_at"] for incident in await muster.incidents())

        async def resolved() -> bool:
            return {i["status"] for i in await muster.incidents() if "payments" in i["services"]} == {"resolved"}

        await eventually(cleared, "every incident knows that its alerts cleared", every=0.1)
        await eventually(resolved, "the outage resolves by itself, as its recipe says", every=0.1)
        await muster.settled()
        for incident in await muster.incidents():
            assert incident["firing_count"] == 0
            said = await muster.notices(incident["rooms"]["console"])
            words = ("declared", "alerts cleared at ", "Resolved: the alerts stayed clear")
            over_by_itself = 1 if incident["resolved_by"] == "muster" else 0
            assert [sum(word in text for text in said) for word in words] == [1, 1, over_by_itself], said
