from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadSignature
from bot.intake.signatures import Guard, Scheme, bearer_matches, hub_signature_matches
from bot.loopback import FORWARDED
from tests.intake import payloads
from tests.intake.conftest import OPEN

SECRET = "invented-secret"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_githubs_own_vector_is_accepted_and_any_change_of_it_is_not() -> None:
    vector = payloads.signature("github_docs")
    secret, body, header = vector["secret"], vector["body"].encode(), vector["header_value"]
    assert hub_signature_matches(secret, body, header)
    assert not hub_signature_matches(secret + "x", body, header)
    assert not hub_signature_matches(secret, body + b"x", header)
    assert not hub_signature_matches(secret, body, header[:-1] + ("0" if header[-1] != "0" else "1"))
    assert not hub_signature_matches(secret, body, header.removeprefix("sha256="))


def test_the_plain_hmac_vector_is_what_we_compute() -> None:
    vector = payloads.signature("hmac_sha256_wikipedia")
    assert hub_signature_matches(vector["secret"], vector["body"].encode(), "sha256=" + vector["header_value"])


def test_another_schemes_vector_does_not_pass_as_githubs() -> None:
    vector = payloads.signature("gitea_push")
    assert not hub_signature_matches(vector["secret"], vector["body"].encode(), vector["header_value"])
    assert hub_signature_matches(vector["secret"], vector["body"].encode(), "sha256=" + vector["header_value"])


@given(st.text())
def test_no_header_raises(header: str) -> None:
    assert not hub_signature_matches(SECRET, b"body", header)
    assert not bearer_matches(SECRET, header)


def test_a_bearer_token_or_a_basic_password_proves_the_sender() -> None:
    assert bearer_matches(SECRET, f"Bearer {SECRET}")
    assert bearer_matches(SECRET, f"bearer {SECRET}")
    assert bearer_matches(SECRET, basic("anybody", SECRET))
    assert bearer_matches(SECRET, basic("", SECRET))
    assert bearer_matches("with:colon", basic("user", "with:colon"))
    for header in (
        "",
        SECRET,
        f"Token {SECRET}",
        "Bearer",
        "Bearer x",
        basic("user", "x"),
        "Basic !!!",
        basic(SECRET, ""),
    ):
        assert not bearer_matches(SECRET, header)


def test_a_sources_own_secret_counts_before_the_common_token() -> None:
    guard = Guard(token="common", secrets={"generic": "own"})
    assert guard.check("generic", Scheme.TOKEN, {"authorization": "Bearer own"}, b"")
    assert guard.check("change", Scheme.TOKEN, {"authorization": "Bearer common"}, b"")
    with pytest.raises(BadSignature):
        guard.check("generic", Scheme.TOKEN, {"authorization": "Bearer common"}, b"")


def test_without_any_secret_only_loopback_is_open_and_the_refusal_names_the_setting() -> None:
    assert Guard(open_without_secret=True).check("generic", Scheme.TOKEN, {}, b"")
    assert Guard(open_without_secret=True).check("github", Scheme.HUB, {}, b"")
    with pytest.raises(BadSignature, match="MUSTER_SOURCE_GENERIC_SECRET or MUSTER_WEBHOOK_TOKEN"):
        Guard().check("generic", Scheme.TOKEN, {}, b"")


@pytest.mark.parametrize("header", FORWARDED)
def test_what_a_proxy_passes_on_does_not_come_from_this_machine(header: str) -> None:
    with pytest.raises(BadSignature, match="MUSTER_WEBHOOK_TOKEN"):
        Guard(open_without_secret=True).check("generic", Scheme.TOKEN, {header: "203.0.113.9"}, b"")
    Guard(token="hush").check("generic", Scheme.TOKEN, {header: "203.0.113.9", "authorization": "Bearer hush"}, b"")


def test_a_web_page_of_another_origin_cannot_post_to_an_open_loopback() -> None:
    guard = Guard(open_without_secret=True)
    host = {"host": "127.0.0.1:8080"}
    assert guard.check("generic", Scheme.TOKEN, host | {"origin": "http://127.0.0.1:8080"}, b"")
    with pytest.raises(BadSignature):
        guard.check("generic", Scheme.TOKEN, host | {"origin": "https://evil.example.org"}, b"")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "null"},  # a sandboxed frame, a file
        {"origin": ""},
        {"origin": "http://127.0.0.1:3000"},  # another program's page on this machine
        {"origin": "https://evil.example.org", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"host": "evil.example.org:8080", "origin": "http://evil.example.org:8080"},  # DNS rebinding
        {"host": "evil.example.org:8080", "origin": "http://evil.example.org:8080", "sec-fetch-site": "same-origin"},
        {"host": "127.0.0.1.evil.example.org", "origin": "http://127.0.0.1.evil.example.org"},
        {"host": "", "origin": ""},
        {"host": "", "origin": "null"},
        {"host": "[::1", "origin": "http://[::1"},
    ],
)
def test_no_trick_of_a_page_opens_an_open_loopback(headers: dict[str, str]) -> None:
    with pytest.raises(BadSignature, match="web page"):
        OPEN.check("generic", Scheme.TOKEN, {"host": "127.0.0.1:8080"} | headers, b"")


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "[::1]:8080", "host.docker.internal:8080", "muster", ""])
def test_a_sender_that_is_no_browser_may_call_us_what_it_likes(host: str) -> None:
    assert OPEN.check("generic", Scheme.TOKEN, {"host": host}, b"")


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "[::1]:8080", "localhost:8080", "LocalHost", "muster.localhost:80"])
def test_a_page_of_our_own_may_post(host: str) -> None:
    assert OPEN.check("generic", Scheme.TOKEN, {"host": host, "origin": f"http://{host.lower()}"}, b"")


def test_a_signed_source_needs_the_body_to_be_judged() -> None:
    guard = Guard(secrets={"github": "key"})
    header = {"x-hub-signature-256": "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"}
    body = b"The quick brown fox jumps over the lazy dog"
    assert guard.check("github", Scheme.HUB, header, None) is False
    assert guard.check("github", Scheme.HUB, header, body)
    with pytest.raises(BadSignature, match="does not match"):
        guard.check("github", Scheme.HUB, header, body + b".")
    with pytest.raises(BadSignature, match="missing"):
        guard.check("github", Scheme.HUB, {"authorization": "Bearer key"}, body)


def test_the_common_token_stands_in_for_githubs_secret_signed_or_as_a_bearer() -> None:
    guard = Guard(token="key")
    header = {"x-hub-signature-256": "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"}
    assert guard.check("github", Scheme.HUB, header, b"The quick brown fox jumps over the lazy dog")
    assert guard.check("github", Scheme.HUB, {"authorization": "Bearer key"}, b"")
    with pytest.raises(BadSignature):
        guard.check("github", Scheme.HUB, {}, b"")


def test_a_secret_does_not_appear_when_the_guard_is_printed() -> None:
    assert "hush" not in repr(Guard(token="hush", secrets={"github": "hush"}))
