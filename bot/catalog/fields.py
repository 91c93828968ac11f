"""The kinds of text a catalogue is made of: durations, matchers, times of day, time zones, moments, names.

Each is a type for pydantic that says in plain words what would be right, with its pattern for editors.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from bot.catalog.model import Who
from correlation.matchers import Matcher, Matchers

__all__ = [
    "AccountId",
    "DayOrMoment",
    "Duration",
    "Email",
    "Entry",
    "Handover",
    "HostText",
    "Hours",
    "LocalDate",
    "MatcherText",
    "Pattern",
    "Repository",
    "Rotation",
    "SomeTime",
    "TimeOfDay",
    "TimeZone",
    "WebAddress",
    "WhoList",
    "WhoText",
    "duration_seconds",
    "duration_text",
    "is_web_address",
]


class Entry(BaseModel):
    """A mapping of the catalogue: unknown keys are errors, numbers may stand where texts are meant (chat ids)."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0, "y": 31_536_000.0}
_DURATION = r"^([0-9]+(ms|s|m|h|d|w|y))+$"
_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_HOURS = r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"
_HANDOVER = r"^((Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?([01][0-9]|2[0-3]):[0-5][0-9]$"
_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?$"
_MATCHER = r"^\s*\{?\s*[A-Za-z_][\w.:/-]*\s*(=~|!~|!=|=)"
_ROTATION = r"^(daily|weekly|[1-9][0-9]{0,2}[hdw])$"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MAX_DURATION = 100 * _UNITS["y"]


def duration_seconds(text: str) -> float:
    """Seconds of `90s`, `5m`, `2h`, `7d` or `1h30m`, as Prometheus writes them. ValueError for anything else.

    >>> duration_seconds("1h30m")
    5400.0
    """
    if not re.fullmatch(_DURATION, text):
        raise ValueError(text)
    seconds = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"([0-9]+)(ms|[smhdwy])", text))
    if seconds > _MAX_DURATION:
        raise ValueError(text)
    return seconds


def duration_text(seconds: float) -> str:
    """The shortest way to write it.

    >>> duration_text(5400.0), duration_text(604800.0)
    ('90m', '1w')
    """
    for unit in ("w", "d", "h", "m", "s"):
        if seconds % _UNITS[unit] == 0:
            return f"{seconds / _UNITS[unit]:.0f}{unit}"
    return f"{seconds / _UNITS['ms']:.0f}ms"


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def _duration(value: Any) -> float:
    try:
        return duration_seconds(value.strip()) if isinstance(value, str) else _refuse(value)
    except ValueError:
        raise _wrong("not a duration; write 90s, 5m, 2h or 7d") from None


def _some_time(value: Any) -> float:
    seconds = _duration(value)
    if seconds <= 0:
        raise _wrong("should be more than nothing")
    return seconds


def _matcher(value: Any) -> Matchers:
    if not isinstance(value, str) or not value.strip():
        raise _wrong("""not a matcher; write it as a text: 'service="checkout"'""")
    try:
        found = Matchers.parse(value)
    except ValueError as error:
        raise _wrong(str(error)) from None
    if not found:
        raise _wrong("""an empty matcher would match everything; write 'service="checkout"'""")
    return found


def _host(value: Any) -> Matchers:
    if not isinstance(value, str) or not value.strip():
        raise _wrong("not a host; write checkout-1 or checkout-*")
    pattern = ".*".join(map(re.escape, re.split(r"\*+", value.strip())))
    try:
        return Matchers((Matcher("host", "=~", pattern) if "*" in value else Matcher("host", "=", value.strip()),))
    except ValueError as error:
        raise _wrong(str(error)) from None


