"""The fake Discord's gateway, tried with the real discord.py: sessions, intents, what is replayed, and what is lost."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest

from bot.clock import ManualClock
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.driving import Bot, connected, guild_of, here, pointed


def contents(bot: Bot) -> list[str]:
    return [message.content for message in bot.events("message")]


async def test_the_guild_arrives_with_what_the_app_sees(server: FakeDiscord) -> None:
    oncall = server.role("oncall", mentionable=True)
    robin = server.person("robin", oncall, nick="Rob")
    incidents = server.channel("Incidents", kind="category")
    server.channel("inc-1", parent=incidents)
    server.channel("forum", kind="forum", tags=["open"])
    server.channel("theirs", robin, private=True, with_app=False)
    async with connected(server) as bot:
        guild = guild_of(bot)
        assert sorted(channel.name for channel in guild.channels) == ["Incidents", "___hidden___", "forum", "inc-1"]
        assert sorted(channel.name for channel in await guild.fetch_channels()) == ["Incidents", "forum", "inc-1"]
        member = guild.get_member(int(robin.id))
        assert member is not None
        assert (member.display_name, [role.name for role in member.roles]) == ("Rob", ["@everyone", "oncall"])
        assert guild.me.guild_permissions.pin_messages
        assert bot.application_id == int(server.app.id)


async def test_what_happens_is_heard(server: FakeDiscord, bot: Bot) -> None:
    robin = server.person("robin", server.role("leads", ["PIN_MESSAGES", "MANAGE_CHANNELS"]))
    room = server.channel("general")
    said = robin.say(room, "hello", file=("log.txt", b"lines")).message
    assert said is not None
    robin.edit(said, "hello all")
    robin.react(said, "📌")
    robin.unreact(said, "📌")
    robin.pin(said)
    robin.delete(said)
    thread = robin.start_thread(room, "aside")
    robin.say(thread, "in the thread")
    robin.archive(thread)
    mika = server.person("mika")
    mika.leave()
    robin.remove(room)
    await server.until(lambda: bot.events("guild_channel_delete"))
    heard = [name for name, _ in bot.heard]
    wanted = (
        "guild_channel_create message raw_message_edit raw_reaction_add raw_reaction_remove guild_channel_pins_update "
        "raw_message_delete thread_create thread_update member_join raw_member_remove"
    )
    assert [name for name in wanted.split() if name not in heard] == []
    assert "in the thread" in contents(bot)
    assert await bot.events("message")[0].attachments[0].read() == b"lines"


@pytest.mark.parametrize("privileged", [True, False])
async def test_without_the_intent_words_are_empty_but_for_those_meant_for_the_app(privileged: bool) -> None:
    intents = discord.Intents.default()
    intents.message_content = privileged
    allowed = ["MESSAGE_CONTENT"] if privileged else []
    async with FakeDiscord(limits=False, privileged=allowed) as server, connected(server, Bot(intents=intents)) as bot:
        robin, room = server.person("robin"), server.channel("general")
        robin.say(room, "secret")
        robin.say(room, f"<@{server.app.user.id}> help")
        robin.say(robin.dm, "psst")
        await server.until(lambda: len(contents(bot)) == 3)
        words = ["secret" if privileged else "", f"<@{server.app.user.id}> help"]
        assert contents(bot) == [*words, "psst"]
        assert [m.content async for m in here(bot, room).history(oldest_first=True)] == words


async def test_a_privileged_intent_that_is_off_is_refused() -> None:
    async with FakeDiscord(limits=False, privileged=()) as server:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            async with connected(server):
                pass


async def test_a_token_that_dies_ends_the_client(server: FakeDiscord) -> None:
    with pointed(server):
        bot = Bot()
        await bot.login(server.app.token)
        server.app.token_trouble = True
        with pytest.raises(discord.ConnectionClosed) as caught:
            await bot.connect()
        assert caught.value.code == 4004
        await bot.close()


async def test_a_lost_socket_resumes_and_nothing_is_missed(server: FakeDiscord, bot: Bot) -> None:
    robin, room = server.person("robin"), server.channel("general")
    robin.say(room, "one")
    await server.until(lambda: contents(bot) == ["one"])
    server.gateway.abort()
    await server.until(lambda: server.gateway.open == 0)
    assert robin.say(room, "two").sent is False
    await server.until(lambda: contents(bot) == ["one", "two"], 10)
    assert (server.gateway.identified, server.gateway.resumed) == (1, 1)
    robin.say(room, "three")
    await server.until(lambda: contents(bot) == ["one", "two", "three"])


async def test_told_to_reconnect_it_resumes_and_told_it_is_over_it_starts_anew(server: FakeDiscord, bot: Bot) -> None:
    robin, room = server.person("robin"), server.channel("general")
    server.gateway.reconnect()
    await server.until(lambda: server.gateway.resumed == 1)
    robin.say(room, "one")
    await server.until(lambda: contents(bot) == ["one"])
    server.gateway.invalidate()
    await server.until(lambda: server.gateway.identified == 2, 10)
    await server.until(lambda: server.gateway.open == 1)
    robin.say(room, "two")
    await server.until(lambda: contents(bot) == ["one", "two"], 10)


async def test_away_too_long_a_session_is_gone_and_what_was_said_is_only_in_the_history() -> None:
    clock = ManualClock()
    async with FakeDiscord(limits=False, now=clock.now) as server, connected(server) as bot:
        robin, room = server.person("robin"), server.channel("general")
        async with server.away():
            robin.say(room, "unheard")
            clock.advance(600)
            with pytest.raises((aiohttp.ClientError, discord.HTTPException)):
                await here(bot, room).send("lost")
        await server.until(lambda: server.gateway.identified == 2, 20)
        robin.say(room, "heard")
        await server.until(lambda: "heard" in contents(bot), 10)
        assert contents(bot) == ["heard"]
        assert [m.content async for m in here(bot, room).history(oldest_first=True)] == ["unheard", "heard"]


async def test_members_are_asked_for_by_id_and_the_whole_list_needs_the_intent() -> None:
    async with FakeDiscord(limits=False, privileged=()) as server:
        robin = server.person("robin")
        async with connected(server, Bot(intents=discord.Intents.default())) as bot:
            (found,) = await guild_of(bot).query_members(user_ids=[int(robin.id)])
            assert found.name == "robin"
            with pytest.raises(discord.Forbidden):
                await bot.http.get_members(guild_of(bot).id, 10, None)
            server.kick()
            await server.until(lambda: bot.events("guild_remove"))


async def test_a_session_that_was_forgotten_starts_anew(server: FakeDiscord, bot: Bot) -> None:
    robin, room = server.person("robin"), server.channel("general")
    server.gateway.forget()
    await server.gateway.close_all(4000)
    await server.until(lambda: server.gateway.identified == 2, 20)
    robin.say(room, "heard")
    await server.until(lambda: "heard" in contents(bot), 10)
    assert server.violations == []


async def test_a_thousand_identifies_a_day_are_all_there_are(server: FakeDiscord) -> None:
    server.app.identifies_left = 1
    async with connected(server):
        assert server.app.identifies_left == 0
    with pytest.raises(discord.ConnectionClosed):
        async with connected(server):
            pass
    assert any("token is reset" in what for what in server.complaints)


async def told(socket: aiohttp.ClientWebSocketResponse, payload: Any) -> int | None:
    """The code a socket is closed with after a payload."""
    await socket.receive_json()
    await socket.send_str(payload if isinstance(payload, str) else json.dumps(payload))
    while (await socket.receive()).type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
        pass
    return socket.close_code


async def test_what_a_socket_may_not_say_closes_it(server: FakeDiscord) -> None:
    identify = {"token": server.app.token, "intents": 1, "properties": {"browser": "x"}}
    cases: list[tuple[Any, int]] = [
        ("nonsense", 4002),
        ({"op": 2, "d": {"pad": "x" * 5000}}, 4002),
        ({"op": 3, "d": {}}, 4003),
        ({"op": 2, "d": identify | {"token": "wrong"}}, 4004),
        ({"op": 2, "d": identify | {"intents": 1 << 40}}, 4013),
        ({"op": 6, "d": {"token": "wrong", "session_id": "x", "seq": 1}}, 4004),
    ]
    async with aiohttp.ClientSession() as session:
        for payload, code in cases:
            async with session.ws_connect(f"{server.gateway_url}?v=10&encoding=json") as socket:
                assert await told(socket, payload) == code
        async with session.ws_connect(f"{server.gateway_url}?v=9&encoding=json") as socket:
            await socket.receive()
            assert socket.close_code == 4012
        async with session.ws_connect(f"{server.gateway_url}?v=10&encoding=json") as socket:
            await socket.receive_json()
            for _ in range(121):
                await socket.send_json({"op": 1, "d": None})
            while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
            assert socket.close_code == 4008


async def test_two_identifies_within_five_seconds_are_one_too_many() -> None:
    async with FakeDiscord() as server, aiohttp.ClientSession() as session:
        identify = {"op": 2, "d": {"token": server.app.token, "intents": 1, "properties": {"browser": "x"}}}
        answers = []
        for _ in range(2):
            async with session.ws_connect(f"{server.gateway_url}?v=10&encoding=json") as socket:
                await socket.receive_json()
                await socket.send_json(identify)
                answers.append((await socket.receive_json())["op"])
        assert answers == [0, 9]


async def test_it_runs_by_itself_for_a_bot_of_another_process() -> None:
    command = [sys.executable, "-m", "tests.fakes.discord"]
    root = Path(__file__).resolve().parents[2]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=root)
    assert process.stdout is not None
    try:
        settings = dict([(await process.stdout.readline()).decode().strip().split("=", 1) for _ in range(3)])
        headers = {"Authorization": f"Bot {settings['DISCORD_BOT_TOKEN']}", "User-Agent": "DiscordBot (x, 1)"}
        guild = f"{settings['DISCORD_API_URL']}/guilds/{settings['DISCORD_GUILD_ID']}"
        async with aiohttp.ClientSession(headers=headers) as session, session.get(guild) as response:
            assert (await response.json())["name"] == "Acme"
    finally:
        process.terminate()
        await process.communicate()
