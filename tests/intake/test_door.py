"""The door at the level of bytes: what it takes, what it hands on, and that nobody can tell the difference."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.intake import door as module
from bot.intake.door import _headers
from bot.intake.journal import Receipt
from bot.intake.journal_sqlite import SqliteLog
from bot.intake.signatures import Guard
from tests.intake.conftest import Intake, Start

PATIENCE = 60.0
of_the_door_alone = pytest.mark.parametrize("door", [True], ids=["door"])
CHUNKED = b"""POST /webhooks/generic HTTP/1.1
Host: x
Transfer-Encoding: chunked

d
{"name": "A"}
0

""".replace(b"\n", b"\r\n")


def post(body: bytes = b'{"name": "A"}', source: str = "generic", extra: str = "", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"POST /webhooks/{source} HTTP/1.1\r\nHost: x\r\n{extra}Content-Length: {size}\r\n\r\n".encode() + body


async def converse(intake: Intake, *parts: bytes, answers: int = 1, pause: float = 0.01) -> list[tuple[int, bytes]]:
    """Send the parts one after the other over one connection; read so many answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", intake.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        return [await asyncio.wait_for(read_answer(reader), PATIENCE) for _ in range(answers)]
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    fields = dict(line.split(": ", 1) for line in head.lower().split("\r\n")[1:-2])
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    assert "date" in fields
    return int(head.split(" ", 2)[1]), body


async def test_several_requests_go_over_one_connection(intake: Intake) -> None:
    answers = await converse(intake, post(), post(), post(b"{"), post(), answers=4)
    assert [status for status, _ in answers] == [202, 202, 400, 202]


async def test_requests_sent_without_waiting_are_answered_in_order(intake: Intake) -> None:
    bodies = [json.dumps([{"name": "A"}] * n).encode() for n in range(30)]
    answers = await converse(intake, b"".join(post(body) for body in bodies), answers=30)
    assert [json.loads(body)["accepted"] for _, body in answers] == list(range(30))


async def test_a_request_may_arrive_in_any_pieces(intake: Intake) -> None:
    whole = post(b'{"name": "A", "summary": "' + b"x" * 300 + b'"}')
    for cut in (1, 10, 30, len(whole) - 320, len(whole) - 100, len(whole) - 1):
        ((status, _),) = await converse(intake, whole[:cut], whole[cut:])
        assert status == 202, cut
    pieces = [whole[n : n + 40] for n in range(0, len(whole), 40)]
    ((status, _),) = await converse(intake, *pieces, pause=0)
    assert status == 202


async def test_a_large_body_arrives_whole(intake: Intake) -> None:
    body = json.dumps({"name": "A", "summary": "x" * 900_000}).encode()
    ((status, _),) = await converse(intake, post(body))
    assert status == 202
    assert (await intake.journal.read(0))[0].body == body


@of_the_door_alone  # aiohttp itself hangs up
async def test_who_closes_the_sending_half_still_hears_the_answer(intake: Intake) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", intake.port)
    writer.write(post())
    writer.write_eof()
    assert (await asyncio.wait_for(read_answer(reader), PATIENCE))[0] == 202
    writer.close()


