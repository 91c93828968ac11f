"""A Discord that lives on loopback: a real aiohttp server with REST v10, the gateway, interactions, and the refusals of
the real one.

    async with FakeDiscord() as discord:
        robin = discord.person("robin")                                # a member, with the permissions of @everyone
        room = discord.channel("general")                              # everybody sees it, the app too
        # the bot: api_url=discord.api_url, token=discord.app.token; discord.gateway_url, discord.cdn_url
        done = await robin.command("incident declare", room, title="Pager")   # Happening: .acked_after, .failed, .response
        answer = await done.answer()                                   # Answer: .shown, .private, .components, .after
        modal = await done.view()                                      # View opened by the response
        done = await robin.submit({"title": "Checkout is down"})       # by custom_id or label; robin.modal is what stays
        card = discord.posts("inc-1-checkout")[0]                      # Message: .shown .content .components .pinged .frozen()
        await robin.press(card, "m:ack")                               # custom_id or label; a menu: press(card, "sev", "1")

Settings (FakeDiscord arguments): `now` a clock's `now` (ManualClock.now: rates, the three seconds and fifteen minutes of
interactions, nonces, timestamps and snowflakes then follow it; snowflakes of a standing clock still differ), `speed`
(60: rate windows pass in a sixtieth), `limits=False` no rate limits, `permissions` of the app (names or bits; None all but
ADMINISTRATOR), `privileged` intents switched on in the portal (None of them: `()`), `ack_seconds` (3), `port`. To turn:
`discord.app` (role.permissions, privileged, token_trouble, identifies_left), `discord.deny("PIN_MESSAGES")` (from its
role and from @everyone; people keep theirs), `discord.rates.limits[route]`, `discord.channel_cap` (500),
`discord.thread_cap` (1000), `discord.commands_scope`, `discord.kick()`.

The guild: `discord.person(name, *roles, nick=, global_name=, dms_open=)` gives a Person with say (reply=, file=), edit,
delete, react, unreact, pin, start_thread, bring, archive, rename, remove, leave, give, take, command, type_ahead, menu, press,
submit, close, and `.dm`, `.modal`, `.private`, `.pings`, `.sees(channel)`, `.mention`. Every deed returns a Happening;
`await` it for the first response. It raises where Discord's own client would not let the person (LookupError,
PermissionError, ValueError). `discord.stranger(name)` is outside the guild, `discord.role(name, permissions,
mentionable=)` a role, `discord.channel(name, *people, kind="text" | "forum" | "category" | "voice", parent=, private=True,
tags=, require_tag=)` a channel.

What Discord itself says (a thread began, somebody came in, a pin) are messages of other types: in channel.messages and
on the gateway, not among `posts`. A channel that the app may not view reaches it as "___hidden___".

State: `discord.world` (guild, channels, users, files), `discord.posts(name)`, channel.messages / pins / topic / overwrites
/ members (of threads); `message.pinged` are the user ids that got a notification because a message named them, after
allowed_mentions, permissions and who sees the channel; edits and private answers ping nobody.

Records: `discord.calls`, `discord.calls_of("POST /channels/{channel_id}/messages", ok=True)`, `discord.errors` (Counter of
(route, code)), `discord.rates.refused` (429s by route), `discord.lacked` (permissions it was refused for),
`discord.happenings`, `discord.unanswered`, and `discord.complaints`: what Discord swallows and a careful client does not
do. `discord.violations` is those, the requests that broke a limit or the OpenAPI description, and the 429s: scenario tests
assert that it is empty. Property tests need no server: `wrong_message(body)`, `wrong_modal(data)`, `wrong_commands(list)`
say what Discord would not take, `length(text)` counts as it is counted here.

Faults: `discord.faults.plan("POST /channels/*/messages", "timeout_after", seconds=5)`, by method and path, or by route
("POST */messages"); kinds: http (status), error (code), reset, slow, ratelimited before the effect; reset_after,
http_after, timeout_after when the effect HAS happened; `times=None` for ever, `when=` a look at the body. `with
discord.faults.holding(...)`. `async with discord.away():` everything is away. Gateway: `discord.gateway.open`, `.opened`,
`.identified`, `.resumed`, `.reconnect()`, `.invalidate(resumable=)`, `.abort()`, `.forget()` (nothing can be resumed),
`.deaf`, `.refuse` (close code), `.heartbeat_interval`, `await .close_all(code)`.

`tests.fakes.discord.driving` has discord.py pointed here. `python -m tests.fakes.discord` runs it by itself for a bot of
another process: DISCORD_API_URL is `api_url`, and `GET /gateway` says where the gateway is. Lengths are counted in UTF-16
units. `await discord.until(lambda: condition)` polls with a deadline. What is not public about the real Discord is a guess
on the severe side, and says so where it stands (route limits, what a session may miss, nonces, backslashes before mentions).
"""

from tests.fakes.discord.app import App, Record
from tests.fakes.discord.happening import Answer, Happening, View
from tests.fakes.discord.judging import wrong_commands, wrong_message, wrong_modal
from tests.fakes.discord.lengths import length
from tests.fakes.discord.people import Person
from tests.fakes.discord.server import FakeDiscord
from tests.fakes.discord.specs import MISSING, Specs
from tests.fakes.discord.world import Channel, Message, Role

__all__ = [
    "MISSING",
    "Answer",
    "App",
    "Channel",
    "FakeDiscord",
    "Happening",
    "Message",
    "Person",
    "Record",
    "Role",
    "Specs",
    "View",
    "length",
    "wrong_commands",
    "wrong_message",
    "wrong_modal",
]
