"""The tables, as SQLAlchemy Core metadata: what is kept, and nothing about what it means.

Moments are double columns: seconds since the epoch, UTC. `*_json` columns hold JSON text that only their owner reads.
A schema change is a new migration beside `migrations/versions/`; a test holds the two against each other.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

__all__ = [
    "alerts",
    "approvals",
    "changes",
    "console_rooms",
    "cursors",
    "deliveries",
    "effects",
    "engine_states",
    "feedback",
    "groups",
    "incidents",
    "invocations",
    "messages",
    "metadata",
    "page_messages",
    "pages",
    "participants",
    "progress_messages",
    "retros",
    "rooms",
    "runs",
    "silences",
    "timeline",
    "timers",
]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only in an INTEGER PRIMARY KEY


def _incident(*, primary_key: bool = False, nullable: bool = False) -> Column[int]:
    return Column("incident", _Id, ForeignKey("incidents.number"), primary_key=primary_key, nullable=nullable)


# --- intake -----------------------------------------------------------------------------------------------------------

deliveries = Table(  # PostgreSQL's journal; with SQLite the journal is a file of its own beside the database
    "deliveries",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
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
)

feedback = Table(  # people's corrections of the grouping, in the order in which the engine heard of them
    "feedback",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("position", BigInteger, nullable=False),  # after this delivery
    Column("kind", Text, nullable=False),  # merge | split
    Column("group_id", Text, nullable=False),
    Column("other", Text, nullable=False, server_default=""),
    Column("episodes_json", Text, nullable=False, server_default="[]"),
)

# --- alerts and changes -----------------------------------------------------------------------------------------------

groups = Table(
    "groups",
    metadata,
    Column("id", Text, primary_key=True),
    _incident(nullable=True),
    Column("recipe", Text, nullable=False, server_default=""),
    Column("opened_at", Double, nullable=False),
    Column("merged_into", Text),
    Index("ix_groups_incident", "incident"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),  # the engine's episode
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
    Column("resolved_at", Double),
    Column("group_id", Text),
    Column("held", Text, nullable=False, server_default=""),  # why it opened nothing; empty when it is in a group
    Column("reason", Text, nullable=False, server_default=""),
    Column("evidence_json", Text, nullable=False, server_default="[]"),
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
    Column("id", _Id, primary_key=True, autoincrement=True),
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

# --- incidents --------------------------------------------------------------------------------------------------------

incidents = Table(
    "incidents",
    metadata,
    Column("number", _Id, primary_key=True, autoincrement=True),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("status_since", Double, nullable=False),
    Column("environment", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("services_json", Text, nullable=False),
    Column("alert_count", Integer, nullable=False),
    Column("firing_count", Integer, nullable=False),
    Column("opened_at", Double, nullable=False),
    Column("first_alert_at", Double, nullable=False),
    Column("last_alert_at", Double, nullable=False),
    Column("cleared_at", Double),
    Column("acknowledged_at", Double),
    Column("acknowledged_by", Text),
    Column("mitigated_at", Double),
    Column("resolved_at", Double),
    Column("resolved_by", Text),
    Column("commander", Text),
    Column("declared_by", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("cause_json", Text, nullable=False),
    Column("suspects_json", Text, nullable=False),
    Column("recipe", Text, nullable=False),
    Column("private", Boolean, nullable=False),
    Column("auto_resolve", Double),  # seconds after the alerts cleared; NULL: a person resolves
    Column("titled_by_person", Boolean, nullable=False),
    Column("graded_by_person", Boolean, nullable=False),  # the severity is a person's word: alerts change it no more
    Column("merged_into", _Id),
    Index("ix_incidents_status", "status", "number"),
)

timeline = Table(  # append-only
    "timeline",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    _incident(),
    Column("at", Double, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("data_json", Text, nullable=False, server_default="{}"),
    Index("ix_timeline_incident", "incident", "id"),
)

participants = Table(
    "participants",
    metadata,
    _incident(primary_key=True),
    Column("person", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("joined_at", Double, nullable=False),
)

# --- chat -------------------------------------------------------------------------------------------------------------

rooms = Table(  # exactly one room for each incident on each platform: this row decides, then the platform is asked
    "rooms",
    metadata,
    _incident(primary_key=True),
    Column("platform", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("external", Text),  # the platform's id, once it has answered
    Column("card_message", Text),
    Column("state", Text, nullable=False),  # wanted | open | archived
    Index("ix_rooms_external", "platform", "external"),
)

effects = Table(  # the outbox
    "effects",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("platform", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text),  # pending effects with the same subject are one
    Column("incident", _Id),
    Column("payload_json", Text, nullable=False),
    Column("state", Text, nullable=False),  # pending | done | dropped | dead
    Column("generation", Integer, nullable=False),  # grows when a pending effect is asked for again
    Column("attempts", Integer, nullable=False),
    Column("not_before", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("settled_at", Double),
    Column("error", Text, nullable=False, server_default=""),
    Index("ix_effects_state", "state", "id"),
    Index(
        "uq_effects_pending_subject",
        "lane",
        "subject",
        unique=True,
        sqlite_where=text("state = 'pending' AND subject IS NOT NULL"),
        postgresql_where=text("state = 'pending' AND subject IS NOT NULL"),
    ),
)

console_rooms = Table(  # the rooms of the platform that is ourselves
    "console_rooms",
    metadata,
    Column("id", Text, primary_key=True),
    Column("marker", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),  # lobby | incident | private
    Column("incident", _Id),
    Column("person", Text),
    Column("title", Text, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("room", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("author", Text, nullable=False),
    Column("author_name", Text, nullable=False),
    Column("author_kind", Text, nullable=False),  # person | muster
    Column("text", Text, nullable=False),
    Column("view_json", Text),
    Column("nonce", Text, unique=True),
    Column("edited_at", Double),
    Column("pinned", Boolean, nullable=False),
    Index("ix_messages_room", "room", "id"),
    Index("ix_messages_at", "at"),
)

progress_messages = Table(  # messages that are edited as something goes on, by lane and key
    "progress_messages",
    metadata,
    Column("key", Text, primary_key=True),
    Column("message", Text, nullable=False),
)

invocations = Table(  # commands already answered, so that a repeat gets the same answer and no second effect
    "invocations",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("reply_json", Text, nullable=False),
)

# --- responders, runbooks, retrospectives -----------------------------------------------------------------------------

timers = Table(  # things to do later; a restart loses none
    "timers",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("due", Double, nullable=False),
    Column("payload_json", Text, nullable=False),
    UniqueConstraint("kind", "key"),
    Index("ix_timers_due", "due"),
)

pages = Table(
    "pages",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    _incident(),
    Column("person", Text, nullable=False),
    Column("why", Text, nullable=False),  # "on call for payments", "paged by Robin Vos"
    Column("note", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("state", Text, nullable=False),  # pending | sent | acknowledged | declined | failed | over
    Column("created_at", Double, nullable=False),
    Column("sent_at", Double),
    Column("answered_at", Double),
    Index("ix_pages_incident", "incident"),
)

page_messages = Table(  # where a page stands on each platform, or why it does not
    "page_messages",
    metadata,
    Column("page", _Id, ForeignKey("pages.id"), primary_key=True),
    Column("platform", Text, primary_key=True),
    Column("room", Text, nullable=False, server_default=""),
    Column("message", Text, nullable=False, server_default=""),
    Column("error", Text, nullable=False, server_default=""),
)

runs = Table(
    "runs",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    _incident(),
    Column("runbook", Text, nullable=False),
    Column("parameters_json", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", Double, nullable=False),
    Column("expires_at", Double),
    # waiting | running | succeeded | failed | cancelled | declined | expired | interrupted
    Column("state", Text, nullable=False),
    Column("plan_json", Text, nullable=False, server_default="[]"),  # what was asked for, in words: nothing else is run
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("outcome", Text, nullable=False, server_default=""),
    Column("output", Text, nullable=False, server_default=""),
    Column("helped", Boolean),  # did the alerts clear in time; NULL: not asked, or not known yet
    Index("ix_runs_incident", "incident"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("run", _Id, ForeignKey("runs.id"), primary_key=True),
    Column("person", Text, primary_key=True),
    Column("approved", Boolean, nullable=False),
    Column("at", Double, nullable=False),
)

retros = Table(
    "retros",
    metadata,
    _incident(primary_key=True),
    Column("created_at", Double, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("data_json", Text, nullable=False),
)
