"""ticket: where the incident is kept, linked, changed and taken off; whatever is typed can do no harm."""

from __future__ import annotations

import msgspec
import pytest

from bot.chat.discord.markdown import web
from bot.chat.slack.richtext import is_web
from bot.chat.views import Link
from bot.incidents import links, store
from bot.incidents.tickets import ticket_link
from bot.retros.formats.markdown import FORMAT as MARKDOWN
from bot.retros.gathering import gather
from bot.web.api.incidents import incidents_json
from tests.commands.world import MIKA, World, shown

ONE, TWO = "https://tracker.example.org/browse/OPS-41", "https://tracker.example.org/issues/42/"


async def bookmarks(here: World, number: int) -> tuple[list[str], list[str]]:
    """What is kept in sight, and what no more."""
    async with here.database.reading() as connection:
        incident = await store.load(connection, number)
        kept = await links.kept_links(connection, here.services.catalog(), incident)
        gone = await links.former_tickets(connection, incident)
    return [link.url for link in kept], [link.url for link in gone]


async def test_a_ticket_is_linked_changed_and_taken_off(here: World) -> None:
    number = await here.opened()
    assert shown(await here.say("ticket", room=number)).startswith("INC-1 has no ticket. To link one")
    assert shown(await here.say(f"ticket <{ONE}>", room=number)) == f"Ticket OPS-41 ({ONE}) is linked to INC-1."
    assert (await here.announced())[-1] == f"Mika Laine linked the ticket: Ticket OPS-41 ({ONE})."
    assert await bookmarks(here, number) == ([ONE], [])
    assert shown(await here.say(f"ticket INC-{number} {TWO}")) == f"Ticket #42 ({TWO}) is linked to INC-1."
    assert (await here.announced())[-1].endswith(f"It was Ticket OPS-41 ({ONE}).")
    assert await bookmarks(here, number) == ([TWO], [ONE])
    assert f"Ticket #42 ({TWO})" in shown(await here.say("show", room=number))
    assert f"Ticket #42 ({TWO})" in shown(await here.say("ticket", room=number))
    assert shown(await here.say("ticket -", room=number)) == "INC-1 has no ticket any more."
    assert (await here.announced())[-1] == f"Mika Laine took the ticket off: Ticket #42 ({TWO})."
    assert await bookmarks(here, number) == ([], [ONE, TWO])
    assert await here.story(number) == [f"Ticket: {ONE}", f"Ticket: {TWO}", f"Ticket taken off: {TWO}"]
    await here.say(f"ticket {ONE}", room=number)
    assert await bookmarks(here, number) == ([ONE], [TWO])


async def test_the_same_ticket_again_and_none_to_take_off_say_so(here: World) -> None:
    number = await here.opened()
    assert shown(await here.say("ticket -", room=number)) == "INC-1 has no ticket."
    await here.say(f"ticket {ONE}", room=number)
    again = await here.say(f"ticket {ONE}", room=number)
    assert (again.failed, shown(again)) == (True, "INC-1 has that ticket already.")


async def test_the_card_leads_to_it_first_and_the_room_asks_for_its_bookmark(here: World) -> None:
    number = await here.opened()
    await here.say(f"ticket {ONE}", room=number)
    async with here.database.reading() as connection:
        incident = await store.load(connection, number)
        assert (await links.card_links(connection, here.services.catalog(), incident))[0] == Link("Ticket OPS-41", ONE)
    assert len(await here.effects("links")) == 1


async def test_it_stands_in_the_api_and_in_the_retrospective(here: World) -> None:
    number = await here.opened()
    async with here.database.reading() as connection:
        assert (await incidents_json(connection, [await store.load(connection, number)]))[0].ticket is None
    await here.say(f"ticket {ONE}", room=number)
    async with here.database.reading() as connection:
        told = (await incidents_json(connection, [await store.load(connection, number)]))[0]
        retro = await gather(connection, number, here.clock.now(), name=str, author=lambda _: "")
    assert msgspec.to_builtins(told)["ticket"] == retro.ticket == ONE
    assert f"[Ticket OPS-41]({ONE})." in MARKDOWN.render(retro).decode()


async def test_an_incident_that_takes_in_another_has_its_ticket_where_it_has_none(here: World) -> None:
    kept, lost = await here.opened(), await here.opened()
    await here.say(f"ticket {ONE}", room=lost)
    await here.say(f"merge INC-{lost}", room=kept)
    assert (await here.incident(kept)).ticket == ONE
    assert "was merged into" in shown(await here.say(f"ticket {TWO}", room=lost))


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("OPS-42", "is no web address. Like this:"),
        ("javascript:alert(1)", "is no web address"),
        ("ftp://tracker.example.org/1", "is no web address"),
        ("//tracker.example.org/1", "is no web address"),
        ("https://", "is no web address"),
        ("https://tracker.example.org\\@evil.example/1", "is no web address"),
        ("https://tracker.example.org/\u202egro", "is no web address"),
        ("https://[::1/1", "is no web address"),
        ("https://tracker.example.org/<!channel>", "is no web address"),
        ("https://tracker.example.org/OPS-1<script>", "is no web address"),
        ("https://tracker.example.org/`code`", "is no web address"),
        ("https://robin:secret@tracker.example.org/1", "leave out the name before the @"),
        (f"https://tracker.example.org/{'1' * 2_100}", "at most 2,048 characters"),
    ],
)
async def test_what_is_no_address_that_everybody_may_open_is_refused(here: World, typed: str, why: str) -> None:
    number = await here.opened()
    reply = await here.say(f"ticket {typed}", room=number)
    assert reply.failed
    assert why in shown(reply)
    assert (await here.incident(number)).ticket == ""
    assert await here.announced() == []


@pytest.mark.parametrize(
    "path",
    [
        "@everyone",
        "*bold*",
        "[x](https://evil.example)",
        "%00",
        "#" * 300,
        "1" * 99,
    ],
)
async def test_a_hostile_path_names_nothing_and_stays_an_address(here: World, path: str) -> None:
    number = await here.opened()
    url = f"https://tracker.example.org/{path}"
    assert not (await here.say(f'ticket "{url}"', room=number, actor=MIKA)).failed
    kept = ticket_link((await here.incident(number)).ticket)
    assert kept == Link("Ticket tracker.example.org", url)
    assert is_web(kept.url)
    assert web(kept.url) is None or "](" not in str(web(kept.url))
