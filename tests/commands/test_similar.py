"""similar: past incidents like this one, how they ended, which runbooks fixed them."""

from __future__ import annotations

import pytest

from bot.commands.dispatch import Invocation
from bot.incidents import store
from tests.commands.world import MIKA, ROBIN, World, shown
from tests.incidents.past import DAY, MAIL, OUTAGE, happened, over, run


async def now(here: World, count: int = 3) -> int:
    return await happened(here.database, here.clock.now() - 360.0, OUTAGE[:count])


async def test_it_names_the_incident_the_likeness_its_reason_and_how_it_ended(here: World) -> None:
    at = here.clock.now()
    await over(here.database, at - 20 * DAY, MAIL, title="mail queue grows", summary="purged the queue")
    await over(here.database, at - 9 * DAY, OUTAGE, title="payments outage", summary="rolled back payments-api.")
    await run(here.database, 2, "restart-checkout", helped=True)
    await run(here.database, 2, "show-disk", helped=None)
    await run(here.database, 2, "erase-all", helped=None, state="failed")
    number = await now(here)
    reply = await here.say(f"similar INC-{number}")
    lines = shown(reply).splitlines()
    assert lines[0] == "One past incident is like INC-3:"
    assert lines[1].startswith("INC-2 SEV2 payments outage, ")
    assert "(9 d ago): " in lines[1]
    assert "% alike: the same 3 classes, in the same order; 2 of its 3 services (payments-db, payments-api)" in lines[1]
    assert lines[2] == (
        "Resolved by Robin Vos after 41 min: rolled back payments-api. Robin Vos led. "
        "Ran and the alerts cleared: restart-checkout. Ran: show-disk."
    )
    assert lines[3] == "What it would do now: /incident runbook run restart-checkout"
    assert [button.command for button in reply.buttons] == ["show INC-2"]
    assert shown(await here.say("similar", room=number)) == shown(reply)


async def test_the_most_alike_comes_first_and_the_list_is_short(here: World) -> None:
    for day in range(8):
        await over(here.database, here.clock.now() - (30 - day) * DAY, OUTAGE[: 2 + day % 3])
    number = await now(here)
    lines = shown(await here.say(f"similar INC-{number}")).splitlines()
    assert lines[0] == "5 past incidents are like INC-9, the most alike first:"
    assert [line.split()[0] for line in lines[1::2]][:2] == ["INC-8", "INC-5"]
    assert len(lines) == 11


async def test_what_resolved_by_itself_without_a_word_says_so(here: World) -> None:
    await over(here.database, here.clock.now() - DAY, OUTAGE, resolved_by="muster", commander=None)
    lines = shown(await here.say(f"similar INC-{await now(here)}")).splitlines()
    assert lines[2] == "Resolved by itself after 41 min, without a summary."


async def test_where_nothing_is_over_yet_it_says_what_would_be_found(here: World) -> None:
    number = await now(here)
    assert shown(await here.say(f"similar INC-{number}")).splitlines() == [
        "Nothing to compare INC-1 with yet.",
        "What is resolved is found here the next time. A summary tells how it ended: /incident resolve SUMMARY",
    ]


async def test_where_nothing_is_alike_it_says_so_and_how_near_the_nearest_is(here: World) -> None:
    await over(here.database, here.clock.now() - DAY, MAIL)
    number = await happened(
        here.database,
        here.clock.now(),
        [(0.0, "errors", "web", "HighErrors"), (9.0, "pod", "web", "Pod"), (20.0, "traffic", "cdn", "NoTraffic")],
    )
    lines = shown(await here.say(f"similar INC-{number}")).splitlines()
    assert lines[0] == "Nothing like INC-2 among 1 past incident."
    assert lines[1].startswith("The nearest is INC-1, ")
    assert lines[-1] == "What it is made of: /incident alerts INC-2 all"


async def test_one_that_was_declared_is_compared_by_the_words_of_its_title(here: World) -> None:
    await over(here.database, here.clock.now() - DAY, MAIL)
    await here.say("declare vouchers refused for customers")
    lines = shown(await here.say("similar INC-2")).splitlines()
    assert lines[:2] == [
        "Nothing like INC-2 among 1 past incident.",
        "It has no alerts, so only the words of its title could be compared.",
    ]
    await here.say("resolve INC-2 the voucher service was down")
    await here.say("declare customers: vouchers are refused")
    assert "INC-2 SEV3 vouchers refused for customers" in shown(await here.say("similar INC-3"))


async def test_what_ended_reopened_or_was_merged_since_is_known(here: World) -> None:
    first = await happened(here.database, here.clock.now() - DAY, OUTAGE)
    number = await now(here)
    assert "Nothing to compare" in shown(await here.say(f"similar INC-{number}"))
    await here.say(f"resolve INC-{first} enlarged the disk")
    assert "enlarged the disk" in shown(await here.say(f"similar INC-{number}"))
    await here.say(f"reopen INC-{first}")
    assert "Nothing to compare" in shown(await here.say(f"similar INC-{number}"))
    await here.say(f"merge INC-{first} INC-{number}")
    assert "Nothing to compare" in shown(await here.say(f"similar INC-{first}"))


@pytest.mark.parametrize("platform", ["slack", "discord", "console"])
async def test_a_private_one_is_told_of_on_chat_platforms_to_those_who_were_in_it(here: World, platform: str) -> None:
    await over(here.database, here.clock.now() - DAY, OUTAGE, private=True, title="keys leaked")
    number = await now(here)
    async with here.database.transaction() as work:
        await store.add_participant(work, 1, ROBIN, "acknowledged", here.clock.now())

    async def asked_by(actor: object) -> str:
        assert actor in (MIKA, ROBIN)
        here.requests += 1
        return shown(
            await here.dispatcher.run(
                Invocation(
                    text=f"similar INC-{number}",
                    actor=MIKA if actor is MIKA else ROBIN,
                    platform=platform,
                    room="lobby",
                    incident=None,
                    request_id=f"p{here.requests}",
                )
            )
        )

    assert "keys leaked" in await asked_by(ROBIN)
    assert ("keys leaked" in await asked_by(MIKA)) == (platform == "console")


async def test_runbooks_that_are_gone_are_not_recommended(here: World) -> None:
    await over(here.database, here.clock.now() - DAY, OUTAGE)
    await run(here.database, 1, "no-such-runbook", helped=True)
    whole = shown(await here.say(f"similar INC-{await now(here)}"))
    assert "Ran and the alerts cleared: no-such-runbook." in whole
    assert "runbook run" not in whole


async def test_of_alerts_that_were_forgotten_the_services_and_the_title_are_left(here: World) -> None:
    services = [("payments-db", 4), ("payments-api", 2)]
    await over(here.database, here.clock.now() - DAY, [], title="disk full", alert_count=6, services=services)
    lines = shown(await here.say(f"similar INC-{await now(here, 2)}")).splitlines()
    assert "the same 2 services" in lines[1]


async def test_an_incident_that_is_over_is_not_counted_among_its_own_past(here: World) -> None:
    await over(here.database, here.clock.now() - DAY, OUTAGE)
    assert "Nothing to compare INC-1 with yet." in shown(await here.say("similar INC-1"))
    await over(here.database, here.clock.now(), MAIL)
    assert "among 1 past incident." in shown(await here.say("similar INC-1"))
