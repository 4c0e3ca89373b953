"""Hauls that went wrong, what both sides say of it, and what staff decide."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, text
from sqlalchemy.dialects.postgresql import ARRAY

from .columns import at, id_column, metadata, ref

disputes = Table(
    "disputes",
    metadata,
    id_column(),
    ref("order_id", "orders.id"),
    ref("opened_by", "users.id"),
    Column("side", String(8), nullable=False),  # of who opened it
    Column("code", String(16), nullable=False),
    Column("amount", BigInteger),  # claimed, minor units of the order's currency
    Column("was", String(16), nullable=False),  # the order's state before, to which a withdrawal leads back
    Column("state", String(10), nullable=False, server_default="open"),  # dispatch.disputes.DisputeState
    at("opened_at", now=True),
    at("answered_at", nullable=True),
    Column("messages", Integer, nullable=False, server_default="0"),  # how many, so that they have a bound
    Column("claimed_by", BigInteger),
    at("claimed_at", nullable=True),
    Column("decided_by", BigInteger),
    Column("outcome", String(12)),  # dispatch.disputes.DisputeOutcome
    Column("decision", String(2000), nullable=False, server_default=""),
    Column("decided_amount", BigInteger),
    at("ended_at", nullable=True),
    Index(None, "order_id", "id"),
    # One that is open an order, at most.
    Index("uq_disputes_open", "order_id", unique=True, postgresql_where=text("state = 'open'")),
    Index("ix_disputes_open", "id", postgresql_where=text("state = 'open'")),
    CheckConstraint("side IN ('shipper', 'driver', 'staff')", name="side"),
    CheckConstraint("state IN ('open', 'decided', 'withdrawn', 'dropped')", name="state"),
    CheckConstraint(
        "outcome IS NULL OR outcome IN ('for_driver', 'for_shipper', 'split', 'withdrawn')", name="outcome"
    ),
    CheckConstraint("amount > 0 AND decided_amount >= 0", name="amounts"),
)

# What was said, oldest first; `files` are rows of order_files of the same order.
dispute_messages = Table(
    "dispute_messages",
    metadata,
    id_column(),
    ref("dispute_id", "disputes.id"),
    ref("author_id", "users.id"),
    Column("side", String(8), nullable=False),
    Column("kind", String(8), nullable=False),  # opened | answer | message
    Column("text", String(1000), nullable=False, server_default=""),
    Column("files", ARRAY(BigInteger), nullable=False, server_default=text("'{}'::bigint[]")),
    at("at", now=True),
    Index(None, "dispute_id", "id"),
    Index(None, "author_id", "id"),
    CheckConstraint("side IN ('shipper', 'driver', 'staff')", name="side"),
    CheckConstraint("kind IN ('opened', 'answer', 'message')", name="kind"),
)
