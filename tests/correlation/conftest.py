"""The engine's properties say what holds, never how fast: a busy machine must not fail them (the benchmark tells times)."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
