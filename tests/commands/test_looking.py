"""list, show, alerts, why, changes, help: what is read, in words, cut where it would be too long."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, insert

from bot.chat.views import Moment, Room, Span, plain
from bot.commands import why
from bot.incidents.drawing_process import NotDrawn, Wanted
from bot.storage import tables
from correlation import inhibition, outbreaks, similarity
from tests.commands.world import World, shown
from tests.rows import alert_row


async def test_the_list_says_how_bad_how_long_and_who(here: World) -> None:
    assert shown(await here.say("list")) == "No incident is open. Over ones: /incident show INC-42"
    await here.opened()
    await here.say("declare cart odd sev4")
    await here.say("ack INC-2")
    assert shown(await here.say("list")).splitlines() == [
        "2 open incidents, 1 not taken yet.",
        "SEV4 INC-2 cart odd: acknowledged for 0 s, Mika Laine leads",
        "SEV2 INC-1 checkout latency, eu-west-1: open for 4 min, nobody leads, 3 alerts, all firing",
    ]


async def test_a_long_list_is_cut(here: World) -> None:
    for _ in range(18):
        await here.opened(alerts=1)
    lines = shown(await here.say("list")).splitlines()
    assert len(lines) == 17
    assert lines[-1] == "and 3 more: /incident show INC-n"


async def test_one_incident_says_all_that_the_card_says(here: World) -> None:
    await here.opened()
    await here.changed(1, here.deploy())
    reply = await here.say("show INC-1")
    assert shown(reply).splitlines() == [
        "SEV2 INC-1 checkout latency, eu-west-1",
        "Open for 4 min, nobody leads",
        "3 alerts, all firing, since 08:56 UTC (4 min ago)",
        "Services checkout 2, cart 1",
        "Probably payments-api: first to fail, 2 depend on it",
        (
            "Suspect: deploy payments-api a1b2c3d by Robin Vos, 08:53 UTC (3 min before) "
            "the change (https://git.example.org/payments/commit/a1b2c3d)"
        ),
    ]
    looks = ["alerts INC-1", "why INC-1", "changes INC-1", "graph INC-1", "similar INC-1"]
    assert [button.command for button in reply.buttons] == ["ack INC-1", *looks, "update INC-1", "severity INC-1"]
    await here.say("resolve INC-1 rolled back")
    after = await here.say("show INC-1")
    assert [button.command for button in after.buttons] == ["reopen INC-1", *looks]
    over = shown(after)
    assert "Resolved at 09:00 UTC (just now), 4 min after it began, nobody leads" in over
    assert "rolled back" in over


@pytest.mark.parametrize(("state", "way"), [("open", Room("C0INC1", "inc-1-checkout")), ("archived", "inc-1-checkout")])
async def test_show_begins_with_the_way_to_its_room_where_it_is_read(here: World, state: str, way: Span) -> None:
    await here.opened()
    room = {"incident": 1, "platform": "console", "name": "inc-1-checkout", "external": "C0INC1", "state": state}
    async with here.database.transaction() as work:
        await work.connection.execute(delete(tables.rooms))
        await work.connection.execute(insert(tables.rooms).values(room))
    assert (await here.say("show INC-1")).details[0] == ("Room ", way)


async def test_times_are_moments_that_each_reader_sees_in_their_zone(here: World) -> None:
    await here.opened()
    for text in ("show INC-1", "alerts INC-1", "why INC-1"):
        reply = await here.say(text)
        assert any(isinstance(span, Moment) for line in reply.details for span in line)


async def test_the_alerts_that_fire_come_worst_first_and_the_others_when_asked_for(here: World) -> None:
    await here.opened(alerts=20, firing=18)
    lines = shown(await here.say("alerts", room=1)).splitlines()
    assert lines[0] == "INC-1: 20 alerts, 18 firing."
    assert lines[1] == ("A12 08:56 UTC critical checkout CheckoutLatencyHigh on checkout-1, firing for 3 min, 40 times")
    assert lines[-1] == "and 5 more: /incident alerts INC-1 all"
    everything = shown(await here.say("alerts all", room=1)).splitlines()
    assert len(everything) == 21
    assert "over after 1 min" in everything[-1]
    assert (await here.say("alerts some", room=1)).failed


async def test_when_nothing_fires_any_more_what_fired_is_shown(here: World) -> None:
    await here.opened(alerts=2, firing=0)
    assert len(shown(await here.say("alerts", room=1)).splitlines()) == 3


async def test_an_incident_without_alerts_says_so(here: World) -> None:
    await here.say("declare cart odd")
    assert shown(await here.say("alerts INC-1")) == "INC-1 has no alerts: it was declared by hand."
    assert shown(await here.say("why INC-1")) == "INC-1 was declared by Mika Laine; no alerts were grouped."


async def test_what_a_merged_incident_had_is_shown_where_it_is(here: World) -> None:
    await here.opened(alerts=2)
    await here.say("declare cart odd")
    await here.say("merge INC-2", room=1)
    assert shown(await here.say("alerts INC-2")) == (
        "INC-2 was merged into INC-1: its alerts are there.\n/incident alerts INC-1"
    )
    assert shown(await here.say("why INC-2")).endswith("/incident why INC-1")
    told = shown(await here.say("why INC-1")).splitlines()
    assert any(line.endswith("Took in INC-2, says Mika Laine.") for line in told)


async def test_an_alert_that_fires_again_says_since_when_this_time(here: World) -> None:
    await here.opened(alerts=1)
    at = here.clock.now()
    row = alert_row(95, at - 7200, service="web", group_id="G1", began_at=at - 120, count=25)
    async with here.database.transaction() as work:
        await work.connection.execute(insert(tables.alerts), row)
    line = next(one for one in shown(await here.say("alerts", room=1)).splitlines() if one.startswith("A95"))
    assert ", firing for 2 min, 25 times since " in line


async def test_held_alerts_are_shown_with_the_reason_wherever_one_asks(here: World) -> None:
    assert "No alert was held" in shown(await here.say("alerts held"))
    await here.opened(alerts=2)
    at = here.clock.now() - 60
    flaps = alert_row(90, at, name="PodRestarted", service="mail", held="Held: flapping: 14 changes in 10 min.")
    waits = alert_row(91, at, name="Slow", service="mail", group_id="G77", reason="Joined: same service.")
    async with here.database.transaction() as work:
        await work.connection.execute(insert(tables.groups), {"id": "G77", "recipe": "", "opened_at": at})
        await work.connection.execute(
            insert(tables.alerts), [flaps | {"group_id": None, "reason": ""}, waits | {"held": ""}]
        )
    head, *lines = shown(await here.say("alerts held")).splitlines()
    assert head == "2 alerts held in the last day: nobody was called for these."
    assert lines[0].endswith("Held: waits for others that belong to it. Joined: same service.")
    assert lines[1].startswith("A90 ")
    assert lines[1].endswith("Held: flapping: 14 changes in 10 min.")


async def test_an_effect_of_a_known_cause_says_what_mutes_it(here: World) -> None:
    await here.opened(alerts=1)
    words = '[{"term":"inhibition","score":1.0,"words":"inhibited by A12 payments-api pool exhausted"}]'
    async with here.database.transaction() as work:
        row = alert_row(95, here.clock.now() - 60, service="web", group_id="G1", evidence_json=words, muted=True)
        await work.connection.execute(insert(tables.alerts), row)
        await work.connection.execute(insert(tables.alerts), row | {"id": 96, "fingerprint": "f96", "muted": False})
    lines = shown(await here.say("alerts", room=1)).splitlines()
    assert ["; muted, inhibited by A12" in line for line in lines if line.startswith(("A95", "A96"))] == [True, False]


async def test_why_tells_how_it_began_and_what_joined(here: World) -> None:
    await here.opened(alerts=8)
    lines = shown(await here.say("why", room=1)).splitlines()
    assert lines[:3] == [
        "INC-1: 8 alerts grouped.",
        "A11 cart DiskFull on cart-1, 08:56 UTC: severity is critical",
        "A12 checkout CheckoutLatencyHigh on checkout-1, 08:56 UTC: same service, 8 s after the last",
    ]
    assert "Why 7 alerts joined: alike in words 7." in lines
    assert lines[-1] == "Grouped wrongly? /incident split A16 or /incident merge INC-n"


async def test_changes_are_ranked_with_reasons_and_others_named(here: World) -> None:
    await here.opened()
    near = here.deploy(id="flag:1", service="cart", kind="flag", revision="", title="Dark mode", before=1000.0, url="")
    elsewhere = here.deploy(id="far", service="billing", before=300.0)
    await here.changed(1, here.deploy(), suspect=True)
    await here.changed(1, near, elsewhere, suspect=False)
    lines = shown(await here.say("changes", room=1)).splitlines()
    assert lines[0] == "Suspect changes of INC-1, likeliest first:"
    assert lines[1].startswith(
        "1. deploy payments-api a1b2c3d by Robin Vos, 08:53 UTC: 3 min before the first alert, 1 hop upstream link"
    )
    assert lines[2] == "Others near: flag cart 12 min before"
    assert lines[-1] == "Invite who made one: /incident owner 1"


async def test_without_suspects_what_changed_near_is_told_as_such(here: World) -> None:
    await here.opened()
    assert shown(await here.say("changes", room=1)).splitlines() == [
        "No change is known in the 1 d before INC-1 began, on its services or what they depend on.",
        "Changes arrive by POST /webhooks/github or /webhooks/change.",
    ]
    await here.changed(1, here.deploy(), suspect=False)
    lines = shown(await here.say("changes", room=1)).splitlines()
    assert lines[0] == "Nothing stands out. Changes near the onset of INC-1:"
    assert "3 min before the first alert, 1 hop upstream" in lines[1]


async def test_help_explains_one_verb(here: World) -> None:
    text = shown(await here.say("help silence"))
    assert "silence MATCHER... DURATION [reason] [--yes]" in text
    assert 'For example /incident silence service="cart" 2h disk replacement' in text
    assert shown(await here.say("help acknowledge")).startswith("ack [note] I have it")
    assert shown(await here.say("help sillence")) == (
        'No verb "sillence"; did you mean "silence"? All verbs: /incident help'
    )


async def test_what_an_alert_wrote_stays_a_literal(here: World) -> None:
    await here.opened(title="<!channel> @everyone <https://evil.example|click>")
    for text in ("show INC-1", "list"):
        reply = await here.say(text)
        line = next(line for line in (reply.text, *reply.details) if "<!channel>" in plain(line))
        assert any(isinstance(span, str) and "<!channel> @everyone" in span for span in line)


async def test_the_picture_is_answered_and_shared(here: World) -> None:
    number = await here.opened()
    reply = await here.say("graph", room=number)
    assert reply.picture is not None
    assert reply.picture.png.startswith(b"\x89PNG")
    assert shown(reply).startswith("Alerts over time: 3 alerts on 2 services, 3 firing. Most at once: ")
    assert shown(await here.say("graph share", room=number)) == "The picture of INC-1 is in its room."
    assert (await here.announced())[-1] == "Alerts of INC-1 over time, shown by Mika Laine."
    empty = await here.opened(alerts=0)
    assert "nothing to draw" in shown(await here.say("graph", room=empty))


async def test_where_the_picture_cannot_be_drawn_its_words_are_answered(here: World) -> None:
    async def broken(_: Wanted) -> bytes:
        raise NotDrawn

    here.services.pictures._draw = broken
    number = await here.opened()
    reply = await here.say("graph", room=number)
    assert reply.picture is None
    assert shown(reply).startswith("Alerts over time: 3 alerts on 2 services, 3 firing. Most at once: ")
    assert shown(reply).endswith("It could not be drawn just now. Again: /incident graph INC-1")
    said = await here.announced()
    assert "could not be drawn just now" in shown(await here.say("graph share", room=number))
    assert await here.announced() == said


def test_all_that_the_engine_weighs_has_words() -> None:
    assert {*(term.name for term in similarity.TERMS), inhibition.TERM, outbreaks.OUTBREAK} == why.TERMS.keys()
