"""photos and papers of orders

Revision ID: 0011
Revises: 0010
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | Sequence[str] | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "order_files",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("title", sa.String(length=120), server_default="", nullable=False),
        sa.Column("public", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('photo', 'paper')", name=op.f("ck_order_files_kind")),
        sa.CheckConstraint("NOT public OR kind = 'photo'", name=op.f("ck_order_files_public")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_files_order_id")),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_order_files_file_id")),
        sa.ForeignKeyConstraint(["added_by"], ["users.id"], name=op.f("fk_order_files_added_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_files")),
        sa.UniqueConstraint("file_id", name=op.f("uq_order_files_file_id")),
    )
    op.create_index(op.f("ix_order_files_order_id_id"), "order_files", ["order_id", "id"])


def downgrade() -> None:
    op.drop_table("order_files")
