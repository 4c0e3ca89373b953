"""payment slips, alerts that were cleared up, checks of the money, and the indexes of what finance asks

Revision ID: 0030
Revises: 0029
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0030"
down_revision: str | Sequence[str] | None = "0029"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "transfer_slips",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("invoice_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=12), server_default="waiting", nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=500), server_default="", nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'received', 'turned_down')", name=op.f("ck_transfer_slips_state")
        ),
        sa.CheckConstraint(
            "(state = 'waiting') = (decided_at IS NULL)", name=op.f("ck_transfer_slips_decided")
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_transfer_slips_invoice_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_transfer_slips_user_id")),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_transfer_slips_file_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_transfer_slips_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer_slips")),
        sa.UniqueConstraint("file_id", name=op.f("uq_transfer_slips_file_id")),
    )
    op.create_index(op.f("ix_transfer_slips_invoice_id_id"), "transfer_slips", ["invoice_id", "id"])
    op.create_index("ix_transfer_slips_queue", "transfer_slips", ["state", "id"])
    op.create_index(
        "uq_transfer_slips_waiting",
        "transfer_slips",
        ["invoice_id"],
        unique=True,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "settled_alerts",
        sa.Column("notice_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("settled_by", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["payment_inbox.id"], name=op.f("fk_settled_alerts_notice_id")
        ),
        sa.ForeignKeyConstraint(["settled_by"], ["users.id"], name=op.f("fk_settled_alerts_settled_by")),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_settled_alerts")),
    )
    op.create_table(
        "money_checks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bookings", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("invoices", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("broken", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "faults",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["users.id"], name=op.f("fk_money_checks_asked_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_money_checks")),
    )
    op.create_index(op.f("ix_invoices_created_at_id"), "invoices", ["created_at", "id"])
    op.create_index(
        "ix_payment_inbox_transaction",
        "payment_inbox",
        ["transaction"],
        postgresql_where=sa.text("transaction IS NOT NULL"),
    )
    op.create_index(op.f("ix_ledger_transactions_at"), "ledger_transactions", ["at"])
    op.create_index(
        "ix_access_entries_months",
        "access_entries",
        ["kind", "at", "user_id"],
        postgresql_where=sa.text("kind IN ('trial', 'paid')"),
    )
    op.create_index(
        "ix_subscriptions_failing",
        "subscriptions",
        ["failed_at", "user_id"],
        postgresql_where=sa.text("failures > 0"),
    )


def downgrade() -> None:
    op.drop_index("ix_subscriptions_failing", table_name="subscriptions")
    op.drop_index("ix_access_entries_months", table_name="access_entries")
    op.drop_index(op.f("ix_ledger_transactions_at"), table_name="ledger_transactions")
    op.drop_index("ix_payment_inbox_transaction", table_name="payment_inbox")
    op.drop_index(op.f("ix_invoices_created_at_id"), table_name="invoices")
    op.drop_table("money_checks")
    op.drop_table("settled_alerts")
    op.drop_table("transfer_slips")
