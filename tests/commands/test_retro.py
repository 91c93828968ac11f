"""retro: draft, actions, moods, export."""

from __future__ import annotations

from bot.chat.views import Link
from tests.commands.world import MIKA, ROBIN, World, shown


async def test_a_draft_tells_figures_and_what_comes_next(here: World) -> None:
    await here.opened()
    await here.say("ack", room=1)
    early = await here.say("retro", room=1)
    assert "INC-1 is still acknowledged; run it again when it is over." in shown(early)
    await here.say("resolve rolled back", room=1)
    lines = shown(await here.say("retro", room=1)).splitlines()
    assert lines[0].startswith("Retrospective of INC-1: ")
    assert any("MTTA" in line or "acknowledge" in line.lower() for line in lines)
    assert lines[-3:] == [
        "What to do next time: /incident retro action add TEXT",
        "How it was for you: /incident retro mood great|good|mixed|hard|bad",
        "As a file: /incident retro export md",
    ]


async def test_actions_are_added_with_an_owner_and_done(here: World) -> None:
    await here.opened()
    assert shown(await here.say("retro action", room=1)).startswith("INC-1 has no actions yet.")
    assert shown(await here.say("retro action add alert on queue length @robin", room=1)) == (
        "Action 1 of INC-1: alert on queue length (Robin Vos)"
    )
    assert shown(await here.say("retro action add ask robin", room=1)) == "Action 2 of INC-1: ask robin"
    assert shown(await here.say("retro action done 1", room=1)) == "Action 1 of INC-1 is done: alert on queue length"
    assert shown(await here.say("retro actions", room=1)).splitlines() == [
        "INC-1: 2 actions, 1 to do.",
        "1. alert on queue length (Robin Vos), done",
        "2. ask robin",
    ]
    assert (await here.say("retro action done 7", room=1)).failed
    assert (await here.say("retro action add", room=1)).failed


async def test_how_it_was_is_said_by_each_and_counted(here: World) -> None:
    await here.opened()
    assert shown(await here.say("retro mood mixed paged too late", actor=MIKA, room=1)) == (
        "Noted for INC-1: mixed, paged too late."
    )
    await here.say("retro mood good", actor=ROBIN, room=1)
    await here.say("retro mood great", actor=ROBIN, room=1)
    assert "How it was: 1 great, 1 mixed" in shown(await here.say("retro", room=1))
    assert shown(await here.say("retro mood awful", room=1)) == '"awful" is not one of great, good, mixed, hard, bad.'


async def test_it_is_exported_as_text_with_the_way_to_the_file(here: World) -> None:
    await here.opened()
    await here.say("note looked at the graphs", room=1)
    reply = await here.say("retro export md", room=1)
    assert reply.output.startswith("#")
    assert "looked at the graphs" in reply.output
    assert shown(reply).splitlines() == [
        "INC-1-checkout-latency-eu-west-1.md",
        "As a file, on the server: muster export INC-1 --format md",
    ]
    assert (await here.say("retro export json INC-1")).output.startswith("{")
    assert "No format" in shown(await here.say("retro export docx", room=1))
    assert "md" in await here.offers("/incident retro export ", room=1)


async def test_where_there_is_a_way_to_the_file_the_answer_and_the_room_have_it(here: World) -> None:
    await here.opened()
    retros = here.services.retros
    retros._download = lambda ref, form, platform: f"https://muster.example.org/{platform}/{ref}.{form}"
    lines = shown(await here.say("retro", room=1)).splitlines()
    assert lines[-1] == (
        "Download Markdown (https://muster.example.org/console/INC-1.md), "
        "Download JSON (https://muster.example.org/console/INC-1.json)"
    )
    assert retros.downloads("INC-1", form="md") == (Link("Download Markdown", "https://muster.example.org//INC-1.md"),)
    lines = shown(await here.say("retro export json", room=1)).splitlines()
    assert lines[1] == "Download JSON (https://muster.example.org/console/INC-1.json)"
