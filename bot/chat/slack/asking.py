"""What people ask for in Slack: slash commands, buttons, forms, shortcuts. Each becomes the one command that could be typed.

Slack has been acknowledged before anything here runs; what a command means is its verb's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.catalog.catalog import Catalog
from bot.chat import heard
from bot.chat.slack.accounts import Accounts
from bot.chat.slack.client import Refused, SlackClient
from bot.chat.slack.drawing import Drawn
from bot.chat.slack.keeping import PLATFORM, Keeping
from bot.chat.slack.limits import Block
from bot.chat.slack.manifest import typed_as
from bot.chat.slack.modals import (
    CHOSEN,
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
from bot.chat.slack.mrkdwn import unescape
from bot.chat.slack.pictures import Pictures
from bot.chat.views import Code, Reply, text
from bot.commands.dispatch import Dispatcher, Invocation
from bot.commands.forms import verb_at
from bot.commands.lines import quoted
from bot.commands.registry import by_name
from bot.commands.values import Reader, guest
from bot.errors import DeliveryError, StorageUnavailable
from bot.storage.database import Database
from bot.telemetry import get_logger

__all__ = ["Asking"]

log = get_logger(__name__)


class Asking:
    """Runs what was asked, and answers the one who asked, privately unless the reply says otherwise."""

    def __init__(
        self,
        client: SlackClient,
        accounts: Accounts,
        pictures: Pictures,
        keeping: Keeping,
        database: Database,
        dispatcher: Dispatcher,
        catalog: Callable[[], Catalog],
    ) -> None:
        self._client, self._accounts, self._pictures, self._database = client, accounts, pictures, database
        self._keeping = keeping
        self._dispatcher, self._catalog = dispatcher, catalog
        self._verbs = by_name()

    async def command(self, body: Mapping[str, Any]) -> None:
        """A slash command: `/incident VERB ...`, or a short form such as `/ack ...`."""
        line = typed_as(str(body["command"]), unescape(str(body.get("text") or "")))
        channel, incident = await self._room(body["channel_id"])
        if await self._form(line, str(body["trigger_id"]), channel, incident):
            return
        await self._run(body["user_id"], line, channel, incident, str(body["trigger_id"]), str(body["response_url"]))

    async def press(self, body: Mapping[str, Any]) -> None:
        """A button. Its value is a command; what it does is judged by the present state, however old the card."""
        action = body["actions"][0]
        if action["action_id"] == CHOSEN:
            await self._choose_runbook(body)
            return
        line = str(action["value"])
        channel, incident = await self._room(str((body.get("channel") or body.get("container") or {}).get("id", "")))
        if await self._form(line, str(body["trigger_id"]), channel, incident):
            return
        request = str(body.get("trigger_id") or action.get("action_ts", ""))
        await self._run(body["user"]["id"], line, channel, incident, request, str(body.get("response_url") or ""))

    def wrong(self, body: Mapping[str, Any]) -> dict[str, str]:
        """What is wrong in a form that was sent, by field; empty when it can be run. Quick: Slack waits for it."""
        view = body["view"]
        verb = verb_at(origin_of(view).path, self._verbs)
        reader = Reader(catalog=self._catalog(), actor=guest(body["user"]["id"]), platform=PLATFORM, verbs=self._verbs)
        return complaints(view, verb, reader, self._verbs) if verb else {}

    async def submit(self, body: Mapping[str, Any]) -> None:
        """A form, filled in."""
        view = body["view"]
        origin = origin_of(view)
        if (verb := verb_at(origin.path, self._verbs)) is not None:
            line = command_of(view, verb)
            request = f"{view['id']}:{view.get('hash', '')}"
            await self._run(body["user"]["id"], line, origin.room, origin.incident, request, "")

    async def suggest(self, body: Mapping[str, Any]) -> Block:
        """What may stand in a field, for what was typed so far."""
        origin = origin_of(body.get("view") or {})
        verb = verb_at(origin.path, self._verbs)
        if verb is None:
            return offered(())
        person = await self._accounts.person(body["user"]["id"])
        _, found = await self._dispatcher.complete(completion_line(body, verb), person, origin.incident)
        return offered(found)

    async def mention(self, body: Mapping[str, Any]) -> None:
        """Somebody wrote @Muster: it understands commands."""
        if await self._dispatcher.first(PLATFORM, str(body["event_id"])):
            event, reply = (
                body["event"],
                Reply(text=text("I understand commands. All of them: ", Code("/incident help"))),
            )
            await self.say_privately(str(event["user"]), str(event["channel"]), reply)

    async def note_message(self, body: Mapping[str, Any]) -> None:
        """The message shortcut "Add to timeline"."""
        await self._from_message(body, f"note {quoted(await self._keeping.quoted(body['message']))}")

    async def declare_from_message(self, body: Mapping[str, Any]) -> None:
        """The message shortcut "Declare incident": the form, with the message as its title."""
        title = " ".join(unescape(str(body["message"].get("text") or "")).split())[:150]
        await self._declare_form(body, body["channel"]["id"], title)

    async def declare(self, body: Mapping[str, Any]) -> None:
        """The global shortcut."""
        await self._declare_form(body, "", "")

    async def say_privately(self, account: str, channel: str, reply: Reply) -> None:
        """Tell one person alone, in the channel; where they are not in it, in a direct message."""

        async def here(drawn: Drawn) -> None:
            shown = {"text": drawn.text, "blocks": drawn.blocks}
            await self._client.call("chat.postEphemeral", channel=channel, user=account, **shown)

        async def directly(drawn: Drawn) -> None:
            opened = await self._client.call("conversations.open", users=account)
            shown = {"text": drawn.text, "blocks": drawn.blocks, "unfurl_links": False, "unfurl_media": False}
            await self._client.call("chat.postMessage", channel=opened["channel"]["id"], **shown)

        try:
            if channel:
                await self._pictures.sent(reply, here)
                return
        except DeliveryError as error:
            log.info("private_answer_elsewhere", reason=str(error))
        await self._pictures.sent(reply, directly)

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _room(self, channel: str) -> tuple[str, int | None]:
        try:
            async with self._database.reading() as connection:
                return channel, await heard.incident_of(connection, PLATFORM, channel)
        except StorageUnavailable:  # the command will say so
            return channel, None

    async def _form(self, line: str, trigger: str, channel: str, incident: int | None) -> bool:
        """Open a form where typing is worse; False where the words are to be run: without one they say what is missing."""
        view = opening(line, self._verbs, self._catalog().runbooks, incident=incident, room=channel)
        return view is not None and await self._open(trigger, view)

    async def _choose_runbook(self, body: Mapping[str, Any]) -> None:
        """A runbook was chosen in its form: show the fields of its parameters."""
        view = body["view"]
        origin = origin_of(view)
        runbook = self._catalog().runbooks.get(str((body["actions"][0].get("selected_option") or {}).get("value", "")))
        if (verb := verb_at(origin.path, self._verbs)) is not None:
            shown = runbook_modal(verb, origin, runbook)
            await self._client.call("views.update", view_id=view["id"], hash=view["hash"], view=shown)

    async def _declare_form(self, body: Mapping[str, Any], channel: str, title: str) -> None:
        form = modal(self._verbs["declare"], Origin(path=("declare",), room=channel), given={"title": title})
        if not await self._open(str(body["trigger_id"]), form):
            typed = Code(f"/incident declare {title or 'checkout is slow'}")
            said = text("Slack shows a form within 3 s only, and this took longer. Choose it again, or type ", typed)
            await self.say_privately(str(body["user"]["id"]), channel, Reply(text=said, failed=True))

    async def _open(self, trigger: str, view: Block) -> bool:
        """Whether the form is open, or was the first time that Slack told us this; else it is too late for one."""
        try:
            await self._client.call("views.open", trigger_id=trigger, view=view)
            opened = True
        except DeliveryError as error:
            log.warning("form_not_opened", reason=str(error))
            opened = isinstance(error, Refused) and error.error == "exchanged_trigger_id"
        fresh = await self._dispatcher.first(PLATFORM, trigger)
        return opened or not fresh

    async def _from_message(self, body: Mapping[str, Any], line: str) -> None:
        if not await self._dispatcher.first(PLATFORM, str(body["trigger_id"])):
            return
        channel, incident = await self._room(body["channel"]["id"])
        request = f"{channel}:{body['message']['ts']}:{body.get('callback_id', '')}"
        asked = await self._asked(body["user"]["id"], line, channel, incident, request)
        await self._answer(
            asked, body["user"]["id"], str(body.get("response_url") or "")
        )  # another time: the same answer

    async def _run(
        self, account: str, line: str, channel: str, incident: int | None, request: str, answer_at: str
    ) -> None:
        asked = await self._asked(account, line, channel, incident, request)
        if not await self._dispatcher.answered(asked):
            await self._answer(asked, account, answer_at)
            self._dispatcher.told(asked)

    async def _asked(self, account: str, line: str, channel: str, incident: int | None, request: str) -> Invocation:
        person = await self._accounts.person(account)
        return Invocation(
            text=line, actor=person, platform=PLATFORM, room=channel, incident=incident, request_id=request
        )

    async def _answer(self, asked: Invocation, account: str, answer_at: str) -> None:
        reply = await self._dispatcher.run(asked)
        if not (answer_at and await self._respond(answer_at, reply)):
            await self.say_privately(account, asked.room, reply)

    async def _respond(self, url: str, reply: Reply) -> bool:
        """Answer where Slack told us to; False when that way is closed (it is open for half an hour)."""

        async def respond(drawn: Drawn) -> bool:
            kind = "ephemeral" if reply.private else "in_channel"
            body = {"response_type": kind, "replace_original": False, "text": drawn.text, "blocks": drawn.blocks}
            return await self._client.respond(url, body)

        try:
            return await self._pictures.sent(reply, respond)
        except Refused:
            return False
