"""Proof of delivery, and what happened on the way."""

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
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
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from .columns import at, id_column, metadata, ref

# What the shipper asks for before the cargo counts as delivered. The code is told to the consignee by the shipper,
# who reads it here; it opens nothing but this one step, five tries long.
proof_demands = Table(
    "proof_demands",
    metadata,
    Column("order_id", BigInteger, ForeignKey("orders.id"), primary_key=True),
    Column("kinds", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("code", String(4)),
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    ref("set_by", "users.id"),
    at("set_at", now=True),
)

proofs = Table(
    "proofs",
    metadata,
    id_column(),
    ref("order_id", "orders.id"),
    ref("given_by", "users.id"),  # the driver, or who acts for him
    Column("kind", String(12), nullable=False),
    Column("status", String(16), nullable=False),  # of the order then
    ref("file_id", "files.id", nullable=True, unique=True),
    Column("strokes", JSONB),
    Column("signed_by", String(120), nullable=False, server_default=""),  # who took the cargo over
    Column("note", String(200), nullable=False, server_default=""),
    Column("point", Geometry("POINT", 4326, spatial_index=False)),  # where the truck was, as far as known
    at("at", now=True),
    Index(None, "order_id", "id"),
    CheckConstraint("kind IN ('photo', 'signature', 'code')", name="kind"),
    CheckConstraint(
        "(kind = 'photo') = (file_id IS NOT NULL) AND (kind = 'signature') = (strokes IS NOT NULL)",
        name="content",
    ),
    # One signature and one code an order: a second one would make the first doubtful.
    Index("uq_proofs_once", "order_id", "kind", unique=True, postgresql_where=text("kind <> 'photo'")),
)

incidents = Table(
    "incidents",
    metadata,
    id_column(),
    ref("order_id", "orders.id"),
    ref("reported_by", "users.id"),
    Column("kind", String(16), nullable=False),
    Column("note", String(1000), nullable=False, server_default=""),
    Column("delay_s", Integer),  # as the driver reckons
    Column("point", Geometry("POINT", 4326, spatial_index=False)),
    at("at", now=True),
    Index(None, "order_id", "id"),
)

incident_files = Table(
    "incident_files",
    metadata,
    Column("incident_id", BigInteger, ForeignKey("incidents.id"), nullable=False),
    ref("file_id", "files.id", unique=True),
    PrimaryKeyConstraint("incident_id", "file_id"),
)
