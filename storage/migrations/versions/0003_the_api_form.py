"""the API form: stored answers of Idempotency-Keys

Revision ID: 0003
Revises: 0002
Deploy: before  # the old code runs on the new schema: it fills order_id and knows no stored answer
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | Sequence[str] | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("idempotency_keys", sa.Column("status", sa.SmallInteger(), nullable=True))
    op.add_column(
        "idempotency_keys", sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    op.add_column("idempotency_keys", sa.Column("body", sa.LargeBinary(), nullable=True))
    op.alter_column("idempotency_keys", "order_id", existing_type=sa.BigInteger(), nullable=True)
    op.create_index(
        "ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], postgresql_using="brin"
    )


def downgrade() -> None:
    op.drop_index("ix_idempotency_keys_created_at", table_name="idempotency_keys", postgresql_using="brin")
    op.execute("DELETE FROM idempotency_keys WHERE order_id IS NULL")
    op.alter_column("idempotency_keys", "order_id", existing_type=sa.BigInteger(), nullable=False)
    op.drop_column("idempotency_keys", "body")
    op.drop_column("idempotency_keys", "headers")
    op.drop_column("idempotency_keys", "status")
