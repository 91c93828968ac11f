"""Fills a runbook in for an incident and somebody who asks, and puts what it would do in words. Nothing is run or written here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.catalog.catalog import Catalog
from bot.catalog.model import Runbook, Who
from bot.catalog.suggestions import did_you_mean
from bot.chat.harmless import harmless
from bot.chat.views import Person
from bot.errors import BadArguments, NotFound
from bot.incidents import store
from bot.incidents.model import Incident
from bot.runbooks import context
from bot.runbooks.action import Action
from bot.runbooks.filling import FilledStep, fill, parameter_values

__all__ = ["Policies", "Prepared", "Preparing", "shown"]

LONGEST_WORDS = 20_000  # characters of one step's words; what is approved must be seen whole


class Policies(Protocol):
    """Whom the catalogue's policies mean; `bot.responders.recipients` is one."""

    def is_one_of(
        self,
        catalog: Catalog,
        whos: Sequence[Who],
        person: str,
        incident: Incident,
        at: float,
        teams: Collection[str] = (),
    ) -> bool:
        """Whether the person is among them; `teams` are those that they count as of, members or not."""
        ...

    def whom(self, catalog: Catalog, whos: Sequence[Who], incident: Incident) -> str:
        """Who they are, as one says it."""
        ...

    def main_service(self, catalog: Catalog, incident: Incident) -> str:
        """The incident's most important service, or ""."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A runbook filled in for an incident and somebody who asks."""

    incident: Incident
    runbook: Runbook
    parameters: Mapping[str, str]
    steps: Sequence[FilledStep]
    plan: tuple[str, ...]


class Preparing:
    """Prepares runbooks by what the catalogue says now."""

    def __init__(self, catalog: Callable[[], Catalog], policies: Policies, actions: Mapping[str, Action]) -> None:
        self._catalog, self._policies, self._actions = catalog, policies, actions

    async def prepare(
        self, connection: AsyncConnection, number: int, name: str, values: Mapping[str, str], by: Person
    ) -> Prepared:
        """NotFound for a runbook or an incident that does not exist, BadArguments when it cannot be filled in."""
        catalog = self._catalog()
        runbook = catalog.runbooks.get(name)
        if runbook is None:
            if not catalog.runbooks:
                raise NotFound("There are no runbooks: the catalogue has none.")
            raise NotFound(f'No runbook "{name}"{did_you_mean(name, catalog.runbooks)}.')
        incident = await store.load(connection, number)
        alerts = await context.alerts_of(connection, number)
        service = self._policies.main_service(catalog, incident)
        names = context.template_values(runbook, incident, alerts, service, by)
        parameters = parameter_values(runbook, values, names)
        steps = fill(runbook, parameters, names)
        plan = tuple(self._shown(runbook, step) for step in steps)
        return Prepared(incident=incident, runbook=runbook, parameters=parameters, steps=steps, plan=plan)

    def _shown(self, runbook: Runbook, step: FilledStep) -> str:
        try:
            return shown(step, self._actions)
        except KeyError:
            raise NotFound(f'{runbook.id} uses the action "{step.action}", which does not exist.') from None
        except ValueError as error:  # pydantic's: the filled arguments are not what the action takes
            raise BadArguments(f"{runbook.id} cannot be filled in: {_first_problem(error)}") from None


def _first_problem(error: ValueError) -> str:
    problems: Any = getattr(error, "errors", None)
    if problems is None:
        return str(error)
    first = problems(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")


def shown(step: FilledStep, actions: Mapping[str, Action]) -> str:
    """What a step will do, in words, a command of several lines as it is; secrets stand as `${env:NAME}`."""
    action = actions[step.action]
    arguments = action.parameters.validate_python(step.shown())
    reads = " (only reads)" if action.risk(arguments) == "low" else ""
    words = f"{step.title or step.action}: {action.describe(arguments)}{reads}"
    return harmless(words, LONGEST_WORDS).strip()
