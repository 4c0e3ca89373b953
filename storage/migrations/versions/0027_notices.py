"""the inbox, what users want to be told of, and what came of each attempt

Revision ID: 0027
Revises: 0026
Deploy: before  # the old code writes events as ever; new workers announce them
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0027"
down_revision: str | Sequence[str] | None = "0026"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Old rows go when they are old, and with the account; none is ever written anew.
NEVER_CHANGED = """
CREATE FUNCTION deliveries_never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$
"""
TRIGGER = (
    "CREATE TRIGGER never_changed BEFORE UPDATE ON deliveries"
    " FOR EACH ROW EXECUTE FUNCTION deliveries_never_changed()"
)


def upgrade() -> None:
    # What lies in the queue already is announced to nobody: the default is for the rows of now, and taken away.
    op.add_column(
        "outbox", sa.Column("announced_at", sa.DateTime(timezone=True), server_default=sa.func.now())
    )
    op.alter_column("outbox", "announced_at", server_default=None)
    op.add_column("outbox", sa.Column("channel", sa.String(length=8), server_default="push", nullable=False))
    op.add_column("outbox", sa.Column("parent_id", sa.BigInteger(), nullable=True))
    op.create_check_constraint(op.f("ck_outbox_channel"), "outbox", "channel IN ('push', 'sms', 'email')")
    op.create_index(
        "ix_outbox_unannounced", "outbox", ["id"], postgresql_where=sa.text("announced_at IS NULL")
    )
    op.create_index(
        "ix_outbox_parent_id", "outbox", ["parent_id"], postgresql_where=sa.text("parent_id IS NOT NULL")
    )
    op.create_table(
        "inbox_items",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("keep_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_items")),
    )
    op.create_index(op.f("ix_inbox_items_user_id_id"), "inbox_items", ["user_id", "id"])
    op.create_index(
        "ix_inbox_items_unread", "inbox_items", ["user_id", "id"], postgresql_where=sa.text("read_at IS NULL")
    )
    op.create_index(op.f("ix_inbox_items_keep_until"), "inbox_items", ["keep_until"])
    op.create_table(
        "notice_preferences",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column(
            "off",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("quiet_since", sa.SmallInteger(), nullable=True),
        sa.Column("quiet_until", sa.SmallInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(quiet_since IS NULL) = (quiet_until IS NULL)", name=op.f("ck_notice_preferences_quiet")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notice_preferences_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_notice_preferences")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=True),
        sa.Column("means", sa.String(length=8), nullable=False),
        sa.Column("endpoint_id", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=200), server_default="", nullable=False),
        sa.Column("lag_ms", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_user_id_id"), "deliveries", ["user_id", "id"])
    op.create_index(
        op.f("ix_deliveries_offer_id"),
        "deliveries",
        ["offer_id"],
        postgresql_where=sa.text("offer_id IS NOT NULL"),
    )
    op.execute(NEVER_CHANGED)
    op.execute(TRIGGER)
    op.create_table(
        "sms_spent",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "day", name=op.f("pk_sms_spent")),
    )


def downgrade() -> None:
    op.drop_table("sms_spent")
    op.drop_table("deliveries")
    op.execute("DROP FUNCTION deliveries_never_changed()")
    op.drop_table("notice_preferences")
    op.drop_table("inbox_items")
    op.execute("DELETE FROM outbox WHERE channel <> 'push'")
    op.drop_index("ix_outbox_parent_id", table_name="outbox")
    op.drop_index("ix_outbox_unannounced", table_name="outbox")
    op.drop_constraint(op.f("ck_outbox_channel"), "outbox")
    op.drop_column("outbox", "parent_id")
    op.drop_column("outbox", "channel")
    op.drop_column("outbox", "announced_at")
