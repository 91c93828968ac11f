"""What an interaction lets an app do: a trigger opens one modal within seconds, a response_url answers five
times. And what an ack says.
"""

from __future__ import annotations

import itertools
import secrets
from typing import TYPE_CHECKING, Any, Literal

from tests.fakes.slack.calls import Call, Refusal
from tests.fakes.slack.happening import Answer, Happening
from tests.fakes.slack.judging import wrong_blocks, wrong_files, wrong_options, wrong_view
from tests.fakes.slack.methods.views import STACK, build, fill
from tests.fakes.slack.shapes import named_blocks
from tests.fakes.slack.world import Channel, Message, View

if TYPE_CHECKING:
    from tests.fakes.slack.server import FakeSlack

__all__ = ["Interactions"]

TRIGGER = 3.0  # seconds, once (docs: modals)
RESPONSES, RESPONSE_URL = 5, 1800.0  # posts, seconds (docs: handling user interaction)


class Interactions:
    """Triggers, response URLs and private answers, by what the person did."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self._numbers = itertools.count(1)
        self.by_trigger: dict[str, Happening] = {}
        self.by_token: dict[str, Happening] = {}
        self.answers: list[Answer] = []

    def prepare(self, happening: Happening, *, response_url: bool = True) -> str:
        """Give what happened a trigger, and a response_url that is handed back."""
        happening.at = self._slack.now()
        happening.trigger_id = f"{next(self._numbers) + 10_000}.7890123.{secrets.token_hex(8)}"
        self.by_trigger[happening.trigger_id] = happening
        if not response_url:
            return ""
        happening.response_token = secrets.token_hex(8)
        self.by_token[happening.response_token] = happening
        return f"{self._slack.url}/response/{self._slack.world.team_id}/{happening.response_token}"

    def exchange(self, trigger_id: str) -> str:
        """The user whose trigger it is; it opens one modal, and not for long."""
        happening = self.by_trigger.get(trigger_id)
        if happening is None:
            raise Refusal("invalid_trigger_id")
        if happening.exchanged:
            raise Refusal("exchanged_trigger_id")
        if self._slack.now() - happening.at > self._slack.trigger_seconds:
            raise Refusal("expired_trigger_id")
        happening.exchanged = True
        return happening.user

    def opened(self, trigger_id: str, view: View) -> None:
        """A modal came of it."""
        happening = self.by_trigger[trigger_id]
        happening.views.append(view)
        happening.changed()

    def private(
        self,
        user: str,
        channel: Channel | None,
        content: dict[str, Any],
        how: Literal["ack", "response_url", "ephemeral"],
        happening: Happening | None = None,
    ) -> Answer:
        """Show something to one person. An ephemeral message is held for the answer to the last thing the person did there."""
        if happening is None:
            done = [h for h in self._slack.happenings if h.user == user and channel and h.channel == channel.id]
            happening = done[-1] if done else None
        answer = Answer(
            ts=self._slack.world.ts(),
            user=user,
            channel=channel.id if channel else "",
            how=how,
            text=content.get("text") or "",
            blocks=named_blocks(content.get("blocks") or []),
            after=happening.since() if happening else 0.0,
        )
        self.answers.append(answer)
        if happening is not None:
            happening.answers.append(answer)
            happening.changed()
        return answer

    # ── response_url

    def respond(self, token: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """A post to a response_url: status and body of the answer."""
        happening = self.by_token.get(token)
        if happening is None or self._slack.now() - happening.at > RESPONSE_URL:
            return 404, {"ok": False, "error": "expired_url"}
        if happening.responses >= RESPONSES:
            return 404, {"ok": False, "error": "used_url"}
        if not body.get("delete_original") and not body.get("text") and not body.get("blocks"):
            return 400, {"ok": False, "error": "no_text"}
        blocks = body.get("blocks") or []
        wrong = wrong_blocks(blocks) or wrong_files(self._slack.world, blocks)
        if wrong:
            return 400, {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": wrong}}
        happening.responses += 1
        self.show(happening, body, "response_url")
        return 200, {"ok": True}

    def show(self, happening: Happening, body: dict[str, Any], how: Literal["ack", "response_url"]) -> None:
        """Put on the screen what an ack or a response_url says."""
        world, app = self._slack.world, self._slack.app
        target = happening.target
        if body.get("replace_original") or body.get("delete_original"):
            if isinstance(target, Message):
                live = target.channel.find(target.ts)  # the person may have pressed an outdated copy
                if live is None:
                    self._slack.complain("response_url: the original is gone")
                elif body.get("delete_original"):
                    world.delete(live)
                else:
                    new = {"text": body.get("text") or "", "blocks": named_blocks(body.get("blocks") or []) or None}
                    world.change(live, app.user_id, **new)
            else:
                shown = target if isinstance(target, Answer) else next(iter(happening.answers), None)
                if shown is None:
                    self._slack.complain("response_url: there is no original to replace")
                elif body.get("delete_original"):
                    shown.deleted = True
                else:
                    shown.text, shown.edits = body.get("text") or "", shown.edits + 1
                    shown.blocks = named_blocks(body.get("blocks") or [])
            happening.changed()
            return
        channel = world.channels.get(happening.channel)
        answer = self.private(happening.user, channel, body, how, happening)
        if body.get("response_type") == "in_channel" and channel is not None:
            answer.public, _ = world.post(
                channel,
                app.user_id,
                answer.text,
                blocks=answer.blocks or None,
                bot_id=app.bot_id,
                app_id=app.id,
                thread_ts=body.get("thread_ts"),
            )

    # ── what an ack says

    def acknowledged(self, happening: Happening, ack: dict[str, Any] | None) -> None:
        """Carry out what the body of an ack asks for."""
        if happening.payload.get("type") == "view_submission":
            self._submitted(happening, ack or {})
        elif ack and happening.kind == "slash_commands":
            wrong = wrong_blocks(ack.get("blocks") or [])
            if wrong:
                self._slack.complain(f"ack: {wrong}")
            else:
                self.show(happening, ack, "ack")
        elif ack and happening.payload.get("type") == "block_suggestion":
            options = ack.get("options") or [o for g in ack.get("option_groups", []) for o in g["options"]]
            wrong = wrong_options(options)
            if wrong:
                self._slack.complain(f"options: {wrong}")

    def _submitted(self, happening: Happening, ack: dict[str, Any]) -> None:
        stack = self._slack.world.modals.get(happening.user, [])
        top = stack[-1] if stack else None
        action = ack.get("response_action")
        if top is None:
            self._slack.complain("view_submission: no modal is open any more")
        elif action is None:
            stack.pop()
        elif action == "clear":
            stack.clear()
        elif action == "errors":
            inputs = {block["block_id"] for block in top["blocks"] if block["type"] == "input"}
            strange = set(ack.get("errors") or {}) - inputs
            if strange or not ack.get("errors"):
                self._slack.complain(f"view_submission: errors of no input: {sorted(strange)}")
            happening.errors = dict(ack.get("errors") or {})
        elif action in ("update", "push"):
            view = ack.get("view") or {}
            wrong = wrong_view(view)
            if wrong:
                self._slack.complain(f"view_submission {action}: {wrong}")
                happening.failed = "invalid_view"
            elif action == "update":
                fill(top, view)
                happening.views.append(top)
            elif len(stack) >= STACK:
                self._slack.complain("view_submission push: three views are the most")
            else:
                call = Call(self._slack, "views.push", {})
                pushed = call.remember(build(call, happening.user, view, previous=top))
                stack.append(pushed)
                happening.views.append(pushed)
        else:
            self._slack.complain(f"view_submission: response_action {action}")
