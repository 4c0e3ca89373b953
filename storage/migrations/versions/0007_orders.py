"""what shippers do with orders

Revision ID: 0007
Revises: 0006
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0007"
down_revision: str | Sequence[str] | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WAITING = sa.text("status = 'open' OR status = 'moderation'")


def columns() -> list[sa.Column[object]]:
    return [
        sa.Column("confirm_s", sa.Integer(), nullable=True),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fresh_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("ack_due", sa.Integer(), nullable=True),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=True),
    ]


def upgrade() -> None:
    for column in columns():
        op.add_column("orders", column)
    op.drop_index("ix_orders_expiry", table_name="orders")
    op.create_index("ix_orders_expiry", "orders", ["expires_at"], postgresql_where=WAITING)
    op.create_index(
        "ix_orders_drafts", "orders", ["shipper_id", "id"], postgresql_where=sa.text("status = 'draft'")
    )
    op.create_index(
        "ix_orders_company",
        "orders",
        ["company_id", "id"],
        postgresql_where=sa.text("company_id IS NOT NULL"),
    )
    op.create_index(
        "ix_orders_check", "orders", ["check_at"], postgresql_where=sa.text("check_at IS NOT NULL")
    )
    op.create_index(
        "ix_orders_delivered", "orders", ["ended_at"], postgresql_where=sa.text("status = 'delivered'")
    )
    op.create_index(
        "ix_orders_alike",
        "orders",
        ["pickup_city", "drop_city", "body", "weight_kg"],
        postgresql_where=WAITING,
    )
    op.create_table(
        "order_templates",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("shipper_id", sa.BigInteger(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("uses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["shipper_id"], ["users.id"], name=op.f("fk_order_templates_shipper_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_templates")),
    )
    op.create_index(op.f("ix_order_templates_shipper_id_id"), "order_templates", ["shipper_id", "id"])
    op.create_index(
        "ix_order_templates_company",
        "order_templates",
        ["company_id", "id"],
        postgresql_where=sa.text("company_id IS NOT NULL"),
    )
    op.create_table(
        "moderation_cases",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("shipper_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=8), server_default="waiting", nullable=False),
        sa.Column(
            "grounds", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
        ),
        sa.Column("alike", sa.BigInteger(), nullable=True),
        sa.Column("appeal", sa.String(length=1000), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_by", sa.BigInteger(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "reasons", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
        ),
        sa.Column("note", sa.String(length=1000), server_default="", nullable=False),
        sa.CheckConstraint("kind IN ('held', 'flag', 'appeal')", name=op.f("ck_moderation_cases_kind")),
        sa.CheckConstraint(
            "state IN ('waiting', 'approved', 'rejected', 'dropped')", name=op.f("ck_moderation_cases_state")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_moderation_cases_order_id")),
        sa.ForeignKeyConstraint(["shipper_id"], ["users.id"], name=op.f("fk_moderation_cases_shipper_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderation_cases")),
    )
    op.create_index(op.f("ix_moderation_cases_order_id_id"), "moderation_cases", ["order_id", "id"])
    op.create_index(
        "ix_moderation_cases_waiting",
        "moderation_cases",
        ["id"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "ix_moderation_cases_rejected",
        "moderation_cases",
        ["shipper_id", "decided_at"],
        postgresql_where=sa.text("state = 'rejected'"),
    )
    op.create_index(
        "uq_moderation_cases_waiting",
        "moderation_cases",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("state = 'waiting'"),
    )


def downgrade() -> None:
    op.drop_table("moderation_cases")
    op.drop_table("order_templates")
    for name in ("alike", "delivered", "check", "company", "drafts", "expiry"):
        op.drop_index(f"ix_orders_{name}", table_name="orders")
    op.create_index("ix_orders_expiry", "orders", ["expires_at"], postgresql_where=sa.text("status = 'open'"))
    for column in reversed(columns()):
        op.drop_column("orders", column.name)
