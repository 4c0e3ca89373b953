"""The chain over what staff did, and staff's views of accounts."""

from sqlalchemy import BigInteger, Column, LargeBinary, Table

from .columns import at, metadata

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
