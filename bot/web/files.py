"""The situation room's files and the login page. Every answer is checked with its ETag, so a new version is never stale."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
from pathlib import Path

from aiohttp import web

from bot.errors import BadArguments, NotFound
from bot.web.operations import NO_STORE, Web
from bot.web.problems import Redirect, TokenWanted, WrongMediaType, answer_to
from bot.web.security import COOKIE, HEADERS, SESSION_LENGTH

__all__ = ["Files"]

TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
}
TEXT = ("text/", "application/json", "application/manifest+json", "image/svg+xml")


class Files:
    """Handlers of everything that is no API."""

    def __init__(self, context: Web) -> None:
        self._web = context
        self._root = context.parts.static.resolve()

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The situation room; beyond loopback, strangers are shown the way to the login page."""
        try:
            self._web.guard.admit(request, "token")
        except TokenWanted as error:
            raise Redirect("/login") from error
        return await self._file(request, "index.html")

    async def static(self, request: web.Request) -> web.StreamResponse:
        """A file. They are the same for everybody and hold no secret, so the login page may have them too."""
        self._web.guard.admit(request, "open")
        return await self._file(request, request.match_info["path"])

    async def login_page(self, request: web.Request) -> web.StreamResponse:
        """The page that asks for the token."""
        self._web.guard.admit(request, "open")
        if self._web.guard.knows(request):
            raise Redirect("/")
        return await self._file(request, "login.html")

    async def login(self, request: web.Request) -> web.StreamResponse:
        """Take the token of the login page's form."""
        self._web.guard.admit(request, "open")
        if request.content_type != "application/x-www-form-urlencoded":
            raise WrongMediaType("The login page sends a form.")
        token = (await request.post()).get("token", "")
        if not isinstance(token, str):
            raise BadArguments("The token is a text.")
        try:
            session = self._web.guard.sign_in(token.strip())
        except TokenWanted:
            return answer_to(Redirect("/login?failed"))
        response = answer_to(Redirect("/"))
        response.headers.update(NO_STORE)
        response.set_cookie(
            COOKIE, session, max_age=SESSION_LENGTH, httponly=True, samesite="Lax", secure=self._web.guard.secure
        )
        return response

    async def _file(self, request: web.Request, name: str) -> web.StreamResponse:
        content = await asyncio.to_thread(read, self._root, name)
        if content is None:
            raise NotFound(f"There is no file {name[:200]!r}.")
        media = TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        tag = hashlib.sha256(content).hexdigest()[:32]
        response = web.Response(headers={**HEADERS, "Cache-Control": "no-cache"})
        response.etag = tag
        if any(known.value in {tag, "*"} for known in request.if_none_match or ()):
            response.set_status(304)
            return response
        response.body = content
        response.content_type = media
        if media.startswith(TEXT):
            response.charset = "utf-8"
        return response


def read(root: Path, name: str) -> bytes | None:
    """The file's content; None when there is none of that name beneath the root."""
    if "\0" in name or any(part.startswith(".") for part in name.split("/")):
        return None
    try:
        path = (root / name).resolve()
        return path.read_bytes() if path.is_relative_to(root) and path.is_file() else None
    except OSError:  # a name that no file can have, or a file that went away meanwhile
        return None
