"""Two thousand malformed, hostile and truncated bodies: each gets a reason, none a 5xx, and the journal stays whole."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.intake.sources import discover
from tests.intake.conftest import Intake

BODIES = 2000
SOURCES = discover()
NASTY = [
    "<!channel> @everyone @here <@U123> </script><script>alert(1)</script>",
    "\u202egnp.exe\u2066\x00\x07\x1b[2J",
    "'; DROP TABLE deliveries; --",
    "{{7*7}} ${jndi:ldap://x} %s %n",
    "../../../../etc/passwd",
    "\ud83d\ude00" * 50,
    "\u0000",
    "A" * 700_000,
    "-1e999",
    "\ufdfa" * 2000,
    "\x7f" * 20,
]


def corpus(rng: random.Random) -> Iterator[tuple[str, bytes, dict[str, str]]]:
    """Source, body, headers; for ever."""
    examples = [(source, example) for source in SOURCES.values() for example in source.examples]
    while True:
        source, example = rng.choice(examples)
        body, headers = example.body, dict(example.headers)
        match rng.randrange(9):
            case 0:
                body = body[: rng.randrange(len(body))]
            case 1:
                place = rng.randrange(len(body))
                body = body[:place] + rng.randbytes(rng.randrange(1, 9)) + body[place + rng.randrange(9) :]
            case 2:
                body = rng.randbytes(rng.randrange(2000))
            case 3:
                body = json.dumps(poisoned(rng, example.payload)).encode()
            case 4:
                body = rng.choice([b"[", b'{"a":', b'[{"labels":', b'{"alerts":[']) * rng.randrange(1, 30_000)
            case 5:
                body = rng.choice(
                    [
                        b"null",
                        b"0",
                        b'""',
                        b"[]",
                        b"{}",
                        b"[[]]",
                        b"\xef\xbb\xbf",
                        b"NaN",
                        b"\xff\xfe{\x00}\x00",
                        b"a=b",
                    ]
                )
            case 6:
                packed = rng.choice([gzip.compress, zlib.compress])(body)
                body = packed[: rng.randrange(len(packed))] if rng.random() < 0.7 else packed + b"x"
                headers["Content-Encoding"] = rng.choice(["gzip", "deflate", "br", "gzip, deflate", "\u00fc", ""])
            case 7:
                body = json.dumps(
                    {"name": rng.choice(NASTY), "labels": {rng.choice(NASTY): rng.choice(NASTY)}}
                ).encode()
            case _:
                headers["X-GitHub-Event"] = rng.choice(
                    ["push", "deployment", "release", "workflow_run", "", "x" * 3000]
                )
                headers["Content-Type"] = rng.choice(["application/x-www-form-urlencoded", "text/plain", "nonsense"])
                headers["Idempotency-Key"] = rng.choice(["k", "k" * 5000, "\u00fc", "1"])
        name = (
            source.name if rng.random() < 0.95 else rng.choice(["nobody", "generic%00", "..%2f", "GENERIC", "x" * 300])
        )
        yield name, body, headers


def poisoned(rng: random.Random, value: Any) -> Any:
    """The payload with something nasty in one place of it."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        return value | {key: poisoned(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.85:
        return [poisoned(rng, value[0]), *value[1:]]
    return rng.choice([None, True, 0, -1, 2**70, 1e300, [], {}, [[None]], {"a": {"b": 1}}, *NASTY])


async def test_two_thousand_hostile_bodies_get_a_reason_and_never_a_5xx(intake: Intake) -> None:
    bodies = corpus(random.Random(7))
    statuses: Counter[int] = Counter()
    accepted: set[int] = set()

    async def sender(count: int) -> None:
        for _ in range(count):
            name, body, headers = next(bodies)
            reply = await intake.post(name, body, headers)
            statuses[reply.status] += 1
            assert reply.status < 500, (name, body[:300], headers, reply)
            if reply.status in {200, 202}:
                accepted.add(reply.body["delivery"])
            elif reply.body:
                assert reply.body["detail"], (name, body[:300], reply)

    before = await intake.post("generic", {"name": "before"})
    await asyncio.gather(*(sender(BODIES // 10) for _ in range(10)))
    after = await intake.post("generic", {"name": "after"})
    assert statuses.total() == BODIES
    assert {202, 400, 404, 415, 422} <= set(statuses), statuses
    kept = {delivery.id: delivery for delivery in await intake.journal.read(0, 5000, 2**30)}
    assert accepted | {before.body["delivery"], after.body["delivery"]} == set(kept)
    for delivery in kept.values():
        parsed = SOURCES[delivery.source].parse(delivery.body, delivery.headers, delivery.received_at)
        assert parsed.accepted == delivery.accepted, "what was accepted can be read again from the journal alone"


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    source=st.sampled_from(sorted(SOURCES)),
    body=st.binary(max_size=60) | st.text(max_size=60).map(str.encode),
    encoding=st.sampled_from(["", "gzip", "deflate", "identity", "br"]),
    event=st.sampled_from(["push", "deployment_status", "ping", ""]),
)
async def test_any_body_is_answered(intake: Intake, source: str, body: bytes, encoding: str, event: str) -> None:
    reply = await intake.post(source, body, {"Content-Encoding": encoding, "X-GitHub-Event": event})
    assert reply.status in {202, 400, 415, 422}
