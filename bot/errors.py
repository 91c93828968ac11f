"""The error tree. A class's docstring is its default message; `.code` names it for machines, `.public` is what a person may see.

SDK exceptions are translated into these at the edges and nowhere else.
"""

from __future__ import annotations

import re
from typing import ClassVar

__all__ = [
    "BadArguments",
    "BadSignature",
    "ConfigError",
    "Conflict",
    "DeliveryError",
    "InvalidTransition",
    "MalformedPayload",
    "MusterError",
    "NotAllowed",
    "NotFound",
    "PayloadTooLarge",
    "Permanent",
    "Problem",
    "RequestError",
    "Retryable",
    "StorageUnavailable",
    "Unavailable",
    "Uncertain",
    "UnknownSource",
    "UnknownVerb",
    "UnreadablePayload",
    "UnsupportedEncoding",
]


class MusterError(Exception):
    """Something went wrong in Muster."""

    code: ClassVar[str] = "muster_error"

    def __init_subclass__(cls) -> None:
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])

    @property
    def public(self) -> str:
        """What a person outside the operator's team may see."""
        return str(self)


class Problem:
    """One thing wrong in a configuration: where it is and what would be right."""

    __slots__ = ("file", "line", "message", "path")

    def __init__(self, message: str, *, file: str = "", line: int = 0, path: str = "") -> None:
        self.message, self.file, self.line, self.path = message, file, line, path

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (where, self.path, self.message) if part)

    def __repr__(self) -> str:
        return f"Problem({str(self)!r})"


class ConfigError(MusterError):
    """The configuration cannot be used."""

    def __init__(self, problems: list[Problem] | str) -> None:
        self.problems = [Problem(problems)] if isinstance(problems, str) else problems
        super().__init__("\n".join(map(str, self.problems)))


class Unavailable(MusterError):
    """That cannot be had just now."""

    def __init__(self, message: str = "", *, retry_after: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds


class StorageUnavailable(Unavailable):
    """The disk or the database cannot take anything just now."""


class RequestError(MusterError):
    """The request cannot be served as it is; asking again in the same way will not help."""

    status: ClassVar[int] = 400


class MalformedPayload(RequestError):
    """The body is not what this source sends."""

    status = 422

    def __init__(self, message: str = "", *, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class UnreadablePayload(MalformedPayload):
    """The body is not JSON."""

    status = 400


class UnsupportedEncoding(RequestError):
    """The body's Content-Encoding is not one we read: send gzip, deflate or none."""

    status = 415


class PayloadTooLarge(RequestError):
    """The body is larger than 1 MiB."""

    status = 413


class BadSignature(RequestError):
    """The request does not prove that it comes from this source."""

    status = 401


class UnknownSource(RequestError):
    """There is no source of that name."""

    status = 404


class UnknownVerb(RequestError):
    """There is no verb of that name."""


class BadArguments(RequestError):
    """The verb needs other arguments."""


class NotAllowed(RequestError):
    """You are not allowed to do that."""

    status = 403


class NotFound(RequestError):
    """There is nothing of that name."""

    status = 404


class InvalidTransition(RequestError):
    """That cannot be done in the incident's present state."""

    status = 409


class Conflict(MusterError):
    """The incident changed at the same moment; try again."""


class DeliveryError(MusterError):
    """A message or an action did not arrive."""


class Retryable(DeliveryError):
    """It did not arrive, and may arrive later."""

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds; None: the relay chooses


class Uncertain(DeliveryError):
    """It may have arrived; look before sending again."""


class Permanent(DeliveryError):
    """It will never arrive in this form."""
