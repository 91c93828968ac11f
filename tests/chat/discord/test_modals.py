"""Forms: made from the verbs, valid for Discord, and what is filled in is the command that one would have typed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.catalog.catalog import Catalog
from bot.catalog.model import Parameter, Runbook
from bot.chat.discord.drawing import Drawn
from bot.chat.discord.modals import (
    Form,
    Origin,
    command_of,
    complaints,
    form,
    offers_wanted,
    opening,
    origin_of,
)
from bot.chat.discord.parts import pressed
from bot.chat.discord.refusing import kept, refused
from bot.chat.views import Person
from bot.commands.completion import Completion
from bot.commands.definition import Verb
from bot.commands.forms import FORMS, verb_at, wanted
from bot.commands.parsing import parse
from bot.commands.registry import by_name, discover
from bot.commands.values import Reader
from tests.chat.discord import specs
from tests.chat.gateway_contract import HOSTILE

VERBS = by_name()
RESTART = Runbook(
    id="restart-checkout",
    title="Restart checkout",
    description="Restarts one instance, about 20 s.",
    parameters=(
        Parameter(name="force", type="boolean", default="false"),
        Parameter(name="instance", pattern=r"checkout-\d", description="Which one"),
        Parameter(name="wait", type="integer", default="20"),
        Parameter(name="zone", choices=("a", "b"), default="{{ alert.zone }}"),
    ),
)


def paths() -> list[tuple[str, ...]]:
    def below(verb: Verb, path: tuple[str, ...]) -> list[tuple[str, ...]]:
        return [path, *(one for sub in verb.subverbs for one in below(sub, (*path, sub.name)))]

    return [path for verb in discover() for path in below(verb, (verb.name,))]


def verb_of(path: tuple[str, ...]) -> Verb:
    verb = verb_at(path, VERBS)
    assert verb is not None
    return verb


def reader(**names: Any) -> Reader:
    return Reader(catalog=Catalog(**names), actor=Person("robin", "Robin Vos"), platform="discord", verbs=VERBS)


def opened(line: str, runbooks: dict[str, Runbook] | None = None, **arguments: Any) -> Form:
    asked = wanted(line, VERBS, runbooks or {}, incident=arguments.pop("incident", None))
    assert asked is not None
    made = opening(asked, runbooks or {}, **arguments)
    assert isinstance(made, Form)
    specs.check_modal(made.to_dict())
    assert made.is_finished()  # discord.py would keep it
    return made


def fields(made: Form) -> dict[str, dict[str, Any]]:
    """The components that can be filled in, by name."""
    inner = [label["component"] for label in made.to_dict()["components"] if label["type"] == 18]
    return {one["custom_id"]: one for one in inner}


def sent(made: Form, **values: Any) -> dict[str, Any]:
    """The form as Discord sends it when somebody has filled it in; names are the last word of a field's."""
    answers = []
    for name, one in fields(made).items():
        value = values.pop(name.split(":")[-1], None)
        chosen = [option["value"] for option in one.get("options", ()) if option.get("default")]
        if one.get("options") and value is not None:
            chosen = value if isinstance(value, list) else [value]
            assert set(chosen) <= {option["value"] for option in one["options"]}
        match one["type"]:
            case 4:
                value = value if value is not None else one.get("value", "")
                assert specs.units(value) <= one["max_length"]
                answer: dict[str, Any] = {"value": value}
            case 21:
                answer = {"value": chosen[0] if chosen else None}
            case 5:
                default = [one["id"] for one in one.get("default_values", ())]
                answer = {"values": [value] if value is not None else default}
            case _:
                answer = {"values": chosen}
        answers.append({"type": 18, "id": 1, "component": {"type": one["type"], "id": 2, "custom_id": name, **answer}})
    assert not values, f"the form has no {values}"
    return {"custom_id": made.custom_id, "components": [{"type": 10, "id": 9}, *answers]}


def wrongs(data: dict[str, Any], path: tuple[str, ...], **names: Any) -> dict[str, str]:
    return complaints(data, verb_of(path), reader(**names), VERBS)


