"""Forms: made from the verbs, valid for Slack, and what is filled in is the command that one would have typed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.catalog.catalog import Catalog
from bot.catalog.model import Parameter, Runbook
from bot.chat.slack import modals
from bot.chat.slack.modals import (
    Origin,
    command_of,
    complaints,
    completion_line,
    modal,
    offered,
    opening,
    origin_of,
    runbook_modal,
)
from bot.chat.views import Person
from bot.commands.completion import Completion
from bot.commands.definition import Verb
from bot.commands.forms import FORMS
from bot.commands.parsing import parse
from bot.commands.registry import by_name, discover
from bot.commands.values import Reader
from tests.chat.gateway_contract import HOSTILE
from tests.chat.slack import specs

VERBS = by_name()
RESTART = Runbook(
    id="restart-checkout",
    title="Restart checkout",
    description="Restarts one instance, about 20 s.",
    parameters=(
        Parameter(name="instance", pattern=r"checkout-\d", description="Which one"),
        Parameter(name="force", type="boolean", default="false"),
        Parameter(name="wait", type="integer", default="20"),
        Parameter(name="ratio", type="number", default="0.5"),
        Parameter(name="zone", choices=("a", "b"), default="{{ alert.zone }}"),
    ),
)


def paths() -> list[tuple[str, ...]]:
    def below(verb: Verb, path: tuple[str, ...]) -> list[tuple[str, ...]]:
        return [path, *(one for sub in verb.subverbs for one in below(sub, (*path, sub.name)))]

    return [path for verb in discover() for path in below(verb, (verb.name,))]


def verb_of(path: tuple[str, ...]) -> Verb:
    verb = VERBS[path[0]]
    for name in path[1:]:
        found = verb.sub(name)
        assert found is not None
        verb = found
    return verb


def reader(**names: Any) -> Reader:
    return Reader(catalog=Catalog(**names), actor=Person("robin", "Robin Vos"), platform="slack", verbs=VERBS)


def filled(view: dict[str, Any], **values: Any) -> dict[str, Any]:
    """The form as Slack sends it when somebody has filled it in: fields by the last word of their block id."""
    state: dict[str, Any] = {}
    for block in view["blocks"]:
        if block["type"] != "input":
            continue
        element, value = block["element"], values.pop(block["block_id"].split(":")[-1], None)
        answer: dict[str, Any] = {"type": element["type"]}
        if element["type"] == "checkboxes":
            answer["selected_options"] = [one for one in element["options"] if one["value"] in (value or ())]
        elif element["type"] == "static_select":
            answer["selected_option"] = next(
                (one for one in element["options"] if one["value"] == value), element.get("initial_option")
            )
            assert value is None or answer["selected_option"]["value"] == value
        elif element["type"] == "external_select":
            chosen = {"text": {"type": "plain_text", "text": "x"}, "value": value}
            answer["selected_option"] = chosen if value is not None else element.get("initial_option")
        else:
            answer["value"] = value if value is not None else element.get("initial_value")
        state[block["block_id"]] = {element.get("action_id", "a"): answer}
    assert not values, f"the form has no {values}"
    return {**view, "state": {"values": state}}


@pytest.mark.parametrize("path", paths(), ids=" ".join)
@pytest.mark.parametrize("incident", [None, 42], ids=["elsewhere", "in its room"])
def test_every_verb_has_a_form_that_slack_takes(path: tuple[str, ...], incident: int | None) -> None:
    view = modal(verb_of(path), Origin(path=path, incident=incident, room="C01ROOM"))
    specs.check_view("ModalView", view)
    assert origin_of(view) == Origin(path=path, incident=incident, room="C01ROOM")


@pytest.mark.parametrize("path", FORMS, ids=" ".join)
def test_a_form_opens_for_a_verb_without_arguments(path: tuple[str, ...]) -> None:
    line = " ".join(path)
    assert opening(f"{line} something", VERBS, {}) is None
    view = opening(f"/incident {line}", VERBS, {}, incident=42, room="C1")
    assert view is not None
    specs.check_view("ModalView", view)
    assert origin_of(view).incident == (None if path in {("declare",), ("silence",)} else 42)


def test_words_that_can_be_run_open_no_form() -> None:
    for line in (
        "ack",
        "",
        "help",
        "no such verb",
        "runbook",
        "retro",
        "declare db down",
        "severity 1",
        "page decline",
    ):
        assert opening(line, VERBS, {}, incident=42) is None


def test_the_incident_that_is_named_is_the_forms_and_where_none_is_it_is_asked_for() -> None:
    view = opening("severity INC-7", VERBS, {}, incident=42)
    assert view is not None
    assert command_of(filled(view, level="sev1"), VERBS["severity"]) == "severity INC-7 sev1"
    view = opening("note", VERBS, {})
    assert view is not None
    assert [block["block_id"] for block in view["blocks"] if block["type"] == "input"] == ["incident", "argument:text"]
    assert (
        command_of(filled(view, incident="INC-9", text="vendor is down"), VERBS["note"])
        == 'note INC-9 "vendor is down"'
    )


def test_a_declaration_that_is_filled_in_is_what_one_would_have_typed() -> None:
    view = modal(VERBS["declare"], Origin(path=("declare",)), given={"title": "checkout slow"})
    sent = filled(view, severity="sev2", flags=("private",))
    assert command_of(sent, VERBS["declare"]) == 'declare --private "checkout slow" sev2'
    assert complaints(sent, VERBS["declare"], reader(), VERBS) == {}


def test_a_silence_is_looked_at_first() -> None:
    view = modal(VERBS["silence"], Origin(path=("silence",)))
    assert "flags" not in [block.get("block_id") for block in view["blocks"]]
    sent = filled(view, matcher='service="cart" name=~"Disk.*"', duration="2h", reason="disk replaced")
    assert command_of(sent, VERBS["silence"]) == 'silence service="cart" name=~"Disk.*" 2h "disk replaced"'
    assert complaints(sent, VERBS["silence"], reader(), VERBS) == {}


def test_what_is_wrong_is_said_at_its_field() -> None:
    view = modal(VERBS["silence"], Origin(path=("silence",)))
    wrong = complaints(filled(view, matcher="cart", duration="2h"), VERBS["silence"], reader(), VERBS)
    assert list(wrong) == ["argument:matcher"]
    declare = modal(VERBS["declare"], Origin(path=("declare",)))
    wrong = complaints(filled(declare, title="  "), VERBS["declare"], reader(), VERBS)
    assert list(wrong) == ["argument:title"]
    assert wrong["argument:title"].startswith("Title is missing")
    mood = modal(verb_of(("retro", "mood")), Origin(path=("retro", "mood"), incident=42))
    wrong = complaints(filled(mood, note="x"), verb_of(("retro", "mood")), reader(), VERBS)
    assert list(wrong) == ["argument:mood"]


def test_mood_and_action_of_a_retrospective_are_filled_in() -> None:
    path = ("retro", "mood")
    view = modal(verb_of(path), Origin(path=path, incident=42))
    assert (
        command_of(filled(view, mood="mixed", note="paged too late"), verb_of(path))
        == 'retro mood INC-42 mixed "paged too late"'
    )
    path = ("retro", "action", "add")
    view = modal(verb_of(path), Origin(path=path, incident=42))
    sent = filled(view, text="alert on queue", owner="@robin")
    assert command_of(sent, verb_of(path)) == 'retro action add INC-42 "alert on queue" @robin'


def test_a_runbooks_form_asks_for_its_parameters() -> None:
    path = ("runbook", "run")
    books = {RESTART.id: RESTART}
    first = opening("runbook run", VERBS, books, incident=42)
    assert first is not None
    assert [block["block_id"] for block in first["blocks"] if block["type"] == "input"] == ["argument:name"]
    assert first["blocks"][1]["element"]["action_id"] == modals.CHOSEN
    view = runbook_modal(verb_of(path), origin_of(first), RESTART)
    specs.check_view("ModalView", view)
    sent = filled(view, instance='checkout-3 "old"', force="true", wait="5")
    line = 'runbook run INC-42 restart-checkout instance="checkout-3 \\"old\\"" force="true" wait="5"'
    assert command_of(sent, verb_of(path)) == line
    read = parse(line, VERBS, reader(runbooks=books), None)
    assert read.values.pairs("values") == {"instance": 'checkout-3 "old"', "force": "true", "wait": "5"}
    wrong = complaints(sent, verb_of(path), reader(runbooks=books), VERBS)
    assert list(wrong) == ["parameter:instance"]
    assert r"it does not match checkout-\d" in wrong["parameter:instance"]
    right = filled(view, instance="checkout-3", force="true", wait="5")
    assert complaints(right, verb_of(path), reader(runbooks=books), VERBS) == {}


def test_a_runbook_that_lacks_a_value_opens_its_form_and_others_run() -> None:
    books = {RESTART.id: RESTART, "drain": Runbook(id="drain", title="Drain")}
    view = opening("runbook run INC-42 restart-checkout", VERBS, books)
    assert view is not None
    assert origin_of(view) == Origin(path=("runbook", "run"), incident=42, runbook="restart-checkout")
    assert opening("runbook run INC-42 restart-checkout instance=checkout-1", VERBS, books) is None
    assert opening("runbook run INC-42 drain", VERBS, books) is None
    assert opening("runbook run INC-42 no-such", VERBS, books) is None


@settings(max_examples=40, deadline=None)
@given(
    st.builds(
        Parameter,
        name=st.from_regex(r"[a-z_]{1,20}", fullmatch=True),
        type=st.sampled_from(["string", "integer", "number", "boolean"]),
        pattern=st.sampled_from(["", "x" * 5_000]),
        default=st.none() | st.sampled_from(["", HOSTILE, "y" * 5_000]),
        choices=st.sampled_from([(), ("a",), ("",), tuple(str(n) for n in range(300)), ("z" * 400,), (HOSTILE[:100],)]),
        description=st.sampled_from(["", HOSTILE, "\N{FIRE}" * 5_000]),
    ),
    st.integers(0, 300),
)
def test_no_runbook_makes_a_form_that_slack_refuses(parameter: Parameter, count: int) -> None:
    many = tuple(
        Parameter(
            **{**{name: getattr(parameter, name) for name in parameter.__slots__}, "name": f"{parameter.name}{n}"}
        )
        for n in range(count)
    )
    book = Runbook(id="restart", title=HOSTILE, description="d" * 9_000, parameters=many)
    specs.check_view("ModalView", runbook_modal(verb_of(("runbook", "run")), Origin(path=("runbook", "run")), book))


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["title", "severity"]), st.sampled_from([HOSTILE, "x" * 9_000, "\N{FIRE}" * 4_000, "sev1", ""])
    )
)
def test_what_is_given_to_begin_with_never_breaks_a_form(given_values: dict[str, str]) -> None:
    view = modal(VERBS["declare"], Origin(path=("declare",)), given=given_values)
    specs.check_view("ModalView", view)
    for _, node in specs.nodes(view):
        assert specs.units(node.get("initial_value", "")) <= 3_000


def test_a_field_completes_as_if_all_before_it_had_been_typed() -> None:
    def asked(path: tuple[str, ...], field: str, typed: str, incident: int | None = 42) -> str:
        view = {"private_metadata": msgspec.json.encode(Origin(path=path, incident=incident)).decode()}
        return completion_line({"view": view, "block_id": field, "value": typed}, verb_of(path))

    assert asked(("page",), "argument:who", "ro") == "page INC-42 ro"
    assert asked(("page",), "argument:who", "ro", None) == "page INC-1 ro"
    assert asked(("page",), "incident", "", None) == "page "
    assert asked(("retro", "action", "add"), "argument:owner", "@m") == "retro action add INC-42 x @m"
    assert asked(("runbook", "run"), "argument:name", "rest art") == "runbook run INC-42 rest"


def test_offers_are_options_that_slack_takes() -> None:
    offers = [Completion(value=f"service-{n}", label="l" * 200, hint=HOSTILE) for n in range(300)]
    options = offered([Completion(value="--all", label="--all"), *offers, Completion(value="v" * 200, label="x")])
    assert len(options["options"]) == 100
    assert options["options"][0]["value"] == "service-0"
    for option in options["options"]:
        assert specs.units(option["text"]["text"]) <= 75
    assert offered([]) == {"options": []}
