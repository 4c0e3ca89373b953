"""Trips: what the stream of positions says of an order on its way."""

from geoalchemy2 import Geography, Geometry
from sqlalchemy import (
    REAL,
    BigInteger,
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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from .columns import at, metadata, ref

# One for each assignment, made by a trigger on it: an order that is delivered within a minute has its trip, too.
trips = Table(
    "trips",
    metadata,
    Column("order_id", BigInteger, ForeignKey("orders.id"), primary_key=True),
    ref("driver_id", "users.id"),
    at("started_at"),
    at("ended_at", nullable=True),
    # Fixes up to here are counted; when to look again, null once everything is settled.
    at("followed_to", nullable=True),
    at("look_at", nullable=True),
    at("closed_at", nullable=True),
    Column("metres", Float, nullable=False, server_default="0"),
    Column("empty_metres", Float),  # of them to the pickup, once closed
    Column("trail", JSONB, nullable=False, server_default=text("'{}'::jsonb")),  # geo.trail.Trail.state
    # {stops: [[stop, early, typical, late, late_s, metres]]}, as of eta_at.
    Column("eta", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    at("eta_at", nullable=True),
    Column("delay_s", Integer, nullable=False, server_default="0"),
    Column("told_delay_s", Integer, nullable=False, server_default="0"),
    Column("suggested", String(16)),  # the next status, as the stream has it
    Column("dismissed", String(16)),  # the one that the driver does not want to hear of
    Index(None, "driver_id", "order_id"),
    Index("ix_trips_look", "look_at", postgresql_where=text("look_at IS NOT NULL")),
)

trip_stops = Table(
    "trip_stops",
    metadata,
    Column("order_id", BigInteger, ForeignKey("trips.order_id"), nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("fence", Geography("POINT", 4326, spatial_index=False), nullable=False),
    Column("radius_m", REAL, nullable=False),
    at("arrived_at", nullable=True),
    at("left_at", nullable=True),
    # What is not believed yet (dispatch.trip.Visit).
    at("inside_since", nullable=True),
    at("outside_since", nullable=True),
    PrimaryKeyConstraint("order_id", "position"),
)

trip_halts = Table(
    "trip_halts",
    metadata,
    Column("order_id", BigInteger, ForeignKey("trips.order_id"), nullable=False),
    at("since"),
    at("until"),
    Column("point", Geometry("POINT", 4326, spatial_index=False), nullable=False),
    PrimaryKeyConstraint("order_id", "since"),
)

# The way driven of a trip that is over, M is the time in epoch seconds; positions themselves are kept for a while.
trip_tracks = Table(
    "trip_tracks",
    metadata,
    Column("order_id", BigInteger, ForeignKey("trips.order_id"), primary_key=True),
    Column("line", Geometry("LINESTRINGM", 4326, dimension=3, spatial_index=False), nullable=False),
    Column("cells", ARRAY(BigInteger), nullable=False),  # H3, resolution geo.cells.MAP_RES
    Index("ix_trip_tracks_line", "line", postgresql_using="gist"),
)
