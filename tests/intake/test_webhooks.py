"""What a sender sees, through the door and through aiohttp alone: the same."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
import hashlib
import hmac
import json
import zlib
from typing import Any

import pytest

from bot.errors import PayloadTooLarge, StorageUnavailable, UnreadablePayload, UnsupportedEncoding
from bot.intake.journal import Receipt
from bot.intake.journal_sqlite import SqliteLog
from bot.intake.signatures import Guard
from bot.intake.sources import discover
from bot.intake.webhooks import BODY_LIMIT, unpacked
from tests.intake.conftest import Intake, Start

GROUP = {"alerts": [{"labels": {"alertname": "A", "n": str(n)}} for n in range(3)]}
NAMED = {"name": "DiskFull"}


async def test_an_accepted_delivery_is_in_the_journal_as_it_came(intake: Intake) -> None:
    body = json.dumps(GROUP).encode()
    reply = await intake.post("alertmanager", body)
    assert reply.status == 202
    (kept,) = await intake.journal.read(0)
    assert reply.body == {"delivery": kept.id, "accepted": 3}
    assert (kept.source, kept.body, kept.accepted) == ("alertmanager", body, 3)
    assert intake.count("alertmanager", "accepted") == 1


async def test_an_empty_group_is_fine(intake: Intake) -> None:
    reply = await intake.post("alertmanager", {"alerts": []})
    assert (reply.status, reply.body["accepted"]) == (202, 0)


async def test_a_repeated_delivery_id_is_answered_with_the_first_ones(intake: Intake) -> None:
    first = await intake.post("generic", [NAMED, NAMED], {"Idempotency-Key": "k"})
    again = await intake.post("generic", NAMED, {"Idempotency-Key": "k"})
    assert (first.status, again.status) == (202, 200)
    assert again.body == first.body
    assert len(await intake.journal.read(0)) == 1
    assert intake.count("generic", "repeated") == 1


async def test_a_missing_field_is_told_by_its_path_and_the_body_is_kept(intake: Intake) -> None:
    body = json.dumps({"alerts": [*GROUP["alerts"], {"labels": {}}]}).encode()
    reply = await intake.post("alertmanager", body)
    assert reply.status == 422
    assert reply.headers["Content-Type"].startswith("application/problem+json")
    assert reply.body["path"] == "alerts[3].labels.alertname"
    assert (reply.body["status"], reply.body["code"]) == (422, "malformed_payload")
    assert {"type", "title", "detail"} <= set(reply.body)
    (rejected,) = await intake.journal.rejected()
    assert (rejected.body, rejected.path, rejected.source) == (body, "alerts[3].labels.alertname", "alertmanager")
    assert await intake.journal.read(0) == []


async def test_what_is_no_json_is_a_bad_request_and_kept(intake: Intake) -> None:
    reply = await intake.post("generic", b"{nope")
    assert (reply.status, reply.body["code"]) == (400, "unreadable_payload")
    assert (await intake.journal.rejected())[0].body == b"{nope"


async def test_an_unknown_source_is_told_the_nearest_name(intake: Intake) -> None:
    reply = await intake.post("alertmanger", GROUP)
    assert reply.status == 404
    assert "Did you mean alertmanager?" in reply.body["detail"]
    assert await intake.journal.rejected() == []
    assert intake.count("unknown", "unknown_source") == 1


async def test_without_a_secret_beyond_loopback_the_setting_is_named(start: Start) -> None:
    intake = await start(Guard())
    reply = await intake.post("generic", NAMED)
    assert reply.status == 401
    assert "MUSTER_SOURCE_GENERIC_SECRET" in reply.body["detail"]
    assert "Bearer" in reply.headers["WWW-Authenticate"]


async def test_a_strangers_body_is_neither_taken_nor_kept(start: Start) -> None:
    intake = await start(Guard(token="hush", secrets={"github": "key"}))
    for source, headers in (
        ("generic", {}),
        ("generic", {"Authorization": "Bearer wrong"}),
        ("github", {"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=00"}),
        ("github", {"X-GitHub-Event": "push", "Authorization": "Bearer key"}),
    ):
        for body in (b"{}", b"{nope", b"x" * (BODY_LIMIT + 1)):
            reply = await intake.post(source, body, headers)
            assert reply.status in {401, 413}
            assert reply.status == 401 or source == "github"
    assert await intake.journal.rejected() == []
    assert await intake.journal.read(0) == []


async def test_a_bearer_token_and_a_signature_open_the_way(start: Start) -> None:
    intake = await start(Guard(token="hush", secrets={"github": "key"}))
    assert (await intake.post("generic", NAMED, {"Authorization": "Bearer hush"})).status == 202
    body = b'{"zen": "x"}'
    signature = "sha256=" + hmac.new(b"key", body, hashlib.sha256).hexdigest()
    headers = {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "d-1", "X-Hub-Signature-256": signature}
    assert (await intake.post("github", body, headers)).body["accepted"] == 0
    assert (await intake.post("github", body, headers)).status == 200
    kept = (await intake.journal.read(0))[-1]
    assert kept.headers == {
        "x-github-event": "ping",
        "x-github-delivery": "d-1",
        "content-type": "application/octet-stream",
    }


async def test_no_secret_is_kept(start: Start) -> None:
    intake = await start(Guard(token="hush"))
    await intake.post("generic", NAMED, {"Authorization": "Bearer hush"})
    await intake.post("generic", b"{", {"Authorization": "Bearer hush"})
    kept = repr(await intake.journal.read(0)) + repr(await intake.journal.rejected())
    assert "hush" not in kept


async def test_a_body_of_the_limit_is_taken_and_one_byte_more_is_not(intake: Intake) -> None:
    fits = json.dumps({"name": "A", "filler": ""}).encode()
    fits = fits.replace(b'""', b'"' + b"x" * (BODY_LIMIT - len(fits)) + b'"')
    assert len(fits) == BODY_LIMIT
    assert (await intake.post("generic", fits)).status == 202
    reply = await intake.post("generic", fits + b" ")
    assert (reply.status, reply.body["code"]) == (413, "payload_too_large")
    (rejected,) = await intake.journal.rejected()
    assert len(rejected.body) == 64 * 1024
    assert (await intake.post("generic", NAMED)).status == 202


async def test_a_body_without_a_length_is_limited_too(intake: Intake) -> None:
    async def chunks() -> Any:
        for _ in range(40):
            yield b"x" * 65536

    url = f"http://127.0.0.1:{intake.port}/webhooks/generic"
    async with intake.session.post(url, data=chunks()) as response:
        assert response.status == 413

    async def small() -> Any:
        yield b'{"name":'
        yield b' "A"}'

    async with intake.session.post(url, data=small()) as response:
        assert response.status == 202


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", "deflate", "raw deflate", "identity"])
async def test_a_packed_body_is_unpacked_and_kept_unpacked(intake: Intake, encoding: str) -> None:
    body = json.dumps(GROUP).encode()
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(body),
        "deflate": zlib.compress(body),
        "raw deflate": raw.compress(body) + raw.flush(),
        "identity": body,
    }.get(encoding, gzip.compress(body))
    reply = await intake.post("alertmanager", packed, {"Content-Encoding": encoding.rpartition(" ")[2]})
    assert reply.status == 202
    assert (await intake.journal.read(0))[0].body == body


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (gzip.compress(b" " * (BODY_LIMIT + 1)), "gzip", 413),
        (gzip.compress(b"0" * 100_000_000), "gzip", 413),
        (zlib.compress(b"0" * 100_000_000), "deflate", 413),
        (gzip.compress(gzip.compress(b"0" * 10_000_000)), "gzip", 400),
        (b"{}", "gzip", 400),
        (b"", "gzip", 400),
        (gzip.compress(b"{}")[:-3], "gzip", 400),
        (gzip.compress(b'{"name": "A"}') + b"rubbish", "gzip", 400),
        (gzip.compress(b"") * 5000, "gzip", 400),
        (b"\xff\xff", "deflate", 400),
        (b"{}", "br", 415),
        (b"{}", "gzip, gzip", 415),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_bomb_or_a_broken_or_an_unknown_packing_is_refused(
    intake: Intake, body: bytes, encoding: str, status: int
) -> None:
    reply = await intake.post("generic", body, {"Content-Encoding": encoding})
    assert reply.status == status
    assert reply.body["detail"]
    assert (await intake.post("generic", NAMED)).status == 202


def test_unpacking_takes_several_members_and_stops_at_the_limit() -> None:
    assert unpacked(gzip.compress(b"a") + gzip.compress(b"b"), "gzip") == b"ab"
    assert len(unpacked(gzip.compress(b"x" * BODY_LIMIT), "gzip")) == BODY_LIMIT
    with pytest.raises(PayloadTooLarge):
        unpacked(gzip.compress(b"x" * BODY_LIMIT) + gzip.compress(b"y"), "gzip")
    with pytest.raises(UnreadablePayload):
        unpacked(gzip.compress(b"x") * 65, "gzip")
    with pytest.raises(UnsupportedEncoding):
        unpacked(b"x", "zstd")


class SickLog(SqliteLog):
    """A log whose disk can fall ill."""

    sick: BaseException | None = None
    slow = False

    async def write(self, entries: Any) -> list[Receipt]:
        if self.slow:
            await asyncio.sleep(0.2)
        if self.sick is not None:
            raise self.sick
        return await super().write(entries)


async def test_storage_trouble_is_a_503_with_retry_after_and_passes(start: Start, tmp_path: Any) -> None:
    log = SickLog(tmp_path / "muster.deliveries.db")
    intake = await start(log=log)
    log.sick = StorageUnavailable("The disk is full.", retry_after=7.2)
    for body in (NAMED, b"{nope"):
        reply = await intake.post("generic", body)
        assert (reply.status, reply.headers["Retry-After"]) == (503, "8")
        assert reply.body["detail"] == "The disk is full."
    log.sick = None
    assert (await intake.post("generic", NAMED)).status == 202
    assert len(await intake.journal.read(0)) == 1


async def test_overload_is_a_503_and_nothing_is_half_taken(
    start: Start, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.intake.journal.MAX_WAITING", 5)
    log = SickLog(tmp_path / "muster.deliveries.db")
    log.slow = True
    intake = await start(log=log)
    replies = await asyncio.gather(*(intake.post("generic", NAMED) for _ in range(60)))
    statuses = [reply.status for reply in replies]
    assert set(statuses) == {202, 503}
    assert len(await intake.journal.read(0)) == statuses.count(202)


async def test_an_unexpected_error_is_a_503_counted_once(start: Start) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    sources = discover()
    sources["generic"] = dataclasses.replace(sources["generic"], count=broken)
    intake = await start(sources=sources)
    reply = await intake.post("generic", NAMED)
    assert reply.status == 503
    assert intake.metrics.registry.get_sample_value("muster_failures_total", {"where": "webhooks"}) == 1
    assert (await intake.post("alertmanager", GROUP)).status == 202


async def test_two_hundred_webhooks_at_once_are_all_taken(intake: Intake) -> None:
    replies = await asyncio.gather(*(intake.post("alertmanager", GROUP) for _ in range(200)))
    assert {reply.status for reply in replies} == {202}
    assert sorted(reply.body["delivery"] for reply in replies) == [d.id for d in await intake.journal.read(0)]


async def test_other_methods_are_not_allowed(intake: Intake) -> None:
    async with intake.session.get(f"http://127.0.0.1:{intake.port}/webhooks/generic") as response:
        assert response.status == 405
