"""Files on disk, the papers they are, and what a user may ask of their own data: all of it, or its end."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    text,
)

from .columns import at, id_column, metadata, ref

# One row a file under DESK_FILES, written after the file is in its place.
files = Table(
    "files",
    metadata,
    id_column(),
    ref("owner_id", "users.id"),
    Column("name", String(32), nullable=False, unique=True),  # random; where it lies follows from it
    Column("purpose", String(16)),  # what holds it: document, order ...; null until something does
    Column("mime", String(40), nullable=False),
    Column("size", Integer, nullable=False),  # bytes
    Column("sha256", LargeBinary, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("pages", Integer),
    at("created_at", now=True),
    Index(None, "owner_id"),
    Index("ix_files_unheld", "created_at", postgresql_where=text("purpose IS NULL")),
)

documents = Table(
    "documents",
    metadata,
    id_column(),
    ref("user_id", "users.id"),  # who sent it
    ref("vehicle_id", "vehicles.id", nullable=True),
    ref("company_id", "companies.id", nullable=True),
    ref("file_id", "files.id", unique=True),
    Column("kind", String(24), nullable=False),
    Column("number", String(60), nullable=False, server_default=""),
    at("issued_at", nullable=True),
    at("expires_at", nullable=True),
    Column("state", String(10), nullable=False, server_default="pending"),
    Column("reason", String(32)),  # why it was rejected
    ref("reviewed_by", "users.id", nullable=True),
    at("reviewed_at", nullable=True),
    Column("warned_days", SmallInteger),  # the nearest of 30, 7 and 1 days that its owner has been told of
    Column("version", Integer, nullable=False, server_default="1"),
    at("created_at", now=True),
    Index(None, "user_id"),
    Index(None, "vehicle_id", postgresql_where=text("vehicle_id IS NOT NULL")),
    Index(None, "company_id", postgresql_where=text("company_id IS NOT NULL")),
    Index("ix_documents_pending", "id", postgresql_where=text("state = 'pending'")),
    Index("ix_documents_expiry", "expires_at", postgresql_where=text("state <> 'rejected'")),
    CheckConstraint("state IN ('pending', 'approved', 'rejected')", name="state"),
    CheckConstraint("issued_at < expires_at", name="dates"),
    CheckConstraint("vehicle_id IS NULL OR company_id IS NULL", name="subject"),
)

# A user's data as a ZIP, made by any worker: claimed with a lease, so that a killed one is followed by another.
data_exports = Table(
    "data_exports",
    metadata,
    id_column(),
    ref("user_id", "users.id"),
    Column("state", String(8), nullable=False, server_default="due"),
    Column("progress", SmallInteger, nullable=False, server_default="0"),  # percent
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    at("lease_until", nullable=True),
    Column("name", String(32), unique=True),  # as files.name
    Column("size", BigInteger),
    at("created_at", now=True),
    at("ready_at", nullable=True),
    at("expires_at", nullable=True),
    Index(None, "user_id", "id"),
    Index(
        "uq_data_exports_open",
        "user_id",
        unique=True,
        postgresql_where=text("state IN ('due', 'running')"),
    ),
    Index("ix_data_exports_open", "id", postgresql_where=text("state IN ('due', 'running')")),
    CheckConstraint("state IN ('due', 'running', 'ready', 'failed', 'expired')", name="state"),
)

# Accounts that end. A done row stays: what a restored backup brings back is ended again by it (and by its copy
# beside the files, for a backup older than the row).
erasures = Table(
    "erasures",
    metadata,
    id_column(),
    ref("user_id", "users.id"),
    Column("state", String(10), nullable=False, server_default="pending"),
    at("requested_at", now=True),
    at("due_at"),
    at("ended_at", nullable=True),
    Index("uq_erasures_pending", "user_id", unique=True, postgresql_where=text("state = 'pending'")),
    Index("ix_erasures_due", "due_at", postgresql_where=text("state = 'pending'")),
    CheckConstraint("state IN ('pending', 'cancelled', 'done')", name="state"),
)
