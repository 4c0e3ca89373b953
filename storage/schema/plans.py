"""What is sold, who has bought what, and until when each user may work. Versions and entries are never changed."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from .columns import at, id_column, metadata, ref

# The newest version that has begun counts: billing.plans. Version 0 of some is in billing.default_plans.
plan_versions = Table(
    "plan_versions",
    metadata,
    Column("plan", String(32), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("role", String(16), nullable=False),
    Column("days", SmallInteger, nullable=False),
    Column("trial_days", SmallInteger, nullable=False),
    Column("grace_days", SmallInteger, nullable=False),
    Column("prices", JSONB, nullable=False),  # [[region or "", currency, minor], ...]
    Column("names", JSONB, nullable=False),  # {language: name}
    Column("on_sale", Boolean, nullable=False),
    Column("note", String(500), nullable=False, server_default=""),
    at("valid_from"),
    ref("set_by", "users.id"),
    at("created_at", now=True),
    CheckConstraint("days BETWEEN 1 AND 731", name="days"),
    CheckConstraint("trial_days BETWEEN 0 AND 90 AND grace_days BETWEEN 0 AND 30", name="free_days"),
)

# The ledger of access: billing.access. Behind each entry stands the running balance.
access_entries = Table(
    "access_entries",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    at("at"),
    Column("seconds", Float, nullable=False, server_default="0"),
    at("set_to", nullable=True),
    Column("cause", String(120), nullable=False),  # what it came of; twice the same is one entry
    Column("note", String(500), nullable=False, server_default=""),
    ref("actor_id", "users.id", nullable=True),
    at("paid_to"),
    at("ends_at"),
    Column("left_s", Float, nullable=True),
    Column("trial", Boolean, nullable=False),
    UniqueConstraint("user_id", "cause"),
    # What figures of months are made of.
    Index(
        "ix_access_entries_months",
        "kind",
        "at",
        "user_id",
        postgresql_where=text("kind IN ('trial', 'paid')"),
    ),
)

# What a user has agreed to pay for: billing.subscription. A user without one may have access all the same.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id"), primary_key=True),
    Column("plan", String(32), nullable=False),
    Column("region", String(2), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("renews", Boolean, nullable=False),
    Column("card_id", BigInteger, nullable=True),
    Column(
        "charging", UUID(as_uuid=True), nullable=True
    ),  # the invoice of a renewal whose outcome is not known
    Column("failures", SmallInteger, nullable=False, server_default="0"),
    at("failed_at", nullable=True),
    Column("hopeless", Boolean, nullable=False, server_default=text("false")),
    at("warned_to", nullable=True),
    at("ended_to", nullable=True),
    at("paused_until", nullable=True),
    at("due_at", nullable=True),
    at("started_at", now=True),
    at("cancelled_at", nullable=True),
    Column("version", Integer, nullable=False, server_default="1"),
    Index("ix_subscriptions_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("ix_subscriptions_failing", "failed_at", "user_id", postgresql_where=text("failures > 0")),
)

# The ledger of loyalty: months that were given (with the entry of the same cause in access_entries), and prices
# that stay as long as the subscription goes on.
loyalty_entries = Table(
    "loyalty_entries",
    metadata,
    id_column(),
    ref("user_id", "users.id"),
    Column("kind", String(16), nullable=False),  # price_lock, lock_ended, referral, referral_back, rating
    Column("cause", String(120), nullable=False),
    at("at", now=True),
    Column("plan", String(32), nullable=True),
    Column("currency", String(3), nullable=True),
    Column("minor", BigInteger, nullable=True),
    Column("seconds", Float, nullable=False, server_default="0"),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    UniqueConstraint("user_id", "cause"),
)
