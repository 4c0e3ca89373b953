"""Accounts, sign-ins, devices and subscriptions."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from .columns import at, id_column, metadata, ref

users = Table(
    "users",
    metadata,
    id_column(),
    Column("phone", String(16), nullable=False, unique=True),  # E.164
    Column("role", String(16), nullable=False),
    Column("name", String(120), nullable=False, server_default=""),
    Column("locale", String(8), nullable=False, server_default="ru"),
    Column("email", String(254)),  # proven by a code: storage.email_codes
    Column("time_zone", String(64), nullable=False, server_default="Asia/Almaty"),
    Column("version", Integer, nullable=False, server_default="1"),  # of the profile
    Column("blocked", Boolean, nullable=False, server_default=text("false")),
    at("created_at", now=True),
    at("erased_at", nullable=True),  # the owner has left: nothing personal is in this row any more
    Column("grade", String(16)),  # of staff; an admin without one has no right beyond looking
    CheckConstraint("role IN ('driver', 'logistician', 'shipper', 'admin')", name="role"),
    CheckConstraint(
        "grade IS NULL OR role = 'admin' AND grade IN ('support', 'moderator', 'finance', 'superadmin')",
        name="grade",
    ),
    # Staff look for people by a part of the name or of the number.
    Index(
        "ix_users_search",
        "name",
        "phone",
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops", "phone": "gin_trgm_ops"},
    ),
)

otp_requests = Table(
    "otp_requests",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True, server_default=func.gen_random_uuid()),
    Column("phone", String(16), nullable=False),
    Column("role", String(16), nullable=False),  # of the account made when the phone is new
    Column("code_hmac", LargeBinary, nullable=False),  # HMAC-SHA256(pepper, id | phone | code)
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    Column("ip", String(45), nullable=False, server_default=""),
    Column("network", String(45), nullable=False, server_default=""),  # its /24 or /48
    Column("purpose", String(16), nullable=False, server_default="sign_in"),  # | change_phone
    Column("user_id", BigInteger),  # whose phone is to be changed
    at("created_at", now=True),
    at("expires_at"),
    at("used_at", nullable=True),
    at("failed_at", nullable=True),  # no gateway took the code: it counts for no limit of the number
    Index(None, "phone", "created_at"),
    Index(None, "ip", "created_at"),
    Index(None, "network", "created_at"),
)

# Codes that prove an e-mail address.
email_requests = Table(
    "email_requests",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    ref("user_id", "users.id"),
    Column("email", String(254), nullable=False),  # in lower case
    Column("code_hmac", LargeBinary, nullable=False),  # HMAC-SHA256(pepper, "email" | id | email | code)
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    Column("ip", String(45), nullable=False),
    Column("network", String(45), nullable=False),  # its /24 or /48
    at("created_at"),
    at("expires_at"),
    at("used_at", nullable=True),
    at("failed_at", nullable=True),  # the mail did not go: it counts for no limit of the user
    Index(None, "user_id", "created_at"),
    Index(None, "email", "created_at"),
    Index(None, "ip", "created_at"),
    Index(None, "network", "created_at"),
    Index(None, "created_at"),
)

devices = Table(
    "devices",
    metadata,
    id_column(),
    ref("user_id", "users.id"),
    Column("secret_hash", LargeBinary, nullable=False),  # SHA-256 of 32 random bytes
    Column("label", String(120), nullable=False, server_default=""),
    at("created_at", now=True),
    at("revoked_at", nullable=True),
    Index(None, "user_id"),
)

# One sign-in. Ending it revokes every refresh token and, by its id in the access token, the sockets.
sessions = Table(
    "sessions",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    ref("user_id", "users.id"),
    Column("ip", String(45), nullable=False, server_default=""),
    Column("user_agent", String(200), nullable=False, server_default=""),
    at("created_at", now=True),
    at("expires_at"),
    Column("method", String(8), nullable=False, server_default="otp"),  # otp | link | google | apple
    at("used_at", nullable=True),  # last refresh
    at("factor_at", nullable=True),  # last second factor; no staff session goes on without one
    at("revoked_at", nullable=True),
    Column("revoke_reason", String(32)),
    Index(None, "user_id"),
    # Workers ask for the sessions ended in the last minutes.
    Index("ix_sessions_revoked", "revoked_at", postgresql_where=text("revoked_at IS NOT NULL")),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),  # SHA-256; the successor is derived, never stored
    Column("session_id", UUID(as_uuid=True), ForeignKey("sessions.id"), nullable=False),
    at("created_at", now=True),
    at("used_at", nullable=True),
    Index(None, "session_id"),
)

driver_states = Table(
    "driver_states",
    metadata,
    Column("driver_id", BigInteger, ForeignKey("users.id"), primary_key=True),
    Column("on_duty", Boolean, nullable=False, server_default=text("true")),
    Column("rating", Float, nullable=False, server_default="5"),
    at("last_offer_at", nullable=True),
)
