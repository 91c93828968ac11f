"""Completion: what may stand where the line ends."""

from __future__ import annotations

import pytest

from tests.commands.world import MIKA, World


@pytest.mark.parametrize("line", ["/", "/inc", "/incident"])
async def test_the_prefix_itself_is_offered(here: World, line: str) -> None:
    assert await here.complete(line) == (0, (await here.complete("/"))[1])
    assert await here.offers(line) == ["/incident "]


async def test_verbs_begin_with_what_is_typed_and_replace_it(here: World) -> None:
    start, offers = await here.complete("/incident sil")
    assert (start, [one.value for one in offers][:2]) == (10, ["silence", "silences"])
    assert offers[0].label == "silence MATCHER... DURATION [reason] [--yes]"
    assert (await here.complete("sil"))[0] == 0
    assert (await here.offers("/ac"))[0] == "ack"
    assert len(await here.offers("/incident ")) >= 20
    assert await here.offers("/incident nonsense ") == []


async def test_what_the_verb_wants_next_is_offered(here: World) -> None:
    await here.opened()
    await here.services.silences.create(["service=cart"], 60.0, "", MIKA)
    assert await here.offers("/incident severity ", room=1) == ["1", "2", "3", "4"]
    assert await here.offers("/incident severity INC-1 ") == ["1", "2", "3", "4"]
    assert "INC-1" in await here.offers("/incident severity ")
    assert await here.offers("/incident lead @ro", room=1) == ["@robin"]
    assert await here.offers("/incident lead vos", room=1) == ["@robin"]
    assert await here.offers("/incident page pay", room=1) == ["payments-api", "checkout", "team:payments"]
    assert 'service="cart"' in await here.offers("/incident silence ")
    assert "2h" in await here.offers('/incident silence service="cart" ')
    assert await here.offers("/incident unsilence ") == ["S1"]
    assert await here.offers("/incident alerts ", room=1) == ["all", "held"]
    assert await here.offers("/incident help unsi") == ["unsilence"]
    assert await here.offers("/incident owner --", room=1) == ["--all"]
    assert await here.offers("/incident merge ", room=1) == []


async def test_another_incident_is_offered_for_a_merge(here: World) -> None:
    await here.opened()
    await here.opened()
    assert await here.offers("/incident merge ", room=1) == ["INC-2"]
    assert await here.offers("/incident merge INC-2 ") == ["INC-1"]


async def test_nothing_is_offered_inside_a_text(here: World) -> None:
    await here.opened()
    assert await here.offers("/incident note rolled ba", room=1) == []
