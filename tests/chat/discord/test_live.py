"""What `muster check --live` says about Discord's token, the app's permissions, and what the catalogue names there."""

from __future__ import annotations

from bot.catalog.catalog import Catalog
from bot.catalog.model import DiscordRooms, Rooms
from bot.chat.discord.live import look
from bot.chat.discord.manifest import permission_bits
from bot.settings import load_settings
from tests.fakes.discord import FakeDiscord

BITS = permission_bits()


async def said(fake: FakeDiscord, rooms: Rooms | None = None, **more: str) -> str:
    settings = load_settings({"DISCORD_BOT_TOKEN": fake.app.token, "DISCORD_API_URL": fake.api_url} | more)
    return "\n".join([problem async for problem in look(settings, Catalog(rooms=rooms or Rooms()))])


async def test_nothing_is_wrong_with_the_app_of_the_manifest() -> None:
    async with FakeDiscord(permissions=BITS) as fake:
        assert await said(fake) == ""
        assert {record.method for record in fake.calls} == {"GET"}
        assert fake.violations == []


async def test_each_missing_permission_is_named_with_what_it_is_for_and_a_way_out() -> None:
    async with FakeDiscord(permissions=BITS) as fake:
        fake.deny("PIN_MESSAGES", "MANAGE_ROLES")
        words = await said(fake)
        assert words.count("\n") == 1
        assert "lacks the permission Pin Messages (pin the card" in words
        assert "lacks the permission Manage Roles" in words
        assert f"client_id={fake.app.id}&scope=bot+applications.commands&permissions={BITS}&guild_id=" in words


async def test_without_the_message_content_intent_it_says_what_is_lost_and_that_all_else_works() -> None:
    async with FakeDiscord(permissions=BITS, privileged=()) as fake:
        words = await said(fake)
        assert words.startswith("note: the Message Content Intent is off")
        assert "no transcript" in words


async def test_a_token_that_discord_does_not_accept_is_told() -> None:
    async with FakeDiscord() as fake:
        words = await said(fake, DISCORD_BOT_TOKEN="0123456789abcdef")
        assert "Discord does not accept it, and it does not look like a bot's" in words


async def test_a_server_that_muster_is_not_in_is_told_with_the_way_in() -> None:
    async with FakeDiscord() as fake:
        words = await said(fake, DISCORD_GUILD_ID="1180351110224678912")
        assert "no member of the server 1180351110224678912" in words
        assert "https://discord.com/oauth2/authorize?client_id=" in words


async def test_what_the_catalogue_names_is_looked_for() -> None:
    async with FakeDiscord(permissions=BITS) as fake:
        talk = fake.channel("talk")
        forum = Rooms(discord=DiscordRooms(kind="forum", channel=talk.id), announce={"discord": "#nowhere"})
        words = await said(fake, forum)
        assert "(talk) is no forum" in words
        assert "rooms.announce.discord: There is no channel #nowhere" in words
        gone = Rooms(discord=DiscordRooms(kind="thread", channel="1180351110224678912"))
        assert "is no channel of" in await said(fake, gone)


async def test_an_app_without_the_scope_of_commands_is_told() -> None:
    async with FakeDiscord(permissions=BITS) as fake:
        fake.commands_scope = False
        assert "slash commands may not be made" in await said(fake)
