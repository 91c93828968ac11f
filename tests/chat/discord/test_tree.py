"""What people choose in Discord's menu: each verb as it could be typed, answered to them alone, offered while they type."""

from __future__ import annotations

from pathlib import Path

import discord
import pytest

from bot.chat.discord.options import options
from bot.chat.discord.tree import DECLARE_FROM_MESSAGE, NOTE_MESSAGE, SHORT, MenuTree, payload
from bot.commands.chosen import usage
from bot.commands.definition import Argument, Kind
from bot.commands.menu import Entry, entries
from bot.commands.registry import by_name, discover
from tests.chat.discord import specs
from tests.chat.discord.stage import Stage, shown, stage
from tests.fakes.discord import wrong_commands

MENU = entries(discover())
EVERY = pytest.mark.parametrize("entry", MENU, ids=[entry.words for entry in MENU])


def example(argument: Argument, on: Stage) -> object:
    match argument.kind:
        case Kind.PERSON:
            return on.people["robin"]
        case Kind.INTEGER:
            return 1
        case Kind.FLAG:
            return True
        case Kind.CHOICE:
            return argument.choices[0]
        case kind:
            return {
                Kind.TARGET: "checkout",
                Kind.SERVICE: "checkout",
                Kind.INCIDENT: "INC-2",
                Kind.DURATION: "2h",
                Kind.SEVERITY: "sev3",
                Kind.RUNBOOK: "show-disk",
                Kind.RUN: "R1",
                Kind.SILENCE: "S1",
                Kind.PAGE: "P1",
                Kind.MATCHERS: 'service="cart"',
                Kind.ALERTS: "A11",
                Kind.KEY_VALUES: "a=b",
                Kind.FORMAT: "md",
                Kind.VERB: "ack",
            }.get(kind, "words of some kind")


class Nobody:
    """Is asked nothing."""

    async def command(self, *_: object) -> None: ...
    async def suggest(self, *_: object) -> list[discord.app_commands.Choice[str]]:
        return []

    async def note_message(self, *_: object) -> None: ...
    async def declare_from_message(self, *_: object) -> None: ...
    async def outdated(self, *_: object) -> None: ...


