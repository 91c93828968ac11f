"""The use cases of retrospectives: draft, add an action, tell how it was, export. A draft keeps its own copy of what it tells.

How a format looks does not enter here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.harmless import one_line
from bot.chat.views import Code, Link, Notice, Person, Span, Strong, Text, text
from bot.clock import Clock, duration
from bot.errors import BadArguments, Conflict, InvalidTransition, NotFound
from bot.incidents import store, timeline
from bot.incidents.announcements import Announcements
from bot.incidents.reference import ref
from bot.retros.formats import discover, format_names
from bot.retros.gathering import Authors, gather
from bot.retros.model import MOODS, Action, Mood, Retro, decode_retro, encode_retro
from bot.storage import tables
from bot.storage.database import Database, Transaction, upsert
from correlation.words import plural

__all__ = ["Download", "Rendered", "Retros", "kept", "key_figures", "rendered"]

TEXT_LENGTH = 1000  # characters of an action or a note
ACTIONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A retrospective written down."""

    filename: str
    media_type: str
    body: bytes


Download = Callable[[str, str, str], str]
"""The address of a retrospective as a file: incident, format, and the platform whose readers are to reach it ("" for all);
"" where they cannot."""


def _nowhere(_ref: str, _form: str, _platform: str) -> str:
    return ""


class Retros:
    """The use cases. Each is one transaction; whoever may ask is the caller's to know."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announcements: Announcements,
        *,
        person: Callable[[str], Person],
        author: Authors,
        download: Download = _nowhere,
    ) -> None:
        self._database, self._clock, self._announcements = database, clock, announcements
        self._person, self._author, self._download = person, author, download

    def downloads(self, ref: str, platform: str = "", form: str = "") -> Text:
        """Links to the retrospective as a file, in each format or in this one; none where a platform's readers reach none."""
        found = discover()
        forms = {known.extension: known for known in ([found[form]] if form in found else found.values())}
        spans: list[Span] = []
        for extension, known in sorted(forms.items(), key=lambda item: item[0] != "md"):  # what people read, first
            if url := self._download(ref, extension, platform):
                spans += [", "] if spans else []
                spans.append(Link(f"Download {known.title}", url))
        return tuple(spans)

    async def get(self, number: int) -> Retro:
        """The draft as it is kept, or what a draft would hold now. NotFound when there is no such incident."""
        async with self._database.reading() as connection:
            return await kept(connection, number) or await self._fresh(connection, number, self._clock.now())

    async def draft(self, number: int, by: Person) -> Retro:
        """Write the retrospective from what is known now, or bring it up to date; tells the room the key figures.

        Actions and moods stay; messages that are no longer kept elsewhere stay too. InvalidTransition for a merged incident.
        """
        at = self._clock.now()
        fresh = await self._gather(number, at)
        async with self._database.transaction() as work:
            before = await kept(work.connection, number)
            if before is not None:
                before = await _without_taken_back(work.connection, before)
            retro = _updated(before, fresh, by, at)
            await _keep(work, retro, by, at)
            if before is None:
                words = f"Retrospective drafted by {by.name}"
                await timeline.append(work, number, at, "retro", by, words)
            notice = _notice(retro, by, self.downloads(retro.ref), first=before is None)
            await self._announcements.say(work, number, notice, at)
        return retro

    async def add_action(self, number: int, text: str, by: Person, owner: Person | None = None) -> Action:
        """Note something to do. BadArguments without words; drafts the retrospective where there is none."""
        words = one_line(text, TEXT_LENGTH)
        if not words:
            raise BadArguments("An action needs words: /incident retro action add alert on queue length")

        def add(retro: Retro, at: float) -> Retro:
            if len(retro.actions) >= ACTIONS:
                raise InvalidTransition(f"{retro.ref} has {ACTIONS} actions already. Nobody will do more.")
            number = max((action.number for action in retro.actions), default=0) + 1
            action = Action(number=number, text=words, owner=owner.name if owner else "", by=by.name, at=at)
            return msgspec.structs.replace(retro, actions=(*retro.actions, action))

        retro = await self._change(number, by, add)
        return retro.actions[-1]

    async def finish_action(self, number: int, action: int, by: Person) -> Action:
        """It is done. NotFound when there is no such action."""

        def finish(retro: Retro, _at: float) -> Retro:
            if all(known.number != action for known in retro.actions):
                raise NotFound(f"{retro.ref} has no action {action}. Its actions: /incident retro")
            done = (msgspec.structs.replace(a, done=True) if a.number == action else a for a in retro.actions)
            return msgspec.structs.replace(retro, actions=tuple(done))

        retro = await self._change(number, by, finish)
        return next(known for known in retro.actions if known.number == action)

    async def set_mood(self, number: int, mood: str, by: Person, note: str = "") -> Mood:
        """How it was for somebody: one word of MOODS; said again, it replaces the former."""
        word = mood.strip().lower()
        if word not in MOODS:
            raise BadArguments(
                f"How was it: {', '.join(MOODS)}? For example: /incident retro mood mixed paged too late"
            )

        def say(retro: Retro, at: float) -> Retro:
            own = Mood(person=by.id, name=by.name, mood=word, note=one_line(note, TEXT_LENGTH), at=at)
            others = (known for known in retro.moods if known.person != by.id)
            return msgspec.structs.replace(retro, moods=(*others, own))

        retro = await self._change(number, by, say)
        return retro.moods[-1]

    async def render(self, number: int, form: str) -> Rendered:
        """The retrospective in a format: `md`, `json`, ... BadArguments names those there are."""
        return rendered(await self.get(number), form)

    async def _gather(self, number: int, at: float) -> Retro:
        async with self._database.reading() as connection:
            incident = await store.load(connection, number)
            if incident.merged_into is not None:
                into = ref(incident.merged_into)
                raise InvalidTransition(
                    f"{incident.ref} was merged into {into}; its retrospective is that one's: retro {into}"
                )
            return await self._fresh(connection, number, at)

    async def _fresh(self, connection: AsyncConnection, number: int, at: float) -> Retro:
        return await gather(connection, number, at, name=lambda key: self._person(key).name, author=self._author)

    async def _change(self, number: int, by: Person, change: Callable[[Retro, float], Retro]) -> Retro:
        at = self._clock.now()
        async with self._database.reading() as connection:
            drafted = await kept(connection, number) is not None
        fresh = None if drafted else await self._gather(number, at)
        async with self._database.transaction() as work:
            retro = await kept(work.connection, number)
            if retro is None:
                if fresh is None:
                    raise Conflict
                retro = _updated(None, fresh, by, at)
            retro = change(retro, at)
            await _keep(work, retro, by, at)
        return retro


