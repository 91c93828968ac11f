"""Recorded streams and what the engine makes of them: `muster replay`, its picture, and `muster fit`. No chat, no database."""
