"""Conversations of orders: messages with numbers of their own, their files, and how far each reader has come."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from .columns import at, metadata, ref

# Made with the first message. Its row's lock is what numbers the messages. The sides stand here, too, so that a
# list of conversations is one range of an index: they never change once a driver has won the order.
chats = Table(
    "chats",
    metadata,
    Column("order_id", BigInteger, ForeignKey("orders.id"), primary_key=True),
    ref("shipper_id", "users.id"),
    ref("company_id", "companies.id", nullable=True),
    ref("driver_id", "users.id"),
    Column("last_seq", Integer, nullable=False, server_default="0"),
    at("last_at", now=True),
    Index(None, "shipper_id", "last_at", "order_id"),
    Index(
        "ix_chats_company",
        "company_id",
        "last_at",
        "order_id",
        postgresql_where=text("company_id IS NOT NULL"),
    ),
    Index(None, "driver_id", "last_at", "order_id"),
)

chat_messages = Table(
    "chat_messages",
    metadata,
    Column("order_id", BigInteger, ForeignKey("chats.order_id"), nullable=False),
    Column("seq", Integer, nullable=False),
    # The writer's own id of it: sent again it is found, not stored again.
    Column("client_id", UUID(as_uuid=True), nullable=False),
    ref("author_id", "users.id"),
    Column("side", String(8), nullable=False),
    Column("text", String(2000), nullable=False, server_default=""),
    Column("phrase", String(24)),  # a key of dispatch.chat.PHRASES, in place of a text
    at("created_at", now=True),
    PrimaryKeyConstraint("order_id", "seq"),
    Index("uq_chat_messages_client", "order_id", "client_id", "author_id", unique=True),
    Index(None, "author_id", "order_id", "seq"),
    CheckConstraint("side IN ('shipper', 'driver')", name="side"),
    CheckConstraint("phrase IS NULL OR text = ''", name="words"),
)

# A file is of one message only.
chat_files = Table(
    "chat_files",
    metadata,
    Column("file_id", BigInteger, ForeignKey("files.id"), primary_key=True),
    Column("order_id", BigInteger, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("place", SmallInteger, nullable=False),
    ForeignKeyConstraint(
        ["order_id", "seq"], ["chat_messages.order_id", "chat_messages.seq"], name="fk_chat_files_message"
    ),
    Index("uq_chat_files_place", "order_id", "seq", "place", unique=True),
)

# How far a user has read. Never moves back.
chat_reads = Table(
    "chat_reads",
    metadata,
    Column("order_id", BigInteger, ForeignKey("chats.order_id"), nullable=False),
    ref("user_id", "users.id"),
    Column("side", String(8), nullable=False),
    Column("upto", Integer, nullable=False),
    at("read_at", now=True),
    PrimaryKeyConstraint("order_id", "user_id"),
    Index(None, "user_id"),
    CheckConstraint("side IN ('shipper', 'driver')", name="side"),
)
