"""What is to be sent: written with what it tells, claimed by state, sent at least once, closed in every case.

Rows are written by the statements of the business (`storage.order_rows`), in their transactions. Workers
claim what is due with SKIP LOCKED and push `due_at` ahead by a lease: a worker that dies between claim and
send loses nothing, the row is simply due again. `attempts` is the claim's number, so a worker that comes back
late cannot put off a row that another one holds.

A row is an event, and its push. It is sent once it was announced (`storage.notices.announcing`), which also
gives SMS and e-mail rows of their own: they name the event as their parent, and what calls the event off calls
them off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .postgres import Pool, transaction

# Both by ix_outbox_due, which holds due rows only. The database's clock decides, on every worker alike.
EXPIRE = """
WITH late AS (
    UPDATE outbox SET state = 'expired', done_at = now() WHERE id IN (
        SELECT id FROM outbox WHERE state = 'due' AND due_at <= now() AND expires_at <= now()
        ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING *
)
INSERT INTO deliveries (notice_id, user_id, kind, offer_id, means, attempt, outcome, reason, lag_ms)
SELECT coalesce(parent_id, id), user_id, kind,
    CASE WHEN jsonb_typeof(payload -> 'offer') = 'number' THEN (payload ->> 'offer')::bigint END,
    CASE channel WHEN 'push' THEN 'none' ELSE channel END, attempts, 'expired', left(coalesce(error, ''), 200),
    extract(epoch FROM now() - created_at) * 1000
FROM late
"""
CLAIM = """
WITH claimed AS MATERIALIZED (
    SELECT id, parent_id FROM outbox
    WHERE state = 'due' AND due_at <= now() AND expires_at > now() AND announced_at IS NOT NULL
    ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE outbox o SET due_at = now() + $2 * interval '1 second', attempts = o.attempts + 1
FROM claimed c LEFT JOIN outbox p ON p.id = c.parent_id WHERE o.id = c.id
RETURNING o.id, o.user_id, o.kind, o.payload, o.dedupe_key, o.attempts,
    extract(epoch FROM o.expires_at - now())::float8 AS left_s, o.channel,
    extract(epoch FROM now() - o.created_at)::float8 AS age_s, coalesce(o.parent_id, o.id) AS event,
    coalesce(p.state = 'cancelled', false) AS called_off
"""
# By primary key. What was cancelled or closed meanwhile stays so.
SENT = "UPDATE outbox SET state = 'sent', done_at = now() WHERE id = ANY($1::bigint[]) AND state = 'due'"
DEAD = "UPDATE outbox SET state = 'dead', done_at = now(), error = $2 WHERE id = $1 AND state = 'due'"
LAPSE = "UPDATE outbox SET state = 'expired', done_at = now(), error = $2 WHERE id = $1 AND state = 'due'"
CALL_OFF = (
    "UPDATE outbox SET state = 'cancelled', done_at = now() WHERE id = ANY($1::bigint[]) AND state = 'due'"
)
PUT_OFF = """
UPDATE outbox SET due_at = least(now() + $3 * interval '1 second', expires_at), error = $4,
    attempts = attempts - $5::int
WHERE id = $1 AND state = 'due' AND attempts = $2
"""
# By the unique index on dedupe_key.
CANCEL = "UPDATE outbox SET state = 'cancelled', done_at = now() WHERE dedupe_key = $1 AND state = 'due'"
# A scan, hourly, in slices: an index on done_at would cost every push more than this costs in a day.
FORGET = """
DELETE FROM outbox WHERE id IN (
    SELECT id FROM outbox WHERE state <> 'due' AND done_at < now() - interval '7 days' LIMIT $1)
"""
SLICE = 5000


@dataclass(frozen=True, slots=True)
class Notice:
    """A claimed row: tell `user` about `kind` by `channel` within `left_s` seconds. `attempt` counts from 1.

    `event` is the row that it belongs to, itself but for an SMS or e-mail; `age_s` seconds ago that was written.
    `called_off`: nobody needs to be told any more.
    """

    id: int
    user: int
    kind: str
    payload: Mapping[str, Any]
    dedupe_key: str
    attempt: int
    left_s: float
    channel: str
    age_s: float
    event: int
    called_off: bool


class Outbox:
    """The table `outbox` as a queue."""

    def __init__(self, pool: Pool, lease_s: float = 60.0) -> None:
        self._pool = pool
        self._lease_s = lease_s

    async def claim(self, limit: int) -> list[Notice]:
        """Up to `limit` due notices, ours until the lease ends; closes those that came too late."""
        async with transaction(self._pool) as connection:
            await connection.execute(EXPIRE, SLICE)
            rows = await connection.fetch(CLAIM, limit, self._lease_s)
        return [Notice(*row) for row in rows]

    async def sent(self, notices: Sequence[Notice]) -> None:
        """They went out (even if the lease has ended meanwhile)."""
        await self._pool.execute(SENT, [notice.id for notice in notices])

    async def dead(self, notice: Notice, error: str) -> None:
        """It will never go out: the reason is kept for a person to read."""
        await self._pool.execute(DEAD, notice.id, error)

    async def lapse(self, notice: Notice, why: str) -> None:
        """Its time is over before it may ring."""
        await self._pool.execute(LAPSE, notice.id, why)

    async def call_off(self, notices: Sequence[Notice]) -> None:
        """They are not to go out any more."""
        await self._pool.execute(CALL_OFF, [notice.id for notice in notices])

    async def put_off(self, notice: Notice, seconds: float, error: str, *, tried: bool = True) -> None:
        """Try again in that many seconds; the expiry still closes it. What was not `tried` was no attempt."""
        await self._pool.execute(PUT_OFF, notice.id, notice.attempt, seconds, error, 0 if tried else 1)

    async def cancel(self, dedupe_key: str) -> None:
        """Not needed any more: the socket has brought it."""
        await self._pool.execute(CANCEL, dedupe_key)

    async def forget_old(self) -> int:
        """Deletes notices that were closed more than seven days ago; how many."""
        deleted = 0
        while True:
            _, _, count = (await self._pool.execute(FORGET, SLICE)).partition(" ")
            deleted += int(count)
            if int(count) < SLICE:
                return deleted
