"""Who may what: everybody everything, but for what the catalogue gives to some."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.catalog.loader import load
from bot.chat.views import Person
from bot.commands.registry import by_name, discover, paths
from tests.commands.world import CATALOG, MIKA, ROBIN, SAM, World, shown

PERMISSIONS = """
permissions:
  silence: [team:web]
  runbook: [team:payments]
  runbook status: anyone
  resolve: [on-call, sam]
  page: [schedule:payments]
"""
ROLES = CATALOG.replace("web: {members: [sam]}", "web: {members: [sam], roles: {discord: ['41771983423143936', '2']}}")


def learn(here: World, text: str, folder: Path) -> None:
    (folder / "catalog.yaml").write_text(text)
    here.catalogs.append(load(folder / "catalog.yaml", verbs=paths()))


async def test_without_a_word_in_the_catalogue_everybody_may_everything(here: World) -> None:
    whole = shown(await here.say("help"))
    assert all(verb.summary in whole for verb in discover())


async def test_what_is_given_to_some_is_refused_to_others_who_are_told_who_may(here: World, tmp_path: Path) -> None:
    number = await here.opened()
    learn(here, CATALOG + PERMISSIONS, tmp_path)
    refused = await here.say('silence service="cart" 2h', actor=MIKA)
    assert refused.failed
    assert shown(refused) == "You may not use silence here: team web may. What you may: /incident help"
    assert not (await here.say('silence service="cart" 2h', actor=SAM)).failed
    assert "team payments may" in shown(await here.say("runbook run x", room=number, actor=SAM))
    assert "No runbook has run" in shown(await here.say("runbook status", room=number, actor=SAM))
    assert "whoever is on call or Sam Okafor may" in shown(await here.say("resolve", room=number, actor=MIKA))
    assert "whoever is on call in payments may" in shown(await here.say("page @robin", room=number, actor=SAM))
    assert not (await here.say("page @mika", room=number, actor=ROBIN)).failed  # on call this week
    assert not (await here.say("resolve", room=number, actor=ROBIN)).failed


async def test_help_and_completion_offer_only_what_one_may(here: World, tmp_path: Path) -> None:
    learn(here, CATALOG + PERMISSIONS, tmp_path)
    silence, runbook = by_name()["silence"], by_name()["runbook"]
    assert silence.summary not in shown(await here.say("help", actor=MIKA))
    assert silence.summary in shown(await here.say("help", actor=SAM))
    assert runbook.summary not in shown(await here.say("help", actor=SAM))
    assert "team web may" in shown(await here.say("help silence", actor=MIKA))
    assert "silence" not in await here.offers("/incident sil", actor=MIKA)
    assert "silence" in await here.offers("/incident sil", actor=SAM)
    assert await here.offers("/incident runbook sta", actor=SAM) == ["status"]
    assert "run" not in await here.offers("/incident runbook run", actor=SAM)
    assert await here.offers("/incident silence ad", actor=MIKA) == []


async def test_a_role_on_the_platform_counts_as_the_team(here: World, tmp_path: Path) -> None:
    learn(here, ROLES + PERMISSIONS, tmp_path)
    asked = 'silence service="cart" 2h'
    assert (await here.say(asked, actor=MIKA, platform="discord", roles=("1",))).failed
    assert not (await here.say(asked, actor=MIKA, platform="discord", roles=("1", "2"))).failed
    assert (await here.say(asked, actor=MIKA, platform="slack", roles=("2",))).failed
    assert by_name()["silence"].summary in shown(await here.say("help", actor=MIKA, platform="discord", roles=("2",)))


@pytest.mark.parametrize("path", sorted(paths()))
def test_every_verb_can_be_given_to_some(path: str, here: World, tmp_path: Path) -> None:
    learn(here, f"{CATALOG}\npermissions: {{{path}: anyone}}", tmp_path)
    assert path in here.services.catalog().permissions


@pytest.mark.parametrize("platform", ["slack", "discord", "console"])
async def test_a_private_incident_is_told_of_on_chat_platforms_to_those_who_take_part_in_it(
    here: World, platform: str
) -> None:
    await here.say("declare keys leaked --private --nopage", actor=ROBIN)

    async def told(actor: Person, line: str, room: int | None = None) -> str:
        return shown(await here.say(line, actor=actor, room=room, platform=platform))

    for line in ("list", "show", "show INC-1"):
        assert ("keys leaked" in await told(MIKA, line)) == (platform == "console"), line
    _, offered = await here.dispatcher.complete("/incident show ", MIKA, None, platform=platform)
    assert ("INC-1" in [one.value for one in offered]) == (platform == "console")
    assert "keys leaked" in await told(ROBIN, "show INC-1")
    assert "keys leaked" in await told(MIKA, "show", room=1)  # whoever is in its room was invited
    if platform != "console":
        assert "INC-1 is private" in await told(MIKA, "ack INC-1")


@pytest.mark.parametrize("platform", ["slack", "discord"])
async def test_a_private_incident_cannot_be_drawn_into_a_room_by_who_takes_no_part_in_it(
    here: World, platform: str
) -> None:
    await here.say("declare keys leaked --private --nopage", actor=ROBIN)
    await here.say("declare checkout slow --nopage", actor=MIKA)
    for line, room in (("merge INC-1", 2), ("merge INC-2 INC-1", None), ("merge INC-1 INC-2", None)):
        said = shown(await here.say(line, actor=MIKA, room=room, platform=platform))
        assert said.startswith("INC-1 is private: ask somebody who takes part in it"), line
        assert "keys leaked" not in said
    assert (await here.incident(1)).open
    said = shown(await here.say("merge INC-1", actor=ROBIN, room=2, platform=platform))
    assert said.startswith("INC-1 is merged into INC-2")
