"""`silences`: what is muted, until when, by whom."""

from __future__ import annotations

from bot.chat.views import Code, Moment, Reply, Strong, Text, text
from bot.clock import duration
from bot.commands.definition import Context, Family, Verb
from bot.commands.words import answer, counted, cut_text
from bot.incidents.silences import Silence

__all__ = ["VERB"]

SHOWN = 15


async def silences(context: Context) -> Reply:
    """Those in force, and maintenance windows to come."""
    found = await context.services.silences.active()
    if not found:
        return answer("Nothing is silenced. To mute: ", Code('/incident silence service="cart" 2h'))
    lines = [_line(context, one) for one in found[:SHOWN]]
    more: list[Text] = [(f"and {len(found) - SHOWN:,} more, which end later",)] if len(found) > SHOWN else []
    return answer(f"{counted(len(found), 'silence')} in force or to come.", details=[*lines, *more])


def _line(context: Context, one: Silence) -> Text:
    begins = () if one.begun(context.at) else ("begins ", Moment(one.starts_at), ", ")
    who = "the catalogue" if one.from_catalog else context.services.person(one.by).name
    why = f": {cut_text(one.reason, 60)}" if one.reason else ""
    left = duration(one.ends_at - context.at)
    return text(
        Strong(one.ref), f" {one.matchers}, ", *begins, "until ", Moment(one.ends_at), f" ({left} left), by {who}{why}"
    )


VERB = Verb(
    name="silences",
    aliases=("mutes",),
    summary="What is muted, until when, by whom",
    family=Family.NOISE,
    menu="silence list",
    examples=("silences",),
    reads=True,
    handler=silences,
)
