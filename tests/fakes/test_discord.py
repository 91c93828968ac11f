"""The fake Discord's REST side, tried with the real discord.py: what it lets pass, what it refuses, and what goes wrong."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import aiohttp
import discord
import pytest

from bot.clock import ManualClock
from tests.fakes.discord import MISSING, FakeDiscord, Specs, wrong_commands, wrong_message, wrong_modal
from tests.fakes.discord.calls import ROUTES
from tests.fakes.discord.driving import Bot, card, connected, guild_of, here, pointed, refusal, rows

# ── who calls


async def test_a_wrong_token_and_an_unknown_route_are_refused(server: FakeDiscord) -> None:
    with pointed(server):
        stranger = Bot()
        with pytest.raises(discord.LoginFailure):
            await stranger.login("wrong")
        await stranger.close()
        headers = {"Authorization": f"Bot {server.app.token}", "User-Agent": "DiscordBot (x, 1)"}
        async with aiohttp.ClientSession(headers=headers) as session:
            async with session.get(f"{server.api_url}/nowhere") as response:
                assert (response.status, await response.json()) == (404, {"message": "404: Not Found", "code": 0})
            async with session.get(f"{server.api_url}/gateway/bot") as response:
                assert response.headers["Content-Type"] == "application/json"
                assert (await response.json())["url"] == server.gateway_url
            channel = server.channel("general")
            where = f"{server.api_url}/channels/{channel.id}/messages"
            async with session.post(where, data="{", headers={"Content-Type": "application/json"}) as response:
                assert (await response.json())["code"] == 50109


async def test_every_route_is_one_that_discord_has() -> None:
    specs = Specs.load()
    if specs is None:
        pytest.skip(MISSING)
    assert [r.name for r in ROUTES if not specs.knows(r.method, r.template)] == []


# ── messages


async def test_a_message_with_a_file_is_kept_and_served(server: FakeDiscord, bot: Bot) -> None:
    channel = here(bot, server.channel("general"))
    said = await channel.send("up", file=discord.File(io.BytesIO(b"graph"), "graph.png"))
    assert await said.attachments[0].read() == b"graph"
    await said.edit(content="down", attachments=[])
    (kept,) = server.posts("general")
    assert (kept.content, kept.files) == ("down", [])
    assert server.violations == []


async def test_the_same_nonce_soon_again_is_the_same_message() -> None:
    clock = ManualClock()
    async with FakeDiscord(limits=False, now=clock.now) as server, connected(server) as bot:
        channel = here(bot, server.channel("general"))
        first = await channel.send("once", nonce="n-1")
        assert (await channel.send("twice", nonce="n-1")).id == first.id
        assert (await channel.send("other", nonce="n-2")).id != first.id
        clock.advance(600)
        assert (await channel.send("much later", nonce="n-1")).id != first.id
        assert [m.content for m in server.posts("general")] == ["once", "other", "much later"]


async def test_words_have_a_length_and_nothing_is_no_message(server: FakeDiscord, bot: Bot) -> None:
    channel = here(bot, server.channel("general"))
    await channel.send("a" * 2000)
    assert await refusal(channel.send("a" * 2001)) == 50035
    assert await refusal(channel.send("🔥" * 1001)) == 50035
    assert await refusal(channel.send("")) == 50006
    with pytest.raises(discord.HTTPException, match="2000 or fewer"):
        await channel.send("b" * 3000)
    big = discord.Embed(description="d" * 4096)
    assert await refusal(channel.send(embeds=[big, big])) == 50035
    assert await refusal(channel.send(embed=discord.Embed(title="t" * 257))) == 50035
    assert await refusal(channel.send(file=discord.File(io.BytesIO(bytes(11 << 20)), "big.bin"))) == 40005
    assert len(server.violations) == 7


async def test_only_ones_own_messages_are_edited_and_others_need_a_permission_to_go(
    server: FakeDiscord, bot: Bot
) -> None:
    robin, room = server.person("robin"), server.channel("general")
    robin.say(room, "mine")
    message = await here(bot, room).fetch_message(int(server.posts(room)[0].id))
    assert await refusal(message.edit(content="yours")) == 50005
    server.deny("MANAGE_MESSAGES")
    assert await refusal(message.delete()) == 50013
    assert server.lacked == {"MANAGE_MESSAGES"}
    assert await refusal(here(bot, room).fetch_message(1)) == 10008


async def test_history_is_read_in_pages(server: FakeDiscord, bot: Bot) -> None:
    robin, room = server.person("robin"), server.channel("general")
    for number in range(130):
        robin.say(room, str(number))
    seen = [m.content async for m in here(bot, room).history(limit=None, oldest_first=True)]
    assert seen == [str(number) for number in range(130)]
    middle = discord.Object(int(server.posts(room)[64].id))
    assert [m.content async for m in here(bot, room).history(limit=2, before=middle)] == ["63", "62"]
    assert [m.content async for m in here(bot, room).history(limit=2, after=middle)] == ["65", "66"]
    server.deny("READ_MESSAGE_HISTORY")
    assert [m async for m in here(bot, room).history()] == []


# ── whom a message pings


@pytest.mark.parametrize(
    ("text", "allowed", "who"),
    [
        ("{robin} {mika}", None, {"robin", "mika"}),
        ("{robin} {mika}", discord.AllowedMentions.none(), set()),
        ("{robin} {mika}", "robin", {"robin"}),
        ("{oncall}", discord.AllowedMentions(roles=True), {"mika"}),
        ("{oncall}", discord.AllowedMentions(roles=False), set()),
        ("@everyone", discord.AllowedMentions.all(), {"robin", "mika", "owner"}),
        ("@here", discord.AllowedMentions(everyone=False), set()),
        ("`{robin}` ```\n{mika}\n```", None, set()),
        ("\\{robin}", None, {"robin"}),
        ("<@1>", None, set()),
    ],
)
async def test_a_message_pings_whom_it_names_and_may(
    server: FakeDiscord, bot: Bot, text: str, allowed: Any, who: set[str]
) -> None:
    oncall = server.role("oncall", mentionable=True)
    robin, mika, room = server.person("robin"), server.person("mika", oncall), server.channel("general")
    if allowed == "robin":
        allowed = discord.AllowedMentions(users=[discord.Object(int(robin.id))])
    words = text.format(robin=robin.mention, mika=mika.mention, oncall=f"<@&{oncall.id}>")
    more = {} if allowed is None else {"allowed_mentions": allowed}
    await here(bot, room).send(words, **more)
    await here(bot, room).send(view=card(words), **more)
    for message in server.posts(room):
        assert {server.world.users[user].name for user in message.pinged} == who
    assert len(mika.pings) == 2 * ("mika" in who)


async def test_who_does_not_see_the_room_gets_no_ping_and_everyone_needs_a_permission(
    server: FakeDiscord, bot: Bot
) -> None:
    robin, mika = server.person("robin"), server.person("mika")
    room = server.channel("secret", robin, private=True)
    server.deny("MENTION_EVERYONE")
    await here(bot, room).send(
        f"{mika.mention} {robin.mention} @everyone", allowed_mentions=discord.AllowedMentions.all()
    )
    (message,) = server.posts(room)
    assert message.pinged == [robin.id]
    await here(bot, room).get_partial_message(int(message.id)).edit(content=robin.mention)
    assert len(robin.pings) == 1


async def test_a_reply_pings_its_author_unless_told_not_to(server: FakeDiscord, bot: Bot) -> None:
    robin, room = server.person("robin"), server.channel("general")
    said = robin.say(room, "help").message
    assert said is not None
    original = here(bot, room).get_partial_message(int(said.id))
    await original.reply("coming")
    await original.reply("coming", mention_author=False)
    await original.reply("coming", allowed_mentions=discord.AllowedMentions.none())
    assert [m.pinged for m in server.posts(room)[1:]] == [[robin.id], [], []]


async def test_kinds_both_parsed_and_listed_are_refused(server: FakeDiscord) -> None:
    assert wrong_message({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}})
    assert not wrong_message({"content": "x", "allowed_mentions": {"parse": ["roles"], "users": ["1"]}})


# ── components


async def test_a_card_of_components_has_texts_and_places_counted(server: FakeDiscord, bot: Bot) -> None:
    channel = here(bot, server.channel("general"))
    said = await channel.send(view=card("# INC-1", rows(3)))
    assert server.posts("general")[0].shown == "# INC-1\nb0\nb1\nb2"
    await said.edit(view=card("# INC-1 resolved"))
    assert server.posts("general")[0].shown == "# INC-1 resolved"
    assert server.violations == []
    with pytest.raises(discord.HTTPException, match="does not allow it"):
        await said.edit(content="no text beside components")
    plain = await channel.send("plain")
    with pytest.raises(discord.HTTPException, match="cleared"):
        await plain.edit(view=card("now a card"))
    await plain.edit(content=None, view=card("now a card"))


TEXT = {"type": 10, "content": "x"}
BUTTON = {"type": 2, "style": 1, "label": "Ack", "custom_id": "m:ack"}
V2 = 1 << 15


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"flags": V2, "components": [TEXT] * 41}, "40 or fewer"),
        ({"flags": V2, "components": [{"type": 17, "components": [TEXT] * 40}]}, "40 or fewer"),
        ({"flags": V2, "components": [{"type": 10, "content": "x" * 2001}] * 2}, "maximum size of 4000"),
        ({"flags": V2, "components": [{"type": 10, "content": "障" * 3400}]}, "bytes of text"),
        ({"flags": V2, "components": [TEXT], "content": "x"}, "does not allow"),
        ({"components": [TEXT]}, "must be one of"),
        ({"components": [{"type": 1, "components": [BUTTON, BUTTON]}]}, "duplicated"),
        ({"components": [{"type": 1, "components": [BUTTON | {"label": "x" * 81}]}]}, "80 or fewer"),
        ({"components": [{"type": 1, "components": [BUTTON | {"custom_id": "x" * 101}]}]}, "100 or fewer"),
        ({"components": [{"type": 1, "components": [BUTTON | {"url": "http://x"}]}]}, "no url"),
        (
            {"components": [{"type": 1, "components": [{"type": 2, "style": 5, "url": "ftp://x", "label": "x"}]}]},
            "Scheme",
        ),
        (
            {"components": [{"type": 1, "components": [BUTTON | {"custom_id": str(n)} for n in range(6)]}]},
            "one to five",
        ),
        (
            {"components": [{"type": 1, "components": [{"type": 3, "custom_id": "s", "options": []}]}]},
            "between 1 and 25",
        ),
        ({"components": [{"type": 1, "components": []}]}, "one to five"),
        (
            {"flags": V2, "components": [{"type": 12, "items": [{"media": {"url": "attachment://gone.png"}}]}]},
            "not there",
        ),
        ({"content": "x" * 2001}, "2000 or fewer"),
        ({}, "empty message"),
        ({"content": 7}, "content"),
    ],
)
def test_what_discord_would_not_take_is_named(body: dict[str, Any], what: str) -> None:
    if body == {"content": 7} and Specs.load() is None:
        pytest.skip(MISSING)
    assert what in " ".join(wrong_message(body, files=set()))


def test_modals_have_lengths_too() -> None:
    field = {"type": 18, "label": "Title", "component": {"type": 4, "custom_id": "title", "style": 1}}
    modal = {"custom_id": "f:declare", "title": "Declare", "components": [field]}
    assert wrong_modal(modal) == []
    assert wrong_modal(modal | {"title": "x" * 46})
    assert wrong_modal(modal | {"components": [field | {"label": "x" * 46}]})
    assert wrong_modal(modal | {"components": [field, field]})
    assert wrong_modal(modal | {"components": [{"type": 2, "custom_id": "x"}]})


# ── commands


def option(name: str = "title", **more: Any) -> dict[str, Any]:
    return {"type": 3, "name": name, "description": "d", **more}


CHOSEN = {"choices": [{"name": "a", "value": "a"}]}
MANY = {"choices": [{"name": "n" * 90 + str(n), "value": str(n)} for n in range(20)]}


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ({"name": "Incident", "description": "d"}, "validation regex"),
        ({"name": "a b", "description": "d"}, "validation regex"),
        ({"name": "incident", "description": ""}, "between 1 and 100"),
        ({"name": "incident", "description": "d" * 101}, "between 1 and 100"),
        ({"options": [option(str(n)) for n in range(26)]}, "25 or fewer"),
        ({"options": [option("a"), option("b", required=True)]}, "before"),
        ({"options": [option(), option()]}, "unique"),
        ({"options": [option(), {**option("x"), "type": 1}]}, "beside others"),
        ({"options": [option(autocomplete=True, **CHOSEN)]}, "with choices"),
        ({"options": [option(f"o{n}", **MANY) for n in range(5)]}, "maximum size (8000)"),
        ({"name": "Add to timeline", "type": 3, "description": "no"}, "Context menu"),
    ],
)
def test_a_commands_definition_must_please(command: dict[str, Any], what: str) -> None:
    assert what in " ".join(wrong_commands([{"name": "incident", "description": "d"} | command]))


async def test_two_hundred_new_commands_a_day_and_no_more(server: FakeDiscord, bot: Bot) -> None:
    guild, state = guild_of(bot), bot.http
    for number in range(3):
        body: list[Any] = [{"name": f"c{number}-{n}", "description": "d"} for n in range(66)]
        made = await state.bulk_upsert_guild_commands(bot.application_id, guild.id, body)
        again = await state.bulk_upsert_guild_commands(bot.application_id, guild.id, body)
        assert [c["id"] for c in made] == [c["id"] for c in again]
    last: Any = [{"name": f"last{n}", "description": "d"} for n in range(3)]
    assert await refusal(state.bulk_upsert_guild_commands(bot.application_id, guild.id, last)) == 30034


# ── limits, faults


async def test_discord_py_waits_for_what_the_headers_say() -> None:
    async with FakeDiscord(speed=20) as server, connected(server) as bot:
        channel = here(bot, server.channel("general"))
        await asyncio.gather(*(channel.send(str(n)) for n in range(11)))
        assert len(server.posts("general")) == 11
        assert server.rates.refused == {}


async def test_a_name_changes_twice_in_ten_minutes() -> None:
    clock = ManualClock()
    async with FakeDiscord(now=clock.now) as server, connected(server, Bot(max_ratelimit_timeout=30.0)) as bot:
        channel = here(bot, server.channel("general"))
        await channel.edit(name="one")
        await channel.edit(topic="two")
        await channel.edit(topic="two")
        with pytest.raises(discord.RateLimited) as caught:
            await channel.edit(name="three")
        assert caught.value.retry_after == pytest.approx(600, abs=1)
        clock.advance(601)
        await channel.edit(name="four")
        assert server.violations == ["PATCH /channels/{channel_id} (name or topic): 429 x 1"]


async def test_fifty_a_second_in_all_is_the_global_limit() -> None:
    clock = ManualClock()
    async with FakeDiscord(now=clock.now) as server:
        taken = [server.rates.take("GET /channels/{channel_id}", str(n)) for n in range(51)]
        assert [v.scope for v in taken if v.wait] == ["global"]
        assert not server.rates.take("POST /interactions/{interaction_id}/{token}/callback", "x").wait
        for _ in range(10_000):
            server.rates.spoiled(403)
        assert server.rates.banned


async def test_trouble_comes_before_or_after_the_effect(server: FakeDiscord, bot: Bot) -> None:
    channel = here(bot, server.channel("general"))
    posts = "POST /channels/*/messages"
    server.faults.plan(posts, "reset")
    with pytest.raises(aiohttp.ClientError):
        await channel.send("lost")
    server.faults.plan(posts, "reset_after")
    with pytest.raises(aiohttp.ClientError):
        await channel.send("there all the same")
    server.faults.plan(posts, "timeout_after", seconds=0.01)
    with pytest.raises(aiohttp.ClientError):
        await channel.send("there, and never said")
    with server.faults.holding("* /channels/*", "http", status=520), pytest.raises(discord.DiscordServerError):
        await channel.send("refused, too")
    server.faults.plan(posts, "http", status=503)
    with pytest.raises(discord.DiscordServerError):
        await channel.send("refused")
    server.faults.plan(posts, "error", error=50001)
    assert await refusal(channel.send("no")) == 50001
    server.faults.plan(posts, "ratelimited", seconds=0.01)
    await channel.send("after a while")
    server.faults.plan(posts, "slow", seconds=0.01, when=lambda body: body.get("content") == "slow")
    await channel.send("quick")
    await channel.send("slow")
    assert [m.content for m in server.posts("general")] == [
        "there all the same",
        "there, and never said",
        "after a while",
        "quick",
        "slow",
    ]
    assert server.faults.planned[-1].hits == 1
