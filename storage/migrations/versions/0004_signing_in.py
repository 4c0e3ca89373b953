"""signing in: staff, second factors, other companies' identities, SMS

Revision ID: 0004
Revises: 0003
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | Sequence[str] | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ROLES = "role IN ('driver', 'logistician', 'shipper', 'admin')"
OLD_ROLES = "role IN ('driver', 'shipper', 'admin')"
GRADES = "grade IS NULL OR role = 'admin' AND grade IN ('support', 'moderator', 'finance', 'superadmin')"
# What staff did cannot be taken back by who did it; only the owner of the database can lift the trigger.
APPEND_ONLY = """
CREATE FUNCTION staff_actions_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'staff_actions is append-only';
END $$
"""
TRIGGER = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON staff_actions
FOR EACH ROW EXECUTE FUNCTION staff_actions_append_only()
"""


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.add_column("users", sa.Column("grade", sa.String(length=16), nullable=True))
    op.execute(
        "UPDATE users SET grade = 'superadmin' WHERE role = 'admin'"
    )  # until now they could do everything
    op.drop_constraint(op.f("ck_users_role"), "users")
    op.create_check_constraint(op.f("ck_users_role"), "users", ROLES)
    op.create_check_constraint(op.f("ck_users_grade"), "users", GRADES)
    op.create_table(
        "sms_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tripped_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_sms_days")),
    )
    op.create_table(
        "staff_actions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=500), server_default="", nullable=False),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_actions")),
    )
    op.create_index(op.f("ix_staff_actions_user_id_id"), "staff_actions", ["user_id", "id"], unique=False)
    op.create_table(
        "token_revocations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("provider", sa.String(length=8), nullable=False),
        sa.Column("client", sa.String(length=255), nullable=False),
        sa.Column("token_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token_revocations")),
    )
    op.create_index(op.f("ix_token_revocations_due_at"), "token_revocations", ["due_at"], unique=False)
    op.create_table(
        "identities",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("provider", sa.String(length=8), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("name", sa.String(length=120), server_default="", nullable=False),
        sa.Column("refresh_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("refresh_client", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("provider IN ('google', 'apple')", name=op.f("ck_identities_provider")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_identities_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
        sa.UniqueConstraint("provider", "subject", name=op.f("uq_identities_provider_subject")),
    )
    op.create_index(
        "uq_identities_user",
        "identities",
        ["user_id", "provider"],
        unique=True,
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("code_hmac", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id")),
        sa.PrimaryKeyConstraint("user_id", "code_hmac", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "second_factors",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("candidate_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failed", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("failed_from", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_second_factors_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factors")),
    )
    op.create_table(
        "oidc_flows",
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("provider", sa.String(length=8), nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("identity_id", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.String(length=32), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("session_id", sa.UUID(), nullable=True),
        sa.ForeignKeyConstraint(
            ["identity_id"], ["identities.id"], name=op.f("fk_oidc_flows_identity_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_oidc_flows")),
    )
    op.create_index(op.f("ix_oidc_flows_expires_at"), "oidc_flows", ["expires_at"], unique=False)
    op.create_index(op.f("ix_oidc_flows_identity_id"), "oidc_flows", ["identity_id"], unique=False)
    op.create_table(
        "pending_sign_ins",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("identity_id", sa.BigInteger(), nullable=True),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("num_nonnulls(user_id, identity_id) = 1", name=op.f("ck_pending_sign_ins_whose")),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["identities.id"],
            name=op.f("fk_pending_sign_ins_identity_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_pending_sign_ins_user_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_pending_sign_ins")),
    )
    op.create_index(op.f("ix_pending_sign_ins_expires_at"), "pending_sign_ins", ["expires_at"], unique=False)
    op.create_index(
        op.f("ix_pending_sign_ins_identity_id"), "pending_sign_ins", ["identity_id"], unique=False
    )
    op.add_column(
        "otp_requests", sa.Column("network", sa.String(length=45), server_default="", nullable=False)
    )
    op.add_column(
        "otp_requests", sa.Column("purpose", sa.String(length=16), server_default="sign_in", nullable=False)
    )
    op.add_column("otp_requests", sa.Column("user_id", sa.BigInteger(), nullable=True))
    op.add_column("otp_requests", sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        op.f("ix_otp_requests_network_created_at"), "otp_requests", ["network", "created_at"], unique=False
    )
    op.add_column("sessions", sa.Column("method", sa.String(length=8), server_default="otp", nullable=False))
    op.add_column("sessions", sa.Column("used_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sessions", sa.Column("factor_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_users_search",
        "users",
        ["name", "phone"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops", "phone": "gin_trgm_ops"},
    )
    op.execute(APPEND_ONLY)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.drop_index(
        "ix_users_search",
        table_name="users",
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops", "phone": "gin_trgm_ops"},
    )
    op.drop_column("sessions", "factor_at")
    op.drop_column("sessions", "used_at")
    op.drop_column("sessions", "method")
    op.drop_index(op.f("ix_otp_requests_network_created_at"), table_name="otp_requests")
    op.drop_column("otp_requests", "failed_at")
    op.drop_column("otp_requests", "user_id")
    op.drop_column("otp_requests", "purpose")
    op.drop_column("otp_requests", "network")
    op.drop_index(op.f("ix_pending_sign_ins_identity_id"), table_name="pending_sign_ins")
    op.drop_index(op.f("ix_pending_sign_ins_expires_at"), table_name="pending_sign_ins")
    op.drop_table("pending_sign_ins")
    op.drop_index(op.f("ix_oidc_flows_identity_id"), table_name="oidc_flows")
    op.drop_index(op.f("ix_oidc_flows_expires_at"), table_name="oidc_flows")
    op.drop_table("oidc_flows")
    op.drop_table("second_factors")
    op.drop_table("recovery_codes")
    op.drop_index(
        "uq_identities_user", table_name="identities", postgresql_where=sa.text("user_id IS NOT NULL")
    )
    op.drop_table("identities")
    op.drop_index(op.f("ix_token_revocations_due_at"), table_name="token_revocations")
    op.drop_table("token_revocations")
    op.drop_index(op.f("ix_staff_actions_user_id_id"), table_name="staff_actions")
    op.drop_table("staff_actions")
    op.execute("DROP FUNCTION staff_actions_append_only()")
    op.drop_table("sms_days")
    op.drop_constraint(op.f("ck_users_grade"), "users")
    op.drop_constraint(op.f("ck_users_role"), "users")
    op.execute("UPDATE users SET role = 'driver' WHERE role = 'logistician'")
    op.create_check_constraint(op.f("ck_users_role"), "users", OLD_ROLES)
    op.drop_column("users", "grade")
