"""The real SDK pointed at the fake Slack, and short words for what bots send. No assertions about any bot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import MISSING, FakeSlack, Specs

Client = AsyncWebClient


def client_of(server: FakeSlack, token: str | None = None, *, timeout: int = 5) -> Client:
    return AsyncWebClient(
        token=token or server.app.bot_token, base_url=server.api_url, retry_handlers=[], timeout=timeout
    )


async def refusal(work: Awaitable[Any]) -> str:
    """The word Slack says no with."""
    with pytest.raises(SlackApiError) as caught:
        await work
    return str(caught.value.response["error"])


async def messages(work: Awaitable[Any]) -> list[str]:
    """What Slack says in detail when it says no."""
    with pytest.raises(SlackApiError) as caught:
        await work
    return list(caught.value.response["response_metadata"]["messages"])


def section(text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(text: str = "Ack", **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": text}, **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def modal(*blocks: dict[str, Any], title: str = "Declare", **more: Any) -> dict[str, Any]:
    plain = {"title": {"type": "plain_text", "text": title}, "submit": {"type": "plain_text", "text": "Go"}}
    return {"type": "modal", **plain, "blocks": list(blocks) or [section()], **more}


def asked(label: str, **element: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": label.lower(), **element}
    return {
        "type": "input",
        "label": {"type": "plain_text", "text": label},
        "block_id": label.lower(),
        "element": element,
    }


@asynccontextmanager
async def connected(slack: FakeSlack, app: AsyncApp, *, ping: float = 0.2) -> AsyncIterator[AsyncSocketModeHandler]:
    before = slack.sockets.opened
    handler = AsyncSocketModeHandler(app, slack.app.app_token, ping_interval=ping)
    await handler.connect_async()
    try:
        await slack.until(lambda: slack.sockets.opened > before)
        yield handler
    finally:
        await handler.close_async()


def specification() -> Specs:
    specs = Specs.load()
    if specs is None:
        pytest.skip(MISSING)
    return specs
