"""Prices that staff set, as versions. Rows are added and never changed."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from .columns import at, id_column, metadata, ref

# The newest version that has begun counts: dispatch.tariffs. Amounts in tiyn.
tariffs = Table(
    "tariffs",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("rates", JSONB, nullable=False),  # {body: [[upto_m or null, per_km], ...]}
    Column("kinds", JSONB, nullable=False, server_default=text("'{}'::jsonb")),  # {kind of cargo: factor}
    Column("minimum", BigInteger, nullable=False, server_default="0"),
    Column("loading_fee", BigInteger, nullable=False, server_default="0"),
    Column("abroad", Float, nullable=False),
    Column("note", String(500), nullable=False, server_default=""),
    at("valid_from"),
    ref("set_by", "users.id"),
    at("created_at", now=True),
    CheckConstraint("minimum >= 0 AND loading_fee >= 0 AND abroad > 0", name="amounts"),
)

# From one town of the gazetteer to another, for a body or ('') for all.
tariff_lanes = Table(
    "tariff_lanes",
    metadata,
    id_column(),
    Column("pickup_city", BigInteger, nullable=False),
    Column("drop_city", BigInteger, nullable=False),
    Column("body", String(16), nullable=False, server_default=""),
    Column("version", Integer, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("amount", BigInteger, nullable=False, server_default="0"),
    Column("note", String(500), nullable=False, server_default=""),
    at("valid_from"),
    at("valid_until", nullable=True),
    ref("set_by", "users.id"),
    at("created_at", now=True),
    UniqueConstraint("pickup_city", "drop_city", "body", "version"),
    CheckConstraint("kind IN ('total', 'per_km', 'none') AND (kind = 'none') = (amount = 0)", name="kind"),
    CheckConstraint("valid_until > valid_from", name="window"),
)
