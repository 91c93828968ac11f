"""What is wrong with a catalogue is told in words, with its line and path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bot.catalog.loader import load, read
from bot.catalog.runbook_schema import DEFAULT_ACTIONS


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("defualts: {}", '1: defualts: unknown key "defualts"; did you mean "defaults"?'),
        ("defaults: {team: x}", '1: defaults.team: no team "x"; there are none'),
        ("defaults: {escalation: x}", '1: defaults.escalation: no escalation policy "x"; there are none'),
        ("people: {robin: {email: robin}}", "1: people.robin.email: not an e-mail address; write robin@example.org"),
        ("people: {robin: {name: true}}", '1: people.robin.name: should be a text; to mean the word, quote it: "true"'),
        ("people: {Robin V: {}}", '1: people["Robin V"]: people are mentioned by this key: small letters'),
        ("people: {team: {}}", '1: people.team: "team" has a meaning of its own in policies; call the person otherwise'),
        ("services: {web: {links: {logs: 'javascript:x'}}}", "1: services.web.links.logs: not a web address; write https://"),
        ("rooms: {private: {severities: [SEV9]}}", "1: rooms.private.severities[0]: "),
        ("services: {web: {tier: 9}}", "1: services.web.tier: should be at most 5"),
        ("services: {web: {tier: high}}", '1: services.web.tier: should be a whole number, not "high"'),
        ("services: {web: {match: 'a=\"b\"'}}", '1: services.web.match: should be a list, not "a="b""'),
        ("services: {web: {match: ['']}}", """1: services.web.match[0]: not a matcher; write it as a text: 'service="checkout"'"""),
        ("services: {web: {match: ['{}']}}", """1: services.web.match[0]: an empty matcher would match everything"""),
        ("services: {web: {repositories: [checkout]}}", "1: services.web.repositories[0]: not a repository"),
        ("services: {web: {escalation: x}}", '1: services.web.escalation: no escalation policy "x"; there are none'),
        ("services: [web]", "1: services: should be a mapping, key: value, not a list"),
        ("schedules: {s: {}}", "1: schedules.s: says nobody: give it layers"),
        ("schedules: {s: {layers: [{people: []}]}}", "1: schedules.s.layers[0].people: should not be empty"),
        ("schedules: {s: {layers: [{rotation: daily}]}}", '1: schedules.s.layers[0]: "people" is missing'),
        (
            "people: {r: {}}\nschedules: {s: {layers: [{rotation: fortnightly, people: [r]}]}}",
            "2: schedules.s.layers[0].rotation: not a rotation; write daily, weekly, or how long a turn is: 12h, 3d, 2w",
        ),
        (
            'people: {r: {}}\nschedules: {s: {layers: [{rotation: daily, handover: "Mon 09:00", people: [r]}]}}',
            '2: schedules.s.layers[0]: a daily rotation is handed over at a time, such as "18:00", not on a day of the week',
        ),
        (
            "people: {r: {}}\nschedules: {s: {layers: [{people: [r], start: 2026-13-01}]}}",
            "2: schedules.s.layers[0].start: not a date; write it as 2026-01-05",
        ),
        (
            "people: {r: {}}\nschedules: {s: {overrides: [{person: r, from: 2026-02-02, to: 2026-02-01}]}}",
            "2: schedules.s.overrides[0]: ends before it begins",
        ),
        ("escalations: {e: {steps: [{page: oncall}]}}", '1: escalations.e.steps[0].page: nobody is called "oncall"; did you mean'),
        ('escalations: {e: {steps: [{page: ["team:x"]}]}}', '1: escalations.e.steps[0].page[0]: no team "x"; there are none'),
        ("escalations: {e: {steps: [{page: team, wait: 5}]}}", "1: escalations.e.steps[0].wait: not a duration"),
        ("recipes: [{name: a, similar: {txt: 1}}]", None),
        ("recipes: [{name: a, hops: 2}]", '1: recipes[0].hops: unknown key "hops"; write topology: {hops: 2}'),
        ("recipes: [{name: a, private: true}]", '1: recipes[0].private: unknown key "private"; write opens: {private: true}'),
        ("recipes: [{name: a, invite: [robin]}]", '1: recipes[0].invite: unknown key "invite"; write opens: {invite: ...}'),
        ("recipes: [{name: a, opens: {opens: 1}}]", '1: recipes[0].opens.opens: unknown key "opens"; there are'),
        ("recipes: [{name: a}, {name: a}]", '1: recipes[1].name: two recipes are called "a"; the first is at '),
        ("recipes: [{name: a, opens: {severity: SEV5}}]", None),
        ("recipes: [{name: a, cook_for: 0s}]", "1: recipes[0].cook_for: should be more than nothing"),
        ("silences: [{match: ['a=\"b\"'], until: 2026-01-01, by: x}]", '1: silences[0].by: no person "x"; there are none'),
        ("silences: [{match: [], until: 2026-01-01}]", "1: silences[0].match: should not be empty"),
        ("rooms: {name: incident}", "1: rooms: name: must hold {number}, or two incidents would share a room"),
        ('rooms: {name: "{number}-{team}"}', "1: rooms: name: unknown {team}; there are {number}, {severity}, {slug}"),
        ("rooms: {discord: {kind: forum}}", "1: rooms.discord: channel: say the id of the forum (in Discord: Developer Mode"),
        ("rooms: {discord: {archive: Incidents}}", "1: rooms.discord: archive: must be another category than that of open"),
        ("retention: {alerts: for ever}", "1: retention.alerts: not a duration; write 90s, 5m, 2h or 7d"),
        ("- a\n- b\n", "1: a catalogue is a mapping: services:, people:, teams:, ..."),
        ("a: 1\n---\nb: 2\n", "3: a second document; a catalogue file is one"),
        ("backstage: [absent.yaml]", '1: backstage[0]: there is no file "absent.yaml" beside the catalogue'),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_words(problems_of, text, told):
    found = problems_of(text)
    if told is None:
        assert len(found) == 1
    else:
        assert any(line.startswith(told) for line in found), found


def test_the_words_that_would_be_right_are_told_once(problems_of):
    (told,) = problems_of("recipes: [{name: a, similar: {foo: 1}}]")
    assert told.count("location") == 1
    (told,) = problems_of("recipes: [{name: a, similar: {locaton: 1}}]")
    assert told.endswith('not "locaton"; did you mean "location"?')


def test_a_mistake_in_an_entry_does_not_hide_its_dangling_references(problems_of):
    told = problems_of("services: {web: {tier: high, depends_on: [nowhere]}}")
    assert [line.split(": ")[1] for line in told] == ["services.web.tier", "services.web.depends_on[0]"]


def test_two_people_cannot_claim_one_identity(problems_of):
    (told,) = problems_of("people:\n  robin: {github: rvos}\n  mika: {github: RVos}\n")
    assert told.startswith("3: people.mika.github: robin has the same github already (people.robin.github, ")


STEP = "runbooks: {r: {title: x, parameters: {instance: {}}, steps: [%s]}}"


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("{comand: [a]}", 'runbooks.r.steps[0].comand: unknown key or action "comand"; did you mean "command"?'),
        ("{timeout: 5s}", "runbooks.r.steps[0]: a step needs an action: command, http"),
        ("{command: [a], http: {url: 'http://x/'}}", "runbooks.r.steps[0]: a step is one action, and here are command and http"),
        ("{command: rm -rf}", 'runbooks.r.steps[0].command: should be a list, not "rm -rf"'),
        ("{command: []}", "runbooks.r.steps[0].command: should not be empty"),
        ("{http: {url: ftp://x}}", "runbooks.r.steps[0].http.url: not an http or https address"),
        ("{http: {url: 'http://x/', methd: POST}}", 'runbooks.r.steps[0].http.methd: unknown key "methd"; did you mean "method"?'),
        ("{command: ['${env:HOME}']}", "runbooks.r.steps[0].command[0]: ${env:HOME} is read only in the url and headers"),
        ("{command: ['{{ instanc }}']}", 'runbooks.r.steps[0].command[0]: the runbook has no parameter "instanc"'),
        ("{command: [a], timeout: 5}", "runbooks.r.steps[0].timeout: not a duration"),
    ],
)  # fmt: skip
def test_a_step_is_one_action_that_exists_with_what_it_takes(problems_of, step, told):
    (found,) = problems_of(STEP % step)
    assert found.removeprefix("1: ").startswith(told)


def test_a_steps_template_may_name_parameters_and_the_incident(catalog_of):
    catalog_of(STEP % "{command: ['{{ instance }}', '{{ incident.id }}', '{{alert.host}}']}")


def test_actions_of_others_are_steps_where_they_are_handed_in(write):
    path = write(STEP % "{scale: {replicas: 3}}")
    assert read(path).catalog is None
    actions = {**DEFAULT_ACTIONS, "scale": TypeAdapter(dict[str, int])}
    (step,) = load(path, actions=actions).runbooks["r"].steps
    assert (step.action, step.arguments) == ("scale", {"replicas": 3})
    bad = read(write(STEP % "{scale: {replicas: many}}"), actions=actions)
    assert [problem.path for problem in bad.problems] == ["runbooks.r.steps[0].scale.replicas"]


@pytest.mark.parametrize(
    "parameter",
    [
        "{pattern: '('}",
        "{pattern: '[0-9]+', default: x}",
        "{choices: [a, b], default: c}",
        "{type: date}",
        "{colour: red}",
    ],
)
def test_a_parameter_that_cannot_be_is_told(problems_of, parameter):
    (told,) = problems_of(f"runbooks: {{r: {{title: x, parameters: {{p: {parameter}}}, steps: [{{command: [a]}}]}}}}")
    assert told.startswith("1: runbooks.r.parameters.p")


def test_parameters_travel_as_text(catalog_of):
    catalog = catalog_of("""
        runbooks:
          r:
            title: x
            parameters: {n: {type: integer, default: 3, choices: [1, 3]}, d: {default: true}}
            steps: [{command: [sleep, 5]}]
        """)
    assert catalog.runbooks["r"].steps[0].arguments == ["sleep", "5"]
    n, d = catalog.runbooks["r"].parameters
    assert (n.default, n.choices, d.default) == ("3", ("1", "3"), "true")


def test_a_secret_outside_its_places_is_an_error_and_is_not_resolved(problems_of, monkeypatch):
    monkeypatch.setenv("CI_TOKEN", "hunter2")
    (told,) = problems_of("services: {web: {description: '${env:CI_TOKEN}'}}")
    assert told.startswith("1: services.web.description: ${env:CI_TOKEN} is read only")
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://{{ alert.host }}/restart", "alert"),
        ("{{ target }}", "target"),
        ("https://ci.{{ target }}/jobs/{{ job }}", "target"),
    ],
)
def test_a_secret_does_not_go_where_an_alert_or_anybody_says(problems_of, url, name):
    step = f'{{http: {{url: "{url}", headers: {{Authorization: "Bearer ${{env:TOKEN}}"}}}}}}'
    parameters = "{target: {}, job: {}}"
    told = f'"{name}" decides which host gets the secret; let it be a parameter with a pattern or choices'
    problems = problems_of(f"runbooks: {{r: {{title: x, parameters: {parameters}, steps: [{step}]}}}}")
    assert problems == [f"1: runbooks.r.steps[0].http.url: {told}"]


@pytest.mark.parametrize(
    "step",
    [
        '{http: {url: "https://{{ alert.host }}/restart"}}',
        '{http: {url: "https://ci.example.org/{{ alert.host }}", headers: {A: "${env:TOKEN}"}}}',
        '{http: {url: "https://{{ site }}.example.org/", headers: {A: "${env:TOKEN}"}}}',
        '{http: {url: "${env:HOOK}"}}',
    ],
)
def test_a_secret_goes_to_a_host_that_the_catalogue_names(catalog_of, step):
    assert catalog_of(f"runbooks: {{r: {{title: x, parameters: {{site: {{choices: [a, b]}}}}, steps: [{step}]}}}}")


def test_a_permission_for_a_verb_that_is_none_protects_nothing_so_it_is_a_mistake(write: Callable[[str], Path]) -> None:
    path = write("people: {sam: }\npermissions: {silense: sam, resolve: [team, commander], note: sma, list: [team:x]}")
    told = [str(problem).partition("catalog.yaml:")[2] for problem in read(path, verbs={"silence", "resolve"}).problems]
    assert [line for line in told if "verb" in line or "nobody" in line or "no team" in line] == told
    assert any('no verb "silense"; did you mean "silence"?' in line for line in told)
    assert any('"team" depends on the incident' in line for line in told)
    assert any('"commander" depends on the incident' in line for line in told)
    assert any('nobody is called "sma"' in line for line in told)
    assert any('no team "x"' in line for line in told)
