"""The platform that is Muster itself: rooms and messages in its own tables, drawn by the browser."""

from bot.chat.console.conversation import ConsoleConversation
from bot.chat.console.gateway import ConsoleGateway

__all__ = ["ConsoleConversation", "ConsoleGateway"]
