"""The one way in for commands: typed, pressed or chosen. A repeat gets the kept reply; a refusal says why; nothing escapes.

What a verb does is its file's; how a reply is drawn is the platform's.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import select

from bot.chat.views import Button, Code, Person, Reply, text
from bot.commands import completion
from bot.commands.completion import Completion
from bot.commands.definition import PREFIX, Context, Permit, Verb
from bot.commands.parsing import Command, MissingIncident, cut, parse
from bot.commands.permissions import may, refusal
from bot.commands.registry import by_name
from bot.commands.services import Services
from bot.commands.values import Reader
from bot.commands.words import cut_text, headline, refused
from bot.errors import Conflict, MusterError, NotAllowed, RequestError, StorageUnavailable, Unavailable, UnknownVerb
from bot.incidents.reference import ref
from bot.storage import tables
from bot.storage.database import Along, Transaction, upsert
from bot.telemetry import get_logger
from bot.turns import Turns

__all__ = ["Completion", "Dispatcher", "Invocation"]

log = get_logger(__name__)

REMEMBERED = 1_000  # replies kept in memory, for repeats of what only reads
OFFERED = 5  # open incidents that are named when none was; a row of buttons has five places
INTERRUPTED = "Muster is at this already, or was interrupted in it. Look before you repeat it: /incident list"
TOLD = Reply(text=("This was answered before.",))  # kept instead of what only reads had to say

_PASSING = {"conflict", "unavailable"}  # a repeat of these may fare better

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Reply).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """Somebody asks for something. `text` is what stands after `/incident` (the prefix may be there too); `incident` is the
    number of the room's incident, None elsewhere; `request_id` is the platform's own id of this request, "" for none; `roles`
    are the ids of the roles that they have on the platform, where it tells; `menu` says that commands are chosen there, not typed.
    """

    text: str
    actor: Person
    platform: str
    room: str = ""
    incident: int | None = None
    request_id: str = ""
    roles: tuple[str, ...] = ()
    menu: bool = False


class Dispatcher:
    """Runs commands and completes them while they are typed."""

    def __init__(self, services: Services, turns: Turns | None = None) -> None:
        self._services, self._turns = services, turns or Turns()
        self._verbs = by_name()
        self._running: dict[str, asyncio.Future[Reply]] = {}
        self._answered: OrderedDict[str, Reply] = OrderedDict()
        self._keeping: set[asyncio.Task[None]] = set()

    async def run(self, invocation: Invocation) -> Reply:
        """Do it and answer. A repeat of somebody's request has no second effect and gets the first one's reply."""
        key = _key(invocation)
        if not key:
            return await self._run(invocation, "")
        if key in self._answered:
            return self._answered[key]
        if key in self._running:
            return await asyncio.shield(self._running[key])
        answer = asyncio.ensure_future(self._run(invocation, key))
        self._running[key] = answer
        answer.add_done_callback(lambda _: self._running.pop(key, None))
        return await asyncio.shield(answer)  # the asker may go away; what was begun is finished

    async def answered(self, invocation: Invocation) -> bool:
        """Whether it was made before, and its answer given or under way: for platforms where the same answer twice is a nuisance.

        What only reads is known after a restart where the platform said that it `told` the answer.
        """
        key = _key(invocation)
        if not key or key in self._answered or key in self._running:
            return bool(key)
        try:
            kept = await self._kept(key)
        except StorageUnavailable:  # the command will say so
            return False
        return kept is not None and kept != refused(INTERRUPTED)

    def told(self, invocation: Invocation) -> None:
        """Its answer was given. Of what only reads nothing else is written down."""
        if key := _key(invocation):
            self._later(self._note_told(key))

    async def _note_told(self, key: str) -> None:
        row = {"request_id": key, "at": self._services.clock.now(), "reply_json": _encode(TOLD).decode()}
        try:
            async with self._services.database.transaction() as work:
                statement = upsert(work.connection, tables.invocations).values(row)
                await work.connection.execute(statement.on_conflict_do_nothing())
        except StorageUnavailable as error:
            log.warning("request_not_kept", reason=str(error))

    async def first(self, platform: str, request_id: str) -> bool:
        """Whether nobody had that before: for what is answered once though it is no command, also after a restart.

        True when the database takes nothing: rather said twice than not at all.
        """
        with self._turns.of_a_person():
            try:
                async with self._services.database.transaction() as work:
                    await _claim(work, f"{platform}::{request_id}", self._services.clock.now())
            except _TakenError:
                return False
            except StorageUnavailable as error:
                log.warning("request_not_kept", reason=str(error))
        return True

    async def close(self) -> None:
        """Wait until every answer is kept."""
        await asyncio.gather(*self._keeping)

    async def complete(
        self, line: str, actor: Person, incident: int | None, *, platform: str = "", roles: tuple[str, ...] = ()
    ) -> tuple[int, list[Completion]]:
        """What may stand where `line` ends: the index in it from which a value replaces, and the values."""
        permit = self._permit(actor, platform, roles)
        return await completion.complete(line, self._services, permit, self._verbs, incident)

    async def _run(self, invocation: Invocation, key: str) -> Reply:
        with self._turns.of_a_person():
            return await self._timed(invocation, key)

    async def _timed(self, invocation: Invocation, key: str) -> Reply:
        started = time.perf_counter()
        verb, outcome, incident = self._name(invocation.text), "answered", invocation.incident
        try:
            command = self._read(invocation)
            incident = command.incident if command.incident is not None else incident
            await self._admit(invocation, command)
            reply, outcome = await self._answer(invocation, command, key)
        except MissingIncident as error:
            reply, outcome = await self._which(invocation, error.verb, " ".join(error.path)), "refused"
        except RequestError as error:
            reply, outcome = refused(error.public), "refused"
        except Conflict:
            reply, outcome = refused("Somebody changed it at the same moment. Nothing was done; try again."), "conflict"
        except StorageUnavailable as error:
            seconds = f"{error.retry_after:.0f} s"
            reply, outcome = refused(f"The database takes nothing just now. Try again in {seconds}."), "unavailable"
        except Unavailable as error:
            reply, outcome = refused(error.public), "unavailable"
        except MusterError as error:
            reply, outcome = refused(error.public), "failed"
        except Exception:  # named place: the one who asked gets an answer, the operator a trace, the process lives on
            code = secrets.token_hex(3)
            log.exception("command_failed", verb=verb, ref=code)
            self._services.metrics.failures.labels("commands").inc()
            reply = refused(
                f"Something went wrong here (ref {code}). Before you try again, see what stands: /incident list"
            )
            outcome = "failed"
        if key and outcome not in _PASSING:
            self._answered[key] = reply
            while len(self._answered) > REMEMBERED:
                self._answered.popitem(last=False)
        seconds_taken = time.perf_counter() - started
        self._services.metrics.commands.labels(verb, outcome).inc()
        self._services.metrics.command_seconds.observe(seconds_taken)
        log.info(
            "command_answered",
            verb=verb,
            outcome=outcome,
            incident=ref(incident) if incident is not None else None,
            platform=invocation.platform,
            actor=invocation.actor.id,
            ms=round(seconds_taken * 1000, 1),
        )
        return reply

    def _name(self, line: str) -> str:
        """The verb's name, for figures and logs."""
        try:
            return " ".join(cut(line, self._verbs).path)
        except UnknownVerb:
            return "unknown"

    def _read(self, invocation: Invocation) -> Command:
        catalog = self._services.catalog()
        reader = Reader(catalog=catalog, actor=invocation.actor, platform=invocation.platform, verbs=self._verbs)
        words = cut(invocation.text, self._verbs)  # first: what one may not do has no mistakes to learn about
        permit = self._permit(invocation.actor, invocation.platform, invocation.roles)
        if not (self._verbs[words.path[0]].may(permit) and may(words.path, words.verb, permit)):
            raise NotAllowed(refusal(words.path, permit))
        return parse(invocation.text, self._verbs, reader, invocation.incident)

    def _permit(self, actor: Person, platform: str, roles: tuple[str, ...]) -> Permit:
        catalog = self._services.catalog()
        teams = catalog.teams_by_roles(platform, roles) if roles else frozenset[str]()
        return Permit(actor=actor, catalog=catalog, at=self._services.clock.now(), teams=teams, platform=platform)

    async def _answer(self, invocation: Invocation, command: Command, key: str) -> tuple[Reply, str]:
        if not key or command.verb.reads:
            reply = await command.verb.handler(self._context(invocation, command))
            return reply, _outcome(reply)
        kept = await self._kept(key)
        if kept is not None:
            return kept, "repeated"
        claim = Along(lambda work: _claim(work, key, self._services.clock.now()))
        try:
            with claim:
                reply = await command.verb.handler(self._context(invocation, command))
        except _TakenError:
            return await self._kept(key) or refused(INTERRUPTED), "repeated"
        except RequestError as error:
            self._keep_later(key, refused(error.public))  # a repeat is told the same
            raise
        except (Conflict, Unavailable):
            if claim.done:  # only a part was done: it may be asked for again
                await self._release(key)
            raise
        self._keep_later(key, reply)
        return reply, _outcome(reply)

    def _context(self, invocation: Invocation, command: Command) -> Context:
        return Context(
            services=self._services,
            actor=invocation.actor,
            platform=invocation.platform,
            room=invocation.room,
            at=self._services.clock.now(),
            values=command.values,
            number=command.incident,
            verbs=self._verbs,
            teams=self._permit(invocation.actor, invocation.platform, invocation.roles).teams,
            menu=invocation.menu,
        )

    async def _kept(self, key: str) -> Reply | None:
        """The reply to a request that somebody made before; None when nobody did."""
        replies = tables.invocations.c
        async with self._services.database.reading() as connection:
            found = await connection.execute(select(replies.reply_json).where(replies.request_id == key))
            kept = found.scalar()
        return None if kept is None else _decode(kept) if kept else refused(INTERRUPTED)

    def _keep_later(self, key: str, reply: Reply) -> None:
        """Nobody waits for that: until it is written, this process remembers."""
        self._later(self._keep(key, reply))

    def _later(self, write: Coroutine[Any, Any, None]) -> None:
        keeping = asyncio.create_task(write)
        self._keeping.add(keeping)
        keeping.add_done_callback(self._keeping.discard)

    async def _keep(self, key: str, reply: Reply) -> None:
        try:
            async with self._services.database.transaction() as work:
                row = {"request_id": key, "at": self._services.clock.now(), "reply_json": _encode(reply).decode()}
                statement = upsert(work.connection, tables.invocations).values(row)
                changed = {"reply_json": statement.excluded.reply_json}
                await work.connection.execute(
                    statement.on_conflict_do_update(index_elements=["request_id"], set_=changed)
                )
        except StorageUnavailable as error:  # the thing is done; only its answer will not outlive us
            log.warning("reply_not_kept", reason=str(error))

    async def _release(self, key: str) -> None:
        requests = tables.invocations
        try:
            async with self._services.database.transaction() as work:
                await work.connection.execute(requests.delete().where(requests.c.request_id == key))
        except StorageUnavailable:
            log.warning("request_not_released")

    async def _admit(self, invocation: Invocation, command: Command) -> None:
        """A private incident is not for those outside its room who take no part in it, whichever word of the command names it.

        NotAllowed, which tells nothing of it.
        """
        named = command.incidents - {invocation.incident}
        if not named:
            return
        hidden = named & await self._services.hidden_from(invocation.platform, invocation.actor.id)
        if hidden:
            raise NotAllowed(
                f"{ref(min(hidden))} is private: ask somebody who takes part in it to invite you to its room."
            )

    async def _which(self, invocation: Invocation, verb: Verb, name: str) -> Reply:
        """No incident was named and the room has none: which there are, and how to name one."""
        try:
            hidden = await self._services.hidden_from(invocation.platform, invocation.actor.id)
            found = await self._services.incidents.open_ones(OFFERED + 1, hidden=hidden)
        except StorageUnavailable as error:
            return refused(error.public)
        if not found:
            return Reply(
                text=text(
                    "No incident is open, and none was named. One that is over is named by its number: ", Code("INC-42")
                ),
                private=True,
                failed=True,
            )
        lines = tuple(headline(incident) for incident in found[:OFFERED])
        more = (("More: ", Code("/incident list")),) if len(found) > OFFERED else ()
        needed = [argument.usage for argument in verb.positional if argument.required]
        buttons = tuple(
            Button(label=cut_text(f"{name} {incident.ref}", 40), command=f"{name} {incident.ref}")
            for incident in found[:OFFERED]
            if not needed
        )
        example = Code(" ".join((PREFIX, name, found[0].ref, *needed)))
        return Reply(
            text=text("Which incident? Name it: ", example), details=(*lines, *more), buttons=buttons, failed=True
        )


def _key(invocation: Invocation) -> str:
    """By which a repeat of somebody's request is known; "" where the platform gave it no id."""
    return invocation.request_id and f"{invocation.platform}:{invocation.actor.id}:{invocation.request_id}"


class _TakenError(Exception):
    """Somebody else has the request."""


async def _claim(work: Transaction, key: str, at: float) -> None:
    """Take the request for ourselves; without a reply it is under way, or was interrupted."""
    statement = upsert(work.connection, tables.invocations).values(request_id=key, at=at, reply_json="")
    if not (await work.connection.execute(statement.on_conflict_do_nothing())).rowcount:
        raise _TakenError


def _outcome(reply: Reply) -> str:
    return "failed" if reply.failed else "answered"
