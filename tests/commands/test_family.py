"""What holds for every verb, by its definition alone: a new file under bot/commands passes here for free."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.commands.definition import Argument, Kind, Scope, Verb
from bot.commands.help import HEADS
from bot.commands.menu import GROUPS, Entry, entries, group_summary
from bot.commands.parsing import cut, parse
from bot.commands.registry import by_name, discover
from bot.commands.values import Reader
from bot.errors import BadArguments, RequestError
from tests.commands.world import MIKA, World, shown


def every(verbs: tuple[Verb, ...] = discover(), before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Verb]]:
    for verb in verbs:
        yield (*before, verb.name), verb
        yield from every(verb.subverbs, (*before, verb.name))


ALL = list(every())
IDS = [" ".join(path) for path, _ in ALL]
VERBS = pytest.mark.parametrize(("path", "verb"), ALL, ids=IDS)


def reader(here: World) -> Reader:
    return Reader(catalog=here.catalogs[-1], actor=MIKA, platform="console", verbs=by_name())


PRODUCT = """ack unack resolve reopen declare list show alerts why changes owner severity rename note lead merge split
silence silences unsilence page oncall runbook retro update role ruleout graph help"""
HOSTILE = """<!channel> @everyone <@U1> <script>alert(1)</script> -- --yes --all --- '"' {{a}} ${env:HOME}
INC-1 INC-999 #1 42 A1 S1 R1 P1 2h 0s 999999d sev1 service= service="a =~ host=~(a+)+ a=b @robin team:x ' " \\"""
HIDDEN = ("\u202eabc", "\x00", "\x1b[31m", "\ud83d", "\u200b", "\u2014yes", "\u201c", "x" * 5000)


def test_the_verbs_of_the_product_are_there() -> None:
    assert set(PRODUCT.split()) <= {verb.name for verb in discover()}


def test_no_two_verbs_want_one_name() -> None:
    names = [name for verb in discover() for name in verb.names]
    assert len(names) == len(set(names))


@VERBS
def test_a_verb_says_what_it_is(path: tuple[str, ...], verb: Verb) -> None:
    assert verb.family in HEADS
    assert 0 < len(verb.summary) <= 100  # a platform's limit on descriptions
    assert not verb.summary.endswith((".", "!"))
    assert re.fullmatch(r"[a-z][a-z-]{1,31}", verb.name)
    assert all(re.fullmatch(r"[a-z][a-z-]{1,31}", alias) for alias in verb.aliases)
    names = [sub for one in verb.subverbs for sub in one.names]
    assert len(names) == len(set(names))
    assert len(verb.subverbs) <= 25
    assert verb.examples


@VERBS
def test_its_arguments_can_be_told_apart(path: tuple[str, ...], verb: Verb) -> None:
    names = [argument.name for argument in verb.arguments]
    assert len(names) == len(set(names))
    for argument in verb.arguments:
        assert re.fullmatch(r"[a-z][a-z_-]{0,31}", argument.name)
        assert 0 < len(argument.help) <= 100
        assert (argument.kind is Kind.CHOICE) == bool(argument.choices)
    assert sum(argument.rest for argument in verb.arguments) <= 1
    after_optional = [argument.required for argument in verb.positional if not argument.rest]
    assert after_optional == sorted(after_optional, reverse=True)


@VERBS
def test_its_examples_are_understood(path: tuple[str, ...], verb: Verb, here: World) -> None:
    for example in verb.examples:
        command = parse(example, by_name(), reader(here), 42)
        assert command.path == path
        assert (command.incident is None) == (verb.scope is Scope.NONE)


@VERBS
def test_an_unknown_flag_is_refused_with_a_clear_word(path: tuple[str, ...], verb: Verb, here: World) -> None:
    with pytest.raises(BadArguments, match=rf"--frobnicate is no option of {verb.name}.*Like this: /incident"):
        parse(" ".join((*path, "--frobnicate")), by_name(), reader(here), 42)


@VERBS
async def test_what_comes_next_can_be_completed(path: tuple[str, ...], verb: Verb, here: World) -> None:
    await here.opened()
    *before, name = path
    typed = " ".join(["/incident", *before, name[:3]])
    assert name in await here.offers(typed)
    for room in (None, 1):
        start, offers = await here.complete(f"/incident {' '.join(path)} ", room=room)
        assert start == len(f"/incident {' '.join(path)} ")
        assert all(one.value and one.label for one in offers)
        if room is None and verb.scope is Scope.INCIDENT:
            assert "INC-1" in [one.value for one in offers]


@VERBS
async def test_help_tells_of_it(path: tuple[str, ...], verb: Verb, here: World) -> None:
    whole = shown(await here.say(f"help {path[0]}"))
    assert verb.summary in whole
    assert verb.usage(" ".join(path[:-1])) in whole
    if len(path) == 1:
        assert verb.usage() in shown(await here.say("help"))


def hostile() -> st.SearchStrategy[str]:
    words = st.sampled_from([*HOSTILE.split(), *HIDDEN])
    return st.lists(st.one_of(words, st.text(max_size=12)), max_size=7).map(" ".join)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(verb=st.sampled_from(IDS), rest=hostile(), room=st.sampled_from([None, 42]))
