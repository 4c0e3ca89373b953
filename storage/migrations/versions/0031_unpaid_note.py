"""the words of a driver who has not been paid

Revision ID: 0031
Revises: 0030
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0031"
down_revision: str | Sequence[str] | None = "0030"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "remittances", sa.Column("unpaid_note", sa.String(length=500), server_default="", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("remittances", "unpaid_note")
