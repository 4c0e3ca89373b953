"""Companies, who works in them, whom they have invited, and the drivers of their fleets."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    text,
)

from .columns import at, id_column, metadata, ref

companies = Table(
    "companies",
    metadata,
    id_column(),
    Column("legal_name", String(200), nullable=False),
    Column("country", String(2), nullable=False),
    Column("bin", String(20), nullable=False),  # dispatch.registers.business_number
    Column("address", String(300), nullable=False, server_default=""),
    Column("vat_payer", Boolean, nullable=False, server_default=text("false")),
    Column("contact_name", String(120), nullable=False, server_default=""),
    Column("contact_phone", String(16)),  # E.164
    Column("contact_email", String(254)),
    Column("state", String(12), nullable=False, server_default="unverified"),
    Column("reason", String(32)),  # why it was rejected
    ref("decided_by", "users.id", nullable=True),
    at("decided_at", nullable=True),
    Column("version", Integer, nullable=False, server_default="1"),
    at("created_at", now=True),
    # A number on paper may be claimed by anybody; only one claim can be verified.
    Index(
        "uq_companies_verified",
        "country",
        "bin",
        unique=True,
        postgresql_where=text("state = 'verified'"),
    ),
    Index("ix_companies_pending", "id", postgresql_where=text("state = 'pending'")),
    CheckConstraint("state IN ('unverified', 'pending', 'verified', 'rejected')", name="state"),
)

# The primary key is the promise: nobody is in two companies.
company_members = Table(
    "company_members",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id"), primary_key=True),
    ref("company_id", "companies.id"),
    Column("role", String(8), nullable=False),
    at("joined_at", now=True),
    Index(None, "company_id"),
    CheckConstraint("role IN ('owner', 'manager')", name="role"),
)

# By phone: whoever signs in with it later is invited too.
invitations = Table(
    "invitations",
    metadata,
    id_column(),
    ref("company_id", "companies.id"),
    Column("phone", String(16), nullable=False),  # E.164
    Column("joins", String(8), nullable=False),
    ref("invited_by", "users.id"),
    Column("state", String(10), nullable=False, server_default="pending"),
    at("created_at", now=True),
    at("expires_at"),
    at("ended_at", nullable=True),
    Index(
        "uq_invitations_pending",
        "company_id",
        "phone",
        unique=True,
        postgresql_where=text("state = 'pending'"),
    ),
    Index("ix_invitations_phone", "phone", postgresql_where=text("state = 'pending'")),
    CheckConstraint("joins IN ('owner', 'manager', 'driver')", name="joins"),
    CheckConstraint("state IN ('pending', 'accepted', 'declined', 'withdrawn')", name="state"),
)

fleet_drivers = Table(
    "fleet_drivers",
    metadata,
    id_column(),
    ref("company_id", "companies.id"),
    ref("driver_id", "users.id"),
    # Said by the driver, who may take it back: without it the fleet sees no position.
    Column("shares_position", Boolean, nullable=False, server_default=text("false")),
    at("joined_at", now=True),
    at("left_at", nullable=True),
    Index("uq_fleet_drivers_driver", "driver_id", unique=True, postgresql_where=text("left_at IS NULL")),
    Index("ix_fleet_drivers_company", "company_id", "driver_id", postgresql_where=text("left_at IS NULL")),
)
