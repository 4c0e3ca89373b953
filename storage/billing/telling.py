"""What a user is told about money and access, through the outbox."""

from collections.abc import Mapping

from ..postgres import Connection

# uq_outbox_dedupe_key. It may wait a week for a phone that is off.
SAY = """
INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
VALUES ($1, $2, $3, $4, clock_timestamp() + interval '7 days') ON CONFLICT DO NOTHING
"""


async def say_to(
    connection: Connection, user: int, kind: str, payload: Mapping[str, object], key: str
) -> None:
    """One notice; twice the same key is one."""
    await connection.execute(SAY, user, kind, dict(payload), key)
