"""What people do with an app on the fake Discord, answered by the real discord.py: commands, buttons, menus, modals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import discord
import pytest
from discord import app_commands

from bot.clock import ManualClock
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.driving import Bot, card, connected, guild_of, here, refusal, rows

Heard = discord.Interaction[Any]


def answering(bot: Bot, answer: Callable[[Heard], Awaitable[Any]]) -> list[int]:
    """Answer every button and menu so; the codes that came back for what was refused."""
    codes: list[int] = []

    async def on_interaction(interaction: Heard) -> None:
        if interaction.type in (discord.InteractionType.component, discord.InteractionType.modal_submit):
            try:
                await answer(interaction)
            except discord.HTTPException as no:
                codes.append(no.code)

    bot.event(on_interaction)
    return codes


@pytest.fixture
async def declared(server: FakeDiscord, bot: Bot) -> AsyncIterator[list[dict[str, Any]]]:
    """An app with `/incident declare`, `/incident runbook run`, two context menus; what it was given."""
    given: list[dict[str, Any]] = []
    incident = app_commands.Group(name="incident", description="Incidents")
    runbook = app_commands.Group(name="runbook", description="Runbooks", parent=incident)

    @incident.command(description="Declare an incident")
    @app_commands.choices(
        severity=[app_commands.Choice(name="high", value=1), app_commands.Choice(name="low", value=2)]
    )
    async def declare(
        interaction: Heard,
        title: app_commands.Range[str, 3, 100],
        severity: int | None = None,
        lead: discord.Member | None = None,
        room: discord.TextChannel | None = None,
        graph: discord.Attachment | None = None,
    ) -> None:
        given.append({"title": title, "severity": severity, "lead": lead, "room": room})
        given[-1]["graph"] = await graph.read() if graph else b""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await interaction.followup.send(f"declared {title}", ephemeral=True)

    @runbook.command(description="Run a runbook")
    async def run(interaction: Heard, name: str) -> None:
        given.append({"name": name})
        await interaction.response.send_message(f"ran {name}")

    @run.autocomplete("name")
    async def names(interaction: Heard, current: str) -> list[app_commands.Choice[str]]:
        every = [f"restart-{n}" for n in range(30)]
        return [app_commands.Choice(name=n, value=n) for n in every if current in n][:25]

    @app_commands.context_menu(name="Add to timeline")
    async def add(interaction: Heard, message: discord.Message) -> None:
        given.append({"message": message.content})
        await interaction.response.send_message("added", ephemeral=True)

    @app_commands.context_menu(name="Page")
    async def page(interaction: Heard, member: discord.Member) -> None:
        given.append({"member": member.id})
        await interaction.response.send_message("paged", ephemeral=True)

    for command in (incident, add, page):
        bot.tree.add_command(command, guild=guild_of(bot))
    await bot.tree.sync(guild=guild_of(bot))
    yield given
    assert server.violations == []


async def test_a_command_carries_typed_options_and_its_answer_is_private(
    server: FakeDiscord, bot: Bot, declared: list[dict[str, Any]]
) -> None:
    robin, room = server.person("robin"), server.channel("general")
    options = {"title": "Pager", "severity": "high", "lead": robin, "room": room, "graph": ("g.png", b"png")}
    done = await robin.command("incident declare", room, **options)
    answer = await done.answer()
    assert (answer.shown, answer.private, answer.how, done.deferred) == ("declared Pager", True, "response", True)
    assert server.posts(room) == []
    assert [answer.shown for answer in robin.private] == ["declared Pager"]
    (given,) = declared
    assert (given["title"], given["severity"], given["graph"]) == ("Pager", 1, b"png")
    assert (given["lead"].id, given["room"].id) == (int(robin.id), int(room.id))


async def test_a_client_lets_nobody_send_what_the_definition_forbids(
    server: FakeDiscord, bot: Bot, declared: list[dict[str, Any]]
) -> None:
    robin, room = server.person("robin"), server.channel("general")
    for options in ({}, {"title": "ab"}, {"title": "Pager", "severity": "mild"}, {"title": "Pager", "lead": "robin"}):
        with pytest.raises(ValueError, match=r"required|characters|none of|kind"):
            robin.command("incident declare", room, **options)
    for path, options in (("incident", {}), ("incident shout", {}), ("incident declare", {"titel": "x"}), ("inc", {})):
        with pytest.raises(LookupError):
            robin.command(path, room, **options)
    with pytest.raises(PermissionError):
        robin.command("incident declare", server.channel("secret", private=True), title="Pager")
    assert declared == []


async def test_what_is_typed_is_completed(server: FakeDiscord, bot: Bot, declared: list[dict[str, Any]]) -> None:
    robin, room = server.person("robin"), server.channel("general")
    done = await robin.type_ahead("incident runbook run", room, "name", "restart-1")
    assert [choice["value"] for choice in done.choices][:2] == ["restart-1", "restart-10"]
    ran = await robin.command("incident runbook run", room, name="restart-1")
    assert (await ran.answer()).private is False
    assert [m.shown for m in server.posts(room)] == ["ran restart-1"]


async def test_menus_of_messages_and_people(server: FakeDiscord, declared: list[dict[str, Any]]) -> None:
    robin, mika, room = server.person("robin"), server.person("mika"), server.channel("general")
    said = mika.say(room, "it began at nine").message
    assert said is not None
    await robin.menu("Add to timeline", said)
    await robin.menu("Page", mika)
    assert declared == [{"message": "it began at nine"}, {"member": int(mika.id)}]


async def test_nobody_hears_what_no_app_answers_in_three_seconds() -> None:
    async with FakeDiscord(limits=False, ack_seconds=0.05) as server, connected(server) as bot:
        robin, room = server.person("robin"), server.channel("general")
        held = asyncio.Event()

        async def late(interaction: Heard) -> None:
            await held.wait()
            await interaction.response.send_message("late")

        codes = answering(bot, late)
        await here(bot, room).send(view=card("INC-1", rows(1)))
        done = await robin.press(server.posts(room)[0], "b0")
        assert (done.failed, server.unanswered) == ("no_response", [done])
        held.set()
        await server.until(lambda: codes)
        assert codes == [10062]


async def test_a_token_lives_fifteen_minutes_and_is_answered_once() -> None:
    clock = ManualClock()
    async with FakeDiscord(limits=False, now=clock.now) as server, connected(server) as bot:
        robin, room = server.person("robin"), server.channel("general")
        kept: list[Heard] = []

        async def answer(interaction: Heard) -> None:
            kept.append(interaction)
            await interaction.response.send_message("first", ephemeral=True)

        answering(bot, answer)
        await here(bot, room).send(view=card("INC-1", rows(1)))
        done = await robin.press(server.posts(room)[0], "b0")
        await server.until(lambda: kept and kept[0].response.is_done())
        (interaction,) = kept
        interaction.response._response_type = None  # as a second process would: it does not know of the first answer
        assert await refusal(interaction.response.send_message("twice")) == 40060
        clock.advance(890)
        await interaction.followup.send("still", ephemeral=True)
        await interaction.edit_original_response(content="changed")
        assert [(a.shown, a.how, a.edits) for a in done.answers] == [
            ("changed", "response", 1),
            ("still", "followup", 0),
        ]
        await interaction.delete_original_response()
        assert done.answers[0].deleted
        clock.advance(20)
        assert await refusal(interaction.followup.send("dead")) == 50027
        done = robin.press(server.posts(room)[0], "b0")
        clock.advance(4)
        assert (await robin.press(server.posts(room)[0], "b0")).response == 4


async def test_a_button_changes_its_message_and_an_outdated_screen_still_presses(server: FakeDiscord, bot: Bot) -> None:
    robin, room = server.person("robin"), server.channel("general")
    await here(bot, room).send(view=card("INC-1", rows(2)))
    old = server.posts(room)[0].frozen()

    async def change(interaction: Heard) -> None:
        await interaction.response.edit_message(view=card(f"INC-1 {(interaction.data or {}).get('custom_id')}"))

    codes = answering(bot, change)
    done = await robin.press(server.posts(room)[0], "b0")
    assert (done.response, (await done.answer()).how) == (7, "update")
    assert server.posts(room)[0].shown == "INC-1 m:b0"
    with pytest.raises(LookupError):
        robin.press(server.posts(room)[0], "b1")
    await robin.press(old, "b1")
    assert server.posts(room)[0].shown == "INC-1 m:b1"
    assert codes == []


async def test_a_private_answer_has_buttons_that_only_its_reader_presses(server: FakeDiscord, bot: Bot) -> None:
    robin, mika, room = server.person("robin"), server.person("mika"), server.channel("general")
    await here(bot, room).send(view=card("INC-1", rows(1)))

    async def ask(interaction: Heard) -> None:
        if interaction.message is not None and interaction.message.flags.ephemeral:
            await interaction.response.edit_message(view=card("done"))
        else:
            await interaction.response.send_message(view=card("Sure?", rows(2)), ephemeral=True)

    codes = answering(bot, ask)
    sure = await (await robin.press(server.posts(room)[0], "b0")).answer()
    with pytest.raises(PermissionError):
        mika.press(sure, "b1")
    await robin.press(sure, "b1")
    assert (sure.shown, sure.private, codes) == ("done", True, [])
    assert len(server.posts(room)) == 1


async def test_an_answer_pings_users_only_and_none_once_it_was_deferred(server: FakeDiscord, bot: Bot) -> None:
    oncall = server.role("oncall", mentionable=True)
    robin, room = server.person("robin"), server.channel("general")
    server.person("mika", oncall)
    kim = server.person("kim")
    await here(bot, room).send(view=card("INC-1", rows(2)))
    words = f"{kim.mention} <@&{oncall.id}> @everyone"

    async def answer(interaction: Heard) -> None:
        if (interaction.data or {}).get("custom_id") == "m:b0":
            await interaction.response.send_message(words)
        else:
            await interaction.response.defer(thinking=True)
            await interaction.followup.send(words)

    codes = answering(bot, answer)
    for name, who in (("b0", [kim.id]), ("b1", [])):
        said = await (await robin.press(server.posts(room)[0], name)).answer()
        assert (said.message.content, said.message.pinged) == (words, who)
    assert codes == []


async def test_a_menu_gives_what_was_chosen(server: FakeDiscord, bot: Bot) -> None:
    robin, room = server.person("robin"), server.channel("general")
    options = [discord.SelectOption(label=f"Severity {n}", value=str(n)) for n in (1, 2, 3)]
    severity = discord.ui.Select[Any](custom_id="s:severity", placeholder="Severity", options=options, max_values=2)
    people = discord.ui.UserSelect[Any](custom_id="s:lead", placeholder="Lead")
    await here(bot, room).send(view=card("INC-1", discord.ui.ActionRow(severity), discord.ui.ActionRow(people)))
    chosen: list[Any] = []

    async def take(interaction: Heard) -> None:
        chosen.append((interaction.data or {}).get("values"))
        await interaction.response.defer()

    answering(bot, take)
    (message,) = server.posts(room)
    await robin.press(message, "s:severity", ["Severity 1", "2"])
    await robin.press(message, "Severity 3")
    await robin.press(message, "Lead", robin)
    assert chosen == [["1", "2"], ["3"], [robin.id]]
    with pytest.raises(ValueError, match="values chosen"):
        robin.press(message, "s:severity", ["1", "2", "3"])


class Declare(discord.ui.Modal, title="Declare an incident"):
    what = discord.ui.Label[Any](text="Title", component=discord.ui.TextInput(custom_id="title", min_length=3))
    how_bad = discord.ui.Label[Any](
        text="Severity",
        component=discord.ui.Select(
            custom_id="severity", options=[discord.SelectOption(label=f"SEV{n}", value=str(n)) for n in (1, 2)]
        ),
    )
    got: tuple[str, list[str]] | None = None

    async def on_submit(self, interaction: Heard) -> None:
        title, severity = self.what.component, self.how_bad.component
        assert isinstance(title, discord.ui.TextInput)
        assert isinstance(severity, discord.ui.Select)
        self.got = (title.value, severity.values)
        await interaction.response.edit_message(view=card("declared"))


async def test_a_modal_is_filled_in_and_changes_the_message_it_came_from(server: FakeDiscord, bot: Bot) -> None:
    robin, room = server.person("robin"), server.channel("general")
    await here(bot, room).send(view=card("INC-1", rows(1)))
    modal = Declare()

    async def ask(interaction: Heard) -> None:
        if interaction.type is discord.InteractionType.component:
            await interaction.response.send_modal(modal)

    answering(bot, ask)
    done = await robin.press(server.posts(room)[0], "b0")
    view = await done.view()
    assert view.shown.splitlines() == ["Declare an incident", "Title", "Severity", "SEV1", "SEV2"]
    with pytest.raises(ValueError, match="required"):
        robin.submit({"severity": "1"})
    with pytest.raises(ValueError, match="too few"):
        robin.submit({"Title": "ab", "Severity": "SEV1"})
    with pytest.raises(LookupError):
        robin.submit({"Titel": "abc"})
    assert robin.modal is view
    await robin.submit({"Title": "Checkout is down", "Severity": "SEV2"})
    assert modal.got == ("Checkout is down", ["2"])
    assert robin.modal is None
    assert server.posts(room)[0].shown == "declared"


async def test_a_response_must_fit_what_was_done(server: FakeDiscord, bot: Bot) -> None:
    robin, room = server.person("robin"), server.channel("general")

    async def wrong(interaction: Heard) -> None:
        await interaction.response.autocomplete([])

    codes = answering(bot, wrong)
    await here(bot, room).send(view=card("INC-1", rows(1)))

    async def long(interaction: Heard) -> None:
        await interaction.response.send_message("x" * 2001)

    async def unanswered(interaction: Heard) -> None:
        await interaction.followup.send("too early")

    robin.press(server.posts(room)[0], "b0")
    codes += answering(bot, unanswered) + answering(bot, long)
    robin.press(server.posts(room)[0], "b0")
    await server.until(lambda: server.errors)
    assert set(server.errors) == {("POST /interactions/{interaction_id}/{token}/callback", 50035)}


async def test_a_button_in_a_direct_message_names_the_person(server: FakeDiscord, bot: Bot) -> None:
    robin = server.person("robin")
    await (await bot.fetch_user(int(robin.id))).send(view=card("You are paged", rows(1)))
    pressed: list[Any] = []

    async def take(interaction: Heard) -> None:
        pressed.append((interaction.user.id, interaction.guild_id))
        await interaction.response.send_message("acknowledged")

    answering(bot, take)
    await robin.press(robin.dm.messages[0], "b0")
    assert pressed == [(int(robin.id), None)]
    assert [m.shown for m in robin.pings][1:] == ["acknowledged"]


async def test_fifty_people_press_at_once_and_each_is_answered(server: FakeDiscord, bot: Bot) -> None:
    room = server.channel("general")
    await here(bot, room).send(view=card("INC-1", rows(1)))

    async def take(interaction: Heard) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await interaction.followup.send(f"hello {interaction.user.name}")

    answering(bot, take)
    people = [server.person(f"p{n}") for n in range(50)]
    done = [person.press(server.posts(room)[0], "b0") for person in people]
    answers = await asyncio.gather(*(one.answer() for one in done))
    assert [answer.shown for answer in answers] == [f"hello p{n}" for n in range(50)]
    assert server.unanswered == []
