"""Retrospectives as files: what a browser is given, and what it is not."""

from __future__ import annotations

import json

import pytest

from tests.rows import keep_incident
from tests.web.conftest import Serving, Site


async def test_a_retrospective_is_a_file_in_each_format(site: Site) -> None:
    async with site.database.transaction() as work:
        await keep_incident(work, site.clock.now(), title='checkout latency; \r\nSet-Cookie: x=1 "häßlich"')
    for form, media in (("md", "text/markdown"), ("json", "application/json"), ("MD", "text/markdown")):
        async with site.session.get(f"{site.url}/api/v1/incidents/INC-1/retro.{form}") as response:
            body = await response.text()
            assert (response.status, response.content_type) == (200, media), body
            assert response.headers["Content-Disposition"] == (
                f'attachment; filename="INC-1-checkout-latency-set-cookie-x-1-halich.{form.lower()}"'
            )
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Cache-Control"] == "no-store"
            assert "Set-Cookie" not in response.headers
        assert body.startswith("#") if media == "text/markdown" else json.loads(body)


async def test_what_is_drafted_is_what_is_downloaded(site: Site) -> None:
    async with site.database.transaction() as work:
        await keep_incident(work, site.clock.now())
    from bot.chat.views import Person

    robin = Person("robin", "Robin Vos")
    await site.parts.retros.add_action(1, "alert on queue length", robin)  # type: ignore[attr-defined]
    async with site.session.get(f"{site.url}/api/v1/incidents/inc-1/retro.md") as response:
        assert "alert on queue length" in await response.text()


@pytest.mark.parametrize("path", ["INC-1/retro.docx", "INC-1/retro.", "INC-7/retro.md", "42/retro.md", "INC-1/retro"])
async def test_what_is_not_there_is_not_found(site: Site, path: str) -> None:
    async with site.database.transaction() as work:
        await keep_incident(work, site.clock.now())
    problem = await site.get(f"/api/v1/incidents/{path}", expect=404)
    assert problem["status"] == 404
    if path.endswith("docx"):
        assert problem["detail"] == "No retrospective is written as 'docx'. There are: json, md."


async def test_from_elsewhere_it_wants_the_token(serving: Serving) -> None:
    async with serving(host="0.0.0.0", http_token="a-long-random-text") as site:
        await site.get("/api/v1/incidents/INC-1/retro.md", expect=401)
