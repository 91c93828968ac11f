"""`runbook`: which fit, what one would do, to run it, to agree or not, to stop it. Output goes to the room."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from bot.catalog.model import Parameter, Runbook
from bot.chat.views import Button, Code, Moment, Reply, Strong, Text, text
from bot.clock import ago, duration
from bot.commands.definition import PREFIX, Argument, Context, Family, Kind, Permit, Scope, Verb
from bot.commands.words import answer, counted, cut_text, listed, shortened
from bot.errors import BadArguments
from bot.incidents.reference import ref
from bot.runbooks.model import Plan, Run
from bot.runbooks.output import ending

__all__ = ["VERB"]

SHOWN = 12
BUTTONS = 4
TAIL_LINES, TAIL_LENGTH = 60, 2_900  # of output in a reply; Slack takes 3,000 characters in one block
_STATES = {"waiting": "waits for approval", "running": "is running"}


async def listing(context: Context) -> Reply:
    """Those that fit the incident's alerts; all of them outside of an incident, or with --all."""
    known = context.services.catalog().runbooks
    if not known:
        return answer("The catalogue has no runbooks. They are written there, under runbooks.")
    if context.number is None or context.values.flag("all"):
        return _listed(context, list(known.values()), f"{counted(len(known), 'runbook')}.", context.number)
    fitting = await context.services.runbooks.fitting(context.incident)
    if not fitting:
        every = Code(f"{PREFIX} runbook list --all")
        return answer(f"No runbook fits the alerts of {context.ref}. All {len(known):,}: ", every)
    fit = "fits" if len(fitting) == 1 else "fit"
    return _listed(context, fitting, f"{counted(len(fitting), 'runbook')} {fit} {context.ref}.", context.number)


def _listed(context: Context, found: Sequence[Runbook], head: str, number: int | None) -> Reply:
    lines = [_line(one) for one in found[:SHOWN]]
    run_it = f"{PREFIX} runbook run NAME" if number is not None else f"{PREFIX} runbook run NAME INC-n"
    details = [
        *shortened(lines, len(found), f"{PREFIX} runbook list --all"),
        ("To see what one would do, before it does it: ", Code(run_it)),
    ]
    buttons = tuple(
        Button(label=cut_text(one.title or one.id, 40), command=f"runbook run {one.id} {context.ref}")
        for one in found[:BUTTONS]
        if number is not None and all(not parameter.required for parameter in one.parameters)
    )
    return Reply(text=text(head), details=tuple(details), buttons=buttons)


def _line(one: Runbook) -> Text:
    wants = cut_text(" ".join(_wanted(parameter) for parameter in one.parameters), 80)
    facts = [f"{one.risk} risk"]
    if one.approve is not None:
        facts.append(f"{counted(one.approve.people, 'person', 'people')} must approve")
    return text(Code(f"{one.id} {wants}".strip()), f" {cut_text(one.title)} ({', '.join(facts)})")


def _wanted(one: Parameter) -> str:
    """`node=...` must be given; `[lines=5]` need not, nor does `[service=...]`, which the incident fills in."""
    if one.required:
        return f"{one.name}=..."
    return f"[{one.name}={'...' if '{{' in str(one.default) else one.default}]"


async def run(context: Context) -> Reply:
    """The dry run first; `--yes` runs it. Where others must approve, they are asked at once: nothing is done before they agree."""
    name, values = context.values.text("name"), context.values.pairs("values")
    runbooks = context.services.runbooks
    plan = await runbooks.plan(context.incident, name, values, context.actor, context.teams)
    confirmed = context.values.flag("yes")
    if plan.obstacle:
        return Reply(text=(plan.obstacle,), details=_steps(plan.steps), failed=True)
    if not plan.needs_approval and not confirmed:
        return _dry(context, plan)
    made = await runbooks.request(context.incident, name, values, context.actor, context.teams, confirmed=confirmed)
    if plan.needs_approval:
        until = text(" Expires ", Moment(made.expires_at), ".") if made.expires_at is not None else ()
        head = text(Strong(made.ref), f" {made.what}: the room is asked. {plan.reason}", *until)
    else:
        head = text(Strong(made.ref), f" {made.what} is running; the room shows how it goes.")
    stop = ("To stop it: ", Code(f"{PREFIX} runbook cancel {made.ref}"))
    return Reply(text=head, details=(*_steps(plan.steps), stop))


def _dry(context: Context, plan: Plan) -> Reply:
    typed = " ".join(f"{key}={_quoted(value)}" for key, value in plan.parameters.items())
    command = " ".join(part for part in ("runbook run", plan.runbook.id, typed, context.ref, "--yes") if part)
    risky = plan.runbook.risk == "high"
    return Reply(
        text=text(Strong(plan.runbook.id), f" would do this on {context.ref}; nothing has happened yet."),
        details=(
            *_steps(plan.steps),
            (f"{plan.runbook.risk.capitalize()} risk. Run it: press the button, or ", Code(f"{PREFIX} {command}")),
        ),
        buttons=(Button(label="Run", command=command, style="danger" if risky else "primary"),),
    )


