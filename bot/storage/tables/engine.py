"""Tables of what comes in and what the engine makes of it: deliveries, groups, alerts, changes, silences, warnings, state."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from bot.storage.tables.base import Id, incident_number, metadata

__all__ = [
    "alerts",
    "changes",
    "cursors",
    "deliveries",
    "engine_states",
    "feedback",
    "groups",
    "lessons",
    "silences",
    "warnings",
]

deliveries = Table(  # PostgreSQL's journal; with SQLite the journal is a file of its own beside the database
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("received_at", Double, nullable=False),
    Column("delivery_key", Text),  # the sender's id of this delivery, where it has one
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("state", Text, nullable=False, server_default="accepted"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("path", Text, nullable=False, server_default=""),
    UniqueConstraint("source", "delivery_key"),
    Index("ix_deliveries_state", "state", "id"),
)

cursors = Table(  # how far a reader of the journal has come
    "cursors",
    metadata,
    Column("reader", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
)

engine_states = Table(  # snapshots of the engine: the state after all deliveries up to `position`
    "engine_states",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("feedback", BigInteger, nullable=False),  # the newest correction that is in it
    Column("catalog_digest", Text, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("lesson", BigInteger, nullable=False, server_default="0"),  # the newest that is in `watch`
    Column("watch", LargeBinary),  # what stands beside the engine and warns
)

feedback = Table(  # people's corrections of the grouping, in the order in which the engine heard of them
    "feedback",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("position", BigInteger, nullable=False),  # after this delivery
    Column("kind", Text, nullable=False),  # merge | split
    Column("group_id", Text, nullable=False),
    Column("other", Text, nullable=False, server_default=""),
    Column("episodes_json", Text, nullable=False, server_default="[]"),
)

lessons = Table(  # how bad incidents began, in the order in which the watch was taught
    "lessons",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("position", BigInteger, nullable=False),  # after this delivery
    Column("incident", Id, nullable=False),
    Column("resolved_at", Double),  # of the incident as it was learned from; NULL: it is no example any more
    Column("began_at", Double, nullable=False, server_default="0"),  # its first kind of alert
    Column("seen_json", Text, nullable=False, server_default="[]"),
    Index("ix_lessons_incident", "incident", "id"),
)

warnings = Table(  # what began like a bad incident of the past
    "warnings",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),  # event time
    Column("told_at", Double),  # when people were told; NULL: they were not
    Column("kept", Text, nullable=False, server_default=""),  # why not
    Column("environment", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("past", Id, nullable=False),  # the bad incident that it begins like
    Column("score", Double, nullable=False),
    Column("matched", Integer, nullable=False),
    Column("expected", Integer, nullable=False),
    Column("taken_json", Text, nullable=False),
    Column("ahead_json", Text, nullable=False),
    Column("lead", Double),  # seconds in which that one had its room, when that was still ahead
    Column("remains", Double, nullable=False),  # seconds that it went on from there
    Column("until", Double, nullable=False),  # by then it has come, or it was a false alarm
    Column("reasons_json", Text, nullable=False),
    Column("times", Integer, nullable=False),  # such a beginning was seen before, that one included
    Column("without", Integer, nullable=False),  # ... and no incident came of it
    Column("came", Boolean),  # NULL: nobody knows yet
    incident_number(nullable=True),  # which it became
    Index("ix_warnings_came", "came"),
    Index("ix_warnings_past", "past"),
)

groups = Table(
    "groups",
    metadata,
    Column("id", Text, primary_key=True),
    incident_number(nullable=True),
    Column("recipe", Text, nullable=False, server_default=""),
    Column("opened_at", Double, nullable=False),
    Column("merged_into", Text),
    Index("ix_groups_incident", "incident"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),  # the engine's episode
    Column("fingerprint", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("class", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("labels_json", Text, nullable=False),
    Column("links_json", Text, nullable=False),
    Column("dedup_key", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("first_seen", Double, nullable=False),
    Column("last_seen", Double, nullable=False),
    Column("began_at", Double, nullable=False, server_default="0"),  # to fire this time, pauses of a few minutes aside
    Column("resolved_at", Double),
    Column("group_id", Text),
    Column("settled_at", Double, nullable=False, server_default="0"),  # when it got its group, or was held
    Column("held", Text, nullable=False, server_default=""),  # why it opened nothing; empty when it is in a group
    Column("reason", Text, nullable=False, server_default=""),
    Column("evidence_json", Text, nullable=False, server_default="[]"),
    Column(
        "muted", Boolean, nullable=False, server_default=false()
    ),  # an effect of a known cause, as its evidence says
    Index("ix_alerts_group_id", "group_id"),
    Index("ix_alerts_last_seen", "last_seen"),
    Index(
        "ix_alerts_firing",
        "id",
        sqlite_where=text("status = 'firing'"),
        postgresql_where=text("status = 'firing'"),
    ),
)

changes = Table(
    "changes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("service", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("repository", Text, nullable=False),
    Column("author_name", Text, nullable=False),
    Column("author_email", Text, nullable=False),
    Column("author_login", Text, nullable=False),
    Column("source", Text, nullable=False),
    Index("ix_changes_at", "at"),
)

silences = Table(
    "silences",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("matchers_json", Text, nullable=False),
    Column("starts_at", Double, nullable=False),
    Column("ends_at", Double, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("from_position", BigInteger, nullable=False),  # counts for deliveries after this one ...
    Column("until_position", BigInteger),  # ... up to this one, when somebody ended it
    Column("catalog_key", Text, unique=True),  # set when the catalogue says so, not a person
)
