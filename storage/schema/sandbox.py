"""The sandbox acquirer's own books: it plays another company, so nothing here points at our tables."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from .columns import at, metadata

DELIVERIES = "('once', 'twice', 'late', 'shuffled', 'never')"

# A page where somebody pays. `delivery` overrules the settings; `card` waits for 3-D Secure; `declined` is why the
# last try failed, a code of CloudPayments.
sandbox_checkouts = Table(
    "sandbox_checkouts",
    metadata,
    Column("token", String(32), primary_key=True),
    Column("attempt", UUID(as_uuid=True), nullable=False, unique=True),
    Column("invoice", UUID(as_uuid=True), nullable=False),
    Column("account", String(64), nullable=False),
    Column("amount", BigInteger, nullable=False),  # minor units
    Column("currency", String(3), nullable=False),
    Column("description", Text, nullable=False),
    Column("lang", String(2), nullable=False),
    Column("back", Text, nullable=False),
    Column("failed", Text, nullable=False),
    Column("save_card", Boolean, nullable=False),
    Column("delivery", String(8)),
    Column("state", String(10), nullable=False, server_default="open"),
    Column("transaction_id", BigInteger),
    Column("declined", Integer),
    at("created_at", now=True),
    CheckConstraint("state IN ('open', 'confirming', 'paid')", name="state"),
    CheckConstraint(f"delivery IN {DELIVERIES}", name="delivery"),
)

# A card that may be charged again; of its number the last four digits. `declines`: the code that charges end with.
sandbox_cards = Table(
    "sandbox_cards",
    metadata,
    Column("token", String(40), primary_key=True),
    Column("account", String(64), nullable=False),
    Column("last_four", String(4), nullable=False),
    Column("expires", String(5), nullable=False),
    Column("declines", Integer),
    at("created_at", now=True),
)

sandbox_transactions = Table(
    "sandbox_transactions",
    metadata,
    Column("id", BigInteger, Identity(always=False, start=100_001), primary_key=True),
    Column(
        "attempt", UUID(as_uuid=True), unique=True
    ),  # of a charge or a refund; a page may be tried again and again
    Column("checkout", String(32)),
    Column("refunds", BigInteger, ForeignKey("sandbox_transactions.id")),
    Column("invoice", UUID(as_uuid=True), nullable=False),
    Column("account", String(64), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("state", String(10), nullable=False),
    Column("reason", Integer),
    Column("last_four", String(4)),
    Column("expires", String(5)),
    Column("token", String(40)),
    at("created_at", now=True),
    Index(None, "invoice", "id"),
    Index(None, "created_at"),
    Index(None, "refunds"),
    CheckConstraint("state IN ('pending', 'paid', 'declined', 'refunded')", name="state"),
    CheckConstraint("amount > 0", name="amount"),
)

# Notifications to our own webhook. A `held` one waits for the next of its invoice and comes after it.
sandbox_deliveries = Table(
    "sandbox_deliveries",
    metadata,
    Column("id", BigInteger, Identity(always=False), primary_key=True),
    Column("transaction_id", BigInteger, ForeignKey("sandbox_transactions.id"), nullable=False),
    Column("invoice", UUID(as_uuid=True), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("state", String(10), nullable=False, server_default="due"),
    Column("held", Boolean, nullable=False, server_default=text("false")),
    Column("after_id", BigInteger),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    at("due_at", now=True),
    at("created_at", now=True),
    at("done_at", nullable=True),
    Column("answer", SmallInteger),
    Column("error", Text),
    Index("ix_sandbox_deliveries_due", "due_at", postgresql_where=text("state = 'due'")),
    Index("ix_sandbox_deliveries_held", "invoice", postgresql_where=text("held")),
    Index(None, "transaction_id"),
    CheckConstraint("state IN ('due', 'delivered', 'dead', 'lost')", name="state"),
)

# One row: how notifications are delivered where a page does not say otherwise.
sandbox_settings = Table(
    "sandbox_settings",
    metadata,
    Column("id", SmallInteger, primary_key=True, server_default="1"),
    Column("delivery", String(8), nullable=False),
    Column("late_s", Integer, nullable=False),
    CheckConstraint("id = 1", name="one"),
    CheckConstraint(f"delivery IN {DELIVERIES}", name="delivery"),
)