def rendered(retro: Retro, form: str) -> Rendered:
    """The retrospective in a format. BadArguments names those there are."""
    found = discover().get(form.strip().lower())
    if found is None:
        raise BadArguments(f'No format "{one_line(form, 40)}". There are: {", ".join(format_names())}')
    folded = unicodedata.normalize("NFKD", retro.title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:60].strip("-")
    name = f"{retro.ref}-{slug}" if slug else retro.ref
    return Rendered(filename=f"{name}.{found.extension}", media_type=found.media_type, body=found.render(retro))


_FIGURE_WORDS = {
    "time_to_declare": "{}declared",
    "time_to_acknowledge": "{}acknowledged",
    "time_to_mitigate": "{}mitigated",
    "time_to_clear": "alerts {}clear",
    "time_to_resolve": "{}resolved",
}


def key_figures(retro: Retro) -> tuple[Text, ...]:
    """The figures as a line for a chat; what each measures exactly stands in the retrospective."""
    if not retro.figures:
        return ()
    alerted = any(figure.key == "time_to_declare" for figure in retro.figures)
    spans: list[Span] = ["From the first alert: " if alerted else "From its declaration: "]
    for index, figure in enumerate(retro.figures):
        spans.append(", " if index else "")
        words = _FIGURE_WORDS.get(figure.key, f"{{}}{figure.name}")
        if figure.seconds is not None:
            spans += [f"{words.format('')} after ", Strong(duration(figure.seconds))]
        else:
            spans.append(words.format("never ") if retro.over else f"{words.format('')} not yet")
    return (text(*spans, "."),)


def _notice(retro: Retro, by: Person, downloads: Text, *, first: bool) -> Notice:
    told = [
        f"{plural(len(retro.timeline), 'line')} of timeline" if retro.timeline else "",
        plural(len(retro.transcript), "message") if retro.transcript else "",
        f"{len(retro.people)} people" if len(retro.people) > 1 else "",
        plural(len(retro.runs), "runbook") if retro.runs else "",
    ]
    holds = ", ".join(part for part in told if part)
    exports = [span for name in format_names() for span in (", ", Code(f"/incident retro export {name}"))][1:]
    return Notice(
        text=text(
            "Retrospective ", "drafted" if first else "brought up to date", " by ", by, f": {holds}." if holds else "."
        ),
        details=(
            *key_figures(retro),
            *((text("What to do next time: ", Code("/incident retro action add TEXT")),) if first else ()),
            downloads or text("Export: ", *exports),
        ),
        tone="good",
    )


def _updated(before: Retro | None, fresh: Retro, by: Person, at: float) -> Retro:
    if before is None:
        return msgspec.structs.replace(fresh, drafted_by=by.name, drafted_at=at)
    said = {one.id: one for one in (*before.transcript, *fresh.transcript)}
    known = sum(one.alerts for one in fresh.services if one.first_at is not None)
    services = fresh.services if known or not before.services else before.services
    suspects = fresh.suspects
    if any(one.at is None for one in suspects):  # their changes are forgotten; the copy is not
        copies = {one.id: one for one in before.suspects}
        suspects = tuple(one if one.at is not None else copies.get(one.id, one) for one in suspects)
    return msgspec.structs.replace(
        fresh,
        services=services,
        suspects=suspects,
        transcript=tuple(sorted(said.values(), key=lambda one: (one.at, one.id))),
        actions=before.actions,
        moods=before.moods,
        drafted_by=before.drafted_by,
        drafted_at=before.drafted_at,
    )


async def kept(connection: AsyncConnection, number: int) -> Retro | None:
    """The draft of an incident, where there is one."""
    query = select(tables.retros.c.data_json).where(tables.retros.c.incident == number)
    data = (await connection.execute(query)).scalar()
    return None if data is None else decode_retro(data)


async def _without_taken_back(connection: AsyncConnection, retro: Retro) -> Retro:
    """Without what people took back since: the copies of it go, too."""
    if not retro.transcript:
        return retro
    ids, m = [said.id for said in retro.transcript], tables.messages.c
    query = select(m.id).where(m.id.between(min(ids), max(ids)), m.taken_back_at.is_not(None))
    gone = set((await connection.execute(query)).scalars())
    return msgspec.structs.replace(retro, transcript=tuple(said for said in retro.transcript if said.id not in gone))


async def _keep(work: Transaction, retro: Retro, by: Person, at: float) -> None:
    statement = upsert(work.connection, tables.retros).values(
        incident=retro.number, created_at=at, created_by=by.id, updated_at=at, data_json=encode_retro(retro)
    )
    await work.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["incident"],
            set_={"updated_at": statement.excluded.updated_at, "data_json": statement.excluded.data_json},
        )
    )
    work.announce("incident", number=retro.number)
