"""Where to push to, and what is to be pushed."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from .columns import at, id_column, metadata, ref

push_endpoints = Table(
    "push_endpoints",
    metadata,
    id_column(),
    ref("user_id", "users.id"),
    Column("kind", String(8), nullable=False),  # webpush | fid | token
    Column("address", Text, nullable=False),  # endpoint URL, installation id or token
    Column("keys", JSONB, nullable=False, server_default=text("'{}'::jsonb")),  # p256dh, auth
    Column("locale", String(8), nullable=False, server_default="ru"),
    at("created_at", now=True),
    at("last_ok_at", nullable=True),
    UniqueConstraint("address"),
    Index(None, "user_id"),
    CheckConstraint("kind IN ('webpush', 'fid', 'token')", name="kind"),
)

# Written in the transaction of what it tells; claimed by state with SKIP LOCKED and a lease.
outbox = Table(
    "outbox",
    metadata,
    id_column(),
    Column("user_id", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("dedupe_key", String(80), nullable=False, unique=True),
    Column("state", String(12), nullable=False, server_default="due"),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    at("due_at", now=True),  # an offer is due 2 s after it was made: the socket receipt cancels it
    at("expires_at"),
    at("created_at", now=True),
    at("done_at", nullable=True),
    Column("error", Text),
    Index("ix_outbox_due", "due_at", postgresql_where=text("state = 'due'")),
    CheckConstraint("state IN ('due', 'sent', 'cancelled', 'dead', 'expired')", name="state"),
)
