"""Discord: the only package that knows its SDK, its limits and its ways of drawing."""
