"""What drivers share of where they are, public links to one order, and who looked."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    text,
)

from .columns import at, id_column, metadata, ref

# A driver's own rules; without a row everything is shared that others have a right to.
driver_sharing = Table(
    "driver_sharing",
    metadata,
    Column("driver_id", BigInteger, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("on_duty_only", Boolean, nullable=False, server_default=text("false")),
    at("pause_until", nullable=True),
    Column("after_trip_s", SmallInteger, nullable=False, server_default="300"),
    at("changed_at", now=True),
    Index(None, "changed_at"),
    CheckConstraint("after_trip_s BETWEEN 0 AND 300", name="after_trip"),
)

# Whoever knows the secret sees one order without signing in. Of the secret only the hash is kept.
share_links = Table(
    "share_links",
    metadata,
    id_column(),
    ref("order_id", "orders.id"),
    ref("made_by", "users.id"),
    Column("side", String(8), nullable=False),  # shipper | driver
    Column("label", String(80), nullable=False),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    at("opens_at"),
    at("closes_at"),
    Column("follows", Boolean, nullable=False),  # ends some time after the haul, at `closes_at` at the latest
    at("created_at", now=True),
    at("revoked_at", nullable=True),
    Column("revoked_by", BigInteger),
    Column("views", BigInteger, nullable=False, server_default="0"),
    at("last_view_at", nullable=True),
    Index(None, "order_id", "id"),
    Index(None, "made_by"),
    Index(None, "closes_at"),
    CheckConstraint("side IN ('shipper', 'driver')", name="side"),
)

# Looks by way of a link, one row for a network, a kind of browser and five minutes. `slot` counts those from the
# epoch, so that all workers add to the same row.
share_link_views = Table(
    "share_link_views",
    metadata,
    id_column(),
    ref("link_id", "share_links.id"),
    Column("slot", Integer, nullable=False),
    Column("network", String(45), nullable=False),  # /24, or /48 of IPv6
    Column("agent", String(16), nullable=False),
    at("first_at"),
    at("last_at"),
    Column("looks", Integer, nullable=False),
    UniqueConstraint("slot", "link_id", "network", "agent"),
    Index(None, "link_id", "id"),
)

# Who was shown where a driver is: a log for him, one row for a viewer, an order and five minutes. It points at
# nothing, so that writing it asks no other table.
position_views = Table(
    "position_views",
    metadata,
    id_column(),
    Column("driver_id", BigInteger, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("kind", String(8), nullable=False),  # shipper | fleet | link | staff
    Column("order_id", BigInteger),
    Column("viewer_id", BigInteger),
    Column("link_id", BigInteger),
    Column("grade", String(16)),
    at("first_at"),
    at("last_at"),
    Column("looks", Integer, nullable=False),
    Index(None, "driver_id", "id"),
    Index(
        "uq_position_views_look",
        "slot",
        "driver_id",
        "kind",
        text("coalesce(order_id, 0)"),
        text("coalesce(viewer_id, 0)"),
        text("coalesce(link_id, 0)"),
        unique=True,
    ),
)
