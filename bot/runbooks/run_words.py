"""What the room is told about a run: the question, how it goes, how it ended. Pure."""

from __future__ import annotations

from collections.abc import Callable

from bot.catalog.model import Runbook
from bot.chat.views import Button, Code, Moment, Notice, Person, Strong, Text, Tone, people_text, text
from bot.clock import duration, took
from bot.runbooks.model import Run

__all__ = ["about", "asked", "decided", "ended", "going", "headline", "verdict"]

ANYONE = "anyone"  # may approve, as the policies say it

Names = Callable[[str], Person]


def about(runbook: Runbook) -> str:
    """What it does, in brackets."""
    words = (runbook.description or runbook.title).strip().rstrip(".")
    return f" ({words[:1].lower()}{words[1:]})" if words else ""


def asked(run: Run, runbook: Runbook, approvers: str, names: Names) -> Notice:
    """Somebody else must agree."""
    people = runbook.approve.people if runbook.approve else 1
    agreed = [decision.person for decision in run.decisions if decision.approved]
    missing = people - len(agreed)
    others = "Someone else" if missing == 1 else f"{missing} others"
    of = "" if approvers == ANYONE else f" of {approvers}"
    so_far: Text = ()
    if agreed:
        so_far = (" Approved by ", *people_text([names(person) for person in agreed]), ".")
        others = "One more" if missing == 1 else f"{missing} more"
    return Notice(
        text=text(
            names(run.requested_by),
            " asks to run ",
            Strong(run.what),
            f"{about(runbook)}. {others}{of} must approve.",
            *so_far,
            *_expires(run),
        ),
        tone="warning",
        buttons=(
            Button(label="Show steps", command=f"runbook status {run.ref}"),
            Button(label="Approve", command=f"runbook approve {run.ref}", style="primary"),
            Button(label="Decline", command=f"runbook decline {run.ref}"),
        ),
    )


def decided(run: Run, names: Names) -> Notice:
    """The question, once it is none any more."""
    asker = names(run.requested_by)
    agreed = [names(d.person) for d in run.decisions if d.approved]
    against = [names(d.person) for d in run.decisions if not d.approved]
    match run.state:
        case "declined":
            outcome = text("Declined by ", *people_text(against), ".") if against else text("Declined.")
        case "expired":
            outcome = text("Nobody approved in time.")
        case "cancelled" if run.started_at is None:
            outcome = text(run.outcome[:1].upper() + run.outcome[1:], ".")
        case _:
            outcome = text("Approved by ", *people_text(agreed), ".")
    tone: Tone = "warning" if run.started_at is None else "info"
    return Notice(text=text(asker, " asked to run ", Strong(run.what), ". ", *outcome), tone=tone)


def going(run: Run, step: int, title: str, tail: str) -> Notice:
    """It runs."""
    return Notice(
        text=text(Strong(run.ref), f" {run.what}: running, step {step} of {len(run.plan)}: ", Code(title)),
        output=tail,
        buttons=(Button(label="Cancel", command=f"runbook cancel {run.ref}", confirm=f"Stop {run.what} halfway?"),),
    )


def ended(run: Run, tail: str, *, whole: bool = True) -> Notice:
    """It has run; `whole` says that `tail` is all of its output."""
    return Notice(
        text=text(*headline(run)),
        details=() if whole else (("All of its output goes into the retrospective.",),),
        tone="good" if run.state == "succeeded" else "warning" if run.state == "cancelled" else "bad",
        output=tail,
    )


def headline(run: Run) -> Text:
    """How it ended, in one line."""
    seconds = took((run.finished_at or 0.0) - (run.started_at or 0.0))
    why = f": {run.outcome}" if run.outcome else ""
    match run.state:
        case "succeeded":
            words = f"succeeded in {seconds}"
        case "failed":
            words = f"failed after {seconds}{why}"
        case "cancelled":
            words = f"stopped after {seconds}{why}"
        case _:
            words = f"{run.state}{why}"
    return (Strong(run.ref), f" {run.what} {words}.")


def verdict(run: Run, firing: int, *, helped: bool, within: float) -> Notice:
    """Whether the alerts cleared."""
    if helped:
        return Notice(text=text(Strong(run.ref), f" {run.what} helped: all alerts cleared."), tone="good")
    count = "1 alert still fires" if firing == 1 else f"{firing} alerts still fire"
    words = f" {run.what} did not help within {duration(within)}: {count}."
    return Notice(
        text=text(Strong(run.ref), words),
        details=(text("What else fits: ", Code("/incident runbook")),),
        tone="warning",
    )


def _expires(run: Run) -> Text:
    return (" Expires ", Moment(run.expires_at), ".") if run.expires_at is not None else ()
