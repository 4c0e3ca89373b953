"""who brought whom, and what loyalty is worth

Revision ID: 0029
Revises: 0028
Deploy: before  # the old code knows none of these tables; the trigger finds nothing to do for it
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0029"
down_revision: str | Sequence[str] | None = "0028"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# An account is confirmed once its owner has said who he is, wherever he says it.
CONFIRM = """
CREATE FUNCTION referrals_confirm() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE referrals SET confirmed_at = clock_timestamp() WHERE invitee_id = NEW.id AND confirmed_at IS NULL;
    RETURN NULL;
END $$
"""
ON_NAME = """
CREATE TRIGGER users_referrals AFTER UPDATE OF name ON users FOR EACH ROW
WHEN (NEW.name <> '' AND OLD.name = '' AND NEW.erased_at IS NULL) EXECUTE FUNCTION referrals_confirm()
"""
APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON loyalty_terms
FOR EACH ROW EXECUTE FUNCTION tariffs_append_only()
"""


def upgrade() -> None:
    op.create_table(
        "referrals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("invitee_id", sa.BigInteger(), nullable=False),
        sa.Column("inviter_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column(
            "signals", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
        ),
        sa.Column("waiting", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("stands_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("barred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("program_hash", sa.LargeBinary(), nullable=False),
        sa.Column("network_hash", sa.LargeBinary(), nullable=False),
        sa.Column("phone_hash", sa.LargeBinary(), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.CheckConstraint("invitee_id <> inviter_id", name=op.f("ck_referrals_oneself")),
        sa.CheckConstraint("state IN ('standing', 'held', 'refused')", name=op.f("ck_referrals_state")),
        sa.ForeignKeyConstraint(["invitee_id"], ["users.id"], name=op.f("fk_referrals_invitee_id")),
        sa.ForeignKeyConstraint(["inviter_id"], ["users.id"], name=op.f("fk_referrals_inviter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referrals")),
        sa.UniqueConstraint("invitee_id", name=op.f("uq_referrals_invitee_id")),
    )
    op.create_index(op.f("ix_referrals_inviter_id_id"), "referrals", ["inviter_id", "id"])
    for column in ("program_hash", "network_hash", "phone_hash"):
        op.create_index(op.f(f"ix_referrals_{column}"), "referrals", [column])
    op.create_index("ix_referrals_waiting", "referrals", ["id"], postgresql_where=sa.text("waiting"))
    op.create_index("ix_referrals_state", "referrals", ["state", "id"])
    op.create_table(
        "referral_payments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("invitee_id", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refunded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("refunded_at >= paid_at", name=op.f("ck_referral_payments_span")),
        sa.ForeignKeyConstraint(
            ["invitee_id"], ["referrals.invitee_id"], name=op.f("fk_referral_payments_invitee_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral_payments")),
    )
    op.create_index(op.f("ix_referral_payments_invitee_id"), "referral_payments", ["invitee_id"])
    op.create_index(
        "uq_referral_payments_open",
        "referral_payments",
        ["invitee_id"],
        unique=True,
        postgresql_where=sa.text("refunded_at IS NULL"),
    )
    op.create_table(
        "loyalty_terms",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("referral_threshold", sa.SmallInteger(), nullable=False),
        sa.Column("referral_days", sa.SmallInteger(), nullable=False),
        sa.Column("rating_hundredths", sa.SmallInteger(), nullable=False),
        sa.Column("rating_orders", sa.SmallInteger(), nullable=False),
        sa.Column("rating_period_days", sa.SmallInteger(), nullable=False),
        sa.Column("rating_days", sa.SmallInteger(), nullable=False),
        sa.Column("lock_grace_days", sa.SmallInteger(), nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("set_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "referral_threshold > 0 AND rating_orders > 0", name=op.f("ck_loyalty_terms_counts")
        ),
        sa.ForeignKeyConstraint(["set_by"], ["users.id"], name=op.f("fk_loyalty_terms_set_by")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_loyalty_terms")),
    )
    op.execute(CONFIRM)
    op.execute(ON_NAME)
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    op.execute("DROP TRIGGER users_referrals ON users")
    op.execute("DROP FUNCTION referrals_confirm")
    for table in ("loyalty_terms", "referral_payments", "referrals"):
        op.drop_table(table)
