"""Pictures in Slack: uploaded once, shown with their words, never in the way of what is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.catalog.catalog import Catalog
from bot.chat.slack import pictures
from bot.chat.slack.accounts import Accounts
from bot.chat.slack.client import SlackClient
from bot.chat.slack.gateway import SlackGateway
from bot.chat.slack.tiers import Tiers
from bot.chat.views import Card, Notice, Picture
from bot.errors import Retryable
from tests.fakes.slack import Channel, FakeSlack
from tests.scenarios.slack_stage import SPEED

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
async def ours(slack: FakeSlack, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SlackGateway]:
    monkeypatch.setattr(pictures, "NOT_YET", (0.05, 0.1))
    client = SlackClient(slack.app.bot_token, slack.api_url, tiers=Tiers(minute=60.0 / SPEED))
    yield SlackGateway(client, Accounts(client, Catalog.empty))
    await client.close()


def graph(content: bytes = PNG, alt: str = "3 alerts in 5 min, all on checkout") -> Notice:
    picture = Picture.of(content, incident="INC-1", name="alerts.png", alt=alt)
    return Notice(text=("Alerts over time",), picture=picture)


def images(room: Channel) -> list[dict[str, object]]:
    return [block for message in room.posts for block in message.blocks if block["type"] == "image"]


async def test_a_picture_is_uploaded_once_and_shown_with_its_words(slack: FakeSlack, ours: SlackGateway) -> None:
    room = slack.channel("inc-1")
    posted = await ours.post(room.id, graph(), nonce="n1")
    await ours.edit(posted, graph())
    await ours.post(room.id, graph(), nonce="n2")
    assert [file.content for file in slack.world.files.values()] == [PNG]
    assert [(one["alt_text"], one["slack_file"]) for one in images(room)] == [
        ("3 alerts in 5 min, all on checkout", {"id": next(iter(slack.world.files))})
    ] * 2


async def test_another_picture_replaces_it_in_place(slack: FakeSlack, ours: SlackGateway) -> None:
    room = slack.channel("inc-1")
    posted = await ours.post(room.id, graph(), nonce="n1")
    await ours.edit(posted, graph(PNG + b"more", alt="4 alerts"))
    assert len(slack.world.files) == 2
    assert [one["alt_text"] for one in images(room)] == ["4 alerts"]
    assert len(room.posts) == 1


async def test_a_file_that_slack_has_not_looked_at_yet_is_shown_a_moment_later(
    slack: FakeSlack, ours: SlackGateway
) -> None:
    slack.file_seconds = 0.1
    room = slack.channel("inc-1")
    await ours.post(room.id, graph(), nonce="n1")
    assert slack.errors["chat.postMessage", "invalid_blocks"] >= 1
    assert len(images(room)) == len(room.posts) == 1


async def test_a_file_that_is_never_ready_leaves_its_words(slack: FakeSlack, ours: SlackGateway) -> None:
    slack.file_seconds = 3_600.0
    room = slack.channel("inc-1")
    await ours.post(room.id, graph(), nonce="n1")
    assert images(room) == []
    assert "3 alerts in 5 min, all on checkout" in room.posts[0].shown
    calls = len(slack.calls)
    await ours.post(room.id, graph(PNG + b"x"), nonce="n2")  # for a while nobody tries again
    assert [call.method for call in slack.calls[calls:]] == ["chat.postMessage"]


@pytest.mark.parametrize(
    ("method", "kind", "error"),
    [
        ("files.getUploadURLExternal", "error", "file_uploads_disabled"),
        ("files.getUploadURLExternal", "ratelimited", ""),
        ("upload", "http", ""),
        ("upload", "reset", ""),
        ("files.completeUploadExternal", "timeout_after", ""),
        ("files.completeUploadExternal", "error", "missing_scope"),
    ],
)
async def test_where_a_picture_cannot_be_uploaded_the_one_before_stays_or_its_words_are_read(
    slack: FakeSlack, ours: SlackGateway, method: str, kind: str, error: str
) -> None:
    room = slack.channel("inc-1")
    slack.faults.plan(method, kind, error=error or "internal_error", seconds=0.2, times=None)  # type: ignore[arg-type]
    await ours.post(room.id, graph(), nonce="n1")
    assert images(room) == []
    assert "3 alerts in 5 min" in room.posts[0].shown


async def test_a_picture_that_cannot_be_had_leaves_the_one_before_with_its_words(
    slack: FakeSlack, ours: SlackGateway
) -> None:
    room = slack.channel("inc-1")
    posted = await ours.post(room.id, graph(), nonce="n1")
    slack.faults.plan("upload", "http")
    await ours.edit(posted, graph(PNG + b"more", alt="4 alerts"))
    assert [one["alt_text"] for one in images(room)] == ["3 alerts in 5 min, all on checkout"]
    await ours.edit(posted, graph(PNG + b"more", alt="4 alerts"))
    assert [one["alt_text"] for one in images(room)] == ["4 alerts"]


async def test_other_refusals_are_told_as_they_are(slack: FakeSlack, ours: SlackGateway) -> None:
    room = slack.channel("inc-1")
    slack.faults.plan("chat.postMessage", "error", error="restricted_action")
    with pytest.raises(Exception, match="restricted_action"):
        await ours.post(room.id, graph(), nonce="n1")


# --- files that a card shows no more ----------------------------------------------------------------------------------


def card(content: bytes = PNG) -> Card:
    shown = Picture.of(content, incident="INC-1", name="alerts.png", alt="3 alerts in 5 min, all on checkout")
    return Card(
        incident="INC-1",
        title="checkout latency",
        severity="SEV2",
        status="open",
        status_since=1_767_603_600.0,
        opened_at=1_767_603_600.0,
        picture=shown if content else None,
    )


async def test_a_cards_file_is_its_own_and_deleted_at_most_once(slack: FakeSlack, ours: SlackGateway) -> None:
    room = slack.channel("inc-1")
    posted = await ours.post(room.id, card(), nonce="n1")
    await ours.post(room.id, graph(), nonce="n2")  # the same bytes, to stay
    before = ours.file_of(card())
    assert before in slack.world.files
    await ours.edit(posted, card(PNG + b"more"))
    assert ours.file_of(card(PNG + b"more")) != before
    for _ in range(2):
        await ours.discard(before)
    assert slack.errors["files.delete", "file_deleted"] == 1
    assert [one["slack_file"]["id"] in slack.world.files for one in images(room)] == [True, True]  # type: ignore[index]
    await ours.edit(posted, card())  # the picture of before is a file again
    assert [one["slack_file"]["id"] in slack.world.files for one in images(room)] == [True, True]  # type: ignore[index]


async def test_a_card_without_a_picture_has_no_file_and_keeps_the_one_before_where_the_next_is_not_taken(
    slack: FakeSlack, ours: SlackGateway
) -> None:
    room = slack.channel("inc-1")
    posted = await ours.post(room.id, card(), nonce="n1")
    file = ours.file_of(card())
    slack.faults.plan("upload", "http")
    await ours.edit(posted, card(PNG + b"more"))
    assert ours.file_of(card(PNG + b"more")) == file
    assert ours.file_of(card(b"")) == ""


@pytest.mark.parametrize("error", ["file_not_found", "cant_delete_file", "file_deleting_disabled", "missing_scope"])
async def test_a_file_that_cannot_be_deleted_is_no_matter(slack: FakeSlack, ours: SlackGateway, error: str) -> None:
    slack.faults.plan("files.delete", "error", error=error)
    await ours.discard("F0000001")


async def test_a_file_is_deleted_later_when_slack_is_away(slack: FakeSlack, ours: SlackGateway) -> None:
    room = slack.channel("inc-1")
    await ours.post(room.id, card(), nonce="n1")
    file = ours.file_of(card())
    slack.faults.plan("files.delete", "timeout_after", seconds=0.2)
    slack.faults.plan("files.delete", "http")
    for _ in range(5):
        try:
            await ours.discard(file)
        except Retryable as error:
            await asyncio.sleep(min(error.retry_after or 0.0, 0.2))
        else:
            break
    assert file not in slack.world.files
