"""reviews of hauls, what they come to, and disputes

Revision ID: 0021
Revises: 0020
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0021"
down_revision: str | Sequence[str] | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


UNDER_WAY = """
WITH opened AS (
    INSERT INTO disputes (order_id, opened_by, side, code, was, opened_at, messages)
    SELECT o.id, e.actor_id, CASE u.role WHEN 'shipper' THEN 'shipper' WHEN 'admin' THEN 'staff' ELSE 'driver' END,
        coalesce(e.detail->>'code', 'other'), coalesce(b.status, 'delivered'), e.at, 1
    FROM orders o
    CROSS JOIN LATERAL (SELECT * FROM order_events e WHERE e.order_id = o.id AND e.kind = 'disputed'
        ORDER BY e.seq DESC LIMIT 1) AS e
    JOIN users u ON u.id = e.actor_id
    LEFT JOIN LATERAL (SELECT status FROM order_events b WHERE b.order_id = o.id AND b.seq < e.seq
        AND b.status <> 'disputed' ORDER BY b.seq DESC LIMIT 1) AS b ON true
    WHERE o.status = 'disputed' RETURNING *
)
INSERT INTO dispute_messages (dispute_id, author_id, side, kind, text, at)
SELECT d.id, d.opened_by, d.side, 'opened', left(coalesce(e.detail->>'reason', ''), 1000), d.opened_at
FROM opened d
CROSS JOIN LATERAL (SELECT detail FROM order_events e WHERE e.order_id = d.order_id AND e.kind = 'disputed'
    ORDER BY e.seq DESC LIMIT 1) AS e
