"""Pages go out, climb while nobody answers, and stop at once when somebody does."""

from __future__ import annotations

import pytest

from bot.catalog.loader import load
from bot.chat.console import ConsoleGateway
from bot.chat.gateway import DoorClosed
from bot.chat.views import Page, Person, plain
from bot.clock import ManualClock
from bot.errors import BadArguments, InvalidTransition, NotAllowed, NotFound, Permanent, Retryable
from bot.incidents.parts import Cause
from bot.storage import tables
from tests.responders.paged import CATALOG, MIKA, ROBIN, SAM, Recording, world

MINUTE = 60.0


async def test_whoever_is_on_call_is_paged_at_once_in_words_for_someone_just_woken(tmp_path):
    async with world(tmp_path) as w:
        at = w.clock.now()
        number = await w.declare(
            "checkout",
            "cart",
            title="checkout latency, eu-west-1",
            location="eu-west-1",
            alert_count=37,
            first_alert_at=at - 180,
            cause=Cause(service="payments-api", words="first to fail, 3 depend on it", score=1.0),
        )
        await w.pass_time()
        [(to, page)] = w.gateway.sent
        assert to == "robin"
        assert isinstance(page, Page)
        assert plain(page.headline) == f"SEV2 INC-{number} checkout latency, eu-west-1"
        assert plain(page.body) == (
            "37 alerts on 2 services since 08:57 UTC (3 min ago). "
            "Probable cause: payments-api (first to fail, 3 depend on it). Paged: on call for payments."
        )
        assert [(button.label, button.command) for button in page.buttons] == [
            ("Acknowledge", f"ack INC-{number}"),
            ("I can't", "page decline P1"),
            ("Open room", f"show INC-{number}"),
        ]
        assert await w.states(number) == [("robin", "sent")]
        await w.calm()
        assert "Paged Robin Vos (on call for payments): delivered at 09:00 UTC, no answer yet." in w.gateway.notices()
        assert "Paged Robin Vos (on call for payments)" in await w.story(number)


