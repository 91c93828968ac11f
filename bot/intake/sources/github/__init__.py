"""GitHub's webhooks as changes: pushes to the default branch, deployments, completed workflow runs, releases.

https://docs.github.com/en/webhooks/webhook-events-and-payloads. Every other event is accepted and says nothing.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from bot.errors import MalformedPayload, UnreadablePayload
from bot.intake import fields
from bot.intake.sanitize import clean
from bot.intake.signatures import Scheme
from bot.intake.source import Parsed, Source
from bot.intake.sources.github.examples import EXAMPLES
from correlation.alert import Change, ChangeKind, ChangeStatus

__all__ = ["SOURCE"]

_MERGE = re.compile(r"Merge (?:pull request|branch|remote-tracking branch) ")
_MIGRATION = re.compile(r"migrat", re.IGNORECASE)
_NOBODY = "0" * 40  # the commit that is none: a deleted branch

# What a deployment's state means; the others (queued, pending, waiting, inactive) tell nothing new about the change.
_DEPLOYMENT: dict[object, ChangeStatus] = {
    "in_progress": "started",
    "success": "succeeded",
    "failure": "failed",
    "error": "failed",
}
_CONCLUSION: dict[object, ChangeStatus] = {
    "success": "succeeded",
    "failure": "failed",
    "timed_out": "failed",
    "startup_failure": "failed",
}


class _Person(msgspec.Struct):
    login: Any = None
    name: Any = None
    email: Any = None
    username: Any = None


class _Repository(msgspec.Struct):
    full_name: str
    default_branch: Any = None
    html_url: Any = None
    pushed_at: Any = None


class _Commit(msgspec.Struct):
    id: Any = None
    message: Any = None
    timestamp: Any = None
    url: Any = None
    author: _Person | None = None


class _Push(msgspec.Struct):
    ref: str
    after: str
    repository: _Repository
    deleted: Any = False
    head_commit: _Commit | None = None
    commits: list[_Commit] | None = None
    pusher: _Person | None = None
    sender: _Person | None = None


class _Deployment(msgspec.Struct):
    id: int | str
    sha: Any = None
    ref: Any = None
    task: Any = None
    environment: Any = None
    description: Any = None
    creator: _Person | None = None
    created_at: Any = None


class _DeploymentStatus(msgspec.Struct):
    state: str
    target_url: Any = None
    log_url: Any = None


class _DeploymentEvent(msgspec.Struct):
    deployment: _Deployment
    repository: _Repository
    deployment_status: _DeploymentStatus | None = None
    sender: _Person | None = None


class _Run(msgspec.Struct):
    id: int | str
    name: Any = None
    display_title: Any = None
    run_number: Any = None
    event: Any = None
    head_branch: Any = None
    head_sha: Any = None
    conclusion: Any = None
    html_url: Any = None
    created_at: Any = None
    run_started_at: Any = None
    actor: _Person | None = None
    triggering_actor: _Person | None = None
    head_commit: _Commit | None = None


class _RunEvent(msgspec.Struct):
    workflow_run: _Run
    repository: _Repository
    action: Any = None


class _Release(msgspec.Struct):
    id: int | str
    tag_name: Any = None
    name: Any = None
    html_url: Any = None
    draft: Any = False
    published_at: Any = None
    author: _Person | None = None


class _ReleaseEvent(msgspec.Struct):
    release: _Release
    repository: _Repository
    action: Any = None
    sender: _Person | None = None


_any = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_push = msgspec.json.Decoder(_Push).decode
_deployment = msgspec.json.Decoder(_DeploymentEvent).decode
_run = msgspec.json.Decoder(_RunEvent).decode
_release = msgspec.json.Decoder(_ReleaseEvent).decode


def parse(body: bytes, headers: Mapping[str, str], received_at: float) -> Parsed:
    """The change that an event tells of; nothing for a ping, another branch, or an event that changes nothing."""
    body = _unwrapped(body, headers)
    event = headers.get("x-github-event", "")
    if not event:
        raise MalformedPayload("The X-GitHub-Event header is missing.", path="headers.x-github-event")
    read = _EVENTS.get(event)
    if read is None:
        fields.decoded(_any, body)
        return Parsed()
    change = read(body, received_at)
    return Parsed(changes=[change] if change else [])


def _unwrapped(body: bytes, headers: Mapping[str, str]) -> bytes:
    """The JSON of a webhook that was set to `application/x-www-form-urlencoded`."""
    if not headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
        return body
    try:
        form = urllib.parse.parse_qs(body.decode("ascii"), max_num_fields=10, errors="replace")
    except ValueError:
        raise UnreadablePayload("The body is no form.") from None
    if "payload" not in form:
        raise MalformedPayload("The form has no field `payload`.", path="payload")
    return form["payload"][0].encode()


def _of_push(body: bytes, received_at: float) -> Change | None:
    event = fields.decoded(_push, body)
    repository, head = event.repository, event.head_commit
    branch = fields.word(repository.default_branch)
    if not branch or event.ref != f"refs/heads/{branch}" or event.deleted is True or event.after == _NOBODY:
        return None
    author = _author_of_push(event)
    message = _first_line(head.message if head else None) or f"Push to {branch}"
    revision = fields.word(event.after)
    return Change(
        id=_id(repository, f"commit:{revision}"),
        # A commit's own time may be days old; the push is what changed the branch.
        at=_at(received_at, repository.pushed_at, head.timestamp if head else None),
        title=message,
        revision=revision,
        url=_link(head.url if head else None) or _link(repository.html_url, f"/commit/{revision}"),
        repository=fields.word(repository.full_name),
        author_name=fields.word(author.name),
        author_email=fields.word(author.email),
        author_login=_login(author) or ("" if fields.word(author.email) else _login(event.sender)),
        source="github",
    )


def _author_of_push(event: _Push) -> _Person:
    """Who wrote what was merged: a merge commit's own author only pressed the button."""
    head = event.head_commit
    if head is not None and _MERGE.match(_first_line(head.message)):
        for commit in reversed(event.commits or ()):
            if commit.author is not None and not _MERGE.match(_first_line(commit.message)):
                return commit.author
    if head is not None and head.author is not None:
        return head.author
    return event.pusher or event.sender or _Person()


