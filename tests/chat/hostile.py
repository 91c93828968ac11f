"""Views as an enemy would fill them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from bot.chat.views import (
    Button,
    Card,
    Code,
    Link,
    Moment,
    Notice,
    Page,
    Person,
    Reply,
    RoleHolder,
    Room,
    ServiceCount,
    Strong,
)
from tests.chat.gateway_contract import HOSTILE

SNIPPETS = (
    HOSTILE,
    "",
    " ",
    "\n\n",
    "*bold* _it_ ~no~ `code` ```fence``` :tada: > quote",
    "<!channel><!here><!subteam^S1><@U01ROBIN|robin><#C1|general><!date^1^{ago}|x>",
    "&lt;!channel&gt; &amp; &#60;",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \u202egnp.exe\u202c \u2067x\u2069",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 30,
    "\ud800 lone \udfff",
    "\u4e2d\u6587\u544a\u8b66" * 200,
    "x" * 10_000,
    "<" * 10_000,
    "\U0001f525" * 10_000,
    '"\\' * 5_000,
    "line\n" * 3_000,
    "\x00\x1b[31mred\x1b[0m\r\n\u2028",
    "a b " * 2_500,
)
words = st.one_of(st.sampled_from(SNIPPETS), st.text(max_size=40))
moments = st.builds(Moment, st.one_of(st.floats(), st.floats(min_value=0, max_value=4e9)))
people = st.builds(Person, st.sampled_from(["robin", "mika", "", "x" * 400]), words)
urls = st.one_of(
    st.sampled_from(
        ["https://example.org/a?b=c&d=<e>", "javascript:alert(1)", "http://", "https://e x.org", "https://[", "ftp://a"]
    ),
    st.integers(1, 4_000).map(lambda count: "https://example.org/" + "p" * count),
    words,
)
ROOMS = {"slack": "C0INC42", "discord": "1180351110224678912"}
rooms = st.builds(
    Room, st.sampled_from([*ROOMS.values(), "", "inc-42", "<!channel>", "!subteam^S1", "@everyone"]), words
)
spans = st.one_of(
    words, moments, people, rooms, st.builds(Link, words, urls), st.builds(Code, words), st.builds(Strong, words)
)


def said(most: int = 6) -> Any:
    return st.lists(spans, max_size=most).map(tuple)


buttons = st.lists(
    st.builds(
        Button,
        label=words,
        command=st.one_of(words, st.just("ack INC-1"), st.integers(1, 3_000).map(lambda count: "note " + "c" * count)),
        style=st.sampled_from(["default", "primary", "danger"]),
        confirm=words,
    ),
    max_size=40,
).map(tuple)
many = st.sampled_from([0, 1, 7, 200])
counts = st.sampled_from([0, 1, 5_000, 10**12])


def repeated(one: Any) -> Any:
    """Nothing, a few, or two hundred of them."""
    return st.tuples(st.lists(one, min_size=1, max_size=3), many).map(
        lambda both: tuple((both[0] * both[1])[: both[1]])
    )


ats = st.one_of(st.floats(), st.floats(min_value=1.7e9, max_value=1.8e9))
cards = st.builds(
    Card,
    incident=st.one_of(st.just("INC-42"), words),
    title=words,
    severity=st.sampled_from(["SEV1", "SEV4", "", HOSTILE]),
    status=st.sampled_from(["open", "acknowledged", "mitigated", "resolved", "", HOSTILE]),
    status_since=ats,
    opened_at=ats,
    first_alert_at=st.none() | ats,
    resolved_at=st.none() | ats,
    lead=st.none() | people,
    alert_count=counts,
    firing_count=counts,
    services=repeated(st.builds(ServiceCount, words, counts)),
    location=words,
    environment=words,
    cause=said(),
    suspects=repeated(said()),
    ruled_out=said(),
    roles=repeated(st.builds(RoleHolder, words, people)),
    update=said(),
    next_step=said(),
    buttons=buttons,
    links=repeated(st.builds(Link, words, urls)),
)
outputs = st.one_of(words, st.sampled_from(["line of output\n" * 20_000, "y" * 200_000, "\n" * 500, "<&>\n" * 4_000]))
notices = st.builds(
    Notice,
    text=said(),
    tone=st.sampled_from(["info", "good", "warning", "bad"]),
    details=repeated(said()),
    output=outputs,
    buttons=buttons,
)
pages = st.builds(
    Page,
    incident=st.one_of(st.just("INC-42"), words),
    headline=said(),
    body=said(),
    state=st.sampled_from(["waiting", "answered", "over"]),
    buttons=buttons,
)
replies = st.builds(Reply, text=said(), details=repeated(said()), output=outputs, buttons=buttons)
