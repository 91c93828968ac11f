"""Markdown: a golden document of the whole story, and text of strangers that stays text wherever it stands."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.clock import ManualClock
from bot.retros.formats.markdown import FORMAT
from bot.retros.model import (
    Action,
    Excluded,
    Line,
    Mood,
    Paged,
    Participant,
    Retro,
    Run,
    Said,
    ServiceAlerts,
    SuspectChange,
)
from bot.storage.database import Database
from tests.retros.story import MIKA, ROBIN, Story

GOLDEN = Path(__file__).parent / "golden.md"
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


async def test_the_story_reads_as_it_should(sqlite: Database, clock: ManualClock) -> None:
    story = Story(sqlite, clock)
    await story.tell()
    await story.retros.draft(story.number, MIKA)
    await story.retros.add_action(story.number, "Give retries a budget", MIKA, owner=ROBIN)
    done = await story.retros.add_action(story.number, "Tell support | customers", MIKA)
    await story.retros.finish_action(story.number, done.number, MIKA)
    await story.retros.set_mood(story.number, "mixed", MIKA, "paged fast, found slowly")
    await story.retros.set_mood(story.number, "good", ROBIN)
    body = (await story.retros.render(story.number, "md")).body.decode()
    if os.environ.get("MUSTER_UPDATE_GOLDEN"):
        GOLDEN.write_text(body)
    assert body == GOLDEN.read_text()


def tokens(body: str) -> list[Token]:
    flat: list[Token] = []
    for token in PARSER.parse(body):
        flat.append(token)
        flat += token.children or []
    return flat


def outline(body: str) -> list[tuple[str, str]]:
    """The structure of a document, without its words: what a stranger's text must not change."""
    return [
        (token.type, token.tag)
        for token in tokens(body)
        if token.type not in {"text", "inline", "softbreak", "hardbreak"}
    ]


def retro(text: str, *, transcript: str | None = None) -> Retro:
    """A retrospective in which a stranger wrote everything that strangers can write."""
    return Retro(
        number=7,
        title=text,
        status="resolved",
        severity="SEV1",
        environment=text,
        location=text,
        summary=text,
        opened_at=100.0,
        first_alert_at=40.0,
        resolved_at=900.0,
        commander=text,
        alert_count=3,
        cause=text,
        cause_words=text,
        ruled_out=(Excluded(service=text, by=text, reason=text),),
        services=(ServiceAlerts(service=text, alerts=3, firings=9, worst="error", first_at=40.0, last_at=90.0),),
        suspects=(
            SuspectChange(
                id=text,
                at=20.0,
                kind="deploy",
                service=text,
                title=text,
                revision=text,
                url=text,
                author=text,
                reasons=(text,),
            ),
            SuspectChange(id=text),
        ),
        timeline=(
            Line(at=50.0, kind="note", actor=text, text=text),
            Line(at=51.0, kind="update", actor=text, text=text),
        ),
        people=(Participant(id="x", name=text, role=text, joined_at=60.0, why=text),),
        pages=(Paged(number=1, name=text, why=text, state="sent", created_at=60.0),),
        runs=(
            Run(
                number=1,
                runbook=text,
                parameters={text: text},
                requested_by=text,
                requested_at=70.0,
                approved_by=(text,),
                state="failed",
                outcome=text,
                output=text,
            ),
        ),
        transcript=(Said(id=1, at=80.0, name=text, by_person=True, text=text if transcript is None else transcript),),
        actions=(Action(number=1, text=text, owner=text, by=text, at=90.0),),
        moods=(Mood(person="x", name=text, mood="bad", note=text, at=90.0),),
        drafted_by=text,
        drafted_at=900.0,
        updated_at=950.0,
    )


def body_of(text: str) -> str:
    return FORMAT.render(retro(text)).decode()


def without_code(body: str) -> str:
    return re.sub(r"^(`{3,})text\n.*?^\1$", "", body, flags=re.DOTALL | re.MULTILINE)


_WORDS = """
<b> </td> <!-- <!channel> @everyone @here [a](b) ![a](http://e.example.org/x.png) | || # ## - * + 1. 12) > ``` ~~~ --- === *** ___
` `` ** _ __ \\ \\\\ &lt; &#60; &copy; http://evil.example.org https://e.example.org www.evil.example.org mailto:a@b.c <http://e>
a@example.org |---| ~ ~~s~~ $x$ [^1] [x] ! word snake_case é 1 .
"""
_PIECES = [
    *_WORDS.split(),
    "[a]: http://e",
    ":-- | --",
    "    ",
    "\t",
    "\n",
    "\n\n",
    "\r\n",
    "\u2028",
    "\x00",
    "\u202e",
    " ",
]
_HOSTILE = st.lists(st.sampled_from(_PIECES) | st.text(max_size=6), max_size=10).map("".join)


