"""What people say in one room of an incident stands in its others, once, as it is now, whatever happens in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from bot.chat import heard
from bot.chat.gateway import Invitation, MessageLost, PostedMessage, RoomRequest
from bot.chat.views import Link, Notice, Person, View, plain
from bot.errors import InvalidTransition, Retryable, Uncertain
from bot.storage import tables
from tests.incidents.test_pipeline import alert
from tests.world import MIKA, ROBIN, World, world


@dataclass
class Board:
    """A chat platform in memory, where a nonce stands once; `refuse` is raised before, or after, what is asked is done."""

    platform: str
    posts: dict[str, tuple[str, View]] = field(default_factory=dict)  # by id: room and what it shows
    nonces: dict[tuple[str, str], str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    before: list[Exception] = field(default_factory=list)
    after: list[Exception] = field(default_factory=list)

    async def open_room(self, request: RoomRequest) -> str:
        return f"room-{request.incident}"

    async def post(self, room: str, view: View, *, nonce: str, since: float = 0.0) -> PostedMessage:
        self._ask("post")
        message = self.nonces.get((room, nonce))
        if message is None:
            message = self.nonces[room, nonce] = f"m{len(self.nonces) + 1}"
        self.posts[message] = (room, view)
        if self.after:
            raise self.after.pop(0)
        return PostedMessage(room=room, message=message)

    async def direct(self, person: Person, view: View, *, nonce: str, since: float = 0.0) -> PostedMessage:
        return await self.post(f"@{person.id}", view, nonce=nonce)

    async def edit(self, message: PostedMessage, view: View) -> None:
        self._ask("edit")
        if message.message not in self.posts:
            raise MessageLost("gone")
        self.posts[message.message] = (message.room, view)

    async def withdraw(self, message: PostedMessage) -> None:
        self._ask("withdraw")
        self.posts.pop(message.message, None)

    async def invite(self, room: str, people: Sequence[Person]) -> Invitation:
        return Invitation(joined=tuple(people))

    def copies(self) -> list[Notice]:
        """What was mirrored to here."""
        mine = [message for (_, nonce), message in self.nonces.items() if nonce.startswith("copy:")]
        return [view for key in mine if key in self.posts for view in [self.posts[key][1]] if isinstance(view, Notice)]

    def said(self) -> list[str]:
        """The same in words."""
        return [plain(view.text) for view in self.copies()]

    def _ask(self, what: str) -> None:
        self.calls.append(what)
        if self.before:
            raise self.before.pop(0)


class Stage:
    """INC-1 with a room in Slack, one in Discord and one in the situation room."""

    def __init__(self, w: World, slack: Board, discord: Board) -> None:
        self.w, self.slack, self.discord = w, slack, discord

    async def hear(
        self,
        text: str,
        message: str = "1",
        *,
        platform: str = "slack",
        author: Person = ROBIN,
        edited: float | None = None,
        answers: str = "",
        ago: float = 0.0,
        room: str = "room-INC-1",
    ) -> None:
        mirror = self.w.mirroring.mirror
        at = self.w.clock.now() - ago
        async with self.w.database.transaction() as work:
            await heard.hear(
                work,
                mirror,
                platform,
                room,
                message,
                at=at,
                author=author,
                text=text,
                edited_at=edited,
                answers=answers,
            )

    async def forget(self, message: str = "1", *, platform: str = "slack") -> None:
        async with self.w.database.transaction() as work:
            await heard.forget(work, self.w.mirroring.mirror, platform, "room-INC-1", message, at=9.0)

    async def console(self) -> str:
        """The situation room's."""
        return str((await self.w.rows(tables.console_rooms))[0].id)

    async def settle(self) -> None:
        """All is sent that can be, and what had to wait, too."""
        for _ in range(4):
            await self.w.relay.drain()
            self.w.clock.advance(10.0)


@asynccontextmanager
async def on_both(url: str, slack: Board | None = None, discord: Board | None = None) -> AsyncIterator[Stage]:
    slack, discord = slack or Board("slack"), discord or Board("discord")
    async with world(url, gateways={"slack": slack, "discord": discord}) as w:
        if not await w.all_incidents():
            await w.post(alert())
        await w.settle()
        yield Stage(w, slack, discord)