async def test_an_unanswered_page_climbs_the_policy_step_by_step_and_ends_with_plain_words(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        await w.pass_time()
        await w.pass_time(4 * MINUTE)
        assert w.gateway.to() == ["robin"]
        await w.pass_time(1 * MINUTE)
        assert w.gateway.to() == ["robin", "mika", "robin"]
        assert "The page to Robin Vos has no answer after 5 min" in await w.story(number)
        await w.pass_time(10 * MINUTE)
        await w.pass_time(2 * MINUTE)
        assert w.gateway.to()[3:] == ["sam", "sam"]
        await w.pass_time(2 * MINUTE)
        await w.pass_time(60 * MINUTE)
        assert len(w.gateway.sent) == 5
        [told] = [notice for notice in w.gateway.notices() if notice.startswith("Nobody answered")]
        assert told.split(" / ") == [
            "Nobody answered: 3 paged (Robin Vos, Mika Laine and Sam Okafor).",
            "The escalation policy standard is at its end.",
            "Page somebody: /incident page @name",
        ]
        assert (await w.story(number))[-1] == "Nobody answered: 3 paged (Robin Vos, Mika Laine and Sam Okafor)."


async def test_a_step_that_a_policy_repeats_is_one_notice_in_the_room(tmp_path):
    async with world(tmp_path) as w:
        await w.declare("checkout")
        await w.pass_time()
        for wait in (5, 10, 2):
            await w.pass_time(wait * MINUTE)
        await w.calm()
        told = [notice for notice in w.gateway.notices() if notice.startswith("Paged") and "Sam Okafor" in notice]
        assert told == [
            "Paged 2 times: Sam Okafor (named in the escalation policy): delivered at 09:17 UTC, no answer yet."
        ]


async def test_who_answered_and_gave_it_back_is_asked_anew_in_a_notice_of_its_own(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        await w.pass_time()
        await w.incidents.acknowledge(number, ROBIN)
        await w.incidents.unacknowledge(number, ROBIN)
        await w.calm()
        told = [notice for notice in w.gateway.notices() if notice.startswith("Paged")]
        assert len(told) == 2
        assert "answered" in told[0]
        assert "no answer yet" in told[1]


QUIET = CATALOG.replace("  standard:\n", '  standard:\n    quiet_hours: {severities: [SEV2, SEV3], until: "08:00"}\n')


@pytest.mark.parametrize(
    ("catalog", "before", "after", "paged"),
    [
        (CATALOG, "SEV3", "SEV2", ["robin"]),
        (CATALOG, "SEV4", "SEV3", []),
        (CATALOG, "SEV1", "SEV2", []),
        (QUIET, "SEV3", "SEV2", []),
        (QUIET, "SEV2", "SEV1", ["robin"]),
    ],
)
async def test_what_becomes_worth_waking_people_for_wakes_them(tmp_path, catalog, before, after, paged):
    async with world(tmp_path, catalog=catalog) as w:
        number = await w.declare("checkout", page=False, severity=before)
        await w.pass_time()
        assert w.gateway.to() == []
        await w.incidents.change_severity(number, after, MIKA)
        await w.pass_time()
        assert w.gateway.to() == paged


async def test_a_worse_severity_starts_no_paging_anew_and_wakes_nobody_for_what_somebody_has(tmp_path):
    async with world(tmp_path) as w:
        first = await w.declare("checkout", severity="SEV3")
        await w.pass_time()
        await w.incidents.change_severity(first, "SEV2", MIKA)
        await w.pass_time()
        assert w.gateway.to() == ["robin"], "it was under way already"
        await w.incidents.acknowledge(first, ROBIN)
        await w.incidents.change_severity(first, "SEV1", MIKA)
        await w.pass_time()
        assert w.gateway.to() == ["robin"]


async def test_nobody_more_is_woken_while_nothing_fires_and_the_climb_goes_on_when_it_does(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        await w.pass_time()
        async with w.database.transaction() as work:
            await work.connection.execute(tables.incidents.update().values(cleared_at=w.clock.now()))
        for _ in range(30):
            await w.pass_time(1 * MINUTE)
        assert w.gateway.to() == ["robin"]
        async with w.database.transaction() as work:
            await work.connection.execute(tables.incidents.update().values(cleared_at=None))
        await w.pass_time(1 * MINUTE)
        assert w.gateway.to() == ["robin", "mika", "robin"]
        assert number == 1


async def test_who_is_paged_again_sees_one_question_not_two(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        await w.pass_time()
        await w.pass_time(5 * MINUTE)
        first, second = w.gateway.pages_of("robin")
        assert (first.state, plain(first.body)) == ("over", "No answer; you were paged again.")
        assert second.state == "waiting"
        assert await w.states(number) == [("robin", "over"), ("robin", "sent"), ("mika", "sent")]


async def test_an_acknowledgement_stops_the_climb_and_tells_everybody_who_has_it(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        await w.pass_time()
        await w.pass_time(5 * MINUTE)
        w.clock.advance(30)
        await w.incidents.acknowledge(number, MIKA)
        await w.calm()
        assert await w.states(number) == [("robin", "over"), ("robin", "over"), ("mika", "acknowledged")]
        [_, robin], [mika] = w.gateway.pages_of("robin"), w.gateway.pages_of("mika")
        assert (robin.state, plain(robin.body)) == ("over", "Mika Laine has it since 09:05 UTC.")
        assert (mika.state, plain(mika.body)) == ("answered", "You answered after 30 s.")
        assert [button.label for button in robin.buttons] == ["Open room"]
        assert "Mika Laine answered the page after 30 s" in await w.story(number)
        await w.pass_time(3600)
        assert len(w.gateway.sent) == 3
        assert w.metrics.registry.get_sample_value("muster_pages_total", {"outcome": "acknowledged"}) == 1


async def test_a_page_that_is_still_on_its_way_when_somebody_acknowledges_is_never_sent(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        await w.scheduler.tick()
        await w.incidents.acknowledge(number, MIKA)
        await w.settle()
        assert w.gateway.sent == []
        assert await w.effects("page") == ["dropped"]
        assert await w.states(number) == [("robin", "over")]


async def test_an_acknowledgement_before_the_first_page_pages_nobody(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        await w.incidents.acknowledge(number, MIKA)
        await w.pass_time(3600)
        assert w.gateway.sent == []
        assert await w.paging.pages(number) == []


async def test_a_page_that_could_not_be_delivered_for_a_while_is_not_sent_after_somebody_has_it(tmp_path):
    async with world(tmp_path) as w:
        w.gateway.trouble["robin"] = Retryable("Slack is away", retry_after=30)
        number = await w.declare("checkout")
        await w.pass_time()
        assert await w.states(number) == [("robin", "pending")]
        await w.incidents.acknowledge(number, MIKA)
        w.gateway.trouble.clear()
        await w.pass_time(60)
        assert w.gateway.sent == []


async def test_resolving_ends_every_page(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        await w.pass_time()
        await w.incidents.resolve(number, MIKA)
        await w.calm()
        [page] = w.gateway.pages_of("robin")
        assert (page.state, plain(page.body)) == ("over", "Resolved by Mika Laine at 09:00 UTC.")
        await w.pass_time(3600)
        assert len(w.gateway.sent) == 1


async def test_giving_it_back_and_reopening_start_the_policy_again(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        await w.pass_time()
        await w.incidents.acknowledge(number, ROBIN)
        await w.incidents.unacknowledge(number, ROBIN)
        await w.pass_time()
        assert w.gateway.to() == ["robin", "robin"]
        await w.incidents.resolve(number, ROBIN)
        w.clock.advance(600)
        await w.incidents.reopen(number, MIKA, "it is back")
        await w.pass_time()
        assert w.gateway.to() == ["robin", "robin", "robin"]


async def test_an_incident_that_was_merged_pages_nobody_any_more(tmp_path):
    async with world(tmp_path) as w:
        kept, lost = await w.declare("checkout", page=False), await w.declare("checkout")
        await w.pass_time()
        await w.incidents.merge(kept, lost, SAM)
        await w.calm()
        [page] = w.gateway.pages_of("robin")
        assert plain(page.body) == f"Merged into INC-{kept}: it goes on there."
        await w.pass_time(3600)
        assert len(w.gateway.sent) == 1


async def test_taking_in_an_incident_that_somebody_has_stops_paging(tmp_path):
    async with world(tmp_path) as w:
        kept, lost = await w.declare("checkout"), await w.declare("cart", page=False)
        await w.pass_time()
        await w.incidents.acknowledge(lost, SAM)
        await w.incidents.merge(kept, lost, SAM)
        await w.pass_time(3600)
        assert len(w.gateway.sent) == 1
        assert await w.states(kept) == [("robin", "over")]


async def test_declining_climbs_at_once(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        await w.pass_time(60)
        await w.paging.decline(1, ROBIN)
        await w.calm()
        assert w.gateway.to() == ["robin", "mika"], "who cannot is not asked again"
        [page] = w.gateway.pages_of("robin")
        assert (page.state, plain(page.body)) == ("answered", "You said that you cannot, after 0 s.")
        assert await w.states(number) == [("robin", "declined"), ("mika", "sent")]
        assert f"Robin Vos cannot take INC-{number}" in await w.story(number)
        await w.paging.decline(2, MIKA)
        await w.pass_time()
        assert w.gateway.to() == ["robin", "mika", "sam"]
        await w.paging.decline(3, SAM)
        await w.pass_time()
        assert any(n.startswith("Nobody answered: 3 paged") and ", 3 of them cannot." in n for n in w.gateway.notices())


async def test_declining_waits_for_the_others_of_the_same_step(tmp_path):
    async with world(tmp_path) as w:
        await w.declare("checkout")
        await w.pass_time()
        await w.pass_time(5 * MINUTE)
        await w.paging.decline(2, ROBIN)
        await w.pass_time(60)
        assert len(w.gateway.sent) == 3
        await w.paging.decline(3, MIKA)
        await w.pass_time()
        assert w.gateway.to()[3:] == ["sam"]


async def test_only_who_was_paged_may_decline_and_only_once(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout")
        await w.pass_time()
        with pytest.raises(NotAllowed, match="P1 is for Robin Vos"):
            await w.paging.decline(1, MIKA)
        with pytest.raises(NotFound):
            await w.paging.decline(99, MIKA)
        await w.incidents.acknowledge(number, ROBIN)
        with pytest.raises(InvalidTransition, match="P1 is answered already"):
            await w.paging.decline(1, ROBIN)


async def test_somebody_who_can_never_be_reached_is_passed_over_at_once_and_the_room_knows(tmp_path):
    async with world(tmp_path) as w:
        w.gateway.trouble["robin"] = Permanent("no Slack account")
        number = await w.declare("checkout")
        await w.pass_time()
        await w.calm()
        assert w.gateway.to() == ["mika"]
        assert await w.states(number) == [("robin", "failed"), ("mika", "sent")]
        assert any("could not be reached (not on console: no Slack account)" in n for n in w.gateway.notices())
        assert "Robin Vos could not be reached: no Slack account" in await w.story(number)


@pytest.mark.parametrize("trouble", [Permanent("user_not_found"), DoorClosed("takes no direct messages")])
async def test_that_the_situation_room_shows_a_page_does_not_keep_the_policy_waiting_for_who_cannot_be_rung(
    tmp_path, trouble
):
    chat = Recording("slack")
    async with world(tmp_path, gateways=(Recording(), chat)) as w:
        chat.trouble["robin"] = trouble
        number = await w.declare("checkout")
        await w.pass_time()
        await w.calm()
        assert chat.to() == ["mika"]
        assert await w.states(number) == [("robin", "failed"), ("mika", "sent")]
        called = [notice for notice in chat.notices() if "a direct message does not reach you" in notice]
        assert bool(called) is isinstance(trouble, DoorClosed)  # a mention reaches who is there
        assert await w.incidents.acknowledge(number, ROBIN)  # who sees it nevertheless may take it


async def test_on_two_platforms_one_is_enough_and_the_trouble_of_the_other_is_shown(tmp_path):
    slack = Recording("slack")
    async with world(tmp_path, gateways=(Recording("discord"), slack)) as w:
        slack.trouble["robin"] = Permanent("no Slack account")
        number = await w.declare("checkout")
        await w.pass_time()
        await w.calm()
        assert await w.states(number) == [("robin", "sent")]
        assert w.gateway.to() == ["robin"]
        assert any("no answer yet (not on slack: no Slack account)" in n for n in slack.notices())
        await w.incidents.acknowledge(number, ROBIN)
        await w.calm()
        assert [page.state for page in w.gateway.pages_of("robin")] == ["answered"]


async def test_without_a_catalogue_the_room_is_told_plainly_and_nothing_breaks(tmp_path):
    async with world(tmp_path, catalog=None) as w:
        number = await w.declare("checkout", private=True)
        await w.pass_time()
        assert w.gateway.sent == []
        assert (
            "Nobody is on call for checkout: add a schedule to the catalogue. / Page somebody: /incident page @name"
            in w.gateway.notices()
        )
        await w.incidents.acknowledge(number, Person("guest:Kim", "Kim"))
        await w.pass_time(3600)
        assert sum("Nobody is on call" in notice for notice in w.gateway.notices()) == 1


async def test_a_step_without_anybody_is_said_and_passed_over(tmp_path):
    async with world(tmp_path) as w:
        await w.declare("cart")
        await w.pass_time()
        assert w.gateway.to() == ["sam"]
        assert "Nobody is on call for cart: give team web a schedule in the catalogue." in w.gateway.notices()


async def test_the_policy_of_the_most_important_service_is_climbed(tmp_path):
    async with world(tmp_path) as w:
        await w.declare("unknown", "cart", "checkout")
        await w.pass_time()
        assert w.gateway.to() == ["robin"]


async def test_without_a_policy_whoever_is_on_call_is_paged(tmp_path):
    catalog = """
people: {robin: {name: Robin Vos}}
teams: {payments: {members: [robin], schedule: payments}}
services: {checkout: {team: payments}}
schedules: {payments: {layers: [{rotation: weekly, people: [robin]}]}}
"""
    async with world(tmp_path, catalog=catalog) as w:
        await w.declare("checkout")
        await w.pass_time()
        await w.pass_time(5 * MINUTE)
        assert w.gateway.to() == ["robin"]
        assert any(
            n.startswith("Nobody answered: 1 paged (Robin Vos). / The catalogue names nobody else.")
            for n in w.gateway.notices()
        )


async def test_who_is_in_several_lists_of_a_step_is_paged_once(tmp_path):
    catalog = """
people: {robin: {name: Robin Vos}, mika: {name: Mika Laine}}
teams: {payments: {members: [robin, mika], schedule: payments}}
services: {checkout: {team: payments, escalation: all}}
schedules: {payments: {layers: [{rotation: weekly, people: [robin]}]}}
escalations: {all: {steps: [{page: [on-call, team, robin]}]}}
"""
    async with world(tmp_path, catalog=catalog) as w:
        await w.declare("checkout")
        await w.pass_time()
        assert w.gateway.to() == ["mika", "robin"]
        await w.calm()
        assert any(
            n.startswith("Paged Robin Vos and Mika Laine. / Robin Vos (on call for payments): delivered")
            for n in w.gateway.notices()
        )


async def test_a_climb_goes_on_after_a_restart(tmp_path):
    clock, gateway = ManualClock(), Recording()
    async with world(tmp_path, clock=clock, gateways=(gateway,)) as w:
        number = await w.declare("checkout")
        await w.pass_time()
    clock.advance(20 * MINUTE)
    async with world(tmp_path, clock=clock, gateways=(gateway,)) as w:
        await w.pass_time()
        assert gateway.to() == ["robin", "mika", "robin"]
        await w.pass_time(5 * MINUTE)
        assert len(gateway.sent) == 3, "the wait begins when the page goes out"
        await w.incidents.acknowledge(number, MIKA)
        await w.pass_time(3600)
        assert len(gateway.sent) == 3


async def test_a_policy_that_became_shorter_ends_where_it_ends_now(tmp_path):
    async with world(tmp_path) as w:
        await w.declare("checkout")
        await w.pass_time()
        await w.pass_time(5 * MINUTE)
        short = (tmp_path / "catalog.yaml").read_text().split("      - {page: team")[0]
        (tmp_path / "short.yaml").write_text(short)
        w.catalog[0] = load(tmp_path / "short.yaml")
        await w.pass_time(10 * MINUTE)
        assert len(w.gateway.sent) == 3
        assert any(notice.startswith("Nobody answered: 2 paged") for notice in w.gateway.notices())


async def test_the_recipe_invites_without_paging(tmp_path):
    async with world(tmp_path) as w:
        await w.declare("checkout", page=False, invite=("on-call", "team:web", "commander"))
        await w.pass_time(3600)
        assert w.gateway.invited == ["robin", "sam"]
        assert w.gateway.sent == []


# --- paged by a person ------------------------------------------------------------------------------------------------


async def test_a_person_pages_people_and_the_room_sees_delivery_and_answer(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout", page=False)
        [page] = await w.paging.page(number, [MIKA], ROBIN, "the queue is stuck")
        assert page.ref == "P1"
        await w.settle()
        [(to, view)] = w.gateway.sent
        assert to == "mika"
        assert plain(view.body).endswith("Paged: asked by Robin Vos. the queue is stuck")
        await w.calm()
        told = "Paged Mika Laine (asked by Robin Vos): {}. / the queue is stuck"
        assert told.format("delivered at 09:00 UTC, no answer yet") in w.gateway.notices()
        assert "mika" in w.gateway.invited
        await w.incidents.acknowledge(number, MIKA)
        await w.calm()
        assert told.format("answered after 5 s") in w.gateway.notices()


async def test_a_page_by_a_person_outlives_the_acknowledgement_of_another(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout", page=False)
        await w.paging.page(number, [MIKA], ROBIN)
        await w.incidents.acknowledge(number, ROBIN)
        await w.settle()
        assert w.gateway.to() == ["mika"]
        assert await w.states(number) == [("mika", "sent")]
        assert not (await w.incidents.acknowledge(number, MIKA)).first
        assert await w.paging.answer(number, MIKA)
        assert await w.states(number) == [("mika", "acknowledged")]
        assert not await w.paging.answer(number, MIKA)


async def test_no_answer_to_a_page_by_a_person_is_said_after_five_minutes(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout", page=False)
        await w.paging.page(number, [MIKA, SAM], ROBIN)
        await w.settle()
        await w.incidents.acknowledge(number, ROBIN)
        await w.paging.decline(2, SAM)
        await w.pass_time(5 * MINUTE)
        told = "No answer from Mika Laine after 5 min. / Page somebody else: /incident page @name"
        assert w.gateway.notices().count(told) == 1
        assert "Sam Okafor cannot come. / Page somebody else: /incident page @name" in w.gateway.notices()
        await w.pass_time(3600)
        assert w.gateway.notices().count(told) == 1


async def test_the_same_person_is_not_paged_by_people_twice_at_once(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout", page=False)
        await w.paging.page(number, [MIKA, MIKA], ROBIN)
        with pytest.raises(InvalidTransition, match="Mika Laine was paged already"):
            await w.paging.page(number, [MIKA], SAM)
        made = await w.paging.page(number, [MIKA, SAM], ROBIN)
        assert [page.person for page in made] == ["sam"]


async def test_nobody_is_paged_about_what_is_over(tmp_path):
    async with world(tmp_path) as w:
        number = await w.declare("checkout", page=False)
        with pytest.raises(BadArguments):
            await w.paging.page(number, [], ROBIN)
        await w.paging.page(number, [SAM], ROBIN)
        await w.incidents.resolve(number, ROBIN)
        await w.pass_time(3600)
        assert w.gateway.sent == []
        assert await w.states(number) == [("sam", "over")]
        with pytest.raises(InvalidTransition, match="is resolved"):
            await w.paging.page(number, [MIKA], ROBIN)


async def test_on_the_console_platform_a_page_is_a_message_in_a_private_room_that_is_edited(tmp_path):
    clock = ManualClock()
    async with world(tmp_path, clock=clock) as first:
        gateway = ConsoleGateway(first.database, clock)
    async with world(tmp_path, clock=clock, gateways=(gateway,)) as w:
        gateway._database = w.database
        number = await w.declare("checkout")
        await w.pass_time()
        await w.incidents.acknowledge(number, MIKA)
        await w.calm()
        async with w.database.reading() as connection:
            rows = (await connection.execute(tables.messages.select())).all()
        [private] = [row for row in rows if "robin" in row.room]
        assert "Mika Laine has it since 09:00 UTC" in private.text
        assert private.edited_at is not None
