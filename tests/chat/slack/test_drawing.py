"""Views drawn for Slack: nothing an alert wrote does anything, no limit is ever passed, and the words are the ones we chose."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.chat.slack.drawing import Drawn, draw
from bot.chat.views import (
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
    ServiceCount,
    Strong,
    View,
)
from bot.retros.formats import discover
from bot.retros.model import Line, Retro, Said, ServiceAlerts
from tests.chat import hostile
from tests.chat.gateway_contract import HOSTILE
from tests.chat.slack import specs

# What failed is said by the assertion; hostile arguments are too long to print.
pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
NOW = 1_767_603_600.0  # 2026-01-05 09:00 UTC
MIKA, ROBIN = Person("mika", "Mika Laine"), Person("robin", "Robin Vos")
quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def known(person: str) -> str:
    return {"robin": "U01ROBIN", "mika": "U02MIKA"}.get(person, "")


def drawn(view: View | Reply, **arguments: Any) -> Drawn:
    made = draw(view, known, now=NOW, **arguments)
    specs.check_message(made.blocks, made.text)
    if isinstance(
        view, Card | Notice | Reply
    ):  # a picture has room in it whatever else there is, and so have its words
        picture = Picture(incident="INC-42", name="a.png", alt=HOSTILE + "&<\n" * 300)
        seen = draw(msgspec.structs.replace(view, picture=picture), known, now=NOW, file="F0ABCDEFGH", **arguments)
        specs.check_message(seen.blocks, seen.text)
        assert [one["type"] for one in seen.blocks].count("image") == 1
    return made


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
        services=(ServiceCount("checkout", 21), ServiceCount("cart", 9)),
        environment="production",
        cause=(
            "payments-api: first at ",
            Moment(NOW - 1_600),
            ", upstream of 3",
        ),
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


@quick
@given(hostile.cards)
def test_no_card_passes_a_limit(view: Card) -> None:
    made = drawn(view)
    assert len(made.blocks) <= 7


@quick
@given(st.one_of(hostile.notices, hostile.pages, hostile.replies))
def test_no_message_passes_a_limit(view: View | Reply) -> None:
    drawn(view)


@quick
@given(hostile.words, st.sampled_from([1, 40, 600]), st.sampled_from(["md", "json"]))
def test_no_retrospective_passes_a_limit(words: str, many: int, form: str) -> None:
    words = words.encode("utf-8", "replace").decode()  # no database keeps half a character
    retro = Retro(
        number=42,
        title=words + "x" * 10_000,
        status="resolved",
        severity="SEV1",
        summary=words,
        opened_at=NOW,
        first_alert_at=NOW,
        alert_count=5_000,
        cause=words,
        cause_words=words,
        services=tuple(ServiceAlerts(service=f"{words}{n}", alerts=n) for n in range(many)),
        timeline=tuple(Line(at=NOW + n, kind="note", actor=words, text=words) for n in range(many)),
        transcript=(Said(id=1, at=NOW, name=words, by_person=True, text=words * 100),),
        updated_at=NOW,
    )
    whole = discover()[form].render(retro).decode()
    made = drawn(Reply(text=(words or "-",), details=((words,),), output=whole))
    if len(whole) > 20_000:
        assert "Shortened here" in "".join(specs.texts(made.blocks))


@quick
@given(st.one_of(hostile.cards, hostile.notices, hostile.pages, hostile.replies))
def test_nothing_is_parsed_and_nobody_is_rung(view: View | Reply) -> None:
    made = drawn(view)
    types = {kind for kind, _ in specs.nodes(made.blocks)}
    assert not types & {"mrkdwn", "markdown", "section", "user", "broadcast", "usergroup", "emoji"}
    assert "<" not in made.text.replace("<!date^", "")
    for kind, node in specs.nodes(made.blocks):
        if kind == "link":
            assert node["url"].startswith(("https://", "http://"))
        if kind == "channel":
            assert node["channel_id"] == hostile.ROOMS["slack"]
    everything = made.text + "".join(specs.texts(made.blocks))
    assert not set("\u202e\u202c\u2067\u2069\u200b\x00\x1b") & set(everything)


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
            buttons=tuple(Button(label="L" * 200, command=f"note {n} " + "<" * 1_900) for n in range(40)),
            links=tuple(Link(f"dashboard {n}", "https://example.org/" + "&" * 250) for n in range(40)),
        ),
        card(
            title="<" * 10_000,
            incident="<" * 500,
            status="&" * 500,
            location="<" * 500,
            environment="&" * 500,
            lead=Person("x", "<" * 500),
            services=tuple(ServiceCount("&" * 200, 10**15) for _ in range(200)),
            cause=("<" * 9_000,),
            suspects=(("&" * 9_000,),) * 200,
            next_step=(Code("<" * 9_000),),
            buttons=tuple(Button(label="&" * 200, command="&" * 300, confirm="<" * 900) for _ in range(40)),
            links=tuple(Link("&" * 90, "https://example.org/" + "&" * 250) for _ in range(40)),
        ),
        card(
            title="", severity="", incident="", status="", lead=None, services=(), cause=(), suspects=(), next_step=()
        ),
        Notice(text=(), buttons=()),
        Reply(text=()),
        Reply(text=("x",) * 200_000, details=((Strong("y"),) * 50_000,) * 3),
        Page(incident="", headline=(), body=()),
        Notice(text=("\n",), details=((),) * 500, output=" \n \n"),
    ],
    ids=["everything", "entities", "empty card", "empty notice", "empty reply", "crumbs", "empty page", "blanks"],
)
def test_the_worst_and_the_least_can_be_said(view: View | Reply) -> None:
    drawn(view)


def test_a_card_says_first_what_is_broken_then_who_has_it_then_what_to_do() -> None:
    made = drawn(card())
    assert specs.shown(made.blocks) == (
        "# \N{LARGE ORANGE DIAMOND} SEV2 INC-42 checkout latency, eu-west-1\n"
        "Acknowledged since 08:50 UTC (ago), led by Mika Laine\n"
        "37 alerts, 12 firing, since 08:33 UTC (ago), production\n"
        "Services checkout 21, cart 9\n"
        "Probably payments-api: first at 08:33 UTC, upstream of 3\n"
        "Suspect deploy payments-api a1b2c3d by Robin Vos, 08:30 UTC (3 min before)\n"
        "Next Ask who changed it: `/incident owner`\n"
        "[Invite owner][Resolve]\n"
    )
    assert made.text == (
        "SEV2 INC-42 checkout latency, eu-west-1\nacknowledged, Mika Laine leads, 37 alerts, 12 firing, production"
    )


@pytest.mark.parametrize(("count", "rows"), [(0, []), (1, [1]), (3, [3]), (4, [2, 2]), (5, [3, 2]), (7, [3, 2, 2])])
def test_buttons_stand_in_even_rows(count: int, rows: list[int]) -> None:
    made = drawn(card(buttons=tuple(Button(label=f"B{n}", command=f"note {n}") for n in range(count))))
    actions = [block["elements"] for block in made.blocks if block["type"] == "actions"]
    assert [len(elements) for elements in actions] == rows
    assert [one["value"] for elements in actions for one in elements] == [f"note {n}" for n in range(count)]


def test_a_resolved_card_says_how_long_it_took() -> None:
    made = drawn(card(status="resolved", resolved_at=NOW - 40, suspects=(), cause=(), services=(), buttons=()))
    assert "Resolved at 08:59 UTC (ago), 26 min after the first alert, led by Mika Laine\n" in specs.shown(made.blocks)
    assert specs.shown(made.blocks).startswith("# \N{WHITE HEAVY CHECK MARK} SEV2 INC-42")


def test_a_declared_incident_has_no_alerts_to_count() -> None:
    made = drawn(card(status="open", lead=None, first_alert_at=None, alert_count=0, firing_count=0))
    assert "Open since 08:50 UTC (ago), nobody leads\nDeclared at 08:34 UTC (ago), production\n" in specs.shown(
        made.blocks
    )


def test_a_card_that_is_cut_says_what_is_left_out_and_where_it_stands() -> None:
    services = tuple(ServiceCount(f"service-{n}", 1) for n in range(200))
    suspects = tuple((f"deploy {n}",) for n in range(200))
    said = specs.shown(drawn(card(services=services, suspects=suspects, title="very " * 100 + "slow")).blocks)
    assert "service-7 1 and 192 more with 192 alerts\n" in said
    assert "and 195 more suspects: `/incident changes`\n" in said
    assert "very slow\n" in said
    said = specs.shown(drawn(card(cause=("because " * 2_000,))).blocks)
    assert "Shortened here. All of it: `/incident show INC-42` or the situation room\n" in said


def test_times_of_another_day_come_with_their_day() -> None:
    blocks = drawn(Notice(text=("at ", Moment(NOW - 3 * 86_400)))).blocks
    (date,) = [node for kind, node in specs.nodes(blocks) if kind == "date"]
    assert date["format"] == "{date_short_pretty} {time}"
    assert date["fallback"] == "2026-01-02 09:00 UTC"
    (date,) = [node for kind, node in specs.nodes(draw(Notice(text=(Moment(NOW),))).blocks) if kind == "date"]
    assert date["format"] == "{date_short_pretty} {time}"  # nobody said when it is drawn


@pytest.mark.parametrize("at", [float("nan"), float("inf"), -1.0, 0.0, 1e30])
def test_a_time_that_is_none_is_said_to_be_unknown(at: float) -> None:
    assert specs.shown(drawn(Notice(text=("at ", Moment(at)))).blocks) == "at an unknown time\n"


def test_people_are_mentioned_only_when_it_is_due() -> None:
    notice = Notice(text=("Invited ", ROBIN, " for ", MIKA))
    assert specs.shown(drawn(notice).blocks) == "Invited Robin Vos for Mika Laine\n"
    called = Notice(text=notice.text, called=("robin",))
    assert specs.shown(drawn(called).blocks) == "Invited <@U01ROBIN> for Mika Laine\n"
    assert drawn(called).text == "Invited Robin Vos for Mika Laine"
    stranger = Notice(text=(Person("guest:x", "Kim"),), called=("guest:x",))
    assert specs.shown(drawn(stranger).blocks) == "Kim\n"


def test_a_link_that_is_not_of_the_web_is_left_as_its_words() -> None:
    blocks = drawn(Notice(text=(Link("run", "javascript:alert(1)"), " ", Link("docs", "https://example.org/a")))).blocks
    links = [node for kind, node in specs.nodes(blocks) if kind == "link"]
    assert [link["url"] for link in links] == ["https://example.org/a"]
    assert specs.shown(blocks) == "run docs\n"


def test_a_notice_shows_its_state_its_details_the_end_of_its_output_and_its_buttons() -> None:
    view = Notice(
        text=(Strong("R5"), " restart-checkout failed after 20 s."),
        tone="bad",
        details=(("step 2 of 3",),),
        output="\n".join(f"line {n}" for n in range(3_000)),
        buttons=(Button(label="Run it again", command="runbook run restart-checkout", style="primary"),),
    )
    said = specs.shown(drawn(view).blocks)
    assert said.startswith("\N{LARGE RED CIRCLE} R5 restart-checkout failed after 20 s.\n- step 2 of 3\n... ")
    assert " lines before\n```\nline " in said
    assert said.endswith("line 2999\n```\nShortened here. All of it: the situation room\n[Run it again]\n")


def test_a_reply_shows_the_beginning_of_its_output_and_how_much_follows() -> None:
    said = specs.shown(drawn(Reply(text=("INC-42.md",), output="\n".join(f"line {n}" for n in range(3_000)))).blocks)
    assert said.startswith("INC-42.md\n```\nline 0\nline 1\n")
    kept = said.count("\nline ")
    assert f"\n```\n... {3_000 - kept:,} lines more\nShortened here." in said


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
    assert specs.shown(made.blocks) == (
        "# SEV2 INC-42 checkout latency, eu-west-1\n"
        "37 alerts on 4 services since 08:57 UTC (3 min ago).\n"
        "[Acknowledge][I can't][Open room]\n"
    )
    acknowledge, _, room = made.blocks[-1]["elements"]
    assert (acknowledge["value"], acknowledge["style"]) == ("ack INC-42", "primary")
    assert (room["value"], room["action_id"]) == ("show INC-42", "command:2")
    assert made.text == (
        "SEV2 INC-42 checkout latency, eu-west-1\n"
        "37 alerts on 4 services since <!date^1767603420^{time}|08:57 UTC> (3 min ago)."
    )
    over = drawn(Page(incident="INC-42", headline=page.headline, body=("You answered at once.",), state="answered"))
    assert specs.shown(over.blocks) == "SEV2 INC-42 checkout latency, eu-west-1\nYou answered at once.\n"


def test_buttons_without_a_place_are_said_as_what_to_type() -> None:
    offered = tuple(Button(label=f"Press {n}", command=f"ack INC-{n}") for n in range(30))
    long = Button(label="Silence", command="silence " + "x" * 2_500, style="danger")
    made = drawn(Reply(text=("Which?",), buttons=(long, *offered)))
    assert sum(len(block["elements"]) for block in made.blocks if block["type"] == "actions") == 25
    said = specs.shown(made.blocks)
    assert "- Silence: `/incident silence xxx" in said
    assert "- Press 29: `/incident ack INC-29`\n" in said


def test_a_button_that_asks_back_names_what_it_does() -> None:
    offered = (Button(label="Cancel", command="runbook cancel R5", style="danger", confirm="Stop it halfway?"),)
    (row,) = [block for block in drawn(Notice(text=("x",), buttons=offered)).blocks if block["type"] == "actions"]
    asked = row["elements"][0]["confirm"]
    assert asked["title"]["text"] == "Cancel?"
    assert asked["text"]["text"] == "Stop it halfway?"
    assert (asked["confirm"]["text"], asked["deny"]["text"], asked["style"]) == ("Cancel", "Not now", "danger")


@pytest.mark.parametrize("half", ["\ud800", "a\udc00b" * 300])
def test_half_a_character_is_drawn_like_any_other(half: str) -> None:
    said = (half, Strong(half), Code(half), Person(half, half), Link(half, f"https://example.org/{half}"))
    drawn(card(title=half))
    drawn(Notice(text=said, details=(said,), output=half, buttons=(Button(label=half, command=half, confirm=half),)))
