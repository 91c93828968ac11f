"""The JSON API, one module for each noun; each handler has its description beside it."""
