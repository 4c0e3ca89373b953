"""the API form: stored answers of Idempotency-Keys, API keys, webhooks

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

# In the transaction of the event, whichever statement writes it: no store can forget it, and none is doubled.
# One look-up by company for a statement that writes events; nothing for orders without a company.
FAN_OUT = """
CREATE FUNCTION webhooks_fan_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_deliveries (webhook_id, kind, dedupe_key, order_id, payload)
    SELECT w.id, 'order.' || f.kind, 'order:' || f.order_id || ':' || f.seq, f.order_id,
        jsonb_build_object('order', f.order_id, 'seq', f.seq, 'event', f.kind, 'status', f.status,
            'at', extract(epoch FROM f.at))
    FROM fresh f JOIN orders o ON o.id = f.order_id JOIN webhooks w ON w.company_id = o.company_id
    WHERE w.disabled_at IS NULL AND w.kinds && ARRAY['order.*', 'order.' || f.kind]::varchar[];
    RETURN NULL;
END $$
"""
TRIGGER = """
CREATE TRIGGER order_events_webhooks AFTER INSERT ON order_events REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION webhooks_fan_out()
"""


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("hint", sa.String(length=12), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.String(length=32)), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_keys_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
    )
    op.create_index(op.f("ix_api_keys_company_id_id"), "api_keys", ["company_id", "id"])
    op.create_index(op.f("ix_api_keys_user_id"), "api_keys", ["user_id"])
    op.create_table(
        "webhooks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.String(length=1000), nullable=False),
        sa.Column("kinds", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("old_secret", sa.LargeBinary(), nullable=True),
        sa.Column("old_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_why", sa.String(length=16), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_index(op.f("ix_webhooks_company_id_id"), "webhooks", ["company_id", "id"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("dedupe_key", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="due", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.SmallInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('due', 'delivered', 'dead', 'cancelled')", name=op.f("ck_webhook_deliveries_state")
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_deliveries_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint(
            "webhook_id", "dedupe_key", name=op.f("uq_webhook_deliveries_webhook_id_dedupe_key")
        ),
    )
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["due_at"],
        postgresql_where=sa.text("state = 'due'"),
    )
    op.create_index(
        "ix_webhook_deliveries_order",
        "webhook_deliveries",
        ["webhook_id", "order_id", "id"],
        postgresql_where=sa.text("state = 'due'"),
    )
    op.create_index("ix_webhook_deliveries_log", "webhook_deliveries", ["webhook_id", "id"])
    op.execute(FAN_OUT)
    op.execute(TRIGGER)
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
    op.execute("DROP TRIGGER order_events_webhooks ON order_events")
    op.execute("DROP FUNCTION webhooks_fan_out")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhooks")
    op.drop_table("api_keys")
    op.drop_index("ix_idempotency_keys_created_at", table_name="idempotency_keys", postgresql_using="brin")
    op.execute("DELETE FROM idempotency_keys WHERE order_id IS NULL")
    op.alter_column("idempotency_keys", "order_id", existing_type=sa.BigInteger(), nullable=False)
    op.drop_column("idempotency_keys", "body")
    op.drop_column("idempotency_keys", "headers")
    op.drop_column("idempotency_keys", "status")
