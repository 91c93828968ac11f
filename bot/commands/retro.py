"""`retro`: file the conversation, say what to do and how it was, export it."""

from __future__ import annotations

from bot.chat.views import Code, Reply, Text, text
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer, counted, cut_text
from bot.errors import BadArguments
from bot.retros.model import MOODS, Action, Retro, mood_counts
from bot.retros.service import key_figures

__all__ = ["VERB"]

OUTPUT = 12_000  # characters of an export that a chat shows; the whole of it is a file
ACTIONS = 20


async def retro(context: Context) -> Reply:
    """Draft it, or bring the draft up to date; the room is told."""
    drafted = await context.services.retros.draft(context.incident, context.actor)
    details: list[Text] = [
        *key_figures(drafted),
        *_actions(drafted),
        _moods(drafted),
        ("What to do next time: ", Code("/incident retro action add TEXT")),
        ("How it was for you: ", Code(f"/incident retro mood {'|'.join(MOODS)}")),
        context.services.retros.downloads(drafted.ref, context.platform)
        or ("As a file: ", Code("/incident retro export md")),
    ]
    still = (
        ""
        if drafted.status == "resolved"
        else f" {drafted.ref} is still {drafted.status}; run it again when it is over."
    )
    holds = f"{counted(len(drafted.timeline), 'line')} of timeline, {counted(len(drafted.transcript), 'message')}"
    return answer(f"Retrospective of {drafted.ref}: {holds}.{still}", details=[line for line in details if line])


async def export(context: Context) -> Reply:
    """The whole of it as text, as far as a chat can hold it."""
    form = context.values.text("format") or "md"
    written = await context.services.retros.render(context.incident, form)
    file = context.services.retros.downloads(context.ref, context.platform, form)
    if not written.media_type.startswith(("text/", "application/json")):
        if file:
            return answer(f"A chat cannot show {form}: ", *file)
        raise BadArguments(f"A chat cannot show {form}. Write a file: muster export {context.ref} --format {form}")
    whole = written.body.decode()
    details = [file or ("As a file, on the server: ", Code(f"muster export {context.ref} --format {form}"))]
    if len(whole) > OUTPUT:
        details.insert(0, (f"Cut: the first {OUTPUT:,} of {len(whole):,} characters.",))
        whole = whole[:OUTPUT]
    return Reply(text=text(written.filename), details=tuple(details), output=whole)


async def actions(context: Context) -> Reply:
    """What there is to do."""
    found = await context.services.retros.get(context.incident)
    lines = _actions(found)
    if not lines:
        return answer(f"{found.ref} has no actions yet. To add one: ", Code("/incident retro action add TEXT"))
    left = sum(not action.done for action in found.actions)
    return answer(f"{found.ref}: {counted(len(found.actions), 'action')}, {left} to do.", details=lines)


async def add_action(context: Context) -> Reply:
    """Something to do so that it does not happen again."""
    owner = context.values.person("owner")
    added = await context.services.retros.add_action(
        context.incident, context.values.text("text"), context.actor, owner
    )
    return answer(f"Action {added.number} of {context.ref}: {_action(added)}")


async def finish_action(context: Context) -> Reply:
    """It is done."""
    number = context.values.integer("number")
    if number is None:
        raise BadArguments("Which action? /incident retro action done 2")
    done = await context.services.retros.finish_action(context.incident, number, context.actor)
    return answer(f"Action {done.number} of {context.ref} is done: {cut_text(done.text)}")


async def mood(context: Context) -> Reply:
    """How it was for the one who says it; said again, it replaces the former."""
    values = context.values
    said = await context.services.retros.set_mood(
        context.incident, values.text("mood"), context.actor, values.text("note")
    )
    return answer(f"Noted for {context.ref}: {said.mood}{f', {cut_text(said.note)}' if said.note else ''}.")


def _actions(retro: Retro) -> list[Text]:
    lines: list[Text] = [(f"{action.number}. {_action(action)}",) for action in retro.actions[:ACTIONS]]
    more = len(retro.actions) - ACTIONS
    return [*lines, (f"and {more} more in the export",)] if more > 0 else lines


def _action(action: Action) -> str:
    owner = f" ({action.owner})" if action.owner else ""
    return f"{cut_text(action.text)}{owner}{', done' if action.done else ''}"


def _moods(retro: Retro) -> Text:
    return (f"How it was: {mood_counts(retro.moods)}",) if retro.moods else ()


VERB = Verb(
    name="retro",
    aliases=("retrospective", "postmortem"),
    summary="File the conversation: timeline, figures, people, transcript",
    details="A draft keeps a copy of all it tells; said again, it is brought up to date. Actions and moods stay.",
    family=Family.AFTERWARDS,
    scope=Scope.INCIDENT,
    menu="retro draft",
    examples=("retro", "retro INC-42"),
    handler=retro,
    subverbs=(
        Verb(
            name="export",
            summary="The retrospective as text",
            family=Family.AFTERWARDS,
            scope=Scope.INCIDENT,
            arguments=(Argument(name="format", kind=Kind.FORMAT, help="md where none is named"),),
            examples=("retro export md", "retro export INC-42"),
            reads=True,
            handler=export,
        ),
        Verb(
            name="action",
            aliases=("actions",),
            summary="What there is to do",
            family=Family.AFTERWARDS,
            scope=Scope.INCIDENT,
            examples=("retro action",),
            handler=actions,
            reads=True,
            subverbs=(
                Verb(
                    name="add",
                    summary="Something to do so that it does not happen again",
                    family=Family.AFTERWARDS,
                    scope=Scope.INCIDENT,
                    arguments=(
                        Argument(name="text", kind=Kind.TEXT, rest=True, required=True, help="what to do"),
                        Argument(name="owner", kind=Kind.PERSON, help="who does it, as @name at the end"),
                    ),
                    examples=("retro action add alert on queue length @robin",),
                    handler=add_action,
                ),
                Verb(
                    name="done",
                    summary="An action is done",
                    family=Family.AFTERWARDS,
                    scope=Scope.INCIDENT,
                    arguments=(Argument(name="number", kind=Kind.INTEGER, required=True, help="which action"),),
                    examples=("retro action done 2",),
                    handler=finish_action,
                ),
            ),
        ),
        Verb(
            name="mood",
            summary="How it was for you",
            family=Family.AFTERWARDS,
            scope=Scope.INCIDENT,
            arguments=(
                Argument(name="mood", kind=Kind.CHOICE, choices=MOODS, required=True, help="from great to bad"),
                Argument(name="note", kind=Kind.TEXT, rest=True, help="why"),
            ),
            examples=("retro mood mixed paged too late",),
            handler=mood,
        ),
    ),
)
