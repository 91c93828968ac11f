"""What a verb is: one definition that the parser, the help, completion and the platforms' menus are all made from.

No verb is known here by name, and nothing is parsed or done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.catalog.catalog import Catalog
from bot.chat.views import Person, Reply
from bot.commands.services import Services
from bot.errors import BadArguments
from bot.incidents.events import SeverityLevel
from bot.incidents.model import Incident
from bot.incidents.reference import ref
from correlation.matchers import Matchers

__all__ = [
    "PREFIX",
    "Argument",
    "Context",
    "Family",
    "Handler",
    "Kind",
    "Permit",
    "Scope",
    "Target",
    "Values",
    "Verb",
    "everybody",
]

PREFIX = "/incident"  # what people type before a verb


class Kind(StrEnum):
    """What an argument is; decides how it is read, completed and offered by the platforms."""

    TEXT = "text"
    WORD = "word"
    PERSON = "person"
    TARGET = "target"  # a person, a service or a team
    SERVICE = "service"
    SUSPECT = "suspect"  # a service, or whatever else the incident may come from
    INCIDENT = "incident"
    DURATION = "duration"
    INTEGER = "integer"
    SEVERITY = "severity"
    CHOICE = "choice"
    RUNBOOK = "runbook"
    RUN = "run"  # R5
    SILENCE = "silence"  # S3
    PAGE = "page"  # P9
    MATCHERS = "matchers"
    ALERTS = "alerts"  # A17 A18
    KEY_VALUES = "key_values"
    FLAG = "flag"  # --all
    FORMAT = "format"  # of a retrospective
    VERB = "verb"


class Scope(StrEnum):
    """Whether a verb is about an incident: in its room it is implied, elsewhere it is named (INC-42)."""

    NONE = "none"
    OPTIONAL = "optional"
    INCIDENT = "incident"


class Family(StrEnum):
    """What belongs together in the help and in the platforms' menus."""

    RESPOND = "respond"
    LOOK = "look"
    PEOPLE = "people"
    FIX = "fix"
    NOISE = "noise"
    AFTERWARDS = "afterwards"
    HELP = "help"


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One argument. `rest` takes all the words that are left; arguments after it are read from the end.

    `choices` are for CHOICE; `offers` are what completion proposes for a WORD that may be any; a `named` one is typed as
    --name VALUE. `help` is a few words, below a platform's 100 characters.
    """

    name: str
    kind: Kind
    help: str
    required: bool = False
    rest: bool = False
    choices: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    named: bool = False

    @property
    def usage(self) -> str:
        """How the help writes it: NAME where it is needed, [name] where it may be left out."""
        if self.kind is Kind.FLAG:
            return f"[--{self.name}]"
        if self.named:
            return f"[--{self.name} {self.kind.value.upper()}]"
        more = "..." if self.kind in {Kind.ALERTS, Kind.MATCHERS} else ""
        word = "key=value ..." if self.kind is Kind.KEY_VALUES else "|".join(self.choices) or self.name + more
        return (word if self.choices else word.upper()) if self.required else f"[{word}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom `page` means."""

    kind: str  # person | service | team
    id: str
    person: Person | None = None