@pytest.mark.parametrize("path", paths(), ids=" ".join)
@pytest.mark.parametrize("incident", [None, 42], ids=["elsewhere", "in its room"])
def test_every_verb_has_a_form_that_discord_takes(path: tuple[str, ...], incident: int | None) -> None:
    verb = verb_of(path)
    origin = Origin(path=path, incident=incident)
    made = form(verb, origin)
    specs.check_modal(made.to_dict())
    assert origin_of(made.custom_id) == origin
    asked = {name.removeprefix("argument:") for name in fields(made)} - {"incident", "flags"}
    assert asked == {argument.name for argument in verb.valued}  # none is left out for want of room


@pytest.mark.parametrize("path", FORMS, ids=" ".join)
def test_a_form_opens_for_a_verb_without_arguments(path: tuple[str, ...]) -> None:
    line = " ".join(path)
    asked = wanted(f"/incident {line}", VERBS, {}, incident=42)
    assert asked is not None
    assert asked.incident == (None if path in {("declare",), ("silence",)} else 42)
    made = opening(asked, {RESTART.id: RESTART})
    assert isinstance(made, Drawn if path == ("runbook", "run") else Form)
    assert wanted(f"{line} something", VERBS, {}, incident=42) is None


def test_declaring_reads_back_as_the_line_one_would_have_typed() -> None:
    made = opened("declare")
    assert fields(made)["argument:severity"]["type"] == 21  # all four at once: no menu to open at 3 a.m.
    data = sent(made, title='checkout "slow"', severity="sev2", flags=["private"])
    assert command_of(data, VERBS["declare"]) == 'declare --private "checkout \\"slow\\"" sev2'
    assert wrongs(data, ("declare",)) == {}
    assert command_of(sent(made, title="db down"), VERBS["declare"]) == 'declare "db down"'
    assert made.to_dict()["title"] == "Declare an incident"
    labels = {one["label"]: one.get("description") for one in opened("silence").to_dict()["components"][1:]}
    assert labels["Which alerts"] == 'service="cart" name="DiskFull"'  # as it is to be typed
    assert labels["For how long"] == "30m, 2h, 1d"  # what the label says is not said again


def test_a_person_is_chosen_from_discords_own_list() -> None:
    path = ("retro", "action", "add")
    made = opened("retro action add", incident=42)
    data = sent(made, text="alert on queue", owner="80351110224678912")
    assert command_of(data, verb_of(path)) == 'retro action add INC-42 "alert on queue" <@80351110224678912>'
    again = opened("retro action add", incident=42, given={"argument:owner": "<@80351110224678912>"})
    assert fields(again)["argument:owner"]["default_values"] == [{"id": 80351110224678912, "type": "user"}]


def test_what_is_offered_is_chosen_and_what_is_too_much_for_a_menu_is_typed() -> None:
    asked = wanted("page", VERBS, {}, incident=42)
    assert asked is not None
    assert offers_wanted(asked.verb, Origin.of(asked)) == {"argument:who": "page INC-42 "}
    few = [Completion(value="payments", label="payments", hint="service of team pay")]
    made = opened("page", incident=42, offers={"argument:who": few})
    assert fields(made)["argument:who"]["type"] == 3
    assert command_of(sent(made, who="payments"), VERBS["page"]) == "page INC-42 payments"
    many = [Completion(value=f"service-{n}", label="l" * 300, hint=HOSTILE) for n in range(25)]
    made = opened("page", incident=42, offers={"argument:who": many})
    assert fields(made)["argument:who"]["type"] == 4
    assert fields(made)["argument:who"]["placeholder"] == "For example service-0"
    opened("page", incident=42, offers={"argument:who": many[:24]})


def test_the_incident_that_is_named_is_the_forms_and_where_none_is_it_is_asked_for() -> None:
    made = opened("severity INC-7", incident=42)
    assert command_of(sent(made, level="sev1"), VERBS["severity"]) == "severity INC-7 sev1"
    made = opened("note")
    assert list(fields(made)) == ["incident", "argument:text"]
    data = sent(made, incident="INC-9", text="vendor is down")
    assert command_of(data, VERBS["note"]) == 'note INC-9 "vendor is down"'
    assert wrongs(sent(made, incident="nine", text="x"), ("note",)) == {"incident": "Name the incident: INC-42."}


