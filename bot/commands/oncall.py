"""`oncall`: who would be woken, until when, and who is next."""

from __future__ import annotations

from bot.chat.views import Code, Reply, Strong, Text, text
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer, listed, when
from bot.responders.oncall import OnCall

__all__ = ["VERB"]


async def oncall(context: Context) -> Reply:
    """Who is on call, until when and who is next."""
    catalog, name = context.services.catalog(), context.values.text("service")
    if name:
        found = OnCall.describe(catalog, name, context.at)
    else:
        found = _relevant(OnCall.describe(catalog, None, context.at), await _services(context))
    if not found:
        return answer(
            "The catalogue has no schedules, so nobody is on call.",
            details=[("Page by name: ", Code("/incident page @robin"))],
        )
    lines = [_line(one, context.at) for one in found]
    return Reply(text=lines[0], details=tuple(lines[1:]))


async def _services(context: Context) -> set[str]:
    if context.number is None:
        return set()
    return {name for name, _ in (await context.load()).services}


def _relevant(found: tuple[OnCall, ...], services: set[str]) -> tuple[OnCall, ...]:
    """In an incident's room, those of its services; everywhere else, and where it has none, all."""
    return tuple(one for one in found if services.intersection(one.services)) or found


def _line(one: OnCall, now: float) -> Text:
    teams = f" ({listed(one.teams)})" if one.teams and one.teams != (one.schedule,) else ""
    following: Text = ()
    if one.next_person and one.next_at is not None:
        at_once = one.person is not None and one.next_at == one.until  # said already
        following = text(", then ", one.next_person, *(() if at_once else (" from ", *when(one.next_at, now))))
    if one.person is None:
        return text(Strong(one.schedule), f"{teams}: nobody, {one.reason}", *following, ".")
    until = text(", until ", *when(one.until, now)) if one.until is not None else (", no end in sight",)
    return text(Strong(one.schedule), f"{teams}: ", one.person, *until, *following, ".")


VERB = Verb(
    name="oncall",
    aliases=("on-call", "who"),
    summary="Who is on call, until when, and who is next",
    family=Family.PEOPLE,
    scope=Scope.OPTIONAL,
    arguments=(Argument(name="service", kind=Kind.WORD, help="a service, team or schedule; all where none is named"),),
    examples=("oncall", "oncall checkout"),
    reads=True,
    handler=oncall,
)
