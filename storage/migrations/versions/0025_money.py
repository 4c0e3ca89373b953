"""invoices, what acquirers said, and the books with a role of their own (ADR 0019)

Revision ID: 0025
Revises: 0024
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0025"
down_revision: str | Sequence[str] | None = "0024"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


# A role that can add to the books and do nothing else. Roles belong to the whole cluster, so it may be there; and a
# managed server may keep roles to itself, which leaves the triggers and the revoked privileges of the owner.
ROLE = """
DO $$
BEGIN
    CREATE ROLE desk_books NOLOGIN;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN RAISE WARNING 'no right to create the role desk_books: see docs/adr/0019';
END $$
"""
MEMBER = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'desk_books' AND NOT pg_has_role(session_user, oid, 'MEMBER'))
    THEN
        GRANT desk_books TO SESSION_USER;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN RAISE WARNING 'no right to grant the role desk_books: see docs/adr/0019';
END $$
"""
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'desk_books') THEN
        GRANT USAGE ON SCHEMA public TO desk_books;
        GRANT SELECT, INSERT ON ledger_transactions, ledger_postings TO desk_books;
    END IF;
END $$
"""
# Who writes the books: that role where this session may take it on, else the session's own.
LEDGER_ROLE = """
CREATE FUNCTION ledger_role() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT rolname::text FROM pg_roles WHERE rolname = 'desk_books' AND pg_has_role(session_user, oid, 'MEMBER')),
        'none')
$$
"""
ONE_DOOR = """
CREATE FUNCTION ledger_one_door() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ledger_role() <> 'none' AND current_user <> 'desk_books' THEN
        RAISE EXCEPTION 'the books are written by the role desk_books only';
    END IF;
    RETURN NULL;
END $$
"""
APPEND_ONLY = """
CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$
"""
# At COMMIT: as many lines as the head says, zero in each currency. A line put in later is one too many.
BALANCED = """
CREATE FUNCTION ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head bigint;
    said integer;
    found integer;
    off integer;
BEGIN
    IF TG_TABLE_NAME = 'ledger_postings' THEN head := NEW.transaction_id; ELSE head := NEW.id; END IF;
    SELECT lines INTO said FROM ledger_transactions WHERE id = head;
    SELECT coalesce(sum(n), 0), count(*) FILTER (WHERE total <> 0) INTO found, off FROM (
        SELECT count(*) AS n, sum(amount) AS total FROM ledger_postings WHERE transaction_id = head
        GROUP BY currency) c;
    IF said IS NULL OR found <> said OR off > 0 THEN
        RAISE EXCEPTION 'transaction % of the books does not balance', head USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""
# What acquirers said stays as it was said; its sealed body goes with the user.
INBOX = """
CREATE FUNCTION payment_inbox_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.raw IS NULL AND to_jsonb(NEW) - 'raw' - 'headers' = to_jsonb(OLD) - 'raw' - 'headers'
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'payment_inbox is append-only';
END $$
"""
# What somebody was asked to pay is not changed behind their back.
INVOICES = """
CREATE FUNCTION invoices_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what an invoice asks for does not change';
END $$
"""
# Row triggers do not see TRUNCATE.
TRIGGERS = (
    *(
        statement
        for table in ("ledger_transactions", "ledger_postings")
        for statement in (
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION ledger_append_only()",
            f"CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table} EXECUTE FUNCTION ledger_append_only()",
            f"CREATE TRIGGER one_door BEFORE INSERT ON {table} EXECUTE FUNCTION ledger_one_door()",
            f"CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION ledger_balanced()",
        )
    ),
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON payment_inbox"
    " FOR EACH ROW EXECUTE FUNCTION payment_inbox_append_only()",
    "CREATE TRIGGER never_emptied BEFORE TRUNCATE ON payment_inbox EXECUTE FUNCTION payment_inbox_append_only()",
    "CREATE TRIGGER fixed BEFORE UPDATE ON invoices FOR EACH ROW"
    " WHEN ((OLD.id, OLD.user_id, OLD.purpose, OLD.plan, OLD.plan_version, OLD.region, OLD.period_s, OLD.amount, OLD.currency,"
    " OLD.provider, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.purpose, NEW.plan, NEW.plan_version,"
    " NEW.region, NEW.period_s, NEW.amount, NEW.currency, NEW.provider, NEW.created_at)) EXECUTE FUNCTION invoices_fixed()",
    "CREATE TRIGGER kept BEFORE DELETE ON invoices FOR EACH ROW EXECUTE FUNCTION invoices_fixed()",
)
FUNCTIONS = (LEDGER_ROLE, ONE_DOOR, APPEND_ONLY, BALANCED, INBOX, INVOICES)


