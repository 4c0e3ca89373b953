"""views of accounts by staff

Revision ID: 0014
Revises: 0013
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | Sequence[str] | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "account_views",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_account_views_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_views")),
    )
    op.create_index(
        "ix_account_views_open", "account_views", ["staff_id"], postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_index(op.f("ix_account_views_user_id"), "account_views", ["user_id"])


def downgrade() -> None:
    op.drop_table("account_views")
