"""Invented payloads of GitHub's shape, and what each must become."""

from __future__ import annotations

import msgspec

from bot.intake.source import Example
from correlation.alert import Change

__all__ = ["EXAMPLES"]

_REPOSITORY = {
    "full_name": "example/checkout",
    "default_branch": "main",
    "html_url": "https://github.com/example/checkout",
    "pushed_at": 1_767_603_000,
}
_SHA = "4f2c9e1d0b7a4c35a1f0c2d3e4f5061728394a5b"
_DEPLOYED = Change(
    id="github:example/checkout:deployment:145988746",
    at=1_767_603_060.0,
    title="Deploy of main to production",
    revision=_SHA,
    url="https://github.com/example/checkout/deployments",
    environment="production",
    status="started",
    repository="example/checkout",
    author_login="rvos",
    source="github",
)
_DEPLOYMENT_PAYLOAD = {
    "action": "created",
    "deployment": {
        "id": 145988746,
        "sha": _SHA,
        "ref": "main",
        "task": "deploy",
        "payload": {},
        "environment": "production",
        "description": None,
        "creator": {"login": "rvos", "id": 21},
        "created_at": "2026-01-05T08:51:00Z",
    },
    "repository": _REPOSITORY,
    "sender": {"login": "deploy-bot"},
}
_PUSH_PAYLOAD = {
    "ref": "refs/heads/main",
    "before": "1" * 40,
    "after": _SHA,
    "created": False,
    "deleted": False,
    "head_commit": {
        "id": _SHA,
        "message": "Merge pull request #12 from example/retry\n\nRetry the payment once",
        "timestamp": "2026-01-05T09:49:58+01:00",
        "url": f"https://github.com/example/checkout/commit/{_SHA}",
        "author": {"name": "Mika Laine", "email": "mika@example.org", "username": "mlaine"},
    },
    "commits": [
        {
            "id": "2" * 40,
            "message": "Retry the payment once\n\nOnly on a timeout.",
            "timestamp": "2026-01-04T17:00:00+01:00",
            "author": {"name": "Robin Vos", "email": "robin@example.org", "username": "rvos"},
        }
    ],
    "pusher": {"name": "mlaine", "email": "mika@example.org"},
    "repository": _REPOSITORY,
    "sender": {"login": "mlaine"},
}

EXAMPLES = (
    Example(
        title="a merge into the default branch: its author wrote the commit, and did not press the button",
        headers={"x-github-event": "push"},
        payload=_PUSH_PAYLOAD,
        changes=(
            Change(
                id=f"github:example/checkout:commit:{_SHA}",
                at=1_767_603_000.0,
                title="Merge pull request #12 from example/retry",
                revision=_SHA,
                url=f"https://github.com/example/checkout/commit/{_SHA}",
                repository="example/checkout",
                author_name="Robin Vos",
                author_email="robin@example.org",
                author_login="rvos",
                source="github",
            ),
        ),
    ),
    Example(
        title="a push to another branch changes nothing",
        headers={"x-github-event": "push"},
        payload=_PUSH_PAYLOAD | {"ref": "refs/heads/retry"},
    ),
    Example(
        title="a deployment starts",
        headers={"x-github-event": "deployment"},
        payload=_DEPLOYMENT_PAYLOAD,
        changes=(_DEPLOYED,),
    ),
    Example(
        title="the same deployment failed",
        headers={"x-github-event": "deployment_status"},
        payload=_DEPLOYMENT_PAYLOAD | {"deployment_status": {"state": "failure", "log_url": ""}},
        changes=(msgspec.structs.replace(_DEPLOYED, status="failed"),),
    ),
    Example(
        title="a workflow of the default branch completed",
        headers={"x-github-event": "workflow_run"},
        payload={
            "action": "completed",
            "workflow_run": {
                "id": 30433642,
                "name": "Deploy",
                "run_number": 562,
                "display_title": "Retry the payment once",
                "event": "push",
                "head_branch": "main",
                "head_sha": _SHA,
                "conclusion": "success",
                "html_url": "https://github.com/example/checkout/actions/runs/30433642",
                "run_started_at": "2026-01-05T08:52:00Z",
                "actor": {"login": "rvos"},
                "head_commit": {"author": {"name": "Robin Vos", "email": "robin@example.org"}},
            },
            "repository": _REPOSITORY,
        },
        changes=(
            Change(
                id="github:example/checkout:run:30433642",
                at=1_767_603_120.0,
                title="Deploy #562: Retry the payment once",
                revision=_SHA,
                url="https://github.com/example/checkout/actions/runs/30433642",
                repository="example/checkout",
                author_name="Robin Vos",
                author_email="robin@example.org",
                author_login="rvos",
                source="github",
            ),
        ),
    ),
    Example(
        title="a release is published",
        headers={"x-github-event": "release"},
        payload={
            "action": "published",
            "release": {
                "id": 17372790,
                "tag_name": "v2.4.0",
                "name": "",
                "html_url": "https://github.com/example/checkout/releases/tag/v2.4.0",
                "draft": False,
                "published_at": "2026-01-05T08:53:00Z",
                "author": {"login": "rvos"},
            },
            "repository": _REPOSITORY,
        },
        changes=(
            Change(
                id="github:example/checkout:release:17372790",
                at=1_767_603_180.0,
                title="Release v2.4.0",
                revision="v2.4.0",
                url="https://github.com/example/checkout/releases/tag/v2.4.0",
                repository="example/checkout",
                author_login="rvos",
                source="github",
            ),
        ),
    ),
    Example(title="a ping", headers={"x-github-event": "ping"}, payload={"zen": "Keep it simple.", "hook_id": 1}),
    Example(title="an event that changes nothing", headers={"x-github-event": "star"}, payload={"action": "created"}),
)
