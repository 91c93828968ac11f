"""The web: the JSON API, health and metrics, live events, and the files of the situation room."""

from bot.web.application import application
from bot.web.parts import HealthCheck, Lag, WebParts

__all__ = ["HealthCheck", "Lag", "WebParts", "application"]
