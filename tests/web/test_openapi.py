"""The OpenAPI document is true: it has every route, and every answer to requests made from it is as it says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bot.chat.console import ConsoleConversation
from bot.chat.views import Person
from bot.clock import ManualClock
from bot.incidents.pictures import Pictures
from bot.storage.database import Database
from bot.telemetry import Metrics
from bot.web import WebParts, application
from bot.web.application import OPERATIONS
from bot.web.operations import Operation
from tests import sqlite
from tests.chat.gateway_contract import card, page, request
from tests.drawn import drawn_here
from tests.web.conftest import CATALOG, ScriptedDispatcher, ScriptedJournal, Site, retros, serve
from tests.web.test_api import outage


async def test_the_document_has_every_route_and_no_other(site: Site) -> None:
    document = await site.get("/api/v1/openapi.json")
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    app = application(site.parts)
    served = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method in {"GET", "POST"}
    }
    pages = {("GET", "/"), ("GET", "/login"), ("POST", "/login"), ("GET", "/static/{path}")}
    assert described == served - pages


async def test_every_operation_says_what_it_is_for_and_has_a_name_of_its_own(site: Site) -> None:
    document = await site.get("/api/v1/openapi.json")
    operations = [shape for methods in document["paths"].values() for shape in methods.values()]
    names = [shape["operationId"] for shape in operations]
    assert len(names) == len(set(names)) == len(OPERATIONS) + 1
    assert all(shape["summary"] for shape in operations)
    assert document["openapi"] == "3.1.0"


async def test_every_reference_of_the_document_leads_somewhere(site: Site) -> None:
    document = await site.get("/api/v1/openapi.json")

    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "$ref":
                    yield value
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    schemas = document["components"]["schemas"]
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A situation room with an incident in it, in a thread with a loop of its own."""
    folder: Path = tmp_path_factory.mktemp("openapi")
    started: asyncio.Queue[str] = asyncio.Queue()
    ready, failed = threading.Event(), []
    stop: asyncio.Event
    loop = asyncio.new_event_loop()

    async def main() -> None:
        nonlocal stop
        stop = asyncio.Event()
        clock = ManualClock()
        database = await Database.open(sqlite.url(folder))
        parts = WebParts(
            database=database,
            clock=clock,
            metrics=Metrics(),
            catalog=lambda: CATALOG,
            dispatcher=ScriptedDispatcher(),
            conversation=ConsoleConversation(database, clock),
            journal=ScriptedJournal(),
            retros=retros(database, clock),
            pictures=Pictures(database, clock, lambda: CATALOG, drawn_here),
            version="1.2.3",
        )
        async with serve(parts, clock) as site:
            await outage(site)
            room = await site.gateway.open_room(request(1, name="inc-1"))
            await site.gateway.post(room, card(), nonce="card")
            await site.gateway.direct(Person("robin", "Robin Vos"), page(), nonce="page")
            started.put_nowait(site.url)
            ready.set()
            await stop.wait()
        await database.close()

    def run() -> None:
        try:
            loop.run_until_complete(main())
        except BaseException as error:
            failed.append(error)
            ready.set()
            raise
        finally:
            loop.close()

    thread = threading.Thread(target=run, name="situation-room")
    thread.start()
    ready.wait(30)
    if failed:
        raise failed[0]
    yield started.get_nowait()
    loop.call_soon_threadsafe(stop.set)
    thread.join(30)


@pytest.fixture(scope="module")
def schema(address: str) -> Any:
    return schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
# A stream of events has no end; its own tests read it.
ASKED = [described for described in OPERATIONS if described.media != "text/event-stream"]
CASES = [
    *((described, GenerationMode.POSITIVE) for described in ASKED),
    *((described, GenerationMode.NEGATIVE) for described in ASKED if described.query or described.body),
]


@pytest.mark.parametrize(
    ("described", "mode"), CASES, ids=[f"{described.name}-{mode.value}" for described, mode in CASES]
)
def test_every_answer_is_as_the_document_says(schema: Any, described: Operation, mode: GenerationMode) -> None:
    asked = schema[described.path][described.method]

    @given(case=asked.as_strategy(generation_mode=mode))
    @settings(
        max_examples=12,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    def ask(case: Any) -> None:
        assume(len(urlencode(case.query or {}, doseq=True)) < 7000)  # aiohttp itself refuses lines of more than 8,190
        case.call_and_validate(checks=CHECKS, timeout=20)

    ask()
