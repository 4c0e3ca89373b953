"""What is remembered of requests: the answer that each Idempotency-Key was given."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
)
from sqlalchemy.dialects.postgresql import JSONB

from .columns import at, metadata

# Written in the transaction of the effect. `body` is sealed: answers may hold what is shown only once.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", BigInteger, nullable=False),
    Column("key", String(80), nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", SmallInteger),
    Column("headers", JSONB),
    Column("body", LargeBinary),
    Column("order_id", BigInteger),  # written by the first release only, which knew no stored answers
    at("created_at", now=True),
    PrimaryKeyConstraint("user_id", "key"),
    # Rows come in the order of their time: a few pages for the hourly clearing, nothing for an insert.
    Index("ix_idempotency_keys_created_at", "created_at", postgresql_using="brin"),
)
