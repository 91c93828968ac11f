"""Retrospectives as files. How a format looks is the retrospectives' own."""

from __future__ import annotations

from aiohttp import web

from bot.errors import NotFound
from bot.retros.formats import discover, format_names
from bot.web.api.shapes import INCIDENT_WORDS, incident_number
from bot.web.operations import NO_STORE, Call, Operation, operation

__all__ = ["OPERATIONS", "retro_path"]

MEDIA = tuple(dict.fromkeys(found.media_type.partition(";")[0] for found in discover().values()))
PATH = "/api/v1/incidents/{incident}/retro.{form}"


def retro_path(incident: str, form: str) -> str:
    """Where a retrospective is, beneath the address of the situation room."""
    return PATH.format(incident=incident, form=form)


@operation(
    "GET",
    PATH,
    summary="The retrospective as a file: what was drafted, or what a draft would hold now",
    media=MEDIA[0],
    more_media=MEDIA[1:],
    errors=(404,),
    path_words=INCIDENT_WORDS | {"form": f"the format: {', '.join(format_names())}"},
)
async def download_retro(call: Call[None, None]) -> web.Response:
    number, form = incident_number(call.path["incident"]), call.path["form"].lower()
    if form not in discover():
        raise NotFound(f"No retrospective is written as {form[:40]!r}. There are: {', '.join(format_names())}.")
    written = await call.web.parts.retros.render(number, form)
    headers = {
        "Content-Type": written.media_type,
        "Content-Disposition": f'attachment; filename="{written.filename}"',  # of letters, digits, dots and dashes
    }
    return web.Response(body=written.body, headers=NO_STORE | headers)


OPERATIONS: tuple[Operation, ...] = (download_retro,)
