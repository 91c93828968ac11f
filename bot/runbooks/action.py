"""What a runbook's step can do: a name, what its key in the catalogue holds, its risk, its words for a dry run, and its running.

Actions get finished values: templates, parameters and secrets are filled in before. They never talk to a chat or a database.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

__all__ = ["Action", "Context", "Risk"]

Risk = Literal["low", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a running action may know besides its arguments: its step's timeout in seconds."""

    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One file of `bot.runbooks.actions` holds one of these as `ACTION`, named like the file.

    `run` yields output as it comes and returns when the step succeeded; a step that failed raises `bot.errors.Permanent`
    with the reason. It is closed when the step takes too long or is cancelled, and then leaves nothing running.
    `describe` and `risk` see arguments in which secrets stand as `${env:NAME}`.
    """

    name: str
    parameters: TypeAdapter[Any]
    risk: Callable[[Any], Risk]
    describe: Callable[[Any], str]
    run: Callable[[Any, Context], AsyncGenerator[str, None]]
