"""tariffs, pages, announcements, broadcasts, and what staff say of words

Revision ID: 0022
Revises: 0021
Deploy: before  # the old code knows none of these tables
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0022"
down_revision: str | Sequence[str] | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Prices are added as versions: what an old quote rested on stays to be read.
APPEND_ONLY = """
CREATE FUNCTION tariffs_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$
"""
TRIGGERS = (
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON tariffs"
    " FOR EACH ROW EXECUTE FUNCTION tariffs_append_only()",
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON tariff_lanes"
    " FOR EACH ROW EXECUTE FUNCTION tariffs_append_only()",
)


def upgrade() -> None:
    op.create_table(
        "announcements",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("texts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "regions", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
        ),
        sa.Column("page", sa.String(length=64), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "severity IN ('info', 'warning', 'critical')", name=op.f("ck_announcements_severity")
        ),
        sa.CheckConstraint("ends_at >= starts_at", name=op.f("ck_announcements_window")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_announcements_created_by")),
        sa.ForeignKeyConstraint(["updated_by"], ["users.id"], name=op.f("fk_announcements_updated_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcements")),
    )
    op.create_index(op.f("ix_announcements_ends_at"), "announcements", ["ends_at"])
    op.create_table(
        "broadcasts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("state", sa.String(length=12), server_default="draft", nullable=False),
        sa.Column("texts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "regions", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
        ),
        sa.Column("page", sa.String(length=64), nullable=True),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("sent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("looked_to", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.BigInteger(), nullable=False),
        sa.Column("queued_by", sa.BigInteger(), nullable=True),
        sa.Column("cancelled_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'queued', 'sending', 'done', 'cancelled')", name=op.f("ck_broadcasts_state")
        ),
        sa.ForeignKeyConstraint(["cancelled_by"], ["users.id"], name=op.f("fk_broadcasts_cancelled_by")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_broadcasts_created_by")),
        sa.ForeignKeyConstraint(["queued_by"], ["users.id"], name=op.f("fk_broadcasts_queued_by")),
        sa.ForeignKeyConstraint(["updated_by"], ["users.id"], name=op.f("fk_broadcasts_updated_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcasts")),
    )
    op.create_index(
        "ix_broadcasts_going",
        "broadcasts",
        ["id"],
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    )
    op.create_index(
        "ix_broadcasts_queued",
        "broadcasts",
        ["queued_by", "queued_at"],
        postgresql_where=sa.text("queued_at IS NOT NULL"),
    )
    op.create_table(
        "content_pages",
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), server_default="draft", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("texts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("updated_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('draft', 'published')", name=op.f("ck_content_pages_state")),
        sa.ForeignKeyConstraint(["updated_by"], ["users.id"], name=op.f("fk_content_pages_updated_by")),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_content_pages")),
    )
    op.create_table(
        "dictionary_entries",
        sa.Column("dictionary", sa.String(length=32), nullable=False),
        sa.Column("word", sa.String(length=32), nullable=False),
        sa.Column("hidden", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("updated_by", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["updated_by"], ["users.id"], name=op.f("fk_dictionary_entries_updated_by")),
        sa.PrimaryKeyConstraint("dictionary", "word", name=op.f("pk_dictionary_entries")),
    )
    op.create_table(
        "tariff_lanes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("pickup_city", sa.BigInteger(), nullable=False),
        sa.Column("drop_city", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.String(length=16), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("set_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('total', 'per_km', 'none') AND (kind = 'none') = (amount = 0)",
            name=op.f("ck_tariff_lanes_kind"),
        ),
        sa.CheckConstraint("valid_until > valid_from", name=op.f("ck_tariff_lanes_window")),
        sa.ForeignKeyConstraint(["set_by"], ["users.id"], name=op.f("fk_tariff_lanes_set_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariff_lanes")),
        sa.UniqueConstraint(
            "pickup_city",
            "drop_city",
            "body",
            "version",
            name=op.f("uq_tariff_lanes_pickup_city_drop_city_body_version"),
        ),
    )
    op.create_table(
        "tariffs",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rates", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "kinds",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("minimum", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("loading_fee", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("abroad", sa.Float(), nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "minimum >= 0 AND loading_fee >= 0 AND abroad > 0", name=op.f("ck_tariffs_amounts")
        ),
        sa.ForeignKeyConstraint(["set_by"], ["users.id"], name=op.f("fk_tariffs_set_by")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_tariffs")),
    )
    op.create_table(
        "announcement_dismissals",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("announcement_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["announcement_id"],
            ["announcements.id"],
            name=op.f("fk_announcement_dismissals_announcement_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_announcement_dismissals_user_id")),
        sa.PrimaryKeyConstraint("user_id", "announcement_id", name=op.f("pk_announcement_dismissals")),
    )
    op.create_index(
        op.f("ix_announcement_dismissals_announcement_id"),
        "announcement_dismissals",
        ["announcement_id"],
    )
    op.execute(APPEND_ONLY)
    for trigger in TRIGGERS:
        op.execute(trigger)


def downgrade() -> None:
    for table in (
        "announcement_dismissals",
        "announcements",
        "broadcasts",
        "content_pages",
        "dictionary_entries",
        "tariff_lanes",
        "tariffs",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION tariffs_append_only()")
