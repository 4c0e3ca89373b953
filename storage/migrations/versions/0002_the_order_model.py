"""the order model

Revision ID: 0002
Revises: 0001
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | Sequence[str] | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# A draft may lack these.
FREED = (
    "pickup_city",
    "pickup_name",
    "pickup_point",
    "drop_city",
    "drop_name",
    "drop_point",
    "cargo",
    "weight_kg",
    "volume_m3",
    "body",
    "distance_m",
    "duration_s",
    "distance_origin",
    "price_amount",
    "price_currency",
    "expires_at",
)
CHECKS = {
    "pricing": "pricing IN ('fixed', 'negotiable', 'bids')",
    "prepay": "prepay_percent BETWEEN 0 AND 100",
    "complete": "status IN ('draft', 'cancelled') OR num_nulls(pickup_city, pickup_name, pickup_point, drop_city,"
    " drop_name, drop_point, cargo, weight_kg, volume_m3, body, distance_m, duration_s, distance_origin,"
    " price_amount, price_currency, expires_at) = 0",
}


def columns() -> list[sa.Column[object]]:
    return [
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("draft", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("pickup_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pickup_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("drop_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("drop_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "stops",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("kind", sa.String(length=24), server_default="general", nullable=False),
        sa.Column(
            "other_bodies",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'::text[]"),
            nullable=False,
        ),
        sa.Column("pieces", sa.Integer(), nullable=True),
        sa.Column("length_m", sa.Float(), nullable=True),
        sa.Column("width_m", sa.Float(), nullable=True),
        sa.Column("height_m", sa.Float(), nullable=True),
        sa.Column(
            "sides", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
        ),
        sa.Column("temp_min_c", sa.Float(), nullable=True),
        sa.Column("temp_max_c", sa.Float(), nullable=True),
        sa.Column("adr", sa.String(length=4), nullable=True),
        sa.Column(
            "documents", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
        ),
        sa.Column("pricing", sa.String(length=12), server_default="fixed", nullable=False),
        sa.Column("payment_method", sa.String(length=12), server_default="transfer", nullable=False),
        sa.Column("payment_when", sa.String(length=12), server_default="on_delivery", nullable=False),
        sa.Column("payment_days", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("prepay_percent", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("vat", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("comment", sa.String(length=1000), server_default="", nullable=False),
        sa.Column("private", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "hidden_from",
            postgresql.ARRAY(sa.BigInteger()),
            server_default=sa.text("'{}'::bigint[]"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("confirm_by", sa.DateTime(timezone=True), nullable=True),
    ]


def upgrade() -> None:
    op.create_table(
        "order_versions",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_versions_order_id")),
        sa.PrimaryKeyConstraint("order_id", "version", name=op.f("pk_order_versions")),
    )
    op.add_column("offers", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    for column in columns():
        op.add_column("orders", column)
    for name in FREED:
        op.alter_column("orders", name, nullable=True)
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_orders_{name}"), "orders", condition)


def downgrade() -> None:
    # What the old schema cannot hold goes: drafts, with the lines that point at them.
    op.execute("DELETE FROM order_events WHERE order_id IN (SELECT id FROM orders WHERE expires_at IS NULL)")
    op.execute("DELETE FROM orders WHERE expires_at IS NULL")
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_orders_{name}"), "orders")
    for name in FREED:
        op.alter_column("orders", name, nullable=False)
    for column in reversed(columns()):
        op.drop_column("orders", column.name)
    op.drop_column("offers", "version")
    op.drop_table("order_versions")