def test_whatever_is_typed_is_read_or_refused(verb: str, rest: str, room: int | None, here: World) -> None:
    refusal = "none"
    try:
        parse(f"{verb} {rest}", by_name(), reader(here), room)
    except RequestError as error:
        refusal = error.public
    assert 0 < len(refusal) < 1_000


@pytest.mark.parametrize("verb", IDS)
async def test_hostile_words_never_raise_and_never_become_markup(verb: str, here: World) -> None:
    number = await here.opened()
    for rest in (
        "<!channel> @everyone",
        "\x00\x1b[31m\u202e",
        '"',
        "--",
        "INC-999 <script>",
        "x" * 9000,
        "\ud83d INC-1",
    ):
        reply = await here.say(f"{verb} {rest}", room=number)
        assert reply.text
        assert "Something went wrong" not in shown(reply)
        await here.complete(f"/incident {verb} {rest}", room=number)
    assert here.services.metrics.failures.labels("commands")._value.get() == 0


def test_an_argument_shows_how_it_is_written() -> None:
    usages = {
        Argument(name="title", kind=Kind.TEXT, required=True, help="x").usage: "TITLE",
        Argument(name="note", kind=Kind.TEXT, help="x").usage: "[note]",
        Argument(name="all", kind=Kind.FLAG, help="x").usage: "[--all]",
        Argument(name="which", kind=Kind.CHOICE, choices=("all",), help="x").usage: "[all]",
        Argument(name="alert", kind=Kind.ALERTS, required=True, help="x").usage: "ALERT...",
        Argument(name="values", kind=Kind.KEY_VALUES, help="x").usage: "[key=value ...]",
    }
    assert all(written == wanted for written, wanted in usages.items())


# --- menus: platforms whose commands are chosen from a list have 25 entries at each of two levels ---------------------------
MENU = entries(discover())
GROUPED = {group: [entry for entry in MENU if entry.group == group] for group in {entry.group for entry in MENU}}


def test_the_menu_has_room_for_every_verb() -> None:
    top = [*(entry.name for entry in GROUPED[""]), *(group for group in GROUPED if group)]
    way_out = 'say where it stands instead, such as menu="more NAME" in its definition'
    assert len(top) == len(set(top)), "a verb stands beside a group of its name; one of them has to be in the group"
    assert len(top) <= 25, f"the menu's first level is full: {way_out}"
    assert all(len(group) <= 25 for group in GROUPED.values()), f"a group is full: {way_out}"
    assert all(group in GROUPS or group in by_name() for group in GROUPED if group), f"a group of no name: {way_out}"


@pytest.mark.parametrize("entry", MENU, ids=[entry.words for entry in MENU])
def test_what_stands_in_the_menu_can_be_typed_that_way(entry: Entry) -> None:
    assert re.fullmatch(r"[a-z][a-z-]{0,31}", entry.name)
    assert len([one for one in MENU if one.words == entry.words]) == 1
    found = cut(f"/incident {entry.words}", by_name())
    assert (found.path, found.verb.handler) == (entry.path, entry.verb.handler)
    if entry.group:
        assert cut(f"{entry.group} INC-42 {entry.name.upper()} INC-43", by_name()).path == entry.path
    assert len(entry.verb.arguments) + (entry.verb.scope is not Scope.NONE) <= 25


@VERBS
def test_every_verb_stands_in_the_menu_or_what_means_the_same_does(path: tuple[str, ...], verb: Verb) -> None:
    same = [entry for entry in MENU if entry.verb.handler is verb.handler and entry.verb.arguments == verb.arguments]
    assert len(same) == 1


def test_a_group_that_is_a_verb_hides_none_of_its_words() -> None:
    for group in GROUPED:
        verb = by_name().get(group)
        first = next((argument.kind for argument in verb.positional), None) if verb else None
        assert first in {None, Kind.MATCHERS}  # or `silence list` might have meant something else


def test_the_whole_menu_is_within_the_8000_characters_that_a_command_may_have() -> None:
    """Names, descriptions and values of a command with all that is in it, as Discord counts them, with a margin."""
    size = sum(len(group) + len(group_summary(group, by_name())) for group in GROUPED if group)
    for entry in MENU:
        size += len(entry.name) + len(entry.verb.summary)
        size += 40 if entry.verb.scope is not Scope.NONE else 0  # the incident, where no room implies it
        for argument in entry.verb.arguments:
            size += len(argument.name) + len(argument.help) + 2 * sum(map(len, argument.choices))
    assert size <= 7_200, "shorter words, please: the menus of Discord take 8,000 characters"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("more", "More of what? There are "),
        ("more rename", "Title is missing"),
        ("more renam x", 'No verb "more renam". Did you mean "rename"?'),
        ("more xyz", 'No verb "more xyz". There are '),
    ],
)
async def test_a_group_without_a_verb_says_what_it_holds(typed: str, told: str, here: World) -> None:
    assert told in shown(await here.say(typed, room=await here.opened()))


async def test_the_forms_of_the_menu_are_offered_and_run(here: World) -> None:
    assert await here.offers("/incident silence li") == ["list"]
    assert await here.offers("/incident more ren") == ["rename"]
    assert shown(await here.say("silence list")) == shown(await here.say("silences"))
    assert "S1" in shown(await here.say('silence add service="cart" 2h --yes'))
    assert "S1 is over" in shown(await here.say("silence end S1"))
