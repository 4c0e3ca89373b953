"""Notifications that the sandbox owes us. Workers claim what is due with SKIP LOCKED and push `due_at` ahead by a
lease: one that dies loses nothing, its notifications are due again."""

from collections.abc import Sequence
from dataclasses import dataclass

from billing.acquiring import Kind
from storage.postgres import Pool

from .rows import DEAL, Deal, deal_of

LEASE_S = 90.0  # longer than an attempt may take
KEPT_DAYS = 30
SLICE = 5000

# ix_sandbox_deliveries_due. One that comes out of order waits while the one before which it belongs is due.
CLAIM = f"""
WITH picked AS MATERIALIZED (
    SELECT d.id FROM sandbox_deliveries d
    WHERE d.state = 'due' AND d.due_at <= now() AND NOT EXISTS (
        SELECT FROM sandbox_deliveries a WHERE a.id = d.after_id AND a.state = 'due')
    ORDER BY d.due_at, d.id LIMIT $1 FOR UPDATE OF d SKIP LOCKED
)
UPDATE sandbox_deliveries d
SET due_at = now() + $2 * interval '1 second', attempts = attempts + 1, held = false
FROM picked p, sandbox_transactions t WHERE d.id = p.id AND t.id = d.transaction_id
RETURNING d.id AS delivery, d.kind, d.attempts, {DEAL}
"""
# Primary keys. `attempts` is the claim's number: who comes back late closes nothing that another one holds.
TAKEN = """
UPDATE sandbox_deliveries SET state = 'delivered', done_at = now(), answer = $3, error = NULL
WHERE id = $1 AND attempts = $2 AND state = 'due'
"""
# $5 seconds until the next attempt (NULL: there is none).
MISSED = """
UPDATE sandbox_deliveries SET answer = $3, error = $4,
    state = CASE WHEN $5::float8 IS NULL THEN 'dead' ELSE 'due' END,
    done_at = CASE WHEN $5::float8 IS NULL THEN now() END,
    due_at = now() + coalesce($5::float8, 0) * interval '1 second'
WHERE id = $1 AND attempts = $2 AND state = 'due'
"""
# A scan, hourly, in slices.
FORGET = f"""
DELETE FROM sandbox_deliveries WHERE id IN (
    SELECT id FROM sandbox_deliveries
    WHERE state <> 'due' AND created_at < now() - interval '{KEPT_DAYS} days' LIMIT $1)
"""


@dataclass(frozen=True, slots=True)
class Due:
    """A claimed notification. `attempt` counts from 1."""

    id: int
    kind: Kind
    attempt: int
    deal: Deal


class SandboxDeliveries:
    """The queue."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(self, most: int) -> Sequence[Due]:
        """Up to `most` that are due, oldest first."""
        rows = await self._pool.fetch(CLAIM, most, LEASE_S)
        due = [Due(row["delivery"], Kind(row["kind"]), row["attempts"], deal_of(row)) for row in rows]
        return sorted(due, key=lambda one: one.id)

    async def taken(self, due: Due, answer: int) -> None:
        """We took it."""
        await self._pool.execute(TAKEN, due.id, due.attempt, answer)

    async def missed(self, due: Due, answer: int | None, error: str, next_s: float | None) -> None:
        """We did not: again in `next_s` seconds, or never."""
        await self._pool.execute(MISSED, due.id, due.attempt, answer, error, next_s)

    async def forget_old(self) -> int:
        """Deletes what was closed long ago; how many."""
        deleted = 0
        while True:
            _, _, count = (await self._pool.execute(FORGET, SLICE)).partition(" ")
            deleted += int(count)
            if int(count) < SLICE:
                return deleted
