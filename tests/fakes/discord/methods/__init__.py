"""The REST routes, by subject; importing them registers them."""

from tests.fakes.discord.methods import (
    applications,
    callbacks,
    channels,
    guilds,
    messages,
    permissions,
    pins,
    reactions,
    threads,
    users,
    webhooks,
)

__all__ = [
    "applications",
    "callbacks",
    "channels",
    "guilds",
    "messages",
    "permissions",
    "pins",
    "reactions",
    "threads",
    "users",
    "webhooks",
]