def _quoted(value: str) -> str:
    """As one types it behind `key=`."""
    if value and not any(char.isspace() or char in '"\\' for char in value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _steps(steps: Sequence[str]) -> tuple[Text, ...]:
    return tuple((f"{number}. ", Code(step)) for number, step in enumerate(steps, 1))


async def show(context: Context) -> Reply:
    """One runbook: what it is for, who may run it, what it wants and what it does."""
    one = context.services.catalog().runbooks[context.values.text("name")]
    lines: list[Text] = [(one.description,)] if one.description else []
    lines.append((f"Fits {one.match}" if one.match else "Fits any incident",))
    lines.append((f"Run by {listed([str(who) for who in one.run_by])}, {one.risk} risk",))
    if one.approve is not None:
        by = listed([str(who) for who in one.approve.by])
        asks = counted(one.approve.people, "other person", "other people")
        lines.append((f"{asks} ({by}) must approve within {duration(one.approve.expires)}",))
    for parameter in one.parameters:
        default = "" if parameter.required else f", {parameter.default} if left out"
        like = f" like {parameter.pattern}" if parameter.pattern else ""
        lines.append(text(Code(f"{parameter.name}="), f" {parameter.description or parameter.type}{like}{default}"))
    lines += [
        (f"{number}. {step.title or step.action}: ", Code(_raw(step.arguments)))
        for number, step in enumerate(one.steps, 1)
    ]
    return answer(Strong(one.id), f" {one.title}", details=lines)


def _raw(arguments: object) -> str:
    """A step as the catalogue has it, not filled in; a command of several lines as it is."""
    if isinstance(arguments, list | tuple):
        command = shlex.join(map(str, arguments))
        return command if "\n" in command else cut_text(command)
    if isinstance(arguments, Mapping):
        return cut_text(", ".join(f"{name} {value}" for name, value in arguments.items()))
    return cut_text(str(arguments))


async def status(context: Context) -> Reply:
    """One run with its steps and output, or the incident's runs."""
    number = context.values.integer("run")
    if number is not None:
        found = await context.services.runbooks.run(number)
        shown = ending(found.output.splitlines(), TAIL_LINES, TAIL_LENGTH)
        whole: Text = ("All of its output: ", Code(f"{PREFIX} retro {ref(found.incident)}"))
        return Reply(
            text=_state(context, found),
            details=(*_steps(found.plan), *_decisions(context, found), *((whole,) if shown != found.output else ())),
            output=shown,
        )
    if context.number is None:
        raise BadArguments(f"Which run, or which incident? {PREFIX} runbook status R5, {PREFIX} runbook status INC-42")
    runs = await context.services.runbooks.runs(context.incident)
    if not runs:
        return answer(f"No runbook has run in {context.ref}. What fits: ", Code(f"{PREFIX} runbook list"))
    newest = runs[::-1]
    lines = [_state(context, one) for one in newest[:SHOWN]]
    more: list[Text] = [(f"and {len(runs) - SHOWN:,} older",)] if len(runs) > SHOWN else []
    one_of_them = ("Steps and output: ", Code(f"{PREFIX} runbook status {newest[0].ref}"))
    return answer(f"{counted(len(runs), 'run')} in {context.ref}.", details=[*lines, *more, one_of_them])


def _state(context: Context, one: Run) -> Text:
    who = context.services.person(one.requested_by).name
    began = one.started_at if one.started_at is not None else one.requested_at
    state = _STATES.get(one.state, one.state)
    took = ""
    if one.finished_at is not None and one.started_at is not None:
        seconds = one.finished_at - began
        took = f" after {duration(seconds)}" if seconds >= 1 else " at once"
    why = f": {cut_text(one.outcome)}" if one.outcome else ""
    helped = {True: ", it helped", False: ", it did not help", None: ""}[one.helped]
    return text(
        Strong(one.ref), f" {one.what} {state}{took}{why}{helped}, asked by {who} {ago(one.requested_at, context.at)}"
    )


def _decisions(context: Context, one: Run) -> tuple[Text, ...]:
    return tuple(
        text(
            "Approved by " if decision.approved else "Declined by ",
            context.services.person(decision.person),
            " at ",
            Moment(decision.at),
        )
        for decision in one.decisions
    )


async def approve(context: Context) -> Reply:
    """Agree to a run that somebody else asked for."""
    made = await context.services.runbooks.approve(
        await _which(context, "approve", ("waiting",)), context.actor, context.teams
    )
    if made.state == "waiting":
        return answer(f"You approved {made.ref} {made.what}. More must approve.")
    return answer(f"You approved {made.ref} {made.what}: it is running, and the room shows how it goes.")


async def decline(context: Context) -> Reply:
    """Say no to a run."""
    made = await context.services.runbooks.decline(
        await _which(context, "decline", ("waiting",)), context.actor, context.teams
    )
    return answer(f"{made.ref} {made.what} is declined. It does not run.")


async def cancel(context: Context) -> Reply:
    """Withdraw a question, or stop what runs."""
    made = await context.services.runbooks.cancel(
        await _which(context, "cancel", ("waiting", "running")), context.actor, context.teams
    )
    done = "is stopped" if made.started_at is not None else "is withdrawn"
    return answer(f"{made.ref} {made.what} {done}.")


async def _which(context: Context, verb: str, states: tuple[str, ...]) -> int:
    """The run that is named, or the only one that it can be."""
    number = context.values.integer("run")
    if number is not None:
        return number
    found = [] if context.number is None else await context.services.runbooks.runs(context.incident)
    possible = [one for one in found if one.state in states]
    if len(possible) == 1:
        return possible[0].id
    if not possible:
        raise BadArguments(f"There is no run to {verb} here. All runs: {PREFIX} runbook status")
    raise BadArguments(
        f"Which one? {', '.join(f'{one.ref} {one.what}' for one in possible[:5])}: {PREFIX} runbook {verb} R5"
    )


def _may_run(permit: Permit) -> bool:
    """Whether some runbook may be theirs to run; the service decides about each one."""
    teams = {*(team.id for team in permit.catalog.teams_of(permit.actor.id)), *permit.teams}
    whos = [who for one in permit.catalog.runbooks.values() for who in one.run_by]
    return not whos or any(
        who.kind in {"anyone", "on-call", "commander", "schedule"}
        or (who.kind == "team" and (not who.name or who.name in teams))
        or (who.kind == "person" and who.name == permit.actor.id)
        for who in whos
    )


_RUN = Argument(name="run", kind=Kind.RUN, help="the run, such as R5; else the only one there is")


VERB = Verb(
    name="runbook",
    aliases=("runbooks", "rb"),
    summary="What could help: runbooks that fit, run after a look at what they would do",
    family=Family.FIX,
    scope=Scope.OPTIONAL,
    menu="",
    arguments=(Argument(name="all", kind=Kind.FLAG, help="also those that do not fit"),),
    examples=("runbook", "runbook INC-42"),
    reads=True,
    handler=listing,
    subverbs=(
        Verb(
            name="list",
            summary="The runbooks that fit",
            family=Family.FIX,
            scope=Scope.OPTIONAL,
            arguments=(Argument(name="all", kind=Kind.FLAG, help="also those that do not fit"),),
            examples=("runbook list", "runbook list INC-42", "runbook list --all"),
            reads=True,
            handler=listing,
        ),
        Verb(
            name="show",
            summary="One runbook: what it does, who may run it",
            family=Family.FIX,
            arguments=(Argument(name="name", kind=Kind.RUNBOOK, required=True, help="the runbook"),),
            examples=("runbook show restart-checkout",),
            reads=True,
            handler=show,
        ),
        Verb(
            name="run",
            summary="Show what it would do, then do it",
            details="Where others must approve, they are asked at once; nothing is done before they agree.",
            family=Family.FIX,
            scope=Scope.INCIDENT,
            arguments=(
                Argument(name="name", kind=Kind.RUNBOOK, required=True, help="the runbook"),
                Argument(name="values", kind=Kind.KEY_VALUES, help="its parameters, as key=value"),
                Argument(name="yes", kind=Kind.FLAG, help="do it, without the dry run"),
            ),
            examples=(
                "runbook run restart-checkout instance=checkout-3",
                "runbook run INC-42 restart-checkout instance=checkout-3 --yes",
            ),
            may=_may_run,
            handler=run,
        ),
        Verb(
            name="status",
            summary="How runs went: state, steps, output",
            family=Family.FIX,
            scope=Scope.OPTIONAL,
            arguments=(_RUN,),
            examples=("runbook status", "runbook status R5"),
            reads=True,
            handler=status,
        ),
        Verb(
            name="approve",
            summary="Agree to a run that somebody else asked for",
            family=Family.FIX,
            scope=Scope.OPTIONAL,
            arguments=(_RUN,),
            examples=("runbook approve R5",),
            handler=approve,
        ),
        Verb(
            name="decline",
            summary="Say no to a run",
            family=Family.FIX,
            scope=Scope.OPTIONAL,
            arguments=(_RUN,),
            examples=("runbook decline R5",),
            handler=decline,
        ),
        Verb(
            name="cancel",
            aliases=("stop",),
            summary="Stop a run, or withdraw the question",
            family=Family.FIX,
            scope=Scope.OPTIONAL,
            arguments=(_RUN,),
            examples=("runbook cancel", "runbook cancel R5"),
            handler=cancel,
        ),
    ),
)
