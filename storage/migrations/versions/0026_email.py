"""codes that prove an e-mail address

Revision ID: 0026
Revises: 0025
Deploy: before  # the old code does not know the table; addresses that it writes meanwhile are proven by nobody
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0026"
down_revision: str | Sequence[str] | None = "0025"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "email_requests",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("code_hmac", sa.LargeBinary(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.Column("network", sa.String(length=45), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_email_requests_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_requests")),
    )
    for columns in (
        ["user_id", "created_at"],
        ["email", "created_at"],
        ["ip", "created_at"],
        ["network", "created_at"],
        ["created_at"],
    ):
        op.create_index(op.f(f"ix_email_requests_{'_'.join(columns)}"), "email_requests", columns)
    # Until now an address was only said. From here on it counts as its user's, and receipts go there.
    op.execute("UPDATE users SET email = NULL WHERE email IS NOT NULL")


def downgrade() -> None:
    op.drop_table("email_requests")
