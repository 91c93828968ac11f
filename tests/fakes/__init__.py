"""Servers that play the platforms: real sockets on loopback, and the refusals of the real thing."""
