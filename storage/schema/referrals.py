"""What users pass on to bring others."""

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table

from .columns import at, metadata

# Only once it is asked for. What an invitation is worth is decided where the money is.
referral_codes = Table(
    "referral_codes",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id"), primary_key=True),
    Column("code", String(10), nullable=False, unique=True),
    at("made_at", now=True),
)
