"""The chain over what staff did, views of accounts by staff, and counts of who is at work."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, text
from sqlalchemy.dialects.postgresql import UUID

from .columns import at, id_column, metadata, ref

# One link a row of staff_actions, made within a second of its COMMIT (storage/audit/seals.py). Append-only too.
staff_seals = Table(
    "staff_seals",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3 without a hole
    Column("action_id", BigInteger, nullable=False, unique=True),
    at("sealed_at"),
    Column("words", LargeBinary, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

# A member of staff who looks at the product as this user, reading only, for some minutes. What they looked at
# stands in staff_actions; these rows say what is open now.
account_views = Table(
    "account_views",
    metadata,
    id_column(),
    Column("staff_id", BigInteger, nullable=False),
    Column("session_id", UUID(as_uuid=True), nullable=False),  # the sign-in of the staff, with which it ends
    ref("user_id", "users.id"),
    at("started_at", now=True),
    at("expires_at"),
    at("ended_at", nullable=True),
    Index("ix_account_views_open", "staff_id", postgresql_where=text("ended_at IS NULL")),
    Index(None, "user_id"),
)
