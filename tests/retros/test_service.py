"""Retrospectives: what a draft holds, keeps and tells; actions, moods and exports."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from sqlalchemy import delete, select, update

from bot.chat.views import Person, decode_view, plain
from bot.errors import BadArguments, InvalidTransition, NotFound
from bot.retros.formats.markdown import render
from bot.retros.model import MOODS, decode_retro, encode_retro
from bot.retros.service import format_names, key_figures
from bot.storage import tables
from tests.retros.story import MIKA, ROBIN, Story


async def notices(story: Story) -> list[str]:
    query = select(tables.effects.c.payload_json).where(tables.effects.c.kind == "post").order_by(tables.effects.c.id)
    async with story.database.reading() as connection:
        found = (await connection.execute(query)).scalars().all()
    views = [decode_view(msgspec.json.decode(payload)["view"]) for payload in found]
    return ["\n".join(plain(line) for line in (view.text, *view.details)) for view in views]  # type: ignore[union-attr]


async def test_a_draft_tells_the_whole_story(story: Story) -> None:
    await story.tell()
    retro = await story.retros.draft(story.number, MIKA)
    assert [(f.key, f.seconds) for f in retro.figures] == [
        ("time_to_declare", 60),
        ("time_to_acknowledge", 240),
        ("time_to_clear", 1200),
        ("time_to_resolve", 1500),
    ]
    assert "reopened once" in retro.figures[-1].definition
    assert [(s.service, s.alerts, s.firings, s.worst) for s in retro.services] == [
        ("checkout", 3, 3, "error"),
        ("payments-api", 1, 6, "critical"),
    ]
    assert [(s.service, s.author) for s in retro.suspects] == [("payments-api", "Robin Vos"), ("", "")]
    assert [(p.name, p.role) for p in retro.people] == [("Mika Laine", "incident commander"), ("Robin Vos", "scribe")]
    assert [(one.service, one.by, one.reason) for one in retro.ruled_out] == [
        ("cart", "Robin Vos", "its graphs are flat"),
        ("web", "Mika Laine", ""),
    ]
    assert [(p.name, p.state) for p in retro.pages] == [("Mika Laine", "acknowledged")]
    assert [(r.runbook, r.requested_by, r.approved_by) for r in retro.runs] == [
        ("restart-checkout", "Mika Laine", ("Robin Vos",))
    ]
    assert [line.kind for line in retro.timeline] == [
        "declared", "acknowledged", "role", "ruled_out", "ruled_out", "update", "note", "resolved", "reopened", "resolved",
    ]  # fmt: skip
    assert [said.name for said in retro.transcript] == ["Muster", "Mika Laine", "Robin Vos"]  # and no card
    assert (retro.drafted_by, retro.commander, retro.status) == ("Mika Laine", "Mika Laine", "resolved")
    assert decode_retro(encode_retro(retro)) == retro


async def test_a_role_that_was_given_back_and_a_service_that_may_be_it_after_all_are_not_told(told: Story) -> None:
    await told.opens()
    await told.incidents.acknowledge(told.number, MIKA)
    for role in ("scribe", "communications"):
        await told.incidents.give_role(told.number, role, MIKA, MIKA)
    for service in ("cart", "web"):
        await told.incidents.rule_out(told.number, service, MIKA)
    before = await told.retros.draft(told.number, MIKA)
    assert [person.role for person in before.people] == ["incident commander, scribe, communications"]
    await told.incidents.give_role(told.number, "scribe", ROBIN, MIKA)
    await told.incidents.free_role(told.number, "communications", MIKA)
    await told.incidents.rule_in(told.number, "web", ROBIN)
    after = await told.retros.draft(told.number, MIKA)
    assert [(person.name, person.role) for person in after.people] == [
        ("Mika Laine", "incident commander"),
        ("Robin Vos", "scribe"),
    ]
    assert [one.service for one in after.ruled_out] == ["cart"]


async def test_a_probable_cause_that_was_ruled_out_is_not_told_as_probable(told: Story) -> None:
    await told.opens()
    await told.incidents.rule_out(told.number, "payments-api", ROBIN, "it only waits")
    written = (await told.retros.render(told.number, "md")).body.decode()
    assert "Probably" not in written
    assert "- payments-api, by Robin Vos: it only waits" in written


async def test_what_was_told_to_stakeholders_stands_together(told: Story) -> None:
    await told.opens()
    assert "Updates for stakeholders" not in (await told.retros.render(told.number, "md")).body.decode()
    await told.incidents.tell(told.number, "We look.", MIKA)
    told.clock.advance(600)
    await told.incidents.tell(told.number, "It is over.", ROBIN, last=True)
    written = (await told.retros.render(told.number, "md")).body.decode()
    updates = written.split("## Updates for stakeholders\n", 1)[1].split("\n## ", 1)[0]
    assert updates.split("\n") == [
        "",
        "**Mika Laine** 09:01:00 UTC",
        "",
        "> We look.",
        "",
        "**Robin Vos** 09:11:00 UTC",
        "",
        "> It is over.",
        "",
    ]


async def test_the_room_is_told_the_key_figures_and_how_to_go_on(story: Story) -> None:
    await story.tell()
    await story.retros.draft(story.number, MIKA)
    last = (await notices(story))[-1]
    assert "Retrospective drafted by Mika Laine" in last
    assert "From the first alert: declared after 1 min, acknowledged after 4 min," in last
    assert "/incident retro export md" in last
    await story.retros.draft(story.number, ROBIN)
    assert "brought up to date by Robin Vos" in (await notices(story))[-1]


async def test_a_draft_keeps_what_is_forgotten_elsewhere(story: Story) -> None:
    await story.tell()
    before = await story.retros.draft(story.number, MIKA)
    async with story.database.transaction() as work:
        for table in (tables.messages, tables.alerts, tables.changes):
            await work.connection.execute(delete(table))
    await story.say(ROBIN, "one more thing")
    after = await story.retros.draft(story.number, ROBIN)
    assert [said.text for said in after.transcript] == [*(said.text for said in before.transcript), "one more thing"]
    assert after.services == before.services
    assert after.suspects == before.suspects
    assert after.drafted_by == "Mika Laine"


async def test_without_a_draft_forgotten_alerts_are_still_counted(story: Story) -> None:
    await story.tell()
    async with story.database.transaction() as work:
        await work.connection.execute(delete(tables.alerts))
    retro = await story.retros.get(story.number)
    assert [(s.service, s.alerts, s.first_at) for s in retro.services] == [
        ("checkout", 3, None),
        ("payments-api", 1, None),
    ]


async def test_an_open_incident_can_be_drafted_and_says_what_is_not_known_yet(told: Story) -> None:
    await told.opens()
    retro = await told.retros.draft(told.number, MIKA)
    assert [(f.key, f.seconds) for f in retro.figures] == [
        ("time_to_declare", 60),
        ("time_to_acknowledge", None),
        ("time_to_resolve", None),
    ]
    assert [plain(line) for line in key_figures(retro)] == [
        "From the first alert: declared after 1 min, acknowledged not yet, resolved not yet."
    ]
    await told.is_worked_on()
    assert (await told.retros.draft(told.number, MIKA)).figures[1].seconds == 240


async def test_what_a_resolved_incident_never_had_is_not_promised(told: Story) -> None:
    await told.opens()
    await told.incidents.resolve(told.number, MIKA)
    retro = await told.retros.draft(told.number, MIKA)
    [line] = [plain(line) for line in key_figures(retro)]
    assert "never acknowledged" in line
    assert "not yet" not in line + render(retro).decode()


async def test_the_first_acknowledgement_counts_even_when_it_was_given_back(told: Story) -> None:
    await told.opens()
    told.clock.advance(60)
    await told.incidents.acknowledge(told.number, MIKA)
    await told.incidents.unacknowledge(told.number, MIKA)
    told.clock.advance(600)
    await told.incidents.acknowledge(told.number, ROBIN)
    assert (await told.retros.get(told.number)).figures[1].seconds == 120


async def test_an_incident_that_a_person_declared_has_no_time_to_declare(told: Story) -> None:
    incident = await told.incidents.declare("the coffee machine", MIKA)
    retro = await told.retros.draft(incident.number, MIKA)
    assert [f.key for f in retro.figures] == ["time_to_acknowledge", "time_to_resolve"]
    assert "no alert came before it" in retro.figures[0].definition


async def test_the_rooms_of_merged_incidents_belong_to_the_conversation(told: Story) -> None:
    await told.tell()
    other = await told.incidents.declare("payments slow", ROBIN)
    async with told.database.transaction() as work:
        await work.connection.execute(
            update(tables.incidents).where(tables.incidents.c.number == other.number).values(merged_into=told.number)
        )
        await work.connection.execute(update(tables.console_rooms).values(incident=other.number))
    assert len((await told.retros.get(told.number)).transcript) == 3
    with pytest.raises(InvalidTransition, match="merged into INC-1"):
        await told.retros.draft(other.number, MIKA)


async def test_private_conversations_stay_private(told: Story) -> None:
    await told.tell()
    async with told.database.transaction() as work:
        await work.connection.execute(update(tables.console_rooms).values(kind="private", person="mika"))
    assert (await told.retros.get(told.number)).transcript == ()


async def test_actions_are_numbered_and_stay_when_the_draft_is_brought_up_to_date(story: Story) -> None:
    await story.tell()
    first = await story.retros.add_action(story.number, " give retries\n a budget ", MIKA, owner=ROBIN)
    second = await story.retros.add_action(story.number, "alert on queue length", ROBIN)
    assert (first.number, first.text, first.owner, second.number) == (1, "give retries a budget", "Robin Vos", 2)
    assert (await story.retros.finish_action(story.number, 1, MIKA)).done
    retro = await story.retros.draft(story.number, MIKA)
    assert [(a.text, a.done) for a in retro.actions] == [
        ("give retries a budget", True),
        ("alert on queue length", False),
    ]
    with pytest.raises(NotFound, match="no action 9"):
        await story.retros.finish_action(story.number, 9, MIKA)
    with pytest.raises(BadArguments, match="needs words"):
        await story.retros.add_action(story.number, " \n ", MIKA)


async def test_twenty_people_at_once_lose_no_action_and_no_mood(story: Story) -> None:
    await story.opens()
    people = [Person(f"guest:{n}", str(n)) for n in range(20)]
    await asyncio.gather(
        *(story.retros.add_action(story.number, f"action {one.name}", one) for one in people),
        *(story.retros.set_mood(story.number, "good", one) for one in people),
    )
    retro = await story.retros.get(story.number)
    assert sorted(action.number for action in retro.actions) == list(range(1, 21))
    assert len(retro.moods) == 20


async def test_a_mood_is_one_of_five_and_the_last_word_counts(told: Story) -> None:
    await told.opens()
    for word in ("bad", "Great ", "hard"):
        said = await told.retros.set_mood(told.number, word, MIKA, "paged too late")
        assert said.mood in MOODS
    retro = await told.retros.get(told.number)
    assert [(m.name, m.mood, m.note) for m in retro.moods] == [("Mika Laine", "hard", "paged too late")]
    with pytest.raises(BadArguments, match="great, good, mixed, hard, bad"):
        await told.retros.set_mood(told.number, "furious", MIKA)


async def test_what_is_exported_is_what_was_drafted(told: Story) -> None:
    await told.tell()
    found = await told.retros.render(told.number, "markdown")
    assert (found.filename, found.media_type) == ("INC-1-checkout-latency-eu-west-1.md", "text/markdown; charset=utf-8")
    await told.retros.draft(told.number, MIKA)
    await told.say(ROBIN, "after the fact")
    assert b"after the fact" not in (await told.retros.render(told.number, "md")).body
    assert b"Drafted by Mika Laine" in (await told.retros.render(told.number, "MD")).body


async def test_an_unknown_format_is_refused_with_those_there_are(told: Story) -> None:
    await told.opens()
    assert {"md", "json"} <= set(format_names())
    with pytest.raises(BadArguments, match=r'No format "docx"\. There are: .*json.*md'):
        await told.retros.render(told.number, "docx")


async def test_an_incident_that_is_not_there_has_no_retrospective(told: Story) -> None:
    for call in (
        told.retros.get(9),
        told.retros.draft(9, MIKA),
        told.retros.add_action(9, "x", MIKA),
        told.retros.render(9, "md"),
    ):
        with pytest.raises(NotFound, match="INC-9"):
            await call
