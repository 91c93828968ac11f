"""Which file a database's address means, for those who must not make an empty one by looking. Nothing is opened here."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

__all__ = ["absent_file"]


def absent_file(database_url: str) -> Path | None:
    """The SQLite file that should be there and is not: to open it would make an empty one."""
    try:
        url = make_url(database_url)
    except ArgumentError:
        return None  # Database.open says what is wrong with it
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return None
    file = Path(str(url.database))
    return None if file.exists() else file.absolute()