def _of_deployment(body: bytes, received_at: float) -> Change | None:
    """A deployment and its later states are one change: the id and the time are the deployment's, the status moves."""
    event = fields.decoded(_deployment, body)
    deployment, state = event.deployment, event.deployment_status
    status: ChangeStatus | None = "started" if state is None else _DEPLOYMENT.get(state.state)
    if status is None:
        return None
    environment = fields.word(deployment.environment)
    task = fields.word(deployment.task)
    kind: ChangeKind = "migration" if _MIGRATION.search(task) else "deploy"
    what = " of ".join(part for part in ((task or "deploy").capitalize(), fields.word(deployment.ref)) if part)
    link = _link(state.log_url or state.target_url) if state else ""
    author = deployment.creator or event.sender or _Person()
    return Change(
        id=_id(event.repository, f"deployment:{fields.word(deployment.id)}"),
        at=_at(received_at, deployment.created_at),
        title=_first_line(deployment.description) or (f"{what} to {environment}" if environment else what),
        kind=kind,
        revision=fields.word(deployment.sha),
        url=link or _link(event.repository.html_url, "/deployments"),
        environment=environment,
        status=status,
        repository=fields.word(event.repository.full_name),
        author_name=fields.word(author.name),
        author_email=fields.word(author.email),
        author_login=_login(author),
        source="github",
    )


def _of_run(body: bytes, received_at: float) -> Change | None:
    event = fields.decoded(_run, body)
    run, repository = event.workflow_run, event.repository
    status = _CONCLUSION.get(run.conclusion) if isinstance(run.conclusion, str) else None
    from_default = fields.word(run.head_branch) == fields.word(repository.default_branch)
    on_purpose = run.event in ("release", "deployment", "workflow_dispatch")
    if event.action != "completed" or status is None or not (from_default or on_purpose):
        return None
    if isinstance(run.event, str) and run.event.startswith("pull_request"):
        return None
    name, number = fields.word(run.name) or "Workflow", fields.word(run.run_number)
    told = _first_line(run.display_title) or _first_line(run.head_commit.message if run.head_commit else None)
    actor = run.triggering_actor or run.actor or _Person()
    author = (run.head_commit.author if run.head_commit else None) or actor
    return Change(
        id=_id(repository, f"run:{fields.word(run.id)}"),
        at=_at(received_at, run.run_started_at, run.created_at),
        title=clean(": ".join(part for part in (f"{name} #{number}" if number else name, told) if part), 200),
        revision=fields.word(run.head_sha),
        url=_link(run.html_url),
        status=status,
        repository=fields.word(repository.full_name),
        author_name=fields.word(author.name),
        author_email=fields.word(author.email),
        author_login=_login(author) or _login(actor),
        source="github",
    )


def _of_release(body: bytes, received_at: float) -> Change | None:
    event = fields.decoded(_release, body)
    release = event.release
    if event.action != "published" or release.draft is True:
        return None
    tag = fields.word(release.tag_name)
    author = release.author or event.sender or _Person()
    return Change(
        id=_id(event.repository, f"release:{fields.word(release.id)}"),
        at=_at(received_at, release.published_at),
        title=_first_line(release.name) or f"Release {tag}".strip(),
        revision=tag,
        url=_link(release.html_url),
        repository=fields.word(event.repository.full_name),
        author_name=fields.word(author.name),
        author_email=fields.word(author.email),
        author_login=_login(author),
        source="github",
    )


_EVENTS: dict[str, Callable[[bytes, float], Change | None]] = {
    "push": _of_push,
    "deployment": _of_deployment,
    "deployment_status": _of_deployment,
    "workflow_run": _of_run,
    "release": _of_release,
}


def _id(repository: _Repository, what: str) -> str:
    return f"github:{fields.word(repository.full_name)}:{what}"


def _first_line(text: object) -> str:
    if not isinstance(text, str):
        return ""
    return fields.word(text.lstrip().partition("\n")[0], fields.NAME)


def _login(person: _Person | None) -> str:
    return "" if person is None else fields.word(person.login) or fields.word(person.username)


def _link(url: object, path: str = "") -> str:
    return next(iter(fields.links_of((f"{url}{path}",))), "") if isinstance(url, str) else ""


def _at(received_at: float, *times: object) -> float:
    for time in times:
        try:
            if (at := fields.moment(time)) is not None:
                return fields.bounded(at, received_at)
        except ValueError:
            continue
    return received_at


SOURCE = Source(
    name="github",
    authentication=Scheme.HUB,
    parse=parse,
    headers=("x-github-event", "x-github-delivery", "content-type"),
    delivery_header="x-github-delivery",
    examples=EXAMPLES,
)
