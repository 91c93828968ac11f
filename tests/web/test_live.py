"""Live events: told once a transaction is true, to those whom they concern; slow clients go, and come back to the truth."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientPayloadError

from bot.chat.views import Person
from bot.clock import ManualClock
from bot.errors import StorageUnavailable
from bot.storage.database import Announcement
from bot.telemetry import Metrics
from bot.web import live
from bot.web.live import Client, Event, Hub, frame
from bot.web.parts import WebParts
from tests.chat.gateway_contract import card, notice, page, request
from tests.rows import keep_incident
from tests.web.conftest import Serving, Site

PATIENCE = 10.0  # seconds, for a machine that is busy


class Listener:
    """Reads a stream of events."""

    def __init__(self, response: Any) -> None:
        self.response = response

    async def block(self) -> str:
        async with asyncio.timeout(PATIENCE):
            return (await self.response.content.readuntil(b"\n\n")).decode()

    async def next(self) -> tuple[str, Any]:
        """The next event, whatever keep-alives stand between."""
        while (block := await self.block()).startswith(":"):
            pass
        event, data = block.strip().split("\n")
        return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@asynccontextmanager
async def listening(site: Site, **query: str) -> AsyncIterator[Listener]:
    async with site.session.get(f"{site.url}/api/v1/events", params=query) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        listener = Listener(response)
        assert (await listener.next())[0] == "hello"
        yield listener


async def test_a_stream_begins_with_hello(site: Site) -> None:
    async with site.session.get(f"{site.url}/api/v1/events") as response:
        event, data = await Listener(response).next()
    assert (event, data) == ("hello", {"version": "1.2.3", "server_time": "2026-01-05T09:00:00.000Z"})


async def test_what_is_said_and_edited_arrives_as_the_api_would_show_it(site: Site) -> None:
    async with listening(site) as listener:
        room = await site.gateway.open_room(request(1))
        posted = await site.gateway.post(room, card(), nonce="card")
        event, shown = await listener.next()
        assert (event, shown["id"], shown["incident"]) == ("room", room, None)
        event, message = await listener.next()
        assert (event, message) == ("message", (await site.get(f"/api/v1/rooms/{room}/messages"))["items"][0])
        await site.gateway.edit(posted, notice("changed"))
        event, message = await listener.next()
        assert (event, message["text"], message["edited_at"]) == ("edited", "changed", "2026-01-05T09:00:00.000Z")


async def test_incidents_alerts_and_changes_are_told(site: Site) -> None:
    async with listening(site) as listener:
        async with site.database.transaction() as work:
            incident = await keep_incident(work, site.clock.now())
            work.announce("alerts", incident=incident.number)
            work.announce("alerts", incident=None)
            work.announce("change", id="c1")
            work.announce("effects")
        told = [await listener.next() for _ in range(4)]
    assert told == [
        ("incident", await site.get("/api/v1/incidents/INC-1")),
        ("alerts", {"incident": "INC-1"}),
        ("alerts", {"incident": None}),
        ("change", {"id": "c1"}),
    ]


async def declare_and_fail(site: Site) -> None:
    async with site.database.transaction() as work:
        await keep_incident(work, site.clock.now())
        raise RuntimeError


async def test_what_was_rolled_back_is_not_told(site: Site) -> None:
    async with listening(site) as listener:
        with pytest.raises(RuntimeError):
            await declare_and_fail(site)
        async with site.database.transaction() as work:
            work.announce("change", id="c1")
        assert await listener.next() == ("change", {"id": "c1"})


async def test_a_private_conversation_is_told_to_its_person_only(site: Site) -> None:
    async with (
        listening(site, **{"as": "robin"}) as robin,
        listening(site, **{"as": "mika"}) as mika,
        listening(site) as nobody,
    ):
        await site.gateway.direct(Person("robin", "Robin Vos"), page("wake up"), nonce="p1")
        async with site.database.transaction() as work:
            work.announce("change", id="after")
        assert [(await robin.next())[0] for _ in range(3)] == ["room", "message", "change"]
        assert (await mika.next())[0] == "change"
        assert (await nobody.next())[0] == "change"


async def test_a_hundred_changes_at_once_are_told_once_as_they_are_now(site: Site) -> None:
    async with site.database.transaction() as work:
        incident = await keep_incident(work, site.clock.now())
    async with listening(site) as listener:
        async with site.database.transaction() as work:
            work.announce("incident", number=incident.number)
            for _ in range(100):
                work.announce("incident", number=incident.number)
                work.announce("alerts", incident=incident.number)
            work.announce("change", id="last")
        assert [(await listener.next())[0] for _ in range(3)] == ["incident", "alerts", "change"]


async def test_silence_is_filled_with_keep_alives(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "KEEP_ALIVE", 0.01)
    async with listening(site) as listener:
        assert await listener.block() == ": still here\n\n"


async def test_stopping_ends_the_streams_at_once(serving: Serving) -> None:
    async with serving() as site:
        response = await site.session.get(f"{site.url}/api/v1/events")
        listener = Listener(response)
        await listener.next()
        stopped_at = asyncio.get_running_loop().time()
        reading = asyncio.create_task(response.read())
    assert asyncio.get_running_loop().time() - stopped_at < 5
    await reading
    response.close()


async def test_too_many_pages_are_asked_to_come_back(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CLIENTS", 1)
    async with listening(site):
        await site.get("/api/v1/events", expect=503)


# --- the hub by itself ------------------------------------------------------------------------------------------------


async def settled(hub: Hub, *clients: Client) -> None:
    """Wait until the hub has told everything."""
    async with asyncio.timeout(PATIENCE):
        while hub._pending or hub._wake.is_set() or not any(client.queue.qsize() for client in clients):
            await asyncio.sleep(0.001)


async def test_an_event_is_serialised_once_for_all_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def counted(topic: str, data: Any) -> bytes:
        made.append(topic)
        return frame(topic, data)

    async def load(keys: Any) -> list[Event]:
        return [Event(topic=topic, data={"id": subject}) for topic, subject in keys]

    monkeypatch.setattr(live, "frame", counted)
    hub = Hub(load, Metrics())
    hub.start()
    clients = [hub.join("", None) for _ in range(50)]
    hub.listen(Announcement(topic="change", data={"id": "c1"}))
    await settled(hub, *clients)
    assert made == ["change"]
    assert {await client.queue.get() for client in clients} == {b'event: change\ndata: {"id":"c1"}\n\n'}
    await hub.close()


async def test_a_client_that_does_not_keep_up_is_let_go_and_the_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PACE", 0)
    monkeypatch.setattr(live, "QUEUE", 4)

    async def load(keys: Any) -> list[Event]:
        return [Event(topic=topic, data={"id": subject}) for topic, subject in keys]

    hub = Hub(load, Metrics())
    hub.start()
    slow, quick = hub.join("", None), hub.join("", None)
    for number in range(20):
        hub.listen(Announcement(topic="change", data={"id": f"c{number}"}))
        assert b"c%d" % number in (await asyncio.wait_for(quick.queue.get(), PATIENCE) or b"")
    assert await slow.queue.get() is None
    assert slow.queue.empty()
    await hub.close()


async def test_when_the_database_does_not_answer_the_clients_come_back(
    serving: Serving, parts: WebParts, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving() as site:
        async with listening(site) as listener:

            async def gone(_: Any) -> Any:
                raise StorageUnavailable("The disk is away.")

            with monkeypatch.context() as away:
                away.setattr(type(parts.conversation), "messages", lambda self, ids: gone(ids))
                await site.conversation.say("lobby", Person("mika", "Mika Laine"), "hello")
                with pytest.raises(ClientPayloadError):  # cut off, so that the page asks anew
                    async with asyncio.timeout(PATIENCE):
                        await listener.response.content.read()
        async with listening(site) as listener:
            await site.conversation.say("lobby", Person("mika", "Mika Laine"), "hello again")
            assert (await listener.next())[1]["text"] == "hello again"


async def test_a_mistake_of_ours_is_logged_and_the_hub_goes_on() -> None:
    calls = 0

    async def load(keys: Any) -> list[Event]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise KeyError("nobody foresaw this")
        return [Event(topic="change", data={})]

    metrics = Metrics()
    hub = Hub(load, metrics)
    hub.start()
    first = hub.join("", None)
    hub.listen(Announcement(topic="change", data={"id": "c1"}))
    assert await asyncio.wait_for(first.queue.get(), PATIENCE) is None
    assert metrics.registry.get_sample_value("muster_failures_total", {"where": "live"}) == 1
    second = hub.join("", None)
    hub.listen(Announcement(topic="change", data={"id": "c2"}))
    assert await asyncio.wait_for(second.queue.get(), PATIENCE) == b"event: change\ndata: {}\n\n"
    await hub.close()


def test_a_hub_without_clients_keeps_nothing() -> None:
    async def load(keys: Any) -> list[Event]:
        return []

    async def listen() -> int:
        hub = Hub(load, Metrics())
        hub.listen(Announcement(topic="change", data={"id": "c1"}))
        return len(hub._pending)

    assert asyncio.run(listen()) == 0
