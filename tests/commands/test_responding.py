"""ack, unack, resolve, reopen, declare, severity, rename, note, lead: golden path, refusals, words."""

from __future__ import annotations

from tests.commands.world import MIKA, ROBIN, SAM, World, shown


async def test_an_ack_says_how_long_it_took_and_stops_paging(here: World) -> None:
    number = await here.opened()
    reply = await here.say("ack looking at the database", room=number)
    assert shown(reply) == "Acknowledged by Mika Laine, 4 min after the first alert. Paging stopped."
    assert reply.private
    assert not reply.failed
    assert (await here.incident(number)).commander == "mika"
    assert (await here.announced())[-1].endswith("Paging stopped. / looking at the database")


async def test_a_second_ack_says_who_was_first_and_adds_a_responder(here: World) -> None:
    number = await here.opened()
    await here.say("ack", actor=ROBIN, room=number)
    here.clock.advance(40)
    assert (
        shown(await here.say("ack", room=number))
        == "Robin Vos acknowledged this 40 s ago. You are added as a responder."
    )
    assert shown(await here.say("ack", actor=ROBIN, room=number)).startswith("You acknowledged this 40 s ago.")
    assert "With Robin Vos, Mika Laine" in shown(await here.say("show", room=number))


async def test_a_second_ack_answers_the_page_of_whoever_says_it(here: World) -> None:
    number = await here.opened()
    await here.say("page @mika", actor=ROBIN, room=number)
    await here.say("ack", actor=ROBIN, room=number)
    await here.say("ack", actor=MIKA, room=number)
    assert [page.state for page in await here.services.paging.pages(number)] == ["acknowledged"]


async def test_an_ack_that_comes_too_late_does_not_reopen(here: World) -> None:
    number = await here.opened()
    await here.say("resolve", room=number)
    here.clock.advance(120)
    reply = await here.say("ack", actor=ROBIN, room=number)
    assert shown(reply) == ("Resolved 2 min ago by Mika Laine. Nothing to acknowledge. If it is back: /incident reopen")
    assert reply.failed
    assert (await here.incident(number)).status == "resolved"


async def test_an_incident_given_back_is_open_again(here: World) -> None:
    number = await here.opened()
    await here.say("ack", room=number)
    assert shown(await here.say("unack", room=number)) == ("INC-1 is given back: nobody has it. Paging starts again.")
    assert (await here.incident(number)).status == "open"
    assert shown(await here.say("unack", room=number)) == "INC-1 is open, not acknowledged. Nothing to take back."


async def test_resolving_says_how_long_it_took_and_what_still_fires(here: World) -> None:
    number = await here.opened(firing=1)
    assert shown(await here.say("resolve rolled back payments-api", room=number)).splitlines() == [
        "Resolved INC-1, 4 min after it began.",
        "1 alert still fires. If it is back: /incident reopen INC-1",
        "File the conversation: /incident retro INC-1",
    ]
    assert (await here.incident(number)).summary == "rolled back payments-api"
    again = await here.say("resolve", room=number)
    assert again.failed
    assert shown(again).endswith("by Mika Laine. Nothing to resolve.")


async def test_reopening_says_how_to_take_it(here: World) -> None:
    number = await here.opened()
    assert (await here.say("reopen", room=number)).failed
    await here.say("resolve", room=number)
    assert shown(await here.say("reopen errors are back", room=number)) == (
        "INC-1 is open again, and paging starts. Take it: /incident ack INC-1"
    )
    assert (await here.announced())[-1] == "Mika Laine reopened it: errors are back"


async def test_an_incident_may_be_declared_without_an_alert(here: World) -> None:
    reply = await here.say("declare checkout slow for some customers")
    assert shown(reply).splitlines() == [
        "Declared SEV3 INC-1 checkout slow for some customers. Its room opens now.",
        "Its title names checkout: whoever owns that is meant.",
        "Nobody is paged yet. To page: /incident page NAME INC-1",
    ]
    assert (await here.effects("open_room"))[0]["lane"] == "console:INC-1"
    assert (await here.say("declare")).failed


