"""Text as Discord's markdown, read back by a reader of its own: what is read is what was said, letter by letter."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.chat.discord.audience import Audience
from bot.chat.discord.limits import weight
from bot.chat.discord.markdown import NAME, code, escape, fence, markdown, since, web
from bot.chat.harmless import harmless, one_line
from bot.chat.lengths import clip
from bot.chat.views import Code, Link, Moment, Person, Room, Strong, Text
from tests.chat import hostile
from tests.chat.discord.reading import ORDERS, Node, kinds, read, shown
from tests.chat.gateway_contract import HOSTILE

NOW = 1_767_603_600.0  # 2026-01-05 09:00 UTC
HERE = Audience(now=NOW)
ROBIN = "80351110224678912"
quick = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

PIECES = (
    *"*_~`|\\<>[]()@#:-+.!&0129ab\n /",
    *(
        "**",
        "__",
        "~~",
        "||",
        "```",
        "```py\n",
        "> ",
        ">>> ",
        "# ",
        "### ",
        "-# ",
        "- ",
        "* ",
        "1. ",
        "  - ",
        "\n\n",
        "\n# ",
    ),
    *(
        "@everyone",
        "@here",
        "<@1>",
        "<@!1>",
        "<@&1>",
        "<#1>",
        "<t:0>",
        "<t:0:R>",
        "<:e:1>",
        "<a:e:1>",
        "</ack:1>",
        "<id:guide>",
    ),
    *(
        "https://evil.example",
        "[ok](https://evil.example)",
        "](https://evil.example)",
        "<https://evil.example>",
        ":fire:",
    ),
    *("\\", "\\\\", "¯\\_(ツ)_/¯", "a_b_c", "\u200b", "\u202e", "שלום", "\N{FIRE}", HOSTILE),
)
wild = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
short = st.lists(st.sampled_from(PIECES[:-1]), max_size=5).map("".join)  # no name is longer than what is shown of one
spans = st.one_of(
    wild,
    st.builds(Strong, wild),
    st.builds(Code, short),
    st.builds(Person, st.sampled_from(["robin", "mika"]), short),
    st.builds(
        Link,
        short,
        st.sampled_from(["https://example.org/a_b*c(d)?e=[f]&g=~~h", "javascript:alert(1)", "https://x.org/a."]),
    ),
    st.builds(Moment, st.just(NOW)),
    st.builds(Room, st.sampled_from(["1180351110224678912", "@everyone", "1> @here <#1"]), short),
)


def expected(said: Text) -> list[Node]:
    """What is to be read: harmless text letter by letter, and of form only what the spans ask for."""
    nodes: list[Node] = []
    for span in said:
        match span:
            case str():
                _add(nodes, "text", harmless(span, 4_000))
            case Strong(text=inner):
                _bold(nodes, harmless(inner, 4_000))
            case Person(name=name, id=person):
                _bold(nodes, clip(one_line(name or person, 4_000), NAME))
            case Code(text=inner):
                line = one_line(inner, 4_000)
                if "`" in line or "](" in line:
                    _add(nodes, "text", line)
                elif line:
                    nodes.append(("code", line))
            case Moment(at=at):
                nodes.append(("time", f"{int(at)}:t"))
            case Room(id=room, name=name):
                if room.isdecimal():
                    nodes.append(("channel", room))
                else:
                    _add(nodes, "text", clip(one_line(name, 4_000), NAME))
            case Link(label=label, url=url):
                _link(nodes, one_line(label, 4_000), url)
    return nodes


def _bold(nodes: list[Node], words: str) -> None:
    if not words.strip():
        _add(nodes, "text", words)
    elif nodes and nodes[-1][0] == "bold":
        nodes[-1] = ("bold", [("text", nodes[-1][1][0][1] + words)])
    else:
        nodes.append(("bold", [("text", words)]))


def _link(nodes: list[Node], words: str, url: str) -> None:
    address = web(url)
    if address is None:
        _add(nodes, "text", words)
    elif "://" in words or not words:
        _add(nodes, "text", f"{words} " if words else "")
        nodes.append(("link", address, [("text", address)]))
    else:
        nodes.append(("link", address, [("text", words.replace("[", "(").replace("]", ")"))]))


def _add(nodes: list[Node], kind: str, words: str) -> None:
    if words and nodes and nodes[-1][0] == kind:
        nodes[-1] = (kind, nodes[-1][1] + words)
    elif words:
        nodes.append((kind, words))


def flat(nodes: list[Node]) -> list[Node]:
    """Without the space that keeps two codes apart."""
    return [node for node in nodes if node != ("text", " ")]


@pytest.mark.parametrize("order", ORDERS)
@quick
@given(wild)
@example(HOSTILE)
@example("\\" * 9 + "*a*")
@example("a ](https://evil.example) [")
def test_escaped_text_is_read_letter_by_letter(order: str, words: str) -> None:
    assert read(escape(words), order) == ([("text", words)] if words else [])


@pytest.mark.parametrize("order", ORDERS)
@quick
@given(st.text(max_size=60))
def test_any_text_at_all_is_read_letter_by_letter(order: str, words: str) -> None:
    assert shown(read(escape(words), order)) == words


@pytest.mark.parametrize("order", ORDERS)
@quick
@given(st.lists(spans, max_size=5).map(tuple))
@example((Strong("*"), "*", Strong("\\"), "x"))
@example((Strong("a"), Person("x", "b"), Strong(" "), "c"))
@example(("a`", Code("b"), Code("c"), "`d`"))
@example((Link("docs", "https://example.org"), "](https://evil.example)", Code("](https://evil.example)")))
@example((Link("a]b[c", "https://x.org/a."), Strong("- x"), "\n- y"))
@example((Strong("*"), Code("\n\n"), Strong("*")))
def test_of_form_there_is_only_what_the_spans_ask_for(order: str, said: Text) -> None:
    drawn, whole = markdown(said, HERE, 10**9)
    assert whole
    assert flat(_without_gaps(read(drawn, order))) == flat(_without_gaps(expected(said)))


def _without_gaps(nodes: list[Node]) -> list[Node]:
    """Spaces before and behind codes do not count: one may have been put between two of them."""
    near = list(nodes)
    for index, node in enumerate(near):
        if node[0] == "text" and index + 1 < len(near) and near[index + 1][0] == "code":
            near[index] = ("text", node[1].rstrip(" ") or " ")
    return [node for node in near if node[1] != ""]


@quick
@given(st.lists(spans, max_size=6).map(tuple), st.integers(20, 400))
@example((Code("x" * 9_000), " after"), 400)
def test_text_that_is_cut_has_its_size_and_no_loose_ends(said: Text, room: int) -> None:
    drawn, whole = markdown(said, HERE, room)
    assert weight(drawn) <= room
    assert whole == (drawn == markdown(said, HERE, 10**9)[0])
    assert kinds(read(drawn)) <= {"text", "bold", "code", "time", "link", "channel"}
    if not whole:
        assert drawn.endswith("\N{HORIZONTAL ELLIPSIS}")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(hostile.said(), st.integers(20, 2_000))
def test_hostile_text_keeps_to_its_room(said: Any, room: int) -> None:
    drawn, _ = markdown(said, HERE, room)
    assert weight(drawn) <= room
    assert kinds(read(drawn)) <= {"text", "bold", "code", "time", "link", "channel"}
    assert not set("\u202e\u202c\u2067\u2069\u200b\x00\x1b") & set(drawn)


@pytest.mark.parametrize("order", ORDERS)
@quick
@given(wild)
@example("```")
@example("`` ` ```` ``")
@example("ok\n```\n@everyone")
def test_nothing_breaks_out_of_output(order: str, printed: str) -> None:
    (*_, node) = read(f"before\n{fence(printed)}", order)
    if printed.strip("\n"):
        assert node[0] == "block"
        assert node[1].strip("\n") == printed.replace("```", "'''").strip("\n") or "`" in printed


@quick
@given(short)
def test_code_is_one_line_letter_by_letter(words: str) -> None:
    line = one_line(words, 4_000)
    kind = "text" if "`" in line or "](" in line else "code"
    assert read(code(words)) == ([(kind, line)] if line else [])


def test_a_mention_stands_only_for_those_who_are_called() -> None:
    audience = Audience(now=NOW, known={"robin": ROBIN, "mika": "123"}.__getitem__, called={"robin", "mika"})
    drawn, _ = markdown(
        (Person("robin", "Robin"), ", ", Person("mika", "Mika"), " and <@80351110224678912>"), audience, 900
    )
    assert read(drawn) == [
        ("mention", ROBIN),
        ("text", ", "),
        ("bold", [("text", "Mika")]),  # 123 is no account of Discord's
        ("text", " and <@80351110224678912>"),
    ]


def test_a_time_is_the_readers_and_of_another_day_comes_with_it() -> None:
    assert markdown((Moment(NOW - 60),), HERE, 99) == (f"<t:{int(NOW) - 60}:t>", True)
    assert markdown((Moment(NOW - 3 * 86_400),), HERE, 99)[0].endswith(":f>")
    assert markdown((Moment(NOW),), Audience(), 99)[0].endswith(":f>")  # nobody said when it is drawn
    assert since(NOW - 600, NOW) == f"<t:{int(NOW) - 600}:t> (<t:{int(NOW) - 600}:R>)"


@pytest.mark.parametrize("at", [float("nan"), float("inf"), -1.0, 0.0, 0.4, 1e30])
def test_a_time_that_is_none_is_said_to_be_unknown(at: float) -> None:
    assert markdown(("at ", Moment(at)), HERE, 99)[0] == "at an unknown time"
    assert since(at, NOW) == "an unknown time"


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
        ("https://example.org/ü(1)", "https://example.org/%C3%BC%281%29"),
        ("https://example.org/a.", "https://example.org/a%2E"),
        ("http://[::1]:8080/x", None),
        ("javascript:alert(1)", None),
        ("https://google.com@evil.example", None),
        ("https://ex\u0430mple.org", None),
        ("https://e x.org", None),
        ("https://", None),
        ("https://[", None),
        ("https://x.org/" + "p" * 2_000, None),
        ("https://x.org\\@evil.example", None),
    ],
)
def test_a_link_is_of_the_web_or_it_is_words(url: str, wanted: str | None) -> None:
    assert web(url) == wanted
