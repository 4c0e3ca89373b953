"""conversations of orders

Revision ID: 0017
Revises: 0016
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | Sequence[str] | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "chats",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("shipper_id", sa.BigInteger(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_chats_order_id")),
        sa.ForeignKeyConstraint(["shipper_id"], ["users.id"], name=op.f("fk_chats_shipper_id")),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_chats_company_id")),
        sa.ForeignKeyConstraint(["driver_id"], ["users.id"], name=op.f("fk_chats_driver_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_chats")),
    )
    op.create_index(
        op.f("ix_chats_shipper_id_last_at_order_id"), "chats", ["shipper_id", "last_at", "order_id"]
    )
    op.create_index(
        "ix_chats_company",
        "chats",
        ["company_id", "last_at", "order_id"],
        postgresql_where=sa.text("company_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_chats_driver_id_last_at_order_id"), "chats", ["driver_id", "last_at", "order_id"]
    )
    op.create_table(
        "chat_messages",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("text", sa.String(length=2000), server_default="", nullable=False),
        sa.Column("phrase", sa.String(length=24), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("side IN ('shipper', 'driver')", name=op.f("ck_chat_messages_side")),
        sa.CheckConstraint("phrase IS NULL OR text = ''", name=op.f("ck_chat_messages_words")),
        sa.ForeignKeyConstraint(["order_id"], ["chats.order_id"], name=op.f("fk_chat_messages_order_id")),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_chat_messages_author_id")),
        sa.PrimaryKeyConstraint("order_id", "seq", name=op.f("pk_chat_messages")),
    )
    op.create_index(
        "uq_chat_messages_client", "chat_messages", ["order_id", "client_id", "author_id"], unique=True
    )
    op.create_index(
        op.f("ix_chat_messages_author_id_order_id_seq"), "chat_messages", ["author_id", "order_id", "seq"]
    )
    op.create_table(
        "chat_files",
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_chat_files_file_id")),
        sa.ForeignKeyConstraint(
            ["order_id", "seq"], ["chat_messages.order_id", "chat_messages.seq"], name="fk_chat_files_message"
        ),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_chat_files")),
    )
    op.create_index("uq_chat_files_place", "chat_files", ["order_id", "seq", "place"], unique=True)
    op.create_table(
        "chat_reads",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("upto", sa.Integer(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("side IN ('shipper', 'driver')", name=op.f("ck_chat_reads_side")),
        sa.ForeignKeyConstraint(["order_id"], ["chats.order_id"], name=op.f("fk_chat_reads_order_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_chat_reads_user_id")),
        sa.PrimaryKeyConstraint("order_id", "user_id", name=op.f("pk_chat_reads")),
    )
    op.create_index(op.f("ix_chat_reads_user_id"), "chat_reads", ["user_id"])


def downgrade() -> None:
    op.drop_table("chat_reads")
    op.drop_table("chat_files")
    op.drop_table("chat_messages")
    op.drop_table("chats")
