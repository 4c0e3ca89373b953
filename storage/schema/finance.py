"""What finance works through: payment slips of transfers, alerts that were cleared up, checks of the money."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from .columns import at, id_column, metadata, ref

# A photo or PDF by which a user shows that an invoice was paid by transfer. At most one of an invoice waits.
transfer_slips = Table(
    "transfer_slips",
    metadata,
    id_column(),
    Column("invoice_id", UUID(as_uuid=True), ForeignKey("invoices.id"), nullable=False),
    ref("user_id", "users.id"),  # who sent it
    ref("file_id", "files.id", nullable=True, unique=True),  # goes with its user
    Column("state", String(12), nullable=False, server_default="waiting"),
    at("sent_at", now=True),
    at("decided_at", nullable=True),
    ref("decided_by", "users.id", nullable=True),
    Column("reason", String(500), nullable=False, server_default=""),  # why not, as the user is told
    CheckConstraint("state IN ('waiting', 'received', 'turned_down')", name="state"),
    CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name="decided"),
    Index(None, "invoice_id", "id"),
    Index("uq_transfer_slips_waiting", "invoice_id", unique=True, postgresql_where=text("state = 'waiting'")),
    Index("ix_transfer_slips_queue", "state", "id"),
)

# Messages of acquirers that raised an alert, once somebody has looked. The message itself is never changed.
settled_alerts = Table(
    "settled_alerts",
    metadata,
    Column("notice_id", BigInteger, ForeignKey("payment_inbox.id"), primary_key=True, autoincrement=False),
    ref("settled_by", "users.id"),
    Column("note", String(500), nullable=False),
    at("settled_at", now=True),
)

# Each time the books were held against the facts (`desk money verify`): by the nightly loop, by hand, or because
# staff asked for it, which is a row that has not begun.
money_checks = Table(
    "money_checks",
    metadata,
    id_column(),
    ref("asked_by", "users.id", nullable=True),
    at("asked_at", now=True),
    at("began_at", nullable=True),
    at("ended_at", nullable=True),
    Column("bookings", BigInteger, nullable=False, server_default="0"),
    Column("invoices", BigInteger, nullable=False, server_default="0"),
    Column("broken", Integer, nullable=False, server_default="0"),
    Column("faults", JSONB, nullable=False, server_default=text("'[]'::jsonb")),  # [[kind, what], ...]
)