def test_a_runbook_is_chosen_first_and_then_asks_for_its_values() -> None:
    books = {RESTART.id: RESTART, "drain": Runbook(id="drain", title="Drain")}
    asked = wanted("runbook run", VERBS, books, incident=42)
    assert asked is not None
    drawn = opening(asked, books)
    assert isinstance(drawn, Drawn)
    specs.check_components(drawn.view.to_components())
    (menu,) = [one for one in specs.nodes(drawn.view.to_components()) if one["type"] == 3]
    chosen = pressed(menu["options"][0]["value"])
    assert chosen is not None
    assert chosen.command == "runbook run INC-42 restart-checkout"
    made = opened(chosen.command, books)
    assert made.to_dict()["title"] == "Restart checkout"
    names = list(fields(made))
    assert names[0] == "parameter:instance"  # what is needed comes first
    data = sent(made, instance='checkout-3 "old"', force="true", wait="5")
    line = 'runbook run INC-42 restart-checkout instance="checkout-3 \\"old\\"" force="true" wait="5"'
    assert command_of(data, verb_of(("runbook", "run"))) == line
    assert parse(line, VERBS, reader(runbooks=books), None).values.pairs("values")["wait"] == "5"
    assert wrongs(data, ("runbook", "run"), runbooks=books) == {}


def test_a_runbook_with_more_values_than_a_form_has_fields_takes_the_rest_line_by_line() -> None:
    many = Runbook(id="big", title="Big", parameters=tuple(Parameter(name=f"p{n}") for n in range(9)))
    made = opened("runbook run INC-42 big", {"big": many})
    assert len(fields(made)) == 5
    assert fields(made)["others"]["value"] == "p4=\np5=\np6=\np7=\np8="
    data = sent(made, p0="a", others="p4=b c\np5=\n p6 = d=e ")
    path = ("runbook", "run")
    assert command_of(data, verb_of(path)) == 'runbook run INC-42 big p0="a" p4="b c" p6="d=e"'
    assert wrongs(sent(made, others="p4 b"), path, runbooks={"big": many}) == {"others": "p4 b is no name=value."}


def test_what_is_wrong_is_said_by_field_with_all_that_was_typed_and_a_way_back() -> None:
    made = opened("silence")
    data = sent(made, matcher="cart", duration="2h", reason="disk *replaced* ```yes```")
    wrong = wrongs(data, ("silence",))
    assert list(wrong) == ["argument:matcher"]
    drawn = refused(data, VERBS["silence"], wrong)
    components = drawn.view.to_components()
    specs.check_components(components)
    said = specs.contents(components)
    assert said[0] == "\N{LARGE ORANGE DIAMOND} **Nothing was done yet.** One field needs another look:"
    assert said[1].startswith("**Which alerts**: ")
    assert said[1].endswith("\n```\ncart\n```")
    again = next(one for one in specs.nodes(components) if one["type"] == 2)
    assert (again["label"], again["custom_id"]) == ("Open the form again", "a:silence::")
    origin = origin_of(again["custom_id"])
    assert origin == Origin(path=("silence",))
    values = kept(drawn.view, VERBS["silence"])
    assert values["argument:reason"] == "disk *replaced* ```yes```"
    reopened = form(VERBS["silence"], Origin(path=("silence",)), given=values)
    specs.check_modal(reopened.to_dict())
    assert sent(reopened) == data


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_refused_form_opens_again_as_it_was_left(data: st.DataObject) -> None:
    line = data.draw(st.sampled_from(["declare", "silence", "note", "page", "retro action add", "retro mood"]))
    made = opened(line)
    typed = st.one_of(
        st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=60),
        st.sampled_from(
            ["`" * 30, "```\nx", "\\*", "警" * 100, "**" * 40, "<@1>", "<@!1>", "a\n\nb", "-# x", "c\n- d\n1. e"]
        ),
    )
    values = {}
    for name, one in fields(made).items():
        if one["type"] == 4:
            said = data.draw(typed)[: one["max_length"]].strip()
            values[name.split(":")[-1]] = " ".join(said.split()) if one["style"] == 1 else said  # which has one line
    answer = sent(made, **values)
    path = tuple(line.split())
    drawn = refused(answer, verb_of(path), {"argument:x": HOSTILE * 20})
    specs.check_components(drawn.view.to_components())
    assert drawn.mentioned == ()
    again = form(verb_of(path), Origin(path=path), given=kept(drawn.view, verb_of(path)))
    specs.check_modal(again.to_dict())
    assert sent(again) == answer


