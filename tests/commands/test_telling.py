"""update, role and ruleout: what people are told beside the alerts, and that it stays."""

from __future__ import annotations

import pytest

from bot.incidents import store
from bot.incidents.updates import UPDATE_DUE, overdue_updates
from bot.scheduler import Scheduler
from bot.storage import timers
from tests.commands.world import MIKA, ROBIN, SAM, World, shown


def clockwork(here: World) -> Scheduler:
    return Scheduler(here.database, here.clock, overdue_updates(here.services.announcements, here.services.person))


# --- update -----------------------------------------------------------------------------------------------------------


async def test_an_update_is_told_to_the_room_and_promises_the_next(here: World) -> None:
    number = await here.opened()
    reply = await here.say("update errors are falling --next 30m", room=number)
    assert shown(reply) == "Update of INC-1 posted. The next is due at 09:30 UTC (every 30 min)."
    assert (await here.announced())[-1] == "Update by Mika Laine: errors are falling / Next update due 09:30 UTC."
    assert await here.story(number) == ["errors are falling"]
    told = (await here.incident(number)).update
    assert told is not None
    assert (told.by, told.due) == ("mika", here.clock.now() + 1800)
    assert "Last update 09:00 UTC by Mika Laine: errors are falling; next due 09:30 UTC" in shown(
        await here.say("show", room=number)
    )


async def test_the_time_between_updates_is_remembered_until_another_is_said(here: World) -> None:
    number = await here.opened()
    await here.say("update --next 30m we look at the database", room=number)
    here.clock.advance(600)
    assert "due at 09:40 UTC (every 30 min)" in shown(await here.say("update it is the pool", room=number))
    assert "due at 10:10 UTC (every 1 h)" in shown(await here.say("update --next 1h we rebuild it", room=number))
    assert "No next one is promised" in shown(await here.say("update all is well --last", room=number))
    assert (await here.announced())[-1] == "Update by Mika Laine: all is well"
    assert "No next one is promised" in shown(await here.say("update still well", room=number))


async def test_without_words_the_last_update_is_shown_and_how_late_the_next_is(here: World) -> None:
    number = await here.opened()
    assert "has no update for stakeholders yet" in shown(await here.say("update", room=number))
    await here.say("update the vendor is on it --next 30m", room=number)
    here.clock.advance(1200)
    assert shown(await here.say("update", room=number)).splitlines() == [
        "Last update of INC-1 at 09:00 UTC (20 min ago) by Mika Laine: the vendor is on it",
        "The next is due at 09:30 UTC (in 10 min).",
    ]
    here.clock.advance(1200)
    assert "The next was due at 09:30 UTC (10 min ago)." in shown(await here.say("update", room=number))


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("update --next 30m", "An update needs words"),
        ("update it is slow --next", "--next needs a value: when the next one is due"),
        ("update it is slow --next soon", '"soon" is no duration'),
        ("update it is slow --next 5s", "The next update is due in 1 min to 7 d"),
        ("update --next 30m --nxt it is slow", "did you mean --next?"),
    ],
)
async def test_a_mistyped_update_says_what_would_be_right(here: World, typed: str, told: str) -> None:
    number = await here.opened()
    reply = await here.say(typed, room=number)
    assert reply.failed
    assert told in shown(reply)
    assert (await here.incident(number)).update is None


async def test_words_that_look_like_options_stay_words_inside_the_text(here: World) -> None:
    number = await here.opened()
    await here.say("update deploy ran with --next 30m again and failed", room=number)
    assert await here.story(number) == ["deploy ran with --next 30m again and failed"]
    await here.say("update INC-1 --next 2h down for 30m", actor=SAM)
    assert (await here.story(number))[-1] == "down for 30m"


async def test_who_leads_is_reminded_once_when_the_next_update_is_overdue(here: World) -> None:
    number = await here.opened()
    await here.say("ack", actor=ROBIN, room=number)
    await here.say("update we roll back --next 30m", room=number)
    scheduler = clockwork(here)
    here.clock.advance(1799)
    assert await scheduler.tick() == 0
    here.clock.advance(2)
    assert await scheduler.tick() == 1
    [reminder] = await here.announced("direct")
    assert reminder.startswith("SEV2 INC-1 checkout latency, eu-west-1: an update was due at 09:30 UTC.")
    assert "/incident update INC-1 TEXT" in reminder
    assert [effect["lane"] for effect in await here.effects("direct")] == ["console:@robin"]
    here.clock.advance(86_400)
    assert await scheduler.tick() == 0
    assert "Last update: 09:00 UTC by Mika Laine: we roll back; next was due 09:30 UTC" in await here.card(number)


