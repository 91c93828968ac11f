"""What holds for every verb, by its definition alone: a new file under bot/commands passes here for free."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.commands.definition import Argument, Kind, Scope, Verb
from bot.commands.help import HEADS
from bot.commands.parsing import parse
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
silence silences unsilence page oncall runbook retro help"""
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
