"""Muster, the incident bot. `bot.app` knows every part; `correlation` beneath it knows none."""
