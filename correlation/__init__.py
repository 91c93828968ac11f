"""Correlation: which alerts belong together, and why.

A pure, deterministic library: no chat, no HTTP, no database, no clock, no logging, no asyncio. It is told what happened and
when (event time, seconds since the epoch), and answers with decisions that carry their evidence.
"""