async def test_other_pages_and_webhooks_share_a_connection_in_any_order(intake: Intake) -> None:
    page = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    answers = await converse(intake, post(), page, post(), page, post(), answers=5, pause=0.05)
    assert [status for status, _ in answers] == [202, 200, 202, 200, 202]
    assert answers[1][1] == b"the situation room"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (post(extra="Connection: close\r\n"), 202),
        (post(extra="Connection: keep-alive\r\n"), 202),
        (post(extra="Expect: 100-continue\r\n"), 100),
        (b"POST /webhooks/generic HTTP/1.0\r\nContent-Length: 13\r\n\r\n" + b'{"name": "A"}', 202),
        (b"POST /webhooks/generic?token=x HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n" + b'{"name": "A"}', 202),
        (b"POST /webhooks/%67eneric HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n" + b'{"name": "A"}', 202),
        (CHUNKED, 202),
        (post(length=0, body=b""), 400),
        (post(length=2**40), 413),
        (post(extra="Content-Length: 13\r\n"), 400),
        (post(extra="Content-Length: 5\r\n"), 400),
        (post(extra="Transfer-Encoding: chunked\r\n"), 400),
        (post(extra=" folded: x\r\n"), 400),
        (post(extra="bad name: x\r\n"), 400),
        (post(extra="X-Nul: \0\r\n"), 400),
        (post(length=-1), 400),
        (b"POST /webhooks/generic HTTP/1.1\r\nHost: x\r\nContent-Length: +13\r\n\r\n" + b'{"name": "A"}', 400),
        (b"nonsense\r\n\r\n", 400),
        (post(source="x" * 100), 404),
        (post(source="nobody"), 404),
    ],
)
async def test_anything_unusual_gets_the_answer_that_aiohttp_gives(
    intake: Intake, request_: bytes, status: int
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", intake.port)
    writer.write(request_)
    line = await asyncio.wait_for(reader.readline(), PATIENCE)
    writer.close()
    assert int(line.split(b" ")[1]) == status
    assert (await intake.post("generic", {"name": "A"})).status == 202


async def test_two_lengths_are_never_taken_for_one(intake: Intake) -> None:
    smuggled = post(extra="Content-Length: 0\r\n", body=post())
    reader, writer = await asyncio.open_connection("127.0.0.1", intake.port)
    writer.write(smuggled)
    answer = await asyncio.wait_for(reader.read(), PATIENCE)
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert await intake.journal.read(0) == []
    writer.close()


async def test_a_stranger_is_refused_before_a_large_body_and_keeps_no_memory(start: Start) -> None:
    intake = await start(Guard(token="hush"))
    ((status, _),) = await converse(intake, post(length=2**40))
    assert status == 401


async def test_a_sender_that_leaves_in_the_middle_disturbs_nobody(intake: Intake) -> None:
    for cut in (5, 30, 60, len(post()) - 1, len(post())):
        _, writer = await asyncio.open_connection("127.0.0.1", intake.port)
        writer.write(post()[:cut])
        writer.transport.abort()
    assert (await intake.post("generic", {"name": "A"})).status == 202


class SlowLog(SqliteLog):
    """A disk that takes a moment."""

    release = asyncio.Event()

    async def write(self, entries: Any) -> list[Receipt]:
        await self.release.wait()
        return await super().write(entries)


async def test_stopping_answers_what_is_under_way(start: Start, tmp_path: Any, door: bool) -> None:
    log = SlowLog(tmp_path / "muster.deliveries.db")
    log.release = asyncio.Event()
    intake = await start(log=log)
    idle = await asyncio.open_connection("127.0.0.1", intake.port)
    asked = asyncio.create_task(converse(intake, post()))
    while not intake.journal.waiting:
        await asyncio.sleep(0.005)
    stopping = asyncio.create_task(intake.site.stop())
    await asyncio.sleep(0.02)
    log.release.set()
    ((status, _),) = await asked
    assert status == 202
    await stopping
    if door:
        assert await asyncio.wait_for(idle[0].read(), PATIENCE) == b""
    idle[1].close()


@of_the_door_alone
async def test_an_idle_connection_is_closed_in_the_end(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_TIMEOUT", -1.0)
    reader, writer = await asyncio.open_connection("127.0.0.1", intake.port)
    writer.write(post()[:-3])
    while not any(each._buffer for each in intake.site._doors):  # type: ignore[attr-defined]
        await asyncio.sleep(0.005)
    intake.site._sweep()  # type: ignore[attr-defined]
    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    writer.close()


@of_the_door_alone
async def test_a_request_that_begins_after_a_long_silence_has_the_whole_time(intake: Intake) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", intake.port)
    while not intake.site._doors:  # type: ignore[attr-defined]
        await asyncio.sleep(0.005)
    (each,) = intake.site._doors  # type: ignore[attr-defined]
    each._since -= module.READ_TIMEOUT + 1  # so long nobody said anything
    writer.write(post()[:-3])
    while not each._buffer:
        await asyncio.sleep(0.005)
    intake.site._sweep()  # type: ignore[attr-defined]
    writer.write(post()[-3:])
    status, _ = await asyncio.wait_for(read_answer(reader), PATIENCE)
    assert status == 202
    writer.close()


async def test_what_is_handed_on_while_reading_was_paused_goes_on_being_read(start: Start, tmp_path: Any) -> None:
    log = SlowLog(tmp_path / "muster.deliveries.db")
    log.release = asyncio.Event()
    intake = await start(log=log)
    body = b'{"name": "A", "summary": "' + b"x" * (3 * module.READ_AHEAD) + b'"}'
    sent = post() + post(body, extra="X-Odd: \u00e9\r\n")  # a head that the door leaves to aiohttp
    reader, writer = await asyncio.open_connection("127.0.0.1", intake.port)
    writer.write(sent)
    while not intake.journal.waiting:
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)  # the door has read ahead as far as it does
    log.release.set()
    answers = [await asyncio.wait_for(read_answer(reader), PATIENCE) for _ in range(2)]
    assert [status for status, _ in answers] == [202, 202]
    writer.close()


@of_the_door_alone
async def test_a_sender_that_never_reads_is_not_served_for_ever(intake: Intake) -> None:
    unread = socket.socket()
    unread.setsockopt(
        socket.SOL_SOCKET, socket.SO_RCVBUF, 4096
    )  # so that few answers fit between the door and its sender
    unread.setblocking(False)
    await asyncio.get_running_loop().sock_connect(unread, ("127.0.0.1", intake.port))
    _, writer = await asyncio.open_connection(sock=unread)
    while not intake.site._doors:  # type: ignore[attr-defined]
        await asyncio.sleep(0.005)
    doors = tuple(intake.site._doors)  # type: ignore[attr-defined]
    doors[0]._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    writer.write(post(b"{") * 20_000)
    while not doors[0]._choked or doors[0]._transport.is_reading():
        await asyncio.sleep(0.005)
    assert sum(len(each._buffer) for each in doors) <= 2 * module.READ_AHEAD
    for each in doors:
        each.close_if_idle(each._since + module.IDLE_TIMEOUT + 1)
    while intake.site._doors:  # type: ignore[attr-defined]
        await asyncio.sleep(0.005)
    writer.transport.abort()
    assert (await intake.post("generic", {"name": "A"})).status == 202


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=120) | st.text(max_size=60).map(str.encode))
def test_no_bytes_make_the_head_reader_fail(head: bytes) -> None:
    for text in (head, b"Host: x\r\nContent-Length: 3\r\n" + head + b"\r\n\r\n"):
        fields = _headers(text)
        assert fields is None or int(fields["content-length"]) >= 0