@pytest.mark.parametrize("half", ["x", "\N{FIRE}", "警", "`", "*"])
def test_a_refused_form_of_any_length_fits_a_message(half: str) -> None:
    data = {
        "custom_id": "f:page::",
        "components": [
            {"type": 18, "component": {"type": 4, "custom_id": name, "value": half * 4_000}}
            for name in (
                "incident",
                "argument:who",
                "argument:message",
                *(f"parameter:{half * 80}{n}" for n in range(2)),
            )
        ],
    }
    drawn = refused(data, VERBS["page"], {"argument:who": HOSTILE * 9, f"parameter:{half * 80}0": half * 900})
    specs.check_components(drawn.view.to_components())


@settings(max_examples=40, deadline=None)
@given(
    st.builds(
        Parameter,
        name=st.from_regex(r"[a-z_]{1,120}", fullmatch=True),
        type=st.sampled_from(["string", "integer", "number", "boolean"]),
        pattern=st.sampled_from(["", "x" * 5_000]),
        default=st.none() | st.sampled_from(["", HOSTILE, "y" * 5_000]),
        choices=st.sampled_from([(), ("a",), ("",), tuple(str(n) for n in range(300)), ("z" * 400,), (HOSTILE[:100],)]),
        description=st.sampled_from(["", HOSTILE, "\N{FIRE}" * 5_000]),
    ),
    st.integers(1, 30),
)
def test_no_runbook_makes_a_form_that_discord_refuses(parameter: Parameter, count: int) -> None:
    many = tuple(
        Parameter(
            **{**{name: getattr(parameter, name) for name in parameter.__slots__}, "name": f"{parameter.name}{n}"}
        )
        for n in range(count)
    )
    book = Runbook(id="restart", title=HOSTILE, description="d" * 9_000, parameters=many)
    for incident in (None, 42):
        origin = Origin(path=("runbook", "run"), incident=incident, runbook="restart")
        specs.check_modal(form(verb_of(("runbook", "run")), origin, book).to_dict())


def test_a_runbook_whose_name_is_too_long_for_a_form_is_typed() -> None:
    book = Runbook(id="r" * 120, title="Long", parameters=(Parameter(name="a"),))
    asked = wanted(f"runbook run INC-42 {book.id}", VERBS, {book.id: book})
    assert asked is not None
    assert opening(asked, {book.id: book}) is None
    asked = wanted("runbook run", VERBS, {book.id: book}, incident=42)
    assert asked is not None
    drawn = opening(asked, {f"r{n}": RESTART for n in range(60)} | {book.id: book})
    assert isinstance(drawn, Drawn)
    specs.check_components(drawn.view.to_components())
    assert "36 more by their names: `/incident runbook run name:NAME`" in specs.contents(drawn.view.to_components())[0]


def test_boxes_are_words_and_what_was_chosen_in_the_menu_is_in_the_form() -> None:
    made = opened("declare")
    assert [box["label"] for box in fields(made)["flags"]["options"]] == [
        "Page whoever is on call, however mild it is",
        "Page nobody, however bad it is",
        "A room by invitation only, on chat platforms",
    ]
    assert command_of(sent(made, title="cart slow", service="cart", flags=["nopage"]), VERBS["declare"]) == (
        'declare --nopage --service cart "cart slow"'
    )
    later = opened("update", incident=42, given={"argument:next": "30m"})
    assert command_of(sent(later, text="falling"), VERBS["update"]) == 'update INC-42 --next 30m "falling"'
