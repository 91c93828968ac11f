"""`list`: the open incidents."""

from __future__ import annotations

from bot.chat.views import Code, Reply
from bot.commands.definition import Context, Family, Verb
from bot.commands.words import answer, counted, incident_line, shortened

__all__ = ["VERB"]

SHOWN = 15  # incidents; a phone's screen twice
MOST = 500


async def listing(context: Context) -> Reply:
    """The newest first, cut."""
    found = await context.services.incidents.open_ones(MOST, hidden=await context.hidden())
    if not found:
        return answer("No incident is open. Over ones: ", Code("/incident show INC-42"))
    lines = [incident_line(one, context.at, context.name(one.commander)) for one in found[:SHOWN]]
    total = "More than 500 open incidents" if len(found) == MOST else counted(len(found), "open incident")
    waiting = sum(one.status == "open" for one in found)
    untaken = "none" if waiting == len(found) > 1 else f"{waiting:,} not"
    nobody = f", {untaken if len(found) > 1 else 'not'} taken yet" if waiting else ""
    return answer(f"{total}{nobody}.", details=shortened(lines, len(found), "/incident show INC-n"))


VERB = Verb(
    name="list",
    aliases=("ls", "incidents"),
    summary="The open incidents",
    family=Family.LOOK,
    examples=("list",),
    reads=True,
    handler=listing,
)
