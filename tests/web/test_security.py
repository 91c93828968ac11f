"""Who may ask: other sites' pages may not, other names may not, other machines need the token."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import ManualClock
from bot.errors import ConfigError
from bot.loopback import host_name, is_loopback
from bot.web.application import OPERATIONS
from bot.web.security import COOKIE, Guard
from tests.web.conftest import Serving, Site

TOKEN = "a-long-random-text-of-the-operator"
SAY = {"as": "robin", "text": "hello"}
BEYOND = {"host": "0.0.0.0", "http_token": TOKEN, "public_url": "https://muster.example.org"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


async def status_of(site: Site, method: str, path: str, headers: dict[str, str], **request: Any) -> int:
    async with site.session.request(
        method, f"{site.url}{path}", headers=headers, allow_redirects=False, **request
    ) as response:
        return response.status


# --- loopback ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "muster.example.org", "evil.example:8080", "", "a b", "[::1", "x" * 300]
)
async def test_a_name_that_is_not_ours_is_refused_so_that_rebinding_gains_nothing(site: Site, host: str) -> None:
    for path in ("/", "/api/v1/incidents", "/static/js/main.js", "/login", "/metrics", "/nowhere"):
        assert await status_of(site, "GET", path, {"Host": host}) in {400, 421}


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "muster.localhost"])
async def test_loopback_s_names_are_answered(site: Site, host: str) -> None:
    assert await status_of(site, "GET", "/api/v1/incidents", {"Host": host}) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_site_s_page_cannot_speak_for_a_person(site: Site, headers: dict[str, str]) -> None:
    assert await status_of(site, "POST", "/api/v1/rooms/lobby/messages", headers, json=SAY) == 403
    assert (await site.get("/api/v1/rooms/lobby/messages"))["items"] == []


async def test_the_situation_room_s_own_pages_and_tools_may_speak(site: Site) -> None:
    for headers in ({"Origin": site.url}, {"Origin": site.url, "Sec-Fetch-Site": "same-origin"}, {}):
        assert await status_of(site, "POST", "/api/v1/rooms/lobby/messages", headers, json=SAY) == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_only_json_is_taken_so_that_a_form_of_another_site_is_not(site: Site, kind: str) -> None:
    body = b'{"as": "robin", "text": "hello"}'
    assert await status_of(site, "POST", "/api/v1/rooms/lobby/messages", {"Content-Type": kind}, data=body) == 415


async def test_every_answer_carries_the_headers_that_bind_the_browser(site: Site) -> None:
    for path in (
        "/",
        "/login",
        "/api/v1/incidents",
        "/api/v1/nothing",
        "/api/v1/events",
        "/static/mark.svg",
        "/healthz",
    ):
        async with site.session.get(f"{site.url}{path}", allow_redirects=False) as response:
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert "aiohttp" not in response.headers["Server"]


async def test_nobody_foresaw_it_says_a_reference_and_nothing_else(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(self: Any, *_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("the secret is 12345")

    monkeypatch.setattr(type(site.conversation), "rooms", broken)
    problem = await site.get("/api/v1/rooms", expect=500)
    assert re.fullmatch(r"[0-9a-f]{12}", problem["reference"])
    assert "secret" not in str(problem)
    assert site.parts.metrics.registry.get_sample_value("muster_failures_total", {"where": "web"}) == 1


# --- beyond loopback --------------------------------------------------------------------------------------------------


async def test_beyond_loopback_every_operation_asks_for_the_token(serving: Serving) -> None:
    async with serving(**BEYOND) as site:
        for described in OPERATIONS:
            path = re.sub(r"\{\w+\}", "INC-1", described.path)
            status = await status_of(site, described.method, path, {}, json=SAY if described.body else None)
            if path in {"/healthz", "/readyz"}:
                assert status == 200
            else:
                assert status == 401, path
        assert await status_of(site, "GET", "/api/v1/incidents", {"Authorization": "Bearer wrong"}) == 401
        assert await status_of(site, "GET", "/api/v1/incidents", {"Authorization": f"Basic {TOKEN}"}) == 401
        assert await status_of(site, "GET", "/api/v1/incidents", BEARER) == 200
        assert await status_of(site, "GET", "/metrics", BEARER) == 200


async def test_beyond_loopback_no_route_but_the_way_in_answers_a_stranger(serving: Serving) -> None:
    """Every route there is, described or not: who adds one without asking for the token fails here."""
    open_ones = {"/healthz", "/readyz", "/login", "/static/{path}", "/{path}"}
    async with serving(**BEYOND) as site:
        asked = 0
        for found in site.app.router.routes():
            path = found.resource.canonical if found.resource else ""
            method = "GET" if found.method == "*" else found.method
            if path in open_ones:
                continue
            asked += 1
            status = await status_of(site, method, re.sub(r"\{\w+\}", "x", path), {})
            assert status == (303 if path == "/" else 401), (method, path)
        assert asked > len(OPERATIONS)
        assert await status_of(site, "GET", "/no/such/thing", {}) == 404


async def test_a_load_balancer_needs_no_name_and_no_token(serving: Serving) -> None:
    for changes in (BEYOND, {}):
        async with serving(**changes) as site:
            for path in ("/healthz", "/readyz"):
                assert await status_of(site, "GET", path, {"Host": "health.check.example"}) == 200
            async with site.session.get(f"{site.url}/readyz", headers={"Host": "evil.example"}) as response:
                assert await response.json() == {"status": "ready"}


async def test_strangers_hear_whether_it_is_ready_and_no_details(serving: Serving) -> None:
    async with serving(**BEYOND) as site:
        assert await site.get("/readyz") == {"status": "ready"}
        async with site.session.get(f"{site.url}/readyz", headers=BEARER) as response:
            assert "checks" in await response.json()


async def test_a_browser_signs_in_on_the_login_page_and_stays_signed_in(serving: Serving, clock: ManualClock) -> None:
    jar = aiohttp.CookieJar(unsafe=True)  # else aiohttp keeps no cookies of addresses without a name
    async with serving(**{**BEYOND, "public_url": ""}) as site, aiohttp.ClientSession(cookie_jar=jar) as browser:
        async with browser.get(f"{site.url}/") as response:
            assert response.url.path == "/login"
            assert response.status == 200
        async with browser.post(f"{site.url}/login", data={"token": "wrong"}, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (303, "/login?failed")
            assert COOKIE not in response.cookies
        async with browser.post(f"{site.url}/login", data={"token": f" {TOKEN} "}, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (303, "/")
            cookie = response.cookies[COOKIE]
            assert cookie["httponly"]
            assert cookie["samesite"] == "Lax"
            assert TOKEN not in cookie.value
        async with browser.get(f"{site.url}/api/v1/session") as response:
            assert response.status == 200
            assert (await response.json())["loopback"] is False
        async with browser.get(f"{site.url}/login") as response:
            assert response.url.path == "/"
        clock.advance(15 * 86_400)
        async with browser.get(f"{site.url}/api/v1/session") as response:
            assert response.status == 401


async def test_the_cookie_is_secure_where_people_come_by_tls(serving: Serving) -> None:
    async with serving(**BEYOND) as site:
        headers = {"Host": "muster.example.org", "Origin": "https://muster.example.org"}
        async with site.session.post(
            f"{site.url}/login", data={"token": TOKEN}, headers=headers, allow_redirects=False
        ) as response:
            assert response.cookies[COOKIE]["secure"]


@pytest.mark.parametrize("forged", ["", ".", "zz.zz", "ffffffffff.", "ffffffffff." + "0" * 64, "\xff.\xff", "." * 50])
async def test_a_forged_cookie_opens_nothing(serving: Serving, forged: str) -> None:
    async with serving(**BEYOND) as site:
        headers = {"Cookie": f"{COOKIE}={forged}"}
        assert await status_of(site, "GET", "/api/v1/incidents", headers) == 401


async def test_a_cookie_is_worth_nothing_once_the_token_is_another_one(clock: ManualClock) -> None:
    old, new = (Guard(host="0.0.0.0", public_url="", token=token, clock=clock) for token in (TOKEN, "another"))
    session = old.sign_in(TOKEN)
    expires, _, seal = session.partition(".")
    assert (old._seal(expires), new._seal(expires) == seal) == (seal, False)


async def test_guessing_at_the_login_page_is_slowed(serving: Serving, clock: ManualClock) -> None:
    async with serving(**BEYOND) as site:
        tries = [await status_of(site, "POST", "/login", {}, data={"token": f"guess {n}"}) for n in range(12)]
        assert tries == [303] * 10 + [429] * 2
        clock.advance(61)
        assert await status_of(site, "POST", "/login", {}, data={"token": TOKEN}) == 303


async def test_behind_a_proxy_on_loopback_the_token_is_asked_for_too(serving: Serving) -> None:
    async with serving(http_token=TOKEN, public_url="https://muster.example.org") as site:
        public = {"Host": "muster.example.org"}
        assert await status_of(site, "GET", "/api/v1/incidents", public) == 401
        for header in ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Via", "X-Real-IP"):
            assert await status_of(site, "GET", "/api/v1/incidents", {header: "203.0.113.9"}) == 401
        assert await status_of(site, "GET", "/api/v1/incidents", {**public, **BEARER}) == 200
        assert await status_of(site, "GET", "/api/v1/incidents", {}) == 200
        own = {**public, **BEARER, "Origin": "https://muster.example.org"}
        assert await status_of(site, "POST", "/api/v1/rooms/lobby/messages", own, json=SAY) == 201
        plain = {**own, "Origin": "http://other.example.org"}
        assert await status_of(site, "POST", "/api/v1/rooms/lobby/messages", plain, json=SAY) == 403
    async with serving(public_url="https://muster.example.org") as site:
        assert await status_of(site, "GET", "/api/v1/incidents", {"Host": "muster.example.org"}) == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "muster.example.org", ""])
def test_it_does_not_start_beyond_loopback_without_a_token(host: str, clock: ManualClock) -> None:
    with pytest.raises(ConfigError, match="MUSTER_HTTP_TOKEN"):
        Guard(host=host, public_url="", token="", clock=clock)


@given(st.text(max_size=60))
def test_no_text_is_taken_for_loopback_but_loopback(text: str) -> None:
    name = host_name(text)
    if is_loopback(name):
        assert name == "localhost" or name.endswith(".localhost") or name.startswith("127.") or ":" in name
