"""`silence`: mute, after seeing what would have been muted."""

from __future__ import annotations

from bot.chat.views import Button, Code, Moment, Reply, Strong, Text, text
from bot.clock import duration
from bot.commands.definition import Argument, Context, Family, Kind, Verb
from bot.commands.words import answer, counted, cut_text, listed
from bot.errors import BadArguments
from bot.incidents.reference import ref
from bot.incidents.silences import LONGEST, Preview

__all__ = ["VERB"]

DAY = 86_400.0  # seconds that a preview looks back
LOUD = 0.5  # the share of all alerts above which a warning is due


async def silence(context: Context) -> Reply:
    """Show what it would have muted in the last day; `--yes`, or the button, does it."""
    matchers, seconds = context.values.matchers("matcher"), context.values.seconds("duration")
    reason = context.values.text("reason")
    if seconds is None:
        raise BadArguments('For how long? /incident silence service="cart" 2h disk replacement')
    if seconds > LONGEST:
        raise BadArguments(
            f"A silence lasts at most {duration(LONGEST)}. What should never alert again belongs out of the monitoring."
        )
    texts = [str(matcher) for matcher in matchers]
    if context.values.flag("yes"):
        made = await context.services.silences.create(texts, seconds, reason, context.actor)
        return answer(
            Strong(made.ref),
            f" mutes {made.matchers} until ",
            Moment(made.ends_at),
            f" ({duration(seconds)}). Muted alerts open nothing and page nobody; they stay on record.",
            details=[("To end it: ", Code(f"/incident unsilence {made.ref}"))],
        )
    seen = await context.services.silences.preview(texts, context.at - DAY)
    command = f"silence {matchers} {_typed(seconds)} {cut_text(reason, 200)}".rstrip() + " --yes"
    return Reply(
        text=text(f"{matchers} for {duration(seconds)} ", *_would(seen)),
        details=(*_details(seen), ("Silence it: press the button, or ", Code(f"/incident {command}"))),
        buttons=(Button(label="Silence", command=command, style="danger" if seen.incidents else "primary"),),
    )


def _would(seen: Preview) -> Text:
    looked = "in the last day" if seen.complete else "among the newest 50,000 of the last day"
    if not seen.alerts:
        return (f"would have muted nothing {looked} (of {counted(seen.of, 'alert')}). Is the matcher right?",)
    share = f", {seen.share:.0%} of all" if seen.share >= 0.1 else ""
    return (f"would have muted {counted(seen.alerts, 'alert')}{share} {looked}.",)


def _details(seen: Preview) -> tuple[Text, ...]:
    lines: list[Text] = []
    if seen.by_name:
        most = [f"{service} {cut_text(name, 40)} {count:,}".strip() for service, name, count in seen.by_name]
        lines.append((listed(most, 5),))
    if seen.incidents:
        lines.append((f"Some were part of {listed([ref(number) for number in seen.incidents], 5)}.",))
    if seen.share >= LOUD:
        lines.append(("That is most of what arrives. A narrower matcher names a host or a name too.",))
    return tuple(lines)


def _typed(seconds: float) -> str:
    """The duration as one types it."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"


VERB = Verb(
    name="silence",
    aliases=("mute",),
    summary="Mute alerts, after a look at what it would have muted",
    details='A matcher is label="value", or !=, =~ (regular expression), !~; several must all hold.',
    family=Family.NOISE,
    menu="silence add",
    arguments=(
        Argument(
            name="matcher", kind=Kind.MATCHERS, required=True, help='which alerts: service="cart" name="DiskFull"'
        ),
        Argument(name="duration", kind=Kind.DURATION, required=True, help="for how long: 30m, 2h, 1d"),
        Argument(name="reason", kind=Kind.TEXT, rest=True, help="why, for the others"),
        Argument(name="yes", kind=Kind.FLAG, help="do it without the preview"),
    ),
    examples=('silence service="cart" 2h disk replacement', 'silence service="cart" name=~"Disk.*" 1d --yes'),
    handler=silence,
)