"""


def upgrade() -> None:
    op.create_table(
        "user_ratings",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.String(length=8), nullable=False),
        sa.Column("one", sa.Integer(), server_default="0", nullable=False),
        sa.Column("two", sa.Integer(), server_default="0", nullable=False),
        sa.Column("three", sa.Integer(), server_default="0", nullable=False),
        sa.Column("four", sa.Integer(), server_default="0", nullable=False),
        sa.Column("five", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("part IN ('shipper', 'driver')", name=op.f("ck_user_ratings_part")),
        sa.CheckConstraint(
            "one >= 0 AND two >= 0 AND three >= 0 AND four >= 0 AND five >= 0",
            name=op.f("ck_user_ratings_stars"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_ratings_user_id")),
        sa.PrimaryKeyConstraint("user_id", "part", name=op.f("pk_user_ratings")),
    )
    op.create_table(
        "company_ratings",
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.String(length=8), nullable=False),
        sa.Column("one", sa.Integer(), server_default="0", nullable=False),
        sa.Column("two", sa.Integer(), server_default="0", nullable=False),
        sa.Column("three", sa.Integer(), server_default="0", nullable=False),
        sa.Column("four", sa.Integer(), server_default="0", nullable=False),
        sa.Column("five", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("part IN ('shipper', 'driver')", name=op.f("ck_company_ratings_part")),
        sa.CheckConstraint(
            "one >= 0 AND two >= 0 AND three >= 0 AND four >= 0 AND five >= 0",
            name=op.f("ck_company_ratings_stars"),
        ),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_company_ratings_company_id")),
        sa.PrimaryKeyConstraint("company_id", "part", name=op.f("pk_company_ratings")),
    )
    op.create_table(
        "disputes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("was", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="open", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("messages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claimed_by", sa.BigInteger(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.Column("decision", sa.String(length=2000), server_default="", nullable=False),
        sa.Column("decided_amount", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('for_driver', 'for_shipper', 'split', 'withdrawn')",
            name=op.f("ck_disputes_outcome"),
        ),
        sa.CheckConstraint("side IN ('shipper', 'driver', 'staff')", name=op.f("ck_disputes_side")),
        sa.CheckConstraint(
            "state IN ('open', 'decided', 'withdrawn', 'dropped')", name=op.f("ck_disputes_state")
        ),
        sa.CheckConstraint("amount > 0 AND decided_amount >= 0", name=op.f("ck_disputes_amounts")),
        sa.ForeignKeyConstraint(["opened_by"], ["users.id"], name=op.f("fk_disputes_opened_by")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_disputes_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
    )
    op.create_index("ix_disputes_open", "disputes", ["id"], postgresql_where=sa.text("state = 'open'"))
    op.create_index(op.f("ix_disputes_order_id_id"), "disputes", ["order_id", "id"])
    op.create_index(
        "uq_disputes_open", "disputes", ["order_id"], unique=True, postgresql_where=sa.text("state = 'open'")
    )
    op.create_table(
        "reviews",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("about_id", sa.BigInteger(), nullable=False),
        sa.Column("about_company_id", sa.BigInteger(), nullable=True),
        sa.Column("stars", sa.SmallInteger(), nullable=False),
        sa.Column(
            "tags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
        ),
        sa.Column("text", sa.String(length=1000), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("standing", sa.String(length=8), server_default="clear", nullable=False),
        sa.Column("waiting", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("hidden_reason", sa.String(length=16), nullable=True),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("judged_by", sa.BigInteger(), nullable=True),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reply", sa.String(length=500), server_default="", nullable=False),
        sa.Column("replied_by", sa.BigInteger(), nullable=True),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reply_hidden", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("report_reason", sa.String(length=16), nullable=True),
        sa.Column("report_note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("reported_by", sa.BigInteger(), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("side IN ('shipper', 'driver')", name=op.f("ck_reviews_side")),
        sa.CheckConstraint("standing IN ('clear', 'held', 'hidden')", name=op.f("ck_reviews_standing")),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name=op.f("ck_reviews_stars")),
        sa.ForeignKeyConstraint(
            ["about_company_id"], ["companies.id"], name=op.f("fk_reviews_about_company_id")
        ),
        sa.ForeignKeyConstraint(["about_id"], ["users.id"], name=op.f("fk_reviews_about_id")),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_reviews_author_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_reviews_order_id")),
        sa.ForeignKeyConstraint(["replied_by"], ["users.id"], name=op.f("fk_reviews_replied_by")),
        sa.ForeignKeyConstraint(["reported_by"], ["users.id"], name=op.f("fk_reviews_reported_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("order_id", "side", name=op.f("uq_reviews_order_id_side")),
    )
    op.create_index(op.f("ix_reviews_about_id_id"), "reviews", ["about_id", "id"])
    op.create_index(op.f("ix_reviews_author_id_id"), "reviews", ["author_id", "id"])
    op.create_index("ix_reviews_due", "reviews", ["due_at"], postgresql_where=sa.text("published_at IS NULL"))
    op.create_index("ix_reviews_hidden", "reviews", ["id"], postgresql_where=sa.text("standing = 'hidden'"))
    op.create_index("ix_reviews_waiting", "reviews", ["id"], postgresql_where=sa.text("waiting"))
    op.create_table(
        "dispute_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("dispute_id", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("text", sa.String(length=1000), server_default="", nullable=False),
        sa.Column(
            "files",
            postgresql.ARRAY(sa.BigInteger()),
            server_default=sa.text("'{}'::bigint[]"),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('opened', 'answer', 'message')", name=op.f("ck_dispute_messages_kind")),
        sa.CheckConstraint("side IN ('shipper', 'driver', 'staff')", name=op.f("ck_dispute_messages_side")),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_dispute_messages_author_id")),
        sa.ForeignKeyConstraint(["dispute_id"], ["disputes.id"], name=op.f("fk_dispute_messages_dispute_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_messages")),
    )
    op.create_index(op.f("ix_dispute_messages_author_id_id"), "dispute_messages", ["author_id", "id"])
    op.create_index(op.f("ix_dispute_messages_dispute_id_id"), "dispute_messages", ["dispute_id", "id"])
    # What is in dispute already goes on as one that has just been opened. The few rows are found by a scan.
    op.execute(UNDER_WAY)


def downgrade() -> None:
    for table in ("dispute_messages", "reviews", "disputes", "company_ratings", "user_ratings"):
        op.drop_table(table)
