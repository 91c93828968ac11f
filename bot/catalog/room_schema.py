"""The rooms of incidents as operators write them: how they are called, who may see them, what they are on each platform."""

from __future__ import annotations

from string import Formatter
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bot.catalog.fields import AccountId, Duration, Entry
from bot.catalog.model import IncidentSeverity

__all__ = ["RoomsModel"]


class DiscordRoomsModel(Entry):
    """What the room of an incident is on Discord."""

    kind: Literal["channel", "forum", "thread"] = Field(
        "channel", description="A channel in a category, a post of a forum, or a thread of a channel."
    )
    channel: Annotated[str, Field(pattern=r"^([1-9][0-9]{14,19})?$")] = Field(
        "", description="The id of the forum, or of the channel that has the threads.", examples=["1180351110224678912"]
    )
    category: Annotated[str, Field(min_length=1, max_length=90)] = Field(
        "Incidents", description="Where channels are made. A full one is followed by another: Incidents 2."
    )
    archive: Annotated[str, Field(min_length=1, max_length=90)] = Field(
        "Incidents archive", description="Where channels go when they are archived."
    )

    @model_validator(mode="after")
    def _stands_somewhere(self) -> DiscordRoomsModel:
        if self.kind != "channel" and not self.channel:
            whose = "the forum" if self.kind == "forum" else "the channel that has the threads"
            raise ValueError(f"channel: say the id of {whose} (in Discord: Developer Mode, Copy Channel ID)")
        if self.category == self.archive:
            raise ValueError("archive: must be another category than that of open rooms")
        return self


class PrivateRoomsModel(Entry):
    """Which incidents are private besides those of private services and of recipes that say so. Decided when one is declared."""

    severities: list[IncidentSeverity] = Field(min_length=1, examples=[["SEV1"]])


class RoomsModel(Entry):
    """The rooms of incidents."""

    name: str = Field(
        "inc-{number}-{slug}", description="How rooms are called: {number}, {slug} (of the title), {severity}."
    )
    announce: dict[str, AccountId] = Field(
        {},
        description="Where each incident is announced in one line, but for private ones: platform to channel.",
        examples=[{"slack": "#incidents"}],
    )
    archive_after: Duration = Field(7 * 86_400.0, description="After resolution.")
    private: PrivateRoomsModel | None = None
    discord: DiscordRoomsModel = Field({}, validate_default=True)

    @model_validator(mode="after")
    def _names_tell_rooms_apart(self) -> RoomsModel:
        fields = {"number", "slug", "severity"}
        try:
            unknown = set(_placeholders(self.name)) - fields
        except ValueError as error:
            raise ValueError(f"name: {error}") from None
        if unknown:
            raise ValueError(
                f"name: unknown {{{min(unknown)}}}; there are {', '.join(f'{{{name}}}' for name in sorted(fields))}"
            )
        if "number" not in _placeholders(self.name):
            raise ValueError("name: must hold {number}, or two incidents would share a room")
        return self


def _placeholders(template: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(template) if name is not None]
