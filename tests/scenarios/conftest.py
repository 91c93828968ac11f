"""The workspace of the scenarios in Slack; the server of those in Discord, and who is on it."""

from tests.scenarios.discord_stage import discord, mika, robin
from tests.scenarios.slack_stage import slack

__all__ = ["discord", "mika", "robin", "slack"]
