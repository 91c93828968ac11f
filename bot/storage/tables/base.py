"""What all tables share: one metadata, how rows are numbered, how a row points to its incident."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData

__all__ = ["Id", "incident_number", "metadata"]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only in an INTEGER PRIMARY KEY


def incident_number(*, primary_key: bool = False, nullable: bool = False) -> Column[int]:
    """The column that says which incident a row belongs to."""
    return Column("incident", Id, ForeignKey("incidents.number"), primary_key=primary_key, nullable=nullable)
