"""the chain over what staff did

Revision ID: 0013
Revises: 0012
Deploy: before  # the old code runs on the new schema: its rows are sealed like the others
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | Sequence[str] | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# A row never changes, but for one thing: the words about an account that was erased go, with the salt that bound
# them to the chain. Words and salt of anybody else cannot be touched.
ROWS = """
CREATE OR REPLACE FUNCTION staff_actions_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.reason = '' AND NEW.salt IS NULL
            AND to_jsonb(NEW) - 'reason' - 'salt' = to_jsonb(OLD) - 'reason' - 'salt'
            AND EXISTS (SELECT FROM users WHERE id = OLD.user_id AND erased_at IS NOT NULL)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'staff_actions is append-only';
END $$
"""
OLD_ROWS = """
CREATE OR REPLACE FUNCTION staff_actions_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'staff_actions is append-only';
END $$
"""
SEALS = """
CREATE FUNCTION staff_seals_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'staff_seals is append-only';
END $$
"""
# Row triggers do not see TRUNCATE.
TRIGGERS = (
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON staff_seals"
    " FOR EACH ROW EXECUTE FUNCTION staff_seals_append_only()",
    "CREATE TRIGGER never_emptied BEFORE TRUNCATE ON staff_seals EXECUTE FUNCTION staff_seals_append_only()",
    "CREATE TRIGGER never_emptied BEFORE TRUNCATE ON staff_actions EXECUTE FUNCTION staff_actions_append_only()",
)


def upgrade() -> None:
    # Without a default first: one that differs by row would rewrite the table under its lock.
    op.add_column("staff_actions", sa.Column("salt", sa.UUID(), nullable=True))
    op.alter_column("staff_actions", "salt", server_default=sa.text("gen_random_uuid()"))
    op.execute("ALTER TABLE staff_actions DISABLE TRIGGER append_only")
    op.execute("UPDATE staff_actions SET salt = gen_random_uuid() WHERE salt IS NULL")
    op.execute("ALTER TABLE staff_actions ENABLE TRIGGER append_only")
    op.create_index(op.f("ix_staff_actions_staff_id_id"), "staff_actions", ["staff_id", "id"])
    op.create_index(op.f("ix_staff_actions_action_id"), "staff_actions", ["action", "id"])
    op.create_table(
        "staff_seals",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_staff_seals")),
        sa.UniqueConstraint("action_id", name=op.f("uq_staff_seals_action_id")),
    )
    op.execute(ROWS)
    op.execute(SEALS)
    for trigger in TRIGGERS:
        op.execute(trigger)
    # Who owns a table can grant this to themselves again: it stops a slip of the application, not its owner.
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON staff_actions, staff_seals FROM CURRENT_USER")
    op.execute("GRANT UPDATE (reason, salt) ON staff_actions TO CURRENT_USER")


def downgrade() -> None:
    op.execute("GRANT UPDATE, DELETE, TRUNCATE ON staff_actions TO CURRENT_USER")
    op.drop_table("staff_seals")
    op.execute("DROP FUNCTION staff_seals_append_only()")
    op.execute("DROP TRIGGER never_emptied ON staff_actions")
    op.execute(OLD_ROWS)
    op.drop_index(op.f("ix_staff_actions_action_id"), table_name="staff_actions")
    op.drop_index(op.f("ix_staff_actions_staff_id_id"), table_name="staff_actions")
    op.drop_column("staff_actions", "salt")
