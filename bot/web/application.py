"""The web application: every route in one place. What a route does is beside its handler."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from bot.errors import MusterError, NotFound
from bot.web import health
from bot.web.api import (
    alerts,
    changes,
    events,
    graph,
    incidents,
    lanes,
    pictures,
    retros,
    rooms,
    session,
    stats,
    warnings,
)
from bot.web.files import Files
from bot.web.live import Hub
from bot.web.openapi import document
from bot.web.operations import NO_STORE, Operation, Web, guarded, operation, route
from bot.web.parts import WebParts
from bot.web.problems import MethodNotAllowed, answer_to
from bot.web.security import Guard

__all__ = ["OPERATIONS", "application"]

BODY_SIZE = 2 * 1024 * 1024  # bytes: above every route's own limit, so that each says 413 in its own words

OPERATIONS: tuple[Operation, ...] = (
    *session.OPERATIONS,
    *rooms.OPERATIONS,
    *incidents.OPERATIONS,
    *pictures.OPERATIONS,
    *retros.OPERATIONS,
    *alerts.OPERATIONS,
    *changes.OPERATIONS,
    *warnings.OPERATIONS,
    *lanes.OPERATIONS,
    *graph.OPERATIONS,
    *stats.OPERATIONS,
    *events.OPERATIONS,
    *health.OPERATIONS,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(parts: WebParts) -> web.Application:
    """The application, ready for an AppRunner. ConfigError when it would stand open to other machines without a token.

    There are no middlewares: a webhook pays for nothing but its own handler.
    """
    guard = Guard(host=parts.host, public_url=parts.public_url, token=parts.http_token, clock=parts.clock)
    context = Web(parts=parts, guard=guard, hub=Hub(events.Events(parts).load, parts.metrics))
    app = web.Application(client_max_size=BODY_SIZE)
    if parts.mount is not None:
        parts.mount(app)
    for described in (*OPERATIONS, _self_description(parts.version)):
        resource = app.router.add_resource(described.path)
        resource.add_route(described.method, route(context, described))
        if described.method == "GET" and described.path != "/api/v1/events":
            resource.add_route("HEAD", route(context, described))
    files = Files(context)
    for path, handler in (("/", files.page), ("/login", files.login_page), ("/static/{path:.+}", files.static)):
        app.router.add_get(path, _answered(context, handler))
    app.router.add_post("/login", _answered(context, files.login))
    app.router.add_route("*", "/{path:.*}", _answered(context, _nothing_there(context)))
    app.cleanup_ctx.append(_life(context))
    app.on_shutdown.append(lambda _: context.hub.close())
    return app


def _self_description(version: str) -> Operation:
    """The operation that serves the document which describes it, too."""

    @operation("GET", "/api/v1/openapi.json", summary="This document", returns=dict[str, Any])
    async def show_openapi(_: object) -> web.Response:
        return web.Response(body=encoded, content_type="application/json", headers=NO_STORE)

    encoded = msgspec.json.encode(document((*OPERATIONS, show_openapi), version))
    return show_openapi


def _life(context: Web) -> Callable[[web.Application], AsyncIterator[None]]:
    async def life(_: web.Application) -> AsyncIterator[None]:
        await context.parts.conversation.prepare()
        context.parts.database.subscribe(context.hub.listen)
        context.hub.start()
        yield

    return life


def _answered(context: Web, handler: Handler) -> Handler:
    """A handler that is no operation: its errors become problems too."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (MusterError, web.HTTPException) as error:
            response = answer_to(error)
            response.headers.update(NO_STORE)
            return response

    return guarded(context, handle)


def _nothing_there(context: Web) -> Handler:
    """What no route took: 405 where the address is right and the method is not, else 404."""

    async def nothing_there(request: web.Request) -> web.StreamResponse:
        allowed: set[str] = set()
        for resource in request.app.router.resources():
            if resource.canonical != "/{path}":
                allowed |= (await resource.resolve(request))[1]
        if allowed:
            methods = ", ".join(sorted(allowed))
            raise MethodNotAllowed(f"{request.method} is not for this address; {methods} is.", allowed=methods)
        context.guard.admit(request, "open")
        raise NotFound(f"There is nothing at {request.path[:200]}. The API describes itself at /api/v1/openapi.json.")

    return nothing_there
