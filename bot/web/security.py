"""Who may ask: the Host check against DNS rebinding, the Origin check against other sites' pages, the token beyond loopback.

Loopback asks no token, because whoever sits there could read the database. What is asked must not enter here.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections import deque
from typing import Literal
from urllib.parse import urlsplit

from aiohttp import web

from bot.clock import Clock
from bot.errors import ConfigError
from bot.loopback import FORWARDED, host_name, is_loopback
from bot.web.problems import NotConfigured, TokenWanted, TooManyAttempts, WrongHost, WrongOrigin

__all__ = ["COOKIE", "HEADERS", "Access", "Guard"]

Access = Literal["token", "open", "probe"]

COOKIE = "muster_session"
SESSION_LENGTH = 14 * 86_400  # seconds that a browser stays signed in
FAILURES = 10  # wrong tokens at /login within a minute, from all senders together, before it asks to wait
MINUTE = 60.0  # seconds
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Server": "Muster",
}


class Guard:
    """Admits requests or raises why not."""

    def __init__(self, *, host: str, public_url: str, token: str, clock: Clock) -> None:
        self.on_loopback = is_loopback(host)
        if not self.on_loopback and not token:
            raise ConfigError(
                f"MUSTER_HTTP_HOST={host} is reachable from other machines, so MUSTER_HTTP_TOKEN must be set: a long random "
                "text that people sign in with."
            )
        self._bound = host.lower()
        self._public = urlsplit(public_url.lower()) if public_url else None
        self._token = token
        self._clock = clock
        self._failures: deque[float] = deque(maxlen=FAILURES)

    def admit(self, request: web.Request, access: Access) -> None:
        """Raise unless this request may be answered.

        `token` may be asked by this machine and by who shows the token, `open` by everybody who means this Muster, and
        `probe` by a load balancer too, which knows no name for it.
        """
        if access == "probe":
            return
        name = host_name(request.host)
        if not self._answers_to(name):
            raise WrongHost(f"This Muster does not answer to {name[:100]!r}. If it should: MUSTER_PUBLIC_URL.")
        if request.method not in SAFE_METHODS:
            self._check_origin(request)
        if access == "token" and not self.knows(request):
            raise TokenWanted if self._token else NotConfigured

    def knows(self, request: web.Request) -> bool:
        """Whether the sender sits at this machine or has shown the token."""
        return not self.asks(request) or self._has_token(request)

    def asks(self, request: web.Request) -> bool:
        """Whether this request must show the token: it came, or may have come, from another machine."""
        direct = is_loopback(host_name(request.host)) and not any(name in request.headers for name in FORWARDED)
        return not (self.on_loopback and direct)

    def sign_in(self, token: str) -> str:
        """A session for the cookie; TokenWanted when the token is wrong, TooManyAttempts when it was too often."""
        now = self._clock.now()
        if len(self._failures) == FAILURES and now - self._failures[0] < MINUTE:
            raise TooManyAttempts
        if not self._token or not _same(token, self._token):
            self._failures.append(now)
            raise TokenWanted
        expires = f"{int(now + SESSION_LENGTH):x}"
        return f"{expires}.{self._seal(expires)}"

    @property
    def secure(self) -> bool:
        """Whether people reach it by TLS only."""
        return self._public is not None and self._public.scheme == "https"

    def _answers_to(self, name: str) -> bool:
        if is_loopback(name) or name == self._bound or (self._public is not None and name == self._public.hostname):
            return True
        return _is_address(name)  # rebinding needs a name that an attacker's DNS answers for

    def _check_origin(self, request: web.Request) -> None:
        origin = request.headers.get("Origin")
        if origin is None:
            if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
                raise WrongOrigin
            return
        sender = urlsplit(origin.lower())
        if sender.netloc and sender.netloc == request.host.lower():
            return
        if self._public is not None and (sender.scheme, sender.netloc) == (self._public.scheme, self._public.netloc):
            return
        raise WrongOrigin

    def _has_token(self, request: web.Request) -> bool:
        if not self._token:
            return False
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(given.strip(), self._token):
            return True
        expires, _, seal = request.cookies.get(COOKIE, "").partition(".")
        if not seal or not _same(seal, self._seal(expires)):
            return False
        return int(expires, 16) > self._clock.now()  # the seal was ours, so it is a number

    def _seal(self, expires: str) -> str:
        """A session says when it ends and proves that we said so. It is worth nothing once the token is another one."""
        key = hashlib.sha256(b"muster session\0" + self._token.encode()).digest()
        return hmac.new(key, expires.encode(errors="replace"), hashlib.sha256).hexdigest()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(
        hashlib.sha256(given.encode(errors="replace")).digest(),
        hashlib.sha256(expected.encode(errors="replace")).digest(),
    )
