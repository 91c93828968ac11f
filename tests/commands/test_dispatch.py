"""The way in: verbs are found or suggested, incidents implied or named, repeats have no second effect, nothing escapes."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.chat.views import Person
from bot.commands.dispatch import INTERRUPTED, Dispatcher, Invocation
from bot.errors import Conflict, StorageUnavailable
from bot.storage import tables
from tests.commands.world import MIKA, ROBIN, World, shown, world


async def test_an_unknown_verb_is_told_the_nearest(here: World) -> None:
    reply = await here.say("acknowlege")
    assert shown(reply) == 'No verb "acknowlege". Did you mean ack? All verbs: /incident help'
    assert reply.failed
    assert reply.private
    assert shown(await here.say("qqqq")) == 'No verb "qqqq". All verbs: /incident help'


@pytest.mark.parametrize("text", ["", "/incident", "  /incident  ", "?", "help", "/help"])
async def test_nothing_in_particular_asks_for_help(here: World, text: str) -> None:
    assert "What you may do" in shown(await here.say(text))


@pytest.mark.parametrize(
    "text", ["/incident ack INC-1", "ack inc-1", "/ack #1", "ACK INC-1 looking", "ack 1", "ack looking INC-1"]
)
async def test_a_command_may_be_typed_in_many_ways(here: World, text: str) -> None:
    await here.opened()
    assert shown(await here.say(text)) == "Acknowledged by Mika Laine, 4 min after the first alert. Paging stopped."


async def test_in_a_room_the_incident_is_implied_and_a_named_one_wins(here: World) -> None:
    first, second = await here.opened(), await here.opened()
    await here.say("note seen", room=first)
    await here.say("note INC-2 seen there", room=first)
    await here.say("note it looks like INC-2", room=first)
    assert await here.story(first) == ["seen", "it looks like INC-2"]
    assert await here.story(second) == ["seen there"]


async def test_a_mistyped_incident_is_not_taken_for_the_one_of_the_room(here: World) -> None:
    number = await here.opened()
    reply = await here.say("ack INC-1x", room=number)
    assert shown(reply) == '"INC-1x" is no incident. Write it as INC-42; open ones: /incident list'
    assert reply.failed
    assert (await here.incident(number)).status == "open"
    await here.say("note incoming calls stop", room=number)
    assert (await here.story(number))[-1] == "incoming calls stop"


async def test_elsewhere_the_open_incidents_are_named(here: World) -> None:
    nothing = await here.say("ack")
    assert shown(nothing).startswith("No incident is open, and none was named.")
    for _ in range(7):
        await here.opened()
    reply = await here.say("ack")
    lines = shown(reply).splitlines()
    assert lines[0] == "Which incident? Name it: /incident ack INC-7"
    assert lines[1] == "SEV2 INC-7 checkout latency, eu-west-1"
    assert lines[-1] == "More: /incident list"
    assert [button.command for button in reply.buttons][:2] == ["ack INC-7", "ack INC-6"]
    assert shown(await here.say("page")).startswith("Who is missing")
    assert shown(await here.say("page @robin")).splitlines()[0] == "Which incident? Name it: /incident page INC-7 WHO"


async def test_a_number_without_inc_is_the_incident_only_where_nothing_else_is_a_number(here: World) -> None:
    await here.opened()
    assert "INC-1 checkout latency" in shown(await here.say("show 1"))
    assert shown(await here.say("severity 1")).startswith("Which incident?")
    assert shown(await here.say("severity 1 INC-1")).startswith("INC-1 is SEV1 now; it was SEV2.")


async def test_an_incident_that_is_not_there_is_said(here: World) -> None:
    assert shown(await here.say("ack INC-99")) == "There is no INC-99. Open ones: /incident list"


async def test_a_repeat_gets_the_first_reply_and_has_no_second_effect(here: World) -> None:
    first = await here.say("declare checkout slow", request="same")
    assert await here.say("declare checkout slow", request="same") == first
    assert len(await here.services.incidents.open_ones()) == 1


async def test_a_repeat_is_known_after_a_restart(here: World) -> None:
    first = await here.say("declare checkout slow", request="same")
    await here.dispatcher.close()
    again = await Dispatcher(here.services).run(
        Invocation(text="declare checkout slow", actor=MIKA, platform="console", request_id="same")
    )
    assert again == first
    assert len(await here.services.incidents.open_ones()) == 1


async def test_repeats_at_the_same_moment_are_one(here: World) -> None:
    replies = await asyncio.gather(*(here.say("declare checkout slow", request="same") for _ in range(20)))
    assert len(set(replies)) == 1
    assert len(await here.services.incidents.open_ones()) == 1
    other = Dispatcher(here.services)  # another process would see the row only
    again = await asyncio.gather(
        *(
            one.run(Invocation(text="note INC-1 x", actor=MIKA, platform="console", request_id="two"))
            for one in (other, here.dispatcher, other)
        )
    )
    await other.close()
    assert {shown(reply) for reply in again} <= {"Noted on the timeline of INC-1.", INTERRUPTED}
    assert (await here.story(1)).count("x") == 1


async def test_both_databases_keep_a_request_and_take_every_verb(tmp_path: Path, database_url: str) -> None:
    async with world(tmp_path, url=database_url) as here:
        number = await here.opened(alerts=4)
        await here.changed(number, here.deploy())
        first = await here.say("declare x \x00 y", request="same")
        await here.dispatcher.close()
        assert (
            await Dispatcher(here.services).run(
                Invocation(text="declare x", actor=MIKA, platform="console", request_id="same")
            )
            == first
        )
        for text in (
            *("ack", "why", "alerts all", "changes", "owner", "page @robin", "note a", "lead @robin", "split A12"),
            *("silence service=cart 2h", "silence service=cart 2h --yes", "silences", "runbook", "runbook status"),
            *(
                "runbook run show-disk --yes",
                "merge INC-2",
                "resolve",
                "retro",
                "retro mood good",
                "retro export md",
                "list",
            ),
        ):
            reply = await here.say(text, room=number)
            assert not reply.failed, shown(reply)


async def test_the_same_id_of_two_people_is_two_requests(here: World) -> None:
    for actor in (MIKA, ROBIN):
        reply = await here.dispatcher.run(
            Invocation(text=f"declare by {actor.name}", actor=actor, platform="console", request_id="1")
        )
        assert f"by {actor.name}" in shown(reply)
    assert len(await here.services.incidents.open_ones()) == 2


async def test_the_same_id_of_two_platforms_is_two_requests(here: World) -> None:
    for platform in ("slack", "discord"):
        await here.dispatcher.run(Invocation(text="declare x", actor=MIKA, platform=platform, request_id="1"))
    assert len(await here.services.incidents.open_ones()) == 2


async def test_what_was_interrupted_is_not_done_twice(here: World) -> None:
    async with here.database.transaction() as work:
        row = {"request_id": f"console:{MIKA.id}:cut-off", "at": 0.0, "reply_json": ""}
        await work.connection.execute(tables.invocations.insert().values(row))
    assert shown(await here.say("declare x", request="cut-off")) == INTERRUPTED
    assert await here.services.incidents.open_ones() == []


async def test_a_request_is_taken_together_with_what_it_does(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await here.opened()
    monkeypatch.setattr(Dispatcher, "_keep_later", lambda *_: None)  # the process dies before the reply is kept
    request = Invocation(text="note INC-1 x", actor=MIKA, platform="console", request_id="cut-off")
    assert shown(await Dispatcher(here.services).run(request)) == "Noted on the timeline of INC-1."
    assert shown(await Dispatcher(here.services).run(request)) == INTERRUPTED
    assert (await here.story(1)).count("x") == 1


async def test_a_request_that_did_nothing_is_not_taken(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await here.opened()

    async def full(*_: object) -> None:
        raise StorageUnavailable

    request = Invocation(text="note INC-1 x", actor=MIKA, platform="console", request_id="again")
    with monkeypatch.context() as disk:
        disk.setattr(here.services.incidents, "react", full)
        assert (await here.dispatcher.run(request)).failed
    other = Dispatcher(here.services)
    assert shown(await other.run(request)) == "Noted on the timeline of INC-1."
    await other.close()


async def test_what_only_reads_writes_nothing(here: World) -> None:
    await here.opened()
    for text in ("list", "show INC-1", "alerts INC-1", "why INC-1", "changes INC-1", "silences", "oncall", "help"):
        await here.say(text)
    async with here.database.reading() as connection:
        assert (await connection.execute(select(func.count()).select_from(tables.invocations))).scalar_one() == 0


async def test_an_unexpected_failure_is_answered_logged_once_and_counted(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(here.services.incidents, "unacknowledge", fails)
    await here.opened()
    reply = await here.say("unack", room=1)
    assert reply.failed
    assert "Something went wrong here (ref " in shown(reply)
    assert here.services.metrics.failures.labels("commands")._value.get() == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Conflict(), "Somebody changed it at the same moment. Nothing was done; try again."),
        (StorageUnavailable(retry_after=7), "The database takes nothing just now. Try again in 7 s."),
    ],
)
async def test_what_may_fare_better_later_says_so_and_may_be_repeated(
    here: World, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    await here.opened()
    with monkeypatch.context() as patch:

        async def fails(*_: object) -> None:
            raise error

        patch.setattr(here.services.incidents, "note", fails)
        assert shown(await here.say("note x", room=1, request="same")) == words
    assert shown(await here.say("note x", room=1, request="same")) == "Noted on the timeline of INC-1."


async def test_a_refusal_is_kept_too(here: World) -> None:
    await here.opened()
    first = await here.say("unack", room=1, request="same")
    assert first.failed
    await here.say("ack", room=1)
    assert await here.say("unack", room=1, request="same") == first


async def test_commands_are_counted_by_verb_and_outcome_never_by_person(here: World) -> None:
    await here.opened()
    await here.say("ack", room=1)
    await here.say("unack extra", room=1)
    await here.say("nonsense")
    counted = here.services.metrics.commands
    assert counted.labels("ack", "answered")._value.get() == 1
    assert counted.labels("unack", "refused")._value.get() == 1
    assert counted.labels("unknown", "refused")._value.get() == 1


async def test_of_fifty_acks_at_once_one_wins_and_the_others_are_told_who(here: World) -> None:
    number = await here.opened()
    people = [Person(f"guest:P{index}", f"P{index}") for index in range(50)]
    replies = await asyncio.gather(*(here.say("ack", actor=person, room=number) for person in people))
    words = [shown(reply) for reply in replies]
    assert sum(word.startswith("Acknowledged by") for word in words) == 1
    assert sum(word.endswith("You are added as a responder.") for word in words) == 49


async def test_a_person_may_be_named_as_people_do(here: World) -> None:
    await here.opened()
    for who in ("@robin", "robin", "Robin", '"Robin Vos"', "robin@example.org", "rvos"):
        assert shown(await here.say(f"lead {who}", room=1)) == "Robin Vos leads INC-1 and is invited to its room."
        await here.say("lead me", room=1)
    assert shown(await here.say("lead @robn", room=1)) == (
        'Nobody here is called "robn"; did you mean "robin"? To add somebody: catalogue, people.'
    )


async def test_without_a_catalogue_everybody_is_a_guest(tmp_path: Path) -> None:
    async with world(tmp_path, catalog=None) as here:
        await here.opened()
        assert shown(await here.say("lead @ana", room=1)) == "ana leads INC-1 and is invited to its room."
        assert (await here.incident(1)).commander == "guest:ana"
        assert "no schedules" in shown(await here.say("oncall"))


async def test_a_button_is_what_one_would_type(here: World) -> None:
    await here.opened()
    await here.changed(1, here.deploy())
    for text in ("show INC-1", "changes INC-1", 'silence service=cart 2h it\'s "quoted"'):
        for button in (await here.say(text)).buttons:
            assert not (await here.say(button.command, actor=ROBIN)).failed


async def test_a_permission_hides_a_verb_and_refuses_it(here: World) -> None:
    ack = here.dispatcher._verbs["ack"]
    forbidden = dataclasses.replace(ack, may=lambda permit: permit.actor.id == "robin")
    here.dispatcher._verbs = dict(here.dispatcher._verbs) | {"ack": forbidden, "acknowledge": forbidden}
    await here.opened()
    assert shown(await here.say("ack", room=1)) == "You may not use ack here. What you may: /incident help"
    assert "I have it" not in shown(await here.say("help"))
    assert "ack" not in await here.offers("/incident a")
    assert not (await here.say("ack", actor=ROBIN, room=1)).failed
    assert "I have it" in shown(await here.say("help", actor=ROBIN))
