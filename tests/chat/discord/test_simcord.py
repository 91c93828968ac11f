"""The golden path in Discord as simcord plays it: chosen, pressed, filled in, and after a restart.

It does not find the menus of messages where they are a server's own: those are played elsewhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.commands.forms import FORMS
from bot.commands.menu import entries
from bot.commands.registry import discover
from tests.chat.discord.stage import Stage, buttons, shown, stage

FORMED = [entry for entry in entries(discover()) if entry.path in FORMS]
FILLED = {
    "text": "words of some kind",
    "title": "checkout is slow",
    "message": "please look",
    "who": "checkout",
    "level": "sev1",
    "severity": "sev2",
    "matcher": 'service="cart"',
    "duration": "2h",
    "reason": "disks",
    "mood": "mixed",
    "note": "paged too late",
    "next": "30m",
    "instance": "checkout-1",
}
DEFERRED = 5  # the type of a first response: a private answer comes
SELECTS = {3, 5}  # of words, of people: docs.discord.com/developers/components/reference


async def test_from_the_alert_to_the_retrospective(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        number, room = await on.opened()
        ref, mika = f"INC-{number}", on.mika
        assert ref in shown(await mika.slash(on.lobby, "incident list"))
        assert "Acknowledged by Mika" in shown(await mika.slash(room, "incident ack", note="looking"))
        assert "Sam" in shown(await mika.slash(room, "incident lead", who=on.people["sam"]))
        assert "SEV1" in shown(await mika.slash(room, "incident severity", level="sev1"))
        assert "Noted" in shown(await mika.slash(room, "incident note", text="customers cannot pay"))
        preview = await mika.slash(room, "incident runbook run", name="show-disk")
        assert "nothing has happened yet" in shown(preview)
        assert preview.response is not None
        assert "is running" in shown(await mika.click(preview.response, label="Run"))
        await on.here.services.runbooks.wait(1)
        assert "esolved" in shown(await mika.slash(room, "incident resolve", summary="the queue was full"))
        assert "Retrospective of" in shown(await mika.slash(room, "incident retro draft"))
        assert (await on.here.incident(number)).status == "resolved"
        first = {one.json["type"] for one in on.env.http_requests if one.json and one.path.endswith("/callback")}
        assert first == {DEFERRED}, "Discord waits three seconds for the first response, whatever a command takes"


async def test_a_button_works_after_a_restart(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        done = await on.mika.slash(on.lobby, "incident silence add", matcher='service="cart"', duration="2h")
        assert "Silence" in buttons(done.response)
        assert done.response is not None
        await on.restart()
        assert "S1" in shown(await on.mika.click(done.response, label="Silence"))


@pytest.mark.parametrize("entry", FORMED, ids=[entry.words for entry in FORMED])
async def test_every_form_is_filled_in_and_runs_what_it_says(entry: Any, tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        number, room = await on.opened()
        opened = await on.mika.slash(room, f"incident {entry.words}")
        if opened.modal is None:  # runbooks are chosen from a menu first
            assert opened.response is not None
            opened = await on.mika.select(opened.response, [f"m:runbook run INC-{number} restart-checkout"])
        assert opened.modal is not None
        given = values(opened.modal, on)
        told = shown(await on.mika.submit_modal(opened, given))
        assert told
        assert "Nothing was done yet" not in told
        assert "Something went wrong" not in told


def values(modal: dict[str, Any], on: Stage) -> dict[str, Any]:
    """Something fitting for each field that has to be filled in, or may be."""
    found: dict[str, Any] = {}
    for field in (one.get("component") or one for one in modal["components"]):
        name = str(field.get("custom_id") or "")
        word = name.rpartition(":")[2]
        value = on.people["robin"] if word == "owner" else FILLED.get(word)
        if value is not None:
            found[name] = [value] if field["type"] in SELECTS else value
    return found