async def test_the_room_is_reminded_where_nobody_leads(here: World) -> None:
    number = await here.opened()
    await here.say("update nobody is here --next 30m", room=number)
    here.clock.advance(1801)
    assert await clockwork(here).tick() == 1
    assert "an update was due at 09:30 UTC" in (await here.announced())[-1]
    assert await here.announced("direct") == []


async def test_an_incident_that_is_over_owes_no_update(here: World) -> None:
    number = await here.opened()
    await here.say("update we roll back --next 30m", room=number)
    await here.say("resolve", room=number)
    here.clock.advance(3600)
    assert await clockwork(here).tick() == 0
    assert "no next one is due" in shown(await here.say("update it was the pool", room=number))
    assert await here.announced("direct") == []


async def test_an_incident_that_takes_in_another_owes_its_update(here: World) -> None:
    kept, lost = await here.opened(), await here.opened()
    await here.say("update we roll back --next 30m", room=lost)
    await here.say(f"merge INC-{lost}", room=kept)
    async with here.database.reading() as connection:
        assert await timers.find(connection, UPDATE_DUE, f"INC-{lost}") is None
        assert await timers.find(connection, UPDATE_DUE, f"INC-{kept}") is not None


# --- role -------------------------------------------------------------------------------------------------------------


async def test_a_role_is_given_and_its_holder_is_invited(here: World) -> None:
    number = await here.opened()
    reply = await here.say("role comms @robin", room=number)
    assert shown(reply) == "Robin Vos is communications of INC-1, and is invited to its room."
    assert (await here.announced())[-1] == "Robin Vos has the role communications, asked by Mika Laine."
    assert (await here.effects("invite"))[-1]["people"][0]["id"] == "robin"
    assert "With Robin Vos" in shown(await here.say("show", room=number))
    assert "Roles: communications Robin Vos" in await here.card(number)


async def test_a_role_without_a_name_is_taken_and_can_be_freed(here: World) -> None:
    number = await here.opened()
    assert shown(await here.say("role scribe", room=number)) == "You are scribe of INC-1."
    assert shown(await here.say("role scribe @sam", room=number)).startswith("Sam Okafor is scribe")
    assert shown(await here.say("role", room=number)).splitlines()[:3] == [
        "Roles of INC-1:",
        "lead: nobody",
        "scribe: Sam Okafor",
    ]
    assert shown(await here.say("role scribe --nobody", room=number)) == "Nobody is scribe of INC-1 any more."
    assert (await here.incident(number)).roles == []
    again = await here.say("role scribe --nobody", room=number)
    assert again.failed


async def test_the_commander_is_who_leads(here: World) -> None:
    number = await here.opened()
    for word, person in (("ic", ROBIN), ("commander", SAM)):
        await here.say(f"role {word} @{person.id}", room=number)
        incident = await here.incident(number)
        assert (incident.commander, incident.roles) == (person.id, [])
    assert (await here.say("role lead --nobody", room=number)).failed


async def test_roles_are_few_and_plain_words(here: World) -> None:
    number = await here.opened()
    for count in range(12):
        assert not (await here.say(f"role helper{count} @robin", room=number)).failed
    assert "has 12 roles already" in shown(await here.say("role scribe", room=number))
    for odd in ("<!channel>", "x" * 41, '"  "'):
        assert (await here.say(f"role {odd}", room=number)).failed or odd == '"  "'
    assert len((await here.incident(number)).roles) == 12
    assert (await here.say("role helper1 @robin", room=number)).failed


# --- ruleout ----------------------------------------------------------------------------------------------------------


