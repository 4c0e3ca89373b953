"""Places that users keep, and the price of diesel."""

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, UniqueConstraint

from .columns import at, id_column, metadata, ref

saved_places = Table(
    "saved_places",
    metadata,
    id_column(),
    ref("user_id", "users.id"),
    Column("label", String(80), nullable=False),
    Column("address", String(300), nullable=False, server_default=""),
    Column("point", Geometry("POINT", 4326, spatial_index=False), nullable=False),
    Column("city_id", BigInteger, nullable=False),  # the nearest town of the gazetteer
    Column("contact_name", String(120), nullable=False, server_default=""),
    Column("contact_phone", String(16), nullable=False, server_default=""),  # E.164
    Column("note", String(500), nullable=False, server_default=""),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("uses", Integer, nullable=False, server_default="0"),
    at("used_at", nullable=True),
    at("created_at", now=True),
    Index(None, "user_id"),
)

# Tiyn a litre by country and, where it differs, region. The newest valid row counts; older ones are the record.
fuel_prices = Table(
    "fuel_prices",
    metadata,
    id_column(),
    Column("country", String(2), nullable=False),
    Column(
        "region", String(16), nullable=False, server_default=""
    ),  # GeoNames admin1; empty: the whole country
    Column("amount", BigInteger, nullable=False),
    at("valid_from"),
    ref("set_by", "users.id"),
    at("created_at", now=True),
    UniqueConstraint("country", "region", "valid_from"),
    CheckConstraint("amount > 0", name="amount"),
)
