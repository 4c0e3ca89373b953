"""the books are checked once for each transaction of theirs, not once for each line

Of 9 ms that PostgreSQL spent on a renewal two went here: the balance was summed for every line, and the name of the
writing role was looked up by a query that was planned anew each time. Now the lines of a transaction come in one
statement, and are checked behind it; the role is an expression that is planned with its statement.

Revision ID: 0032
Revises: 0031
Deploy: before  # the old code runs on the new schema
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0032"
down_revision: str | Sequence[str] | None = "0031"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ROLE = """
CREATE OR REPLACE FUNCTION ledger_role() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN to_regrole('desk_books') IS NULL THEN 'none'
        WHEN pg_has_role(session_user, to_regrole('desk_books')::oid, 'MEMBER') THEN 'desk_books'
        ELSE 'none' END
$$
"""
ROLE_BEFORE = """
CREATE OR REPLACE FUNCTION ledger_role() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT rolname::text FROM pg_roles WHERE rolname = 'desk_books' AND pg_has_role(session_user, oid, 'MEMBER')),
        'none')
$$
"""
# Behind the statement that puts lines in: of each transaction that got some, as many as its head says, zero in each
# currency. So they all come in one statement, and one that is put in later is one too many.
LINES = """
CREATE FUNCTION ledger_lines_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    off bigint;
BEGIN
    SELECT a.id INTO off FROM (SELECT DISTINCT transaction_id AS id FROM added) a
    WHERE (SELECT lines FROM ledger_transactions t WHERE t.id = a.id) IS DISTINCT FROM
            (SELECT count(*) FROM ledger_postings p WHERE p.transaction_id = a.id)
        OR EXISTS (SELECT FROM ledger_postings p WHERE p.transaction_id = a.id
            GROUP BY currency HAVING sum(amount) <> 0)
    LIMIT 1;
    IF off IS NOT NULL THEN
        RAISE EXCEPTION 'transaction % of the books does not balance', off USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""
# At COMMIT: that there are lines. What there is has been checked as it came.
HEADS = """
CREATE FUNCTION ledger_head_has_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_postings WHERE transaction_id = NEW.id) THEN
        RAISE EXCEPTION 'transaction % of the books has no lines', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""
BEFORE = """
CREATE FUNCTION ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head bigint;
    said integer;
    found integer;
    off integer;
BEGIN
    IF TG_TABLE_NAME = 'ledger_postings' THEN head := NEW.transaction_id; ELSE head := NEW.id; END IF;
    SELECT lines INTO said FROM ledger_transactions WHERE id = head;
    SELECT coalesce(sum(n), 0), count(*) FILTER (WHERE total <> 0) INTO found, off FROM (
        SELECT count(*) AS n, sum(amount) AS total FROM ledger_postings WHERE transaction_id = head
        GROUP BY currency) c;
    IF said IS NULL OR found <> said OR off > 0 THEN
        RAISE EXCEPTION 'transaction % of the books does not balance', head USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""
TABLES = ("ledger_transactions", "ledger_postings")
AT_COMMIT = "CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON {} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"


def upgrade() -> None:
    op.execute(ROLE)
    op.execute(LINES)
    op.execute(HEADS)
    for table in TABLES:
        op.execute(f"DROP TRIGGER balanced ON {table}")
    op.execute(f"{AT_COMMIT.format(TABLES[0])} EXECUTE FUNCTION ledger_head_has_lines()")
    op.execute(
        "CREATE TRIGGER balanced AFTER INSERT ON ledger_postings REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION ledger_lines_balance()"
    )
    op.execute("DROP FUNCTION ledger_balanced()")
    op.drop_index("ix_subscriptions_charging", table_name="subscriptions")


def downgrade() -> None:
    op.create_index(
        "ix_subscriptions_charging",
        "subscriptions",
        ["charging"],
        postgresql_where=sa.text("charging IS NOT NULL"),
    )
    op.execute(BEFORE)
    for table in TABLES:
        op.execute(f"DROP TRIGGER balanced ON {table}")
        op.execute(f"{AT_COMMIT.format(table)} EXECUTE FUNCTION ledger_balanced()")
    op.execute("DROP FUNCTION ledger_lines_balance()")
    op.execute("DROP FUNCTION ledger_head_has_lines()")
    op.execute(ROLE_BEFORE)
