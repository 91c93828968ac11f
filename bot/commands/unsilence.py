"""`unsilence`: let alerts through again."""

from __future__ import annotations

from bot.chat.views import Reply
from bot.commands.definition import Argument, Context, Family, Kind, Verb
from bot.commands.words import answer
from bot.errors import BadArguments

__all__ = ["VERB"]


async def unsilence(context: Context) -> Reply:
    """Let alerts through again."""
    number = context.values.integer("id")
    if number is None:
        raise BadArguments("Which silence? /incident unsilence S3. Those in force: /incident silences")
    ended = await context.services.silences.end(number)
    return answer(f"{ended.ref} is over: {ended.matchers} alerts count again from now on.")


VERB = Verb(
    name="unsilence",
    aliases=("unmute",),
    summary="End a silence",
    family=Family.NOISE,
    menu="silence end",
    arguments=(
        Argument(name="id", kind=Kind.SILENCE, required=True, help="which one: S3, as the list of silences has it"),
    ),
    examples=("unsilence S3",),
    handler=unsilence,
)
