"""what drivers share, public links, and who looked

Revision ID: 0020
Revises: 0019
Deploy: before  # the old code runs on the new schema: it shares everything, as it did
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | Sequence[str] | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OF_A_PAUSE = ("unshared_at", "unshared_until", "unshared_cell", "unshared_city")


def upgrade() -> None:
    # Without defaults, so that no row is rewritten.
    for name in OF_A_PAUSE[:2]:
        op.add_column("orders", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for name in OF_A_PAUSE[2:]:
        op.add_column("orders", sa.Column(name, sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_orders_unshared",
        "orders",
        ["unshared_until"],
        postgresql_where=sa.text("unshared_until IS NOT NULL"),
    )
    op.create_table(
        "driver_sharing",
        sa.Column("driver_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("on_duty_only", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("pause_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("after_trip_s", sa.SmallInteger(), server_default="300", nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("after_trip_s BETWEEN 0 AND 300", name=op.f("ck_driver_sharing_after_trip")),
        sa.ForeignKeyConstraint(["driver_id"], ["users.id"], name=op.f("fk_driver_sharing_driver_id_users")),
        sa.PrimaryKeyConstraint("driver_id", name=op.f("pk_driver_sharing")),
    )
    op.create_index(op.f("ix_driver_sharing_changed_at"), "driver_sharing", ["changed_at"])
    op.create_table(
        "share_links",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("follows", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.BigInteger(), nullable=True),
        sa.Column("views", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_view_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("side IN ('shipper', 'driver')", name=op.f("ck_share_links_side")),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name=op.f("fk_share_links_made_by_users")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_share_links_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_links")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_share_links_secret_hash")),
    )
    op.create_index(op.f("ix_share_links_order_id_id"), "share_links", ["order_id", "id"])
    op.create_index(op.f("ix_share_links_made_by"), "share_links", ["made_by"])
    op.create_index(op.f("ix_share_links_closes_at"), "share_links", ["closes_at"])
    op.create_table(
        "share_link_views",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("link_id", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("network", sa.String(length=45), nullable=False),
        sa.Column("agent", sa.String(length=16), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["link_id"], ["share_links.id"], name=op.f("fk_share_link_views_link_id_share_links")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_link_views")),
        sa.UniqueConstraint(
            "slot",
            "link_id",
            "network",
            "agent",
            name=op.f("uq_share_link_views_slot_link_id_network_agent"),
        ),
    )
    op.create_index(op.f("ix_share_link_views_link_id_id"), "share_link_views", ["link_id", "id"])
    op.create_table(
        "position_views",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("viewer_id", sa.BigInteger(), nullable=True),
        sa.Column("link_id", sa.BigInteger(), nullable=True),
        sa.Column("grade", sa.String(length=16), nullable=True),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_position_views")),
    )
    op.create_index(op.f("ix_position_views_driver_id_id"), "position_views", ["driver_id", "id"])
    op.create_index(
        "uq_position_views_look",
        "position_views",
        [
            "slot",
            "driver_id",
            "kind",
            sa.text("coalesce(order_id, 0)"),
            sa.text("coalesce(viewer_id, 0)"),
            sa.text("coalesce(link_id, 0)"),
        ],
        unique=True,
    )


def downgrade() -> None:
    for table in ("position_views", "share_link_views", "share_links", "driver_sharing"):
        op.drop_table(table)
    op.drop_index("ix_orders_unshared", table_name="orders")
    for name in OF_A_PAUSE:
        op.drop_column("orders", name)
