"""Tables of chat: rooms, the outbox, answered commands, and the rooms and messages of the platform that is ourselves."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, Table, Text, text

from bot.storage.tables.base import Id, incident_number, metadata

__all__ = [
    "announced",
    "console_rooms",
    "copies",
    "effects",
    "invocations",
    "menus",
    "messages",
    "progress_messages",
    "rooms",
    "unmirrored",
]

rooms = Table(  # exactly one room for each incident on each platform: this row decides, then the platform is asked
    "rooms",
    metadata,
    incident_number(primary_key=True),
    Column("platform", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("external", Text),  # the platform's id, once it has answered
    Column("card_message", Text),
    Column("card_file", Text),  # where a card's picture is a file of its own: it is deleted when another replaces it
    Column("state", Text, nullable=False),  # wanted | open | archived
    Index("ix_rooms_external", "platform", "external"),
)

effects = Table(  # the outbox
    "effects",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("platform", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text),  # pending effects with the same subject are one
    Column("incident", Id),
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
    Column("incident", Id),
    Column("person", Text),
    Column("title", Text, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
)

messages = Table(  # of our own rooms, and, by `external`, what people said in rooms of other platforms
    "messages",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("room", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("author", Text, nullable=False),
    Column("author_name", Text, nullable=False),
    Column("author_kind", Text, nullable=False),  # person | muster
    Column("text", Text, nullable=False),
    Column("view_json", Text),
    Column("nonce", Text, unique=True),
    Column("external", Text),  # the other platform's id
    Column("answers", Text),  # that of the message which this one answers
    Column("edited_at", Double),
    Column(
        "taken_back_at", Double
    ),  # by who said it: the words are gone, the row keeps a late repeat from bringing them back
    Column("pinned", Boolean, nullable=False),
    Index("ix_messages_room", "room", "id"),
    Index("uq_messages_room_external", "room", "external", unique=True),
    Index("ix_messages_at", "at"),
)

copies = Table(  # what people said in one room of an incident, as it stands in its room on another platform
    "copies",
    metadata,
    Column("message", Id, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    Column("platform", Text, primary_key=True),
    Column("incident", Id, nullable=False),
    Column("room", Text, nullable=False, server_default=""),
    Column("external", Text),  # the platform's id, once it has answered
    Column("tried_at", Double),  # when it was sent for the first time, whether or not it arrived
    Column(
        "shown", Text, nullable=False, server_default=""
    ),  # a digest of what was sent first, and then of what stands there
    Index("ix_copies_external", "platform", "room", "external"),
)

unmirrored = Table(  # incidents whose rooms keep to themselves what is said in them
    "unmirrored",
    metadata,
    incident_number(primary_key=True),
)

announced = Table(  # the line of an incident in each channel where it is announced
    "announced",
    metadata,
    incident_number(primary_key=True),
    Column("platform", Text, primary_key=True),
    Column("channel", Text, primary_key=True),  # as the catalogue names it
    Column("external", Text),  # the platform's id of the channel, once something stands there
    Column("message", Text),
    Column("shown_json", Text, nullable=False, server_default=""),  # what it shows: the same again is not sent
    Column("error", Text, nullable=False, server_default=""),  # why nothing stands there; told once
    Index("ix_announced_channel", "platform", "channel", "incident"),
)

progress_messages = Table(  # messages that are edited as something goes on, by lane and key
    "progress_messages",
    metadata,
    Column("key", Text, primary_key=True),
    Column("message", Text, nullable=False),
)

menus = Table(  # of commands, as a platform was told them last: it takes so many a day
    "menus",
    metadata,
    Column("place", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("at", Double, nullable=False),
)

invocations = Table(  # commands already answered, so that a repeat gets the same answer and no second effect
    "invocations",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("reply_json", Text, nullable=False),
)
