"""A Slack that lives on loopback: a real aiohttp server with the Web API, Socket Mode, signed HTTP delivery and the
refusals of the real one.

    async with FakeSlack() as slack:
        robin = slack.person("robin")                                  # robin@example.org
        room = slack.channel("general", robin)                         # the app is in it unless with_app=False
        # the bot: base_url=slack.api_url, token=slack.app.bot_token, slack.app.app_token
        done = await robin.command("/incident", "declare pager", room) # Happening: done.acked_after, done.failed
        answer = await done.answer()                                   # Answer: .shown, .blocks, .how, .after
        modal = await done.view()                                      # View opened with the trigger
        done = await robin.submit({"title": "Checkout is down"})       # done.errors by block_id; robin.modal is what stays
        card = slack.posts("inc-1-checkout")[0]                        # Message: .ts .text .blocks .shown .frozen() ["metadata"]
        await robin.press(card, "ack")                                 # action_id, value or label; a menu: press(card, "sev", "1")

Settings (FakeSlack arguments): `now` a clock's `now` (ManualClock.now: rates, triggers and timestamps then follow
it), `speed` (60: a rate minute and the waits between event retries pass in a sixtieth), `limits=False` no rate
limits, `scopes`, `events` (subscriptions like "message.channels"; None all), `commands`, `request_url` (HTTP mode:
signed POSTs there; None is Socket Mode), `ack_seconds` (3), `retry_delays` of events (0, 60, 300), `port`. Attributes
to turn: `slack.app` (scopes, app_scopes, token_trouble = "token_revoked" | "account_inactive" | "invalid_auth",
app_token_trouble, events), `slack.rates.limits[method]`, `slack.echo` (the app hears its own deeds),
`slack.new_commercial_app` (history in fifteens), `slack.world.paid` (user groups), `slack.trigger_seconds`,
`slack.block_characters`, `slack.file_seconds` (until Slack has looked at an upload).

People: `slack.person(name, email=, real_name=, deleted=, is_restricted=, is_ultra_restricted=)` gives a Person with
say, edit, delete, react, unreact, upload, pin, join, leave, invite, archive, rename, command, press, submit, close,
type_ahead, shortcut, message_shortcut, open_home, and `.dm`, `.modal`, `.home`, `.private`, `.mention`. Every deed
returns a Happening; `await` it for the ack. It raises where Slack's own client would not let the person (LookupError,
PermissionError, ValueError): a missing button, a required field left empty. `slack.group(handle, *people)` is a user
group, `slack.deactivate(person)` somebody who leaves, `await slack.uninstall()` the end of the app;
`slack.channel(name, *people, private=True)` a private channel.

State: `slack.world` (channels, users, files, views, homes, modals), `slack.posts(name)`, channel.messages / pins /
bookmarks / topic.

Records: `slack.calls`, `slack.calls_of(method, ok=True)`, `slack.errors` (Counter of (method, word)),
`slack.rates.refused` (429s by method), `slack.busiest(method, seconds)`, `slack.happenings`, `slack.longest_blocks`,
and `slack.complaints`: what Slack swallows and a careful client does not do (unknown arguments, cut texts, no
fallback text, acks of nothing). `slack.violations` is those, the requests that broke a limit or a schema, and the
429s: scenario tests assert that it is empty. Property tests need no server: `wrong_message(text, blocks,
update=True)`, `wrong_blocks`, `wrong_view`, `wrong_options` say what Slack would not take.

Faults: `slack.faults.plan("chat.postMessage", "timeout_after", seconds=5)`; kinds: http (status), error (word),
reset, slow, ratelimited before the effect; reset_after, http_after, timeout_after when the effect HAS happened;
`times=None` for ever, `when=` a look at the arguments, patterns like "chat.*", and "response_url", "upload". `with
slack.faults.holding(...)`. `async with slack.away():` everything is away. Sockets: `slack.sockets.open`, `.opened`,
`await .disconnect("refresh_requested" | "link_disabled" | "warning", grace=)`, `.abort()`,
`slack.deliveries.again(happening)` delivers a second time. An event that bolt has no listener for is not acked: it
comes again, and `await` lasts as long; do not await what nobody hears. HTTP: `await slack.deliveries.verify_url()`,
`.signed(body)`, `.body(happening)`.

`tests.fakes.driving` has the SDK pointed here. Block texts are counted in code points. `await slack.until(lambda:
condition)` polls with a deadline. What is not public about the real Slack is a guess on the severe side, and says so
where it stands (burst of chat.postMessage, size of metadata, number of pins).
"""

from tests.fakes.slack.app import App, Record
from tests.fakes.slack.happening import Answer, Happening
from tests.fakes.slack.judging import wrong_blocks, wrong_message, wrong_options, wrong_view
from tests.fakes.slack.people import Person
from tests.fakes.slack.server import FakeSlack
from tests.fakes.slack.specs import MISSING, Specs
from tests.fakes.slack.world import Channel, Message, View

__all__ = [
    "MISSING",
    "Answer",
    "App",
    "Channel",
    "FakeSlack",
    "Happening",
    "Message",
    "Person",
    "Record",
    "Specs",
    "View",
    "wrong_blocks",
    "wrong_message",
    "wrong_options",
    "wrong_view",
]
