"""The workspace of these tests is the scenarios'."""

from tests.scenarios.slack_stage import slack

__all__ = ["slack"]
