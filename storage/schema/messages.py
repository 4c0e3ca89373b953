"""What happened that users are to be told of: the queue, the inbox, where to push to, and what came of it."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from .columns import at, id_column, metadata, ref

push_endpoints = Table(
    "push_endpoints",
    metadata,
    id_column(),
    ref("user_id", "users.id"),
    Column("kind", String(8), nullable=False),  # webpush | fid | token
    Column("address", Text, nullable=False),  # endpoint URL, installation id or token
    Column("keys", JSONB, nullable=False, server_default=text("'{}'::jsonb")),  # p256dh, auth
    Column("locale", String(8), nullable=False, server_default="ru"),
    at("created_at", now=True),
    at("last_ok_at", nullable=True),
    UniqueConstraint("address"),
    Index(None, "user_id"),
    CheckConstraint("kind IN ('webpush', 'fid', 'token')", name="kind"),
)

# Written in the transaction of what it tells; claimed by state with SKIP LOCKED and a lease. A row is an event and
# its push; when it is announced it goes to the inbox, and SMS and e-mail get rows of their own behind it.
outbox = Table(
    "outbox",
    metadata,
    id_column(),
    Column("user_id", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("dedupe_key", String(80), nullable=False, unique=True),
    Column("state", String(12), nullable=False, server_default="due"),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    at("due_at", now=True),  # an offer is due 2 s after it was made: the socket receipt cancels it
    at("expires_at"),
    at("created_at", now=True),
    at("done_at", nullable=True),
    Column("error", Text),
    at("announced_at", nullable=True),
    Column("channel", String(8), nullable=False, server_default="push"),
    Column("parent_id", BigInteger),  # the event of an SMS or e-mail
    Index("ix_outbox_due", "due_at", postgresql_where=text("state = 'due'")),
    Index("ix_outbox_unannounced", "id", postgresql_where=text("announced_at IS NULL")),
    Index("ix_outbox_parent_id", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
    CheckConstraint("state IN ('due', 'sent', 'cancelled', 'dead', 'expired')", name="state"),
    CheckConstraint("channel IN ('push', 'sms', 'email')", name="channel"),
)

# One a user and event, under the number of the event's row in the outbox. What is told is `facts`: row ids, a
# count, words; the text is made for its reader.
inbox_items = Table(
    "inbox_items",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("facts", JSONB, nullable=False),
    at("at"),
    at("over_at", nullable=True),  # of an offer and the like: nobody needs to read it after that
    at("keep_until"),
    at("seen_at", nullable=True),  # on a screen, says a socket
    at("read_at", nullable=True),
    Index(None, "user_id", "id"),
    Index("ix_inbox_items_unread", "user_id", "id", postgresql_where=text("read_at IS NULL")),
    Index(None, "keep_until"),
)

# What a user wants to hear by which channel; without a row, everything.
notice_preferences = Table(
    "notice_preferences",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("off", JSONB, nullable=False, server_default=text("'{}'::jsonb")),  # category -> channels
    Column("quiet_since", SmallInteger),  # minutes of the day by the user's time zone
    Column("quiet_until", SmallInteger),
    at("changed_at", now=True),
    CheckConstraint("(quiet_since IS NULL) = (quiet_until IS NULL)", name="quiet"),
)

# What came of each attempt to tell somebody, kept for 90 days. Rows are added, never changed (a trigger).
deliveries = Table(
    "deliveries",
    metadata,
    id_column(),
    Column("notice_id", BigInteger, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("offer_id", BigInteger),
    Column(
        "means", String(8), nullable=False
    ),  # inbox | socket | webpush | fid | token | log | sms | email | none
    Column("endpoint_id", BigInteger),
    Column("attempt", SmallInteger, nullable=False, server_default="1"),
    Column("outcome", String(12), nullable=False),
    Column("reason", String(200), nullable=False, server_default=""),
    Column("lag_ms", BigInteger, nullable=False),  # since the event was written
    at("at", now=True),
    Index(None, "user_id", "id"),
    Index(None, "offer_id", postgresql_where=text("offer_id IS NOT NULL")),
)

# How many SMS a user got on a day (UTC) about events; user 0 stands for all together. The day's budget is taken
# from here, row by row, before the gateway is asked.
sms_spent = Table(
    "sms_spent",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("sent", Integer, nullable=False),
)
