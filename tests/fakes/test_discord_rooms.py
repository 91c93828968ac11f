"""Rooms on the fake Discord, tried with the real discord.py: channels, permissions, pins, threads, forums, direct messages."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from bot.clock import ManualClock
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.driving import Bot, card, connected, guild_of, here, refusal

# ── channels and permissions


async def test_a_category_holds_fifty_and_a_guild_five_hundred(server: FakeDiscord, bot: Bot) -> None:
    guild = guild_of(bot)
    incidents = await guild.create_category("Incidents")
    for number in range(50):
        server.channel(f"inc-{number}", parent=server.world.channels[str(incidents.id)])
    with pytest.raises(discord.HTTPException, match="category"):
        await guild.create_text_channel("one-more", category=incidents)
    server.channel_cap = 52
    await guild.create_text_channel("elsewhere")
    assert await refusal(guild.create_text_channel("the-wall")) == 30013


async def test_names_and_topics_have_lengths_and_names_are_made_plain(server: FakeDiscord, bot: Bot) -> None:
    guild = guild_of(bot)
    made = await guild.create_text_channel("INC 42: Checkout is down!")
    assert made.name == "inc-42-checkout-is-down"
    assert await refusal(guild.create_text_channel("n" * 101)) == 50035
    assert await refusal(guild.create_text_channel("ok", topic="t" * 1025)) == 50035
    assert await refusal(made.edit(topic="t" * 1025)) == 50035
    await made.delete()
    assert server.world.named("inc-42-checkout-is-down") is None


async def test_a_private_channel_is_seen_by_whom_it_names(server: FakeDiscord, bot: Bot) -> None:
    robin, mika, guild = server.person("robin"), server.person("mika"), guild_of(bot)
    hidden = discord.PermissionOverwrite(view_channel=False)
    seen = discord.PermissionOverwrite(view_channel=True, send_messages=True)
    over: dict[Any, Any] = {
        guild.default_role: hidden,
        guild.me: seen,
        discord.Object(int(robin.id), type=discord.Member): seen,
    }
    made = await guild.create_text_channel("secret", overwrites=over)
    assert robin.sees("secret")
    assert not mika.sees("secret")
    with pytest.raises(PermissionError):
        mika.say("secret", "hello?")
    await made.set_permissions(await guild.fetch_member(int(mika.id)), overwrite=seen)
    assert mika.sees("secret")
    shut = server.channel("theirs", robin, private=True, with_app=False)
    assert await refusal(bot.fetch_channel(int(shut.id))) == 50001


async def test_an_app_gives_only_what_it_has(server: FakeDiscord, bot: Bot) -> None:
    guild = guild_of(bot)
    over: Any = {guild.default_role: discord.PermissionOverwrite(kick_members=True)}
    await guild.create_text_channel("may", overwrites=over)
    server.deny("KICK_MEMBERS")
    assert await refusal(guild.create_text_channel("may-not", overwrites=over)) == 50013
    assert server.lacked == {"KICK_MEMBERS"}
    server.deny("MANAGE_CHANNELS")
    assert await refusal(guild.create_text_channel("nothing")) == 50013


async def test_pins_want_their_own_permission_and_end_at_250(server: FakeDiscord, bot: Bot) -> None:
    robin, room = server.person("robin"), server.channel("general")
    for number in range(251):
        robin.say(room, str(number))
    posts = [here(bot, room).get_partial_message(int(m.id)) for m in server.posts(room)]
    for message in posts[:250]:
        await message.pin()
    assert await refusal(posts[250].pin()) == 30003
    assert len([m async for m in here(bot, room).pins(limit=None)]) == 250
    await posts[0].unpin()
    server.deny("PIN_MESSAGES")
    assert await refusal(posts[250].pin()) == 50013


async def test_twenty_different_reactions_are_the_most(server: FakeDiscord, bot: Bot) -> None:
    robin, room = server.person("robin"), server.channel("general")
    said = robin.say(room, "look").message
    assert said is not None
    message = here(bot, room).get_partial_message(int(said.id))
    for number in range(20):
        await message.add_reaction(chr(0x1F400 + number))
    assert await refusal(message.add_reaction("📌")) == 30010
    assert await refusal(message.add_reaction("pushpin")) == 10014


# ── threads and forums


async def test_an_archived_thread_is_not_edited_but_opens_when_spoken_to(server: FakeDiscord, bot: Bot) -> None:
    room = server.channel("general")
    thread = await here(bot, room).create_thread(name="inc-1", type=discord.ChannelType.public_thread)
    said = await thread.send("first")
    await thread.edit(archived=True)
    assert await refusal(said.edit(content="late")) == 50083
    assert await refusal(said.delete()) == 50083
    assert await refusal(thread.edit(name="inc-2")) == 50083
    await thread.send("second")
    assert server.world.channels[str(thread.id)].archived is False
    await thread.edit(archived=True, locked=True)
    server.deny("MANAGE_THREADS")
    assert await refusal(thread.send("third")) == 160005
    assert await refusal(thread.edit(archived=False)) == 160005
    server.thread_cap = 0
    assert await refusal(here(bot, room).create_thread(name="x", type=discord.ChannelType.public_thread)) == 160006


async def test_a_thread_rests_by_itself_and_what_nobody_typed_is_no_post() -> None:
    clock = ManualClock()
    async with FakeDiscord(limits=False, now=clock.now) as server, connected(server) as bot:
        robin, room = server.person("robin"), server.channel("general")
        thread = await here(bot, room).create_thread(name="inc-1", type=discord.ChannelType.public_thread)
        kept = server.world.channels[str(thread.id)]
        said = await thread.send("first")
        await thread.edit(name="inc-2")
        await thread.add_user(discord.Object(int(robin.id)))
        assert [m["type"] for m in room.messages] == [18]
        assert [m["type"] for m in kept.messages] == [0, 4, 1]
        assert (server.posts(room), [m.shown for m in server.posts(kept)]) == ([], ["first"])
        clock.advance(4 * 86_400)
        assert await refusal(said.edit(content="days later")) == 50083
        assert kept.archived


async def test_archived_threads_are_found_in_pages(server: FakeDiscord, bot: Bot) -> None:
    robin, room = server.person("robin"), server.channel("general")
    for number in range(5):
        robin.archive(robin.start_thread(room, f"t{number}"))
    robin.start_thread(room, "open")
    found = [thread.name async for thread in here(bot, room).archived_threads(limit=None)]
    assert found == ["t4", "t3", "t2", "t1", "t0"]
    assert [thread.name for thread in await guild_of(bot).active_threads()] == ["open"]


async def test_a_forum_may_want_a_tag(server: FakeDiscord, bot: Bot) -> None:
    forum = server.channel("incidents", kind="forum", tags=["open", "closed"], require_tag=True)
    channel = bot.get_channel(int(forum.id)) or await bot.fetch_channel(int(forum.id))
    assert isinstance(channel, discord.ForumChannel)
    assert await refusal(channel.create_thread(name="INC-1", content="down")) == 40067
    post = await channel.create_thread(name="INC-1", view=card("# INC-1"), applied_tags=[channel.available_tags[0]])
    assert post.message.id == post.thread.id
    assert server.posts("INC-1")[0].shown == "# INC-1"
    await post.thread.edit(applied_tags=[channel.available_tags[1]])
    assert server.world.channels[str(post.thread.id)].applied_tags == [forum.tags[1]["id"]]
    assert await refusal(bot.http.send_message(channel.id, params=discord.http.handle_message_parameters("x"))) == 50008


async def test_people_come_into_threads_when_brought_or_named(server: FakeDiscord, bot: Bot) -> None:
    robin, mika, room = server.person("robin"), server.person("mika"), server.channel("general")
    thread = await here(bot, room).create_thread(name="secret", type=discord.ChannelType.private_thread)
    assert not robin.sees("secret")
    await thread.add_user(discord.Object(int(robin.id)))
    await thread.send(mika.mention)
    assert (robin.sees("secret"), mika.sees("secret")) == (True, True)
    await thread.remove_user(discord.Object(int(mika.id)))
    assert not mika.sees("secret")
    assert await refusal(thread.add_user(discord.Object(1))) == 10007


async def test_closed_direct_messages_say_so(server: FakeDiscord, bot: Bot) -> None:
    robin, mika = server.person("robin"), server.person("mika", dms_open=False)
    await (await bot.fetch_user(int(robin.id))).send("page")
    assert [m.content for m in robin.pings] == ["page"]
    assert await refusal((await bot.fetch_user(int(mika.id))).send("page")) == 50007
