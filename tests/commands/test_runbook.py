"""runbook: what fits, the dry run, running, agreeing, stopping; real steps as real processes."""

from __future__ import annotations

from pathlib import Path

from bot.catalog.loader import load
from bot.chat.views import Person
from bot.commands.registry import paths
from tests.commands.world import CATALOG, MIKA, ROBIN, SAM, World, shown


async def test_the_runbooks_that_fit_are_listed_with_the_way_to_the_dry_run(here: World) -> None:
    await here.opened()
    reply = await here.say("runbook", room=1)
    assert shown(reply).splitlines() == [
        "2 runbooks fit INC-1.",
        "restart-checkout instance=... Restart one checkout instance (low risk, 1 person must approve)",
        "show-disk Show what fills the disk (low risk)",
        "To see what one would do, before it does it: /incident runbook run NAME",
    ]
    assert [button.command for button in reply.buttons] == ["runbook run show-disk INC-1"]
    assert await here.say("runbook list INC-1") == reply


async def test_where_none_fits_all_can_be_asked_for(here: World) -> None:
    await here.say("declare coffee machine broken")
    assert shown(await here.say("runbook", room=1)) == (
        "No runbook fits the alerts of INC-1. All 2: /incident runbook list --all"
    )
    assert shown(await here.say("runbook list --all", room=1)).startswith("2 runbooks.")
    assert shown(await here.say("runbook")).startswith("2 runbooks.")


async def test_one_runbook_tells_what_it_does_and_who_may(here: World) -> None:
    assert shown(await here.say("runbook show restart-checkout")).splitlines() == [
        "restart-checkout Restart one checkout instance",
        'Fits service="checkout"',
        "Run by team:payments, low risk",
        "1 other person (team:payments) must approve within 15 min",
        "instance= string like checkout-[0-9]+",
        "1. command: echo 'restarting {{ instance }}'",
    ]


async def test_a_run_shows_what_it_would_do_before_it_does_it(here: World) -> None:
    await here.opened()
    reply = await here.say("runbook run show-disk", room=1)
    assert shown(reply).splitlines() == [
        "show-disk would do this on INC-1; nothing has happened yet.",
        "1. command: echo 'disk is fine'",
        "Low risk. Run it: press the button, or /incident runbook run show-disk INC-1 --yes",
    ]
    assert await here.services.runbooks.runs(1) == []
    assert [button.command for button in reply.buttons] == ["runbook run show-disk INC-1 --yes"]
    started = await here.say(reply.buttons[0].command)
    assert shown(started).splitlines()[0] == "R1 show-disk is running; the room shows how it goes."
    assert shown(started).splitlines()[-1] == "To stop it: /incident runbook cancel R1"
    await here.services.runbooks.wait(1)
    status = await here.say("runbook status R1")
    assert shown(status).startswith("R1 show-disk succeeded")
    assert "disk is fine" in status.output
    lines = shown(await here.say("runbook status", room=1)).splitlines()
    assert lines[0] == "1 run in INC-1."
    assert lines[-1] == "Steps and output: /incident runbook status R1"


async def test_somebody_else_must_approve_where_the_runbook_says_so(here: World) -> None:
    await here.opened()
    asked = await here.say("runbook run restart-checkout instance=checkout-3", actor=ROBIN, room=1)
    assert shown(asked).splitlines()[0] == (
        "R1 restart-checkout on checkout-3: the room is asked. Someone else of payments must approve. Expires 09:15 UTC."
    )
    assert shown(await here.say("runbook approve R1", actor=ROBIN)) == (
        "You asked for R1; someone else must approve it."
    )
    assert (await here.say("runbook approve R1", actor=SAM)).failed
    assert shown(await here.say("runbook approve", actor=MIKA, room=1)) == (
        "You approved R1 restart-checkout on checkout-3: it is running, and the room shows how it goes."
    )
    assert (await here.services.runbooks.wait(1)).state == "succeeded"
    assert "Approved by Mika Laine at 09:00 UTC" in shown(await here.say("runbook status R1"))


