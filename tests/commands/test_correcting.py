"""merge, split, silence, silences, unsilence, page, oncall."""

from __future__ import annotations

import pytest

from tests.commands.world import MIKA, ROBIN, World, shown


async def test_another_incident_is_merged_into_this_one(here: World) -> None:
    await here.opened()
    await here.opened(alerts=2)
    assert shown(await here.say("merge INC-2", room=1)) == (
        "INC-2 is merged into INC-1, which has 5 alerts now. The engine remembers."
    )
    assert (await here.incident(2)).merged_into == 1
    assert shown(await here.say("merge INC-2", room=1)) == "INC-2 was merged into INC-1 already."
    assert shown(await here.say("merge 1", room=1)) == "INC-1 cannot be merged into itself."
    assert shown(await here.say("merge", room=1)).startswith("Other is missing")


async def test_elsewhere_a_merge_names_both(here: World) -> None:
    await here.opened()
    await here.opened()
    assert shown(await here.say("merge INC-2")).startswith("Other is missing: the incident that ends in this one.")
    assert shown(await here.say("merge INC-2 INC-1")).startswith("INC-1 is merged into INC-2")


async def test_alerts_that_are_something_else_get_an_incident_of_their_own(here: World) -> None:
    await here.opened()
    reply = await here.say("split A12, a13", room=1)
    assert shown(reply).splitlines() == [
        "2 alerts split off into SEV3 INC-2 checkout latency high. The engine remembers.",
        "Where it stands: /incident show INC-2",
    ]
    assert shown(await here.say("split", room=1)).startswith("Alert is missing")
    assert shown(await here.say("split that one", room=1)) == '"that" is no alert; write A17.'


async def test_a_silence_shows_what_it_would_have_muted_before_it_mutes(here: World) -> None:
    await here.opened(alerts=4)
    reply = await here.say("silence service=checkout name=~Checkout.* 2h disk replacement")
    assert shown(reply).splitlines() == [
        'service="checkout", name=~"Checkout.*" for 2 h would have muted 3 alerts, 75% of all in the last day.',
        "checkout CheckoutLatencyHigh 3",
        "Some were part of INC-1.",
        "That is most of what arrives. A narrower matcher names a host or a name too.",
        'Silence it: press the button, or /incident silence service="checkout", name=~"Checkout.*" 2h disk replacement --yes',
    ]
    assert await here.services.silences.active() == []
    done = await here.say(reply.buttons[0].command)
    assert shown(done).splitlines() == [
        (
            'S1 mutes service="checkout", name=~"Checkout.*" until 11:00 UTC (2 h). '
            "Muted alerts open nothing and page nobody; they stay on record."
        ),
        "To end it: /incident unsilence S1",
    ]
    assert (await here.services.silences.active())[0].reason == "disk replacement"


async def test_a_silence_that_would_have_muted_nothing_asks(here: World) -> None:
    assert "would have muted nothing in the last day (of 0 alerts). Is the matcher right?" in shown(
        await here.say("silence service=nothing 1h")
    )


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("silence", 'Matcher is missing: which alerts: service="cart" name="DiskFull". Like this'),
        ("silence service=cart", "Duration is missing: for how long: 30m, 2h, 1d. Like this"),
        ("silence cart 2h", '"cart" is no matcher; write service="cart".'),
        ("silence service=cart 900d", '"900d" is not between 1 second and 1 year'),
        ("silence service=cart 200d", "A silence lasts at most 90 d"),
        ("silence severity=~.* 2h", "would mute nearly everything"),
        ("silence host=~(a+)+ 2h", "is refused"),
        ("unsilence 7", "There is no silence S7"),
        ("unsilence that", '"that" is no silence; write S17.'),
    ],
)
async def test_what_cannot_be_silenced_is_refused_with_the_reason(here: World, typed: str, words: str) -> None:
    reply = await here.say(typed)
    assert reply.failed
    assert words in shown(reply)


@pytest.mark.parametrize(
    ("typed", "matchers"),
    [
        ('silence service="cart" name="Disk Full" 2h', 'service="cart", name="Disk Full"'),
        ('silence {service="cart", name="Disk Full"} 2h why not', 'service="cart", name="Disk Full"'),
        ('silence service = "cart" , host != "cart-2" 90m', 'service="cart", host!="cart-2"'),
        ("silence service=\N{LEFT DOUBLE QUOTATION MARK}cart\N{RIGHT DOUBLE QUOTATION MARK} 1h30m", 'service="cart"'),
        ("silence service=cart 2hours", 'service="cart"'),
    ],
)
async def test_matchers_may_be_written_as_people_write_them(here: World, typed: str, matchers: str) -> None:
    await here.say(typed + " \N{EM DASH}yes")
    assert [str(one.matchers) for one in await here.services.silences.active()] == [matchers]


async def test_silences_are_listed_and_ended(here: World) -> None:
    assert shown(await here.say("silences")) == 'Nothing is silenced. To mute: /incident silence service="cart" 2h'
    await here.say("silence service=cart 2h disk --yes")
    assert shown(await here.say("silences")).splitlines() == [
        "1 silence in force or to come.",
        'S1 service="cart", until 11:00 UTC (2 h left), by Mika Laine: disk',
    ]
    assert shown(await here.say("unsilence S1")) == 'S1 is over: service="cart" alerts count again from now on.'
    assert shown(await here.say("unsilence 1")) == "S1 is over already."


async def test_a_person_is_paged_with_a_word(here: World) -> None:
    number = await here.opened()
    reply = await here.say("page @robin need a second pair of eyes", room=number)
    assert shown(reply) == "Paged Robin Vos. The room shows delivery and answer."
    page = (await here.services.paging.pages(number))[0]
    assert (page.person, page.note) == ("robin", "need a second pair of eyes")
    assert shown(await here.say("page robin", room=number)) == "Robin Vos was paged already and has not answered yet."


async def test_a_service_or_team_means_who_is_on_call_for_it(here: World) -> None:
    number = await here.opened()
    assert shown(await here.say("page checkout", room=number)) == (
        "Paged Robin Vos (on call for checkout). The room shows delivery and answer."
    )
    assert shown(await here.say("page cart", room=number)) == (
        "Nobody is on call for cart: give team web a schedule in the catalogue."
    )
    assert shown(await here.say("page team:web", room=number)) == (
        "Paged Sam Okafor (all of web, which has no schedule). The room shows delivery and answer."
    )
    assert shown(await here.say("page chekout", room=number)) == (
        'No person, service or team "chekout"; did you mean "checkout"?'
    )
    assert (await here.say("page", room=number)).failed


async def test_a_page_may_be_declined_by_the_one_who_got_it(here: World) -> None:
    number = await here.opened()
    await here.say("page @robin", room=number)
    assert (await here.say("page decline P1", actor=MIKA)).failed
    assert shown(await here.say("page decline P1", actor=ROBIN)).startswith("Noted: you cannot take INC-1.")
    assert [page.state for page in await here.services.paging.pages(number)] == ["declined"]


async def test_who_is_on_call_until_when_and_who_is_next(here: World) -> None:
    assert shown(await here.say("oncall checkout")) == (
        "payments: Robin Vos, until 09:00 UTC (in 7 d), then Mika Laine."
    )
    assert shown(await here.say("oncall")).startswith("payments: Robin Vos")
    assert "did you mean" in shown(await here.say("oncall chekout"))
