"""What users pass on to bring others, who came by it, and what that is worth."""

from sqlalchemy import (
    BigInteger,
    Boolean,
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
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from .columns import at, id_column, metadata, ref

# Only once it is asked for.
referral_codes = Table(
    "referral_codes",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id"), primary_key=True),
    Column("code", String(10), nullable=False, unique=True),
    at("made_at", now=True),
)

# Who was brought by whom: one inviter for ever. Written with the account. Hashes are HMACs under the pepper; those
# of a day name nobody the day after.
referrals = Table(
    "referrals",
    metadata,
    id_column(),
    ref("invitee_id", "users.id", unique=True),
    ref("inviter_id", "users.id"),
    at("at", now=True),
    Column("state", String(8), nullable=False),  # billing.loyalty.Attribution
    Column("signals", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("waiting", Boolean, nullable=False, server_default=text("false")),  # staff should look
    at("stands_at", nullable=True),  # since when it counts
    at("barred_at", nullable=True),  # staff have refused it: it counts no more, and never again
    at("confirmed_at", nullable=True),  # the profile has a name: a trigger on users (migration 0029)
    Column("program_hash", LargeBinary, nullable=False),  # of the day, address and program
    Column("network_hash", LargeBinary, nullable=False),  # of the day and network
    Column("phone_hash", LargeBinary, nullable=False),
    Column("decided_by", BigInteger),
    at("decided_at", nullable=True),
    Column("note", String(500), nullable=False, server_default=""),
    Index(None, "inviter_id", "id"),
    Index(None, "program_hash"),
    Index(None, "network_hash"),
    Index(None, "phone_hash"),
    Index("ix_referrals_waiting", "id", postgresql_where=text("waiting")),
    Index("ix_referrals_state", "state", "id"),
    CheckConstraint("invitee_id <> inviter_id", name="oneself"),
    CheckConstraint("state IN ('standing', 'held', 'refused')", name="state"),
)

# When somebody who was brought began to be a paying user, and when all of it was given back. Rows are closed,
# never changed otherwise; times are those at which we knew.
referral_payments = Table(
    "referral_payments",
    metadata,
    id_column(),
    ref("invitee_id", "referrals.invitee_id"),
    at("paid_at"),
    at("refunded_at", nullable=True),
    Index(
        "uq_referral_payments_open", "invitee_id", unique=True, postgresql_where=text("refunded_at IS NULL")
    ),
    Index(None, "invitee_id"),
    CheckConstraint("refunded_at >= paid_at", name="span"),
)

# What loyalty is worth, in versions that are added and never changed. Without one: billing.loyalty's and
# billing.bonuses' own.
loyalty_terms = Table(
    "loyalty_terms",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    at("valid_from"),
    Column("referral_threshold", SmallInteger, nullable=False),
    Column("referral_days", SmallInteger, nullable=False),
    Column("rating_hundredths", SmallInteger, nullable=False),
    Column("rating_orders", SmallInteger, nullable=False),
    Column("rating_period_days", SmallInteger, nullable=False),
    Column("rating_days", SmallInteger, nullable=False),
    Column("lock_grace_days", SmallInteger, nullable=False),
    Column("note", String(500), nullable=False, server_default=""),
    ref("set_by", "users.id"),
    at("created_at", now=True),
    CheckConstraint("referral_threshold > 0 AND rating_orders > 0", name="counts"),
)
