"""What a company's own programs use: API keys, webhooks, and what is to be delivered to them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from .columns import at, id_column, metadata, ref

api_keys = Table(
    "api_keys",
    metadata,
    id_column(),
    ref("company_id", "companies.id"),
    ref("user_id", "users.id"),  # the member who made it, and as whom it acts
    Column("name", String(80), nullable=False),
    Column("hint", String(12), nullable=False),  # how the key begins, to tell one from another
    Column("key_hash", LargeBinary, nullable=False, unique=True),  # SHA-256 of 32 random bytes
    Column("scopes", ARRAY(String(32)), nullable=False),
    at("created_at", now=True),
    at("expires_at", nullable=True),
    at("last_used_at", nullable=True),  # to the minute
    at("revoked_at", nullable=True),
    Index(None, "company_id", "id"),
    Index(None, "user_id"),
)

webhooks = Table(
    "webhooks",
    metadata,
    id_column(),
    ref("company_id", "companies.id"),
    Column("url", String(1000), nullable=False),
    Column("kinds", ARRAY(String(40)), nullable=False),
    Column("secret", LargeBinary, nullable=False),  # sealed: it is needed in the clear to sign
    Column("old_secret", LargeBinary),  # signs beside the new one until its time is over
    at("old_secret_until", nullable=True),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
    at("failing_since", nullable=True),
    at("disabled_at", nullable=True),
    Column("disabled_why", String(16)),  # failing | gone | owner
    at("created_at", now=True),
    Index(None, "company_id", "id"),
)

# Written by a trigger on order_events, in the transaction of the event; claimed by state with a lease.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    id_column(),
    Column("webhook_id", BigInteger, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("dedupe_key", String(64), nullable=False),  # one delivery of an event to an endpoint
    Column("order_id", BigInteger),
    Column("payload", JSONB, nullable=False),
    Column("state", String(10), nullable=False, server_default="due"),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    at("due_at", now=True),
    at("created_at", now=True),
    at("done_at", nullable=True),
    Column("answer", SmallInteger),  # the last HTTP status
    Column("error", Text),  # why the last attempt failed
    UniqueConstraint("webhook_id", "dedupe_key"),
    Index("ix_webhook_deliveries_due", "due_at", postgresql_where=text("state = 'due'")),
    # What holds a later event of the same order back.
    Index(
        "ix_webhook_deliveries_order",
        "webhook_id",
        "order_id",
        "id",
        postgresql_where=text("state = 'due'"),
    ),
    Index("ix_webhook_deliveries_log", "webhook_id", "id"),
    CheckConstraint("state IN ('due', 'delivered', 'dead', 'cancelled')", name="state"),
)
