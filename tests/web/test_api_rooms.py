"""The rooms of the API: speaking, commands typed and pressed, completion, and whose private room is whose."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert

from bot.chat import heard
from bot.chat.mirror import Mirror
from bot.chat.views import Button, Code, Person, Reply
from bot.storage import tables
from tests.chat.gateway_contract import card, notice, page, request
from tests.rows import keep_incident
from tests.web.conftest import Site
from tests.web.test_live import listening

ROBIN = {"as": "robin"}


async def with_incident(site: Site) -> str:
    """INC-1 and its room."""
    async with site.database.transaction() as work:
        await keep_incident(work, site.clock.now())
    return await site.gateway.open_room(request(1, name="inc-1-checkout"))


async def test_the_lobby_stands_first_however_many_rooms_there_are(site: Site) -> None:
    for number in range(1, 6):
        site.clock.advance(1)
        await site.gateway.open_room(request(number, name=f"inc-{number}"))
    first = await site.get("/api/v1/rooms", limit=3)
    assert [room["id"] for room in first["items"]] == ["lobby", "inc-5", "inc-4", "inc-3"]
    rest = await site.get("/api/v1/rooms", limit=3, cursor=first["next"])
    assert [room["id"] for room in rest["items"]] == ["inc-2", "inc-1"]
    assert rest["next"] is None


async def test_what_is_said_in_the_incidents_rooms_elsewhere_is_part_of_the_conversation(site: Site) -> None:
    room = await with_incident(site)
    mirror, mika = Mirror((), site.clock), Person("mika", "Mika Laine")
    site.clock.advance(60)
    async with site.database.transaction() as work:
        values = {"incident": 1, "platform": "slack", "name": room, "external": "C1", "state": "open"}
        await work.connection.execute(insert(tables.rooms).values(values))
    async with listening(site) as listener:
        async with site.database.transaction() as work:
            for channel, message, text, answers in (
                ("C1", "1.0", "is it the cache?", ""),
                ("C1", "2.0", "yes", "1.0"),
                ("C9", "3.0", "elsewhere", ""),
            ):
                at = site.clock.now()
                await heard.hear(
                    work, mirror, "slack", channel, message, at=at, author=mika, text=text, answers=answers
                )
        told = [await listener.next() for _ in range(2)]
        found = (await site.get(f"/api/v1/rooms/{room}/messages"))["items"]
        assert told == [("message", one) for one in found]
        assert [(one["platform"], one["room"], one["text"], one["answered"]) for one in found] == [
            ("slack", room, "is it the cache?", None),
            ("slack", room, "yes", "Mika Laine: is it the cache?"),
        ]
        shown = next(r for r in (await site.get("/api/v1/rooms"))["items"] if r["id"] == room)
        assert shown["last_at"] == "2026-01-05T09:01:00.000Z"
        async with site.database.transaction() as work:
            await heard.forget(work, mirror, "slack", "C1", "2.0", at=9.0)
        event, gone = await listener.next()
        assert (event, gone["id"], gone["text"], gone["taken_back"]) == ("edited", found[1]["id"], "", True)
    assert len((await site.get(f"/api/v1/rooms/{room}/messages"))["items"]) == 1


async def test_a_room_shows_its_incident(site: Site) -> None:
    room = await with_incident(site)
    shown = next(r for r in (await site.get("/api/v1/rooms"))["items"] if r["id"] == room)
    assert (shown["kind"], shown["archived"], shown["incident"]["id"]) == ("incident", False, "INC-1")
    assert shown["last_at"] == "2026-01-05T09:00:00.000Z"


async def test_what_is_said_is_a_message(site: Site) -> None:
    said = await site.post("/api/v1/rooms/lobby/messages", {**ROBIN, "text": "hello /incident ack"})
    assert said["reply"] is None
    (message,) = (await site.get("/api/v1/rooms/lobby/messages"))["items"]
    assert message == {
        "id": said["id"],
        "room": "lobby",
        "at": "2026-01-05T09:00:00.000Z",
        "author": {"id": "robin", "name": "Robin Vos", "kind": "person"},
        "text": "hello /incident ack",
        "view": None,
        "edited_at": None,
        "pinned": False,
        "platform": "console",
        "answered": None,
        "taken_back": False,
    }
    assert site.dispatcher.asked == []


async def test_what_is_sent_again_because_the_answer_was_lost_is_said_once(site: Site) -> None:
    body = {**ROBIN, "text": "hello", "request_id": "r-1"}
    first = await site.post("/api/v1/rooms/lobby/messages", body)
    assert await site.post("/api/v1/rooms/lobby/messages", body) == first
    await site.post("/api/v1/rooms/lobby/messages", {**body, "as": "mika"})  # whose request it is counts
    assert len((await site.get("/api/v1/rooms/lobby/messages"))["items"]) == 2


async def test_a_conversation_is_paged_from_its_newest_end(site: Site) -> None:
    for number in range(5):
        await site.post("/api/v1/rooms/lobby/messages", {**ROBIN, "text": f"line {number}"})
    newest = await site.get("/api/v1/rooms/lobby/messages", limit=2)
    assert [message["text"] for message in newest["items"]] == ["line 3", "line 4"]
    older = await site.get("/api/v1/rooms/lobby/messages", limit=3, before=newest["next"])
    assert [message["text"] for message in older["items"]] == ["line 0", "line 1", "line 2"]
    assert older["next"] is None


async def test_the_card_comes_with_the_first_page_even_when_it_is_old(site: Site) -> None:
    room = await with_incident(site)
    await site.gateway.post(room, card(), nonce="card")
    for number in range(3):
        await site.gateway.post(room, notice(f"line {number}"), nonce=f"n{number}")
    page_one = await site.get(f"/api/v1/rooms/{room}/messages", limit=2)
    (pinned,) = page_one["pinned"]
    assert pinned["view"]["view"] == "card"
    assert pinned["author"] == {"id": "muster", "name": "Muster", "kind": "muster"}
    assert "SEV2 INC-42 checkout latency" in pinned["text"]
    assert (await site.get(f"/api/v1/rooms/{room}/messages", before=page_one["next"]))["pinned"] == []


@pytest.mark.parametrize("text", ["/incident ack on it", "  /incident   ack on it ", "/incident\nack on it"])
async def test_a_command_is_run_for_the_room_and_is_no_part_of_the_conversation(site: Site, text: str) -> None:
    room = await with_incident(site)
    site.dispatcher.reply = Reply(
        text=("Acknowledged by ", Code("Mika"), "."),
        details=(("Paging stopped.",),),
        buttons=(Button(label="Resolve", command="resolve INC-1"),),
    )
    said = await site.post(f"/api/v1/rooms/{room}/messages", {"as": "mika", "text": text, "request_id": "r-1"})
    assert said == {
        "id": None,
        "reply": {
            "text": "Acknowledged by Mika.\nPaging stopped.",
            "private": True,
            "failed": False,
            "spans": ["Acknowledged by ", {"span": "code", "text": "Mika"}, "."],
            "details": [["Paging stopped."]],
            "output": "",
            "buttons": [{"label": "Resolve", "command": "resolve INC-1", "style": "default", "confirm": ""}],
            "picture": None,
        },
    }
    (asked,) = site.dispatcher.asked
    assert (asked.text, asked.actor.id, asked.platform, asked.room, asked.incident, asked.request_id) == (
        "ack on it",
        "mika",
        "console",
        room,
        1,
        "r-1",
    )
    assert (await site.get(f"/api/v1/rooms/{room}/messages"))["items"] == []


@pytest.mark.parametrize("text", ["/incidents", "/inciden ack", "/shrug"])
async def test_a_mistyped_command_is_not_said_aloud(site: Site, text: str) -> None:
    said = await site.post("/api/v1/rooms/lobby/messages", {**ROBIN, "text": text})
    assert said["reply"]["failed"] is True
    assert "/incident help" in said["reply"]["text"]
    assert (await site.get("/api/v1/rooms/lobby/messages"))["items"] == []


async def test_a_path_of_files_is_no_command(site: Site) -> None:
    said = await site.post("/api/v1/rooms/lobby/messages", {**ROBIN, "text": "/var/log is full"})
    assert said["id"] is not None


async def test_a_button_is_the_command_one_would_type(site: Site) -> None:
    body = {**ROBIN, "command": "ack INC-42", "request_id": "press-1"}
    answer = await site.post("/api/v1/rooms/lobby/actions", body, expect=200)
    assert answer["reply"]["text"] == "Acknowledged."
    assert [(asked.text, asked.incident, asked.request_id) for asked in site.dispatcher.asked] == [
        ("ack INC-42", None, "press-1")
    ]


async def test_a_guest_says_so_and_cannot_pass_for_somebody(site: Site) -> None:
    for name in ("Alex", "guest:Alex", "Robin Vos", "MUSTER", "a\u202eb"):
        await site.post("/api/v1/rooms/lobby/messages", {"as": name, "text": "hi"})
    authors = [message["author"] for message in (await site.get("/api/v1/rooms/lobby/messages"))["items"]]
    assert [(author["id"], author["name"]) for author in authors] == [
        ("guest:Alex", "Alex"),
        ("guest:Alex", "Alex"),
        ("guest:Robin Vos", "Robin Vos (guest)"),
        ("guest:MUSTER", "MUSTER (guest)"),
        ("guest:a\ufffdb", "a\ufffdb"),
    ]


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"as": "", "text": "hi"}, 422, "as"),
        ({"as": "g" * 65, "text": "hi"}, 422, "as"),
        ({"as": "robin", "text": ""}, 422, "text"),
        ({"as": "robin", "text": "x" * 4001}, 422, "text"),
        ({"as": "robin"}, 422, "text"),
        ({"as": "robin", "text": 7}, 422, "text"),
        ({"as": "robin", "text": "hi", "tone": "loud"}, 422, "tone"),
        ([], 422, ""),
        ({"as": "robin", "text": "x" * 70_000}, 413, ""),
    ],
)
async def test_what_is_wrong_with_a_body_is_named_with_its_path(site: Site, body: Any, status: int, path: str) -> None:
    problem = await site.post("/api/v1/rooms/lobby/messages", body, expect=status)
    assert (problem["status"], problem.get("path", "")) == (status, path)
    assert problem["detail"]


async def test_a_room_that_is_not_there_is_404_and_an_archived_one_409(site: Site) -> None:
    await site.post("/api/v1/rooms/attic/messages", {**ROBIN, "text": "hi"}, expect=404)
    await site.post("/api/v1/rooms/attic/messages", {**ROBIN, "text": "/incident ack"}, expect=404)
    room = await with_incident(site)
    await site.gateway.archive(room)
    problem = await site.post(f"/api/v1/rooms/{room}/messages", {**ROBIN, "text": "hi"}, expect=409)
    assert "archived" in problem["detail"]
    await site.post(f"/api/v1/rooms/{room}/messages", {**ROBIN, "text": "/incident reopen"})  # a command still works


async def test_a_private_room_is_there_for_its_person_only(site: Site) -> None:
    from bot.chat.views import Person

    await site.gateway.direct(Person("robin", "Robin Vos"), page("wake up"), nonce="p1")
    assert [room["id"] for room in (await site.get("/api/v1/rooms", **ROBIN))["items"]] == ["lobby", "dm-robin"]
    for query in ({}, {"as": "mika"}):
        assert [room["id"] for room in (await site.get("/api/v1/rooms", **query))["items"]] == ["lobby"]
        await site.get("/api/v1/rooms/dm-robin/messages", expect=404, **query)
    assert len((await site.get("/api/v1/rooms/dm-robin/messages", **ROBIN))["items"]) == 1
    await site.post("/api/v1/rooms/dm-robin/messages", {"as": "mika", "text": "hi"}, expect=404)
    await site.post("/api/v1/rooms/dm-robin/messages", {**ROBIN, "text": "on my way"})


@pytest.mark.parametrize(
    ("text", "start", "values"),
    [
        ("/incident sil", 10, ["silence", "silences"]),
        ("/incident   a", 12, ["ack"]),
        ("/incident ", 10, ["ack", "silence", "silences"]),
        ("hello", 5, []),
        ("/incidents", 10, []),
    ],
)
async def test_completion_says_where_in_the_line_a_value_goes(
    site: Site, text: str, start: int, values: list[str]
) -> None:
    answer = await site.get("/api/v1/complete", text=text, room="lobby", **ROBIN)
    assert (answer["from"], [item["value"] for item in answer["items"]]) == (start, values)
