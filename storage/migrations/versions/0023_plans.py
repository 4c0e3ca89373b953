"""plans, and the ledger of access in the place of paid_until

Revision ID: 0023
Revises: 0022
Deploy: stopped  # the old code reads the end of a subscription from a table that becomes another one
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0023"
down_revision: str | Sequence[str] | None = "0022"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Every end that was set until now becomes the first entry of its driver's ledger.
CARRY_OVER = """
INSERT INTO access_entries (user_id, seq, kind, at, set_to, cause, note, paid_to, ends_at, trial)
SELECT driver_id, 1, 'staff', now(), paid_until, 'before-the-ledger', '', paid_until, paid_until, false
FROM subscriptions
"""
CARRY_BACK = """
INSERT INTO subscriptions (driver_id, paid_until)
SELECT DISTINCT ON (user_id) user_id, ends_at FROM access_entries JOIN users u ON u.id = user_id
WHERE u.role = 'driver' ORDER BY user_id, seq DESC
"""
TRIGGERS = (
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON plan_versions"
    " FOR EACH ROW EXECUTE FUNCTION tariffs_append_only()",
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON access_entries"
    " FOR EACH ROW EXECUTE FUNCTION tariffs_append_only()",
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON loyalty_entries"
    " FOR EACH ROW EXECUTE FUNCTION tariffs_append_only()",
)


def upgrade() -> None:
    op.create_table(
        "plan_versions",
        sa.Column("plan", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("days", sa.SmallInteger(), nullable=False),
        sa.Column("trial_days", sa.SmallInteger(), nullable=False),
        sa.Column("grace_days", sa.SmallInteger(), nullable=False),
        sa.Column("prices", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("names", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("on_sale", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("days BETWEEN 1 AND 731", name=op.f("ck_plan_versions_days")),
        sa.CheckConstraint(
            "trial_days BETWEEN 0 AND 90 AND grace_days BETWEEN 0 AND 30",
            name=op.f("ck_plan_versions_free_days"),
        ),
        sa.ForeignKeyConstraint(["set_by"], ["users.id"], name=op.f("fk_plan_versions_set_by_users")),
        sa.PrimaryKeyConstraint("plan", "version", name=op.f("pk_plan_versions")),
    )
    op.create_table(
        "access_entries",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Float(), server_default="0", nullable=False),
        sa.Column("set_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cause", sa.String(length=120), nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("paid_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_s", sa.Float(), nullable=True),
        sa.Column("trial", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_access_entries_actor_id_users")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_access_entries_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", "seq", name=op.f("pk_access_entries")),
        sa.UniqueConstraint("user_id", "cause", name=op.f("uq_access_entries_user_id_cause")),
    )
    op.execute(CARRY_OVER)
    op.drop_table("subscriptions")
    op.create_table(
        "subscriptions",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("plan", sa.String(length=32), nullable=False),
        sa.Column("region", sa.String(length=2), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("renews", sa.Boolean(), nullable=False),
        sa.Column("card_id", sa.BigInteger(), nullable=True),
        sa.Column("charging", postgresql.UUID(as_uuid=True), nullable=True),
        sa.Column("failures", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hopeless", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("warned_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_subscriptions_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_subscriptions")),
    )
    op.create_index(
        "ix_subscriptions_due", "subscriptions", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL")
    )
    op.create_index(
        "ix_subscriptions_charging",
        "subscriptions",
        ["charging"],
        postgresql_where=sa.text("charging IS NOT NULL"),
    )
    op.create_table(
        "loyalty_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("cause", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("plan", sa.String(length=32), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("minor", sa.BigInteger(), nullable=True),
        sa.Column("seconds", sa.Float(), server_default="0", nullable=False),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_loyalty_entries_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loyalty_entries")),
        sa.UniqueConstraint("user_id", "cause", name=op.f("uq_loyalty_entries_user_id_cause")),
    )
    for trigger in TRIGGERS:
        op.execute(trigger)


def downgrade() -> None:
    op.drop_table("subscriptions")
    op.create_table(
        "subscriptions",
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("paid_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["driver_id"], ["users.id"], name=op.f("fk_subscriptions_driver_id_users")),
        sa.PrimaryKeyConstraint("driver_id", name=op.f("pk_subscriptions")),
    )
    op.execute(CARRY_BACK)
    for table in ("loyalty_entries", "access_entries", "plan_versions"):
        op.drop_table(table)
