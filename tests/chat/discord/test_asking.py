"""Answers in Discord: at once, whole, privately, once; after a restart, too late, out of date or never heard of before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import discord
import pytest
from sqlalchemy import insert

from bot.catalog.loader import load
from bot.chat.discord.accounts import Accounts
from bot.chat.discord.answering import TOLD, Answering
from bot.chat.discord.asking import Asking
from bot.chat.discord.drawing import draw
from bot.chat.discord.tree import DECLARE_FROM_MESSAGE, NOTE_MESSAGE, SHORT
from bot.chat.views import Button, Notice, Reply
from bot.commands.dispatch import Dispatcher
from bot.storage import tables
from bot.storage.database import READERS
from tests.commands.world import CATALOG, World, world
from tests.fakes.discord import Answer, Channel, FakeDiscord, Message, Person
from tests.fakes.discord.driving import Bot, connected

POST = "POST /channels/{channel_id}/messages"


class Ours(Bot):
    """A client that has no menu yet: it gets ours."""

    def __init__(self) -> None:
        discord.Client.__init__(self, intents=discord.Intents.default())
        self._connection.guild_ready_timeout = 0.05
        self.heard = []


@dataclass(kw_only=True)
class Play:
    """Mika and Robin are in the catalogue, Alex is not."""

    here: World
    discord: FakeDiscord
    bot: Bot
    lobby: Channel
    mika: Person
    robin: Person
    alex: Person
    dispatchers: list[Dispatcher] = field(default_factory=list)

    async def opened(self, **fields: object) -> tuple[int, Channel]:
        number = await self.here.opened(**fields)
        channel = self.discord.channel(f"inc-{number}")
        row = {"incident": number, "platform": "discord", "name": channel.name, "external": channel.id, "state": "open"}
        async with self.here.database.transaction() as work:
            await work.connection.execute(insert(tables.rooms).values(row))
        return number, channel

    async def show(self, channel: Channel, *buttons: Button) -> Message:
        """A card of ours."""
        place = await self.bot.fetch_channel(int(channel.id))
        assert isinstance(place, discord.TextChannel)
        drawn = draw(Notice(text=("a card",), buttons=buttons))
        await place.send(view=drawn.view, allowed_mentions=drawn.allowed_mentions)
        return self.discord.posts(channel.name)[-1]

    async def status(self, number: int) -> str:
        return (await self.here.incident(number)).status


@asynccontextmanager
async def play(folder: Path) -> AsyncIterator[Play]:
    async with (
        world(folder) as here,
        FakeDiscord(limits=False, now=here.clock.now) as server,
        connected(server, Ours()) as bot,
    ):
        mika, robin = server.person("mika"), server.person("robin")
        made = Play(
            here=here,
            discord=server,
            bot=bot,
            lobby=server.channel("general"),
            mika=mika,
            robin=robin,
            alex=server.person("alex", global_name="Alex"),
        )
        text = CATALOG
        for name, person in (("mika", mika), ("robin", robin)):
            text = text.replace(f"  {name}: {{name", f'  {name}: {{discord: "{person.id}", name', 1)
        (folder / "catalog.yaml").write_text(text)
        here.catalogs.append(load(folder / "catalog.yaml"))
        await listen(made, bot)
        try:
            yield made
        finally:
            for dispatcher in made.dispatchers:
                await dispatcher.close()
        assert server.complaints == []
        assert not [one for one in server.happenings if one.failed]


async def listen(on: Play, bot: Bot) -> None:
    """As the bot does when it starts."""
    here = on.here
    services = here.services
    dispatcher = Dispatcher(services)
    on.dispatchers.append(dispatcher)
    asking = Asking(
        Accounts(services.catalog), here.database, dispatcher, services.catalog, services.metrics, here.clock
    )
    bot.tree = asking.attach(bot, discord.Object(int(on.discord.world.guild.id)))
    assert await asking.synchronise(bot.tree) == ""


@pytest.fixture
async def on(tmp_path: Path) -> AsyncIterator[Play]:
    async with play(tmp_path) as made:
        yield made


def pressable(answer: Answer) -> list[str]:
    found: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, list):
            for item in value:
                walk(item)
        elif isinstance(value, dict):
            if value.get("type") == 2 and "custom_id" in value:
                found.append(value["custom_id"])
            for item in value.values():
                walk(item)

    walk(answer.components)
    return found


# --- in time ----------------------------------------------------------------------------------------------------------


async def test_discord_is_answered_at_once_though_the_command_waits_and_whole_when_it_is_done(on: Play) -> None:
    number, room = await on.opened()
    async with on.here.database.transaction():  # everybody who writes has to wait
        asked = await on.mika.command("incident ack", room, note="looking")
        assert asked.response == 5
        assert asked.acked_after is not None
        assert asked.acked_after < 3
        assert asked.answers == []
    answer = await asked.answer()
    assert answer.private
    assert (
        "Acknowledged by Mika" in answer.shown or "You acknowledged" in answer.shown or "Acknowledged" in answer.shown
    )
    assert await on.status(number) == "acknowledged"


async def test_an_answer_after_fifteen_minutes_comes_by_direct_message(on: Play) -> None:
    number, room = await on.opened()
    async with on.here.database.transaction():
        asked = await on.mika.command("incident ack", room)
        on.here.clock.advance(901)
    await on.discord.until(lambda: on.mika.dm.messages)
    assert "Acknowledged" in on.mika.dm.messages[-1].shown
    assert await on.status(number) == "acknowledged"
    assert asked.answers == []
    assert on.discord.posts(room.name) == []


async def test_with_closed_direct_messages_the_room_is_told_that_there_was_an_answer_but_not_which(on: Play) -> None:
    _, room = await on.opened()
    closed = on.discord.person("closed", dms_open=False)
    async with on.here.database.transaction():
        await closed.command("incident ack", room)
        on.here.clock.advance(901)
    await on.discord.until(lambda: on.discord.posts(room.name))
    (told,) = on.discord.posts(room.name)
    assert "Ask again" in told.shown
    assert "Acknowledged" not in told.shown
    assert told.pinged == [closed.id]
    (said,) = on.discord.calls_of(POST, ok=True)[-1:]
    assert said.body["allowed_mentions"] == {"parse": [], "users": [int(closed.id)]}
    assert said.body["enforce_nonce"]


async def test_fifty_at_once_are_all_answered(on: Play) -> None:
    number, room = await on.opened()
    people = [on.discord.person(f"p{index}") for index in range(50)]
    verbs: list[dict[str, object]] = [{}, {}, {"text": "x"}]
    names = ("incident ack", "incident why", "incident note")
    asked = [person.command(names[index % 3], room, **verbs[index % 3]) for index, person in enumerate(people)]
    answers = [await (await one).answer() for one in asked]
    assert all(answer.private and answer.shown for answer in answers)
    assert all(one.acked_after is not None and one.acked_after < 3 for one in asked)
    assert number


async def test_what_discord_says_twice_is_done_once(on: Play) -> None:
    number, room = await on.opened()
    asked = await on.mika.command("incident note", room, text="rolled back")
    await asked.answer()
    on.discord.gateway.dispatch("INTERACTION_CREATE", asked.payload, None)
    await (await on.mika.command("incident why", room)).answer()
    assert sum("rolled back" in line for line in await on.here.story(number)) == 1


async def test_a_first_response_that_is_lost_on_the_way_does_not_cost_the_answer(on: Play) -> None:
    number, room = await on.opened()
    on.discord.faults.plan("POST /interactions/*/*/callback", "reset_after")
    asked = on.mika.command("incident ack", room)
    await on.discord.until(lambda: asked.answers or on.mika.dm.messages)
    assert await on.status(number) == "acknowledged"


# --- buttons ----------------------------------------------------------------------------------------------------------


async def test_a_button_is_the_command_that_could_be_typed_and_works_after_a_restart(on: Play) -> None:
    number, room = await on.opened()
    card = await on.show(room, Button(label="Acknowledge", command=f"ack INC-{number}"))
    await on.bot.close()
    async with connected(on.discord, Ours()) as again:
        await listen(on, again)
        answer = await (await on.mika.press(card, "Acknowledge")).answer()
    assert answer.private
    assert "Acknowledged" in answer.shown
    assert await on.status(number) == "acknowledged"


async def test_a_button_of_an_outdated_card_acts_on_what_is_true_now(on: Play) -> None:
    number, room = await on.opened()
    card = (await on.show(room, Button(label="Acknowledge", command=f"ack INC-{number}"))).frozen()
    await on.here.say("resolve fixed", room=number)
    answer = await (await on.mika.press(card, "Acknowledge")).answer()
    assert "Resolved" in answer.shown
    assert await on.status(number) == "resolved"


async def test_a_button_that_asks_first_does_nothing_before_the_second_press(on: Play) -> None:
    number, room = await on.opened()
    sure = Button(label="Resolve", command=f"resolve INC-{number}", confirm="3 alerts still fire.", style="danger")
    card = await on.show(room, sure)
    question = await (await on.mika.press(card, "Resolve")).answer()
    assert question.private
    assert "3 alerts still fire." in question.shown
    assert await on.status(number) == "open"
    await on.mika.press(question, "Not now")
    await on.discord.until(lambda: question.deleted)
    question = await (await on.mika.press(card, "Resolve")).answer()
    done = await (await on.mika.press(question, "Resolve")).answer()
    assert "Resolved INC-1" in done.shown
    assert pressable(done) == []  # it stands where the question stood
    assert await on.status(number) == "resolved"


async def test_what_had_no_place_as_a_button_is_chosen_from_the_menu(on: Play) -> None:
    number, room = await on.opened()
    many = [Button(label=f"Note {index}", command=f"note INC-{number} n{index}") for index in range(14)]
    card = await on.show(room, *many)
    answer = await (await on.mika.press(card, "s:more", f"m:note INC-{number} n12")).answer()
    assert "Noted" in answer.shown
    assert any("n12" in line for line in await on.here.story(number))


async def test_a_button_that_nobody_knows_any_more_is_answered(on: Play) -> None:
    place = await on.bot.fetch_channel(int(on.lobby.id))
    assert isinstance(place, discord.TextChannel)
    for custom_id in ("old:thing", "c99:", "a:no such verb:1:", "f:x", "z" * 100):
        view = discord.ui.View()
        view.add_item(discord.ui.Button(label="Old", custom_id=custom_id))
        view.stop()
        await place.send("old", view=view)
        answer = await (await on.mika.press(on.discord.posts("general")[-1], "Old")).answer()
        assert answer.private
        assert answer.shown


async def test_a_page_is_answered_in_the_direct_message(on: Play) -> None:
    number, _ = await on.opened()
    robin = await on.bot.fetch_user(int(on.robin.id))
    await robin.send(
        view=draw(Notice(text=("paged",), buttons=(Button(label="Take", command=f"ack INC-{number}"),))).view
    )
    answer = await (await on.robin.press(on.robin.dm.messages[-1], "Take")).answer()
    assert "Acknowledged" in answer.shown
    assert (await on.here.incident(number)).acknowledged_by == "robin"


async def test_a_role_counts_in_a_direct_message_too(on: Play, tmp_path: Path) -> None:
    number, _ = await on.opened()
    role = on.discord.role("SRE")
    sre = on.discord.person("kim", role)
    text = (tmp_path / "catalog.yaml").read_text()
    text = text.replace("{members: [sam]}", f"{{members: [sam], roles: {{discord: '{role.id}'}}}}")
    (tmp_path / "catalog.yaml").write_text(f"{text}permissions: {{ack: [team:web]}}\n")
    on.here.catalogs.append(load(tmp_path / "catalog.yaml"))
    for person, told in ((on.alex, "team web may"), (sre, "Acknowledged")):
        user = await on.bot.fetch_user(int(person.id))
        card = draw(Notice(text=("paged",), buttons=(Button(label="Take", command=f"ack INC-{number}"),)))
        await user.send(view=card.view)
        assert told in (await (await person.press(person.dm.messages[-1], "Take")).answer()).shown


async def test_an_answer_for_everybody_is_seen_by_everybody(on: Play) -> None:
    card = await on.show(on.lobby, Button(label="Tell", command="x"))

    async def tell(interaction: discord.Interaction) -> None:
        answer = Answering(interaction)
        await answer.defer()
        await answer.say(draw(Reply(text=("for all of you",), private=False)), private=False)

    on.bot.on_interaction = tell
    asked = await on.mika.press(card, "Tell")
    await on.discord.until(lambda: any("for all" in one.shown for one in asked.answers))
    assert [(one.private, one.shown) for one in asked.answers] == [(True, TOLD), (False, "for all of you")]


# --- forms ------------------------------------------------------------------------------------------------------------


async def test_a_verb_without_what_it_needs_opens_a_form_and_the_form_does_it(on: Play) -> None:
    opened = await (await on.mika.command("incident declare", on.lobby)).view()
    assert "Declare an incident" in opened.shown
    answer = await (await on.mika.submit({"argument:title": "checkout is slow", "argument:severity": "sev2"})).answer()
    assert "INC-1" in answer.shown
    assert (await on.here.incident(1)).title == "checkout is slow"


async def test_what_was_given_already_stands_in_the_form(on: Play) -> None:
    opened = await (await on.mika.command("incident silence add", on.lobby, duration="2h", reason="disks")).view()
    shown = str(opened.data)
    assert "disks" in shown
    assert "2h" in shown
    assert (await (await on.mika.submit({"argument:matcher": 'service="cart"'})).answer()).shown


async def test_a_form_that_cannot_be_run_says_why_and_opens_again_as_it_was_left(on: Play) -> None:
    await (await on.mika.command("incident silence add", on.lobby)).view()
    filled = {"argument:matcher": "cart", "argument:duration": "2h", "argument:reason": "disks"}
    refused = await (await on.mika.submit(filled)).answer()
    assert refused.private
    assert 'write service="cart"' in refused.shown
    again = await (await on.mika.press(refused, "Open the form again")).view()
    assert "disks" in str(again.data)
    preview = await (await on.mika.submit({"argument:matcher": 'service="cart"'})).answer()
    assert "would have muted" in preview.shown
    silenced = await (await on.mika.press(preview, "Silence")).answer()
    assert "S1" in silenced.shown


async def test_a_runbook_is_chosen_filled_in_and_asked_for(on: Play) -> None:
    number, room = await on.opened()
    menu = await (await on.mika.command("incident runbook run", room)).answer()
    assert menu.private
    opened = await (await on.mika.press(menu, "s:runbook", f"m:runbook run INC-{number} restart-checkout")).view()
    assert "instance" in opened.shown
    looked = await (await on.mika.submit({"parameter:instance": "checkout-1"})).answer()
    assert "restart-checkout" in looked.shown
    assert "Someone else of payments must approve" in looked.shown
    assert "checkout-1" in looked.shown


async def test_a_form_that_discord_does_not_open_is_words_instead(on: Play) -> None:
    on.discord.faults.plan("POST /interactions/*/*/callback", "http", status=400)
    asked = on.mika.command("incident declare", on.lobby)
    assert "Title is missing" in (await asked.answer()).shown


# --- messages ---------------------------------------------------------------------------------------------------------


async def test_a_message_is_put_on_the_timeline_once(on: Play) -> None:
    number, room = await on.opened()
    message = on.robin.say(room, "the **disk** is full, @everyone").message
    assert message is not None
    for _ in range(2):
        assert "Noted" in (await (await on.mika.menu(NOTE_MESSAGE, message)).answer()).shown
    assert sum("Robin Vos: the **disk** is full" in line for line in await on.here.story(number)) == 1


async def test_a_message_from_elsewhere_asks_for_which_incident(on: Play) -> None:
    number, _ = await on.opened()
    message = on.robin.say(on.lobby, "deploying now").message
    assert message is not None
    opened = await (await on.mika.menu(NOTE_MESSAGE, message)).view()
    assert "Robin Vos: deploying now" in str(opened.data)
    assert "Noted" in (await (await on.mika.submit({"incident": f"INC-{number}"})).answer()).shown
    assert "Robin Vos: deploying now" in (await on.here.story(number))[-1]


async def test_an_incident_is_declared_from_a_message(on: Play) -> None:
    message = on.alex.say(on.lobby, "checkout\nis slow").message
    assert message is not None
    await (await on.mika.menu(DECLARE_FROM_MESSAGE, message)).view()
    assert "INC-1" in (await (await on.mika.submit({})).answer()).shown
    assert (await on.here.incident(1)).title == "checkout is slow"


# --- while somebody types ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def slow(on: Play) -> AsyncIterator[None]:
    """A database that has no connection left to read with."""
    async with AsyncExitStack() as held:
        for _ in range(READERS):
            await held.enter_async_context(on.here.database.reading())
        yield


async def test_nothing_is_offered_rather_than_too_late(on: Play) -> None:
    number, room = await on.opened()
    assert (await on.mika.type_ahead("incident ack", room, "incident", "")).choices[0]["value"] == f"INC-{number}"
    async with slow(on):
        assert (await on.mika.type_ahead("incident ack", room, "incident", "")).choices == []


async def test_a_form_opens_in_time_though_what_could_be_offered_in_it_does_not_come(on: Play) -> None:
    async with slow(on):
        asked = await on.mika.command("incident page", on.lobby)
        assert "Page somebody" in (await asked.view()).shown


async def test_a_server_that_does_not_let_us_have_commands_is_said_with_the_way_out(on: Play) -> None:
    here, services = on.here, on.here.services
    asking = Asking(
        Accounts(services.catalog),
        here.database,
        on.dispatchers[0],
        services.catalog,
        services.metrics,
        here.clock,
        short=SHORT,
    )
    client = Ours()
    await on.bot.close()
    on.discord.commands_scope = False
    async with connected(on.discord, client):
        tree = asking.attach(client, discord.Object(int(on.discord.world.guild.id)))
        assert "applications.commands" in await asking.synchronise(tree)
        on.discord.commands_scope = True
        assert await asking.synchronise(tree) == ""
        assert "Acknowledged" in (await (await on.mika.command("ack", (await on.opened())[1])).answer()).shown


async def test_a_menu_that_is_older_than_we_are_is_said_to_be(on: Play) -> None:
    guild = int(on.discord.world.guild.id)
    old = [
        {
            "name": "incident",
            "description": "x",
            "type": 1,
            "options": [{"type": 1, "name": "gone", "description": "x"}],
        }
    ]
    await on.bot.http.bulk_upsert_guild_commands(on.bot.application_id, guild, old)
    answer = await (await on.mika.command("incident gone", on.lobby)).answer()
    assert "older than Muster" in answer.shown