async def test_what_is_said_is_mirrored_once_with_its_name_and_never_back(database_url: str) -> None:
    async with on_both(database_url) as s:
        for _ in range(2):  # platforms tell things twice
            await s.hear("it is the cache")
            await s.settle()
        await s.hear("no, the queue", "7", platform="discord", author=MIKA)
        await s.settle()
        assert s.discord.said() == ["Robin Vos (Slack): it is the cache"]
        assert s.slack.said() == ["Mika Laine (Discord): no, the queue"]
        said = await s.w.conversation.history(await s.console())
        people = [(one.platform, one.text) for one in said if one.author_kind == "person"]
        assert people == [("slack", "it is the cache"), ("discord", "no, the queue")]


async def test_what_is_said_in_the_situation_room_is_read_on_both(database_url: str) -> None:
    async with on_both(database_url) as s:
        for _ in range(2):
            await s.w.conversation.say(await s.console(), MIKA, "on it", nonce="n1")
        await s.settle()
        assert s.slack.said() == s.discord.said() == ["Mika Laine (situation room): on it"]


async def test_an_edit_follows_and_one_that_comes_before_the_copy_is_all_that_is_sent(database_url: str) -> None:
    async with on_both(database_url) as s:
        await s.hear("it is the cash")
        await s.hear("it is the cache", edited=2.0)
        s.discord.calls.clear()
        await s.settle()
        assert (s.discord.said(), s.discord.calls) == (["Robin Vos (Slack): it is the cache"], ["post"])
        await s.hear("it is the queue", edited=3.0)
        await s.settle()
        await s.hear("it is the cache", edited=2.0)
        await s.settle()
        assert (s.discord.said(), s.discord.calls) == (["Robin Vos (Slack): it is the queue"], ["post", "edit"])


async def test_a_deletion_follows_and_what_was_deleted_before_it_was_sent_is_not_sent(database_url: str) -> None:
    async with on_both(database_url) as s:
        await s.hear("the password is 1234")
        await s.settle()
        await s.forget()
        await s.hear("so is this", "2")
        await s.forget("2")
        s.discord.calls.clear()
        await s.settle()
        assert (s.discord.said(), s.discord.calls) == ([], ["withdraw"])
        assert await s.w.rows(tables.copies) == []


@pytest.mark.parametrize("then", ["nothing", "edited", "deleted"])
async def test_after_a_crash_between_sending_and_writing_it_down_it_stands_once_as_it_is_now(
    database_url: str, then: str
) -> None:
    slack, discord = Board("slack"), Board("discord")
    async with on_both(database_url, slack, discord) as s:
        await s.hear("it is the cache")
        discord.after.append(Uncertain("no answer came"))
        await s.w.relay.drain()
        assert discord.said() == ["Robin Vos (Slack): it is the cache"]
    async with on_both(database_url, slack, discord) as s:
        if then == "edited":
            await s.hear("it is the queue", edited=5.0)
        elif then == "deleted":
            await s.forget()
        await s.settle()
        wanted = {"nothing": ["Robin Vos (Slack): it is the cache"], "edited": ["Robin Vos (Slack): it is the queue"]}
        assert discord.said() == wanted.get(then, [])
        assert [copy.external for copy in await s.w.rows(tables.copies)] == ([] if then == "deleted" else ["m3"])


async def test_what_had_to_wait_arrives_in_order_and_late_words_say_when_they_were_said(database_url: str) -> None:
    async with on_both(database_url) as s:
        s.discord.before += [Retryable("away", retry_after=1.0)] * 2
        await s.hear("first", "1")
        await s.hear("second", "2")
        await s.hear("long ago", "3", ago=3_600.0)
        await s.settle()
        first, second, late = s.discord.said()
        assert (first, second) == ("Robin Vos (Slack): first", "Robin Vos (Slack): second")
        assert late.startswith("Robin Vos (Slack, ")
        assert late.endswith(" UTC): long ago")