async def test_what_is_ruled_out_stands_on_the_card_and_is_no_cause_any_more(here: World) -> None:
    number = await here.opened()
    reply = await here.say("ruleout Payments-API its graphs are flat", room=number)
    assert shown(reply).splitlines() == [
        "payments-api is ruled out in INC-1.",
        "What the cause is instead is not known.",
        "Wrong? /incident ruleout --undo payments-api",
    ]
    assert "ruled out payments-api: its graphs are flat" in (await here.announced())[-1]
    card = await here.card(number)
    assert "Ruled out: payments-api (Mika Laine: its graphs are flat)" in card
    assert "Probable cause:" not in card
    assert await here.story(number) == ["Ruled out payments-api: its graphs are flat"]
    assert "payments-api by Mika Laine, just now: its graphs are flat" in shown(await here.say("ruleout", room=number))


async def test_a_change_is_ruled_out_by_its_number_or_revision_and_stands_last_with_who_and_why(here: World) -> None:
    number = await here.opened()
    await here.changed(number, here.deploy(), here.deploy(id="other", service="cart", revision="c0ffee1", before=900.0))
    reply = await here.say("ruleout 1 rolled back already", room=number)
    assert shown(reply).splitlines()[0] == "deploy payments-api a1b2c3d is ruled out in INC-1."
    assert shown(reply).splitlines()[-1] == 'Wrong? /incident ruleout --undo "deploy payments-api a1b2c3d"'
    first, last = [
        line for line in shown(await here.say("changes", room=number)).splitlines() if line[:2] in {"1.", "2."}
    ]
    assert first.startswith("1. deploy cart c0ffee1")
    assert last.startswith("2. deploy payments-api a1b2c3d")
    assert "ruled out by Mika Laine: rolled back already" in last
    why = shown(await here.say("why", room=number))
    assert "Ruled out: deploy payments-api a1b2c3d, says Mika Laine: rolled back already." in why
    card = await here.card(number)
    assert "Ruled out: deploy payments-api a1b2c3d (Mika Laine: rolled back already)" in card
    assert "Suspect: deploy payments-api" not in card
    undone = await here.say('ruleout --undo "deploy payments-api a1b2c3d"', room=number)
    assert shown(undone).startswith("deploy payments-api a1b2c3d may be the cause of INC-1 again.")
    assert shown(await here.say("ruleout c0ffee", room=number)).startswith("deploy cart c0ffee1 is ruled out in INC-1.")


async def test_what_was_ruled_out_in_error_may_be_it_again(here: World) -> None:
    number = await here.opened()
    await here.say("ruleout cart", room=number)
    assert shown(await here.say("ruleout cart", room=number)) == "cart was ruled out just now by Mika Laine already."
    assert shown(await here.say("ruleout --undo CART", room=number)).startswith("cart may be the cause of INC-1 again.")
    assert (await here.incident(number)).exclusions == []
    assert shown(await here.say("ruleout cart --undo", room=number)) == "cart is not ruled out in INC-1."
    assert await here.story(number) == ["Ruled out cart", "cart may be the cause after all"]


async def test_what_the_incident_does_not_touch_is_a_mistyped_name(here: World) -> None:
    number = await here.opened()
    reply = await here.say("ruleout chekout", room=number)
    assert reply.failed
    assert 'nothing to do with "chekout"; did you mean "checkout"?' in shown(reply)


async def test_the_probable_cause_is_offered_first_to_be_ruled_out(here: World) -> None:
    number = await here.opened()
    assert (await here.offers("/incident ruleout ", room=number))[0] == "payments-api"
    assert await here.offers("/incident update --next ", room=number) == ["30m", "1h", "2h", "8h", "1d", "7d"]
    assert (await here.offers("/incident role ", room=number))[0] == "communications"
    assert "@robin" in await here.offers("/incident role scribe ", room=number)


async def test_what_people_said_survives_a_merge(here: World) -> None:
    kept, lost = await here.opened(), await here.opened()
    await here.say("ruleout cart", room=lost)
    await here.say("role scribe", room=lost, actor=MIKA)
    await here.say("role scribe @robin", room=kept)
    await here.say(f"merge INC-{lost}", room=kept)
    async with here.database.reading() as connection:
        incident = await store.load(connection, kept)
    assert incident.ruled_out == ("cart",)
    assert incident.roles == [("scribe", "robin")]
