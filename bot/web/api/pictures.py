"""Pictures of incidents as files. How they look is the incidents' own."""

from __future__ import annotations

from typing import Literal

import msgspec
from aiohttp import web

from bot.errors import NotFound, Unavailable
from bot.web.api.shapes import INCIDENT_WORDS, incident_number
from bot.web.operations import Call, Operation, operation
from bot.web.security import HEADERS

__all__ = ["OPERATIONS"]

KEPT = {**HEADERS, "Cache-Control": "private, max-age=60"}  # another picture has another `v`


class Look(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`v` is whatever tells pictures apart, such as a digest: the answer is the present one, whatever it says."""

    theme: Literal["dark", "light"] = "dark"
    v: str = ""


@operation(
    "GET",
    "/api/v1/incidents/{incident}/picture.png",
    summary="Alerts over time by service, with the changes on the same axis, as a picture",
    query=Look,
    media="image/png",
    errors=(404,),
    path_words=INCIDENT_WORDS,
)
async def show_picture(call: Call[Look, None]) -> web.Response:
    number = incident_number(call.path["incident"])
    picture = await call.web.parts.pictures.of(number, light=call.query.theme == "light")
    if picture is None:
        raise NotFound(f"INC-{number} has no alerts: there is nothing to draw.")
    if not picture.png:
        raise Unavailable(f"The picture of INC-{number} could not be drawn just now.", retry_after=10.0)
    headers = {"Content-Type": "image/png", "Content-Disposition": f'inline; filename="{picture.name}"'}
    return web.Response(body=picture.png, headers=KEPT | headers)


OPERATIONS: tuple[Operation, ...] = (show_picture,)