@dataclass(frozen=True, slots=True)
class Values:
    """The arguments as read, by name; a name that was not given answers None, "" or False."""

    given: Mapping[str, object] = field(default_factory=dict)

    def text(self, name: str) -> str:
        value = self.given.get(name)
        return value if isinstance(value, str) else ""

    def flag(self, name: str) -> bool:
        return bool(self.given.get(name))

    def integer(self, name: str) -> int | None:
        value = self.given.get(name)
        return value if isinstance(value, int) else None

    def seconds(self, name: str) -> float | None:
        value = self.given.get(name)
        return value if isinstance(value, float) else None

    def person(self, name: str) -> Person | None:
        value = self.given.get(name)
        return value if isinstance(value, Person) else None

    def target(self, name: str) -> Target | None:
        value = self.given.get(name)
        return value if isinstance(value, Target) else None

    def severity(self, name: str) -> SeverityLevel | None:
        match self.given.get(name):
            case ("SEV1" | "SEV2" | "SEV3" | "SEV4") as level:
                return level
            case _:
                return None

    def matchers(self, name: str) -> Matchers:
        value = self.given.get(name)
        return value if isinstance(value, Matchers) else Matchers()

    def numbers(self, name: str) -> tuple[int, ...]:
        value = self.given.get(name)
        return value if isinstance(value, tuple) else ()

    def pairs(self, name: str) -> dict[str, str]:
        value = self.given.get(name)
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Who asks, when, and in which organisation: all that a permission may look at.

    `teams` are those that they count as of by roles on their platform, besides those that they are members of.
    """

    actor: Person
    catalog: Catalog
    at: float = 0.0
    teams: frozenset[str] = frozenset()
    platform: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a handler works with. `number` is the incident where the verb's scope has one; `menu`: commands are chosen from one."""

    services: Services
    actor: Person
    platform: str
    room: str
    at: float
    values: Values
    number: int | None
    verbs: Mapping[str, Verb]
    teams: frozenset[str] = frozenset()
    menu: bool = False

    @property
    def incident(self) -> int:
        """The incident's number, for verbs whose scope is an incident."""
        if self.number is None:
            raise BadArguments("Name the incident: INC-42.")
        return self.number

    @property
    def ref(self) -> str:
        """INC-42."""
        return ref(self.incident)

    @property
    def permit(self) -> Permit:
        """The same asker, for permissions."""
        return Permit(actor=self.actor, catalog=self.services.catalog(), at=self.at, teams=self.teams)

    def name(self, person: str | None) -> str:
        """The name that people read for an id; "" for nobody."""
        return self.services.person(person).name if person else ""

    async def hidden(self) -> set[int]:
        """Incidents that whoever asks here is not told of."""
        return await self.services.hidden_from(self.platform, self.actor.id)

    async def load(self) -> Incident:
        """The incident as it is now; NotFound when there is none."""
        return await self.services.incidents.get(self.incident)


Handler = Callable[[Context], Awaitable[Reply]]
Permission = Callable[[Permit], bool]


def everybody(_permit: Permit) -> bool:
    """Whoever is in the room."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A verb. With `subverbs` the next word may name one of them (`runbook run`); without one the verb itself is meant.

    `examples` are whole lines without the prefix; the first is what errors show. `reads` says that nothing is changed.
    `menu` is where it stands in menus of two levels, and can be typed too: "silence add"; by default its own name, a subverb in
    the group of its verb; "" where something else of the same meaning stands there.
    """

    name: str
    summary: str
    family: Family
    handler: Handler
    aliases: tuple[str, ...] = ()
    arguments: tuple[Argument, ...] = ()
    scope: Scope = Scope.NONE
    examples: tuple[str, ...] = ()
    details: str = ""
    may: Permission = everybody
    reads: bool = False
    menu: str | None = None
    subverbs: tuple[Verb, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The name and its other forms."""
        return (self.name, *self.aliases)

    @property
    def positional(self) -> tuple[Argument, ...]:
        """The arguments that are told by their place."""
        return tuple(argument for argument in self.valued if not argument.named)

    @property
    def named(self) -> tuple[Argument, ...]:
        """The arguments that are typed as --name VALUE."""
        return tuple(argument for argument in self.valued if argument.named)

    @property
    def valued(self) -> tuple[Argument, ...]:
        """The arguments that are not flags."""
        return tuple(argument for argument in self.arguments if argument.kind is not Kind.FLAG)

    @property
    def flags(self) -> tuple[Argument, ...]:
        """The arguments that are typed as --name."""
        return tuple(argument for argument in self.arguments if argument.kind is Kind.FLAG)

    def sub(self, word: str) -> Verb | None:
        """The subverb of that name."""
        return next((sub for sub in self.subverbs if word.lower() in sub.names), None)

    def usage(self, before: str = "") -> str:
        """`severity LEVEL`, as the help writes it; `before` is the verb that this one is a part of."""
        parts = [before, self.name, *(argument.usage for argument in self.arguments)]
        if self.subverbs and not any(argument.required for argument in self.arguments):
            parts.insert(2, f"[{'|'.join(sub.name for sub in self.subverbs)}]")
        return " ".join(part for part in parts if part)

    @property
    def example(self) -> str:
        """What to type, with the prefix."""
        return f"{PREFIX} {self.examples[0] if self.examples else self.name}"
