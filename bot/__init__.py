"""Muster, the incident bot. `bot.wiring` joins every part, `bot.app` starts and stops them; `correlation` beneath it knows none."""
