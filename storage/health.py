"""What waits in the database, and how the database itself is: small indexed counts, capped."""

from typing import NamedTuple

from .order_rows import seconds
from .postgres import Pool

MOST = 10_000


def _waiting(at: str, rows: str) -> str:
    """How many wait, at most MOST, and since when the first of them (`at` is a column)."""
    return f"SELECT count(*), min(at) FROM (SELECT {at} AS at FROM {rows} ORDER BY {at} LIMIT {MOST}) AS q"


# ix_orders_seek, ix_outbox_unannounced, ix_outbox_due, ix_webhook_deliveries_due, ix_payment_attempts_due,
# ix_subscriptions_due, ix_data_exports_open: each is a partial index that holds what waits and no more.
SEARCHES = _waiting("seek_at", "orders WHERE seek_at <= now() AND status = 'open'")
ANNOUNCEMENTS = """
SELECT count(*), min(created_at)
FROM (SELECT created_at FROM outbox WHERE announced_at IS NULL ORDER BY id LIMIT 10000) AS q
"""
PUSHES = _waiting("due_at", "outbox WHERE state = 'due' AND due_at <= now()")
WEBHOOKS = _waiting("due_at", "webhook_deliveries WHERE state = 'due' AND due_at <= now()")
PAYMENTS = _waiting("due_at", "payment_attempts WHERE due_at <= now()")
RENEWALS = _waiting("due_at", "subscriptions WHERE due_at <= now()")
EXPORTS = _waiting("created_at", "data_exports WHERE state IN ('due', 'running')")
QUEUES = {
    "searches": SEARCHES,
    "announcements": ANNOUNCEMENTS,
    "pushes": PUSHES,
    "webhooks": WEBHOOKS,
    "payments": PAYMENTS,
    "renewals": RENEWALS,
    "exports": EXPORTS,
}
STATE = """
SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) AS connections,
    current_setting('max_connections')::int AS most, pg_database_size(current_database()) AS size,
    coalesce((SELECT extract(epoch FROM now() - min(xact_start)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()), 0)::float8 AS longest_s,
    extract(epoch FROM now())::float8 AS now
"""


class Waiting(NamedTuple):
    """How many wait in a queue (MOST: that many or more), and for how long the first of them, seconds."""

    name: str
    waiting: int
    oldest_s: float


class DatabaseState(NamedTuple):
    """Connections and how many there may be, bytes on disk, seconds of the longest transaction, its clock."""

    connections: int
    most: int
    size: int
    longest_s: float
    now: float


async def database(pool: Pool) -> tuple[DatabaseState, list[Waiting]]:
    """Its state, and all queues."""
    async with pool.acquire() as connection:
        state = DatabaseState(*await connection.fetchrow(STATE))
        queues = []
        for name, statement in QUEUES.items():
            count, since = await connection.fetchrow(statement)
            queues.append(Waiting(name, count, max(0.0, state.now - (seconds(since) or state.now))))
    return state, queues
