"""Runs and approvals as rows; every change of a run's state is by compare-and-set. No rule of theirs is here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import NotFound
from bot.runbooks.model import Decision, Run, RunState
from bot.storage import tables
from bot.storage.database import Transaction, upsert

__all__ = ["add", "change", "decide", "get", "in_state", "keep_output", "keep_verdict", "last_start", "of_incident"]

_runs, _approvals = tables.runs, tables.approvals


async def add(
    work: Transaction,
    *,
    incident: int,
    runbook: str,
    parameters: Mapping[str, str],
    by: str,
    at: float,
    state: RunState,
    plan: Sequence[str],
    expires_at: float | None,
) -> Run:
    """A new run."""
    result = await work.connection.execute(
        insert(_runs).values(
            incident=incident,
            runbook=runbook,
            parameters_json=msgspec.json.encode(dict(parameters)).decode(),
            requested_by=by,
            requested_at=at,
            expires_at=expires_at,
            state=state,
            plan_json=msgspec.json.encode(list(plan)).decode(),
            started_at=at if state == "running" else None,
        )
    )
    work.announce("run", incident=incident)
    return await get(work.connection, int(result.inserted_primary_key[0]))  # type: ignore[index]  # always there


async def change(work: Transaction, run: Run, to: RunState, *, states: Sequence[RunState], **values: Any) -> bool:
    """Change the state if it is still one of `states`; False when somebody was faster."""
    statement = update(_runs).where(_runs.c.id == run.id, _runs.c.state.in_(states)).values(state=to, **values)
    changed = bool((await work.connection.execute(statement)).rowcount)
    if changed:
        work.announce("run", incident=run.incident)
    return changed


async def keep_output(work: Transaction, run: Run, output: str) -> None:
    """What it printed so far."""
    await work.connection.execute(
        update(_runs).where(_runs.c.id == run.id, _runs.c.state == "running").values(output=output)
    )


async def keep_verdict(work: Transaction, run: Run, *, helped: bool) -> None:
    """Whether it helped."""
    await work.connection.execute(update(_runs).where(_runs.c.id == run.id).values(helped=helped))
    work.announce("run", incident=run.incident)


async def decide(work: Transaction, run: Run, person: str, at: float, *, approved: bool) -> bool:
    """Keep somebody's decision; False when they had decided before."""
    statement = upsert(work.connection, _approvals).values(run=run.id, person=person, approved=approved, at=at)
    return bool((await work.connection.execute(statement.on_conflict_do_nothing())).rowcount)


async def get(connection: AsyncConnection, run: int) -> Run:
    """The run of that number; NotFound when there is none."""
    row = (await connection.execute(select(_runs).where(_runs.c.id == run))).first()
    if row is None:
        raise NotFound(f"There is no run R{run}. All runs: /incident runbook status")
    return (await _with_decisions(connection, [row]))[0]


async def of_incident(connection: AsyncConnection, incident: int, *, states: Sequence[RunState] = ()) -> list[Run]:
    """The incident's runs, oldest first."""
    query = select(_runs).where(_runs.c.incident == incident).order_by(_runs.c.id)
    if states:
        query = query.where(_runs.c.state.in_(states))
    return await _with_decisions(connection, list(await connection.execute(query)))


async def in_state(connection: AsyncConnection, state: RunState) -> list[Run]:
    """All runs in this state, oldest first."""
    query = select(_runs).where(_runs.c.state == state).order_by(_runs.c.id)
    return await _with_decisions(connection, list(await connection.execute(query)))


async def last_start(connection: AsyncConnection, runbook: str) -> float | None:
    """When the runbook last began to run, in any incident."""
    query = select(func.max(_runs.c.started_at)).where(_runs.c.runbook == runbook)
    started: float | None = (await connection.execute(query)).scalar()
    return started


async def _with_decisions(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[Run]:
    if not rows:
        return []
    decisions: dict[int, list[Decision]] = {}
    query = select(_approvals).where(_approvals.c.run.in_([row.id for row in rows])).order_by(_approvals.c.at)
    for found in await connection.execute(query):
        decisions.setdefault(found.run, []).append(Decision(person=found.person, approved=found.approved, at=found.at))
    return [_run(row, decisions.get(row.id, [])) for row in rows]


def _run(row: Row[Any], decisions: Sequence[Decision]) -> Run:
    values = dict(row._mapping)
    values["parameters"] = msgspec.json.decode(values.pop("parameters_json"))
    values["plan"] = tuple(msgspec.json.decode(values.pop("plan_json")))
    return Run(**values, decisions=tuple(decisions))
