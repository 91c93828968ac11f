"""The Web API, a file for each family. Importing the package registers every method."""

from tests.fakes.slack.methods import conversations, extras, files, messages, people, reading, views

__all__ = ["conversations", "extras", "files", "messages", "people", "reading", "views"]
