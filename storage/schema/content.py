"""What staff write for everybody: pages, announcements, broadcasts, and what they say of the words of a load."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from .columns import at, id_column, metadata, ref

# texts: {language: {title, body}}, plain text.
content_pages = Table(
    "content_pages",
    metadata,
    Column("slug", String(64), primary_key=True),
    Column("state", String(12), nullable=False, server_default="draft"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("texts", JSONB, nullable=False),
    ref("updated_by", "users.id"),
    at("created_at", now=True),
    at("updated_at", now=True),
    at("published_at", nullable=True),
    CheckConstraint("state IN ('draft', 'published')", name="state"),
)

# No regions: everywhere.
announcements = Table(
    "announcements",
    metadata,
    id_column(),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("severity", String(8), nullable=False),
    Column("texts", JSONB, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("regions", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("page", String(64)),
    at("starts_at"),
    at("ends_at"),
    ref("created_by", "users.id"),
    ref("updated_by", "users.id"),
    at("created_at", now=True),
    at("updated_at", now=True),
    Index(None, "ends_at"),
    CheckConstraint("severity IN ('info', 'warning', 'critical')", name="severity"),
    CheckConstraint("ends_at >= starts_at", name="window"),
)

announcement_dismissals = Table(
    "announcement_dismissals",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id"), nullable=False),
    Column("announcement_id", BigInteger, ForeignKey("announcements.id", ondelete="CASCADE"), nullable=False),
    at("at", now=True),
    PrimaryKeyConstraint("user_id", "announcement_id"),
    Index(None, "announcement_id"),
)

dictionary_entries = Table(
    "dictionary_entries",
    metadata,
    Column("dictionary", String(32), nullable=False),
    Column("word", String(32), nullable=False),
    Column("hidden", Boolean, nullable=False, server_default=text("false")),
    Column("rank", Integer, nullable=False),
    Column("note", String(500), nullable=False, server_default=""),
    Column("version", Integer, nullable=False, server_default="1"),
    ref("updated_by", "users.id"),
    at("updated_at", now=True),
    PrimaryKeyConstraint("dictionary", "word"),
)

# A push of staff's own words. It goes to users `looked_to` < id <= `upto`, slice by slice: each slice, its pushes
# and the new `looked_to` are one transaction.
broadcasts = Table(
    "broadcasts",
    metadata,
    id_column(),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("state", String(12), nullable=False, server_default="draft"),
    Column("texts", JSONB, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("regions", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("page", String(64)),
    Column("total", Integer),  # counted when it was queued
    Column("sent", Integer, nullable=False, server_default="0"),
    Column("looked_to", BigInteger, nullable=False, server_default="0"),
    Column("upto", BigInteger),
    ref("created_by", "users.id"),
    ref("updated_by", "users.id"),
    ref("queued_by", "users.id", nullable=True),
    ref("cancelled_by", "users.id", nullable=True),
    at("created_at", now=True),
    at("updated_at", now=True),
    at("queued_at", nullable=True),
    at("done_at", nullable=True),
    Index("ix_broadcasts_going", "id", postgresql_where=text("state IN ('queued', 'sending')")),
    Index("ix_broadcasts_queued", "queued_by", "queued_at", postgresql_where=text("queued_at IS NOT NULL")),
    CheckConstraint("state IN ('draft', 'queued', 'sending', 'done', 'cancelled')", name="state"),
)
