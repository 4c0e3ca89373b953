"""the sandbox acquirer's books

Revision ID: 0024
Revises: 0023
Deploy: before  # the old code knows none of these tables
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0024"
down_revision: str | Sequence[str] | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "sandbox_cards",
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("last_four", sa.String(length=4), nullable=False),
        sa.Column("expires", sa.String(length=5), nullable=False),
        sa.Column("declines", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_sandbox_cards")),
    )
    op.create_table(
        "sandbox_checkouts",
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("attempt", sa.UUID(), nullable=False),
        sa.Column("invoice", sa.UUID(), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("lang", sa.String(length=2), nullable=False),
        sa.Column("back", sa.Text(), nullable=False),
        sa.Column("failed", sa.Text(), nullable=False),
        sa.Column("save_card", sa.Boolean(), nullable=False),
        sa.Column("delivery", sa.String(length=8), nullable=True),
        sa.Column("state", sa.String(length=10), server_default="open", nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=True),
        sa.Column("declined", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "delivery IN ('once', 'twice', 'late', 'shuffled', 'never')",
            name=op.f("ck_sandbox_checkouts_delivery"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'confirming', 'paid')", name=op.f("ck_sandbox_checkouts_state")
        ),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_sandbox_checkouts")),
        sa.UniqueConstraint("attempt", name=op.f("uq_sandbox_checkouts_attempt")),
    )
    op.create_table(
        "sandbox_settings",
        sa.Column("id", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("delivery", sa.String(length=8), nullable=False),
        sa.Column("late_s", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "delivery IN ('once', 'twice', 'late', 'shuffled', 'never')",
            name=op.f("ck_sandbox_settings_delivery"),
        ),
        sa.CheckConstraint("id = 1", name=op.f("ck_sandbox_settings_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sandbox_settings")),
    )
    op.create_table(
        "sandbox_transactions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=100001), nullable=False),
        sa.Column("attempt", sa.UUID(), nullable=True),
        sa.Column("checkout", sa.String(length=32), nullable=True),
        sa.Column("refunds", sa.BigInteger(), nullable=True),
        sa.Column("invoice", sa.UUID(), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Integer(), nullable=True),
        sa.Column("last_four", sa.String(length=4), nullable=True),
        sa.Column("expires", sa.String(length=5), nullable=True),
        sa.Column("token", sa.String(length=40), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'paid', 'declined', 'refunded')", name=op.f("ck_sandbox_transactions_state")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_sandbox_transactions_amount")),
        sa.ForeignKeyConstraint(
            ["refunds"], ["sandbox_transactions.id"], name=op.f("fk_sandbox_transactions_refunds")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sandbox_transactions")),
        sa.UniqueConstraint("attempt", name=op.f("uq_sandbox_transactions_attempt")),
    )
    op.create_index(
        op.f("ix_sandbox_transactions_created_at"), "sandbox_transactions", ["created_at"], unique=False
    )
    op.create_index(
        op.f("ix_sandbox_transactions_invoice_id"), "sandbox_transactions", ["invoice", "id"], unique=False
    )
    op.create_index(
        op.f("ix_sandbox_transactions_refunds"), "sandbox_transactions", ["refunds"], unique=False
    )
    op.create_table(
        "sandbox_deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("invoice", sa.UUID(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="due", nullable=False),
        sa.Column("held", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("after_id", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.SmallInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('due', 'delivered', 'dead', 'lost')", name=op.f("ck_sandbox_deliveries_state")
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["sandbox_transactions.id"], name=op.f("fk_sandbox_deliveries_transaction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sandbox_deliveries")),
    )
    op.create_index(
        "ix_sandbox_deliveries_due",
        "sandbox_deliveries",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'due'"),
    )
    op.create_index(
        "ix_sandbox_deliveries_held",
        "sandbox_deliveries",
        ["invoice"],
        unique=False,
        postgresql_where=sa.text("held"),
    )
    op.create_index(
        op.f("ix_sandbox_deliveries_transaction_id"), "sandbox_deliveries", ["transaction_id"], unique=False
    )


def downgrade() -> None:
    for table in ("deliveries", "transactions", "settings", "checkouts", "cards"):
        op.drop_table(f"sandbox_{table}")
