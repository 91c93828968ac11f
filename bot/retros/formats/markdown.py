"""A retrospective as Markdown that reads well raw and rendered: tables, the timeline, the conversation as quotes. No HTML.

Whatever people, alerts or commands wrote passes bot.retros.escaping on its way in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.clock import duration, to_datetime, took
from bot.incidents.tickets import ticket_link
from bot.incidents.timeline import UPDATE
from bot.retros.escaping import block, cell, code_block, inline, link
from bot.retros.formats import Format
from bot.retros.model import Retro, Run, Said, SuspectChange, mood_counts
from correlation.words import plural

__all__ = ["FORMAT"]

PAGE_WORDS = {
    "pending": "not sent",
    "sent": "no answer",
    "acknowledged": "acknowledged",
    "declined": "declined",
    "failed": "did not arrive",
    "over": "not needed any more",
}


RUN_WORDS = {"waiting": "not approved yet"}  # the other states are words already


def render(retro: Retro) -> bytes:
    """Markdown in UTF-8."""
    writer = _Writer(retro)
    sections = [
        writer.head(),
        writer.figures(),
        writer.cause(),
        writer.updates(),
        writer.services(),
        writer.timeline(),
        writer.people(),
        writer.pages(),
        writer.runs(),
        writer.actions(),
        writer.moods(),
        writer.transcript(),
        writer.foot(),
    ]
    return ("\n\n".join("\n".join(lines) for lines in sections if lines) + "\n").encode()


class _Writer:
    """Each method writes one section, or nothing where there is nothing to tell."""

    def __init__(self, retro: Retro) -> None:
        self.retro = retro
        moments = [retro.first_alert_at, retro.opened_at]
        moments += [moment for moment in (retro.resolved_at, retro.acknowledged_at) if moment is not None]
        moments += [line.at for line in retro.timeline] + [said.at for said in retro.transcript]
        self._one_day = len({to_datetime(moment).date() for moment in moments}) == 1

    def _time(self, at: float) -> str:
        return to_datetime(at).strftime("%H:%M:%S" if self._one_day else "%Y-%m-%d %H:%M:%S")

    def head(self) -> list[str]:
        r = self.retro
        begin = min(r.first_alert_at, r.opened_at)
        if r.resolved_at is None:
            when = f"since {_moment(begin)}, not resolved yet"
        else:
            when = f"{_moment(begin)} to {_moment(r.resolved_at, begin)} ({duration(r.resolved_at - begin)})"
        where = ", ".join(inline(part) for part in (r.environment, r.location) if part)
        about = [f"**{r.severity}**", r.status, when, *([where] if where else [])]
        lines = [f"# {r.ref}: {inline(r.title)}", "", " · ".join(about), "", self._sentence()]
        if r.summary:
            lines += ["", *_quoted(block(r.summary))]
        return lines

    def _sentence(self) -> str:
        r = self.retro
        parts = []
        if r.alert_count:
            services = len([one for one in r.services if one.service])
            on = f" on {plural(services, 'service')}" if services else ""
            parts.append(f"{plural(r.alert_count, 'alert')}{on}.")
        parts.append(f"Led by {inline(r.commander)}." if r.commander else "Nobody led it.")
        if r.merged:
            parts.append(f"Takes in {', '.join(f'INC-{number}' for number in r.merged)}, found to be the same.")
        if r.ticket:
            kept = ticket_link(r.ticket)
            parts.append(f"{link(kept.label, kept.url)}.")
        return " ".join(parts)

    def figures(self) -> list[str]:
        unknown = "never" if self.retro.over else "not yet"
        rows = [
            (f.name, unknown if f.seconds is None else f"**{duration(f.seconds)}**", f.definition)
            for f in self.retro.figures
        ]
        return ["## Figures", "", *_table(("Figure", "Value", "What it measures"), rows)] if rows else []

    def cause(self) -> list[str]:
        r = self.retro
        lines = ["## Probable cause", ""]
        if r.cause:
            lines.append(f"Probably **{inline(r.cause)}**: {inline(r.cause_words)}")
        else:
            lines.append("Not known." if r.alert_count else "Not known: the incident had no alerts.")
        if r.ruled_out:
            lines += ["", "Ruled out by people:", ""]
            for one in r.ruled_out:
                why = f": {inline(one.reason)}" if one.reason else ""
                lines.append(f"- {inline(one.service)}, by {inline(one.by)}{why}")
        if r.suspects:
            lines += ["", "Suspected changes, the most suspect first:", ""]
            for rank, suspect in enumerate(r.suspects, 1):
                lines.append(f"{rank}. {self._suspect(suspect)}")
                # A reason that tells the time tells it as it was known then; it stands above as it is known now.
                told = (r for r in suspect.reasons if r.strip() and (suspect.at is None or "the first alert" not in r))
                lines += [f"   - {inline(reason)}" for reason in told]
        return lines

    def _suspect(self, change: SuspectChange) -> str:
        if change.at is None:
            return f"{inline(change.id)} (its details are no longer kept)"
        name = change.revision[:12] or change.title or change.id
        what = " ".join(inline(part) for part in (change.kind, change.service) if part)
        title = f": {inline(change.title)}" if change.revision and change.title else ""
        gap = self.retro.first_alert_at - change.at
        when = f"{duration(gap)} before" if gap >= 0 else f"{duration(-gap)} after"
        author = f" by {inline(change.author)}" if change.author else ""
        return f"{what} {link(name, change.url)}{author}, {self._time(change.at)} UTC ({when} the first alert){title}"

    def updates(self) -> list[str]:
        told = [line for line in self.retro.timeline if line.kind == UPDATE]
        if not told:
            return []
        lines = ["## Updates for stakeholders"]
        for line in told:
            lines += ["", f"**{inline(line.actor)}** {self._time(line.at)} UTC", "", *_quoted(block(line.text))]
        return lines

    def services(self) -> list[str]:
        rows = [
            (
                cell(one.service or "(no service named)"),
                str(one.alerts),
                str(one.firings) if one.firings else "-",
                one.worst or "-",
                self._time(one.first_at) if one.first_at is not None else "-",
                self._time(one.last_at) if one.last_at is not None else "-",
            )
            for one in self.retro.services
        ]
        if not rows:
            return []
        header = ("Service", "Alerts", "With repeats", "Worst", "First (UTC)", "Last (UTC)")
        return ["## Alerts by service", "", *_table(header, rows, right=(1, 2))]

    def timeline(self) -> list[str]:
        rows = []
        for line in self.retro.timeline:
            what = line.kind.replace("_", " ")
            rows.append((self._time(line.at), cell(line.actor), cell(what), cell(line.text)))
        if not rows:
            return []
        day = f" ({to_datetime(self.retro.opened_at):%Y-%m-%d}, UTC)" if self._one_day else " (UTC)"
        return [f"## Timeline{day}", "", *_table(("Time", "Who", "What", "In words"), rows)]

    def people(self) -> list[str]:
        rows = [(cell(p.name), cell(p.role), self._time(p.joined_at), cell(p.why)) for p in self.retro.people]
        return ["## People", "", *_table(("Name", "Role", "Joined (UTC)", "How"), rows)] if rows else []

    def pages(self) -> list[str]:
        rows = []
        for page in self.retro.pages:
            unheard = page.state == "over" and page.answered_at is None  # paged again, or somebody else was
            answer = "no answer" if unheard else PAGE_WORDS.get(page.state, page.state)
            if page.answered_at is not None and page.state in {"acknowledged", "declined"}:
                answer += f" after {duration(page.answered_at - (page.sent_at or page.created_at))}"
            sent = self._time(page.sent_at) if page.sent_at is not None else "-"
            rows.append((f"P{page.number}", cell(page.name), cell(page.why), sent, answer))
        return ["## Pages", "", *_table(("Page", "To", "Why", "Sent (UTC)", "Answer"), rows)] if rows else []

    def runs(self) -> list[str]:
        if not self.retro.runs:
            return []
        lines = ["## Runbooks"]
        for run in self.retro.runs:
            lines += [
                "",
                f"### R{run.number} {inline(run.runbook)}: {RUN_WORDS.get(run.state, run.state)}",
                "",
                self._run(run),
            ]
            if run.outcome:
                lines += ["", *_quoted(block(run.outcome))]
            if run.output.strip():
                lines += ["", *code_block(run.output)]
        return lines

    def _run(self, run: Run) -> str:
        parts = [f"Asked for by {inline(run.requested_by)} at {self._time(run.requested_at)} UTC."]
        if run.parameters:
            values = ", ".join(f"{inline(name)} = {inline(value)}" for name, value in run.parameters.items())
            parts.append(f"With {values}.")
        if run.approved_by:
            parts.append(f"Approved by {', '.join(map(inline, run.approved_by))}.")
        if run.started_at is not None and run.finished_at is not None:
            parts.append(f"Took {took(run.finished_at - run.started_at)}.")
        if run.helped is not None:
            parts.append("The alerts cleared in time." if run.helped else "The alerts did not clear in time.")
        return " ".join(parts)

    def actions(self) -> list[str]:
        lines = ["## Actions", ""]
        if not self.retro.actions:
            return [*lines, "None yet. Add one: `/incident retro action add TEXT`"]
        for action in self.retro.actions:
            owner = f" ({inline(action.owner)})" if action.owner else ""
            lines.append(f"- [{'x' if action.done else ' '}] {inline(action.text)}{owner}")
        return lines

    def moods(self) -> list[str]:
        moods = self.retro.moods
        if not moods:
            return []
        rows = [(cell(one.name), one.mood, cell(one.note)) for one in moods]
        return [
            "## Mood",
            "",
            f"How it was for those who took part: {mood_counts(moods)}.",
            "",
            *_table(("Who", "Mood", "Note"), rows),
        ]

    def transcript(self) -> list[str]:
        said = self.retro.transcript
        if not said:
            return []
        lines = [f"## Conversation ({plural(len(said), 'message')}, UTC)"]
        for one in said:
            lines += ["", f"**{self._speaker(one)}** {self._time(one.at)}{' (edited)' if one.edited_at else ''}", ""]
            lines += _quoted(block(one.text))
        return lines

    def _speaker(self, said: Said) -> str:
        return inline(said.name) or ("somebody" if said.by_person else "Muster")

    def foot(self) -> list[str]:
        r = self.retro
        drafted = ""
        if r.drafted_by and r.drafted_at is not None:
            drafted = f" Drafted by {inline(r.drafted_by)}, {_moment(r.drafted_at)}."
        return ["---", "", f"All times are UTC.{drafted} As of {_moment(r.updated_at)}."]


def _moment(at: float, after: float | None = None) -> str:
    """The moment with its zone; only the time where `after` is on the same day."""
    moment = to_datetime(at)
    same_day = after is not None and to_datetime(after).date() == moment.date()
    return moment.strftime("%H:%M UTC" if same_day else "%Y-%m-%d %H:%M UTC")


def _quoted(lines: Iterable[str]) -> list[str]:
    """Lines as a quote; two spaces at an end keep the line break."""
    kept = list(lines)
    last = len(kept) - 1
    return [f"> {line}{'  ' if n < last and kept[n + 1] else ''}" if line else ">" for n, line in enumerate(kept)]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """A table whose cells are escaped already, its columns aligned where they are narrow enough to be read raw."""
    widths = [min(40, max(len(row[n]) for row in (header, *rows))) for n in range(len(header))]
    rule = ["-" * (max(3, width) - 1) + (":" if n in right else "-") for n, width in enumerate(widths)]

    def line(cells: Sequence[str]) -> str:
        padded = (text.rjust(widths[n]) if n in right else text.ljust(widths[n]) for n, text in enumerate(cells))
        return f"| {' | '.join(padded)} |"

    return [line(header), line(rule), *map(line, rows)]


FORMAT = Format(names=("md", "markdown"), media_type="text/markdown; charset=utf-8", render=render)
