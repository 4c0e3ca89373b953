"""reports and cabinets: who is online, and the indexes that lists by time and by driver read

Revision ID: 0018
Revises: 0017
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | Sequence[str] | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "presence",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("worker", sa.SmallInteger(), nullable=False),
        sa.Column("drivers", sa.Integer(), nullable=False),
        sa.Column("busy", sa.Integer(), nullable=False),
        sa.Column("shippers", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("at", "worker", name=op.f("pk_presence")),
    )
    op.create_index("ix_orders_created_at", "orders", ["created_at"], postgresql_using="brin")
    op.create_index(op.f("ix_offers_driver_id_id"), "offers", ["driver_id", "id"])
    op.create_index("ix_offers_made_at", "offers", ["made_at"], postgresql_using="brin")
    op.create_index(
        "ix_assignments_ended_at",
        "assignments",
        ["ended_at"],
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_assignments_ended_at", "assignments")
    op.drop_index("ix_offers_made_at", "offers")
    op.drop_index(op.f("ix_offers_driver_id_id"), "offers")
    op.drop_index("ix_orders_created_at", "orders")
    op.drop_table("presence")
