"""Trucks: who may drive each, who drives it now, and what it can carry."""

from sqlalchemy import CheckConstraint, Column, Float, Index, Integer, SmallInteger, String, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY

from .columns import at, id_column, metadata, ref

_NO_WORDS = text("'{}'::text[]")

vehicles = Table(
    "vehicles",
    metadata,
    id_column(),
    # The driver whose active vehicle this is. Unique, so that dispatch finds a driver's truck by one look into
    # one index and a driver has at most one.
    ref("driver_id", "users.id", nullable=True, unique=True),
    # Who may make it their active one: the owner, or the driver that the company has given it to.
    ref("keeper_id", "users.id", nullable=True),
    ref("company_id", "companies.id", nullable=True),  # null: the keeper's own
    Column("country", String(2), nullable=False, server_default="KZ"),
    Column("plate", String(16), nullable=False, server_default=""),  # dispatch.registers.plate
    Column("trailer_plate", String(16), nullable=False, server_default=""),
    Column("body", String(16), nullable=False),
    Column("capacity_kg", Float, nullable=False),
    Column("volume_m3", Float, nullable=False),
    # Inside, in metres; null is unknown.
    Column("length_m", Float),
    Column("width_m", Float),
    Column("height_m", Float),
    Column("sides", ARRAY(Text), nullable=False, server_default=_NO_WORDS),
    Column("adr", ARRAY(Text), nullable=False, server_default=_NO_WORDS),
    Column("temp_min_c", Float),
    Column("temp_max_c", Float),
    Column("axles", SmallInteger),
    Column("fuel_l_100km", Float),
    Column("year", SmallInteger),
    Column("version", Integer, nullable=False, server_default="1"),
    at("created_at", now=True),
    at("archived_at", nullable=True),
    Index(None, "keeper_id", postgresql_where=text("keeper_id IS NOT NULL")),
    Index(None, "company_id", postgresql_where=text("company_id IS NOT NULL")),
    Index(
        "uq_vehicles_plate",
        "country",
        "plate",
        unique=True,
        postgresql_where=text("archived_at IS NULL AND plate <> ''"),
    ),
    CheckConstraint("capacity_kg > 0 AND volume_m3 > 0", name="size"),
    CheckConstraint("driver_id IS NULL OR driver_id = keeper_id", name="driver"),
    CheckConstraint("keeper_id IS NOT NULL OR company_id IS NOT NULL", name="owner"),
    CheckConstraint("archived_at IS NULL OR driver_id IS NULL", name="archived"),
    CheckConstraint("temp_min_c <= temp_max_c", name="temperature"),
)
