"""What means this machine itself, and by what a proxy betrays that the sender is on another. Pure; who is let in is others'."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

__all__ = ["FORWARDED", "host_name", "is_loopback"]

FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
"""Headers, in lower case, that a proxy adds: the connection may come from this machine, the sender does not."""


def is_loopback(name: str) -> bool:
    """Whether only this machine is meant.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761: never asked of a name server
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def host_name(host: str) -> str:
    """The name in a Host header, small, without the port; "" when it cannot be read.

    >>> host_name("Muster.example.org:8080"), host_name("[::1]:8080")
    ('muster.example.org', '::1')
    """
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""
