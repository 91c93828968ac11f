"""Does a request come from whom it says? HMAC, bearer token, basic auth, compared in constant time. No HTTP, no settings read."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.errors import BadSignature
from bot.loopback import FORWARDED, host_name, is_loopback
from bot.settings import Settings

__all__ = ["Guard", "Scheme", "bearer_matches", "hub_signature_matches"]


class Scheme(StrEnum):
    """How a source's senders can prove themselves."""

    TOKEN = "token"  # noqa: S105  # `Authorization: Bearer SECRET`, or basic auth with the secret as the password
    HUB = "hub"  # `X-Hub-Signature-256: sha256=<hex HMAC of the body>`, as GitHub signs


def hub_signature_matches(secret: str, body: bytes, header: str) -> bool:
    """Whether `header` is `sha256=` and the hexadecimal HMAC-SHA256 of the body.

    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), header.strip().encode("utf-8", "replace"))


def bearer_matches(secret: str, header: str) -> bool:
    """Whether an `Authorization` header carries the secret as a bearer token, or as basic auth's password."""
    kind, _, credentials = header.partition(" ")
    credentials = credentials.strip()
    if kind.lower() == "bearer":
        given = credentials.encode("utf-8", "replace")
    elif kind.lower() == "basic":
        try:
            decoded = base64.b64decode(credentials.encode("ascii", "replace"), validate=True)
        except (binascii.Error, ValueError):
            return False
        given = decoded.partition(b":")[2]
    else:
        return False
    return hmac.compare_digest(secret.encode(), given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Decides who may post. A source's own secret counts before the common token.

    With neither, a source is open only when the server listens on loopback (`open_without_secret`).
    """

    token: str = field(default="", repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)  # by source
    open_without_secret: bool = False

    @classmethod
    def of(cls, settings: Settings, sources: Iterable[str]) -> Guard:
        """As the settings say for these sources. ConfigError for a secret of none of them."""
        return cls(
            token=settings.webhook_token.get_secret_value() if settings.webhook_token else "",
            secrets=settings.secrets_of(sources),
            open_without_secret=settings.is_loopback,
        )

    def check(self, source: str, scheme: Scheme, headers: Mapping[str, str], body: bytes | None) -> bool:
        """Return whether the sender is proven; BadSignature when it is not.

        Before the body was read (`body=None`) the answer may be False: ask again with the body.
        """
        own = self.secrets.get(source, "")
        secret = own or self.token
        if not secret:
            self._check_open(source, headers)
            return True
        # GitHub can only sign; where the common token stands in for its secret, a relay may also send it as a bearer.
        if scheme is Scheme.TOKEN or (not own and "x-hub-signature-256" not in headers):
            authorization = headers.get("authorization", "")
            if not authorization:
                raise BadSignature(
                    f"Send the secret of {source} as `Authorization: Bearer ...` or as the password of basic auth."
                    if scheme is Scheme.TOKEN
                    else f"Sign the body with the secret of {source}: the X-Hub-Signature-256 header is missing."
                )
            if not bearer_matches(secret, authorization):
                raise BadSignature(f"The token does not match the secret of {source}.")
            return True
        signature = headers.get("x-hub-signature-256", "")
        if not signature:
            raise BadSignature(f"Sign the body with the secret of {source}: the X-Hub-Signature-256 header is missing.")
        if body is None:
            return False
        if not hub_signature_matches(secret, body, signature):
            raise BadSignature(f"X-Hub-Signature-256 does not match the body and the secret of {source}.")
        return True

    def _check_open(self, source: str, headers: Mapping[str, str]) -> None:
        if not self.open_without_secret:
            raise BadSignature(
                f"No secret is set. Set MUSTER_SOURCE_{source.upper()}_SECRET or MUSTER_WEBHOOK_TOKEN: "
                "beyond loopback webhooks are not open."
            )
        # A proxy stands in front: the sender is not on this machine, though the connection is.
        if any(name in headers for name in FORWARDED):
            raise BadSignature(
                f"No secret is set, and this came through a proxy. Set MUSTER_SOURCE_{source.upper()}_SECRET or "
                "MUSTER_WEBHOOK_TOKEN."
            )
        # A web page elsewhere can make a browser post to loopback; no webhook sender has an Origin. That Origin and Host agree
        # is not enough: a page whose name was made to lead to this machine (DNS rebinding) sends its own name as both.
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        if origin is None and site in {"none", "same-origin"}:
            return
        host = headers.get("host", "").lower()
        if (origin or "").lower().partition("://")[2] != host or not is_loopback(host_name(host)):
            raise BadSignature("A web page of another origin may not post here.")