def upgrade() -> None:
    op.create_table(
        "payment_forgeries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("provider", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("peer", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_forgeries")),
    )
    op.create_table(
        "reconciliations",
        sa.Column("provider", sa.String(length=24), nullable=False),
        sa.Column("upto", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("differences", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_reconciliations")),
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.String(length=24), nullable=False),
        sa.Column("plan", sa.String(length=64), server_default="", nullable=False),
        sa.Column("plan_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("region", sa.String(length=2), server_default="", nullable=False),
        sa.Column("period_s", sa.Float(), server_default="0", nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("provider", sa.String(length=24), nullable=False),
        sa.Column("description", sa.String(length=200), server_default="", nullable=False),
        sa.Column("lang", sa.String(length=2), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="created", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency IN ('KZT', 'RUB', 'USD', 'CNY')", name=op.f("ck_invoices_currency")),
        sa.CheckConstraint(
            "state IN ('created', 'pending', 'paid', 'failed', 'expired', 'partly_refunded', 'refunded')",
            name=op.f("ck_invoices_state"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_invoices_amount")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_invoices_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
    )
    op.create_index(
        "ix_invoices_open",
        "invoices",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('created', 'pending')"),
    )
    op.create_index(
        op.f("ix_invoices_user_id_created_at"), "invoices", ["user_id", "created_at"], unique=False
    )
    op.create_table(
        "payment_differences",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("provider", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("transaction", sa.String(length=128), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("ours", sa.BigInteger(), nullable=True),
        sa.Column("theirs", sa.BigInteger(), nullable=True),
        sa.Column("healed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.CheckConstraint(
            "kind IN ('missing_here', 'missing_there', 'other_amount', 'total')",
            name=op.f("ck_payment_differences_kind"),
        ),
        sa.ForeignKeyConstraint(["settled_by"], ["users.id"], name=op.f("fk_payment_differences_settled_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_differences")),
        sa.UniqueConstraint(
            "provider",
            "kind",
            "transaction",
            "currency",
            name=op.f("uq_payment_differences_provider_kind_transaction_currency"),
        ),
    )
    op.create_index(
        "ix_payment_differences_open",
        "payment_differences",
        ["id"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL AND NOT healed"),
    )
    op.create_table(
        "saved_cards",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.String(length=24), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("last_four", sa.String(length=4), nullable=False),
        sa.Column("brand", sa.String(length=24), nullable=False),
        sa.Column("expires", sa.String(length=5), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_saved_cards_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_cards")),
        sa.UniqueConstraint(
            "user_id", "provider", "fingerprint", name=op.f("uq_saved_cards_user_id_provider_fingerprint")
        ),
    )
    op.create_table(
        "ledger_transactions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("invoice_id", sa.UUID(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("provider", sa.String(length=24), server_default="", nullable=False),
        sa.Column("transaction", sa.String(length=128), server_default="", nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("lines", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "currency IN ('KZT', 'RUB', 'USD', 'CNY')", name=op.f("ck_ledger_transactions_currency")
        ),
        sa.CheckConstraint("amount > 0 AND lines >= 2", name=op.f("ck_ledger_transactions_amounts")),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_ledger_transactions_invoice_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_ledger_transactions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transactions")),
        sa.UniqueConstraint("key", name=op.f("uq_ledger_transactions_key")),
    )
    op.create_index(
        op.f("ix_ledger_transactions_invoice_id_id"),
        "ledger_transactions",
        ["invoice_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ledger_transactions_provider_transaction"),
        "ledger_transactions",
        ["provider", "transaction"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ledger_transactions_user_id_id"), "ledger_transactions", ["user_id", "id"], unique=False
    )
    op.create_table(
        "payment_attempts",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("invoice_id", sa.UUID(), nullable=False),
        sa.Column("provider", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), server_default="started", nullable=False),
        sa.Column("card_id", sa.BigInteger(), nullable=True),
        sa.Column("merchant", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("save_card", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reference", sa.String(length=128), nullable=True),
        sa.Column("reason", sa.String(length=200), server_default="", nullable=False),
        sa.Column("advice", sa.String(length=8), nullable=True),
        sa.Column("looks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state IN ('started', 'unknown')) = (due_at IS NOT NULL)", name=op.f("ck_payment_attempts_due")
        ),
        sa.CheckConstraint("kind IN ('checkout', 'charge')", name=op.f("ck_payment_attempts_kind")),
        sa.CheckConstraint(
            "state IN ('started', 'done', 'declined', 'unknown', 'unavailable', 'rejected')",
            name=op.f("ck_payment_attempts_state"),
        ),
        sa.ForeignKeyConstraint(["card_id"], ["saved_cards.id"], name=op.f("fk_payment_attempts_card_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_payment_attempts_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_attempts")),
    )
    op.create_index(
        "ix_payment_attempts_due",
        "payment_attempts",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_payment_attempts_invoice_id_created_at"),
        "payment_attempts",
        ["invoice_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "payment_inbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("provider", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=False),
        sa.Column("invoice_id", sa.UUID(), nullable=True),
        sa.Column("transaction", sa.String(length=128), nullable=True),
        sa.Column("payment", sa.String(length=128), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("account", sa.String(length=64), nullable=True),
        sa.Column("named_invoice", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=200), server_default="", nullable=False),
        sa.Column(
            "headers",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "source IN ('notice', 'answer', 'found', 'listed', 'staff')", name=op.f("ck_payment_inbox_source")
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_payment_inbox_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_inbox")),
        sa.UniqueConstraint("provider", "kind", "key", name=op.f("uq_payment_inbox_provider_kind_key")),
    )
    op.create_index(
        "ix_payment_inbox_alerts",
        "payment_inbox",
        ["id"],
        unique=False,
        postgresql_where=sa.text("verdict NOT IN ('applied', 'duplicate')"),
    )
    op.create_index(
        op.f("ix_payment_inbox_invoice_id_id"), "payment_inbox", ["invoice_id", "id"], unique=False
    )
    op.create_index(
        op.f("ix_payment_inbox_provider_payment_id"),
        "payment_inbox",
        ["provider", "payment", "id"],
        unique=False,
    )
    op.create_index("ix_payment_inbox_received", "payment_inbox", ["provider", "received_at"], unique=False)
    op.create_table(
        "refunds",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("invoice_id", sa.UUID(), nullable=False),
        sa.Column("provider", sa.String(length=24), nullable=False),
        sa.Column("payment", sa.String(length=128), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("cause", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=True),
        sa.Column("approved_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=500), server_default="", nullable=False),
        sa.Column("reference", sa.String(length=128), nullable=True),
        sa.Column("error", sa.String(length=200), server_default="", nullable=False),
        sa.Column("looks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state IN ('approved', 'sent', 'unknown')) = (due_at IS NOT NULL)", name=op.f("ck_refunds_due")
        ),
        sa.CheckConstraint("cause IN ('asked', 'double')", name=op.f("ck_refunds_cause")),
        sa.CheckConstraint("currency IN ('KZT', 'RUB', 'USD', 'CNY')", name=op.f("ck_refunds_currency")),
        sa.CheckConstraint(
            "state IN ('requested', 'approved', 'sent', 'unknown', 'done', 'failed', 'turned_down')",
            name=op.f("ck_refunds_state"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refunds_amount")),
        sa.CheckConstraint("requested_by <> approved_by", name=op.f("ck_refunds_approver")),
        sa.ForeignKeyConstraint(["approved_by"], ["users.id"], name=op.f("fk_refunds_approved_by")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_refunds_invoice_id")),
        sa.ForeignKeyConstraint(["requested_by"], ["users.id"], name=op.f("fk_refunds_requested_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
    )
    op.create_index(
        "ix_refunds_due", "refunds", ["due_at"], unique=False, postgresql_where=sa.text("due_at IS NOT NULL")
    )
    op.create_index(
        op.f("ix_refunds_invoice_id_created_at"), "refunds", ["invoice_id", "created_at"], unique=False
    )
    op.create_index(
        "uq_refunds_double",
        "refunds",
        ["provider", "payment"],
        unique=True,
        postgresql_where=sa.text("cause = 'double' AND state <> 'failed'"),
    )
    op.create_table(
        "ledger_postings",
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.SmallInteger(), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.CheckConstraint(
            "currency IN ('KZT', 'RUB', 'USD', 'CNY')", name=op.f("ck_ledger_postings_currency")
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_ledger_postings_amount")),
        sa.PrimaryKeyConstraint("transaction_id", "line", name=op.f("pk_ledger_postings")),
    )
    op.create_index(
        "ix_ledger_postings_account",
        "ledger_postings",
        ["account", "currency", "transaction_id"],
        unique=False,
        postgresql_include=["amount"],
    )
    for function in FUNCTIONS:
        op.execute(function)
    for trigger in TRIGGERS:
        op.execute(trigger)
    op.execute(ROLE)
    op.execute(MEMBER)
    op.execute(GRANTS)
    # Holds where the application's role is no superuser; where it is one, the role above holds.
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON ledger_transactions, ledger_postings FROM CURRENT_USER")


def downgrade() -> None:
    for table in (
        "ledger_postings",
        "ledger_transactions",
        "refunds",
        "payment_attempts",
        "saved_cards",
        "payment_inbox",
        "payment_forgeries",
        "payment_differences",
        "reconciliations",
        "invoices",
    ):
        op.drop_table(table)
    for function in (
        "ledger_one_door",
        "ledger_append_only",
        "ledger_balanced",
        "ledger_role",
        "payment_inbox_append_only",
        "invoices_fixed",
    ):
        op.execute(f"DROP FUNCTION {function}()")
    # The role stays: other databases of the cluster may have given it rights.