async def test_an_answer_quotes_what_it_answers_there_or_as_a_copy_and_not_what_was_taken_back(
    database_url: str,
) -> None:
    async with on_both(database_url) as s:
        await s.hear("is it the cache?", "1")
        await s.hear("yes", "2", author=MIKA, answers="1")
        await s.settle()
        assert s.discord.said()[1] == "> Robin Vos: is it the cache?\nMika Laine (Slack): yes"
        (copy,) = [row.external for row in await s.w.rows(tables.copies) if row.message == 2 or row.external == "m3"][
            :1
        ]
        await s.hear("no", "9", platform="discord", answers=copy)
        await s.settle()
        assert s.slack.said() == ["> Robin Vos: is it the cache?\nRobin Vos (Discord): no"]
        await s.forget("1")
        await s.settle()
        assert s.discord.said() == ["Mika Laine (Slack): yes"]
        assert s.slack.said() == ["Robin Vos (Discord): no"]


async def test_off_is_from_now_on_and_what_stands_elsewhere_is_still_kept_true(database_url: str) -> None:
    async with on_both(database_url) as s:
        await s.hear("before", "1")
        await s.w.mirroring.switch(1, MIKA, on=False)
        await s.hear("apart", "2")
        await s.hear("apart, edited", "2", edited=2.0)
        await s.settle()
        assert s.discord.said() == ["Robin Vos (Slack): before"]
        await s.hear("before, edited", "1", edited=2.0)
        await s.settle()
        assert s.discord.said() == ["Robin Vos (Slack): before, edited"]
        with pytest.raises(InvalidTransition, match="kept apart already"):
            await s.w.mirroring.switch(1, MIKA, on=False)
        await s.w.mirroring.switch(1, MIKA, on=True)
        await s.hear("apart, again", "2", edited=3.0)
        await s.hear("together", "3")
        await s.settle()
        assert s.discord.said() == ["Robin Vos (Slack): before, edited", "Robin Vos (Slack): together"]
        assert (await s.w.story(1))[-2:] == ["mirror", "mirror"]


async def test_a_copy_that_somebody_there_deleted_is_not_brought_back(database_url: str) -> None:
    async with on_both(database_url) as s:
        await s.hear("it is the cache")
        await s.settle()
        s.discord.posts = {key: one for key, one in s.discord.posts.items() if one[1] not in s.discord.copies()}
        await s.hear("it is the queue", edited=2.0)
        await s.settle()
        assert s.discord.said() == []
        assert {row.state for row in await s.w.rows(tables.effects)} <= {"done", "dropped"}


async def test_nothing_is_mirrored_to_a_platform_that_is_connected_no_more_or_to_another_incident(
    database_url: str,
) -> None:
    async with on_both(database_url) as s:
        await s.w.post(alert(service="search", name="DiskFull"))
        await s.settle()
        await s.hear("in one of them", "1", room="room-INC-1")
        await s.settle()
        rooms = {room for room, view in s.discord.posts.values() if view in s.discord.copies()}
        assert rooms == {"room-INC-1"}
    async with world(database_url, gateways={"slack": Board("slack")}) as w:
        await Stage(w, Board("slack"), Board("discord")).hear("alone", "5")
        await w.settle()
        assert not [row for row in await w.rows(tables.effects) if row.state not in {"done", "dropped"}]


async def test_addresses_are_links_and_what_a_program_printed_is_output(database_url: str) -> None:
    async with on_both(database_url) as s:
        await s.hear("see https://g.example.org/d/7?a=1). [log, text/plain] http://x.example.org/a", "1")
        await s.hear("look:\n```\nboom\n  at main\n```", "2")
        await s.settle()
        linked, printed = s.discord.copies()
        assert [span.url for span in linked.text if isinstance(span, Link)] == [
            "https://g.example.org/d/7?a=1",
            "http://x.example.org/a",
        ]
        assert (plain(printed.text), printed.output) == ("Robin Vos (Slack): look:", "boom\n  at main")


async def test_what_is_forgotten_by_policy_takes_its_copies_rows_along(database_url: str) -> None:
    async with on_both(database_url) as s:
        await s.hear("it is the cache")
        await s.settle()
        async with s.w.database.transaction() as work:
            await work.connection.execute(tables.messages.delete())
        assert await s.w.rows(tables.copies) == []
