"""What the two sides of a haul say of each other, and what it comes to."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from .columns import at, id_column, metadata, ref

reviews = Table(
    "reviews",
    metadata,
    id_column(),
    ref("order_id", "orders.id"),
    Column("side", String(8), nullable=False),  # of the haul, that writes
    ref("author_id", "users.id"),
    ref("about_id", "users.id"),
    ref("about_company_id", "companies.id", nullable=True),
    Column("stars", SmallInteger, nullable=False),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("text", String(1000), nullable=False, server_default=""),
    Column("version", Integer, nullable=False, server_default="1"),
    at("created_at", now=True),
    at("due_at"),  # published then at the latest
    at("published_at", nullable=True),
    Column("standing", String(8), nullable=False, server_default="clear"),  # dispatch.reviews.Standing
    # Staff should look: held by itself, or reported.
    Column("waiting", Boolean, nullable=False, server_default=text("false")),
    Column("hidden_reason", String(16)),
    Column("note", String(500), nullable=False, server_default=""),  # of staff
    Column("judged_by", BigInteger),
    at("judged_at", nullable=True),
    Column("reply", String(500), nullable=False, server_default=""),
    ref("replied_by", "users.id", nullable=True),
    at("replied_at", nullable=True),
    Column("reply_hidden", Boolean, nullable=False, server_default=text("false")),
    Column("report_reason", String(16)),
    Column("report_note", String(500), nullable=False, server_default=""),
    ref("reported_by", "users.id", nullable=True),
    at("reported_at", nullable=True),
    # The promise: one of each side a haul. It also finds both of an order.
    UniqueConstraint("order_id", "side"),
    Index(None, "about_id", "id"),
    Index(None, "author_id", "id"),
    Index("ix_reviews_due", "due_at", postgresql_where=text("published_at IS NULL")),
    Index("ix_reviews_waiting", "id", postgresql_where=text("waiting")),
    Index("ix_reviews_hidden", "id", postgresql_where=text("standing = 'hidden'")),
    CheckConstraint("side IN ('shipper', 'driver')", name="side"),
    CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
    CheckConstraint("standing IN ('clear', 'held', 'hidden')", name="standing"),
)


def _stars() -> list[Any]:
    names = ("one", "two", "three", "four", "five")
    return [
        *(Column(name, Integer, nullable=False, server_default="0") for name in names),
        CheckConstraint(" AND ".join(f"{name} >= 0" for name in names), name="stars"),
    ]


# How many visible reviews of so many stars there are about somebody in this part of a haul. Changed in the
# transaction that shows or hides a review; shipper_stats and driver_states.rating follow in it.
user_ratings = Table(
    "user_ratings",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id"), nullable=False),
    Column("part", String(8), nullable=False),  # shipper | driver
    *_stars(),
    PrimaryKeyConstraint("user_id", "part"),
    CheckConstraint("part IN ('shipper', 'driver')", name="part"),
)
company_ratings = Table(
    "company_ratings",
    metadata,
    Column("company_id", BigInteger, ForeignKey("companies.id"), nullable=False),
    Column("part", String(8), nullable=False),  # shipper | driver: its people's, its drivers'
    *_stars(),
    PrimaryKeyConstraint("company_id", "part"),
    CheckConstraint("part IN ('shipper', 'driver')", name="part"),
)
