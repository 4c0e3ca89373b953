"""Money: invoices, our attempts, what acquirers said, and the books. Who may write the books: ADR 0019."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from .columns import at, id_column, metadata, ref

CURRENCIES = "currency IN ('KZT', 'RUB', 'USD', 'CNY')"

# `state` is what billing.payments.standing says of the facts, kept for lists; `desk money verify` compares.
invoices = Table(
    "invoices",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    ref("user_id", "users.id"),
    Column("purpose", String(24), nullable=False),
    Column("plan", String(64), nullable=False, server_default=""),
    Column("plan_version", Integer, nullable=False, server_default="0"),
    Column("region", String(2), nullable=False, server_default=""),
    Column("period_s", Float, nullable=False, server_default="0"),
    Column("amount", BigInteger, nullable=False),  # minor units
    Column("currency", String(3), nullable=False),
    Column("provider", String(24), nullable=False),
    Column("description", String(200), nullable=False, server_default=""),
    Column("lang", String(2), nullable=False),
    Column("state", String(16), nullable=False, server_default="created"),
    at("created_at", now=True),
    at("expires_at"),
    at("changed_at", now=True),  # of the state
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint(CURRENCIES, name="currency"),
    CheckConstraint(
        "state IN ('created', 'pending', 'paid', 'failed', 'expired', 'partly_refunded', 'refunded')",
        name="state",
    ),
    Index(None, "user_id", "created_at"),
    Index(None, "created_at", "id"),
    # What the clock may end.
    Index("ix_invoices_open", "expires_at", postgresql_where=text("state IN ('created', 'pending')")),
)

# A card that may be charged again: the acquirer's name for it, sealed. The number never comes here.
saved_cards = Table(
    "saved_cards",
    metadata,
    id_column(),
    ref("user_id", "users.id"),
    Column("provider", String(24), nullable=False),
    Column("token", LargeBinary, nullable=False),
    Column(
        "fingerprint", LargeBinary, nullable=False
    ),  # keyed hash of the token: the same card is found again
    Column("last_four", String(4), nullable=False),
    Column("brand", String(24), nullable=False),
    Column("expires", String(5)),  # MM/YY
    at("created_at", now=True),
    at("removed_at", nullable=True),
    UniqueConstraint("user_id", "provider", "fingerprint"),
)

# Our attempts. The row stands before anything is sent, and its id is the request's id with the acquirer.
payment_attempts = Table(
    "payment_attempts",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("invoice_id", UUID(as_uuid=True), ForeignKey("invoices.id"), nullable=False),
    Column("provider", String(24), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("state", String(12), nullable=False, server_default="started"),
    Column("card_id", BigInteger, ForeignKey("saved_cards.id")),
    Column(
        "merchant", Boolean, nullable=False, server_default=text("false")
    ),  # on our schedule, nobody is there
    Column("save_card", Boolean, nullable=False, server_default=text("false")),
    Column("reference", String(128)),  # the acquirer's name for the page or the transaction
    Column("reason", String(200), nullable=False, server_default=""),
    Column("advice", String(8)),
    Column("looks", Integer, nullable=False, server_default="0"),
    at("created_at", now=True),
    at("done_at", nullable=True),
    at("due_at", nullable=True),  # of the next look; none when there is nothing to look for
    CheckConstraint("kind IN ('checkout', 'charge')", name="kind"),
    CheckConstraint(
        "state IN ('started', 'done', 'declined', 'unknown', 'unavailable', 'rejected')", name="state"
    ),
    CheckConstraint("(state IN ('started', 'unknown')) = (due_at IS NOT NULL)", name="due"),
    Index(None, "invoice_id", "created_at"),
    Index("ix_payment_attempts_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
)

# What acquirers told us, and what we found at them, each once. Rows are facts: only `raw` may go (erasure).
payment_inbox = Table(
    "payment_inbox",
    metadata,
    id_column(),
    Column("provider", String(24), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("key", String(128), nullable=False),
    Column("source", String(8), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("answer", String(16), nullable=False),
    Column("invoice_id", UUID(as_uuid=True), ForeignKey("invoices.id")),
    Column("transaction", String(128)),  # the acquirer's id
    Column("payment", String(128)),  # the same, or the payment that is given back
    Column("state", String(12)),
    Column("amount", BigInteger),
    Column("currency", String(3)),
    Column("account", String(64)),
    Column("named_invoice", String(64)),  # as it was told, whether there is one or not
    Column("reason", String(200), nullable=False, server_default=""),
    Column("headers", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("raw", LargeBinary),  # sealed: bodies have tokens and addresses in them
    at("happened_at", nullable=True),  # by the acquirer's clock
    at("received_at"),
    UniqueConstraint("provider", "kind", "key"),
    CheckConstraint("source IN ('notice', 'answer', 'found', 'listed', 'staff')", name="source"),
    Index(None, "invoice_id", "id"),
    Index(None, "provider", "payment", "id"),
    Index("ix_payment_inbox_received", "provider", "received_at"),
    Index("ix_payment_inbox_transaction", "transaction", postgresql_where=text("transaction IS NOT NULL")),
    Index("ix_payment_inbox_alerts", "id", postgresql_where=text("verdict NOT IN ('applied', 'duplicate')")),
)

# Requests that no acquirer has signed: what they looked like, a bounded number, and nothing of their bodies.
payment_forgeries = Table(
    "payment_forgeries",
    metadata,
    id_column(),
    Column("provider", String(24), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("peer", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    at("received_at", now=True),
)

# The books. Added by the role of ADR 0019, never changed: triggers of the migration.
ledger_transactions = Table(
    "ledger_transactions",
    metadata,
    id_column(),
    Column("key", String(200), nullable=False, unique=True),
    Column("act", String(16), nullable=False),
    Column("invoice_id", UUID(as_uuid=True), ForeignKey("invoices.id")),
    ref("user_id", "users.id", nullable=True),
    Column("provider", String(24), nullable=False, server_default=""),
    Column("transaction", String(128), nullable=False, server_default=""),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("lines", SmallInteger, nullable=False),
    at("at", now=True),
    CheckConstraint("amount > 0 AND lines >= 2", name="amounts"),
    CheckConstraint(CURRENCIES, name="currency"),
    Index(None, "invoice_id", "id"),
    Index(None, "user_id", "id"),
    Index(None, "provider", "transaction"),
    Index(None, "at"),
)
# No foreign key: its check would lock the head as the table's owner, who has no right to (FOR KEY SHARE asks for
# UPDATE). The trigger that balances at COMMIT looks for the head, too, and heads are never removed.
ledger_postings = Table(
    "ledger_postings",
    metadata,
    Column("transaction_id", BigInteger, nullable=False),
    Column("line", SmallInteger, nullable=False),
    Column("account", String(64), nullable=False),
    Column("amount", BigInteger, nullable=False),  # minor units: plus is had or spent, minus owed or earned
    Column("currency", String(3), nullable=False),
    PrimaryKeyConstraint("transaction_id", "line"),
    CheckConstraint("amount <> 0", name="amount"),
    CheckConstraint(CURRENCIES, name="currency"),
    Index(
        "ix_ledger_postings_account", "account", "currency", "transaction_id", postgresql_include=["amount"]
    ),
)

# Money that is to go back. The row's id is the request's id with the acquirer.
refunds = Table(
    "refunds",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("invoice_id", UUID(as_uuid=True), ForeignKey("invoices.id"), nullable=False),
    Column("provider", String(24), nullable=False),
    Column("payment", String(128), nullable=False),  # the acquirer's transaction that is given back
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("cause", String(8), nullable=False),
    Column("state", String(12), nullable=False),
    ref("requested_by", "users.id", nullable=True),  # none: the second payment of an invoice
    ref("approved_by", "users.id", nullable=True),
    Column("reason", String(500), nullable=False, server_default=""),
    Column("reference", String(128)),  # the acquirer's transaction that gives it back
    Column("error", String(200), nullable=False, server_default=""),
    Column("looks", Integer, nullable=False, server_default="0"),
    at("created_at", now=True),
    at("sent_at", nullable=True),
    at("done_at", nullable=True),
    at("due_at", nullable=True),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint(CURRENCIES, name="currency"),
    CheckConstraint("cause IN ('asked', 'double')", name="cause"),
    CheckConstraint(
        "state IN ('requested', 'approved', 'sent', 'unknown', 'done', 'failed', 'turned_down')", name="state"
    ),
    CheckConstraint("(state IN ('approved', 'sent', 'unknown')) = (due_at IS NOT NULL)", name="due"),
    CheckConstraint("requested_by <> approved_by", name="approver"),
    Index(None, "invoice_id", "created_at"),
    Index(
        "uq_refunds_double",
        "provider",
        "payment",
        unique=True,
        postgresql_where=text("cause = 'double' AND state <> 'failed'"),
    ),
    Index("ix_refunds_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
)

# How far each acquirer's list was held against ours, and what differed.
reconciliations = Table(
    "reconciliations",
    metadata,
    Column("provider", String(24), primary_key=True),
    at("upto"),
    at("due_at"),
    at("ran_at", nullable=True),
    Column("listed", Integer, nullable=False, server_default="0"),
    Column("differences", Integer, nullable=False, server_default="0"),
)
payment_differences = Table(
    "payment_differences",
    metadata,
    id_column(),
    Column("provider", String(24), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("transaction", String(128), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("ours", BigInteger),  # minor units, as far as there are any
    Column("theirs", BigInteger),
    Column("healed", Boolean, nullable=False, server_default=text("false")),
    at("found_at", now=True),
    at("settled_at", nullable=True),
    ref("settled_by", "users.id", nullable=True),
    Column("note", String(500), nullable=False, server_default=""),
    UniqueConstraint("provider", "kind", "transaction", "currency"),
    CheckConstraint("kind IN ('missing_here', 'missing_there', 'other_amount', 'total')", name="kind"),
    Index("ix_payment_differences_open", "id", postgresql_where=text("settled_at IS NULL AND NOT healed")),
)
