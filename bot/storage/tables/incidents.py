"""Tables of incidents and of what people do about them: timeline, participants, timers, pages, runs, retrospectives."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from bot.storage.tables.base import Id, incident_number, metadata

__all__ = ["approvals", "incidents", "page_messages", "pages", "participants", "retros", "runs", "timeline", "timers"]

incidents = Table(
    "incidents",
    metadata,
    Column("number", Id, primary_key=True, autoincrement=True),
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
    Column("ticket", Text, nullable=False),
    Column("cause_json", Text, nullable=False),
    Column("suspects_json", Text, nullable=False),
    Column("exclusions_json", Text, nullable=False),
    Column("roles_json", Text, nullable=False),
    Column("update_json", Text, nullable=False),
    Column("recipe", Text, nullable=False),
    Column("private", Boolean, nullable=False),
    Column("auto_resolve", Double),  # seconds after the alerts cleared; NULL: a person resolves
    Column("titled_by_person", Boolean, nullable=False),
    Column("graded_by_person", Boolean, nullable=False),  # the severity is a person's word: alerts change it no more
    Column("merged_into", Id),
    Index("ix_incidents_status", "status", "number"),
)

timeline = Table(  # append-only, but for the note of a pin that was taken away
    "timeline",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    incident_number(),
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
    incident_number(primary_key=True),
    Column("person", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("joined_at", Double, nullable=False),
)

timers = Table(  # things to do later; a restart loses none
    "timers",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
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
    Column("id", Id, primary_key=True, autoincrement=True),
    incident_number(),
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
    Column("page", Id, ForeignKey("pages.id"), primary_key=True),
    Column("platform", Text, primary_key=True),
    Column("room", Text, nullable=False, server_default=""),
    Column("message", Text, nullable=False, server_default=""),
    Column("error", Text, nullable=False, server_default=""),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    incident_number(),
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
    Column("run", Id, ForeignKey("runs.id"), primary_key=True),
    Column("person", Text, primary_key=True),
    Column("approved", Boolean, nullable=False),
    Column("at", Double, nullable=False),
)

retros = Table(
    "retros",
    metadata,
    incident_number(primary_key=True),
    Column("created_at", Double, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("data_json", Text, nullable=False),
)
