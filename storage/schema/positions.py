"""Streams of GPS points and where everybody was last."""

from geoalchemy2 import Geometry
from sqlalchemy import (
    REAL,
    BigInteger,
    Column,
    DateTime,
    Float,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

from .columns import at, metadata, ref

streams = Table(
    "streams",
    metadata,
    Column("id", Integer, Identity(always=False), primary_key=True),
    ref("device_id", "devices.id"),
    Column("stream", String(16), nullable=False),
    # High-water mark: every point up to here is committed. Moves in the transaction that stores the points.
    Column("upto", Integer, nullable=False, server_default="0"),
    at("created_at", now=True),
    UniqueConstraint("device_id", "stream"),
    # `upto` moves with every batch: room on the page keeps those updates HOT.
    postgresql_with={"fillfactor": "50"},
)

# Daily range partitions positions_pYYYYMMDD, made ahead by storage.partitions, never by a migration.
# (stream_id, seq) identifies a point; recorded_at must be in every unique key of a partitioned table.
# device_id and recorded_at lead, so that the one index also serves "this device's track between two times".
positions = Table(
    "positions",
    metadata,
    Column("device_id", BigInteger, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("stream_id", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("driver_id", BigInteger, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("point", Geometry("POINT", 4326, spatial_index=False), nullable=False),
    Column("cell", BigInteger, nullable=False),  # H3, resolution geo.cells.INDEX_RES
    Column("speed", REAL),  # m/s
    Column("heading", REAL),  # degrees
    Column("accuracy", REAL),  # metres
    Column("flag", SmallInteger, nullable=False),  # geo.types.Reason, 0 for none
    PrimaryKeyConstraint("device_id", "recorded_at", "stream_id", "seq"),
    Index("ix_positions_received_at", "received_at", postgresql_using="brin"),
    postgresql_partition_by="RANGE (recorded_at)",
)

# Points outside the accepted time span: acknowledged with a reason, kept apart from history.
poison_points = Table(
    "poison_points",
    metadata,
    Column("stream_id", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("device_id", BigInteger, nullable=False),
    Column("recorded_at", Float, nullable=False),  # epoch seconds: it may lie outside timestamptz's sense
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("lat", Float, nullable=False),
    Column("lon", Float, nullable=False),
    Column("flag", SmallInteger, nullable=False),
    PrimaryKeyConstraint("stream_id", "seq"),
)

last_positions = Table(
    "last_positions",
    metadata,
    Column("driver_id", BigInteger, primary_key=True),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("point", Geometry("POINT", 4326, spatial_index=False), nullable=False),
    Column("cell", BigInteger, nullable=False),
    Column("speed", REAL),
    Column("heading", REAL),
    # HOT updates need free room on the page and no index on what changes.
    postgresql_with={"fillfactor": "60"},
)