def _email(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", value.strip()):
        raise _wrong("not an e-mail address; write robin@example.org")
    return value.strip()


def is_web_address(text: str) -> bool:
    """Whether it is an absolute http(s) address, with a host and nothing that hides.

    >>> is_web_address("https://grafana.example.org/d/checkout"), is_web_address("/docs"), is_web_address("javascript:alert(1)")
    (True, False, False)
    """
    if not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _web_address(value: Any) -> str:
    if not isinstance(value, str) or not is_web_address(value.strip()):
        raise _wrong("not a web address; write https://grafana.example.org/d/checkout")
    return value.strip()


def _rotation(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(_ROTATION, value):
        raise _wrong("not a rotation; write daily, weekly, or how long a turn is: 12h, 3d, 2w")
    return value


def _pattern(value: Any) -> str:
    try:
        return re.compile(value).pattern if isinstance(value, str) else _refuse(value)
    except re.error as error:
        raise _wrong(f"not a regular expression: {error}") from None
    except ValueError:
        raise _wrong("not a regular expression; write it as a text") from None


def _time_of_day(value: Any) -> int:
    if not isinstance(value, str) or not re.fullmatch(_TIME, value):
        raise _wrong("not a time of day; write it as 08:00")
    return _minutes(value)


def _hours(value: Any) -> tuple[int, int]:
    if not isinstance(value, str) or not re.fullmatch(_HOURS, value):
        raise _wrong("not a window of hours; write it as 18:00-08:00")
    begin, _, end = value.partition("-")
    return _minutes(begin), _minutes(end)


def _handover(value: Any) -> tuple[int | None, int]:
    if not isinstance(value, str) or not re.fullmatch(_HANDOVER, value, re.IGNORECASE):
        raise _wrong('not a moment of handover; write "Mon 09:00" for weekly rotations, "18:00" for the others')
    day, _, time = value.rpartition(" ")
    return (_DAYS.index(day.lower()) if day else None), _minutes(time)


def _time_zone(value: Any) -> str:
    try:
        return ZoneInfo(value).key if isinstance(value, str) and value else _refuse(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _wrong("not a time zone; write its IANA name, such as Europe/Amsterdam or UTC") from None


def _local_date(value: Any) -> date:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else _refuse(value)
    except ValueError:
        raise _wrong("not a date; write it as 2026-01-05") from None


def _moment(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else _refuse(value)
    except ValueError:
        raise _wrong("not a moment; write it as 2026-02-01T09:00, or 2026-02-01T09:00:00Z with its offset") from None


def _repository(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[^\s]*[^\s/]/[^\s/][^\s]*", value.strip()):
        raise _wrong("not a repository; write owner/name or its address")
    return value.strip()


def _who(value: Any) -> Who:
    if not isinstance(value, str) or not value.strip():
        raise _wrong("not somebody; write on-call, team, team:payments or a person's name")
    return Who.parse(value)


def _refuse(value: Any) -> Any:
    raise ValueError(value)


def _wrong(message: str) -> PydanticCustomError:
    # The text is data: braces in it are not a template of pydantic's.
    return PydanticCustomError("catalogue", "{message}", {"message": message})


def _text(check: Callable[[Any], Any], description: str, examples: list[str], **schema: str) -> Any:
    return (
        BeforeValidator(check),
        WithJsonSchema({"type": "string", "description": description, "examples": examples} | schema),
    )


# Ids of chat platforms are numbers as often as not; YAML may hold them without quotes.
AccountId = Annotated[str, WithJsonSchema({"type": ["string", "integer"]})]
Duration = Annotated[float, *_text(_duration, "A length of time.", ["90s", "5m", "2h", "7d"], pattern=_DURATION)]
SomeTime = Annotated[float, *_text(_some_time, "A length of time.", ["90s", "5m", "2h", "7d"], pattern=_DURATION)]
MatcherText = Annotated[
    Matchers,
    *_text(
        _matcher,
        "A Prometheus matcher over an alert's fields (name, class, severity, service, host, ...) and labels.",
        ['app="checkout"', 'host=~"checkout-.*"', 'environment!="dev"'],
        pattern=_MATCHER,
    ),
]
HostText = Annotated[Matchers, *_text(_host, "A host of its own; * stands for any text.", ["checkout-1", "checkout-*"])]
Email = Annotated[str, *_text(_email, "An e-mail address.", ["robin@example.org"], format="email")]
WebAddress = Annotated[
    str,
    *_text(_web_address, "A web address.", ["https://grafana.example.org/d/checkout"], pattern=r"^https?://[^\s/]+"),
]
Rotation = Annotated[
    str, *_text(_rotation, "How often the next person takes over.", ["daily", "weekly", "12h", "2w"], pattern=_ROTATION)
]
Pattern = Annotated[
    str, *_text(_pattern, "A regular expression for the whole value.", ["checkout-[0-9]+"], format="regex")
]
TimeOfDay = Annotated[int, *_text(_time_of_day, "A time of day.", ["08:00"], pattern=_TIME)]
Hours = Annotated[
    tuple[int, int],
    *_text(_hours, "Hours of each day, local time; may cross midnight.", ["18:00-08:00"], pattern=_HOURS),
]
Handover = Annotated[
    tuple[int | None, int],
    *_text(_handover, "When the next person takes over, local time.", ["Mon 09:00", "18:00"], pattern=_HANDOVER),
]
TimeZone = Annotated[
    str,
    *_text(
        _time_zone,
        "An IANA time zone.",
        ["Europe/Amsterdam", "America/New_York", "UTC"],
        pattern=r"^[A-Za-z]+(/[\w+-]+)*$",
    ),
]
LocalDate = Annotated[date, *_text(_local_date, "A date.", ["2026-01-05"], format="date")]
DayOrMoment = Annotated[
    datetime,
    *_text(
        _moment,
        "A moment; without an offset it is local time.",
        ["2026-02-01T09:00", "2026-02-01T00:00:00Z"],
        pattern=_MOMENT,
    ),
]
Repository = Annotated[str, *_text(_repository, "A repository, owner/name.", ["example/checkout"])]
WhoText = Annotated[
    Who,
    *_text(
        _who,
        "on-call, team or commander (the incident's), anyone, team:NAME, schedule:NAME, or a person.",
        ["on-call", "team", "team:payments", "robin"],
    ),
]
WhoList = Annotated[
    list[WhoText],
    BeforeValidator(lambda value: value if isinstance(value, list) else [value]),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
