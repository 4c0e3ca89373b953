"""taking a load

Revision ID: 0009
Revises: 0007
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0009"
down_revision: str | Sequence[str] | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "blocks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("made_by", sa.String(length=8), nullable=False),
        sa.Column("shipper_id", sa.BigInteger(), nullable=True),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("driver_id", sa.BigInteger(), nullable=True),
        sa.Column("carrier_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(length=200), server_default="", nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("made_by IN ('shipper', 'carrier')", name=op.f("ck_blocks_made_by")),
        sa.CheckConstraint(
            "num_nonnulls(shipper_id, company_id) = 1 AND num_nonnulls(driver_id, carrier_id) = 1",
            name=op.f("ck_blocks_pair"),
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_blocks_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blocks")),
    )
    op.create_index(
        "ix_blocks_carrier",
        "blocks",
        ["carrier_id"],
        unique=False,
        postgresql_where=sa.text("carrier_id IS NOT NULL"),
    )
    op.create_index(
        "ix_blocks_company",
        "blocks",
        ["company_id"],
        unique=False,
        postgresql_where=sa.text("company_id IS NOT NULL"),
    )
    op.create_index(
        "ix_blocks_driver",
        "blocks",
        ["driver_id"],
        unique=False,
        postgresql_where=sa.text("driver_id IS NOT NULL"),
    )
    op.create_index(
        "ix_blocks_shipper",
        "blocks",
        ["shipper_id"],
        unique=False,
        postgresql_where=sa.text("shipper_id IS NOT NULL"),
    )
    op.create_index(
        "uq_blocks_pair",
        "blocks",
        ["made_by", "shipper_id", "company_id", "driver_id", "carrier_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "cooldowns",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_cooldowns_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_cooldowns")),
    )
    op.create_table(
        "driver_codes",
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["driver_id"], ["users.id"], name=op.f("fk_driver_codes_driver_id")),
        sa.PrimaryKeyConstraint("driver_id", name=op.f("pk_driver_codes")),
        sa.UniqueConstraint("code", name=op.f("uq_driver_codes_code")),
    )
    op.create_table(
        "flags",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("count", sa.Integer(), server_default="1", nullable=False),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("first_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleared_by", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(length=200), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["cleared_by"], ["users.id"], name=op.f("fk_flags_cleared_by")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_flags_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flags")),
    )
    op.create_index(
        "ix_flags_last",
        "flags",
        [sa.literal_column("last_at DESC")],
        unique=False,
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_index(
        "uq_flags_open",
        "flags",
        ["user_id", "kind"],
        unique=True,
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_table(
        "habits",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_habits_user_id")),
        sa.PrimaryKeyConstraint("user_id", "day", "kind", name=op.f("pk_habits")),
    )
    op.create_table(
        "bids",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("order_version", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("message", sa.String(length=500), server_default="", nullable=False),
        sa.Column("eta_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("available_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counter_amount", sa.BigInteger(), nullable=True),
        sa.Column("counter_message", sa.String(length=500), server_default="", nullable=False),
        sa.Column("outbid", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=True),
        sa.Column("acted_by", sa.BigInteger(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status <> 'countered' OR counter_amount IS NOT NULL", name=op.f("ck_bids_countered")
        ),
        sa.CheckConstraint(
            "status IN ('live', 'countered', 'accepted', 'declined', 'withdrawn', 'expired', 'outdated', 'lost')",
            name=op.f("ck_bids_status"),
        ),
        sa.CheckConstraint("amount > 0 AND counter_amount > 0", name=op.f("ck_bids_amount")),
        sa.ForeignKeyConstraint(["acted_by"], ["users.id"], name=op.f("fk_bids_acted_by")),
        sa.ForeignKeyConstraint(["driver_id"], ["users.id"], name=op.f("fk_bids_driver_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_bids_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bids")),
    )
    op.create_index(op.f("ix_bids_driver_id_id"), "bids", ["driver_id", "id"], unique=False)
    op.create_index(
        "ix_bids_driver_live",
        "bids",
        ["driver_id"],
        unique=False,
        postgresql_where=sa.text("status IN ('live', 'countered')"),
    )
    op.create_index(
        "ix_bids_due",
        "bids",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('live', 'countered')"),
    )
    op.create_index(op.f("ix_bids_order_id"), "bids", ["order_id"], unique=False)
    op.create_index(
        "uq_bids_accepted", "bids", ["order_id"], unique=True, postgresql_where=sa.text("status = 'accepted'")
    )
    op.create_index(
        "uq_bids_live",
        "bids",
        ["order_id", "driver_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('live', 'countered')"),
    )
    op.create_table(
        "bid_versions",
        sa.Column("bid_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.String(length=500), server_default="", nullable=False),
        sa.Column("eta_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("available_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("side IN ('driver', 'shipper')", name=op.f("ck_bid_versions_side")),
        sa.ForeignKeyConstraint(["bid_id"], ["bids.id"], name=op.f("fk_bid_versions_bid_id")),
        sa.PrimaryKeyConstraint("bid_id", "version", name=op.f("pk_bid_versions")),
    )
    op.create_table(
        "order_invitations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=True),
        sa.Column("phone", sa.String(length=16), nullable=True),
        sa.Column("code", sa.String(length=8), nullable=True),
        sa.Column("note", sa.String(length=200), server_default="", nullable=False),
        sa.Column("invited_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("num_nonnulls(phone, code) <= 1", name=op.f("ck_order_invitations_contact")),
        sa.CheckConstraint(
            "resolved_at IS NOT NULL OR num_nonnulls(phone, code, offer_id) > 0",
            name=op.f("ck_order_invitations_resolved"),
        ),
        sa.ForeignKeyConstraint(["invited_by"], ["users.id"], name=op.f("fk_order_invitations_invited_by")),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_order_invitations_offer_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_invitations_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_invitations")),
        sa.UniqueConstraint("offer_id", name=op.f("uq_order_invitations_offer_id")),
    )
    op.create_index(
        op.f("ix_order_invitations_invited_by_created_at"),
        "order_invitations",
        ["invited_by", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_order_invitations_unresolved",
        "order_invitations",
        ["id"],
        unique=False,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index(
        op.f("ix_order_invitations_order_id_id"), "order_invitations", ["order_id", "id"], unique=False
    )
    op.add_column("accepts", sa.Column("bid_id", sa.BigInteger(), nullable=True))
    op.add_column("accepts", sa.Column("actor_id", sa.BigInteger(), nullable=True))
    op.add_column("assignments", sa.Column("bid_id", sa.BigInteger(), nullable=True))
    op.add_column("assignments", sa.Column("acted_by", sa.BigInteger(), nullable=True))
    op.add_column("assignments", sa.Column("slot", sa.SmallInteger(), server_default="0", nullable=False))
    op.drop_index(
        op.f("uq_assignments_driver"), table_name="assignments", postgresql_where="(ended_at IS NULL)"
    )
    op.create_index(
        "uq_assignments_driver",
        "assignments",
        ["driver_id", "slot"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_check_constraint(op.f("ck_assignments_slot"), "assignments", "slot IN (0, 1)")
    op.create_foreign_key(op.f("fk_assignments_bid_id"), "assignments", "bids", ["bid_id"], ["id"])
    op.create_foreign_key(op.f("fk_assignments_acted_by"), "assignments", "users", ["acted_by"], ["id"])
    op.add_column("offers", sa.Column("kind", sa.String(length=12), server_default="wave", nullable=False))
    op.add_column("offers", sa.Column("decline_reason", sa.String(length=24), nullable=True))
    op.add_column(
        "offers", sa.Column("decline_note", sa.String(length=200), server_default="", nullable=False)
    )
    op.add_column(
        "orders", sa.Column("open_bids", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("orders", "open_bids")
    op.drop_column("offers", "decline_note")
    op.drop_column("offers", "decline_reason")
    op.drop_column("offers", "kind")
    op.drop_constraint(op.f("fk_assignments_acted_by"), "assignments", type_="foreignkey")
    op.drop_constraint(op.f("fk_assignments_bid_id"), "assignments", type_="foreignkey")
    # The old schema knows one load a driver: the next ones are let go.
    op.execute(
        "UPDATE assignments SET ended_at = now() WHERE ended_at IS NULL AND driver_id IN"
        " (SELECT driver_id FROM assignments WHERE ended_at IS NULL AND slot = 0) AND slot = 1"
    )
    op.drop_constraint(op.f("ck_assignments_slot"), "assignments")
    op.drop_index(
        "uq_assignments_driver", table_name="assignments", postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_index(
        op.f("uq_assignments_driver"),
        "assignments",
        ["driver_id"],
        unique=True,
        postgresql_where="(ended_at IS NULL)",
    )
    op.drop_column("assignments", "slot")
    op.drop_column("assignments", "acted_by")
    op.drop_column("assignments", "bid_id")
    op.drop_column("accepts", "actor_id")
    op.drop_column("accepts", "bid_id")
    op.drop_index("ix_order_invitations_unresolved", table_name="order_invitations")
    op.drop_index(op.f("ix_order_invitations_order_id_id"), table_name="order_invitations")
    op.drop_index(op.f("ix_order_invitations_invited_by_created_at"), table_name="order_invitations")
    op.drop_table("order_invitations")
    op.drop_table("bid_versions")
    op.drop_index(
        "uq_bids_live", table_name="bids", postgresql_where=sa.text("status IN ('live', 'countered')")
    )
    op.drop_index("uq_bids_accepted", table_name="bids", postgresql_where=sa.text("status = 'accepted'"))
    op.drop_index(op.f("ix_bids_order_id"), table_name="bids")
    op.drop_index(
        "ix_bids_due", table_name="bids", postgresql_where=sa.text("status IN ('live', 'countered')")
    )
    op.drop_index(
        "ix_bids_driver_live", table_name="bids", postgresql_where=sa.text("status IN ('live', 'countered')")
    )
    op.drop_index(op.f("ix_bids_driver_id_id"), table_name="bids")
    op.drop_table("bids")
    op.drop_table("habits")
    op.drop_index("uq_flags_open", table_name="flags", postgresql_where=sa.text("cleared_at IS NULL"))
    op.drop_index("ix_flags_last", table_name="flags", postgresql_where=sa.text("cleared_at IS NULL"))
    op.drop_table("flags")
    op.drop_table("driver_codes")
    op.drop_table("cooldowns")
    op.drop_index("uq_blocks_pair", table_name="blocks", postgresql_nulls_not_distinct=True)
    op.drop_index(
        "ix_blocks_shipper", table_name="blocks", postgresql_where=sa.text("shipper_id IS NOT NULL")
    )
    op.drop_index("ix_blocks_driver", table_name="blocks", postgresql_where=sa.text("driver_id IS NOT NULL"))
    op.drop_index(
        "ix_blocks_company", table_name="blocks", postgresql_where=sa.text("company_id IS NOT NULL")
    )
    op.drop_index(
        "ix_blocks_carrier", table_name="blocks", postgresql_where=sa.text("carrier_id IS NOT NULL")
    )
    op.drop_table("blocks")
