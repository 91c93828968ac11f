"""The situation room's files: never stale, never another file, 404 and 405 that say what is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web
from yarl import URL

from bot.web.parts import STATIC
from tests.web.conftest import Serving, Site


async def test_the_page_and_everything_it_names_are_there(site: Site) -> None:
    import re

    for name in ("index.html", "login.html"):
        text = (STATIC / name).read_text()
        for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', text):
            async with site.session.get(f"{site.url}{path}") as response:
                assert response.status == 200, path
                assert response.content_type in {"text/css", "text/javascript", "image/svg+xml"}
    async with site.session.get(f"{site.url}/") as response:
        assert (response.status, response.content_type, response.charset) == (200, "text/html", "utf-8")


async def test_a_file_that_changed_is_never_stale_and_one_that_did_not_is_not_sent_again(
    serving: Serving, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text("one")
    async with serving(static=tmp_path) as site:
        async with site.session.get(f"{site.url}/") as response:
            assert response.headers["Cache-Control"] == "no-cache"
            tag = response.headers["ETag"]
        async with site.session.get(f"{site.url}/", headers={"If-None-Match": tag}) as response:
            assert (response.status, await response.read()) == (304, b"")
            assert response.headers["ETag"] == tag
        (tmp_path / "index.html").write_text("two")
        async with site.session.get(f"{site.url}/", headers={"If-None-Match": tag}) as response:
            assert (response.status, await response.text()) == (200, "two")


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "js/../../secret.txt",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        ".hidden",
        "link.txt",
        "js",
        "%00",
        "a" * 5000,
    ],
)
async def test_no_path_leads_out_of_the_folder(serving: Serving, tmp_path: Path, path: str) -> None:
    root = tmp_path / "static"
    (root / "js").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("what nobody may read")
    (root / ".hidden").write_text("what nobody may read")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    async with (
        serving(static=root) as site,
        site.session.get(URL(f"{site.url}/static/{path}", encoded=True)) as response,
    ):
        assert response.status == 404
        assert "nobody may read" not in await response.text()


async def test_what_is_not_there_is_a_problem_with_the_way_out(site: Site) -> None:
    problem = await site.get("/api/v1/incident", expect=404)
    assert "/api/v1/openapi.json" in problem["detail"]


async def test_a_wrong_method_names_the_right_ones(site: Site) -> None:
    async with site.session.delete(f"{site.url}/api/v1/incidents") as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")
        assert response.content_type == "application/problem+json"
    async with site.session.get(f"{site.url}/api/v1/rooms/lobby/actions") as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")


async def test_head_is_answered_like_get_without_a_body(site: Site) -> None:
    for path in ("/", "/api/v1/incidents", "/healthz"):
        async with site.session.head(f"{site.url}{path}") as response:
            assert response.status == 200
            assert int(response.headers["Content-Length"]) > 0


async def test_mounted_routes_stand_outside_the_web_s_care(serving: Serving) -> None:
    async def hook(_: web.Request) -> web.Response:
        return web.Response(status=202)

    def mount(app: web.Application) -> None:
        app.router.add_post("/webhooks/{source}", hook)

    async with serving(mount=mount) as site:
        headers = {"Host": "anything.example", "Origin": "https://elsewhere.example"}
        async with site.session.post(f"{site.url}/webhooks/generic", data=b"x", headers=headers) as response:
            assert response.status == 202
            assert "Content-Security-Policy" not in response.headers
        async with site.session.get(f"{site.url}/webhooks/generic") as response:
            assert (response.status, response.headers["Allow"]) == (405, "POST")
