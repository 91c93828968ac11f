"""Words for lock screens, and what people type, read back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.slack.audience import Audience
from bot.chat.slack.mrkdwn import escape, fallback, unescape
from bot.chat.views import Moment, Person
from tests.chat import hostile
from tests.chat.slack import specs


@given(st.text())
def test_what_is_escaped_is_read_back(text: str) -> None:
    assert unescape(escape(text)) == text


@settings(max_examples=60, deadline=None)
@given(st.lists(hostile.said(), max_size=4), st.integers(10, 400))
def test_a_fallback_has_its_length_and_never_half_an_entity(lines: list[hostile.Any], limit: int) -> None:
    said = fallback(lines, Audience(now=1.77e9), limit)
    assert 0 < specs.units(said) <= max(limit, len("Muster"))
    rest = said.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert "&" not in rest
    assert rest.count("<") == rest.count("<!date^") == rest.count(">")


def test_what_somebody_typed_is_what_they_saw() -> None:
    typed = "db <https://example.org/a?b=1&amp;c=2> &lt;slow&gt; <mailto:a@example.org|a@example.org> <!subteam^S1|@payments>"
    assert unescape(typed) == "db https://example.org/a?b=1&c=2 <slow> a@example.org @payments"
    assert unescape("<@U01ROBIN|robin> and <@U02MIKA>") == "<@U01ROBIN> and <@U02MIKA>"
    assert unescape("<@U01ROBIN|robin>", {"U01ROBIN": "Robin Vos"}.__getitem__) == "@Robin Vos"
    assert unescape("<!channel> <#C1|general> <#C2>") == "@channel #general #C2"
    assert unescape("a < b > c <> <|>") == "a < b > c <> <|>"


def test_a_fallback_names_people_and_times() -> None:
    line = ("Acknowledged by ", Person("mika", "Mika <Laine>"), " at ", Moment(1_767_603_600.0))
    said = fallback([line], Audience(now=1_767_603_600.0, known=lambda _: "U1", called={"mika"}))
    assert said == "Acknowledged by Mika &lt;Laine&gt; at <!date^1767603600^{time}|09:00 UTC>"
