"""Views drawn for Discord: nothing an alert wrote does anything, no limit is ever passed, and the words are the ones we chose."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
import pytest
from discord import ui
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.chat.discord.drawing import Drawn, draw, draw_question
from bot.chat.discord.parts import DISMISS, MORE, Press, custom_id, pressed
from bot.chat.views import (
    Announcement,
    Button,
    Card,
    Code,
    Link,
    Moment,
    Notice,
    Page,
    Person,
    Picture,
    Reply,
    RoleHolder,
    ServiceCount,
    Strong,
    View,
)
from tests.chat import hostile
from tests.chat.discord import specs
from tests.chat.discord.reading import ORDERS, kinds, read
from tests.chat.discord.test_markdown import wild
from tests.chat.gateway_contract import HOSTILE, PIXEL

# What failed is said by the assertion; hostile arguments are too long to print.
pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
NOW = 1_767_603_600.0  # 2026-01-05 09:00 UTC
MIKA, ROBIN = Person("mika", "Mika Laine"), Person("robin", "Robin Vos")
ACCOUNTS = {"robin": "80351110224678912", "mika": "80351110224678913"}
quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
views = st.one_of(hostile.cards, hostile.notices, hostile.pages, hostile.replies)


def known(person: str) -> str:
    return ACCOUNTS.get(person, "")


def drawn(view: View | Reply, **arguments: Any) -> Drawn:
    made = draw(view, known, now=NOW, **arguments)
    specs.check_components(made.view.to_components())
    assert 1 <= specs.units(made.text) <= 2_000
    return made


def shown(view: View | Reply, **arguments: Any) -> str:
    return specs.shown(drawn(view, **arguments).view.to_components())


def card(**changes: Any) -> Card:
    usual = Card(
        incident="INC-42",
        title="checkout latency, eu-west-1",
        severity="SEV2",
        status="acknowledged",
        status_since=NOW - 600,
        opened_at=NOW - 1_560,
        first_alert_at=NOW - 1_600,
        lead=MIKA,
        alert_count=37,
        firing_count=12,
        services=(ServiceCount("checkout", 21), ServiceCount("cart_api", 9)),
        environment="production",
        cause=("payments-api: first at ", Moment(NOW - 1_600), ", upstream of 3"),
        suspects=(("deploy payments-api a1b2c3d by Robin Vos, ", Moment(NOW - 1_780), " (3 min before)"),),
        next_step=("Ask who changed it: ", Code("/incident owner")),
        buttons=(
            Button(label="Invite owner", command="owner INC-42"),
            Button(
                label="Resolve", command="resolve INC-42", confirm="12 alerts still fire. Resolve INC-42 all the same?"
            ),
        ),
    )
    return Card(**{**{name: getattr(usual, name) for name in usual.__struct_fields__}, **changes})


def buttons_of(made: Drawn) -> list[dict[str, Any]]:
    return [node for node in specs.nodes(made.view.to_components()) if node["type"] == 2]


# --- whatever a view holds --------------------------------------------------------------------------------------------


@quick
@given(hostile.cards)
def test_no_card_passes_a_limit(view: Card) -> None:
    drawn(view)


@quick
@given(st.one_of(hostile.notices, hostile.pages, hostile.replies))
def test_no_message_passes_a_limit(view: View | Reply) -> None:
    drawn(view)


FORMS = {"text", "bold", "code", "block", "time", "link", "heading", "small", "item", "channel"}


def check_forms(made: Drawn, order: str) -> None:
    texts = specs.contents(made.view.to_components())
    for text in texts:
        nodes = read(text, order)
        assert kinds(nodes) <= FORMS
        headings = [node for node in nodes if node[0] == "heading"]
        assert headings == nodes[: len(headings)]
        assert len(headings) <= 1
        for url in found("link", nodes):
            assert url.startswith(("https://", "http://"))
        assert set(found("channel", nodes)) <= {hostile.ROOMS["discord"]}
    assert kinds(read(made.text, order)) <= {"text", "bold", "code", "time", "link", "channel"}
    assert not set("\u202e\u202c\u2067\u2069\u200b\x00\x1b") & set("".join((*texts, made.text)))
    assert made.mentioned == ()
    assert made.allowed_mentions.to_dict() == {"parse": []}


def found(kind: str, nodes: list[Any]) -> list[str]:
    here = [node[1] for node in nodes if node[0] == kind]
    return here + [said for node in nodes for part in node[1:] if isinstance(part, list) for said in found(kind, part)]


@quick
@given(views, st.sampled_from(sorted(ORDERS)))
def test_nothing_is_rung_linked_or_formed_that_we_did_not_mean(view: View | Reply, order: str) -> None:
    check_forms(drawn(view), order)


said = st.lists(st.one_of(wild, st.builds(Strong, wild), st.builds(Code, wild)), max_size=3).map(tuple)


@quick
@given(
    st.one_of(
        st.builds(Notice, text=said, details=st.lists(said, max_size=3).map(tuple), output=wild),
        st.builds(Page, incident=wild, headline=said, body=said),
        st.builds(Reply, text=said, details=st.lists(said, max_size=3).map(tuple), output=wild),
        st.builds(
            card,
            title=wild,
            cause=said,
            suspects=st.lists(said, max_size=2).map(tuple),
            location=wild,
            status=st.one_of(wild, st.just("open")),
            services=st.lists(st.builds(ServiceCount, wild, st.just(1)), max_size=2).map(tuple),
            update=said,
            ruled_out=said,
            roles=st.lists(st.builds(RoleHolder, wild, st.builds(Person, st.just("x"), wild)), max_size=2).map(tuple),
            links=st.lists(st.builds(Link, wild, st.just("https://example.org/a")), max_size=2).map(tuple),
        ),
    ),
    st.sampled_from(sorted(ORDERS)),
)
@example(Page(incident="", headline=(Strong("a\n\n# b"),), body=("**", Strong("c"))), "blocks first")
@example(card(links=(Link("a", "https://example.org/a"),), next_step=("](https://evil.example)",)), "links first")
def test_markdown_in_an_alert_stays_as_it_was_written(view: View | Reply, order: str) -> None:
    check_forms(drawn(view), order)


@pytest.mark.parametrize(
    "view",
    [
        card(
            title="\N{FIRE}" * 10_000,
            services=tuple(ServiceCount(f"service-{n}", 5_000 - n) for n in range(5_000)),
            alert_count=5_000,
            firing_count=5_000,
            suspects=tuple((f"deploy {n} " + "<&>" * 500,) for n in range(200)),
            cause=(HOSTILE,) * 3_000,
            buttons=tuple(Button(label="L" * 200, command=f"note {n} " + "<" * 80) for n in range(40)),
            links=tuple(Link(f"dashboard {n}", "https://example.org/" + "&" * 250) for n in range(40)),
            picture=Picture.of(PIXEL, incident="INC-42", name="x" * 900 + ".png", alt="警" * 5_000),
        ),
        card(
            title="*" * 10_000,
            incident="_" * 500,
            status="|" * 500,
            location="<" * 500,
            environment="~" * 500,
            lead=Person("x", "`" * 500),
            services=tuple(ServiceCount("_" * 200, 10**15) for _ in range(200)),
            cause=("警" * 9_000,),
            suspects=(("@" * 9_000,),) * 200,
            ruled_out=("#" * 9_000,),
            update=("[" * 9_000,),
            roles=tuple(RoleHolder("*" * 300, Person("x", "_" * 300)) for _ in range(40)),
            next_step=(Code("`" * 9_000),),
            buttons=tuple(Button(label="警" * 200, command=f"{n} " + "警" * 60, confirm="警" * 900) for n in range(40)),
            links=tuple(Link("]" * 90, "https://example.org/" + "&" * 250) for _ in range(40)),
            picture=Picture.of(PIXEL, incident="INC-42", name="\N{FIRE}", alt="\N{FIRE}" * 5_000),
        ),
        card(
            title="", severity="", incident="", status="", lead=None, services=(), cause=(), suspects=(), next_step=()
        ),
        Notice(text=(), buttons=()),
        Reply(text=()),
        Reply(text=("x",) * 200_000, details=((Strong("y"),) * 50_000,) * 3),
        Page(incident="", headline=(), body=()),
        Notice(text=("\n",), details=((),) * 500, output=" \n \n"),
        Notice(text=("警" * 9_000,), details=(("警" * 900,),) * 90, output="警" * 9_000, tone="bad"),
        Notice(text=("x",), output="`" * 50_000),
    ],
    ids=[
        *(
            "everything",
            "marks",
            "empty card",
            "empty notice",
            "empty reply",
            "crumbs",
            "empty page",
            "blanks",
            "wide",
            "ticks",
        )
    ],
)
def test_the_worst_and_the_least_can_be_said(view: View | Reply) -> None:
    check_forms(drawn(view), "blocks first")


@pytest.mark.parametrize("half", ["\ud800", "a\udc00b" * 300])
def test_half_a_character_is_drawn_like_any_other(half: str) -> None:
    said = (half, Strong(half), Code(half), Person(half, half), Link(half, f"https://example.org/{half}"))
    drawn(card(title=half))
    drawn(Notice(text=said, details=(said,), output=half, buttons=(Button(label=half, command=half, confirm=half),)))


# --- the words --------------------------------------------------------------------------------------------------------


def test_a_card_says_first_what_is_broken_then_who_has_it_then_what_to_do() -> None:
    at = int(NOW)
    assert shown(card()) == (
        "### \N{LARGE ORANGE DIAMOND} SEV2 INC-42 checkout latency, eu-west-1\n"
        f"**Acknowledged** since <t:{at - 600}:t> (<t:{at - 600}:R>), led by **Mika Laine**\n"
        f"**37 alerts, 12 firing**, since <t:{at - 1600}:t> (<t:{at - 1600}:R>), production\n"
        "**Services** checkout 21, cart\\_api 9\n"
        "---\n"
        f"**Probably** payments-api\\: first at <t:{at - 1600}:t>, upstream of 3\n".replace("\\:", ":")
        + f"**Suspect** deploy payments-api a1b2c3d by Robin Vos, <t:{at - 1780}:t> (3 min before)\n"
        "---\n"
        "**Next** Ask who changed it: `/incident owner`\n"
        "[Invite owner][Resolve]"
    )
    assert drawn(card()).text == (
        "SEV2 INC-42 checkout latency, eu-west-1\nacknowledged, Mika Laine leads, 37 alerts, 12 firing, production"
    )


@pytest.mark.parametrize(
    ("status", "colour", "sign"),
    [
        ("open", 0xD55E00, "\N{LARGE RED CIRCLE}"),
        ("acknowledged", 0xE69F00, "\N{LARGE ORANGE DIAMOND}"),
        ("mitigated", 0x56B4E9, "\N{LARGE BLUE DIAMOND}"),
        ("resolved", 0x009E73, "\N{WHITE HEAVY CHECK MARK}"),
    ],
)
def test_a_state_is_a_colour_a_shape_and_a_word(status: str, colour: int, sign: str) -> None:
    made = drawn(card(status=status, resolved_at=NOW - 40))
    (box,) = made.view.to_components()
    assert box["accent_color"] == colour
    assert specs.contents([box])[0].startswith(f"### {sign} SEV2")
    assert f"**{status.capitalize()}**" in specs.contents([box])[0]


def test_a_resolved_card_says_how_long_it_took() -> None:
    text = shown(card(status="resolved", resolved_at=NOW - 40, suspects=(), cause=(), services=(), buttons=()))
    at = int(NOW) - 40
    assert f"**Resolved** at <t:{at}:t> (<t:{at}:R>), 26 min after the first alert, led by **Mika Laine**\n" in text


def test_a_declared_incident_has_no_alerts_to_count() -> None:
    text = shown(card(status="open", lead=None, first_alert_at=None, alert_count=0, firing_count=0))
    at = int(NOW) - 1_560
    assert f"nobody leads\nDeclared at <t:{at}:t> (<t:{at}:R>), production\n" in text


def test_a_card_names_roles_what_was_ruled_out_and_the_last_update() -> None:
    text = shown(
        card(
            roles=(RoleHolder("communications", ROBIN), RoleHolder("scribe", MIKA)),
            ruled_out=("cart (", MIKA, ": restarted)"),
            update=(Moment(NOW), ": vendor is on it"),
        )
    )
    assert "\n**Roles** communications **Robin Vos**, scribe **Mika Laine**\n" in text
    assert "\n**Ruled out** cart (**Mika Laine**: restarted)\n" in text
    assert f"\n**Last update** <t:{int(NOW)}:t>: vendor is on it\n" in text


def test_a_card_that_is_cut_says_what_is_left_out_and_where_it_stands() -> None:
    services = tuple(ServiceCount(f"service-{n}", 1) for n in range(200))
    suspects = tuple((f"deploy {n}",) for n in range(200))
    text = shown(card(services=services, suspects=suspects, title="very " * 100 + "slow"))
    assert "service-7 1 and 192 more with 192 alerts\n" in text
    assert "and 195 more suspects: `/incident changes`\n" in text
    assert "-# Shortened here. All of it: `/incident show incident:INC-42` or the situation room\n" in text
    assert "-# Shortened" not in shown(card(services=services, suspects=suspects))
    assert "-# Shortened here." in shown(card(cause=("because " * 2_000,)))


def test_a_picture_stands_in_the_message_with_its_words_and_without_one_the_words_do() -> None:
    picture = Picture.of(PIXEL, incident="INC-42", name="INC-42 alerts <1>.png", alt="Alerts over time: checkout first")
    for view in (card(picture=picture), Notice(text=("Alerts",), picture=picture), Reply(text=("x",), picture=picture)):
        made = drawn(view)
        assert "(picture: Alerts over time: checkout first)" in specs.shown(made.view.to_components())
        (file,) = made.files
        assert (file.filename, file.description) == ("INC-42-alerts-1.png", "Alerts over time: checkout first")
        assert file.fp.read() == PIXEL
        (gallery,) = [node for node in specs.nodes(made.view.to_components()) if node["type"] == 12]
        assert gallery["items"][0]["media"]["url"] == "attachment://INC-42-alerts-1.png"
        light = drawn(type(view)(**{**{n: getattr(view, n) for n in view.__struct_fields__}, "picture": picture.light}))
        assert "Alerts over time: checkout first" in specs.shown(light.view.to_components())
        assert light.files == []


def test_people_are_mentioned_only_when_it_is_due_and_nobody_else_can_be_rung() -> None:
    notice = Notice(text=("Invited ", ROBIN, " for ", MIKA, " <@80351110224678913>"))
    assert shown(notice) == "Invited **Robin Vos** for **Mika Laine** \\<\\@80351110224678913>"
    made = drawn(notice, called={"robin"})
    assert specs.shown(made.view.to_components()).startswith("Invited <@80351110224678912> for **Mika Laine** ")
    assert made.allowed_mentions.to_dict() == {"parse": [], "users": [80351110224678912]}
    assert "<@80351110224678912>" not in made.text
    stranger = Notice(text=(Person("guest:x", "Kim"),))
    made = drawn(stranger, called={"guest:x", "robin"})
    assert specs.shown(made.view.to_components()) == "**Kim**"
    assert made.mentioned == ()  # called, but not named


def test_a_notice_shows_its_state_its_details_the_end_of_its_output_and_its_buttons() -> None:
    view = Notice(
        text=(Strong("R5"), " restart-checkout failed after 20 s."),
        tone="bad",
        details=(("step 2 of 3\n\nof them",),),
        output="\n".join(f"line {n}" for n in range(3_000)),
        buttons=(Button(label="Run it again", command="runbook run restart-checkout", style="primary"),),
    )
    made = drawn(view)
    text = specs.shown(made.view.to_components())
    assert text.startswith(
        "\N{LARGE RED CIRCLE} **R5** restart-checkout failed after 20 s.\n- step 2 of 3\n  of them\n-# ... "
    )
    assert " lines before\n```\nline " in text
    assert text.endswith("line 2999\n```\n(file: attachment://output.txt)\n[Run it again]")
    (file,) = made.files
    assert file.fp.read().decode() == view.output
    assert shown(Notice(text=("all clear",))) == "all clear"  # what is merely told has no box
    assert [one["type"] for one in drawn(Notice(text=("all clear",))).view.to_components()] == [10]


def test_a_reply_shows_the_beginning_of_its_output_and_how_much_follows() -> None:
    text = shown(Reply(text=("INC-42.md",), output="\n".join(f"line {n}" for n in range(3_000))))
    assert text.startswith("INC-42.md\n```\nline 0\nline 1\n")
    kept = text.count("\nline ")
    assert kept == 14  # a phone's screen; the rest is in the file
    assert text.endswith(f"\n```\n-# ... {3_000 - kept:,} lines more\n(file: attachment://output.txt)")
    assert shown(Reply(text=("x",), output="one ``` two")) == "x\n```\none ''' two\n```"


def test_a_page_is_large_while_it_waits_and_plain_afterwards() -> None:
    page = Page(
        incident="INC-42",
        headline=(Strong("SEV2 INC-42"), " checkout latency, eu-west-1"),
        body=("37 alerts on 4 services since ", Moment(NOW - 180), " (3 min ago)."),
        buttons=(
            Button(label="Acknowledge", command="ack INC-42", style="primary"),
            Button(label="I can't", command="page decline P9"),
            Button(label="Open room", command="show INC-42"),
        ),
    )
    made = drawn(page)
    assert specs.shown(made.view.to_components()) == (
        "## **SEV2 INC-42** checkout latency, eu-west-1\n"
        f"37 alerts on 4 services since <t:{int(NOW) - 180}:t> (3 min ago).\n"
        "[Acknowledge][I can't][Open room]"
    )
    acknowledge, _, room = buttons_of(made)
    assert (acknowledge["custom_id"], acknowledge["style"]) == ("m:ack INC-42", 1)
    assert room["custom_id"] == "m:show INC-42"
    over = Page(incident="INC-42", headline=page.headline, body=("You answered at once.",), state="answered")
    assert shown(over) == "**SEV2 INC-42** checkout latency, eu-west-1\nYou answered at once."


def test_an_announcement_is_one_line_with_the_way_to_the_room() -> None:
    line = Announcement(
        incident="INC-42", status="open", text=("SEV2 INC-42\n checkout, ", MIKA, " leads"), room="1180351110224678912"
    )
    assert shown(line) == "\N{LARGE RED CIRCLE} SEV2 INC-42 checkout, **Mika Laine** leads. <#1180351110224678912>"
    assert shown(Announcement(incident="*", status="", text=(), room="<@&1>")) == "\\*"


# --- buttons ----------------------------------------------------------------------------------------------------------


def test_up_to_ten_buttons_stand_in_even_rows_and_more_are_a_row_and_a_menu() -> None:
    def rows(count: int) -> list[int]:
        offered = tuple(Button(label=f"Press {n}", command=f"ack INC-{n}") for n in range(count))
        parts = drawn(Reply(text=("Which?",), buttons=offered)).view.to_components()
        return [len(one["components"]) for one in parts if one["type"] == 1]

    assert [rows(count) for count in (1, 5, 6, 10)] == [[1], [5], [3, 3], [5, 5]]
    offered = tuple(Button(label=f"Press {n}", command=f"ack INC-{n}", confirm="Sure?" * (n == 9)) for n in range(20))
    made = drawn(Reply(text=("Which?",), buttons=offered))
    (menu,) = [node for node in specs.nodes(made.view.to_components()) if node["type"] == 3]
    assert (menu["custom_id"], menu["placeholder"]) == (MORE, "15 more")
    assert pressed(menu["options"][0]["value"]) == Press("ack INC-5")
    assert pressed(menu["options"][4]["value"]) == Press("ack INC-9", asks=True, question="Sure?")


def test_buttons_without_a_place_are_said_as_what_to_type() -> None:
    offered = tuple(Button(label=f"Press {n}", command=f"ack INC-{n}") for n in range(60))
    long = Button(label="Silence", command="silence " + "x" * 120, style="danger")
    text = shown(Reply(text=("Which?",), buttons=(long, *offered)))
    assert f"- Silence: `/incident silence add matcher:{'x' * 120}`\n" in text
    assert "- Press 59: `/incident ack incident:INC-59`\n" in text


def test_two_buttons_that_do_the_same_are_one() -> None:
    offered = (Button(label="Acknowledge", command="ack INC-1"), Button(label="Ack", command="ack INC-1 "))
    assert [one["label"] for one in buttons_of(drawn(Reply(text=("x",), buttons=offered)))] == ["Acknowledge"]


@quick
@given(
    st.from_regex(r"[a-z][a-z0-9 :<>@=\"-]{0,85}[a-z0-9]", fullmatch=True),
    st.one_of(st.just(""), st.text(max_size=200)),
)
@example("resolve INC-42", "12 alerts still fire. Resolve INC-42 all the same?")
def test_what_a_button_says_is_read_back(command: str, question: str) -> None:
    button = Button(label="x", command=command, confirm=question)
    made = custom_id(button)
    assert len(made.encode("utf-16-le")) <= 200
    read_back = pressed(made)
    assert read_back is not None
    assert read_back.command == command
    assert read_back.asks == bool(question.strip())
    assert made == custom_id(button)


def test_what_is_no_button_of_ours_means_nothing() -> None:
    assert [pressed(said) for said in ("", "x:", "s:more", "c:x", "cx:y", "hello", "c99")] == [None] * 7


def test_a_button_that_asks_first_is_asked_in_its_own_words() -> None:
    resolve = buttons_of(drawn(card()))[1]
    press = pressed(resolve["custom_id"])
    assert press == Press("resolve INC-42", asks=True, question="12 alerts still fire. Resolve INC-42 all the same?")
    made = draw_question(press, resolve["label"])
    specs.check_components(made.view.to_components())
    assert (
        specs.shown(made.view.to_components())
        == "12 alerts still fire. Resolve INC-42 all the same?\n[Resolve][Not now]"
    )
    yes, no = buttons_of(made)
    assert (yes["custom_id"], yes["style"]) == ("m:resolve INC-42", discord.ButtonStyle.danger.value)
    assert no["custom_id"] == DISMISS
    assert specs.shown(draw_question(Press("ack INC-1", asks=True)).view.to_components()).startswith("Ack: really?\n")


def test_discord_py_keeps_none_of_our_messages() -> None:
    async def made_in_a_loop() -> ui.LayoutView:
        return drawn(card()).view

    for view in (drawn(card()).view, asyncio.run(made_in_a_loop())):
        assert view.is_finished()  # what is asked before a view is stored
        assert view.is_persistent()
        assert view.timeout is None


def test_what_belongs_to_the_line_above_stands_beneath_it() -> None:
    reply = Reply(
        text=("help",), details=((Code("ack"), " I have it"), ("  ", Code("note:"), " a word\nor two"), ("next",))
    )
    said = "\n".join(item.content for item in draw(reply).view.walk_children() if isinstance(item, ui.TextDisplay))
    assert said == "help\n- `ack` I have it\n  - `note:` a word\n    or two\n- next"
