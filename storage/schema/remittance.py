"""What shippers owe drivers for hauls, and what both say of it. The platform moves none of this money."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Table,
    text,
)

from .columns import at, id_column, metadata, ref

# One for each assignment, made by a trigger on it (migration 0028). The price is the order's: from the assignment
# on nobody changes it. Everything else follows from the marks (dispatch.remittance); it stands here for those who
# look for it: reminders, records of payments, lists.
remittances = Table(
    "remittances",
    metadata,
    Column("order_id", BigInteger, ForeignKey("orders.id"), primary_key=True),
    at("due_at", nullable=True),  # once the step that the terms name is done
    at("unpaid_at", nullable=True),  # the driver has said that nothing has come
    Column("unpaid_note", String(500), nullable=False, server_default=""),
    Column("state", String(10), nullable=False, server_default="open"),  # dispatch.remittance.RemittanceState
    at("paid_at", nullable=True),  # all of it, by the marks that stand
    Column("spoken_of", Boolean, nullable=False, server_default=text("false")),
    Column("reminded", SmallInteger, nullable=False, server_default="0"),
    at("remind_at", nullable=True),
    Index("ix_remittances_remind", "remind_at", postgresql_where=text("remind_at IS NOT NULL")),
    CheckConstraint("state IN ('open', 'prepaid', 'marked', 'contested', 'paid', 'void')", name="state"),
)

remittance_marks = Table(
    "remittance_marks",
    metadata,
    id_column(),
    ref("order_id", "remittances.order_id"),
    Column("kind", String(10), nullable=False),
    Column("amount", BigInteger, nullable=False),  # minor units of the order's currency
    Column("method", String(12), nullable=False),
    at("paid_at"),
    Column("reference", String(120), nullable=False, server_default=""),
    Column("state", String(10), nullable=False),
    ref("shipper_by", "users.id", nullable=True),  # who of each side has said it
    at("shipper_at", nullable=True),
    ref("driver_by", "users.id", nullable=True),
    at("driver_at", nullable=True),
    Column("reason", String(16), nullable=False, server_default=""),  # of contesting it
    Column("note", String(500), nullable=False, server_default=""),
    Index(None, "order_id", "id"),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("kind IN ('prepayment', 'payment')", name="kind"),
    CheckConstraint("state IN ('waiting', 'confirmed', 'contested', 'withdrawn')", name="state"),
    CheckConstraint("num_nulls(shipper_at, driver_at) < 2", name="said"),
)
