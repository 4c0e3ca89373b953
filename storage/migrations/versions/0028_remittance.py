"""what shippers owe drivers, what both say of it, and how shippers pay

Revision ID: 0028
Revises: 0027
Deploy: before  # the old code neither reads nor writes any of it; the trigger works for both
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0028"
down_revision: str | Sequence[str] | None = "0027"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEGIN = """
CREATE FUNCTION remittances_begin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO remittances (order_id) VALUES (NEW.order_id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""
ON_ASSIGNMENT = """
CREATE TRIGGER assignments_remittances AFTER INSERT ON assignments
FOR EACH ROW EXECUTE FUNCTION remittances_begin()
"""
# Hauls that were delivered before this have no due date: nobody is reminded of them.
HAULS = """
INSERT INTO remittances (order_id, state)
SELECT a.order_id, CASE WHEN o.status = 'cancelled' THEN 'void' ELSE 'open' END
FROM assignments a JOIN orders o ON o.id = a.order_id ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    op.create_table(
        "remittances",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unpaid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=10), server_default="open", nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("spoken_of", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reminded", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'prepaid', 'marked', 'contested', 'paid', 'void')",
            name=op.f("ck_remittances_state"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_remittances_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_remittances")),
    )
    op.create_index(
        "ix_remittances_remind",
        "remittances",
        ["remind_at"],
        postgresql_where=sa.text("remind_at IS NOT NULL"),
    )
    op.create_table(
        "remittance_marks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.String(length=12), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reference", sa.String(length=120), server_default="", nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("shipper_by", sa.BigInteger(), nullable=True),
        sa.Column("shipper_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("driver_by", sa.BigInteger(), nullable=True),
        sa.Column("driver_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=16), server_default="", nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_remittance_marks_amount")),
        sa.CheckConstraint("kind IN ('prepayment', 'payment')", name=op.f("ck_remittance_marks_kind")),
        sa.CheckConstraint(
            "state IN ('waiting', 'confirmed', 'contested', 'withdrawn')",
            name=op.f("ck_remittance_marks_state"),
        ),
        sa.CheckConstraint("num_nulls(shipper_at, driver_at) < 2", name=op.f("ck_remittance_marks_said")),
        sa.ForeignKeyConstraint(["driver_by"], ["users.id"], name=op.f("fk_remittance_marks_driver_by")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["remittances.order_id"], name=op.f("fk_remittance_marks_order_id")
        ),
        sa.ForeignKeyConstraint(["shipper_by"], ["users.id"], name=op.f("fk_remittance_marks_shipper_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remittance_marks")),
    )
    op.create_index(op.f("ix_remittance_marks_order_id_id"), "remittance_marks", ["order_id", "id"])
    op.add_column("orders", sa.Column("settle_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_index("ix_orders_delivered", table_name="orders")
    op.create_index(
        "ix_orders_delivered",
        "orders",
        [sa.text("greatest(ended_at, settle_at)")],
        postgresql_where=sa.text("status = 'delivered'"),
    )
    op.add_column("shipper_stats", sa.Column("paid_cases", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "shipper_stats", sa.Column("paid_on_time", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("shipper_stats", sa.Column("paid_late_days", sa.REAL(), nullable=True))
    op.add_column("shipper_stats", sa.Column("paid_counted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_shipper_stats_counted",
        "shipper_stats",
        ["paid_counted_at"],
        postgresql_where=sa.text("paid_counted_at IS NOT NULL"),
    )
    op.create_check_constraint(
        op.f("ck_shipper_stats_paid"), "shipper_stats", "paid_on_time BETWEEN 0 AND paid_cases"
    )
    op.add_column("saved_searches", sa.Column("paid_min", sa.Float(), nullable=True))
    op.execute(BEGIN)
    op.execute(ON_ASSIGNMENT)
    op.execute(HAULS)


def downgrade() -> None:
    op.execute("DROP TRIGGER assignments_remittances ON assignments")
    op.execute("DROP FUNCTION remittances_begin")
    op.drop_column("saved_searches", "paid_min")
    op.drop_constraint(op.f("ck_shipper_stats_paid"), "shipper_stats")
    op.drop_index("ix_shipper_stats_counted", table_name="shipper_stats")
    for column in ("paid_counted_at", "paid_late_days", "paid_on_time", "paid_cases"):
        op.drop_column("shipper_stats", column)
    op.drop_index("ix_orders_delivered", table_name="orders")
    op.create_index(
        "ix_orders_delivered", "orders", ["ended_at"], postgresql_where=sa.text("status = 'delivered'")
    )
    op.drop_column("orders", "settle_at")
    op.drop_table("remittance_marks")
    op.drop_table("remittances")
