"""Orders, their events, offers and who won."""

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from .columns import at, id_column, metadata, ref

orders = Table(
    "orders",
    metadata,
    id_column(),
    ref("shipper_id", "users.id"),
    Column("status", String(16), nullable=False),
    Column("seq", Integer, nullable=False, server_default="0"),  # of the last event
    Column("pickup_city", BigInteger, nullable=False),
    Column("pickup_name", String(120), nullable=False),
    Column("pickup_point", Geometry("POINT", 4326, spatial_index=False), nullable=False),
    Column("drop_city", BigInteger, nullable=False),
    Column("drop_name", String(120), nullable=False),
    Column("drop_point", Geometry("POINT", 4326, spatial_index=False), nullable=False),
    Column("cargo", String(200), nullable=False),
    Column("weight_kg", Float, nullable=False),
    Column("volume_m3", Float, nullable=False),
    Column("body", String(16), nullable=False),
    Column("distance_m", Float, nullable=False),
    Column("duration_s", Float, nullable=False),
    Column("distance_origin", String(16), nullable=False),  # embedded | great-circle
    Column("price_amount", BigInteger, nullable=False),  # minor units
    Column("price_currency", String(3), nullable=False),
    at("created_at", now=True),
    at("expires_at"),
    at("ended_at", nullable=True),
    # The search: which wave was sent last, when to look again (null: not seeking), since when on the board.
    Column("wave", SmallInteger, nullable=False, server_default="0"),
    at("seek_at", nullable=True),
    at("board_at", nullable=True),
    Index(None, "shipper_id", "id"),
    Index("ix_orders_seek", "seek_at", postgresql_where=text("seek_at IS NOT NULL")),
    Index("ix_orders_expiry", "expires_at", postgresql_where=text("status = 'open'")),
    Index(
        "ix_orders_board_pickup",
        "pickup_point",
        postgresql_using="gist",
        postgresql_where=text("status = 'open' AND board_at IS NOT NULL"),
    ),
    Index(
        "ix_orders_board_newest",
        text("id DESC"),
        postgresql_where=text("status = 'open' AND board_at IS NOT NULL"),
    ),
    CheckConstraint("weight_kg > 0 AND volume_m3 >= 0", name="size"),
)

order_events = Table(
    "order_events",
    metadata,
    Column("order_id", BigInteger, ForeignKey("orders.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("actor_id", BigInteger),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    at("at", now=True),
    PrimaryKeyConstraint("order_id", "seq"),
)

offers = Table(
    "offers",
    metadata,
    id_column(),
    ref("order_id", "orders.id"),
    ref("driver_id", "users.id"),
    # live | accepted | lost | declined | expired | withdrawn
    Column("status", String(16), nullable=False),
    Column("wave", SmallInteger, nullable=False),
    Column("deadhead_m", Float, nullable=False),
    Column("score", Float, nullable=False),
    Column("reasons", JSONB, nullable=False),  # the ranking, term by term
    at("made_at", now=True),
    at("seen_at", nullable=True),
    at("expires_at"),
    at("ended_at", nullable=True),
    Index(None, "order_id"),
    Index("ix_offers_due", "expires_at", postgresql_where=text("status = 'live'")),
    Index("ix_offers_driver_live", "driver_id", postgresql_where=text("status = 'live'")),
    # Never two live offers of one load to one driver, never two accepted offers of one load.
    Index(
        "uq_offers_live",
        "order_id",
        "driver_id",
        unique=True,
        postgresql_where=text("status = 'live'"),
    ),
    Index("uq_offers_accepted", "order_id", unique=True, postgresql_where=text("status = 'accepted'")),
)

assignments = Table(
    "assignments",
    metadata,
    # The primary key is the promise: one winner in the whole history of an order.
    Column("order_id", BigInteger, ForeignKey("orders.id"), primary_key=True),
    ref("driver_id", "users.id"),
    ref("vehicle_id", "vehicles.id"),
    ref("offer_id", "offers.id"),
    at("assigned_at", now=True),
    at("ended_at", nullable=True),
    Index("uq_assignments_driver", "driver_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    Index(None, "driver_id", "order_id"),  # a driver's own orders, page by page
)

# The answer to each accept, kept so that a retry gets the same one.
accepts = Table(
    "accepts",
    metadata,
    Column("accept_id", UUID(as_uuid=True), primary_key=True),
    Column("driver_id", BigInteger, nullable=False),
    Column("offer_id", BigInteger, nullable=False),
    Column("order_id", BigInteger, nullable=False),
    Column("outcome", String(32), nullable=False),  # won, or the error code
    at("at", now=True),
)
