"""What signing in needs beside the session: other companies' identities, second factors, half-way sign-ins, the
budget of SMS, and what staff did to accounts."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from .columns import at, id_column, metadata, ref

# A Google or Apple account. Without a user it has been seen, and its owner has not confirmed a phone yet.
identities = Table(
    "identities",
    metadata,
    id_column(),
    Column("provider", String(8), nullable=False),
    Column("subject", String(255), nullable=False),  # their id of the person; the key, never the e-mail
    ref("user_id", "users.id", nullable=True),
    Column("email", String(254)),  # verified by them; may be a relay address of Apple
    Column("name", String(120), nullable=False, server_default=""),
    Column("refresh_sealed", LargeBinary),  # Apple's, to revoke it when the account goes
    Column("refresh_client", String(255)),  # which of our client ids it was given to
    at("created_at", now=True),
    at("linked_at", nullable=True),
    UniqueConstraint("provider", "subject"),
    Index(
        "uq_identities_user", "user_id", "provider", unique=True, postgresql_where=text("user_id IS NOT NULL")
    ),
    CheckConstraint("provider IN ('google', 'apple')", name="provider"),
)

# One trip to Google or Apple and back. Nonce and PKCE verifier are derived from the state, which is not stored.
oidc_flows = Table(
    "oidc_flows",
    metadata,
    Column("key_hash", LargeBinary, primary_key=True),  # SHA-256 of the state (browser) or the nonce (app)
    Column("provider", String(8), nullable=False),
    Column("purpose", String(8), nullable=False),  # sign_in | link
    Column("challenge", LargeBinary),  # SHA-256 of what the page that began keeps; apps have none
    at("created_at", now=True),
    at("expires_at"),
    Column("code_hash", LargeBinary),  # of the code that is being or was exchanged
    at("claimed_at", nullable=True),
    Column("identity_id", BigInteger, ForeignKey("identities.id", ondelete="CASCADE")),  # who came back
    Column("error", String(32)),  # or why nobody did
    at("answered_at", nullable=True),  # from here on only the same answer again, for seconds
    Column("session_id", UUID(as_uuid=True)),
    Index(None, "expires_at"),
    Index(None, "identity_id"),
)

# Somebody who has shown one thing and must show another: a second factor, or a phone.
pending_sign_ins = Table(
    "pending_sign_ins",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),  # SHA-256
    Column("kind", String(8), nullable=False),  # factor | identity
    ref("user_id", "users.id", nullable=True),
    Column("identity_id", BigInteger, ForeignKey("identities.id", ondelete="CASCADE")),
    Column("method", String(8), nullable=False),  # how the first thing was shown
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    at("created_at", now=True),
    at("expires_at"),
    at("used_at", nullable=True),
    Index(None, "expires_at"),
    Index(None, "identity_id"),
    CheckConstraint("num_nonnulls(user_id, identity_id) = 1", name="whose"),
)

second_factors = Table(
    "second_factors",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id"), primary_key=True),
    Column("secret_sealed", LargeBinary),  # in force
    Column("candidate_sealed", LargeBinary),  # shown, and in force once its first code has come
    at("created_at", now=True),
    at("confirmed_at", nullable=True),
    Column("last_step", BigInteger, nullable=False, server_default="0"),  # 30 s steps; a code is good once
    Column("failed", SmallInteger, nullable=False, server_default="0"),  # since failed_from
    at("failed_from", nullable=True),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id"), primary_key=True),
    Column("code_hmac", LargeBinary, primary_key=True),
    at("used_at", nullable=True),
)

# SMS sent in one day (UTC), all workers together.
sms_days = Table(
    "sms_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("sent", Integer, nullable=False, server_default="0"),
    at("tripped_at", nullable=True),  # the budget was used up: a person has been called
)

# Tokens of other companies that are to be given back because their owner has left.
token_revocations = Table(
    "token_revocations",
    metadata,
    id_column(),
    Column("provider", String(8), nullable=False),
    Column("client", String(255), nullable=False),
    Column("token_sealed", LargeBinary, nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    at("due_at", now=True),
    at("created_at", now=True),
    Index(None, "due_at"),
)

# Append-only by a trigger. No foreign keys: it outlives the accounts it speaks of.
staff_actions = Table(
    "staff_actions",
    metadata,
    id_column(),
    at("at", now=True),
    Column("staff_id", BigInteger, nullable=False),
    Column("action", String(32), nullable=False),
    Column("user_id", BigInteger),  # whom it concerned
    Column("reason", String(500), nullable=False, server_default=""),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    # Of the commitment to `reason` in the chain; both go when the account that they speak of is erased.
    Column("salt", UUID(as_uuid=True), server_default=text("gen_random_uuid()")),
    Index(None, "user_id", "id"),
    Index(None, "staff_id", "id"),
    Index(None, "action", "id"),
)