@EVERY
async def test_every_verb_can_be_chosen_and_is_answered_to_the_one_who_asked(entry: Entry, tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        _, room = await on.opened()
        await on.opened()
        given = {one.name: example(one.argument, on) for one in options(entry) if one.name != "incident"}
        told = await on.ask(entry.words, room, **given)
        assert told
        assert "Something went wrong" not in told
        assert "is missing" not in told


@EVERY
async def test_nothing_but_what_is_needed_has_to_be_filled_in(entry: Entry, tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        _, room = await on.opened()
        needed = {one.name: example(one.argument, on) for one in options(entry) if one.required}
        done = await on.mika.slash(room, f"incident {entry.words}", **needed)
        if done.modal is not None:
            specs.check_modal(done.modal)
        else:
            assert shown(done)


async def test_the_menu_is_what_discord_takes() -> None:
    client = discord.Client(intents=discord.Intents.default())
    told = payload(MenuTree(client, Nobody(), by_name(), guild=discord.Object(1), short=SHORT))
    assert wrong_commands(told) == []
    for command in told:
        specs.check("ApplicationCommandUpdateRequest", command)
    assert [command["name"] for command in told] == ["incident", *SHORT, NOTE_MESSAGE, DECLARE_FROM_MESSAGE]


async def test_a_verb_has_typed_options(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        (whole,) = (one for one in payload(on.bot.tree) if one["name"] == "incident")
        found = {one["name"]: one for one in whole["options"]}
        owner = {one["name"]: one for one in found["owner"]["options"]}
        assert (owner["n"]["type"], owner["n"]["min_value"]) == (4, 1)
        assert owner["all"]["type"] == 5
        assert owner["incident"]["autocomplete"]
        assert found["lead"]["options"][0]["type"] == 6
        assert [one["value"] for one in found["severity"]["options"][0]["choices"]] == ["sev1", "sev2", "sev3", "sev4"]
        assert {one["name"] for one in found["silence"]["options"]} == {"add", "list", "end"}
        assert "yes" in {
            one["name"] for one in found["silence"]["options"][0]["options"]
        }  # what can be pressed can be said


async def test_an_incident_is_named_where_the_room_has_none(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        await on.opened()
        number, _ = await on.opened()
        assert "Which incident?" in await on.ask("ack")
        assert "Acknowledged" in await on.ask("ack", incident="2")
        assert (await on.here.incident(number)).status == "acknowledged"
        told = await on.ask("ack", incident="the second")
        assert told == '"the second" is no incident. Write it as INC-42; open ones: `/incident list`'
        gone = await on.ask("silence end", id="S9")
        assert gone == "There is no silence S9. Those in force: `/incident silence list`"
        assert "There is no INC-77" in await on.ask("show", incident="INC-77")


async def test_a_thread_of_the_room_is_the_room(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        number, room = await on.opened()
        message = await on.mika.send(room, "is it the database?")
        thread = await on.bot.get_channel(room.id).create_thread(name="database", message=message)
        await on.ask("ack", next(one for one in room.threads if one.id == thread.id))
        assert (await on.here.incident(number)).status == "acknowledged"


async def test_people_are_chosen_as_members_and_meant_as_the_catalogue_has_them(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        number, room = await on.opened()
        await on.ask("lead", room, who=on.people["robin"])
        assert (await on.here.incident(number)).commander == "robin"
        told = await on.ask("lead", room, who=on.people["alex"])
        assert f'people.NAME.discord: "{on.people["alex"].id}"' in told.replace("\\", "")
        await on.ask("ack", room, by="alex")
        assert (await on.here.incident(number)).acknowledged_by == "guest:Alex"


async def test_what_fits_is_offered_while_somebody_types(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        number, room = await on.opened()
        await on.ask("silence add", matcher='service="cart"', duration="1h")

        async def offers(verb: str, option: str, typed: str, **filled: object) -> list[str]:
            found = await on.mika.autocomplete(room, f"incident {verb}", option, typed, **filled)
            assert len(found) <= 25
            assert all(0 < len(one["name"]) <= 100 for one in found)
            return [str(one["value"]) for one in found]

        assert await offers("ack", "incident", "") == [f"INC-{number}"]
        assert await offers("runbook list", "incident", "inc") == [f"INC-{number}"]
        assert await offers("page", "who", "pay") == ["payments-api", "checkout", "team:payments"]
        assert await offers("page", "who", "robin v") == ["@robin"]
        assert await offers("runbook run", "name", "rest") == ["restart-checkout"]
        assert (await offers("silence add", "duration", "2"))[0] == "2h"
        assert (await offers("update", "next", "3", text="so far so good"))[0] == "30m"
        assert "communications" in await offers("more role", "role", "comm")
        assert "cart" in await offers("more ruleout", "service", "ca")
        assert await offers("help", "verb", "unsi") == ["unsilence"]
        assert await offers("merge", "other", "") == []
        for hostile in ("@everyone", '"' * 90, "\x00\u202e", "--yes", "x" * 100, "INC-1 " * 10):
            for entry in MENU:
                for one in options(entry):
                    if one.completed:
                        await offers(entry.words, one.name, hostile)


async def test_runs_and_silences_are_offered(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        number, room = await on.opened()
        await on.here.say("runbook run show-disk --yes", room=number)
        await on.here.say('silence service="cart" 2h --yes')
        runs = await on.mika.autocomplete(room, "incident runbook status", "run", "")
        assert [one["value"] for one in runs] == ["R1"]
        silences = await on.mika.autocomplete(on.lobby, "incident silence end", "id", "")
        assert [one["value"] for one in silences] == ["S1"]


async def test_a_role_of_the_server_may_what_its_team_may(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        role = on.guild.create_role("SRE")
        on.join("kim", roles=(role,))
        on.learn("permissions: {silence: [team:web]}\n")
        text = (
            (tmp_path / "catalog.yaml")
            .read_text()
            .replace("{members: [sam]}", f"{{members: [sam], roles: {{discord: ['{role.id}']}}}}")
        )
        on.relearn(text)
        asked = {"matcher": 'service="cart"', "duration": "1h"}
        assert "team web may" in await on.ask("silence add", by="alex", **asked)
        assert "would have muted" in await on.ask("silence add", by="kim", **asked)
        assert "silence add" not in await on.ask("help", by="alex")
        whole = await on.ask("help", by="kim")
        assert all(f"`{usage(entry)}`" in whole for entry in entries(discover())), "help is cut"


async def test_short_forms_are_commands_of_their_own(tmp_path: Path) -> None:
    async with stage(tmp_path, short=SHORT) as on:
        number, room = await on.opened()
        assert "Acknowledged" in shown(await on.mika.slash(room, "ack"))
        assert "runbook" in shown(await on.mika.slash(room, "runbook list"))
        assert number


async def test_the_menu_is_given_to_discord_only_when_it_changed_or_was_lost(tmp_path: Path) -> None:
    def given(on: Stage) -> int:
        return sum(one.method == "PUT" and one.path.endswith("/commands") for one in on.env.http_requests)

    async with stage(tmp_path) as on:
        assert given(on) == 1
        await on.restart()
        assert await on.asking.synchronise(on.bot.tree) == ""
        assert given(on) == 1
        await on.bot.tree.fetch_commands(guild=discord.Object(on.guild.id))
        await on.bot.http.bulk_upsert_guild_commands(on.bot.application_id, on.guild.id, [])
        await on.asking.synchronise(on.bot.tree)
        assert given(on) == 3
        assert "Nothing is silenced" in await on.ask("silence list")
