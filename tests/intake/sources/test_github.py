from __future__ import annotations

import json
import urllib.parse
from typing import Any

import pytest

from bot.errors import MalformedPayload
from bot.intake.sources.github import SOURCE
from bot.intake.sources.github.examples import EXAMPLES
from correlation.alert import Change
from tests.intake import payloads

NOW = 1_767_603_600.0
PUSH, DEPLOYMENT, RUN, RELEASE = (
    next(e.payload for e in EXAMPLES if e.headers["x-github-event"] == event and e.changes)
    for event in ("push", "deployment", "workflow_run", "release")
)


def parse(event: str, body: Any, **headers: str) -> list[Change]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return SOURCE.parse(raw, {"x-github-event": event} | headers, NOW).changes


def test_every_recorded_event_is_understood() -> None:
    events = {"commit_status": "status", "deployment_created": "deployment", "deployment_review_requested": "deployment_review",
              "push_commits": "push", "push_new_branch": "push", "release_published": "release",
              "workflow_job_failed": "workflow_job", "workflow_job_queued_deployment": "workflow_job"}  # fmt: skip
    bodies = payloads.bodies("github")
    for name, event in events.items():
        if f"{name}.json" in bodies:
            parse(event, bodies[f"{name}.json"])
    (deployed,) = parse("deployment", bodies["deployment_created.json"])
    assert deployed.id == "github:Codertocat/Hello-World:deployment:145988746"
    assert (deployed.status, deployed.author_login, deployed.environment) == ("started", "Codertocat", "production")
    (released,) = parse("release", bodies["release_published.json"])
    assert (released.title, released.revision, released.author_login) == ("Release 0.0.1", "0.0.1", "Codertocat")


@pytest.mark.parametrize(
    ("state", "status"),
    [("in_progress", "started"), ("success", "succeeded"), ("failure", "failed"), ("error", "failed")],
)
def test_a_deployment_and_its_states_are_one_change_whose_status_moves(state: str, status: str) -> None:
    (started,) = parse("deployment", DEPLOYMENT)
    (moved,) = parse("deployment_status", DEPLOYMENT | {"deployment_status": {"state": state}})
    assert (moved.id, moved.at) == (started.id, started.at)
    assert moved.status == status


@pytest.mark.parametrize("state", ["inactive", "queued", "pending", "waiting", "never heard of"])
def test_a_state_that_tells_nothing_new_is_accepted_and_ignored(state: str) -> None:
    assert parse("deployment_status", DEPLOYMENT | {"deployment_status": {"state": state}}) == []


@pytest.mark.parametrize(
    "change",
    [{"ref": "refs/heads/other"}, {"ref": "refs/tags/main"}, {"deleted": True}, {"after": "0" * 40},
     {"repository": {"full_name": "a/b"}}],
)  # fmt: skip
def test_a_push_that_does_not_change_the_default_branch_is_ignored(change: dict[str, Any]) -> None:
    assert parse("push", PUSH | change) == []


def test_a_push_without_a_merge_is_its_head_commits_authors() -> None:
    head = PUSH["head_commit"] | {"message": "Fix the cart\n\nlong story"}
    (change,) = parse("push", PUSH | {"head_commit": head})
    assert (change.title, change.author_email) == ("Fix the cart", "mika@example.org")


def test_a_push_without_commits_is_the_pushers() -> None:
    (change,) = parse("push", PUSH | {"head_commit": None, "commits": []})
    assert (change.title, change.author_email) == ("Push to main", "mika@example.org")


@pytest.mark.parametrize(
    "change",
    [{"conclusion": "cancelled"}, {"conclusion": None}, {"conclusion": ["success"]}, {"head_branch": "topic"},
     {"event": "pull_request", "head_branch": "main"}],
)  # fmt: skip
def test_a_run_that_changed_nothing_in_production_is_ignored(change: dict[str, Any]) -> None:
    assert parse("workflow_run", RUN | {"workflow_run": RUN["workflow_run"] | change}) == []


def test_a_run_that_has_not_completed_is_ignored_and_a_failed_one_failed() -> None:
    assert parse("workflow_run", RUN | {"action": "requested"}) == []
    (failed,) = parse("workflow_run", RUN | {"workflow_run": RUN["workflow_run"] | {"conclusion": "timed_out"}})
    assert failed.status == "failed"


def test_a_draft_or_an_edited_release_is_ignored() -> None:
    assert parse("release", RELEASE | {"action": "edited"}) == []
    assert parse("release", RELEASE | {"release": RELEASE["release"] | {"draft": True}}) == []


def test_a_migration_is_told_by_the_deployments_task() -> None:
    (change,) = parse(
        "deployment", DEPLOYMENT | {"deployment": DEPLOYMENT["deployment"] | {"task": "deploy:migrations"}}
    )
    assert change.kind == "migration"


def test_a_hook_set_to_form_encoding_is_read() -> None:
    form = urllib.parse.urlencode({"payload": json.dumps(PUSH)}).encode()
    assert parse("push", form, **{"content-type": "application/x-www-form-urlencoded"}) == parse("push", PUSH)
    with pytest.raises(MalformedPayload, match="payload"):
        parse("push", b"a=b", **{"content-type": "application/x-www-form-urlencoded"})


def test_any_other_event_is_accepted_and_says_nothing() -> None:
    for event in ("ping", "star", "issues", "never heard of"):
        assert parse(event, {"zen": "x", "action": ["odd"]}) == []


@pytest.mark.parametrize(
    ("event", "body", "path"),
    [
        ("", {}, "headers.x-github-event"),
        ("push", {}, "ref"),
        ("deployment", {"repository": {"full_name": "a/b"}, "deployment": {}}, "deployment.id"),
        ("release", {"release": {"id": 1}}, "repository"),
        ("push", PUSH | {"repository": {"full_name": 7}}, "repository.full_name"),
    ],
)
def test_what_is_missing_is_named_by_its_path(event: str, body: Any, path: str) -> None:
    with pytest.raises(MalformedPayload) as caught:
        parse(event, body)
    assert caught.value.path == path
