"""How payloads reach the app: by socket or by signed POST, again when nobody acks an event. Also: which events
the app hears at all.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp

from tests.fakes.slack.happening import Happening
from tests.fakes.slack.sockets import Ack
from tests.fakes.slack.tables import EVENT_SCOPES
from tests.fakes.slack.world import Channel, copied

if TYPE_CHECKING:
    from tests.fakes.slack.server import FakeSlack

__all__ = ["Deliveries"]

EVERYWHERE = frozenset({"channel_created", "user_change", "team_join", "app_home_opened", "subteam_members_changed"})
"""Events that do not depend on being in a channel."""


SHOWN = {
    "timeout": "operation_timeout",
    "http_timeout": "operation_timeout",
    "connection_failed": "dispatch_failed",
    "http_error": "http_service_error",
}
"""What a person reads when a command or a button does not get through."""


class Deliveries:
    """Sends what happened, counts, and tries events again."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._envelopes: dict[str, Happening] = {}
        self._http: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Stop trying."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    # ── events

    def event(self, name: str, event: dict[str, Any], channel: Channel | None) -> Happening:
        """Tell the app of an event, if it subscribed, may hear it and is there."""
        happening = self._heard(name, event, channel)
        mention = f"<@{self._slack.app.user_id}>"
        if name.startswith("message.") and not event.get("subtype") and mention in event.get("text", ""):
            inner = {key: value for key, value in event.items() if key != "channel_type"}
            mentioned = self._heard("app_mention", {**inner, "type": "app_mention"}, channel)
            if mentioned.sent and happening.sent:
                happening.also.append(mentioned)
            elif mentioned.sent:
                happening = mentioned
        return happening

    def _heard(self, name: str, event: dict[str, Any], channel: Channel | None) -> Happening:
        app = self._slack.app
        subscribed = app.events is None or name in app.events
        allowed = not EVENT_SCOPES.get(name) or bool(app.scopes.intersection(EVENT_SCOPES[name]))
        present = (
            channel is None or name in EVERYWHERE or app.user_id in channel.members or event.get("user") == app.user_id
        )
        mine = event.get("user") == app.user_id and not self._slack.echo
        user = str(event.get("user") or "")
        where = channel.id if channel else ""
        if not (subscribed and allowed and present) or mine or app.token_trouble:
            return Happening(kind="none", user=user, channel=where)
        payload = self._callback(name, event)
        return self.send(Happening(kind="events_api", payload=payload, user=user, channel=where))

    def _callback(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        app, team = self._slack.app, self._slack.world.team_id
        number = next(self._numbers)
        return {
            "token": app.verification_token,
            "team_id": team,
            "api_app_id": app.id,
            "event": copied({"type": name, **event}),
            "type": "event_callback",
            "event_id": f"Ev{number:08d}",
            "event_time": int(self._slack.now()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": team,
                    "user_id": app.user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{number}",
        }

    # ── sending

    def send(self, happening: Happening) -> Happening:
        """Start the delivery of what happened."""
        self._slack.happenings.append(happening)
        self._start(self._deliver(happening))
        return happening

    def again(self, happening: Happening) -> None:
        """Deliver a second time what was acked already: the same event_id, a new envelope, as Slack sometimes does."""
        self._start(self._once(happening, max(1, happening.attempts), "timeout", record=False))

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, happening: Happening) -> None:
        reason = await self._once(happening, 0, "")
        if reason and happening.kind == "events_api":
            for retry, delay in enumerate(self._slack.retry_delays, 1):
                await asyncio.sleep(delay / self._slack.speed)
                reason = await self._once(happening, retry, reason)
                if reason in ("", "no_retry"):
                    break
            reason = reason and "lost"
        if reason and not happening.done:
            happening.failed = SHOWN.get(reason, reason)
            happening.changed()

    async def _once(self, happening: Happening, retry: int, reason: str, *, record: bool = True) -> str:
        happening.attempts += 1
        if self._slack.faults.absent:
            why, body = ("dispatch_failed", None)
        elif self._slack.request_url:
            why, body = await self._post(happening, retry, reason)
        else:
            why, body = await self._envelope(happening, retry, reason)
        if not why and record:
            self.acked(happening, body)
        return why

    def acked(self, happening: Happening, body: dict[str, Any] | None) -> None:
        """The app acked."""
        if happening.acked_after is None:
            happening.acked_after, happening.ack = happening.since(), body
            self._slack.interactions.acknowledged(happening, body)
        happening.changed()

    def late(self, envelope_id: str) -> bool:
        """An ack after Slack stopped waiting; False when it belongs to nothing."""
        happening = self._envelopes.get(envelope_id)
        if happening is not None and happening.acked_after is None:
            happening.acked_late, happening.acked_after = True, happening.since()
            happening.changed()
        return happening is not None

    async def _envelope(self, happening: Happening, retry: int, reason: str) -> Ack:
        envelope: dict[str, Any] = {
            "envelope_id": str(uuid.uuid4()),
            "payload": happening.payload,
            "type": happening.kind,
            "accepts_response_payload": happening.kind == "slash_commands"
            or happening.payload.get("type") in ("view_submission", "block_suggestion"),
        }
        if happening.kind == "events_api":
            envelope |= {"retry_attempt": retry, "retry_reason": reason}
        self._envelopes[envelope["envelope_id"]] = happening
        return await self._slack.sockets.deliver(envelope, self._slack.ack_seconds)

    # ── HTTP mode

    def signed(self, body: bytes, *, at: float | None = None) -> dict[str, str]:
        """The headers that prove where a body comes from."""
        stamp = str(int(time.time() if at is None else at))
        base = b"v0:" + stamp.encode() + b":" + body
        signature = hmac.new(self._slack.app.signing_secret.encode(), base, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={signature}"}

    def body(self, happening: Happening) -> tuple[bytes, str]:
        """What is posted for it, and as what type."""
        if happening.kind == "slash_commands":
            return urlencode(happening.payload).encode(), "application/x-www-form-urlencoded"
        if happening.kind == "interactive":
            return urlencode({"payload": json.dumps(happening.payload)}).encode(), "application/x-www-form-urlencoded"
        return json.dumps(happening.payload).encode(), "application/json"

    async def _post(self, happening: Happening, retry: int, reason: str) -> Ack:
        body, kind = self.body(happening)
        headers = {"Content-Type": kind, **self.signed(body)}
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": reason}
        status, answer, no_retry = await self.post(body, headers)
        if status == 200:
            try:
                parsed = json.loads(answer) if answer.strip() else None
            except ValueError:
                parsed = {"text": answer}
            return "", parsed if isinstance(parsed, dict) else None
        if no_retry:
            return "no_retry", None
        return {0: "http_timeout", -1: "connection_failed"}.get(status, "http_error"), None

    async def post(self, body: bytes, headers: dict[str, str]) -> tuple[int, str, bool]:
        """Post to the app as it is: status (0 timeout, -1 no connection), body, and whether it wants no retry."""
        self._http = self._http or aiohttp.ClientSession()
        timeout = aiohttp.ClientTimeout(total=self._slack.ack_seconds)
        url = self._slack.request_url or ""
        try:
            async with self._http.post(url, data=body, headers=headers, timeout=timeout) as response:
                return response.status, await response.text(), response.headers.get("X-Slack-No-Retry") == "1"
        except TimeoutError:
            return 0, "", False
        except aiohttp.ClientError:
            return -1, "", False

    async def verify_url(self) -> bool:
        """The handshake of the Events API: the app must send the challenge back."""
        body = json.dumps({"type": "url_verification", "token": "t", "challenge": "3eZbrw1a"}).encode()
        status, answer, _ = await self.post(body, {"Content-Type": "application/json", **self.signed(body)})
        return status == 200 and "3eZbrw1a" in answer