async def test_a_question_may_be_declined_or_withdrawn(here: World) -> None:
    await here.opened()
    await here.say("runbook run restart-checkout instance=checkout-3", actor=ROBIN, room=1)
    assert shown(await here.say("runbook decline", room=1)) == (
        "R1 restart-checkout on checkout-3 is declined. It does not run."
    )
    await here.say("runbook run restart-checkout instance=checkout-4", actor=ROBIN, room=1)
    assert shown(await here.say("runbook cancel", actor=ROBIN, room=1)) == (
        "R2 restart-checkout on checkout-4 is withdrawn."
    )
    assert shown(await here.say("runbook cancel", room=1)) == (
        "There is no run to cancel here. All runs: /incident runbook status"
    )
    await here.say("runbook run restart-checkout instance=checkout-5", actor=ROBIN, room=1)
    await here.say("runbook run restart-checkout instance=checkout-6", actor=ROBIN, room=1)
    assert shown(await here.say("runbook cancel", actor=ROBIN, room=1)) == (
        "Which one? R3 restart-checkout on checkout-5, R4 restart-checkout on checkout-6: /incident runbook cancel R5"
    )


async def test_what_cannot_run_says_why(here: World) -> None:
    await here.opened()
    assert "did you mean" in shown(await here.say("runbook run restart-chekout", room=1))
    assert (
        shown(await here.say("runbook restart-checkout", room=1)) == "To run it: /incident runbook run restart-checkout"
    )
    assert 'No verb "runbook approv"' in shown(await here.say("runbook approv", room=1))
    assert (await here.say("runbook run restart-checkout", room=1)).failed
    assert (await here.say("runbook run restart-checkout instance=db-1", room=1)).failed
    assert shown(await here.say("runbook run restart-checkout checkout-3", room=1)) == (
        '"checkout-3" is no parameter; write key=value.'
    )
    refused = await here.say("runbook run restart-checkout instance=checkout-3", actor=SAM, room=1)
    assert refused.failed
    assert shown(refused).startswith("Only payments may run restart-checkout.")
    assert shown(await here.say("runbook status")).startswith("Which run, or which incident?")
    assert shown(await here.say("runbook status R9")).startswith("There is no run R9.")


async def test_completion_knows_actions_and_names(here: World) -> None:
    await here.opened()
    assert "approve" in await here.offers("/incident runbook ", room=1)
    assert await here.offers("/incident runbook run res", room=1) == ["restart-checkout"]
    assert await here.offers("/incident runbook show ", room=1) == ["restart-checkout", "show-disk"]


ROLES = CATALOG.replace(
    "payments: {members: [robin, mika]", "payments: {roles: {discord: ['7']}, members: [robin, mika]"
)
KIM, ALEX = Person("guest:Kim", "Kim"), Person("guest:Alex", "Alex")


async def test_a_role_on_the_platform_runs_and_approves_what_its_team_may(here: World, tmp_path: Path) -> None:
    (tmp_path / "catalog.yaml").write_text(ROLES)
    here.catalogs.append(load(tmp_path / "catalog.yaml", verbs=paths()))
    number = await here.opened()

    async def said(actor: Person, line: str, *roles: str, platform: str = "discord") -> str:
        return shown(await here.say(line, actor=actor, room=number, platform=platform, roles=roles))

    run = "runbook run restart-checkout instance=checkout-3"
    assert "Only payments may run restart-checkout" in await said(SAM, run)
    assert "Only payments may run restart-checkout" in await said(SAM, run, "7", platform="slack")
    assert "R1 restart-checkout on checkout-3: the room is asked" in await said(SAM, run, "7")
    assert "approved by payments" in await said(KIM, "runbook approve R1")
    assert "is running" in await said(KIM, "runbook approve R1", "7")
    await here.services.runbooks.wait(1)


async def test_nobody_approves_by_a_role_what_they_asked_for_under_another_name(here: World, tmp_path: Path) -> None:
    (tmp_path / "catalog.yaml").write_text(ROLES)
    here.catalogs.append(load(tmp_path / "catalog.yaml", verbs=paths()))
    number = await here.opened()

    async def said(actor: Person, line: str, *roles: str) -> str:
        return shown(await here.say(line, actor=actor, room=number, platform="discord", roles=roles))

    assert "the room is asked" in await said(KIM, "runbook run restart-checkout instance=checkout-3", "7")
    assert "names can be changed" in await said(ALEX, "runbook approve R1", "7")
    assert "is declined" in await said(ALEX, "runbook decline R1", "7")
    assert "the room is asked" in await said(KIM, "runbook run restart-checkout instance=checkout-4", "7")
    assert "is running" in await said(SAM, "runbook approve R2", "7")
    await here.services.runbooks.wait(2)
