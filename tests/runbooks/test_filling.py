"""What is filled into a runbook stays what it is: one argument, one part of an address, one text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog.model import Parameter, Runbook, Step
from bot.errors import BadArguments, ConfigError
from bot.runbooks.filling import fill, parameter_values

ENVIRONMENT = {"CI_TOKEN": "s3cret-{{ alert.host }}", "CI_URL": "https://ci.example.org"}
ALERT = {"host": "checkout-3", "service": "checkout", "summary": "latency", "labels": {"pod": "p-1"}}
CONTEXT = {"alert": ALERT, "incident": {"id": "INC-1", "services": ["checkout"]}, "service": "checkout", "actor": {}}


def book(*steps: Step, parameters=()) -> Runbook:
    return Runbook(id="fix", title="Fix it", parameters=tuple(parameters), steps=steps)


def command(*arguments: str) -> Step:
    return Step(action="command", arguments=list(arguments))


def http(**arguments) -> Step:
    return Step(action="http", arguments=arguments)


def filled(runbook: Runbook, context=CONTEXT, **given: str):
    return fill(runbook, parameter_values(runbook, given, context), context)


ANY = Parameter(name="value")
INSTANCE = Parameter(name="instance", pattern="checkout-[0-9]+", default="{{ alert.host }}")


def test_parameters_and_what_the_incident_says_are_filled_in():
    runbook = book(
        command("systemctl", "restart", "checkout@{{ instance }}", "{{ incident.id }}"), parameters=[INSTANCE]
    )
    [step] = filled(runbook)
    assert step.shown() == ["systemctl", "restart", "checkout@checkout-3", "INC-1"]
    [step] = filled(runbook, instance="checkout-7")
    assert step.shown()[2] == "checkout@checkout-7"


@given(st.text(max_size=80))
def test_a_value_never_becomes_more_or_other_than_one_argument(value):
    runbook = book(command("tool", "{{ value }}", "--name={{ value }}"), parameters=[ANY])
    try:
        [step] = filled(runbook, value=value)
    except BadArguments:
        return
    assert step.for_running({})[0] == ["tool", value, f"--name={value}"]
    assert not value.startswith("-")


@given(st.text(alphabet="ab{}%$:env CI_TOKEN\ue000\ue001.-", max_size=40))
def test_a_value_is_never_read_as_a_template_or_a_secret(value):
    runbook = book(
        http(url="${env:CI_URL}/x", headers={"Authorization": "Bearer ${env:CI_TOKEN}", "X-Value": "{{ value }}"}),
        parameters=[ANY],
    )
    try:
        [step] = filled(runbook, value=value)
    except BadArguments:
        return
    arguments, secrets = step.for_running(ENVIRONMENT)
    assert arguments["headers"] == {"Authorization": "Bearer s3cret-{{ alert.host }}", "X-Value": value}
    assert arguments["url"] == "https://ci.example.org/x"
    assert set(secrets) == set(ENVIRONMENT.values())


def test_secrets_are_shown_by_name_and_kept_out_of_what_is_printed():
    [step] = filled(book(http(url="https://x.example.org", headers={"Authorization": "Bearer ${env:CI_TOKEN}"})))
    assert step.shown()["headers"] == {"Authorization": "Bearer ${env:CI_TOKEN}"}
    step.for_running(ENVIRONMENT)
    assert "s3cret" not in repr(step)
    assert step.missing({}) == ["CI_TOKEN"]
    assert step.missing(ENVIRONMENT) == []
    with pytest.raises(ConfigError, match="CI_TOKEN is not set"):
        step.for_running({})


@pytest.mark.parametrize("value", ["../admin", "a?b=c", "a#b", "a@evil.example.com", "a/b", "%2e%2e", "a b", "ü"])
def test_in_an_address_a_value_stays_one_part_of_it(value):
    runbook = book(http(url="https://ci.example.org/jobs/{{ value }}/run?q={{ value }}"), parameters=[ANY])
    [step] = filled(runbook, value=value)
    url = step.shown()["url"]
    assert url.startswith("https://ci.example.org/jobs/")
    assert url.endswith(f"/run?q={url.split('/')[4]}")
    assert url.count("/") == 5


@pytest.mark.parametrize("value", [".", ".."])
def test_dots_do_not_climb_in_an_address(value):
    with pytest.raises(BadArguments, match="address"):
        filled(book(http(url="https://ci.example.org/jobs/{{ value }}/run"), parameters=[ANY]), value=value)


@pytest.mark.parametrize(
    ("parameter", "value", "words"),
    [
        (INSTANCE, "checkout-3; rm", "does not match"),
        (INSTANCE, "checkout-3\n", "control characters"),
        (ANY, "--force", "read as an option"),
        (ANY, "a\x00b", "control characters"),
        (ANY, "x" * 501, "longer than 500"),
        (Parameter(name="value", choices=("a", "b")), "c", "none of a, b"),
        (Parameter(name="value", type="integer"), "1.5", "not a whole number"),
        (Parameter(name="value", type="integer"), "\N{ARABIC-INDIC DIGIT ONE}", "not a whole number"),
        (Parameter(name="value", type="number"), "nan", "not a number"),
        (Parameter(name="value", type="number"), "1e999", "not a number"),
        (Parameter(name="value", type="boolean"), "maybe", "neither true nor false"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_the_reason(parameter, value, words):
    runbook = book(command("tool", f"{{{{ {parameter.name} }}}}"), parameters=[parameter])
    with pytest.raises(BadArguments, match=words):
        filled(runbook, **{parameter.name: value})


def test_types_and_patterns_may_allow_a_dash():
    parameters = [
        Parameter(name="n", type="integer"),
        Parameter(name="p", pattern="-[a-z]"),
        Parameter(name="c", choices=("-x",)),
    ]
    runbook = book(command("nice", "{{ n }}", "{{ p }}", "{{ c }}"), parameters=parameters)
    [step] = filled(runbook, n="-5", p="-v", c="-x")
    assert step.shown() == ["nice", "-5", "-v", "-x"]


def test_truth_is_written_as_the_world_writes_it_and_can_be_tested():
    runbook = book(
        command("tool", "{{ force }}", "{{ 'now' if force else 'later' }}"),
        parameters=[Parameter(name="force", type="boolean", default="false")],
    )
    assert filled(runbook)[0].shown() == ["tool", "false", "later"]
    assert filled(runbook, force="YES")[0].shown() == ["tool", "true", "now"]


def test_what_an_alert_says_cannot_become_an_option():
    context = {**CONTEXT, "alert": {**ALERT, "host": "--root=/"}}
    with pytest.raises(BadArguments, match="an option, not a value"):
        filled(book(command("systemctl", "{{ alert.host }}")), context)
    assert filled(book(command("systemctl", "--host={{ alert.host }}")), context)[0].shown()[1] == "--host=--root=/"


def test_what_an_alert_says_is_checked_as_a_default_too():
    context = {**CONTEXT, "alert": {**ALERT, "host": "checkout-3 --force"}}
    with pytest.raises(BadArguments, match="does not match"):
        filled(book(command("x", "{{ instance }}"), parameters=[INSTANCE]), context)


def test_a_missing_value_says_which_and_how_to_give_it():
    runbook = book(command("x", "{{ instance }}"), parameters=[INSTANCE])
    without = {key: value for key, value in CONTEXT.items() if key != "alert"}
    for context in (without, {**CONTEXT, "alert": {**ALERT, "host": ""}}):
        with pytest.raises(BadArguments, match=r"instance needs a value.*/incident runbook run fix instance="):
            filled(runbook, context)
    with pytest.raises(BadArguments, match="value needs a value"):
        filled(book(command("x"), parameters=[ANY]))


def test_an_unknown_parameter_is_named_with_a_suggestion():
    with pytest.raises(BadArguments, match='no parameter "instanse"; did you mean "instance"'):
        filled(book(command("x"), parameters=[INSTANCE]), instanse="checkout-1")


@pytest.mark.parametrize(
    "template", ["{{ nothing }}", "{{ alert.nothing }}", "{{ alert.labels.nothing }}", "{{ 1 / 0 }}", "{{ x"]
)
def test_a_template_that_cannot_be_filled_in_says_which_step(template):
    with pytest.raises(BadArguments, match="step 1 of fix"):
        filled(book(command("x", template)))


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ alert.__class__ }}",
        "{% for i in range(10**9) %}x{% endfor %}",
        "{{ 'x' * 10**5 }}",
        "{% include '/etc/passwd' %}",
    ],
)
def test_templates_reach_nothing_and_stay_small(template):
    with pytest.raises(BadArguments):
        filled(book(command("x", template)))