async def test_a_declaration_takes_its_severity_from_the_end_where_it_is_clear(here: World) -> None:
    for typed, title, severity in (
        ("declare payments down sev1 --page", "payments down", "SEV1"),
        ('declare "queue above 3" 2', "queue above 3", "SEV2"),
        ("declare queue above 3", "queue above 3", "SEV3"),
        ("declare sev2", "sev2", "SEV3"),
        ("declare SEV2 cart --page is odd", "SEV2 cart --page is odd", "SEV3"),
    ):
        await here.say(typed)
        incident = (await here.services.incidents.open_ones(1))[0]
        assert (incident.title, incident.severity) == (title, severity)


async def test_a_private_incident_is_private(here: World) -> None:
    await here.say("declare someone has our keys sev1 --private")
    assert (await here.incident(1)).private


async def test_the_severity_changes_and_says_what_it_was(here: World) -> None:
    number = await here.opened()
    assert shown(await here.say("severity 1", room=number)) == (
        "INC-1 is SEV1 now; it was SEV2. Nobody has it: paging starts."
    )
    assert shown(await here.say("sev SEV-1", room=number)) == "INC-1 is SEV1 already."
    assert shown(await here.say("severity", room=number)) == "INC-1 is SEV1. To change it: /incident severity 2"
    assert shown(await here.say("severity high", room=number)) == '"high" is no severity; write 1 (worst) to 4.'


async def test_a_title_is_one_line_and_somebody_wrote_it(here: World) -> None:
    number = await here.opened()
    assert shown(await here.say("rename  checkout\n down ", room=number)) == 'INC-1 is now called "checkout down".'
    assert (await here.incident(number)).titled_by_person
    assert shown(await here.say("rename", room=number)).startswith("Title is missing")


async def test_a_note_keeps_its_words_and_lines(here: World) -> None:
    number = await here.opened()
    await here.say("note don't   touch\nthe \"cart\" --yes it's INC-7", room=number)
    assert await here.story(number) == ["don't   touch\nthe \"cart\" --yes it's INC-7"]
    await here.say('note "all of it"', room=number)
    assert (await here.story(number))[-1] == "all of it"
    assert (await here.say("note", room=number)).failed


async def test_command_is_taken_or_given(here: World) -> None:
    number = await here.opened()
    assert shown(await here.say("lead", room=number)) == "You lead INC-1."
    assert shown(await here.say("lead", room=number)) == "Mika Laine leads INC-1 already."
    assert shown(await here.say("lead @robin", room=number)) == "Robin Vos leads INC-1 and is invited to its room."
    assert (await here.effects("invite"))[-1]["people"][0]["id"] == "robin"


async def test_a_private_incident_says_where_it_is_private_and_where_not(here: World) -> None:
    assert "Private:" not in shown(await here.say("declare checkout slow"))
    assert shown(await here.say("declare payroll leak --private")).splitlines()[-1] == (
        "Private: on chat platforms by invitation only. The situation room shows it to all who may open it."
    )


async def test_what_is_worth_waking_people_for_pages_who_is_on_call_for_what_is_named(here: World) -> None:
    reply = await here.say("declare payments-api refuses cards sev1", actor=SAM)
    assert shown(reply).splitlines() == [
        "Declared SEV1 INC-1 payments-api refuses cards. Its room opens now.",
        "Its title names payments-api: whoever owns that is meant.",
        "Paging starts: whoever is on call for payments-api. The room shows who is paged.",
        "You have it already? /incident ack INC-1",
    ]
    assert (await here.incident(1)).services == [("payments-api", 0)]
    assert await here.services.paging.climbing(1)
    assert "Services payments-api" in shown(await here.say("show INC-1"))


async def test_a_declaration_pages_nobody_where_it_is_mild_or_says_so(here: World) -> None:
    for typed in ("declare cart slow", "declare cart slow sev4", "declare fire drill sev1 --nopage"):
        assert "Nobody is paged yet" in shown(await here.say(typed))
    assert not any([await here.services.paging.climbing(number) for number in (1, 2, 3)])
    assert "Paging starts" in shown(await here.say("declare cart slow sev4 --page"))
    assert (await here.say("declare x sev1 --page --nopage")).failed


async def test_a_declaration_names_its_service_where_the_title_does_not(here: World) -> None:
    reply = await here.say("declare --service cart baskets are empty sev2")
    assert "Paging starts: whoever is on call for cart." in shown(reply)
    assert (await here.incident(1)).services == [("cart", 0)]
    assert 'No service "nope"' in shown(await here.say("declare --service nope baskets are empty"))
    assert await here.offers("/incident declare --service ") == ["checkout", "payments-api", "cart"]