@given(_HOSTILE)
@settings(max_examples=150, deadline=None)
def test_no_text_of_strangers_changes_the_structure_of_the_document(text: str) -> None:
    body = body_of(text)
    found = tokens(body)
    assert not [
        t
        for t in found
        if t.type in {"html_block", "html_inline", "image", "code_inline", "code_block", "s_open", "em_open"}
    ]
    links = [t for t in found if t.type == "link_open"]
    assert all(re.match(r"https?://", str(t.attrs["href"])) for t in links)
    assert len(links) <= 1  # the suspect change's own, when its address is one
    assert [t.tag for t in found if t.type == "heading_open"] == ["h1", *["h2"] * 7, "h3", *["h2"] * 3]
    assert len([t for t in found if t.type == "fence"]) == (1 if text.strip() else 0)
    assert len([t for t in found if t.type == "table_open"]) == 5
    assert len([t for t in found if t.type == "tr_open"]) == 11


@given(_HOSTILE)
@example("WWW")  # a name, and the full stop of a sentence that it ends
@settings(max_examples=150, deadline=None)
def test_no_line_holds_a_tag_a_mention_an_address_or_a_hidden_character(text: str) -> None:
    body = re.sub(r"\]\(https?://[^\s()]*\)", "]", without_code(body_of(text)))  # but the change's own link
    assert "<" not in body
    assert not re.search(r"@(?=\w)", body)
    assert not re.search(r"https?://|www\.\w", body, re.IGNORECASE)
    assert not re.search("[\x00-\x08\u202a-\u202e\u2066-\u2069]", body)
    for line in body.splitlines():
        quoted = line.removeprefix("> ")
        if quoted is not line:
            assert not re.match(r"\s*([#>|=~+-]|```|\d+[.)])", quoted)
    tables = [line for line in body.splitlines() if line.startswith("|")]
    columns = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in tables}
    assert columns <= {4, 5, 6, 7}


@pytest.mark.parametrize(
    "text", ["plain words", "a_b", "3 < 4 & 5 > 2", "path/to/file.py:12", "99.9 %", "it's (fine)", "5*3 [ok]"]
)
def test_what_was_written_is_what_is_read(text: str) -> None:
    rendered = [token.content for token in tokens(body_of(text)) if token.type == "text"]
    assert text in "".join(rendered).replace("\u200b", "")


@given(_HOSTILE)
@settings(max_examples=100, deadline=None)
def test_the_lines_of_a_message_stay_its_lines(text: str) -> None:
    body = FORMAT.render(retro("x", transcript=f"first\n{text}\nlast")).decode()
    conversation = body.split("## Conversation", 1)[1].split("\n---\n", 1)[0]
    quote = [line for line in conversation.splitlines()[4:] if line]
    assert quote[0].rstrip() == "> first"
    assert quote[-1] == "> last"
    assert all(line.startswith(">") for line in quote)
    assert outline(body).count(("blockquote_open", "blockquote")) == 4


def test_a_million_characters_are_cut_with_a_word_about_it() -> None:
    body = FORMAT.render(retro("x", transcript="y" * 1_000_000)).decode()
    assert len(body) < 110_000
    assert "cut; it had 1,000,000 characters" in body
    assert len(body_of("z" * 100_000)) < 700_000


def test_an_incident_about_which_nothing_is_known_is_a_short_document() -> None:
    empty = Retro(
        number=1, title="coffee", status="open", severity="SEV4", opened_at=0.0, first_alert_at=0.0, updated_at=60.0
    )
    body = FORMAT.render(empty).decode()
    assert body.startswith("# INC-1: coffee\n")
    assert "not resolved yet" in body
    assert "Nobody led it." in body
    assert "| " not in body


def test_an_incident_over_midnight_tells_the_days() -> None:
    body = FORMAT.render(msgspec.structs.replace(retro("x"), resolved_at=90_000.0)).decode()
    assert "1970-01-01 00:00 UTC to 1970-01-02 01:00 UTC (1 d)" in body
    assert "| 1970-01-01 00:00:50 | x" in body
