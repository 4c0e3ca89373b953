"""What came of each attempt to tell somebody: rows that are added and never changed, kept for ninety days."""

import datetime
from collections.abc import Sequence
from typing import NamedTuple

from ..postgres import Pool, transaction

NO_LIMIT = 2**62
KEEP_DAYS = 90
SLICE = 5000
EVERYBODY = 0  # whose day of SMS is that of all together

ADD = """
INSERT INTO deliveries (notice_id, user_id, kind, offer_id, means, endpoint_id, attempt, outcome, reason, lag_ms)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::bigint[],
    $7::smallint[], $8::text[], $9::text[], $10::bigint[])
"""
_ROW = """
id, notice_id, user_id, kind, offer_id, means, endpoint_id, attempt, outcome, reason, lag_ms,
    extract(epoch FROM at)::float8 AS at
"""
# ix_deliveries_user_id_id, read backwards.
OF_USER = f"SELECT {_ROW} FROM deliveries WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
# ix_deliveries_offer_id: a handful of rows.
OF_OFFER = f"SELECT {_ROW} FROM deliveries WHERE offer_id = $1 ORDER BY id LIMIT 200"
# Primary keys.
OFFER = """
SELECT f.driver_id AS driver, f.order_id AS order, f.status, extract(epoch FROM f.made_at)::float8 AS made_at,
    extract(epoch FROM f.expires_at)::float8 AS expires_at, extract(epoch FROM f.seen_at)::float8 AS seen_at
FROM offers f WHERE f.id = $1
"""
# The primary key, for numbers and times grow together.
FORGET = """
DELETE FROM deliveries WHERE id IN (
    SELECT id FROM (SELECT id, at FROM deliveries ORDER BY id LIMIT $2) d
    WHERE at < now() - make_interval(days => $1))
"""
# Primary key; the row of everybody is taken last, by all in the same order.
SPEND = """
INSERT INTO sms_spent AS s (user_id, day, sent) VALUES ($1, $2, 1)
ON CONFLICT (user_id, day) DO UPDATE SET sent = s.sent + 1 WHERE s.sent < $3 RETURNING sent
"""
FORGET_SPENT = "DELETE FROM sms_spent WHERE day < current_date - 7"
TODAY = "SELECT (now() AT TIME ZONE 'UTC')::date"


class Attempt(NamedTuple):
    """One attempt by one means. `lag_ms` since the event was written."""

    notice: int
    user: int
    kind: str
    offer: int | None
    means: str
    endpoint: int | None
    attempt: int
    outcome: str
    reason: str
    lag_ms: int


class Delivery(NamedTuple):
    """An attempt as it is kept; `at` in epoch seconds."""

    id: int
    notice: int
    user: int
    kind: str
    offer: int | None
    means: str
    endpoint: int | None
    attempt: int
    outcome: str
    reason: str
    lag_ms: int
    at: float


class OfferTold(NamedTuple):
    """An offer and how its driver was told; times in epoch seconds."""

    driver: int
    order: int
    status: str
    made_at: float
    expires_at: float
    seen_at: float | None
    deliveries: list[Delivery]


class Ledger:
    """The table `deliveries`, and the days' budgets of SMS."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, attempts: Sequence[Attempt]) -> None:
        """Keeps what came of these."""
        if attempts:
            await self._pool.execute(ADD, *(list(column) for column in zip(*attempts, strict=True)))

    async def of_user(self, user: int, before: int | None, limit: int) -> list[Delivery]:
        """How this user was told, newest first."""
        below = NO_LIMIT if before is None else before
        return [Delivery(*row) for row in await self._pool.fetch(OF_USER, user, below, limit)]

    async def of_offer(self, offer: int) -> OfferTold | None:
        """Whether, when and how its driver was told of this offer; None when there is none."""
        row = await self._pool.fetchrow(OFFER, offer)
        if row is None:
            return None
        told = [Delivery(*each) for each in await self._pool.fetch(OF_OFFER, offer)]
        return OfferTold(**row, deliveries=told)

    async def spend_sms(self, user: int, a_user: int, all_together: int) -> bool:
        """Takes one SMS of today's budgets, or says that one of them is spent: then nothing was taken."""
        try:
            async with transaction(self._pool) as connection:
                day: datetime.date = await connection.fetchval(TODAY)
                for whose, most in ((user, a_user), (EVERYBODY, all_together)):
                    if await connection.fetchval(SPEND, whose, day, most) is None:
                        raise _Spent
        except _Spent:
            return False
        return True

    async def forget_old(self) -> int:
        """Deletes rows of more than ninety days ago; how many."""
        await self._pool.execute(FORGET_SPENT)
        deleted = 0
        while True:
            _, _, count = (await self._pool.execute(FORGET, KEEP_DAYS, SLICE)).partition(" ")
            deleted += int(count)
            if int(count) < SLICE:
                return deleted


class _Spent(Exception):
    pass
